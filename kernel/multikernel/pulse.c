// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: signs of life, and the time that comes with them
 *
 * Pure: no locks, no clocks.  What a peer says about itself is not believed
 * beyond what it can do with it: be taken for dead.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/processor.h>
#include <linux/time64.h>

#include <asm/barrier.h>

#include "pulse.h"

/**
 * mk_pulse_write - give a sign of life
 * @pulse: in this kernel's half of the window
 * @beat: what to say; @nr is one more than the last time
 *
 * Context: any; the caller serializes, and is not interrupted for long: who
 * reads meanwhile gives up soon.
 */
void mk_pulse_write(struct mk_pulse *pulse, const struct mk_beat *beat)
{
	WRITE_ONCE(pulse->seq, beat->nr * 2 - 1);
	/* Odd before the first field changes; pairs with mk_pulse_read() */
	smp_wmb();
	WRITE_ONCE(pulse->beat, beat->nr);
	WRITE_ONCE(pulse->tsc, beat->tsc);
	WRITE_ONCE(pulse->wall_ns, beat->wall_ns);
	/* Even after the last one did; pairs with mk_pulse_read() */
	smp_store_release(&pulse->seq, beat->nr * 2);
}

/**
 * mk_pulse_read - copy a peer's sign of life
 * @pulse: in the peer's half of the window
 * @beat: gets the copy, unchecked
 *
 * Context: any.
 * Return: false if the peer is always just writing.
 */
bool mk_pulse_read(const struct mk_pulse *pulse, struct mk_beat *beat)
{
	int try;
	u32 seq;

	for (try = 0; try < MK_PULSE_TRIES; try++) {
		/* Pairs with the release in mk_pulse_write() */
		seq = smp_load_acquire(&pulse->seq);
		beat->nr = READ_ONCE(pulse->beat);
		beat->tsc = READ_ONCE(pulse->tsc);
		beat->wall_ns = READ_ONCE(pulse->wall_ns);
		/* Pairs with the barrier in mk_pulse_write() */
		smp_rmb();
		if (!(seq & 1) && READ_ONCE(pulse->seq) == seq)
			return true;
		cpu_relax();
	}

	return false;
}

/**
 * mk_beat_follows - is this a new sign of life?
 * @last: the one before
 * @beat: what the peer says
 * @now: TSC value, read after @beat
 *
 * Context: any.
 * Return: false if it is the same one, or impossible.
 */
bool mk_beat_follows(const struct mk_beat *last, const struct mk_beat *beat, u64 now)
{
	/* The number may wrap around */
	return (s32)(beat->nr - last->nr) > 0 && beat->tsc > last->tsc && beat->tsc <= now;
}

/**
 * mk_age_ms - how long ago was it?
 * @then: TSC value
 * @now: TSC value; that of another CPU may be a tick behind
 * @tsc_khz: its frequency, not 0
 *
 * Context: any.
 * Return: milliseconds.
 */
u64 mk_age_ms(u64 then, u64 now, u32 tsc_khz)
{
	return now > then ? div_u64(now - then, tsc_khz) : 0;
}

/**
 * mk_beat_clock_offset - how far is a clock from the host's?
 * @host: the host's last sign of life
 * @tsc: a TSC value
 * @wall_ns: the clock in question then, ns since the epoch, at most %KTIME_MAX
 * @tsc_khz: frequency of the TSC, not 0
 * @offset: gets ns by which it is ahead
 *
 * Context: any.
 * Return: false if @host does not tell: it is too old, or no time at all.
 */
bool mk_beat_clock_offset(const struct mk_beat *host, u64 tsc, u64 wall_ns, u32 tsc_khz,
			  s64 *offset)
{
	u64 ticks = tsc - host->tsc;
	u64 host_ns;

	if (tsc < host->tsc || ticks > tsc_khz * MK_CLOCK_SAMPLE_MS)
		return false;
	/* Nor may a sum or a difference overflow */
	if (!host->wall_ns || host->wall_ns > S64_MAX - MK_CLOCK_SAMPLE_MS * NSEC_PER_MSEC)
		return false;

	host_ns = host->wall_ns + mul_u64_u32_div(ticks, NSEC_PER_MSEC, tsc_khz);
	*offset = wall_ns - host_ns;

	return true;
}
