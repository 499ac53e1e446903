// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the clock that all kernels of the machine share
 */
#include <linux/clocksource_ids.h>
#include <linux/irqflags.h>
#include <linux/timekeeping.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "x86.h"

/**
 * arch_mk_is_virtual - does a hypervisor, or an emulator, run these CPUs?
 *
 * By CPUID leaf 1, ECX bit 31.
 *
 * Context: any, once the boot CPU's features are known.
 * Return: true if so, unless whoever runs them hides it.
 */
bool arch_mk_is_virtual(void)
{
	return boot_cpu_has(X86_FEATURE_HYPERVISOR);
}

/**
 * arch_mk_tsc - time, as every kernel of this machine counts it
 *
 * Context: any.
 * Return: TSC value, read after all that was loaded before.
 */
u64 arch_mk_tsc(void)
{
	return rdtsc_ordered();
}

/**
 * arch_mk_tsc_khz - how fast that counts
 *
 * Return: kHz; not 0 where there are instances.
 */
u32 arch_mk_tsc_khz(void)
{
	return tsc_khz;
}

/**
 * arch_mk_wall_clock - one moment, by TSC and wall clock
 * @tsc: gets the TSC value
 * @wall_ns: gets UTC then, ns since the epoch
 *
 * Context: any but NMI.
 */
void arch_mk_wall_clock(u64 *tsc, u64 *wall_ns)
{
	struct system_time_snapshot now;
	u64 before, took, ns, best = U64_MAX;
	unsigned long flags;
	int try;

	ktime_get_snapshot(&now);
	if (now.cs_id == CSID_X86_TSC || now.cs_id == CSID_X86_TSC_EARLY) {
		*tsc = now.cycles;
		*wall_ns = ktime_to_ns(now.real);
		return;
	}

	/*
	 * Its clocksource is another one: between two looks at the TSC, the
	 * shortest of some, as an NMI or a hypervisor may come in between.
	 */
	for (try = 0; try < 3; try++) {
		local_irq_save(flags);
		before = rdtsc_ordered();
		ns = ktime_get_real_ns();
		took = rdtsc_ordered() - before;
		local_irq_restore(flags);
		if (took >= best)
			continue;
		best = took;
		*tsc = before + took / 2;
		*wall_ns = ns;
	}
}
