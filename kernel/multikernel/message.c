// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: sending, and answering
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

/* No room for a record: look once more after the peer was asked to say when there is some */
static noinline int mk_tx_no_room(struct mk_channel *ch, struct mk_endpoint *ep, int err,
				  u32 len, u32 *pad, void **payload)
{
	struct mk_ring_tx look;

	lockdep_assert_held(&ch->tx_lock);

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
	if (err == -EAGAIN && ep)
		ep->starved = true;

	return err;
}

/* This and mk_tx_end() are most of what a message costs its sender: without calls */
static __always_inline int mk_tx_begin(struct mk_channel *ch, struct mk_endpoint *ep, u32 len,
				       u32 *pad, void **payload)
{
	int err;

	lockdep_assert_held(&ch->tx_lock);

	if (ch->state != MK_CHANNEL_OPEN)
		return ch->state == MK_CHANNEL_DEAD ? -EPIPE : -ENOTCONN;
	if (ep && !ep->open)
		return -ENOTCONN;
	err = mk_ring_reserve(&ch->tx, len, pad, payload);

	return unlikely(err) ? mk_tx_no_room(ch, ep, err, len, pad, payload) : 0;
}

/* The record is complete: show it, leave, and wake who has to read it */
static __always_inline void mk_tx_end(struct mk_channel *ch, const struct mk_record *rec,
				      u32 pad, unsigned long flags)
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

/**
 * mk_try_record - send a record of any kind, now
 * @ch: channel
 * @ep: endpoint that must be open, or NULL
 * @rec: header
 * @data: @rec->len bytes
 *
 * Context: any but NMI.
 * Return: 0; else as mk_send_record() with a time-out of 0.
 */
int mk_try_record(struct mk_channel *ch, struct mk_endpoint *ep,
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

/* Answering */

/* There was no room: kept, unless some has come */
static noinline int mk_reply_later(struct mk_channel *ch, struct mk_endpoint *open,
				   const struct mk_record *rec, const void *data)
{
	struct mk_late_reply *late;
	unsigned long flags;
	void *payload;
	u32 pad;
	int err;

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

/* @open: the endpoint that must be, or NULL */
static int mk_reply_record(struct mk_channel *ch, struct mk_endpoint *open,
			   const struct mk_record *rec, const void *data)
{
	int err = mk_try_record(ch, open, rec, data);

	return err == -EAGAIN ? mk_reply_later(ch, open, rec, data) : err;
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

	return mk_reply_record(ep->ch, ep, &rec, data);
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

	/* For requests to what is not there, too */
	return mk_reply_record(ep->ch, NULL, &rec, &error);
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
