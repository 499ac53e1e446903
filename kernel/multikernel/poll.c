// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: reading a channel in its reader's place
 *
 * Who waits for an answer, mk_poll_request(), reads whatever comes: he is of this
 * kernel, and keeps the lock as long as he polls.  Who waits for a message may be a
 * task of a user, mk_poll(), and is shown that one alone.  Doorbells are off meanwhile,
 * see reader.c, and so is preemption, while no service is called: who is kept from the
 * CPU would keep the channel from everybody.
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

/* Has who waits for an answer the lock? */
static bool mk_poll_reads(const struct mk_channel *ch)
{
	return READ_ONCE(ch->rx_owner) == current;
}

/*
 * Look until something comes, or somebody else wants this CPU; false if the time is
 * over, unless there is something to read for who may.
 */
static bool mk_poll_watch(struct mk_channel *ch, struct mk_poll *p, u64 end)
{
	bool wanted;

	for (;;) {
		/* Pairs with synchronize_rcu() in mk_channel_close(): the window stays */
		rcu_read_lock();
		wanted = mk_channel_look(ch);
		rcu_read_unlock();
		/* Not by way of the clock, which is longer than a look */
		if (wanted && mk_poll_reads(ch))
			return true;
		if (local_clock() >= end || signal_pending(current))
			return false;
		if (wanted || mk_poll_over(p) || need_resched())
			return true;
	}
}

/* No doorbells as long as somebody looks for a message, and for a while after that */
static bool mk_poll_disarm(struct mk_channel *ch, bool found)
{
	lockdep_assert_held(&ch->rx_lock);

	if (!mk_channel_is_open(ch))
		return false;
	if (found && mk_channel_wanted(ch))
		mk_count(ch->stats.polled, 1);
	mk_channel_disarm(ch);
	mk_channel_hold(ch);

	return true;
}

/*
 * Read what is there, until it is over: @p->over says so.  True if the rest is the
 * reader's; then it says nothing.
 */
static bool mk_poll_read(struct mk_channel *ch, struct mk_poll *p)
{
	int budget = MK_RX_BUDGET;
	u64 rx;

	lockdep_assert_held(&ch->rx_lock);

	do {
		rx = ch->stats.rx;
		if (mk_channel_read(ch, true))
			return true;
		p->over = mk_poll_over(p);
		if (p->over)
			return false;
		budget -= 1 + (int)(ch->stats.rx - rx);
		if (budget <= 0)
			return true;
	} while (mk_channel_wanted(ch));

	return false;
}

/* The reader is not to look on while somebody waits for his turn */
static void mk_poll_queue(struct mk_channel *ch, struct mk_poll *p)
{
	if (p->queued)
		return;
	p->queued = true;
	atomic_inc(&ch->pollers);
}

static void mk_poll_dequeue(struct mk_channel *ch, struct mk_poll *p)
{
	if (!p->queued)
		return;
	p->queued = false;
	atomic_dec(&ch->pollers);
}

/*
 * For who waits for an answer: the lock, and no doorbells, until mk_poll_stop().  It is
 * up to who turned them off that they are on again, or that the reader is awake; who
 * did not get the lock turned nothing off.
 */
static void mk_poll_start(struct mk_channel *ch, struct mk_poll *p)
{
	if (mk_rx_trylock(ch)) {
		if (mk_channel_is_open(ch))
			mk_channel_disarm(ch);
	} else {
		mk_poll_queue(ch, p);
	}
}

/* With @more, the rest is the reader's */
static void mk_poll_stop(struct mk_channel *ch, bool more)
{
	if (mk_poll_reads(ch))
		mk_poll_end(ch, more || mk_channel_arm(ch));
}

/**
 * mk_poll_begin - somebody is about to ask, and to poll for the answer
 * @ch: channel; does not go away before the end of that
 * @p: what to wait for
 * @ns: for how long
 *
 * Unless somebody else reads, doorbells are off from here on: an answer that came
 * before the first look would ring, and cost both ends an interrupt.
 *
 * Not with PREEMPT_RT: who polls would have to be preemptible, and could be kept from
 * the CPU with the lock held.
 *
 * Context: process; not reading the channel.  Unless that is 0, preemption is off on
 * return, and &mk_channel.rx_lock held if nobody else had it.
 * Return: how long to poll, @ns but no longer than multikernel.poll_us; if it is not
 * 0, mk_poll_request() or mk_poll_abort() has to follow.
 */
u64 mk_poll_begin(struct mk_channel *ch, struct mk_poll *p, u64 ns)
{
	ns = min(ns, mk_poll_limit());
	if (!ns || IS_ENABLED(CONFIG_PREEMPT_RT))
		return 0;

	p->queued = false;
	mk_poll_stay();
	mk_poll_start(ch, p);

	return ns;
}

/**
 * mk_poll_abort - nothing was asked after all
 * @ch: channel, after mk_poll_begin()
 * @p: who is not to wait
 *
 * Context: process; preemption and locks are as before mk_poll_begin() on return.
 */
void mk_poll_abort(struct mk_channel *ch, struct mk_poll *p)
{
	mk_poll_stop(ch, false);
	mk_poll_dequeue(ch, p);
	mk_poll_leave();
}

/* Something came, or somebody else wants this CPU.  True if the rest is the reader's */
static bool mk_poll_turn(struct mk_channel *ch, struct mk_poll *p)
{
	bool more = false;

	if (need_resched()) {
		mk_poll_queue(ch, p);
		mk_poll_stop(ch, false);
		mk_poll_leave();
		cond_resched();
		mk_poll_stay();
	}
	if (!mk_poll_reads(ch)) {
		mk_poll_start(ch, p);
		/* Who had the lock may have brought it */
		p->over = mk_poll_over(p);
	}
	if (!mk_poll_reads(ch)) {
		cpu_relax();
	} else if (!p->over && mk_channel_wanted(ch)) {
		mk_count(ch->stats.polled, 1);
		/* Services may sleep */
		mk_poll_leave();
		more = mk_poll_read(ch, p);
		mk_poll_stay();
	}

	return more;
}

/**
 * mk_poll_request - read in the reader's place before going to sleep
 * @ch: channel, after mk_poll_begin()
 * @p: what to wait for
 * @from: since when, local_clock()
 * @ns: how long at most, from mk_poll_begin(); 0 is not at all
 *
 * What comes for others is received meanwhile, in this context.
 *
 * Context: process, may sleep; preemption and locks are as before mk_poll_begin() on
 * return.
 * Return: true if the first thing that came ended it; else it may have lasted for
 * longer than @ns, and something else may have.
 */
bool mk_poll_request(struct mk_channel *ch, struct mk_poll *p, u64 from, u64 ns)
{
	u64 end = from + ns;
	bool more = false;
	int turns = 0;

	if (!ns)
		return false;

	p->over = false;

	while (mk_poll_watch(ch, p, end)) {
		more = mk_poll_turn(ch, p);
		turns++;
		if (more || p->over || mk_poll_over(p) || local_clock() >= end)
			break;
	}
	/* Whoever left doorbells off for a while knows nothing of who goes to sleep now */
	if (!p->over && !mk_poll_reads(ch) && !mk_poll_over(p))
		mk_poll_start(ch, p);
	mk_poll_stop(ch, more);
	mk_poll_dequeue(ch, p);
	mk_poll_leave();

	return turns == 1;
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
	end = now + min(ns, mk_poll_limit());
	if (now == end || mk_poll_over(p))
		return false;

	mk_poll_stay();
	atomic_inc(&ch->pollers);
	do {
		if (mk_rx_trylock(ch)) {
			if (mk_poll_disarm(ch, found))
				more = mk_poll_show(ch, p, MK_RX_BUDGET);
			mk_poll_end(ch, more);
		} else {
			cpu_relax();
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
