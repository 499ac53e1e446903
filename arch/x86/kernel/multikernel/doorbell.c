// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the doorbell's interrupt vector
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/smp.h>

#include <asm/apic.h>
#include <asm/idtentry.h>
#include <asm/irq_vectors.h>
#include <asm/multikernel.h>

#include "x86.h"

static DEFINE_PER_CPU(unsigned int, mk_doorbell_count);

DEFINE_IDTENTRY_SYSVEC(sysvec_multikernel_doorbell)
{
	apic_eoi();
	this_cpu_inc(mk_doorbell_count);
	mk_doorbell();
}

/**
 * multikernel_doorbells - doorbells that a CPU has heard, for /proc/stat
 * @cpu: this kernel's number
 *
 * Context: any.
 * Return: how many, since this kernel's boot.
 */
unsigned int multikernel_doorbells(unsigned int cpu)
{
	return per_cpu(mk_doorbell_count, cpu);
}

/**
 * multikernel_show_doorbells - a line of /proc/interrupts
 * @p: the file
 * @prec: columns of the name
 *
 * Context: process.
 */
void multikernel_show_doorbells(struct seq_file *p, int prec)
{
	unsigned int cpu;

	seq_printf(p, "%*s: ", prec, "MKD");
	for_each_online_cpu(cpu)
		seq_printf(p, "%10u ", multikernel_doorbells(cpu));
	seq_puts(p, "  Multikernel doorbell interrupts\n");
}

/**
 * arch_mk_doorbell_address - where others ring for a CPU of this kernel
 * @cpu: this kernel's number
 * @dest: gets its local APIC id
 * @vector: gets the interrupt vector
 *
 * Context: any.
 */
void arch_mk_doorbell_address(unsigned int cpu, u32 *dest, u32 *vector)
{
	*dest = per_cpu(x86_cpu_to_apicid, cpu);
	*vector = MULTIKERNEL_DOORBELL_VECTOR;
}

/**
 * arch_mk_doorbell_valid - can a peer's doorbell be on this vector?
 * @vector: what the peer published
 *
 * Context: any.
 * Return: true for a vector of external interrupts.
 */
bool arch_mk_doorbell_valid(u32 vector)
{
	return vector >= FIRST_EXTERNAL_VECTOR && vector < NR_VECTORS;
}

/**
 * arch_mk_doorbell_ring - ring
 * @dest: local APIC id
 * @vector: interrupt vector
 *
 * Context: any; in NMI only from a panic, which nothing goes on after.
 */
void arch_mk_doorbell_ring(u32 dest, u32 vector)
{
	unsigned long flags;

	/* An x2APIC's ICR is an MSR, and orders nothing: what it announces first */
	weak_wrmsr_fence();
	local_irq_save(flags);
	safe_apic_wait_icr_idle();
	mk_ipi_foreign(APIC_DM_FIXED | APIC_DEST_PHYSICAL | vector, dest);
	local_irq_restore(flags);
}
