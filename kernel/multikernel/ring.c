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
 * What is done for each record is inline, in ring.h; here is what is rare, or long.
 *
 * A record lies in one piece, so that it can be written and read in place.
 * The largest takes up little more than an eighth of the ring, and what has to
 * be skipped at the end is less than that: in an empty ring each one fits.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <asm/barrier.h>

#include "ring.h"

/**
 * mk_ring_find_room - look at the peer's index, as what was seen of it is not enough
 * @tx: writing end
 * @need: bytes
 *
 * Context: as mk_ring_reserve(), which is what calls it.
 * Return: 0; -EAGAIN if the ring is full; -EPROTO if the peer's index is impossible.
 */
int mk_ring_find_room(struct mk_ring_tx *tx, u32 need)
{
	u32 tail, used;

	BUILD_BUG_ON(2 * (MK_PAYLOAD_MAX + sizeof(struct mk_record)) > MK_RING_SIZE);

	/* Pairs with the release in mk_ring_skip(): its bytes are read */
	tail = smp_load_acquire(tx->tail);
	used = tx->next - tail;
	if (used > tx->size || !IS_ALIGNED(used, MK_RECORD_ALIGN))
		return -EPROTO;
	tx->seen = tail;

	return need <= tx->size - used ? 0 : -EAGAIN;
}

/**
 * mk_ring_pad - say that the rest of the ring is to be skipped
 * @tx: writing end
 * @pad: bytes of it, not 0
 *
 * Context: as mk_ring_commit(), which is what calls it.
 */
void mk_ring_pad(struct mk_ring_tx *tx, u32 pad)
{
	struct mk_record skip = { .flags = MK_RECORD_PAD, .len = pad - sizeof(skip) };

	memcpy(tx->data + (tx->next & (tx->size - 1)), &skip, sizeof(skip));
	tx->next += pad;
}
