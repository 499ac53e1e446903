/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: single-producer single-consumer ring of variable-length records
 */
#ifndef _MK_RING_H
#define _MK_RING_H

#include <linux/compiler.h>
#include <linux/multikernel_abi.h>
#include <linux/types.h>

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

int mk_ring_reserve(struct mk_ring_tx *tx, u32 len, u32 *pad, void **payload);
void mk_ring_commit(struct mk_ring_tx *tx, const struct mk_record *rec, u32 pad);
int mk_ring_peek(struct mk_ring_rx *rx, struct mk_record *rec, const void **payload);
void mk_ring_consume(struct mk_ring_rx *rx);

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
