// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: asking, and waiting for the answer
 *
 * Who asks is in the channel's list of requests, by the id of his, until the answer or
 * whoever ends it takes him off: that one alone writes the result.  He polls first, and
 * reads in the reader's place meanwhile, see poll.c; then he sleeps.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched/clock.h>
#include <linux/string.h>

#include "internal.h"

static int mk_waiter_add(struct mk_channel *ch, struct mk_waiter *w)
{
	int err = 0;

	spin_lock_bh(&ch->requests_lock);
	if (!mk_channel_is_open(ch)) {
		err = -EPIPE;
	} else if (!READ_ONCE(w->ep->open)) {
		/* Who closes it may wait for those who wait for their turn */
		err = -ENOTCONN;
	} else if (ch->nr_requests >= MK_REQUESTS_MAX) {
		err = -EAGAIN;
	} else {
		w->id = ++ch->last_request;
		list_add_tail(&w->node, &ch->requests);
		ch->nr_requests++;
	}
	spin_unlock_bh(&ch->requests_lock);

	return err;
}

static void mk_waiter_del(struct mk_channel *ch, struct mk_waiter *w)
{
	lockdep_assert_held(&ch->requests_lock);
	list_del_init(&w->node);
	/* Who waits for his turn has seen that there were so many, under this lock */
	if (ch->nr_requests-- == MK_REQUESTS_MAX)
		wake_up_all(&ch->request_wait);
}

/* False if somebody else took it: its result follows at once */
static bool mk_waiter_cancel(struct mk_channel *ch, struct mk_waiter *w)
{
	bool mine;

	spin_lock_bh(&ch->requests_lock);
	mine = !list_empty(&w->node);
	if (mine)
		mk_waiter_del(ch, w);
	spin_unlock_bh(&ch->requests_lock);

	return mine;
}

static bool mk_waiter_done(struct mk_poll *p)
{
	/* Pairs with the cmpxchg of mk_waiter_end(): the answer is there */
	return atomic_read_acquire(&container_of(p, struct mk_waiter, poll)->state) ==
	       MK_WAITER_DONE;
}

static long mk_time_left(unsigned long start, long timeout)
{
	unsigned long passed = jiffies - start;

	if (timeout == MAX_SCHEDULE_TIMEOUT)
		return timeout;

	return passed < timeout ? timeout - passed : 0;
}

static int mk_wait_asleep(struct mk_channel *ch, struct mk_waiter *w, long timeout)
{
	long left;

	init_completion(&w->woken);
	/* Either mk_waiter_end() sees this, or it was there before, and so was the answer */
	if (atomic_cmpxchg(&w->state, MK_WAITER_POLLS, MK_WAITER_SLEEPS) == MK_WAITER_DONE) {
		smp_acquire__after_ctrl_dep();
		return 0;
	}
	left = wait_for_completion_killable_timeout(&w->woken, timeout);
	if (left <= 0) {
		if (mk_waiter_cancel(ch, w))
			return left ? -EINTR : -ETIMEDOUT;
		wait_for_completion(&w->woken);
	}

	return 0;
}

static ssize_t mk_wait(struct mk_channel *ch, struct mk_waiter *w, u64 poll_ns, long timeout)
{
	u64 from = local_clock();
	int err;

	/* As a rule it took no longer than it may, and no look at the clock is needed */
	if (mk_poll_request(ch, &w->poll, from, poll_ns) && mk_waiter_done(&w->poll)) {
		/* At the limit there is nothing to learn */
		if (poll_ns < mk_poll_limit())
			mk_poll_adapt(&ch->request_poll_ns, 0);
		return w->result;
	}
	err = mk_wait_asleep(ch, w, timeout);
	if (err)
		return err;
	mk_poll_adapt(&ch->request_poll_ns, local_clock() - from);

	return w->result;
}

/**
 * mk_request - ask, and wait for the answer
 * @ep: open endpoint
 * @data: payload of the request
 * @len: its bytes, at most %MK_PAYLOAD_MAX
 * @reply: gets the payload of the answer
 * @room: its bytes
 * @timeout: jiffies that it may take in all, more than 0
 *
 * While it waits the caller may read in the reader's place, and so may run
 * @receive and @writable of each service of this peer: it must hold no lock that
 * these take.  @open and @close never run here, and so can wait for callers.
 *
 * Context: process, may sleep; not called by a service about its own peer.
 * Return: bytes of the answer; -EOPNOTSUPP if the peer does not serve this;
 * -EMSGSIZE if request or answer are too long; -ETIMEDOUT; -EINTR for a fatal
 * signal; -EDEADLK if the caller is what has to read the answer; -ENOTCONN if
 * the endpoint is closed or was closed meanwhile; -EPIPE if the peer is dead
 * or died; -EPROTO if it broke the rules, or answered what is no error; -EINVAL
 * without a @timeout; or what the peer's service answered.
 */
ssize_t mk_request(struct mk_endpoint *ep, const void *data, size_t len,
		   void *reply, size_t room, long timeout)
{
	struct mk_record rec = { .service = ep->id, .flags = MK_RECORD_REQUEST };
	struct mk_channel *ch = ep->ch;
	/* Set field by field: to clear all of it first is a good part of what a request costs */
	struct mk_waiter w __uninitialized;
	unsigned long start = jiffies;
	u64 poll_ns;
	long left = 0;
	ssize_t err;

	/*
	 * might_sleep() without giving the CPU away before anything was asked: who wants
	 * it gets it while we wait, in mk_poll_request() or asleep
	 */
	__might_sleep(__FILE__, __LINE__);
	if (timeout <= 0)
		return -EINVAL;
	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (READ_ONCE(ch->rx_owner) == current)
		return -EDEADLK;
	if (!READ_ONCE(ep->open))
		return READ_ONCE(ch->state) == MK_CHANNEL_DEAD ? -EPIPE : -ENOTCONN;

	INIT_LIST_HEAD(&w.node);
	w.poll.done = mk_waiter_done;
	w.poll.take = NULL;
	w.poll.ep = ep;
	w.poll.left = false;
	w.ep = ep;
	w.reply = reply;
	w.room = room;
	atomic_set(&w.state, MK_WAITER_POLLS);
	err = mk_waiter_add(ch, &w);
	if (err == -EAGAIN)
		left = wait_event_killable_timeout(ch->request_wait,
						   (err = mk_waiter_add(ch, &w)) != -EAGAIN,
						   timeout);
	if (err == -EAGAIN)
		return left < 0 ? -EINTR : -ETIMEDOUT;
	if (err)
		return err;

	rec.id = w.id;
	rec.len = len;
	poll_ns = mk_poll_begin(ch, &w.poll, READ_ONCE(ch->request_poll_ns));
	err = mk_try_record(ch, ep, &rec, data);
	if (err && poll_ns) {
		/* As long as doorbells are off the peer does not ring for room either */
		mk_poll_abort(ch, &w.poll);
		poll_ns = 0;
	}
	if (err == -EAGAIN)
		err = mk_send_record(ch, ep, &rec, data, mk_time_left(start, timeout));
	if (err && mk_waiter_cancel(ch, &w))
		/* A time-out of 0 left for a ring without room */
		return err == -EAGAIN ? -ETIMEDOUT : err;

	/* With an error only if that request was ended already, by who closes */
	return mk_wait(ch, &w, poll_ns, max(mk_time_left(start, timeout), 1L));
}
EXPORT_SYMBOL_GPL(mk_request);

static void mk_waiter_end(struct mk_waiter *w, ssize_t result)
{
	w->result = result;
	/* Who polls and sees this is gone, and @w with him */
	if (atomic_cmpxchg(&w->state, MK_WAITER_POLLS, MK_WAITER_DONE) == MK_WAITER_SLEEPS)
		complete(&w->woken);
}

/**
 * mk_answer - an answer came
 * @ch: channel
 * @rec: checked header, private copy
 * @payload: in the ring
 *
 * Context: process or softirq, reading the channel.
 * Return: 0; -EPROTO if it is against the rules.
 */
int mk_answer(struct mk_channel *ch, const struct mk_record *rec, const void *payload)
{
	struct mk_waiter *w, *found = NULL;
	ssize_t result = rec->len;
	u32 error;

	mk_assert_reads(ch);

	if (rec->flags == MK_RECORD_ERROR) {
		if (rec->len != sizeof(error))
			return -EPROTO;
		error = READ_ONCE(*(const u32 *)payload);
		if (!error || error > MAX_ERRNO)
			return -EPROTO;
		/* ERESTARTSYS and its like mean something to the caller's syscall */
		result = error < ERESTARTSYS ? -(ssize_t)error : -EPROTO;
	}

	spin_lock_bh(&ch->requests_lock);
	list_for_each_entry(w, &ch->requests, node) {
		if (w->id != rec->id || w->ep->id != rec->service)
			continue;
		found = w;
		mk_waiter_del(ch, w);
		break;
	}
	spin_unlock_bh(&ch->requests_lock);

	if (!found) {
		/* Late, or never asked for: completes nothing */
		mk_count(ch->stats.stray_replies, 1);
		return 0;
	}
	if (result > (ssize_t)found->room)
		result = -EMSGSIZE;
	else if (result > 0)
		memcpy(found->reply, payload, result);
	mk_waiter_end(found, result);

	return 0;
}

/**
 * mk_requests_fail - end those who wait for an answer
 * @ch: channel
 * @ep: only those who asked this endpoint, or NULL for all
 * @err: with what
 *
 * Context: process.
 */
void mk_requests_fail(struct mk_channel *ch, struct mk_endpoint *ep, int err)
{
	struct mk_waiter *w, *next;

	spin_lock_bh(&ch->requests_lock);
	list_for_each_entry_safe(w, next, &ch->requests, node) {
		if (ep && w->ep != ep)
			continue;
		mk_waiter_del(ch, w);
		mk_waiter_end(w, err);
	}
	spin_unlock_bh(&ch->requests_lock);
}
