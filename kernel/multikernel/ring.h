/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: single-producer single-consumer ring of variable-length records
 */
#ifndef _MK_RING_H
#define _MK_RING_H

#include <linux/multikernel_abi.h>
#include <linux/types.h>

/**
 * struct mk_ring_tx - writing end
 * @data: ring memory, in this kernel's half
 * @size: bytes of @data, a power of two
 * @head: published producer index, in this kernel's half
 * @tail: the peer's consumer index, not trusted
 * @next: private copy of *@head; the shared one is never read back
 */
struct mk_ring_tx {
	u8 *data;
	u32 size;
	u32 *head;
	const u32 *tail;
	u32 next;
};

/**
 * struct mk_ring_rx - reading end
 * @data: ring memory, in the peer's half, not trusted
 * @size: bytes of @data, a power of two
 * @head: the peer's producer index, not trusted
 * @tail: published consumer index, in this kernel's half
 * @next: private copy of *@tail; the shared one is never read back
 */
struct mk_ring_rx {
	const u8 *data;
	u32 size;
	const u32 *head;
	u32 *tail;
	u32 next;
};

int mk_ring_write(struct mk_ring_tx *tx, const struct mk_record *rec,
		  const void *payload);
int mk_ring_read(struct mk_ring_rx *rx, struct mk_record *rec, void *payload);
bool mk_ring_empty(const struct mk_ring_rx *rx);

#endif /* _MK_RING_H */
