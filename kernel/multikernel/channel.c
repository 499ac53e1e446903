// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: rings plus doorbell to another kernel
 *
 * A channel is attached to a window, listens for doorbells, is open while there is
 * a kernel at the other end, and closed when it is gone.  How it is read is in
 * reader.c, how it is written in message.c.
 *
 * A doorbell says "look": it carries nothing.  Its interrupt looks at every
 * open channel of this kernel, a handful, and has a softirq or the reader look at
 * those that have something.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/rculist.h>

#include "internal.h"

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
	mk_reader_init(ch);
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
 * mk_window_clear - make the window a fresh one, for a new start
 * @window: the shared window, which nobody uses
 *
 * The bytes of the log stay, and those in the rings, which are empty by their indices.
 *
 * Context: any.
 */
void mk_window_clear(void *window)
{
	memset(mk_spawn_page(window), 0, sizeof(struct mk_spawn_page));
	memset(window + MK_WINDOW_CPUS, 0, MK_WINDOW_CONSOLE - MK_WINDOW_CPUS);
	memset(window + MK_WINDOW_NOTES, 0, MK_WINDOW_RX_RING - MK_WINDOW_NOTES);
	memset(mk_host_page(window), 0, sizeof(struct mk_host_page));
}

/**
 * mk_channel_attach - point a closed channel at a fresh window
 * @ch: channel
 * @window: the shared window, after mk_window_clear()
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
	ch->unsent = false;
	ch->poll_ns = 0;
	ch->polled = false;
	ch->soft_may = false;
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

	/* No softirq begins any more */
	irq_poll_disable(&ch->soft);
	/* The doorbell may be walking over it, or that softirq be reading or waking */
	synchronize_rcu();
	mutex_lock(&mk_channels_lock);
	INIT_LIST_HEAD(&ch->node);
	mutex_unlock(&mk_channels_lock);
	if (reader)
		kthread_stop(reader);

	mk_services_detach(ch);
	irq_poll_enable(&ch->soft);
	/* Nobody polls any more, as all endpoints are closed */
	hrtimer_cancel(&ch->hold);
	WRITE_ONCE(ch->held, false);
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
