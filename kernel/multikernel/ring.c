// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: single-producer single-consumer ring of variable-length records
 *
 * Pure: the caller serializes writers among themselves and readers among
 * themselves.  The indices count bytes and run freely; head - tail is what
 * lies in the ring.  Each end keeps its own index in private memory and only
 * publishes it; the other kernel's index is read once, checked, then used, and
 * not read again before what it allowed is used up.
 *
 * A record lies in one piece, so that it can be written and read in place.
 * The largest takes up little more than an eighth of the ring, and what has to
 * be skipped at the end is less than that: in an empty ring each one fits.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <asm/barrier.h>
#include <asm/rwonce.h>

#include "ring.h"

static u32 mk_record_space(u32 len)
{
	return ALIGN(sizeof(struct mk_record) + len, MK_RECORD_ALIGN);
}

/* Look at the peer's index only if what was seen of it is not enough */
static int mk_ring_room(struct mk_ring_tx *tx, u32 need)
{
	u32 tail, used;

	if (need <= tx->size - (tx->next - tx->seen))
		return 0;

	/* Pairs with the release in mk_ring_skip(): its bytes are read */
	tail = smp_load_acquire(tx->tail);
	used = tx->next - tail;
	if (used > tx->size || !IS_ALIGNED(used, MK_RECORD_ALIGN))
		return -EPROTO;
	tx->seen = tail;

	return need <= tx->size - used ? 0 : -EAGAIN;
}

/**
 * mk_ring_reserve - find room for a record
 * @tx: writing end
 * @len: bytes of payload
 * @pad: gets the bytes to skip, for mk_ring_commit()
 * @payload: gets where the payload goes
 *
 * Nothing changes for the peer before mk_ring_commit(); without it nothing was
 * reserved.
 *
 * Context: any; callers serialize, until after the commit.
 * Return: 0; -EMSGSIZE if @len is over %MK_PAYLOAD_MAX; -EAGAIN if the ring is
 * full; -EPROTO if the peer's index is impossible.
 */
int mk_ring_reserve(struct mk_ring_tx *tx, u32 len, u32 *pad, void **payload)
{
	u32 pos = tx->next & (tx->size - 1);
	u32 space;
	int err;

	BUILD_BUG_ON(2 * (MK_PAYLOAD_MAX + sizeof(struct mk_record)) > MK_RING_SIZE);

	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;
	space = mk_record_space(len);
	*pad = space > tx->size - pos ? tx->size - pos : 0;

	err = mk_ring_room(tx, *pad + space);
	if (err)
		return err;
	*payload = tx->data + (*pad ? 0 : pos) + sizeof(struct mk_record);

	return 0;
}

/**
 * mk_ring_commit - let the peer see the record
 * @tx: writing end
 * @rec: header; its length is not over what was reserved
 * @pad: from mk_ring_reserve()
 *
 * Context: as mk_ring_reserve().
 */
void mk_ring_commit(struct mk_ring_tx *tx, const struct mk_record *rec, u32 pad)
{
	struct mk_record skip = { .flags = MK_RECORD_PAD };

	if (pad) {
		skip.len = pad - sizeof(skip);
		memcpy(tx->data + (tx->next & (tx->size - 1)), &skip, sizeof(skip));
		tx->next += pad;
	}
	memcpy(tx->data + (tx->next & (tx->size - 1)), rec, sizeof(*rec));
	tx->next += mk_record_space(rec->len);

	/* Pairs with the acquire in mk_ring_look(): the record is complete */
	smp_store_release(tx->head, tx->next);
}

/* Bytes that can be read, of which the peer's index was checked */
static int mk_ring_look(struct mk_ring_rx *rx, u32 *fill)
{
	u32 head;

	if (rx->seen == rx->next) {
		/* Pairs with the release in mk_ring_commit() */
		head = smp_load_acquire(rx->head);
		*fill = head - rx->next;
		if (*fill > rx->size || !IS_ALIGNED(*fill, MK_RECORD_ALIGN))
			return -EPROTO;
		rx->seen = head;
	}
	*fill = rx->seen - rx->next;

	return 0;
}

static void mk_ring_skip(struct mk_ring_rx *rx, u32 space)
{
	/* Read without a lock by mk_ring_empty() */
	WRITE_ONCE(rx->next, rx->next + space);
	/* Pairs with the acquire in mk_ring_room(): the room is free */
	smp_store_release(rx->tail, rx->next);
}

/**
 * mk_ring_peek - look at the oldest record
 * @rx: reading end
 * @rec: gets a private copy of the header, checked
 * @payload: gets where its payload lies, in memory that the peer can write
 *
 * The header is copied before anything in it is looked at, so that a peer that
 * goes on writing changes nothing that was checked.
 *
 * Context: any; callers serialize, until after mk_ring_consume().
 * Return: 1 if there is a record; 0 if the ring is empty; -EPROTO if index or
 * header are impossible.
 */
int mk_ring_peek(struct mk_ring_rx *rx, struct mk_record *rec, const void **payload)
{
	u32 fill, pos, left, space;
	int err;

	for (;;) {
		err = mk_ring_look(rx, &fill);
		if (err || !fill)
			return err;

		pos = rx->next & (rx->size - 1);
		left = rx->size - pos;
		memcpy(rec, rx->data + pos, sizeof(*rec));
		/* From here on the copy: the compiler must not read the ring again */
		barrier();

		if (rec->flags != MK_RECORD_PAD)
			break;
		/* Never at the beginning: there is nothing that would not fit */
		if (!pos || rec->len != left - sizeof(*rec) || left > fill)
			return -EPROTO;
		mk_ring_skip(rx, left);
	}

	if (rec->len > MK_PAYLOAD_MAX)
		return -EPROTO;
	space = mk_record_space(rec->len);
	if (space > fill || space > left)
		return -EPROTO;

	rx->space = space;
	*payload = rx->data + pos + sizeof(*rec);

	return 1;
}

/**
 * mk_ring_consume - give the room of the record that was peeked at back
 * @rx: reading end
 *
 * Context: as mk_ring_peek().
 */
void mk_ring_consume(struct mk_ring_rx *rx)
{
	mk_ring_skip(rx, rx->space);
	rx->space = 0;
}
