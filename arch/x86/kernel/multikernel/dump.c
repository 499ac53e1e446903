// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: stops a spawn's CPUs so that their registers are known
 *
 * In a panic the CPU that panics stops the others; in a spawn that hangs, or
 * is killed, the host does.  Both by NMI, which gets through to a CPU that has
 * interrupts off, and is taken at once where it is not in an NMI already.
 */
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/types.h>

#include <asm/intel_pt.h>
#include <asm/nmi.h>
#include <asm/reboot.h>
#include <asm/smp.h>
#include <asm/unwind.h>

#include "x86.h"

static void mk_stopped_by_panic(int cpu, struct pt_regs *regs)
{
	mk_words_registers(regs);
	/* What it logs goes to memory, also when the CPU halts */
	cpu_emergency_stop_pt();
}

/*
 * panic() comes here before its notifiers, whatever crash_kexec_post_notifiers
 * is.  nmi_shootdown_cpus() takes no lock, waits for a second at most, and
 * can be called once only.  Nothing else of a spawn stops its other CPUs: see
 * machine_ops in mk_take_over().
 */
static void mk_stop_others(void)
{
	static bool stopped;

	if (stopped)
		return;
	stopped = true;
	nmi_shootdown_cpus(mk_stopped_by_panic);
}

static void mk_stop_other_cpus(int wait)
{
	mk_stop_others();
}

/* The host wants to know what this CPU does, and that it stops */
static int mk_dump_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!READ_ONCE(mk_host_page(mk_self_window)->dump))
		return NMI_DONE;

	mk_words_registers(regs);
	/* Within the NMI: the next ones stay pending */
	arch_mk_stop_self();
}

/**
 * arch_mk_backtrace - who called whom, on this CPU
 * @regs: where it begins, or NULL for here
 * @trace: gets the addresses, the innermost first
 * @max: most of them
 *
 * By the unwinder itself, which is there without STACKTRACE, too.
 *
 * Context: any.
 * Return: how many.
 */
unsigned int arch_mk_backtrace(struct pt_regs *regs, unsigned long *trace,
			       unsigned int max)
{
	struct unwind_state state;
	unsigned long addr;
	unsigned int nr = 0;

	if (regs)
		trace[nr++] = regs->ip;
	for (unwind_start(&state, current, regs, NULL); nr < max && !unwind_done(&state);
	     unwind_next_frame(&state)) {
		addr = unwind_get_return_address(&state);
		if (!addr)
			break;
		trace[nr++] = addr;
	}

	return nr;
}

/**
 * arch_mk_words_init - from now on CPUs that are stopped leave their registers
 *
 * Context: process; the window is mapped.
 */
void __init arch_mk_words_init(void)
{
	smp_ops.stop_other_cpus = mk_stop_other_cpus;
	smp_ops.crash_stop_other_cpus = mk_stop_others;
	register_nmi_handler(NMI_LOCAL, mk_dump_nmi, 0, "multikernel");
}
