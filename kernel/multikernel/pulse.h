/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: signs of life, and the time that comes with them
 */
#ifndef _MK_PULSE_H
#define _MK_PULSE_H

#include <linux/multikernel_abi.h>
#include <linux/types.h>

/* Looks at a peer's pulse until it holds still */
#define MK_PULSE_TRIES		16

/* Older than that, a beat says nothing about the time any more */
#define MK_CLOCK_SAMPLE_MS	3000ULL

/**
 * struct mk_beat - one sign of life, in private memory
 * @nr: grows with each
 * @tsc: TSC value when it was given
 * @wall_ns: UTC then, ns since the epoch; 0 from a spawn
 */
struct mk_beat {
	u32 nr;
	u64 tsc;
	u64 wall_ns;
};

void mk_pulse_write(struct mk_pulse *pulse, const struct mk_beat *beat);
bool mk_pulse_read(const struct mk_pulse *pulse, struct mk_beat *beat);
bool mk_beat_follows(const struct mk_beat *last, const struct mk_beat *beat, u64 now);
u64 mk_age_ms(u64 then, u64 now, u32 tsc_khz);
bool mk_beat_clock_offset(const struct mk_beat *host, u64 tsc, u64 wall_ns, u32 tsc_khz,
			  s64 *offset);

#endif /* _MK_PULSE_H */
