// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: rings plus doorbell to another kernel
 *
 * A doorbell says "look": it carries nothing.  Its interrupt looks at every
 * open channel of this kernel, a handful, and reads what is there.  A reader
 * that is at it anyway says so by @rx_armed, and no doorbell is rung.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/rculist.h>
#include <linux/sched/clock.h>

#include "internal.h"

/* Records read in one go; the rest is left to a worker */
#define MK_RX_BUDGET	64

/* How long a ping waits for its echo */
#define MK_PING_TIMEOUT	(500 * NSEC_PER_MSEC)

static void mk_channel_more(struct work_struct *work);

static LIST_HEAD(mk_channels);
static DEFINE_SPINLOCK(mk_channels_lock);

/**
 * mk_channel_init - make a closed channel
 * @ch: channel
 * @role: which side this kernel is
 */
void mk_channel_init(struct mk_channel *ch, enum mk_role role)
{
	INIT_LIST_HEAD(&ch->node);
	ch->role = role;
	raw_spin_lock_init(&ch->rx_lock);
	raw_spin_lock_init(&ch->tx_lock);
	mutex_init(&ch->ping_lock);
	INIT_WORK(&ch->more, mk_channel_more);
}

/**
 * mk_channel_attach - point a closed channel at a fresh window
 * @ch: channel
 * @window: the shared window, all rings empty
 *
 * Context: process; the channel is closed.
 */
void mk_channel_attach(struct mk_channel *ch, void *window)
{
	struct mk_ring_ctl *host = &mk_host_page(window)->ctl;
	struct mk_ring_ctl *spawn = &mk_spawn_page(window)->ctl;
	bool at_host = ch->role == MK_ROLE_HOST;
	struct mk_ring_ctl *mine = at_host ? host : spawn;
	struct mk_ring_ctl *theirs = at_host ? spawn : host;
	void *down = window + MK_WINDOW_TX_RING, *up = window + MK_WINDOW_RX_RING;

	ch->tx = (struct mk_ring_tx) {
		.data = at_host ? down : up,
		.size = MK_RING_SIZE,
		.head = &mine->head,
		.tail = &theirs->tail,
	};
	ch->rx = (struct mk_ring_rx) {
		.data = at_host ? up : down,
		.size = MK_RING_SIZE,
		.head = &theirs->head,
		.tail = &mine->tail,
	};
	ch->rx_armed = &mine->armed;
	ch->peer_armed = &theirs->armed;
	ch->doorbell_vector = 0;
	ch->broken = false;
	memset(&ch->stats, 0, sizeof(ch->stats));
}

/**
 * mk_channel_listen - hear the doorbell from now on
 * @ch: attached channel
 *
 * Only @ch->event is called until mk_channel_open().
 *
 * Context: process.
 */
void mk_channel_listen(struct mk_channel *ch)
{
	spin_lock(&mk_channels_lock);
	list_add_tail_rcu(&ch->node, &mk_channels);
	spin_unlock(&mk_channels_lock);
}

/**
 * mk_channel_open - let records flow
 * @ch: channel that listens
 * @dest: CPU that hears the peer's doorbell, already checked
 * @vector: and on which vector
 *
 * Context: any.
 */
void mk_channel_open(struct mk_channel *ch, u32 dest, u32 vector)
{
	ch->doorbell_dest = dest;
	ch->doorbell_vector = vector;
	WRITE_ONCE(*ch->rx_armed, 1);
	/* Pairs with the acquire in mk_channel_is_open(): doorbell is known */
	smp_store_release(&ch->open, true);
}

static bool mk_channel_is_open(struct mk_channel *ch)
{
	/* Pairs with the release in mk_channel_open() */
	return smp_load_acquire(&ch->open);
}

/**
 * mk_channel_close - nothing is sent, read or heard any more on return
 * @ch: channel, may be closed already
 *
 * Context: process, may sleep.
 */
void mk_channel_close(struct mk_channel *ch)
{
	WRITE_ONCE(ch->open, false);

	spin_lock(&mk_channels_lock);
	if (!list_empty(&ch->node))
		list_del_rcu(&ch->node);
	spin_unlock(&mk_channels_lock);

	/* The doorbell may be walking over it, senders be past their check */
	synchronize_rcu();
	cancel_work_sync(&ch->more);
	INIT_LIST_HEAD(&ch->node);
}

static void mk_channel_broken(struct mk_channel *ch, const char *what)
{
	if (ch->broken)
		return;
	ch->broken = true;
	if (ch->fault)
		ch->fault(ch, what);
}

/**
 * mk_channel_ring - ring the peer's doorbell
 * @ch: channel
 *
 * Context: any but NMI.
 */
void mk_channel_ring(struct mk_channel *ch)
{
	if (!ch->doorbell_vector)
		return;
	ch->stats.doorbells_tx++;
	arch_mk_doorbell_ring(ch->doorbell_dest, ch->doorbell_vector);
}

/**
 * mk_channel_send - send one record
 * @ch: channel
 * @rec: header
 * @payload: @rec->len bytes
 *
 * Context: any but NMI.
 * Return: 0; -ENOTCONN if the channel is not open; -EAGAIN if the ring is
 * full; -EMSGSIZE; or -EPROTO if the peer broke the rules.
 */
int mk_channel_send(struct mk_channel *ch, const struct mk_record *rec,
		    const void *payload)
{
	unsigned long flags;
	int err;

	/* Pairs with synchronize_rcu() in mk_channel_close() */
	rcu_read_lock();
	if (!mk_channel_is_open(ch)) {
		rcu_read_unlock();
		return -ENOTCONN;
	}

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	err = mk_ring_write(&ch->tx, rec, payload);
	if (!err) {
		ch->stats.tx++;
		/*
		 * The record before the look at @peer_armed.  Pairs with the
		 * barrier in mk_channel_arm(): one of both sees the other.
		 */
		smp_mb();
		if (READ_ONCE(*ch->peer_armed))
			mk_channel_ring(ch);
	} else if (err == -EAGAIN) {
		ch->stats.tx_full++;
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);

	if (err == -EPROTO)
		mk_channel_broken(ch, "impossible consumer index in its ring");
	rcu_read_unlock();

	return err;
}

/* A reply came: the only ones asked for are echoes */
static void mk_channel_reply(struct mk_channel *ch, const struct mk_record *rec)
{
	if (rec->service == MK_SERVICE_ECHO && rec->id && rec->id == ch->ping_id)
		WRITE_ONCE(ch->ping_id, 0);
	else
		ch->stats.stray_replies++;
}

static bool mk_channel_pending(struct mk_channel *ch)
{
	return !ch->broken && !mk_ring_empty(&ch->rx);
}

/* Read what is there, at most %MK_RX_BUDGET records; true if some are left */
static bool mk_channel_read(struct mk_channel *ch)
{
	struct mk_record rec;
	unsigned long flags;
	int n = 0, ret = 0;

	do {
		/* Whoever holds it looks again after letting go */
		if (!raw_spin_trylock_irqsave(&ch->rx_lock, flags))
			return false;

		for (; n < MK_RX_BUDGET && !ch->broken; n++) {
			ret = mk_ring_read(&ch->rx, &rec, ch->rx_buf);
			if (ret <= 0)
				break;
			ch->stats.rx++;
			if (rec.flags & MK_RECORD_REPLY)
				mk_channel_reply(ch, &rec);
			else
				mk_service_dispatch(ch, &rec, ch->rx_buf);
		}
		raw_spin_unlock_irqrestore(&ch->rx_lock, flags);

		if (ret < 0)
			mk_channel_broken(ch, "impossible record in its ring");
		/*
		 * The unlock before the look at the ring.  Pairs with the
		 * barrier in mk_channel_arm(): whom the trylock turned away
		 * has seen less than this.
		 */
		smp_mb();
	} while (n < MK_RX_BUDGET && mk_channel_pending(ch));

	return mk_channel_pending(ch);
}

/* Ask for doorbells again; true if something came in between */
static bool mk_channel_arm(struct mk_channel *ch)
{
	WRITE_ONCE(*ch->rx_armed, 1);
	/* @armed before the look at the ring, pairs with mk_channel_send() */
	smp_mb();

	return mk_channel_pending(ch);
}

/* The rest of a flood, where it holds up nobody: no doorbells meanwhile */
static void mk_channel_more(struct work_struct *work)
{
	struct mk_channel *ch = container_of(work, struct mk_channel, more);
	bool left = false;

	rcu_read_lock();
	if (mk_channel_is_open(ch))
		left = mk_channel_read(ch) || mk_channel_arm(ch);
	rcu_read_unlock();

	/* Queued anew, not in a loop: others that wait get their turn */
	if (left)
		queue_work(system_unbound_wq, &ch->more);
}

/**
 * mk_doorbell - somebody rang
 *
 * Called by the architecture from the doorbell's interrupt.
 *
 * Context: hard interrupt.
 */
void mk_doorbell(void)
{
	struct mk_channel *ch;

	rcu_read_lock();
	list_for_each_entry_rcu(ch, &mk_channels, node) {
		ch->stats.doorbells_rx++;
		if (ch->event)
			ch->event(ch);
		if (!mk_channel_is_open(ch))
			continue;
		/* A flood can't hold the CPU here */
		if (mk_channel_read(ch)) {
			WRITE_ONCE(*ch->rx_armed, 0);
			queue_work(system_unbound_wq, &ch->more);
		}
	}
	rcu_read_unlock();
}

/**
 * mk_channel_ping - one echo there and back
 * @ch: channel
 * @ns: gets the round trip in ns
 *
 * Reads the ring itself while it waits, so the answer needs no doorbell.
 *
 * Context: process, may sleep; polls with preemption on.
 * Return: 0, -ETIMEDOUT, or what mk_channel_send() says.
 */
int mk_channel_ping(struct mk_channel *ch, u64 *ns)
{
	struct mk_record rec = { .service = MK_SERVICE_ECHO, .len = sizeof(u64) };
	u64 start = 0, now = 0;
	int err;

	mutex_lock(&ch->ping_lock);
	if (!mk_channel_is_open(ch)) {
		err = -ENOTCONN;
		goto out;
	}

	rec.id = ++ch->next_id;
	WRITE_ONCE(ch->ping_id, rec.id);
	WRITE_ONCE(*ch->rx_armed, 0);

	start = local_clock();
	now = start;
	err = mk_channel_send(ch, &rec, &start);

	while (!err && READ_ONCE(ch->ping_id)) {
		rcu_read_lock();
		if (mk_channel_is_open(ch))
			mk_channel_read(ch);
		else
			err = -ENOTCONN;
		rcu_read_unlock();

		now = local_clock();
		if (now - start > MK_PING_TIMEOUT && !err)
			err = -ETIMEDOUT;
		cond_resched();
		cpu_relax();
	}
	now = local_clock();
	WRITE_ONCE(ch->ping_id, 0);

	rcu_read_lock();
	if (mk_channel_is_open(ch) && mk_channel_arm(ch))
		queue_work(system_unbound_wq, &ch->more);
	rcu_read_unlock();
out:
	mutex_unlock(&ch->ping_lock);
	*ns = now - start;

	return err;
}
