// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: sending, asking, answering
 *
 * A sender holds &mk_channel.tx_lock, and has interrupts off, from the moment it
 * has room until its record is complete: nobody can be preempted or die in
 * between, so nobody else waits for longer than a copy takes.
 *
 * The reader of a channel never waits for room: an answer that finds none is
 * kept until there is some.  So two kernels that fill both rings at once
 * can't wait for each other.
 */
#include <linux/export.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

/**
 * struct mk_late_reply - an answer that found no room
 * @node: in &mk_channel.late
 * @rec: header
 * @payload: @rec.len bytes
 */
struct mk_late_reply {
	struct list_head node;
	struct mk_record rec;
	u8 payload[];
};

/* Sending */

/* Has the reader at the other end asked for a doorbell, and not got it yet? */
static bool mk_peer_sleeps(struct mk_channel *ch)
{
	u32 armed;

	lockdep_assert_held(&ch->tx_lock);
	/* The record before the look at @peer_armed, see reader.c */
	smp_mb();
	armed = READ_ONCE(*ch->peer_armed);
	if (!armed)
		ch->rung = 0;
	/* If it had read this record already, the doorbell is for the next one */
	if (!armed || armed == ch->rung || armed == (ch->tx.next | MK_INDEX_SET))
		return false;
	ch->rung = armed;

	return true;
}

/* Room for a record, or the peer is asked to say when there is some */
static int mk_tx_room(struct mk_channel *ch, u32 len, u32 *pad, void **payload)
{
	struct mk_ring_tx look;
	int err;

	lockdep_assert_held(&ch->tx_lock);

	err = mk_ring_reserve(&ch->tx, len, pad, payload);
	if (err == -EAGAIN) {
		mk_count(ch->stats.tx_full, 1);
		/* Another sender may look at the index before it is waited for */
		if (!ch->starved)
			WRITE_ONCE(ch->starved_at, ch->tx.seen);
		WRITE_ONCE(ch->starved, true);
		WRITE_ONCE(*ch->want_room, ch->tx.seen | MK_INDEX_SET);
		/* @want_room before the second look at the room, see reader.c */
		smp_mb();
		/*
		 * A look aside: if there is some room, but not enough, the peer
		 * may have rung for it already, and won't again.  That doorbell
		 * has to find news, see mk_channel_wanted().
		 */
		look = ch->tx;
		err = mk_ring_reserve(&look, len, pad, payload);
		if (!err)
			ch->tx.seen = look.seen;
	}
	if (err == -EPROTO)
		ch->ops->fault(ch, "impossible tail");

	return err;
}

static int mk_tx_begin(struct mk_channel *ch, struct mk_endpoint *ep, u32 len,
		       u32 *pad, void **payload)
{
	int err;

	lockdep_assert_held(&ch->tx_lock);

	if (ch->state != MK_CHANNEL_OPEN)
		return ch->state == MK_CHANNEL_DEAD ? -EPIPE : -ENOTCONN;
	if (ep && !ep->open)
		return -ENOTCONN;
	err = mk_tx_room(ch, len, pad, payload);
	if (err == -EAGAIN && ep)
		ep->starved = true;

	return err;
}

/* The record is complete: show it, leave, and wake who has to read it */
static void mk_tx_end(struct mk_channel *ch, const struct mk_record *rec, u32 pad,
		      unsigned long flags)
	__releases(&ch->tx_lock)
{
	bool ring;

	mk_ring_commit(&ch->tx, rec, pad);
	trace_multikernel_send(ch->peer_id, rec);
	mk_count(ch->stats.tx, 1);
	mk_count(ch->stats.tx_bytes, rec->len);
	ring = mk_peer_sleeps(ch);
	if (ring)
		mk_count(ch->stats.doorbells_tx, 1);
	raw_spin_unlock(&ch->tx_lock);

	/* Interrupts stay off: mk_channel_close() waits for us */
	if (ring)
		ch->ops->ring(ch);
	local_irq_restore(flags);
}

static int mk_try_record(struct mk_channel *ch, struct mk_endpoint *ep,
			 const struct mk_record *rec, const void *data)
{
	unsigned long flags;
	void *payload;
	u32 pad;
	int err;

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	err = mk_tx_begin(ch, ep, rec->len, &pad, &payload);
	if (err) {
		raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
		return err;
	}
	memcpy(payload, data, rec->len);
	mk_tx_end(ch, rec, pad, flags);

	return 0;
}

/**
 * mk_send_record - send a record of any kind
 * @ch: channel
 * @ep: endpoint that must be open, or NULL
 * @rec: header
 * @data: @rec->len bytes
 * @timeout: jiffies to wait for room, 0 to not sleep
 *
 * Context: any but NMI; process with a time-out.
 * Return: 0; -EAGAIN without room and time-out; -ETIMEDOUT; -EINTR for a fatal
 * signal; -EMSGSIZE; -ENOTCONN; -EPIPE; -EPROTO if the peer broke the rules.
 */
int mk_send_record(struct mk_channel *ch, struct mk_endpoint *ep,
		   const struct mk_record *rec, const void *data, long timeout)
{
	long left;
	int err;

	err = mk_try_record(ch, ep, rec, data);
	/* The reader would wait for itself */
	if (err != -EAGAIN || timeout <= 0 || READ_ONCE(ch->rx_owner) == current)
		return err;

	left = wait_event_killable_timeout(ch->room_wait,
					   (err = mk_try_record(ch, ep, rec, data)) != -EAGAIN,
					   timeout);
	if (err == -EAGAIN)
		err = left < 0 ? -EINTR : -ETIMEDOUT;

	return err;
}

/**
 * mk_send - send a message
 * @ep: open endpoint
 * @data: payload
 * @len: its bytes, at most %MK_PAYLOAD_MAX
 * @timeout: jiffies to wait for room, 0 to not sleep
 *
 * Context: any but NMI with a time-out of 0, else process.
 * Return: 0 once the peer can see it; -EAGAIN if there is no room and @timeout
 * is 0, or the caller is a service that this peer's reader runs:
 * &mk_service.writable is called when there is some; -ETIMEDOUT; -EINTR for a
 * fatal signal; -EMSGSIZE; -ENOTCONN if the endpoint is closed; -EPIPE if the
 * peer is dead; -EPROTO if it broke the rules.
 */
int mk_send(struct mk_endpoint *ep, const void *data, size_t len, long timeout)
{
	struct mk_record rec = { .service = ep->id, .len = len };

	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;

	return mk_send_record(ep->ch, ep, &rec, data, timeout);
}
EXPORT_SYMBOL_GPL(mk_send);

/* With the lock, which goes on with @slot, or is given back if there is no room */
static int mk_slot_begin(struct mk_endpoint *ep, struct mk_slot *slot, size_t len)
	__releases(&ep->ch->tx_lock)
{
	int err;

	slot->ep = ep;
	slot->len = len;
	err = mk_tx_begin(ep->ch, ep, len, &slot->pad, &slot->data);
	if (err)
		raw_spin_unlock_irqrestore(&ep->ch->tx_lock, slot->flags);
	else
		__release(&ep->ch->tx_lock);	/* for sparse */

	return err;
}

/**
 * mk_reserve - room to write a message where it goes
 * @ep: open endpoint
 * @slot: gets the room
 * @len: bytes of payload, at most %MK_PAYLOAD_MAX
 *
 * On success mk_commit() or mk_abort() has to follow, soon: other senders of
 * this kernel to the same peer wait for it, and interrupts are off.  What is
 * in between must not fault, sleep, or send.
 *
 * Context: any but NMI.
 * Return: 0 with interrupts off and the ring locked; else as mk_send() with a
 * time-out of 0.
 */
int mk_reserve(struct mk_endpoint *ep, struct mk_slot *slot, size_t len)
{
	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;

	raw_spin_lock_irqsave(&ep->ch->tx_lock, slot->flags);

	return mk_slot_begin(ep, slot, len);
}
EXPORT_SYMBOL_GPL(mk_reserve);

/**
 * mk_try_reserve - mk_reserve() that does not wait for other senders
 * @ep: open endpoint
 * @slot: gets the room
 * @len: bytes of payload, at most %MK_PAYLOAD_MAX
 *
 * For who may have interrupted a sender, or run after one was stopped for good:
 * a console.
 *
 * Context: any but NMI.
 * Return: as mk_reserve(), or -EBUSY while somebody else has the ring locked;
 * nobody is told when it is free.
 */
int mk_try_reserve(struct mk_endpoint *ep, struct mk_slot *slot, size_t len)
{
	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;

	if (!raw_spin_trylock_irqsave(&ep->ch->tx_lock, slot->flags))
		return -EBUSY;

	return mk_slot_begin(ep, slot, len);
}
EXPORT_SYMBOL_GPL(mk_try_reserve);

/**
 * mk_commit - send what was written
 * @slot: from mk_reserve(), used up
 *
 * Context: as mk_reserve() left it.
 */
void mk_commit(struct mk_slot *slot)
{
	struct mk_record rec = { .service = slot->ep->id, .len = slot->len };

	__acquire(&slot->ep->ch->tx_lock);
	mk_tx_end(slot->ep->ch, &rec, slot->pad, slot->flags);
}
EXPORT_SYMBOL_GPL(mk_commit);

/**
 * mk_abort - send nothing after all
 * @slot: from mk_reserve(), used up
 *
 * Context: as mk_reserve() left it.
 */
void mk_abort(struct mk_slot *slot)
{
	__acquire(&slot->ep->ch->tx_lock);
	raw_spin_unlock_irqrestore(&slot->ep->ch->tx_lock, slot->flags);
}
EXPORT_SYMBOL_GPL(mk_abort);

/* Asking */

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
	struct mk_waiter w = {
		.poll = { .done = mk_waiter_done, .ep = ep },
		.ep = ep, .reply = reply, .room = room,
	};
	struct mk_channel *ch = ep->ch;
	unsigned long start = jiffies;
	u64 poll_ns;
	long left = 0;
	ssize_t err;

	might_sleep();
	if (timeout <= 0)
		return -EINVAL;
	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (READ_ONCE(ch->rx_owner) == current)
		return -EDEADLK;
	if (!READ_ONCE(ep->open))
		return READ_ONCE(ch->state) == MK_CHANNEL_DEAD ? -EPIPE : -ENOTCONN;

	INIT_LIST_HEAD(&w.node);
	atomic_set(&w.state, MK_WAITER_POLLS);
	init_completion(&w.woken);
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
	poll_ns = mk_poll_begin(ch, READ_ONCE(ch->request_poll_ns));
	err = mk_send_record(ch, ep, &rec, data, 0);
	if (err && poll_ns) {
		/* As long as doorbells are off the peer does not ring for room either */
		mk_poll_abort(ch);
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

/* Answering */

static int mk_reply_record(struct mk_endpoint *ep, const struct mk_record *rec,
			   const void *data)
{
	/* An error answer is for requests to what is not there, too */
	struct mk_endpoint *open = rec->flags == MK_RECORD_ERROR ? NULL : ep;
	struct mk_channel *ch = ep->ch;
	struct mk_late_reply *late;
	unsigned long flags;
	void *payload;
	u32 pad;
	int err;

	err = mk_try_record(ch, open, rec, data);
	if (err != -EAGAIN)
		return err;

	late = kmalloc(struct_size(late, payload, rec->len), GFP_ATOMIC | __GFP_NOWARN);
	if (late) {
		late->rec = *rec;
		memcpy(late->payload, data, rec->len);
	}

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	/* Room may have come: nobody would look for late replies any more */
	err = mk_tx_begin(ch, open, rec->len, &pad, &payload);
	if (!err) {
		memcpy(payload, data, rec->len);
		mk_tx_end(ch, rec, pad, flags);
		kfree(late);
		return 0;
	}
	if (err == -EAGAIN && late && ch->nr_late < MK_REQUESTS_MAX) {
		list_add_tail(&late->node, &ch->late);
		ch->nr_late++;
		mk_count(ch->stats.late_replies, 1);
		late = NULL;
		err = 0;
	} else if (err == -EAGAIN) {
		mk_count(ch->stats.unanswered, 1);
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	kfree(late);

	return err;
}

/**
 * mk_reply - answer a request
 * @ep: endpoint that it came on
 * @request: &mk_message.request
 * @data: payload of the answer
 * @len: its bytes, at most %MK_PAYLOAD_MAX
 *
 * Without room in the ring the answer is kept until there is some.  A peer
 * that asks for more than it waits for, and reads no answers, gets none.
 *
 * Context: any but NMI.
 * Return: 0; -EAGAIN if it can't be kept either; -EMSGSIZE; -ENOTCONN; -EPIPE;
 * -EPROTO if the peer broke the rules.
 */
int mk_reply(struct mk_endpoint *ep, u64 request, const void *data, size_t len)
{
	struct mk_record rec = {
		.service = ep->id, .flags = MK_RECORD_REPLY, .id = request, .len = len,
	};

	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;

	return mk_reply_record(ep, &rec, data);
}
EXPORT_SYMBOL_GPL(mk_reply);

/**
 * mk_reply_error - answer a request with an error
 * @ep: endpoint that it came on, open or not
 * @request: &mk_message.request
 * @err: negative errno
 *
 * Context: any but NMI.
 * Return: as mk_reply().
 */
int mk_reply_error(struct mk_endpoint *ep, u64 request, int err)
{
	u32 error = -err;
	struct mk_record rec = {
		.service = ep->id, .flags = MK_RECORD_ERROR, .id = request,
		.len = sizeof(error),
	};

	return mk_reply_record(ep, &rec, &error);
}

/**
 * mk_late_replies_send - there is room again
 * @ch: channel
 *
 * Context: process.
 */
void mk_late_replies_send(struct mk_channel *ch)
{
	struct mk_late_reply *late;
	unsigned long flags;
	int err = 0;

	lockdep_assert_held(&ch->rx_lock);

	while (err != -EAGAIN) {
		raw_spin_lock_irqsave(&ch->tx_lock, flags);
		late = list_first_entry_or_null(&ch->late, struct mk_late_reply, node);
		raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
		if (!late)
			break;

		/* Only who holds rx_lock takes them off the list */
		err = mk_try_record(ch, NULL, &late->rec, late->payload);
		if (err == -EAGAIN)
			break;
		raw_spin_lock_irqsave(&ch->tx_lock, flags);
		list_del(&late->node);
		ch->nr_late--;
		raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
		kfree(late);
	}
}

/**
 * mk_late_replies_drop - nobody will read them
 * @ch: channel that is closed
 */
void mk_late_replies_drop(struct mk_channel *ch)
{
	struct mk_late_reply *late, *next;

	list_for_each_entry_safe(late, next, &ch->late, node)
		kfree(late);
	INIT_LIST_HEAD(&ch->late);
	ch->nr_late = 0;
}
