// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: reading a channel in its reader's place
 *
 * Who waits for an answer, mk_poll_request(), reads whatever comes: he is of this
 * kernel.  Who waits for a message may be a task of a user, mk_poll(), and is shown
 * that one alone.  Doorbells are off meanwhile, see reader.c, and so is preemption,
 * while no service is called: who is kept from the CPU would keep the channel from
 * everybody.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>

#include "internal.h"
#include "trace.h"

static bool mk_poll_over(struct mk_poll *p)
{
	return p->left || p->done(p) || !READ_ONCE(p->ep->open) ||
	       !mk_channel_is_open(p->ep->ch);
}

static void mk_poll_wake_reader(struct mk_channel *ch)
{
	rcu_read_lock();
	mk_channel_wake(ch);
	rcu_read_unlock();
}

/* @more: there is something to read, and no doorbell will say so */
static void mk_poll_end(struct mk_channel *ch, bool more)
{
	mk_rx_unlock(ch);
	if (more)
		mk_poll_wake_reader(ch);
}

/* A mutex lends nobody its owner's place in the queue, except on PREEMPT_RT */
static void mk_poll_stay(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
}

static void mk_poll_leave(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
}

/*
 * Look until something comes, or somebody else wants this CPU; false if the time is
 * over.  Without the lock.
 */
static bool mk_poll_watch(struct mk_channel *ch, struct mk_poll *p, u64 end)
{
	bool wanted;

	do {
		/* Pairs with synchronize_rcu() in mk_channel_close(): the window stays */
		rcu_read_lock();
		wanted = mk_channel_wanted(ch);
		rcu_read_unlock();
		if (local_clock() >= end || signal_pending(current))
			return false;
		cpu_relax();
	} while (!wanted && !mk_poll_over(p) && !need_resched());

	return true;
}

/* No doorbells as long as somebody polls; with @hold, for a while after that, too */
static bool mk_poll_disarm(struct mk_channel *ch, bool found, bool hold)
{
	lockdep_assert_held(&ch->rx_lock);

	if (!mk_channel_is_open(ch))
		return false;
	if (found && mk_channel_wanted(ch))
		mk_count(ch->stats.polled, 1);
	mk_channel_disarm(ch);
	if (hold)
		mk_channel_hold(ch);

	return true;
}

/* Read what is there, until @p is over.  True if the rest is the reader's */
static bool mk_poll_read(struct mk_channel *ch, struct mk_poll *p)
{
	int budget = MK_RX_BUDGET;
	u64 rx;

	lockdep_assert_held(&ch->rx_lock);

	while (mk_channel_wanted(ch) && !mk_poll_over(p)) {
		rx = ch->stats.rx;
		if (mk_channel_read(ch, true))
			return true;
		budget -= 1 + (int)(ch->stats.rx - rx);
		if (budget <= 0)
			return true;
	}

	return false;
}

/* Doorbells are on again; or the reader sees to that: who has the lock may not read */
static void mk_poll_stop(struct mk_channel *ch)
{
	if (mk_rx_trylock(ch))
		mk_poll_end(ch, mk_channel_arm(ch));
	else
		mk_poll_wake_reader(ch);
}

/*
 * For who waits for an answer.  He goes on until he has it or has turned doorbells on,
 * and so needs no timer, unless he may be preempted in between.
 */
static bool mk_poll_disarm_request(struct mk_channel *ch, bool found)
{
	return mk_poll_disarm(ch, found, IS_ENABLED(CONFIG_PREEMPT_RT));
}

/**
 * mk_poll_begin - somebody is about to ask, and to poll for the answer
 * @ch: channel; does not go away before the end of that
 * @ns: for how long
 *
 * Doorbells are off from here on: an answer that came before the first look would
 * ring, and cost both ends an interrupt.
 *
 * Context: process.  Preemption is off on return, unless that is 0.
 * Return: how long to poll, @ns but no longer than multikernel.poll_us; if it is not
 * 0, mk_poll_request() or mk_poll_abort() has to follow.
 */
u64 mk_poll_begin(struct mk_channel *ch, u64 ns)
{
	ns = min(ns, mk_poll_max());
	if (!ns)
		return 0;

	mk_poll_stay();
	atomic_inc(&ch->pollers);
	if (mk_rx_trylock(ch)) {
		mk_poll_disarm_request(ch, false);
		mk_rx_unlock(ch);
	}

	return ns;
}

static void mk_poll_finish(struct mk_channel *ch)
{
	atomic_dec(&ch->pollers);
	mk_poll_leave();
}

/**
 * mk_poll_abort - nothing was asked after all
 * @ch: channel, after mk_poll_begin()
 *
 * Context: process; preemption is as before mk_poll_begin() on return.
 */
void mk_poll_abort(struct mk_channel *ch)
{
	mk_poll_stop(ch);
	mk_poll_finish(ch);
}

/* Read what is there; true if there is no more to wait for, and doorbells are seen to */
static bool mk_poll_turn(struct mk_channel *ch, struct mk_poll *p, bool found)
{
	bool over, more = false;

	/* Else who reads may bring it, too */
	if (!mk_rx_trylock(ch)) {
		over = mk_poll_over(p);
		if (over)
			mk_poll_stop(ch);
		return over;
	}

	if (mk_poll_disarm_request(ch, found) && mk_channel_wanted(ch)) {
		/* Services may sleep */
		mk_poll_leave();
		more = mk_poll_read(ch, p);
		mk_poll_stay();
	}
	over = more || mk_poll_over(p);
	if (over && !more)
		more = mk_channel_arm(ch);
	mk_poll_end(ch, more);

	return over;
}

/**
 * mk_poll_request - read in the reader's place before going to sleep
 * @ch: channel, after mk_poll_begin()
 * @p: what to wait for
 * @ns: how long at most, from mk_poll_begin(); 0 is not at all
 *
 * What comes for others is received meanwhile, in this context.
 *
 * Context: process, may sleep; preemption is as before mk_poll_begin() on return.
 */
void mk_poll_request(struct mk_channel *ch, struct mk_poll *p, u64 ns)
{
	bool found = false;
	u64 end;

	if (!ns)
		return;

	end = local_clock() + ns;
	while (!mk_poll_turn(ch, p, found)) {
		found = mk_poll_watch(ch, p, end);
		if (found && !need_resched())
			continue;
		mk_poll_stop(ch);
		if (!found)
			break;
		mk_poll_leave();
		cond_resched();
		mk_poll_stay();
	}
	mk_poll_finish(ch);
}

static void mk_channel_polled(struct mk_channel *ch)
{
	lockdep_assert_held(&ch->rx_lock);

	WRITE_ONCE(ch->polled_at, local_clock());
	WRITE_ONCE(ch->polled, true);
}

static bool mk_poll_show_some(struct mk_channel *ch, struct mk_poll *p, int n)
{
	struct mk_message msg = { };
	struct mk_record rec;
	enum mk_take take;

	lockdep_assert_held(&ch->rx_lock);

	while (n-- && mk_channel_is_open(ch) && !READ_ONCE(ch->broken) &&
	       !mk_ring_empty(&ch->rx)) {
		/* An error is the reader's, who finds it, too */
		if (mk_ring_peek(&ch->rx, &rec, &msg.data) <= 0)
			return true;
		if (rec.service != p->ep->id || rec.flags || rec.id || !p->ep->open)
			return true;
		msg.len = rec.len;
		take = p->take(p, &msg);
		if (take == MK_TAKE_PASS)
			return true;
		mk_channel_polled(ch);
		p->left = take == MK_TAKE_LEAVE;
		if (p->left)
			break;
		trace_multikernel_receive(ch->peer_id, &rec);
		mk_count(ch->stats.rx, 1);
		mk_count(ch->stats.rx_bytes, rec.len);
		mk_ring_consume(&ch->rx);
		mk_channel_give_room(ch);
		/* Its doorbell, if it was due, finds nothing, and there is no other */
		mk_channel_disarm(ch);
		mk_channel_hold(ch);
		if (p->done(p))
			break;
	}

	return mk_channel_is_open(ch) && mk_channel_has_room(ch);
}

/*
 * Show up to @n messages.  Whatever else is there is the reader's: true, then, and it
 * has no reason to wait for us.  Does not sleep, as nobody who has this lock for a
 * user of the machine may be kept from the CPU by another one.
 */
static bool mk_poll_show(struct mk_channel *ch, struct mk_poll *p, int n)
{
	bool more = mk_poll_show_some(ch, p, n);

	if (more)
		WRITE_ONCE(ch->polled, false);

	return more;
}

/**
 * mk_poll - look for a message before going to sleep until the service has it
 * @ep: endpoint, in any state
 * @p: who looks
 * @ns: how long at most, but no longer than multikernel.poll_us; see
 *	mk_poll_adapt()
 *
 * Saves the doorbell, the reader, and the way from its CPU to the caller's.  Ends
 * early when there is something that @p->take does not want, which is the
 * reader's; or when somebody wants this CPU.
 *
 * Who found something is expected to come back: no doorbells until then, nor for
 * longer than multikernel.poll_us.  Then the reader goes on with what lies in the
 * ring, also with what was left there.
 *
 * Context: process, RCU read side; does not sleep.  Not called by a service about
 * its own peer.
 * Return: true if a message was left: get it with mk_poll_one().
 */
bool mk_poll(struct mk_endpoint *ep, struct mk_poll *p, u64 ns)
{
	struct mk_channel *ch = ep->ch;
	bool more = false, found = false;
	u64 end, now = local_clock();

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "endpoint may go away");
	p->ep = ep;
	p->left = false;
	end = now + min(ns, mk_poll_max());
	if (now == end || mk_poll_over(p))
		return false;

	mk_poll_stay();
	atomic_inc(&ch->pollers);
	do {
		if (mk_rx_trylock(ch)) {
			if (mk_poll_disarm(ch, found, true))
				more = mk_poll_show(ch, p, MK_RX_BUDGET);
			mk_poll_end(ch, more);
		}
		if (more || mk_poll_over(p))
			break;
		found = mk_poll_watch(ch, p, end);
	} while (found && !need_resched());
	atomic_dec(&ch->pollers);

	/* Who reads now sees to that, too */
	if (!more && !mk_poll_over(p) && mk_rx_trylock(ch)) {
		WRITE_ONCE(ch->polled, false);
		mk_poll_end(ch, mk_channel_arm(ch));
	}
	mk_poll_leave();

	return p->left;
}
EXPORT_SYMBOL_GPL(mk_poll);

/**
 * mk_poll_one - look at the next message, without waiting for any
 * @ep: endpoint, in any state
 * @p: who looks
 *
 * A message that is not wanted is the reader's, who is woken.
 *
 * Context: process, RCU read side; does not sleep.
 * Return: true if a message was left; false also if somebody else is reading.
 */
bool mk_poll_one(struct mk_endpoint *ep, struct mk_poll *p)
{
	struct mk_channel *ch = ep->ch;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "endpoint may go away");
	p->ep = ep;
	p->left = false;

	mk_poll_stay();
	if (mk_rx_trylock(ch))
		mk_poll_end(ch, mk_poll_show(ch, p, 1));
	mk_poll_leave();

	return p->left;
}
EXPORT_SYMBOL_GPL(mk_poll_one);
