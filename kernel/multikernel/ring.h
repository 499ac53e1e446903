/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: single-producer single-consumer ring of variable-length records
 */
#ifndef _MK_RING_H
#define _MK_RING_H

#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/multikernel_abi.h>
#include <linux/string.h>
#include <linux/types.h>

#include <asm/barrier.h>
#include <asm/rwonce.h>

/**
 * struct mk_ring_tx - writing end
 * @data: ring memory, in this kernel's half
 * @size: bytes of @data, a power of two
 * @head: published producer index, in this kernel's half
 * @tail: the peer's consumer index, not trusted
 * @next: private copy of *@head; the shared one is never read back
 * @seen: @tail as it was last read, checked
 */
struct mk_ring_tx {
	u8 *data;
	u32 size;
	u32 *head;
	const u32 *tail;
	u32 next;
	u32 seen;
};

/**
 * struct mk_ring_rx - reading end
 * @data: ring memory, in the peer's half, not trusted
 * @size: bytes of @data, a power of two
 * @head: the peer's producer index, not trusted
 * @tail: published consumer index, in this kernel's half
 * @next: private copy of *@tail; the shared one is never read back
 * @seen: @head as it was last read, checked
 * @space: bytes of the record that mk_ring_peek() found
 */
struct mk_ring_rx {
	const u8 *data;
	u32 size;
	const u32 *head;
	u32 *tail;
	u32 next;
	u32 seen;
	u32 space;
};

int mk_ring_find_room(struct mk_ring_tx *tx, u32 need);
void mk_ring_pad(struct mk_ring_tx *tx, u32 pad);

static inline u32 mk_record_space(u32 len)
{
	return ALIGN(sizeof(struct mk_record) + len, MK_RECORD_ALIGN);
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
static inline int mk_ring_reserve(struct mk_ring_tx *tx, u32 len, u32 *pad, void **payload)
{
	u32 pos = tx->next & (tx->size - 1);
	u32 space;
	int err;

	if (len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;
	space = mk_record_space(len);
	*pad = space > tx->size - pos ? tx->size - pos : 0;

	if (*pad + space > tx->size - (tx->next - tx->seen)) {
		err = mk_ring_find_room(tx, *pad + space);
		if (err)
			return err;
	}
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
static inline void mk_ring_commit(struct mk_ring_tx *tx, const struct mk_record *rec, u32 pad)
{
	if (pad)
		mk_ring_pad(tx, pad);
	memcpy(tx->data + (tx->next & (tx->size - 1)), rec, sizeof(*rec));
	tx->next += mk_record_space(rec->len);

	/* Pairs with the acquire in mk_ring_look(): the record is complete */
	smp_store_release(tx->head, tx->next);
}

static inline void mk_ring_skip(struct mk_ring_rx *rx, u32 space)
{
	/* Read without a lock by mk_ring_empty() */
	WRITE_ONCE(rx->next, rx->next + space);
	/* Pairs with the acquire in mk_ring_find_room(): the room is free */
	smp_store_release(rx->tail, rx->next);
}

/* Bytes that can be read, of which the peer's index was checked */
static inline int mk_ring_look(struct mk_ring_rx *rx, u32 *fill)
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
static inline int mk_ring_peek(struct mk_ring_rx *rx, struct mk_record *rec, const void **payload)
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
		/* From here on the copy, in memory: the compiler must not read the ring again */
		barrier_data(rec);

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
static inline void mk_ring_consume(struct mk_ring_rx *rx)
{
	mk_ring_skip(rx, rx->space);
	rx->space = 0;
}

/**
 * mk_ring_empty - is there nothing to read?
 * @rx: reading end
 *
 * Context: any; without the readers' serialization a hint.
 * Return: true if the peer has written nothing since the last read.
 */
static inline bool mk_ring_empty(const struct mk_ring_rx *rx)
{
	return READ_ONCE(*rx->head) == READ_ONCE(rx->next);
}

#endif /* _MK_RING_H */
