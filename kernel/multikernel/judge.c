// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: does a spawn hang, and may it be started once more?
 *
 * Pure: no locks, no clocks.  A spawn that lies about its signs of life is at
 * worst taken for dead: what is impossible is no sign of life.
 */
#include <linux/minmax.h>

#include "judge.h"

static void mk_life_see(struct mk_life *life, const struct mk_beat *said, bool fresh,
			u64 now, u64 late)
{
	if (fresh) {
		/* The time that counts from here on is the host's */
		life->last = *said;
		life->last.tsc = min(said->tsc, now);
		life->since = now;
	} else if (mk_beat_follows(&life->last, said, now)) {
		life->last = *said;
		life->since = said->tsc;
	} else {
		/* Who did not look can't tell silence from its own absence */
		life->since += min(late, now - min(life->since, now));
	}
}

/**
 * mk_watched_see - take note of what a CPU of the spawn says
 * @w: what is known of it
 * @said: a copy of what it says
 * @now: TSC value, read after @said
 * @late: TSC ticks by which this look comes later than it should
 *
 * Context: any.
 */
void mk_watched_see(struct mk_watched *w, const struct mk_cpu_page *said, u64 now, u64 late)
{
	struct mk_beat beat = { .nr = said->beat, .tsc = said->beat_tsc };
	struct mk_beat ran = { .nr = said->ran, .tsc = said->ran_tsc };
	bool fresh = w->state != MK_CPU_ON;

	w->state = said->state;
	if (w->state != MK_CPU_ON)
		return;
	mk_life_see(&w->beat, &beat, fresh, now, late);
	mk_life_see(&w->ran, &ran, fresh, now, late);
}

/*
 * Half of the limit is suspect: CPUs hang one after the other, and the first
 * one to reach the limit is to tell of the others, too.
 */
static bool mk_silent(struct mk_hang_verdict *v, u32 i, u64 ticks, u64 limit)
{
	if (ticks < limit / 2)
		return false;
	if (!v->silent++ || ticks > v->ticks) {
		v->first = i;
		v->ticks = ticks;
	}

	return true;
}

/**
 * mk_hang_judge - does a CPU hang?
 * @w: what is known of the CPUs
 * @nr: how many
 * @now: TSC value
 * @limit: TSC ticks of silence that are too many, not 0
 * @v: gets the details
 *
 * A CPU that takes no timer interrupts schedules nothing either, so the worse
 * finding is the one that is told.
 *
 * Context: any.
 * Return: enum mk_hang.
 */
enum mk_hang mk_hang_judge(const struct mk_watched *w, u32 nr, u64 now, u64 limit,
			   struct mk_hang_verdict *v)
{
	struct mk_hang_verdict soft = { }, hard = { };
	u64 silence;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (w[i].state > MK_CPU_DUMPED) {
			*v = (struct mk_hang_verdict) { .silent = 1, .first = i };
			return MK_HANG_LIE;
		}
		if (w[i].state != MK_CPU_ON)
			continue;
		hard.on++;
		silence = now - min(now, w[i].beat.since);
		if (mk_silent(&hard, i, silence, limit))
			continue;
		silence = now - min(now, w[i].ran.since);
		mk_silent(&soft, i, silence, limit * MK_SOFT_FACTOR);
	}
	soft.on = hard.on;

	*v = hard;
	if (hard.ticks >= limit)
		return MK_HANG_HARD;
	*v = soft;
	if (soft.ticks >= limit * MK_SOFT_FACTOR)
		return MK_HANG_SOFT;
	*v = (struct mk_hang_verdict) { .on = hard.on };

	return MK_HANG_NONE;
}

/**
 * mk_restart_allowed - may it be started once more after a crash?
 * @r: the restarts so far
 * @now: seconds
 * @max: restarts that are allowed, at most %MK_RESTARTS_MAX
 * @interval: within so many seconds
 *
 * Context: any.
 * Return: false if there were @max of them in the last @interval seconds.
 */
bool mk_restart_allowed(const struct mk_restarts *r, u64 now, u32 max, u32 interval)
{
	if (!max)
		return false;
	if (r->nr < max)
		return true;

	/* The oldest one that would be in the same interval */
	return now - r->at[(r->nr - max) % MK_RESTARTS_MAX] >= interval;
}

/**
 * mk_restart_count - remember a restart
 * @r: the restarts so far
 * @now: seconds
 *
 * Context: any; the caller serializes.
 */
void mk_restart_count(struct mk_restarts *r, u64 now)
{
	r->at[r->nr++ % MK_RESTARTS_MAX] = now;
}
