// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: single-producer single-consumer ring of variable-length records
 *
 * Pure: the caller serializes writers among themselves and readers among
 * themselves.  The indices count bytes and run freely; head - tail is what
 * lies in the ring.  Each end keeps its own index in private memory and only
 * publishes it; the other kernel's index is read once, checked, then used.
 */
#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <asm/barrier.h>
#include <asm/rwonce.h>

#include "ring.h"

static u32 mk_record_space(u32 len)
{
	return ALIGN(sizeof(struct mk_record) + len, MK_RECORD_ALIGN);
}

static void mk_copy_in(struct mk_ring_tx *tx, u32 at, const void *from, u32 len)
{
	u32 pos = at & (tx->size - 1);
	u32 first = min(len, tx->size - pos);

	memcpy(tx->data + pos, from, first);
	memcpy(tx->data, from + first, len - first);
}

static void mk_copy_out(struct mk_ring_rx *rx, u32 at, void *to, u32 len)
{
	u32 pos = at & (rx->size - 1);
	u32 first = min(len, rx->size - pos);

	memcpy(to, rx->data + pos, first);
	memcpy(to + first, rx->data, len - first);
}

/**
 * mk_ring_write - append a record
 * @tx: writing end
 * @rec: header; @rec->len says how long @payload is
 * @payload: bytes to copy, may be NULL if there are none
 *
 * Context: any; callers serialize.
 * Return: 0; -EMSGSIZE if the payload is over %MK_PAYLOAD_MAX; -EAGAIN if the
 * ring is full; -EPROTO if the peer's index is impossible.
 */
int mk_ring_write(struct mk_ring_tx *tx, const struct mk_record *rec,
		  const void *payload)
{
	u32 need, used;

	if (rec->len > MK_PAYLOAD_MAX)
		return -EMSGSIZE;

	/* Pairs with the release in mk_ring_read(): its bytes are read */
	used = tx->next - smp_load_acquire(tx->tail);
	if (used > tx->size || !IS_ALIGNED(used, MK_RECORD_ALIGN))
		return -EPROTO;

	need = mk_record_space(rec->len);
	if (need > tx->size - used)
		return -EAGAIN;

	mk_copy_in(tx, tx->next, rec, sizeof(*rec));
	if (rec->len)
		mk_copy_in(tx, tx->next + sizeof(*rec), payload, rec->len);
	tx->next += need;

	/* Pairs with the acquire in mk_ring_read(): the record is complete */
	smp_store_release(tx->head, tx->next);

	return 0;
}

/**
 * mk_ring_read - take the oldest record
 * @rx: reading end
 * @rec: gets the header, already checked
 * @payload: gets the payload; room for %MK_PAYLOAD_MAX bytes
 *
 * Header and payload are copied out before anything in them is looked at, so
 * that a peer that goes on writing changes nothing that was checked.
 *
 * Context: any; callers serialize.
 * Return: 1 if there was a record; 0 if the ring is empty; -EPROTO if index or
 * header are impossible, and nothing was consumed.
 */
int mk_ring_read(struct mk_ring_rx *rx, struct mk_record *rec, void *payload)
{
	u32 space, fill;

	/* Pairs with the release in mk_ring_write() */
	fill = smp_load_acquire(rx->head) - rx->next;
	if (!fill)
		return 0;
	if (fill > rx->size || !IS_ALIGNED(fill, MK_RECORD_ALIGN))
		return -EPROTO;

	mk_copy_out(rx, rx->next, rec, sizeof(*rec));
	/* From here on the copy: the compiler must not read the ring again */
	barrier();
	if (rec->len > MK_PAYLOAD_MAX)
		return -EPROTO;
	space = mk_record_space(rec->len);
	if (space > fill)
		return -EPROTO;

	mk_copy_out(rx, rx->next + sizeof(*rec), payload, rec->len);
	rx->next += space;

	/* Pairs with the acquire in mk_ring_write(): the room is free */
	smp_store_release(rx->tail, rx->next);

	return 1;
}

/**
 * mk_ring_empty - is there nothing to read?
 * @rx: reading end
 *
 * Context: any.
 * Return: true if the peer has written nothing since the last read.
 */
bool mk_ring_empty(const struct mk_ring_rx *rx)
{
	return READ_ONCE(*rx->head) == rx->next;
}
