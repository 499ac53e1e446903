// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: faults of a spawn on request, those that only x86 knows
 *
 * See kernel/multikernel/inject.c.
 */
#include <linux/cpu.h>
#include <linux/ktime.h>
#include <linux/objtool.h>
#include <linux/sched.h>

#include <asm/apic.h>
#include <asm/cmdline.h>
#include <asm/desc.h>
#include <asm/nmi.h>
#include <asm/setup.h>

#include "x86.h"

/* Far from any stack: nothing is mapped in the first pages of a kernel's half */
#define MK_NO_STACK	0x1000UL

/**
 * arch_mk_inject_double_fault - a fault while there is no stack for its handler
 *
 * Context: any.
 */
void __noreturn arch_mk_inject_double_fault(void)
{
	asm volatile("movq %0, %%rsp\n\tpushq $0" : : "r" (MK_NO_STACK) : "memory");
	unreachable();
}

STACK_FRAME_NON_STANDARD(arch_mk_inject_double_fault);

/**
 * arch_mk_inject_triple_fault - a fault while there is no handler at all
 *
 * What follows is up to the platform: most reset the whole machine.
 *
 * Context: any.
 */
void __noreturn arch_mk_inject_triple_fault(void)
{
	static const struct desc_ptr none;

	local_irq_disable();
	load_idt(&none);
	asm volatile("int3");
	/* Never reached */
	for (;;)
		native_halt();
}

static atomic64_t mk_inject_heard;

static int mk_inject_nmi(unsigned int type, struct pt_regs *regs)
{
	atomic64_inc(&mk_inject_heard);

	return NMI_HANDLED;
}

/**
 * arch_mk_inject_nmis - NMIs to all CPUs of this kernel, without a pause
 * @ms: for so long
 * @sent: gets how many
 * @heard: gets how many were handled: the hardware merges those that come too fast
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int arch_mk_inject_nmis(u32 ms, u64 *sent, u64 *heard)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);
	int cpu, err;

	err = register_nmi_handler(NMI_LOCAL, mk_inject_nmi, 0, "mk_inject");
	if (err)
		return err;

	*sent = 0;
	atomic64_set(&mk_inject_heard, 0);
	while (ktime_before(ktime_get(), end)) {
		cpus_read_lock();
		for_each_online_cpu(cpu) {
			__apic_send_IPI(cpu, NMI_VECTOR);
			++*sent;
		}
		cpus_read_unlock();
		cond_resched();
	}
	/* The last ones may be on their way */
	schedule_timeout_uninterruptible(HZ / 10);
	unregister_nmi_handler(NMI_LOCAL, "mk_inject");
	*heard = atomic64_read(&mk_inject_heard);

	return 0;
}

/**
 * arch_mk_inject_param - value of multikernel.inject= on the command line
 * @buf: gets it
 * @size: its room in bytes
 *
 * Context: boot, from the begin of setup_arch() on.
 * Return: its length, below 0 if it is not there.
 */
int __init arch_mk_inject_param(char *buf, int size)
{
	return cmdline_find_option(boot_command_line, "multikernel.inject", buf, size);
}
