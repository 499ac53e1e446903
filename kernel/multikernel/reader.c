// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: reading a channel
 *
 * A channel has one reader thread; whoever waits for something that it brings
 * reads in its place, as long as it is not at it itself: poll.c.  So does the
 * doorbell's softirq, for what takes no process: mk_soft_read().
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
 *	write @want_room, @armed	give room back
 *	full barrier			full barrier
 *	read room, sleep		read @want_room, @armed, ring
 *
 * so that one of both always sees what the other wrote.  Who is not armed looks for
 * room, too, as long as he reads; who polls instead wakes the reader when it came.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched/clock.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."

/* Shortest look at an empty ring, ns */
#define MK_POLL_MIN	4000

/* Softirqs that read are so far apart, ns; or the reader has its turn */
#define MK_SOFT_PAUSE	100000

/*
 * The longest look as long as nobody says otherwise.  A CPU that halted is awake after
 * some us, but a virtual one after 50 to 300 us, when its hypervisor, or its emulator,
 * gets to it: with 200, who waits for the other kernel's answer sleeps each time.
 */
#define MK_POLL_US		200
#define MK_POLL_US_VIRTUAL	1000

/* Not set */
#define MK_POLL_US_DEFAULT	UINT_MAX

unsigned int mk_poll_us = MK_POLL_US_DEFAULT;
module_param_named(poll_us, mk_poll_us, uint, 0644);
MODULE_PARM_DESC(poll_us, "Longest look at an empty ring before sleeping, in us; 0 is never");

/**
 * mk_channel_wake - let the reader look
 * @ch: channel, in any state
 *
 * Context: any but NMI; RCU read side.
 */
void mk_channel_wake(struct mk_channel *ch)
{
	struct task_struct *reader = READ_ONCE(ch->reader);

	/* Pairs with synchronize_rcu() in mk_channel_close() */
	if (reader)
		wake_up_process(reader);
}

/* Before there is a channel */
static int __init mk_poll_init(void)
{
	if (mk_poll_us == MK_POLL_US_DEFAULT)
		mk_poll_us = arch_mk_is_virtual() ? MK_POLL_US_VIRTUAL : MK_POLL_US;

	return 0;
}
pure_initcall(mk_poll_init);

static enum hrtimer_restart mk_channel_hold_over(struct hrtimer *t)
{
	struct mk_channel *ch = container_of(t, struct mk_channel, hold);

	raw_spin_lock(&ch->hold_lock);
	if (ktime_before(ktime_get(), ch->held_until)) {
		/* While @held is set nobody else touches the timer */
		hrtimer_set_expires(t, ch->held_until);
		raw_spin_unlock(&ch->hold_lock);
		return HRTIMER_RESTART;
	}
	WRITE_ONCE(ch->held, false);
	raw_spin_unlock(&ch->hold_lock);

	/* Else a doorbell says when there is something to do */
	rcu_read_lock();
	if (mk_channel_is_open(ch) && !READ_ONCE(*ch->armed))
		mk_channel_wake(ch);
	rcu_read_unlock();

	return HRTIMER_NORESTART;
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

/* Reading */

/**
 * mk_channel_tell_room - a sender of the peer's waits for what was read
 * @ch: open channel
 * @want: what it said, not 0
 *
 * Context: any but NMI; reading the channel.
 */
void mk_channel_tell_room(struct mk_channel *ch, u32 want)
{
	unsigned long flags;

	/*
	 * If it had seen this room already, the doorbell is for the next one.  Who
	 * is not armed is awake, and looks for room before it sleeps.
	 */
	if (want == ch->room_rung || want == (ch->rx.next | MK_INDEX_SET) ||
	    !READ_ONCE(*ch->peer_armed))
		return;
	ch->room_rung = want;

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	mk_count(ch->stats.doorbells_tx, 1);
	raw_spin_unlock(&ch->tx_lock);
	ch->ops->ring(ch);
	local_irq_restore(flags);
}

/* Did the room come that somebody waited for?  The next one who finds none asks anew */
static bool mk_channel_got_room(struct mk_channel *ch)
{
	unsigned long flags;
	bool room;

	if (!READ_ONCE(ch->starved))
		return false;

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	room = ch->starved && READ_ONCE(*ch->tx.tail) != ch->starved_at;
	if (room) {
		WRITE_ONCE(ch->starved, false);
		WRITE_ONCE(*ch->want_room, 0);
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);

	return room;
}

/* There is room for those of this kernel that waited for it, or did not use it up */
static void mk_channel_take_room(struct mk_channel *ch, bool waiter)
{
	bool room = mk_channel_got_room(ch);

	if (room) {
		mk_late_replies_send(ch);
		/* Before those who would use up the room each time */
		if (!waiter)
			mk_services_tell(ch);
		wake_up_all(&ch->room_wait);
	}
	if (room || (ch->unsent && !waiter))
		mk_services_writable(ch);
}

/*
 * Is a record for the reader, once others could have the lock?  Offers and withdrawals
 * are, within a request.  So is what a service would have to wait for: nobody who asks
 * waits for a stranger, and the reader does so once for each time that it has the lock.
 */
static bool mk_channel_leaves(struct mk_channel *ch, const struct mk_record *rec, bool waiter,
			      bool first)
{
	if (waiter && (rec->flags & (MK_RECORD_OFFER | MK_RECORD_WITHDRAW)))
		return true;

	return (waiter || !first) && mk_dispatch_is_busy(ch, rec);
}

/**
 * mk_channel_read - read what is there, %MK_RX_BUDGET records at most
 * @ch: channel
 * @waiter: in the place of the reader
 *
 * Offers and withdrawals, read or to be sent, are left to the reader: opening and
 * closing an endpoint may wait until nobody asks any more, and so must not happen
 * within a request.  So is what a service would have to wait for, or did not send in
 * one go.
 *
 * Context: &mk_channel.rx_lock held.
 * Return: true if something was left, for the reader, once others could have the lock.
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
		left = mk_channel_leaves(ch, &rec, waiter, !n);
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
		return left || mk_channel_may_tell(ch) || ch->unsent;
	mk_services_tell(ch);

	return left || ch->unsent;
}

/**
 * mk_poll_max - how long anybody may look at an empty ring
 *
 * Also the first time, for who expects something soon; mk_poll_adapt() learns from it.
 *
 * Context: any.
 * Return: multikernel.poll_us in ns, which may change; 0 is not at all.
 */
u64 mk_poll_max(void)
{
	return mk_poll_limit();
}
EXPORT_SYMBOL_GPL(mk_poll_max);

/**
 * mk_poll_adapt - how long to look at an empty ring the next time
 * @window: how long it was, ns; without a lock
 * @waited: and how long the wait was in the end, ns
 *
 * After a wait that was shorter than what is allowed a longer look would have
 * saved the sleep; after a longer one the look was in vain.
 *
 * Context: any.
 */
void mk_poll_adapt(u64 *window, u64 waited)
{
	u64 max = mk_poll_limit();
	u64 now = min(READ_ONCE(*window), max);

	if (waited < max)
		now = min(max, max_t(u64, now * 2, MK_POLL_MIN));
	else
		now = now > MK_POLL_MIN ? now / 2 : 0;
	WRITE_ONCE(*window, now);
}
EXPORT_SYMBOL_GPL(mk_poll_adapt);

/**
 * mk_channel_hold - doorbells stay off for a while
 * @ch: open channel, disarmed
 *
 * The timer lets the reader see to what comes if nobody else does.  Once it runs, only
 * who has read all that was there then may make it later, so that nothing waits in the
 * ring for longer than twice its time.
 *
 * Context: any but NMI; &mk_channel.rx_lock held.
 */
void mk_channel_hold(struct mk_channel *ch)
{
	ktime_t until = ktime_add_ns(ktime_get(), mk_poll_limit());
	unsigned long flags;

	lockdep_assert_held(&ch->rx_lock);

	raw_spin_lock_irqsave(&ch->hold_lock, flags);
	if (!ch->held || (s32)(ch->rx.next - ch->held_head) >= 0) {
		ch->held_until = until;
		/* If the peer lies, it is its own messages that wait */
		ch->held_head = READ_ONCE(*ch->rx.head);
	}
	if (!ch->held) {
		WRITE_ONCE(ch->held, true);
		hrtimer_start(&ch->hold, until, HRTIMER_MODE_ABS);
	}
	raw_spin_unlock_irqrestore(&ch->hold_lock, flags);
}

/*
 * Did somebody find a message in the reader's place a moment ago?  He is likely to
 * do so again: the reader sees to what is left, now and then, and gets out of the way.
 */
static bool mk_channel_is_polled(struct mk_channel *ch)
{
	return READ_ONCE(ch->polled) && local_clock() - READ_ONCE(ch->polled_at) <
					2 * mk_poll_limit();
}

/*
 * Read until nothing comes for a while, or until the budget is used up.  True if
 * there is more to read: no doorbell will say so.
 */
static bool mk_channel_run(struct mk_channel *ch)
{
	u64 window = min(ch->poll_ns, mk_poll_limit());
	u64 end = local_clock() + window;
	bool empty = false, hit = false, left = false;
	int budget = MK_RX_BUDGET;
	u64 rx;

	lockdep_assert_held(&ch->rx_lock);
	/* The window is no longer ours once it is closed */
	if (!mk_channel_is_open(ch))
		return false;
	mk_channel_disarm(ch);

	for (;;) {
		if (mk_channel_look(ch)) {
			if (empty && !hit) {
				hit = true;
				mk_count(ch->stats.polled, 1);
			}
			rx = ch->stats.rx;
			left = mk_channel_read(ch, false);
			budget -= 1 + (int)(ch->stats.rx - rx);
			end = local_clock() + window;
		} else {
			empty = true;
			/* Who waits in person has the shorter way */
			if (atomic_read(&ch->pollers) || mk_channel_is_polled(ch))
				break;
		}
		/* Not armed: a flood costs its sender no doorbell, and us none */
		if (left || budget <= 0)
			return true;
		if (kthread_should_stop() || !mk_channel_is_open(ch) ||
		    READ_ONCE(ch->broken) || need_resched() || local_clock() >= end)
			break;
	}
	if (mk_channel_is_open(ch) && mk_channel_is_polled(ch)) {
		mk_channel_hold(ch);
		return mk_channel_wanted(ch);
	}
	WRITE_ONCE(ch->polled, false);

	return mk_channel_arm(ch);
}

/*
 * Are doorbells off, and the timer is over?  It wakes the reader, which may have been
 * about to sleep.  The state of who sleeps comes before this look, and @held before
 * that wake-up.
 */
static bool mk_channel_is_alone(struct mk_channel *ch)
{
	return mk_channel_is_open(ch) && !READ_ONCE(*ch->armed) && !READ_ONCE(ch->held);
}

/**
 * mk_reader - the thread that reads when nobody else does
 * @data: channel
 *
 * Return: 0.
 */
int mk_reader(void *data)
{
	struct mk_channel *ch = data;
	bool more;
	u64 from;

	while (!kthread_should_stop()) {
		mk_rx_lock(ch);
		more = mk_channel_run(ch);
		mk_rx_unlock(ch);
		cond_resched();
		if (more)
			continue;

		set_current_state(TASK_IDLE);
		if (!kthread_should_stop() && !mk_channel_wanted(ch) &&
		    !mk_channel_is_alone(ch)) {
			mk_count(ch->stats.slept, 1);
			from = local_clock();
			schedule();
			mk_poll_adapt(&ch->poll_ns, local_clock() - from);
		}
		__set_current_state(TASK_RUNNING);
	}

	return 0;
}

/* In softirq */

/*
 * Read until there is something that takes a process, or nothing.  True if the reader
 * has something to do; then it is what asks for the next doorbell, and until it has the
 * CPU no softirq reads.
 */
static bool mk_soft_read(struct mk_channel *ch, int budget)
{
	u64 now = local_clock(), since = now - ch->soft_at;
	const void *payload;
	struct mk_record rec;
	int ret = 1;

	mk_assert_reads(ch);
	ch->soft_at = now;

	while (budget--) {
		/* An error is the reader's, who finds it, too */
		ret = mk_ring_peek(&ch->rx, &rec, &payload);
		if (ret <= 0 || !mk_dispatch_is_atomic(ch, &rec))
			break;
		mk_count(ch->stats.rx, 1);
		mk_count(ch->stats.rx_bytes, rec.len);
		mk_count(ch->stats.atomic, 1);

		ret = mk_dispatch(ch, &rec, payload);
		mk_ring_consume(&ch->rx);
		if (ret < 0) {
			mk_channel_broken(ch, "message against the rules", &rec);
			return false;
		}
		ret = 1;
	}
	mk_channel_give_room(ch);
	/*
	 * After one that was not long ago the reader looks on for the next, and saves a
	 * doorbell; and a peer that sends without a pause is read as the scheduler likes.
	 * It may be about to sleep: it won't, as doorbells are off.
	 */
	if (ret || since < max_t(u64, mk_poll_limit(), MK_SOFT_PAUSE)) {
		mk_channel_disarm(ch);
		return true;
	}

	return mk_channel_arm(ch);
}

static int mk_soft(struct irq_poll *soft, int budget)
{
	struct mk_channel *ch = container_of(soft, struct mk_channel, soft);
	bool more;

	/* Pairs with synchronize_rcu() in mk_channel_close(): the window stays */
	rcu_read_lock();
	/* Before the look: a doorbell that comes after it must not be taken for this one */
	irq_poll_complete(soft);
	more = mk_channel_is_open(ch) && !READ_ONCE(ch->broken);
	/* Who has the mutex is at it, or is about to be */
	if (more && !mutex_is_locked(&ch->rx_lock) && mk_rx_try_busy(ch)) {
		if (ch->soft_may && mk_channel_is_open(ch) && !READ_ONCE(ch->broken))
			more = mk_soft_read(ch, budget);
		mk_rx_idle(ch);
	}
	/* Else who reads may have looked before this doorbell */
	if (more)
		mk_channel_wake(ch);
	rcu_read_unlock();

	return 0;
}

/* A channel is open before there is irq_poll; and a softirq of PREEMPT_RT is a thread, too */
static bool mk_soft_on;

static int __init mk_soft_init(void)
{
	WRITE_ONCE(mk_soft_on, !IS_ENABLED(CONFIG_PREEMPT_RT));

	return 0;
}
subsys_initcall_sync(mk_soft_init);

/**
 * mk_reader_init - prepare the reading end
 * @ch: channel, all zero
 */
void mk_reader_init(struct mk_channel *ch)
{
	irq_poll_init(&ch->soft, MK_SOFT_BUDGET, mk_soft);
	raw_spin_lock_init(&ch->hold_lock);
	hrtimer_init(&ch->hold, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	ch->hold.function = mk_channel_hold_over;
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
	if (READ_ONCE(mk_soft_on) && READ_ONCE(ch->soft_may) && !mk_ring_empty(&ch->rx))
		irq_poll_sched(&ch->soft);
	else
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
