/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: does a spawn hang, and may it be started once more?
 */
#ifndef _MK_JUDGE_H
#define _MK_JUDGE_H

#include <linux/multikernel_abi.h>
#include <linux/types.h>

#include "pulse.h"

/* A CPU that schedules nothing is given so many times the time-out */
#define MK_SOFT_FACTOR		2

/* Restarts that are remembered */
#define MK_RESTARTS_MAX		64

/**
 * struct mk_life - one of the two signs of life of a CPU, in private memory
 * @last: the last one that was believed
 * @since: TSC value from which on there is silence
 */
struct mk_life {
	struct mk_beat last;
	u64 since;
};

/**
 * struct mk_watched - what is known of one CPU of a spawn
 * @state: MK_CPU_* when it was looked at last
 * @beat: its timer interrupts
 * @ran: its scheduler
 */
struct mk_watched {
	u32 state;
	struct mk_life beat;
	struct mk_life ran;
};

enum mk_hang {
	MK_HANG_NONE,
	MK_HANG_HARD,		/* no timer interrupts */
	MK_HANG_SOFT,		/* timer interrupts, but nothing is scheduled */
	MK_HANG_LIE,		/* what it says about itself is impossible */
};

/**
 * struct mk_hang_verdict - what mk_hang_judge() found
 * @on: CPUs that are to beat
 * @silent: those of them that hang in the way that was found, or soon will
 * @first: index of the one that was silent the longest; valid unless
 *	%MK_HANG_NONE
 * @ticks: how long that is
 */
struct mk_hang_verdict {
	u32 on;
	u32 silent;
	u32 first;
	u64 ticks;
};

/**
 * struct mk_restarts - when an instance was started again after a crash
 * @at: seconds, as a ring; the clock is the caller's
 * @nr: how many in all
 */
struct mk_restarts {
	u64 at[MK_RESTARTS_MAX];
	u32 nr;
};

void mk_watched_see(struct mk_watched *w, const struct mk_cpu_page *said, u64 now, u64 late);
enum mk_hang mk_hang_judge(const struct mk_watched *w, u32 nr, u64 now, u64 limit,
			   struct mk_hang_verdict *v);
bool mk_restart_allowed(const struct mk_restarts *r, u64 now, u32 max, u32 interval);
void mk_restart_count(struct mk_restarts *r, u64 now);

#endif /* _MK_JUDGE_H */
