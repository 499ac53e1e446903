// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: a few ranges of physical memory, and whether another lies there
 *
 * Pure: no locks, no side effects.  What is asked about is rounded outwards to
 * pages first, as a mapping of it would be.
 */
#include <linux/mm.h>

#include "ranges.h"

/* To pages.  False if it wraps around, which is nobody's memory */
static bool mk_ranges_round(u64 *start, u64 *end, u64 size)
{
	u64 last = *start + size - 1;

	if (last < *start || last >= U64_MAX - PAGE_SIZE)
		return false;
	*start = ALIGN_DOWN(*start, PAGE_SIZE);
	*end = ALIGN_DOWN(last, PAGE_SIZE) + PAGE_SIZE;

	return true;
}

/**
 * mk_ranges_add - one more
 * @r: ranges
 * @start: physical address
 * @size: bytes
 *
 * Context: any; nobody asks meanwhile.
 * Return: false if there is no room, or if it is empty or wraps around.
 */
bool mk_ranges_add(struct mk_ranges *r, u64 start, u64 size)
{
	if (r->nr == MK_RANGES_MAX || !size || start + size < start)
		return false;

	r->range[r->nr].start = start;
	r->range[r->nr].size = size;
	r->nr++;

	return true;
}

/**
 * mk_ranges_touch - does any page of this belong to one of them?
 * @r: ranges
 * @start: physical address
 * @size: bytes
 *
 * Context: any.
 * Return: true if one does, also for what wraps around; false for nothing.
 */
bool mk_ranges_touch(const struct mk_ranges *r, u64 start, u64 size)
{
	unsigned int i;
	u64 end;

	if (!size)
		return false;
	if (!mk_ranges_round(&start, &end, size))
		return true;

	for (i = 0; i < r->nr; i++)
		if (start < r->range[i].start + r->range[i].size &&
		    r->range[i].start < end)
			return true;

	return false;
}

/**
 * mk_ranges_cover - does every page of this belong to one of them?
 * @r: ranges
 * @start: physical address
 * @size: bytes
 *
 * Context: any.
 * Return: true if each does, to one or to several that follow each other; true
 * for nothing; false for what wraps around.
 */
bool mk_ranges_cover(const struct mk_ranges *r, u64 start, u64 size)
{
	unsigned int i, turn;
	u64 end;

	if (!size)
		return true;
	if (!mk_ranges_round(&start, &end, size))
		return false;

	/* Each turn eats what one range has of the front; no range is eaten twice */
	for (turn = 0; turn < r->nr && start < end; turn++) {
		for (i = 0; i < r->nr; i++) {
			if (start < r->range[i].start ||
			    start - r->range[i].start >= r->range[i].size)
				continue;
			start = r->range[i].start + r->range[i].size;
			break;
		}
		if (i == r->nr)
			return false;
	}

	return start >= end;
}
