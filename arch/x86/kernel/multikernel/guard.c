// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: what this kernel may map, and which ports and MSRs it may touch
 *
 * A host may map everything but what is, or may be, an instance's.  A spawn may
 * map nothing but what it was granted.  Both are laid down once at boot.
 *
 * This stops who goes by the kernel's own ways: drivers, /dev/mem, ACPI, users.
 * It does not stop code that writes page tables, or executes OUT or WRMSR.
 */
#include <linux/cache.h>
#include <linux/export.h>
#include <linux/memblock.h>
#include <linux/multikernel.h>

#include <asm/apicdef.h>
#include <asm/e820/types.h>
#include <asm/msr-index.h>
#include <asm/setup.h>

#include "ranges.h"
#include "x86.h"

/* A host's: of its instances.  A spawn's: its own */
static struct mk_ranges mk_guarded __ro_after_init;

/**
 * mk_guard_host - nobody maps the pool and the slots below 1 MiB from now on
 * @reserved: what boot reserved
 *
 * The slots stay in the direct map, with all of the first MiB.
 *
 * Context: setup_arch().
 */
void __init mk_guard_host(const struct mk_reserved *reserved)
{
	int i;

	/* The pool, the page of the proof stub, and the slots */
	BUILD_BUG_ON(MK_LOW_SLOTS_MAX + 2 > MK_RANGES_MAX);

	mk_ranges_add(&mk_guarded, reserved->start, reserved->size);
	mk_ranges_add(&mk_guarded, reserved->stub, PAGE_SIZE);
	for (i = 0; i < reserved->nr_low; i++)
		mk_ranges_add(&mk_guarded, reserved->low[i], MK_LOW_SLOT_SIZE);
}

/**
 * mk_guard_spawn - nobody maps anything else than this spawn's from now on
 * @desc: what it was told about itself
 *
 * Its RAM is what the host wrote, before the command line could add to it.
 *
 * Context: setup_arch().
 */
void __init mk_guard_spawn(const struct mk_boot_desc *desc)
{
	const struct boot_e820_entry *e = boot_params.e820_table;
	int i;

	for (i = 0; i < min_t(int, boot_params.e820_entries, E820_MAX_ENTRIES_ZEROPAGE); i++)
		if (e[i].type == E820_TYPE_RAM)
			mk_ranges_add(&mk_guarded, e[i].addr, e[i].size);
	mk_ranges_add(&mk_guarded, desc->window_phys, desc->window_size);
	mk_ranges_add(&mk_guarded, APIC_DEFAULT_PHYS_BASE, PAGE_SIZE);
}

/**
 * mk_guard_memory - stop if the command line gave this spawn foreign memory
 *
 * memmap= would put it into the direct map, and hand it out.
 *
 * Context: setup_arch(), memblock knows all memory, before the direct map is
 * built; until then memblock hands out nothing above 1 MiB.
 */
void __init mk_guard_memory(void)
{
	phys_addr_t start, end;
	u64 i;

	for_each_mem_range(i, &start, &end)
		if (!mk_ranges_cover(&mk_guarded, start, end - start))
			panic("multikernel: memory %#llx-%#llx was not granted to this kernel",
			      start, end - 1);
}

/**
 * multikernel_may_map - may this kernel map that?
 * @phys: physical address
 * @size: bytes
 * @caller: code that wants to, for the log
 *
 * Multikernel's own mappings don't ask, see mk_map().
 *
 * Context: any.
 * Return: true if so.
 */
bool multikernel_may_map(phys_addr_t phys, size_t size, const void *caller)
{
	/* No pool, or a spawn that does not know yet what it has */
	if (!mk_guarded.nr)
		return true;
	if (mk_self_is_spawn ? mk_ranges_cover(&mk_guarded, phys, size) :
			       !mk_ranges_touch(&mk_guarded, phys, size))
		return true;

	mk_deny(MK_DENIED_MAP, phys, size, caller);

	return false;
}

/**
 * multikernel_ports_denied - must user space be kept from I/O ports?
 *
 * They are the host's.
 *
 * Context: any.
 * Return: true in a spawn.
 */
bool multikernel_ports_denied(void)
{
	if (!mk_self_is_spawn)
		return false;

	mk_deny(MK_DENIED_PORT, 0, 0, __builtin_return_address(0));

	return true;
}

/**
 * multikernel_msr_denied - would a write to this MSR reach another kernel?
 * @msr: its number
 *
 * It sends interrupts, moves the local APIC's page, or sets the clock that all
 * kernels share.
 *
 * Context: any.
 * Return: true in a spawn, and in a host with a pool, if user space must not.
 */
bool multikernel_msr_denied(u32 msr)
{
	if (!mk_guarded.nr)
		return false;

	switch (msr) {
	case MSR_IA32_TSC:
	case MSR_IA32_TSC_ADJUST:
	case MSR_IA32_APICBASE:
	case APIC_BASE_MSR + (APIC_ICR >> 4):
		mk_deny(MK_DENIED_MSR, msr, 0, __builtin_return_address(0));
		return true;
	default:
		return false;
	}
}
EXPORT_SYMBOL_GPL(multikernel_msr_denied);
