// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: INIT, start-up IPI, and the proof that a CPU left
 *
 * The hardware's own protocol (Intel SDM vol. 3, "MP Initialization Protocol";
 * arch/x86/kernel/smpboot.c has the kernel's use of it).  A CPU that nobody
 * owns waits for a start-up IPI; nothing that a spawn did can be in its way,
 * but VMX root operation and, on AMD, a cleared global interrupt flag: they
 * block INIT.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cc_platform.h>
#include <linux/delay.h>
#include <linux/smp.h>

#include <asm/apic.h>
#include <asm/io.h>
#include <asm/tsc.h>

#include "x86.h"

/* Between two start-up IPIs to a CPU that did not answer the first */
#define MK_SIPI_RETRY_MS	20

/* One CPU at a time goes through the proof stub */
static DEFINE_MUTEX(mk_proof_lock);

/* A CPU that no IPI of ours gets to: it stays in its spawn, whatever we do */
static bool mk_cpu_is_deaf(u32 apic_id)
{
	unsigned int cpu;

	if (!IS_ENABLED(CONFIG_MULTIKERNEL_FAULT_INJECTION))
		return false;
	cpu = READ_ONCE(mk_lose_cpu);

	return cpu && cpu < nr_cpu_ids && cpu_possible(cpu) &&
	       apic_id == arch_mk_cpu_id(cpu);
}

static void mk_send_ipi(u32 icr, u32 apic_id)
{
	unsigned long flags;

	if (mk_cpu_is_deaf(apic_id))
		return;
	/* Stub and page tables before the IPI, also where the ICR is an MSR */
	weak_wrmsr_fence();
	local_irq_save(flags);
	mk_ipi_foreign(icr, apic_id);
	safe_apic_wait_icr_idle();
	local_irq_restore(flags);
}

/**
 * arch_mk_cpu_reset - send INIT
 * @id: local APIC id of a lent CPU
 *
 * Context: process, may sleep.
 */
void arch_mk_cpu_reset(u32 id)
{
	mk_send_ipi(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, id);
	fsleep(20);
	mk_send_ipi(APIC_INT_LEVELTRIG | APIC_DM_INIT, id);
}

/**
 * arch_mk_cpu_nmi - send an NMI
 * @id: local APIC id of a lent CPU that takes one, see mk_dump_cpus()
 *
 * Context: any but NMI.
 */
void arch_mk_cpu_nmi(u32 id)
{
	mk_send_ipi(APIC_DM_NMI, id);
}

/**
 * arch_mk_cpu_reset_crash - send INIT, as the host crashed
 * @id: local APIC id of a lent CPU
 *
 * The local APIC of this CPU may be software-disabled already: it still sends.
 *
 * Context: any, NMI included; never sleeps, waits some 100 ms at most.
 */
void arch_mk_cpu_reset_crash(u32 id)
{
	mk_send_ipi(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, id);
	udelay(20);
	mk_send_ipi(APIC_INT_LEVELTRIG | APIC_DM_INIT, id);
}

/* INIT, then start-up IPIs until *started is not 0, or *ack is @want */
static int mk_cpu_run(u32 id, u32 page, const u64 *started, const u32 *ack, u32 want,
		      unsigned int timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned long retry = jiffies;
	bool done;

	arch_mk_cpu_reset(id);
	do {
		if (time_after_eq(jiffies, retry)) {
			mk_send_ipi(APIC_DM_STARTUP | (page >> PAGE_SHIFT), id);
			retry = jiffies + msecs_to_jiffies(MK_SIPI_RETRY_MS);
		}
		fsleep(20);
		done = started ? READ_ONCE(*started) != 0 : READ_ONCE(*ack) == want;
	} while (!done && time_before(jiffies, end));

	return done ? 0 : -ETIMEDOUT;
}

/**
 * arch_mk_cpu_take_back - make a CPU leave whatever it executes
 * @id: local APIC id of a lent CPU
 * @timeout_ms: milliseconds that it gets to answer, %MK_PROOF_MS
 *
 * Context: process, may sleep.
 * Return: 0 when the CPU has executed code of the host's and waits for a
 * start-up IPI again; -ETIMEDOUT if it did not answer.
 */
int arch_mk_cpu_take_back(u32 id, unsigned int timeout_ms)
{
	u8 *stub = phys_to_virt(arch_mk_reserved()->stub);
	static u32 token;
	u32 *ack;
	int err;

	mutex_lock(&mk_proof_lock);

	/* Written anew each time: a spawn could have scribbled over it */
	memcpy(stub, mk_proof_stub, mk_proof_stub_end - mk_proof_stub);
	*(u32 *)(stub + (mk_proof_token - mk_proof_stub)) = ++token ?: ++token;
	ack = (u32 *)(stub + (mk_proof_ack - mk_proof_stub));
	WRITE_ONCE(*ack, 0);

	err = mk_cpu_run(id, arch_mk_reserved()->stub, NULL, ack, token, timeout_ms);
	arch_mk_cpu_reset(id);

	mutex_unlock(&mk_proof_lock);

	return err;
}

static void mk_write_stub(struct mk_instance *inst, u8 *low)
{
	struct mk_start_args *args = (void *)low + (mk_start_args - mk_start_stub);
	u32 base = inst->low + MK_LOW_STUB;

	memcpy(low, mk_start_stub, mk_start_stub_end - mk_start_stub);
	*(u32 *)(low + (mk_start_gdt_base - mk_start_stub)) =
		base + (mk_start_gdt - mk_start_stub);
	*(u32 *)(low + (mk_start_jump32 - mk_start_stub)) =
		base + (mk_start_32 - mk_start_stub);
	*(u32 *)(low + (mk_start_jump64 - mk_start_stub)) =
		base + (mk_start_64 - mk_start_stub);

	args->cr3 = inst->low + MK_LOW_PGD;
	args->entry = inst->image.entry;
	args->boot_params = mk_boot_area_phys(inst) + MK_BOOT_PARAMS;
	WRITE_ONCE(args->arrived, 0);
}

/**
 * arch_mk_cpu_start - start the instance's first CPU
 * @inst: instance with image and boot parameters in place
 *
 * Context: process, may sleep.
 * Return: 0 once the CPU executes the start stub; -ETIMEDOUT.
 */
int arch_mk_cpu_start(struct mk_instance *inst)
{
	u8 *low = phys_to_virt(inst->low + MK_LOW_STUB);
	struct mk_start_args *args = (void *)low + (mk_start_args - mk_start_stub);

	BUILD_BUG_ON(sizeof(*args) != 32);
	mk_write_stub(inst, low);

	return mk_cpu_run(inst->apic_ids[0], inst->low, &args->arrived, NULL, 0, MK_PROOF_MS);
}

/**
 * arch_mk_cpu_id - how the hardware calls a CPU
 * @cpu: the host's number
 *
 * Return: local APIC id.
 */
u32 arch_mk_cpu_id(unsigned int cpu)
{
	return per_cpu(x86_cpu_to_apicid, cpu);
}

/**
 * arch_mk_same_core - are two CPUs threads of one core?
 * @a: the host's number of the one
 * @b: and of the other, online or not
 *
 * Return: true if they are.
 */
bool arch_mk_same_core(unsigned int a, unsigned int b)
{
	unsigned int shift = x86_topo_system.dom_shifts[TOPO_SMT_DOMAIN];

	return arch_mk_cpu_id(a) >> shift == arch_mk_cpu_id(b) >> shift;
}

/**
 * arch_mk_ownership_changed - CPUs were lent or returned
 *
 * IPI shorthands reach CPUs that this kernel does not own: they go off before
 * the first one leaves, and come back with the last.
 *
 * Context: process, no hotplug lock held.
 */
void arch_mk_ownership_changed(void)
{
	apic_smt_update();
}

/**
 * arch_mk_host_unfit - can this machine be a host?
 *
 * Return: NULL, or why not.
 */
const char *arch_mk_host_unfit(void)
{
	if (!boot_cpu_has(X86_FEATURE_TSC) || !tsc_khz)
		return "no TSC, which is the only clock a spawn has";
	if (check_tsc_unstable())
		return "the TSC is unstable, and it is the only clock a spawn has";
	if (!boot_cpu_has(X86_FEATURE_APIC))
		return "no local APIC";
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return "memory encryption is on, and a CPU starts without it";
	if (apic->wakeup_secondary_cpu || apic->wakeup_secondary_cpu_64)
		return "the firmware starts CPUs, not INIT and a start-up IPI";

	return NULL;
}
