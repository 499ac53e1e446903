// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: interrupts go to this kernel's own CPUs only
 *
 * The APIC driver's callbacks are wrapped once it is chosen: in a spawn as soon
 * as it has one, in a host with a pool at boot, long before the first CPU is
 * lent.  Whoever sends a fixed interrupt or an NMI comes by here, and whoever
 * writes the ICR by the driver: INIT, SIPI.
 *
 * This kernel's CPU numbers are the measure where there are any: it owns those
 * that are present and not in mk_cpus_foreign.  So the driver's own logical
 * destinations, of an x2APIC in cluster mode, need no look: they are made of the
 * numbers that passed.  A raw command for the ICR is taken apart: physical, to
 * the id of such a CPU, or to self.
 *
 * Not wrapped is apic->write(): the ICR's only writer by it is icr_write() of
 * the drivers themselves, and the timer pays for every instruction.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/smp.h>
#include <linux/static_call.h>

#include <asm/apic.h>
#include <asm/irq_vectors.h>

#include "x86.h"

/* The field of the interrupt command: all of its bits */
#define MK_ICR_SHORTHAND	APIC_DEST_ALLBUT

/* Local APIC ids of the CPUs in mk_cpus_foreign: each doorbell asks */
static DECLARE_BITMAP(mk_ids_foreign, MAX_LOCAL_APIC) __read_mostly;

/* The driver's own */
DEFINE_STATIC_CALL_NULL(mk_driver_send_IPI, *apic->send_IPI);
DEFINE_STATIC_CALL_NULL(mk_driver_send_IPI_mask, *apic->send_IPI_mask);
DEFINE_STATIC_CALL_NULL(mk_driver_send_IPI_mask_allbutself, *apic->send_IPI_mask_allbutself);
DEFINE_STATIC_CALL_NULL(mk_driver_send_IPI_allbutself, *apic->send_IPI_allbutself);
DEFINE_STATIC_CALL_NULL(mk_driver_send_IPI_all, *apic->send_IPI_all);
DEFINE_STATIC_CALL_NULL(mk_driver_icr_write, *apic->icr_write);

/* Does the machine have no other kernel's CPU? */
static bool mk_alone(void)
{
	return !mk_self_is_spawn && cpumask_empty(&mk_cpus_foreign);
}

/* In a spawn all present ones; a number without a CPU has the id of a broadcast */
static __always_inline bool mk_owns_cpu(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, cpu_present_mask) &&
	       !cpumask_test_cpu(cpu, &mk_cpus_foreign);
}

static bool mk_owns_all(const struct cpumask *mask)
{
	return cpumask_subset(mask, cpu_present_mask) &&
	       !cpumask_intersects(mask, &mk_cpus_foreign);
}

static void mk_send_one(unsigned int cpu, int vector, const void *caller)
{
	if (likely(mk_owns_cpu(cpu)))
		static_call(mk_driver_send_IPI)(cpu, vector);
	else
		mk_deny(MK_DENIED_IPI, per_cpu(x86_cpu_to_apicid, cpu), vector, caller);
}

static void mk_send_IPI(int cpu, int vector)
{
	mk_send_one(cpu, vector, __builtin_return_address(0));
}

static void mk_send_IPI_mask(const struct cpumask *mask, int vector)
{
	unsigned int cpu;

	if (likely(mk_owns_all(mask))) {
		static_call(mk_driver_send_IPI_mask)(mask, vector);
		return;
	}
	/* Those that are its own get theirs: who sends may wait for an answer */
	for_each_cpu(cpu, mask)
		mk_send_one(cpu, vector, __builtin_return_address(0));
}

static void mk_send_IPI_mask_allbutself(const struct cpumask *mask, int vector)
{
	unsigned int cpu;

	if (likely(mk_owns_all(mask))) {
		static_call(mk_driver_send_IPI_mask_allbutself)(mask, vector);
		return;
	}
	for_each_cpu(cpu, mask)
		if (cpu != smp_processor_id())
			mk_send_one(cpu, vector, __builtin_return_address(0));
}

/*
 * The two shorthands.  Nobody uses them while there are other kernels, see
 * apic_smt_update(); should somebody, they name their destinations.
 */
static void mk_send_IPI_allbutself(int vector)
{
	if (mk_alone())
		static_call(mk_driver_send_IPI_allbutself)(vector);
	else
		mk_send_IPI_mask_allbutself(cpu_online_mask, vector);
}

static void mk_send_IPI_all(int vector)
{
	if (mk_alone())
		static_call(mk_driver_send_IPI_all)(vector);
	else
		mk_send_IPI_mask(cpu_online_mask, vector);
}

static bool mk_has_id(const struct cpumask *mask, u32 id)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask)
		if (per_cpu(x86_cpu_to_apicid, cpu) == id)
			return true;

	return false;
}

/* A command of the kernel's own.  Not a hot path: CPUs are brought up by it */
static bool mk_icr_allowed(u32 icr, u32 id)
{
	if ((icr & MK_ICR_SHORTHAND) == APIC_DEST_SELF || mk_alone())
		return true;
	/* Shorthands, logical ids and "lowest priority" may mean any CPU */
	if ((icr & (MK_ICR_SHORTHAND | APIC_DEST_LOGICAL)) ||
	    (icr & APIC_DM_FIXED_MASK) == APIC_DM_LOWEST)
		return false;

	return mk_has_id(cpu_present_mask, id) && !mk_has_id(&mk_cpus_foreign, id);
}

static void mk_icr_write(u32 low, u32 id)
{
	if (mk_icr_allowed(low, id))
		static_call(mk_driver_icr_write)(low, id);
	else
		mk_deny(MK_DENIED_IPI, id, low, __builtin_return_address(0));
}

/**
 * arch_mk_set_foreign - may other kernels be sent something on this CPU?
 * @cpu: the host's number
 * @foreign: it enters mk_cpus_foreign, or leaves it
 *
 * Context: process; mk_lock held.
 */
void arch_mk_set_foreign(unsigned int cpu, bool foreign)
{
	u32 id = arch_mk_cpu_id(cpu);

	lockdep_assert_held(&mk_lock);
	if (id < MAX_LOCAL_APIC)
		assign_bit(id, mk_ids_foreign, foreign);
}

/*
 * What goes to another kernel's CPU on purpose.  A host sends to CPUs that it
 * has lent, whatever it takes to get them back.  A spawn rings the host's
 * doorbell: that vector, which it learnt once, to one CPU, which the host's page
 * says; that page can be scribbled over, so nothing else of it is believed.
 */
static bool mk_foreign_allowed(u32 icr, u32 id)
{
	if (!mk_self_is_spawn)
		return !(icr & (MK_ICR_SHORTHAND | APIC_DEST_LOGICAL)) &&
		       id < MAX_LOCAL_APIC && test_bit(id, mk_ids_foreign);

	return icr == mk_self_host_vector && icr >= FIRST_EXTERNAL_VECTOR && icr < NR_VECTORS &&
	       id < (apic->max_apic_id < U32_MAX ? 0xff : U32_MAX);
}

/**
 * mk_ipi_foreign - send something to a CPU of another kernel
 * @icr: interrupt command, see APIC_ICR
 * @id: local APIC id
 *
 * The only door for that: INIT, SIPI, NMI and doorbell.
 *
 * Context: any; interrupts off.
 * Return: false if it was not sent, as that CPU is not lent, or the command is
 * none for another kernel.
 */
bool mk_ipi_foreign(u32 icr, u32 id)
{
	if (!mk_foreign_allowed(icr, id)) {
		mk_deny(MK_DENIED_IPI, id, icr, __builtin_return_address(0));
		return false;
	}
	static_call_cond(mk_driver_icr_write)(icr, id);

	return true;
}

#define mk_wrap(callback) do {						\
	static_call_update(mk_driver_##callback, apic->callback);	\
	apic_update_callback(callback, mk_##callback);			\
} while (0)

/**
 * mk_ipi_guard - wrap the APIC driver
 *
 * Context: boot, the driver is the one that stays.
 */
void __init mk_ipi_guard(void)
{
	mk_wrap(send_IPI);
	mk_wrap(send_IPI_mask);
	mk_wrap(send_IPI_mask_allbutself);
	mk_wrap(send_IPI_allbutself);
	mk_wrap(send_IPI_all);
	mk_wrap(icr_write);
}

static int __init mk_ipi_guard_host(void)
{
	if (!mk_self_is_spawn && arch_mk_reserved()->size)
		mk_ipi_guard();

	return 0;
}
core_initcall(mk_ipi_guard_host);
