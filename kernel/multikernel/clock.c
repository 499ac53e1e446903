// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: a spawn's wall clock stays with the host's
 *
 * A spawn sets its clock at boot by what the host told it.  From then on both
 * count the same TSC by the same frequency; they part when the host's clock is
 * set or slewed, or when the spawn lost ticks before its clocksource was the
 * TSC.  Each beat of the host has its time: what is missing here is added.
 *
 * By do_adjtimex(), for both ways.  ADJ_SETOFFSET adds to the clock whatever
 * it shows at that moment; do_settimeofday64() would put it back by the time
 * between looking and setting.  adjtime(2)'s slew ends by itself when it is
 * done, so that a host which falls silent leaves no wrong frequency behind, as
 * a PLL or ADJ_FREQUENCY would.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/timex.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."

/*
 * Slewed at 0.5 ms a second, which is what the kernel does, this takes a
 * minute.  More is a host whose clock was set: so is this one, then.
 */
#define MK_CLOCK_STEP_NS	(30 * NSEC_PER_MSEC)

/* In sysfs as self/clock_sync */
bool mk_clock_sync = true;
module_param_named(clock_sync, mk_clock_sync, bool, 0);
MODULE_PARM_DESC(clock_sync, "A spawn's wall clock follows the host's");

static s64 mk_clock_offset;
static bool mk_clock_measured;

/**
 * mk_clock_offset_ns - how far this spawn's clock was from the host's
 * @offset: gets ns by which it was ahead when it was looked at last, before it
 *	was corrected
 *
 * Context: any.
 * Return: false if it was not looked at so far.
 */
bool mk_clock_offset_ns(s64 *offset)
{
	*offset = READ_ONCE(mk_clock_offset);
	return READ_ONCE(mk_clock_measured);
}

static int mk_clock_step(s64 ns)
{
	struct __kernel_timex tx = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	struct timespec64 delta = ns_to_timespec64(ns);

	tx.time.tv_sec = delta.tv_sec;
	tx.time.tv_usec = delta.tv_nsec;
	return do_adjtimex(&tx);
}

static int mk_clock_slew(s64 ns)
{
	struct __kernel_timex tx = { .modes = ADJ_ADJTIME | ADJ_OFFSET_SINGLESHOT };

	/*
	 * The kernel takes it up at the turn of the next second.  What it does
	 * of it until the next look is between all and nothing: half of it
	 * is what does not swing.
	 */
	tx.offset = div_s64(ns, 2 * NSEC_PER_USEC);
	return do_adjtimex(&tx);
}

/**
 * mk_clock_follow - measure how far the clock is from the host's, correct it
 * @host: the host's last sign of life
 * @ready: init was started: who does not want to follow does not, and small
 *	steps are no good any more
 *
 * Context: process, may sleep.
 */
void mk_clock_follow(const struct mk_beat *host, bool ready)
{
	u64 tsc, wall_ns;
	s64 offset;
	int err;

	arch_mk_wall_clock(&tsc, &wall_ns);
	if (!mk_beat_clock_offset(host, tsc, wall_ns, arch_mk_tsc_khz(), &offset))
		return;
	WRITE_ONCE(mk_clock_offset, offset);
	WRITE_ONCE(mk_clock_measured, true);

	if (ready && !READ_ONCE(mk_clock_sync))
		return;
	if (ready && abs(offset) <= MK_CLOCK_STEP_NS)
		err = mk_clock_slew(-offset);
	else
		err = mk_clock_step(-offset);
	if (err < 0)
		pr_warn_once("clock not set to the host's: %pe\n", ERR_PTR(err));
	else if (abs(offset) > MK_CLOCK_STEP_NS)
		pr_info("clock set by %lld ms, to the host's\n",
			div_s64(-offset, NSEC_PER_MSEC));
}
