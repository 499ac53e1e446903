// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: rings plus doorbell to another kernel
 *
 * A doorbell says "look": it carries nothing.  Its interrupt looks at every
 * open channel of this kernel, a handful, and wakes the readers of those that
 * have something.  A channel has one reader thread; whoever waits for an
 * answer reads in its place, as long as it is not at it itself.
 *
 * Who reads looks on for a moment when the ring is empty, and only then asks
 * for doorbells: it *arms* the channel, by saying up to where it has read.  A
 * sender that has written more than that rings, once for each arming.  The
 * same way a sender that found no room says up to where it saw the peer read.
 *
 * The index is what tells a doorbell that is due from one that comes late: a
 * sender that is held up between its record and its look at @armed may find
 * that the reader has read this record and sleeps again.  Were it to ring then,
 * the doorbell would find nothing, and there would be none for the next record.
 *
 *	sender				reader
 *	------				------
 *	write record			write @armed
 *	full barrier			full barrier
 *	read @armed, ring		read ring, sleep
 *
 *	write @want_room		give room back
 *	full barrier			full barrier
 *	read room, sleep		read @want_room, ring
 *
 * so that one of both always sees what the other wrote.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/rculist.h>
#include <linux/sched/clock.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."

/* Shortest look at an empty ring, ns */
#define MK_POLL_MIN	4000

/* And what the longest may be set to: others want that CPU, too */
#define MK_POLL_US_MAX	10000U

unsigned int mk_poll_us = 200;
module_param_named(poll_us, mk_poll_us, uint, 0644);
MODULE_PARM_DESC(poll_us, "Longest look at an empty ring before sleeping, in us; 0 is never");

static LIST_HEAD(mk_channels);
static DEFINE_MUTEX(mk_channels_lock);

/**
 * mk_channel_init - make a closed channel
 * @ch: channel, all zero
 * @role: which side this kernel is
 * @ops: what is at the other end
 * @peer_id: instance id of the peer, 0 for the host
 * @peer_name: its name; stays with the caller
 */
void mk_channel_init(struct mk_channel *ch, enum mk_role role,
		     const struct mk_channel_ops *ops, u32 peer_id,
		     const char *peer_name)
{
	int i;

	INIT_LIST_HEAD(&ch->node);
	INIT_LIST_HEAD(&ch->service_node);
	INIT_LIST_HEAD(&ch->late);
	INIT_LIST_HEAD(&ch->requests);
	init_waitqueue_head(&ch->room_wait);
	init_waitqueue_head(&ch->request_wait);
	mutex_init(&ch->rx_lock);
	raw_spin_lock_init(&ch->tx_lock);
	spin_lock_init(&ch->requests_lock);
	raw_spin_lock_init(&ch->heart.lock);
	ch->role = role;
	ch->ops = ops;
	ch->peer_id = peer_id;
	ch->peer_name = peer_name;

	for (i = 0; i < ARRAY_SIZE(ch->endpoints); i++) {
		ch->endpoints[i].ch = ch;
		ch->endpoints[i].id = i;
	}
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
	struct mk_host_page *host = mk_host_page(window);
	struct mk_spawn_page *spawn = mk_spawn_page(window);
	bool at_host = ch->role == MK_ROLE_HOST;
	struct mk_ring_ctl *mine = at_host ? &host->ctl : &spawn->ctl;
	struct mk_ring_ctl *theirs = at_host ? &spawn->ctl : &host->ctl;
	void *down = window + MK_WINDOW_TX_RING, *up = window + MK_WINDOW_RX_RING;
	unsigned long flags;

	/* Somebody may be trying to send, and is told that it is closed */
	raw_spin_lock_irqsave(&ch->tx_lock, flags);
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
	ch->armed = &mine->armed;
	ch->want_room = &mine->want_room;
	ch->peer_armed = &theirs->armed;
	ch->peer_want_room = &theirs->want_room;
	ch->doorbell_dest = at_host ? &host->doorbell_dest : &spawn->doorbell_dest;

	mk_heart_attach(&ch->heart, at_host ? &host->pulse : &spawn->pulse,
			at_host ? &spawn->pulse : &host->pulse);

	ch->rung = 0;
	ch->room_rung = 0;
	ch->starved = false;
	ch->broken = false;
	ch->nr_offers = 0;
	ch->due = false;
	ch->poll_ns = 0;
	WRITE_ONCE(ch->request_poll_ns, 0);
	memset(&ch->stats, 0, sizeof(ch->stats));
	WRITE_ONCE(ch->state, MK_CHANNEL_CLOSED);
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
}

/**
 * mk_channel_listen - hear the doorbell from now on
 * @ch: attached channel
 *
 * Only the channel's event is called until mk_channel_open().
 *
 * Context: process.
 */
void mk_channel_listen(struct mk_channel *ch)
{
	mutex_lock(&mk_channels_lock);
	list_add_tail_rcu(&ch->node, &mk_channels);
	mutex_unlock(&mk_channels_lock);
}

static void mk_channel_broken(struct mk_channel *ch, const char *what,
			      const struct mk_record *rec)
{
	char text[MK_EXIT_TEXT];

	if (rec)
		scnprintf(text, sizeof(text), "%s: service %u, flags %#x, id %llu, length %u",
			  what, rec->service, rec->flags, rec->id, rec->len);
	else
		strscpy(text, what, sizeof(text));
	WRITE_ONCE(ch->broken, true);
	ch->ops->fault(ch, text);
}

/* Did something come, or did the room come that somebody waits for? */
static bool mk_channel_wanted(const struct mk_channel *ch)
{
	if (!mk_channel_is_open(ch) || READ_ONCE(ch->broken))
		return false;
	if (!mk_ring_empty(&ch->rx) || mk_channel_may_tell(ch))
		return true;

	return READ_ONCE(ch->starved) && READ_ONCE(*ch->tx.tail) != READ_ONCE(ch->starved_at);
}

/* Reading */

/* A sender of the peer's waits for room, and now there is some */
static void mk_channel_give_room(struct mk_channel *ch)
{
	unsigned long flags;
	u32 want;

	/* The room before the look at @peer_want_room, see above */
	smp_mb();
	want = READ_ONCE(*ch->peer_want_room);
	if (!want)
		ch->room_rung = 0;
	/* If it had seen this room already, the doorbell is for the next one */
	if (!want || want == ch->room_rung || want == (ch->rx.next | MK_INDEX_SET))
		return;
	ch->room_rung = want;

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	mk_count(ch->stats.doorbells_tx, 1);
	raw_spin_unlock(&ch->tx_lock);
	ch->ops->ring(ch);
	local_irq_restore(flags);
}

/* There is room for those of this kernel that waited for it */
static void mk_channel_take_room(struct mk_channel *ch, bool waiter)
{
	unsigned long flags;
	bool room;

	if (!READ_ONCE(ch->starved))
		return;

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	room = ch->starved && READ_ONCE(*ch->tx.tail) != ch->starved_at;
	if (room) {
		WRITE_ONCE(ch->starved, false);
		WRITE_ONCE(*ch->want_room, 0);
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	if (!room)
		return;

	mk_late_replies_send(ch);
	/* Before those who would use up the room each time */
	if (!waiter)
		mk_services_tell(ch);
	wake_up_all(&ch->room_wait);
	mk_services_writable(ch);
}

/**
 * mk_channel_read - read what is there, %MK_RX_BUDGET records at most
 * @ch: channel
 * @waiter: in the place of the reader
 *
 * Offers and withdrawals, read or to be sent, are left to the reader: opening and
 * closing an endpoint may wait until nobody asks any more, and so must not happen
 * within a request.
 *
 * Context: &mk_channel.rx_lock held.
 * Return: true if something was left.
 */
bool mk_channel_read(struct mk_channel *ch, bool waiter)
{
	const void *payload;
	struct mk_record rec;
	bool left = false;
	u32 given = 0;
	int n, ret;

	lockdep_assert_held(&ch->rx_lock);

	for (n = 0; n < MK_RX_BUDGET && mk_channel_is_open(ch); n++) {
		ret = mk_ring_peek(&ch->rx, &rec, &payload);
		if (ret < 0) {
			/* Nothing left of what its index allowed: it was the index */
			if (ch->rx.seen == ch->rx.next)
				mk_channel_broken(ch, "impossible head", NULL);
			else
				mk_channel_broken(ch, "impossible record", &rec);
		}
		if (ret <= 0)
			break;
		left = waiter && (rec.flags & (MK_RECORD_OFFER | MK_RECORD_WITHDRAW));
		if (left)
			break;
		mk_count(ch->stats.rx, 1);
		mk_count(ch->stats.rx_bytes, rec.len);

		ret = mk_dispatch(ch, &rec, payload);
		mk_ring_consume(&ch->rx);
		if (ret < 0) {
			mk_channel_broken(ch, "message against the rules", &rec);
			break;
		}
		/* Whoever waits for room writes on while the rest is read */
		given += rec.len;
		if (given >= MK_RING_SIZE / 4) {
			mk_channel_give_room(ch);
			given = 0;
		}
	}
	mk_channel_give_room(ch);
	mk_channel_take_room(ch, waiter);
	if (waiter)
		return left || mk_channel_may_tell(ch);
	mk_services_tell(ch);

	return false;
}

static u64 mk_poll_max(void)
{
	return (u64)min(READ_ONCE(mk_poll_us), MK_POLL_US_MAX) * NSEC_PER_USEC;
}

/*
 * How long to look at an empty ring.  After a sleep that was shorter than what
 * is allowed a longer look would have saved it; after a longer one the look
 * was in vain.
 */
static void mk_poll_adapt(u64 *window, u64 slept)
{
	u64 max = mk_poll_max();
	/* That of requests is adapted by each who asks, without a lock */
	u64 now = READ_ONCE(*window);

	if (slept < max)
		now = min(max, max_t(u64, now * 2, MK_POLL_MIN));
	else
		now = now > MK_POLL_MIN ? now / 2 : 0;
	WRITE_ONCE(*window, now);
}

/*
 * Read until nothing comes for a while, until @w has its answer, or until the
 * budget is used up.  True if there is more to read: no doorbell will say so.
 */
static bool mk_channel_run(struct mk_channel *ch, struct mk_waiter *w)
{
	u64 learnt = READ_ONCE(*(w ? &ch->request_poll_ns : &ch->poll_ns));
	u64 window = min(learnt, mk_poll_max());
	u64 end = local_clock() + window;
	bool empty = false, hit = false;
	int budget = MK_RX_BUDGET;
	u64 rx;

	lockdep_assert_held(&ch->rx_lock);
	/* The window is no longer ours once it is closed */
	if (!mk_channel_is_open(ch))
		return false;
	WRITE_ONCE(*ch->armed, 0);

	for (;;) {
		if (mk_channel_wanted(ch)) {
			if (empty && !hit) {
				hit = true;
				mk_count(ch->stats.polled, 1);
			}
			rx = ch->stats.rx;
			if (mk_channel_read(ch, w))
				break;
			budget -= 1 + (int)(ch->stats.rx - rx);
			if (!w)
				end = local_clock() + window;
		} else {
			empty = true;
		}
		if (w ? completion_done(&w->done) : kthread_should_stop())
			break;
		/* Not armed: a flood costs its sender no doorbell, and us none */
		if (budget <= 0)
			return true;
		if (!mk_channel_is_open(ch) || READ_ONCE(ch->broken) ||
		    need_resched() || local_clock() >= end)
			break;
		cpu_relax();
	}

	if (mk_channel_is_open(ch)) {
		WRITE_ONCE(*ch->armed, ch->rx.next | MK_INDEX_SET);
		/* @armed before the look at the ring, see above */
		smp_mb();
	}

	return mk_channel_wanted(ch);
}

static int mk_reader(void *data)
{
	struct mk_channel *ch = data;
	bool more;
	u64 from;

	while (!kthread_should_stop()) {
		mk_rx_lock(ch);
		more = mk_channel_run(ch, NULL);
		mk_rx_unlock(ch);
		cond_resched();
		if (more)
			continue;

		set_current_state(TASK_IDLE);
		if (!kthread_should_stop() && !mk_channel_wanted(ch)) {
			mk_count(ch->stats.slept, 1);
			from = local_clock();
			schedule();
			mk_poll_adapt(&ch->poll_ns, local_clock() - from);
		}
		__set_current_state(TASK_RUNNING);
	}

	return 0;
}

static void mk_channel_wake(struct mk_channel *ch)
{
	struct task_struct *reader = READ_ONCE(ch->reader);

	/* Pairs with synchronize_rcu() in mk_channel_close() */
	if (reader)
		wake_up_process(reader);
}

/**
 * mk_channel_poll - read in the reader's place until an answer is there
 * @ch: channel
 * @w: who waits
 *
 * Returns after a short while in any case, and at once if somebody reads
 * already or this kernel does not want to poll.
 *
 * Context: process.
 */
void mk_channel_poll(struct mk_channel *ch, struct mk_waiter *w)
{
	u64 begin, window = READ_ONCE(ch->request_poll_ns);
	bool more;

	if (!window || completion_done(&w->done))
		return;
	if (mutex_trylock(&ch->rx_lock)) {
		WRITE_ONCE(ch->rx_owner, current);
		more = mk_channel_run(ch, w);
		mk_rx_unlock(ch);
		rcu_read_lock();
		if (more)
			mk_channel_wake(ch);
		rcu_read_unlock();
		return;
	}
	/* Who reads brings this answer, too */
	begin = local_clock();
	while (!completion_done(&w->done) && !need_resched() &&
	       local_clock() - begin < window)
		cpu_relax();
}

/**
 * mk_channel_waited - an answer came
 * @ch: channel
 * @ns: after this time
 *
 * Context: any.
 */
void mk_channel_waited(struct mk_channel *ch, u64 ns)
{
	mk_poll_adapt(&ch->request_poll_ns, ns);
}

/**
 * mk_channel_heard - somebody rang, look at this channel
 * @ch: channel that listens
 *
 * Context: any but NMI; RCU read side.
 */
void mk_channel_heard(struct mk_channel *ch)
{
	if (ch->ops->event)
		ch->ops->event(ch);
	if (!mk_channel_wanted(ch))
		return;
	mk_count(ch->stats.doorbells_rx, 1);
	mk_channel_wake(ch);
}

/**
 * mk_channel_check - did a doorbell get lost?
 * @ch: channel, in any state
 *
 * Context: any but NMI.
 */
void mk_channel_check(struct mk_channel *ch)
{
	rcu_read_lock();
	if (mk_channel_wanted(ch))
		mk_channel_wake(ch);
	rcu_read_unlock();
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
	list_for_each_entry_rcu(ch, &mk_channels, node)
		mk_channel_heard(ch);
	rcu_read_unlock();
}

/* Opening and closing */

/**
 * mk_channel_open - let messages flow
 * @ch: channel that listens
 *
 * Context: process, may sleep.
 * Return: 0, or why there is no reader.
 */
int mk_channel_open(struct mk_channel *ch)
{
	struct task_struct *reader;
	unsigned long flags;

	reader = kthread_create(mk_reader, ch, "mk/%s", ch->peer_name);
	if (IS_ERR(reader))
		return PTR_ERR(reader);

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	WRITE_ONCE(ch->state, MK_CHANNEL_OPEN);
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);

	mk_services_attach(ch);

	mutex_lock(&mk_channels_lock);
	set_cpus_allowed_ptr(reader, cpumask_of(ch->cpu));
	WRITE_ONCE(ch->reader, reader);
	mutex_unlock(&mk_channels_lock);
	wake_up_process(reader);

	return 0;
}

/**
 * mk_channel_close - nothing is sent, read or heard any more on return
 * @ch: channel, may be closed already
 *
 * Whoever waits for room or an answer ends with -EPIPE, and all endpoints are
 * closed.
 *
 * Context: process, may sleep; not called by a service.
 */
void mk_channel_close(struct mk_channel *ch)
{
	struct task_struct *reader;
	unsigned long flags;

	/* With the lock: no sender is in the ring after this */
	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	if (ch->state == MK_CHANNEL_OPEN)
		WRITE_ONCE(ch->state, MK_CHANNEL_DEAD);
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);

	mk_requests_fail(ch, NULL, -EPIPE);
	wake_up_all(&ch->room_wait);
	wake_up_all(&ch->request_wait);

	mutex_lock(&mk_channels_lock);
	if (!list_empty(&ch->node))
		list_del_rcu(&ch->node);
	reader = ch->reader;
	WRITE_ONCE(ch->reader, NULL);
	mutex_unlock(&mk_channels_lock);

	/* The doorbell may be walking over it, or be waking its reader */
	synchronize_rcu();
	mutex_lock(&mk_channels_lock);
	INIT_LIST_HEAD(&ch->node);
	mutex_unlock(&mk_channels_lock);
	if (reader)
		kthread_stop(reader);

	mk_services_detach(ch);
	mk_late_replies_drop(ch);
}

/* Which CPU hears and reads */

static void mk_channel_move(struct mk_channel *ch, unsigned int cpu)
{
	u32 dest, vector;

	lockdep_assert_held(&mk_channels_lock);

	ch->cpu = cpu;
	if (list_empty(&ch->node))
		return;
	arch_mk_doorbell_address(cpu, &dest, &vector);
	WRITE_ONCE(*ch->doorbell_dest, dest);
	if (ch->reader) {
		set_cpus_allowed_ptr(ch->reader, cpumask_of(cpu));
		/* Somebody may just be ringing where nobody hears it any more */
		wake_up_process(ch->reader);
	}
}

/**
 * mk_channel_set_cpu - let another CPU hear the doorbell and read
 * @ch: channel, in any state
 * @cpu: this kernel's number
 *
 * A doorbell that is rung at the old CPU in the same moment is heard there, or
 * is made up for by the next sign of life.
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV if @cpu is not online.
 */
int mk_channel_set_cpu(struct mk_channel *ch, unsigned int cpu)
{
	int err = -ENODEV;

	cpus_read_lock();
	if (cpu < nr_cpu_ids && cpu_online(cpu)) {
		mutex_lock(&mk_channels_lock);
		mk_channel_move(ch, cpu);
		ch->placed = true;
		mutex_unlock(&mk_channels_lock);
		err = 0;
	}
	cpus_read_unlock();

	return err;
}

/**
 * mk_channel_place - choose a CPU that hears and reads
 * @ch: channel that listens
 *
 * The one that was chosen before, if it is online; else the next one in turn,
 * so that one peer's flood is not in the way of another's messages.
 *
 * Context: process, may sleep.
 */
void mk_channel_place(struct mk_channel *ch)
{
	static int last = -1;

	cpus_read_lock();
	mutex_lock(&mk_channels_lock);
	if (!ch->placed || !cpu_online(ch->cpu)) {
		last = cpumask_next(last, cpu_online_mask);
		if (last >= nr_cpu_ids)
			last = cpumask_first(cpu_online_mask);
		ch->cpu = last;
		ch->placed = true;
	}
	mk_channel_move(ch, ch->cpu);
	mutex_unlock(&mk_channels_lock);
	cpus_read_unlock();
}

/* A CPU goes offline: those that it hears for go elsewhere */
static int mk_channel_cpu_down(unsigned int cpu)
{
	struct mk_channel *ch;

	mutex_lock(&mk_channels_lock);
	list_for_each_entry(ch, &mk_channels, node)
		if (ch->cpu == cpu)
			mk_channel_move(ch, cpumask_any_but(cpu_online_mask, cpu));
	mutex_unlock(&mk_channels_lock);

	return 0;
}

/**
 * mk_channel_cpus_init - follow CPUs that go offline
 *
 * Return: 0 or a negative errno.
 */
int __init mk_channel_cpus_init(void)
{
	int err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "multikernel:doorbell",
					    NULL, mk_channel_cpu_down);

	return err < 0 ? err : 0;
}
