/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: a few ranges of physical memory, and whether another lies there
 */
#ifndef _MK_RANGES_H
#define _MK_RANGES_H

#include <linux/types.h>

/* The pool and all slots below 1 MiB; or what a spawn's boot_params may list */
#define MK_RANGES_MAX	16

/**
 * struct mk_ranges - ranges of physical memory, in any order
 * @nr: how many
 * @range: each of them, none is empty, none wraps around
 */
struct mk_ranges {
	unsigned int nr;
	struct {
		u64 start;
		u64 size;
	} range[MK_RANGES_MAX];
};

bool mk_ranges_add(struct mk_ranges *r, u64 start, u64 size);
bool mk_ranges_touch(const struct mk_ranges *r, u64 start, u64 size);
bool mk_ranges_cover(const struct mk_ranges *r, u64 start, u64 size);

#endif /* _MK_RANGES_H */
