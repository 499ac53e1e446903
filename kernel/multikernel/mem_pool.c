// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: range allocator of the pool
 *
 * Pure: the caller brings the locks and the memory of the nodes, so that
 * giving a range back can't fail.  First fit, contiguous; instances are few.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include "mem_pool.h"

/**
 * mk_mem_pool_init - set a pool up
 * @pool: pool
 * @start: first byte, a multiple of %MK_GRANULE
 * @size: bytes, a multiple of %MK_GRANULE; 0 makes an empty pool
 */
void mk_mem_pool_init(struct mk_mem_pool *pool, u64 start, u64 size)
{
	pool->start = start;
	pool->size = size;
	INIT_LIST_HEAD(&pool->used);
}

/**
 * mk_mem_pool_alloc - take a range out of the pool
 * @pool: pool
 * @range: node to fill and link; the caller's until it is freed
 * @size: bytes, rounded up to %MK_GRANULE
 *
 * Return: 0, -EINVAL for size 0, or -ENOMEM if no free gap is large enough.
 */
int mk_mem_pool_alloc(struct mk_mem_pool *pool, struct mk_range *range, u64 size)
{
	u64 at = pool->start, end = pool->start + pool->size;
	struct mk_range *used;

	if (!size)
		return -EINVAL;
	/* Before rounding: a size near 2^64 would round up to 0 */
	if (size > pool->size)
		return -ENOMEM;

	size = ALIGN(size, MK_GRANULE);

	list_for_each_entry(used, &pool->used, node) {
		if (used->start - at >= size)
			goto found;
		at = used->start + used->size;
	}
	if (end - at < size)
		return -ENOMEM;
found:
	range->start = at;
	range->size = size;
	/* Before @used, which is the list's head if the tail gap was taken */
	list_add_tail(&range->node, &used->node);

	return 0;
}

/**
 * mk_mem_pool_free - give a range back
 * @pool: pool
 * @range: what mk_mem_pool_alloc() filled; may be reused or freed afterwards
 */
void mk_mem_pool_free(struct mk_mem_pool *pool, struct mk_range *range)
{
	list_del_init(&range->node);
	range->size = 0;
}

/**
 * mk_mem_pool_bytes_free - sum of all gaps
 * @pool: pool
 *
 * Return: bytes.
 */
u64 mk_mem_pool_bytes_free(const struct mk_mem_pool *pool)
{
	const struct mk_range *used;
	u64 bytes = pool->size;

	list_for_each_entry(used, &pool->used, node)
		bytes -= used->size;

	return bytes;
}

/**
 * mk_mem_pool_largest_free - the largest gap
 * @pool: pool
 *
 * Return: bytes; the largest size that mk_mem_pool_alloc() can fulfil.
 */
u64 mk_mem_pool_largest_free(const struct mk_mem_pool *pool)
{
	u64 at = pool->start, largest = 0;
	const struct mk_range *used;

	list_for_each_entry(used, &pool->used, node) {
		largest = max(largest, used->start - at);
		at = used->start + used->size;
	}

	return max(largest, pool->start + pool->size - at);
}
