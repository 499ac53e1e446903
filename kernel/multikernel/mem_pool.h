/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: range allocator of the pool
 */
#ifndef _MK_MEM_POOL_H
#define _MK_MEM_POOL_H

#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/types.h>

/* What instances get is a multiple of this, and aligned to it */
#define MK_GRANULE	SZ_2M

/**
 * struct mk_range - a piece of the pool that is not free
 * @node: in &struct mk_mem_pool.used, ordered by address
 * @start: first byte
 * @size: bytes
 */
struct mk_range {
	struct list_head node;
	u64 start;
	u64 size;
};

/**
 * struct mk_mem_pool - a span of physical memory and who has what of it
 * @start: first byte
 * @size: bytes, 0 for an empty pool
 * @used: the ranges handed out, ordered by address
 */
struct mk_mem_pool {
	u64 start;
	u64 size;
	struct list_head used;
};

void mk_mem_pool_init(struct mk_mem_pool *pool, u64 start, u64 size);
int mk_mem_pool_alloc(struct mk_mem_pool *pool, struct mk_range *range, u64 size);
void mk_mem_pool_free(struct mk_mem_pool *pool, struct mk_range *range);
u64 mk_mem_pool_bytes_free(const struct mk_mem_pool *pool);
u64 mk_mem_pool_largest_free(const struct mk_mem_pool *pool);

#endif /* _MK_MEM_POOL_H */
