// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the host's watchdog
 *
 * Each look at an active instance also looks at the beats of its CPUs, see
 * beat.c.  A CPU that is on and silent for hang_timeout seconds ends the run.
 * Nothing of it depends on what the spawn does: it is read once, checked, and
 * judged in judge.c.  A spawn that does not tell the truth hurts itself.
 */
#include <linux/slab.h>

#include "internal.h"

/* Longest time between two looks that went well */
#define MK_LOOK_MAX_S	2

/**
 * mk_watchdog_alloc - room for what is known of the CPUs
 * @inst: new instance, its number of CPUs is known
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int mk_watchdog_alloc(struct mk_instance *inst)
{
	inst->watched = kcalloc(inst->nr_cpus, sizeof(*inst->watched), GFP_KERNEL);

	return inst->watched ? 0 : -ENOMEM;
}

/**
 * mk_watchdog_free - free it
 * @inst: instance that nobody uses any more
 *
 * Context: process.
 */
void mk_watchdog_free(struct mk_instance *inst)
{
	kfree(inst->watched);
}

/**
 * mk_watchdog_start - nothing is known, nothing was said
 * @inst: instance that is about to be started
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_watchdog_start(struct mk_instance *inst)
{
	lockdep_assert_held(&inst->lock);

	/* The pages of the CPUs were cleared with the rest of the window */
	memset(inst->watched, 0, array_size(inst->nr_cpus, sizeof(*inst->watched)));
	inst->watched_at = arch_mk_tsc();
	inst->hung_cpu = -1;
}

/* One CPU's words, each read once; what belongs to a number is as new at least */
static void mk_watch_read(const struct mk_cpu_page *page, struct mk_cpu_page *said)
{
	/* Pairs with the release in mk_beat_online() */
	said->state = smp_load_acquire(&page->state);
	/* Pairs with the release in mk_say_beat() */
	said->beat = smp_load_acquire(&page->beat);
	said->beat_tsc = READ_ONCE(page->beat_tsc);
	/* Pairs with the release in mk_say_ran() */
	said->ran = smp_load_acquire(&page->ran);
	said->ran_tsc = READ_ONCE(page->ran_tsc);
}

/* TSC ticks by which this look comes too late */
static u64 mk_watch_see(struct mk_instance *inst, u64 tick_s)
{
	u64 now = arch_mk_tsc(), late = 0;
	struct mk_cpu_page said;
	u32 i;

	/* The machine stood still, or the host did: then nobody knows of the others */
	if (now > inst->watched_at && now - inst->watched_at > MK_LOOK_MAX_S * tick_s)
		late = now - inst->watched_at - MK_LOOK_MAX_S * tick_s;
	inst->watched_at = now;

	for (i = 0; i < inst->nr_cpus; i++) {
		mk_watch_read(mk_cpu_page(inst->window, i), &said);
		mk_watched_see(&inst->watched[i], &said, arch_mk_tsc(), late);
	}

	return late;
}

/**
 * mk_watchdog_cpu_time_us - how long were the CPUs of the last run busy?
 * @inst: instance
 *
 * It is what the spawn says; of each CPU not more than the time since the start.
 *
 * Context: process; &mk_instance.lock held.
 * Return: microseconds of all CPUs together, 0 before the first start.
 */
u64 mk_watchdog_cpu_time_us(struct mk_instance *inst)
{
	u64 sum = 0, most;
	u32 i;

	lockdep_assert_held(&inst->lock);

	if (!inst->epoch)
		return 0;
	most = ktime_to_ns(ktime_sub(ktime_get(), inst->started));
	for (i = 0; i < inst->nr_cpus; i++)
		sum += min(READ_ONCE(mk_cpu_page(inst->window, i)->busy_ns), most);

	return div_u64(sum, NSEC_PER_USEC);
}

static void mk_watch_say(const struct mk_instance *inst, enum mk_hang hang,
			 const struct mk_hang_verdict *v, u64 tick_s, char *reason,
			 size_t size)
{
	bool hard = hang == MK_HANG_HARD;
	const char *what = hard ? "taken a timer interrupt" : "scheduled";
	const char *hint = hard ? " (interrupts off?)" : "";
	u32 cpu = inst->cpus[v->first];
	u64 s = div64_u64(v->ticks, tick_s);

	if (v->silent == 1)
		scnprintf(reason, size, "hang: CPU %u has not %s for %llu s%s", cpu, what, s, hint);
	else if (v->silent == v->on)
		scnprintf(reason, size, "hang: none of its %u CPUs has %s lately, CPU %u not for %llu s%s",
			  v->on, what, cpu, s, hint);
	else
		scnprintf(reason, size, "hang: CPU %u has not %s for %llu s%s, nor have %u others of %u lately",
			  cpu, what, s, hint, v->silent - 1, v->on);
}

/**
 * mk_watchdog_hangs - does the spawn hang?
 * @inst: active instance
 * @phase: how far it has come, MK_PHASE_*
 * @reason: gets one line if it does
 * @size: its room in bytes
 *
 * Context: process; &mk_instance.lock held.
 * Return: true if it does.
 */
bool mk_watchdog_hangs(struct mk_instance *inst, u32 phase, char *reason, size_t size)
{
	u64 tick_s = (u64)arch_mk_tsc_khz() * MSEC_PER_SEC;
	u32 timeout = mk_setting(inst, MK_HANG_TIMEOUT);
	struct mk_hang_verdict v;
	enum mk_hang hang;
	u64 late, ms;

	lockdep_assert_held(&inst->lock);

	/* Also while it is off: silence that was not looked at does not count */
	late = mk_watch_see(inst, tick_s);
	if (!timeout)
		return false;

	hang = mk_hang_judge(inst->watched, inst->nr_cpus, arch_mk_tsc(), timeout * tick_s, &v);
	if (hang == MK_HANG_LIE) {
		mk_fault_report(inst, "impossible state %u of CPU %u",
				inst->watched[v.first].state, inst->cpus[v.first]);
		return false;
	}
	if (hang != MK_HANG_NONE) {
		inst->hung_cpu = inst->cpus[v.first];
		mk_watch_say(inst, hang, &v, tick_s, reason, size);
		return true;
	}

	/* None of them is to beat: there is the heartbeat, of process context */
	if (v.on || late || phase != MK_PHASE_READY)
		return false;
	ms = mk_heart_age_ms(&inst->channel.heart);
	if (ms < timeout * MSEC_PER_SEC)
		return false;
	scnprintf(reason, size, "hang: no heartbeat for %llu s", div_u64(ms, MSEC_PER_SEC));

	return true;
}
