// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: takes the pool out of the host's memory at boot
 *
 * The pool leaves memblock before the direct map is built: it is never mapped
 * there, and the page allocator does not know it.  What
 * the host must write for a spawn it maps for that moment.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/crash_dump.h>
#include <linux/ioport.h>
#include <linux/memblock.h>

#include <asm/e820/api.h>

#include "x86.h"

/* Below this the kernel decompressor would not leave an image where it is */
#define MK_POOL_LOWEST		SZ_32M

/* The first 64 KiB are memblock-reserved by every kernel, see setup.c */
#define MK_LOW_LOWEST		SZ_64K
#define MK_LOW_END		0xa0000

static u64 mk_wanted_size __initdata;
static u64 mk_wanted_at __initdata;
static struct mk_reserved mk_reserved __ro_after_init;

static struct resource mk_pool_res = {
	.name	= "Multikernel pool",
	.flags	= IORESOURCE_MEM | IORESOURCE_BUSY,
};

static struct resource mk_low_res[MK_LOW_SLOTS_MAX + 1];

/* multikernel=SIZE[@ADDR] */
static int __init mk_parse_param(char *arg)
{
	char *end;

	if (!arg)
		return -EINVAL;

	mk_wanted_size = memparse(arg, &end);
	if (*end == '@')
		mk_wanted_at = memparse(end + 1, &end);
	if (*end || !mk_wanted_size) {
		pr_err("multikernel=%s is not SIZE[@ADDR], the pool stays empty\n", arg);
		mk_wanted_size = 0;
	}

	return 0;
}
early_param("multikernel", mk_parse_param);

/**
 * arch_mk_reserved - what boot reserved for instances
 *
 * Context: any, after setup_arch().
 * Return: constant.
 */
const struct mk_reserved *arch_mk_reserved(void)
{
	return &mk_reserved;
}

static void __init mk_low_claim(struct resource *res, u64 at, u64 size)
{
	res->name = "Multikernel low pool";
	res->start = at;
	res->end = at + size - 1;
	res->flags = IORESOURCE_MEM | IORESOURCE_BUSY;
	insert_resource(&iomem_resource, res);
}

/*
 * The host itself needs room below 1 MiB for its trampoline, and reserves it
 * after this: take one piece more than wanted, and give it back.
 */
static void __init mk_reserve_low(void)
{
	u64 spare, at;
	int i;

	spare = memblock_phys_alloc_range(SZ_64K, PAGE_SIZE, MK_LOW_LOWEST, MK_LOW_END);
	if (!spare)
		goto none;
	at = memblock_phys_alloc_range(PAGE_SIZE, PAGE_SIZE, MK_LOW_LOWEST, MK_LOW_END);
	if (!at)
		goto none;
	mk_reserved.stub = at;
	mk_low_claim(&mk_low_res[MK_LOW_SLOTS_MAX], at, PAGE_SIZE);

	for (i = 0; i < MK_LOW_SLOTS_MAX; i++) {
		at = memblock_phys_alloc_range(MK_LOW_SLOT_SIZE, PAGE_SIZE,
					       MK_LOW_LOWEST, MK_LOW_END);
		if (!at)
			break;
		mk_reserved.low[i] = at;
		mk_low_claim(&mk_low_res[i], at, MK_LOW_SLOT_SIZE);
	}
	mk_reserved.nr_low = i;
none:
	if (spare)
		memblock_phys_free(spare, SZ_64K);
}

static u64 __init mk_find_pool(u64 size)
{
	u64 at;

	if (mk_wanted_at)
		return memblock_phys_alloc_range(size, MK_GRANULE, mk_wanted_at,
						 mk_wanted_at + size);

	/* Below 4 GiB a spawn has memory for devices that can't reach further */
	at = memblock_phys_alloc_range(size, MK_GRANULE, MK_POOL_LOWEST, SZ_4G);
	if (!at)
		at = memblock_phys_alloc_range(size, MK_GRANULE, SZ_4G,
					       PFN_PHYS(max_pfn));
	return at;
}

/**
 * multikernel_reserve - set the pool aside
 *
 * Context: setup_arch(), memblock knows all memory, before the direct map is
 * built and before the trampoline is placed.
 */
void __init multikernel_reserve(void)
{
	u64 size = ALIGN(mk_wanted_size, MK_GRANULE), at;

	if (multikernel_is_spawn()) {
		mk_choose_apic();
		mk_blind();
		mk_guard_memory();
		return;
	}
	/* A crash kernel may have inherited the parameter: it is nobody's host */
	if (!mk_wanted_size || is_kdump_kernel())
		return;

	if (!IS_ALIGNED(mk_wanted_at, MK_GRANULE) ||
	    (mk_wanted_at && mk_wanted_at < MK_POOL_LOWEST)) {
		pr_err("pool at %#llx: not a multiple of 2 MiB, or below 32 MiB; the pool stays empty\n",
		       mk_wanted_at);
		return;
	}
	mk_keep_acpi();
	/* size is 0 if it was so near 2^64 that the rounding wrapped around */
	at = size && size <= memblock_phys_mem_size() ? mk_find_pool(size) : 0;
	if (!at) {
		if (mk_wanted_at)
			pr_err("no %llu MiB of free memory at %#llx, the pool stays empty\n",
			       mk_wanted_size >> 20, mk_wanted_at);
		else
			pr_err("no %llu MiB of free memory in one piece, the pool stays empty\n",
			       mk_wanted_size >> 20);
		return;
	}
	mk_reserve_low();
	if (!mk_reserved.nr_low) {
		pr_err("no free memory below 1 MiB, the pool stays empty\n");
		memblock_phys_free(at, size);
		return;
	}

	memblock_phys_free(at, size);
	memblock_remove(at, size);
	e820__range_update(at, size, E820_TYPE_RAM, E820_TYPE_RESERVED);
	e820__update_table(e820_table);

	mk_reserved.start = at;
	mk_reserved.size = size;
	mk_pool_res.start = at;
	mk_pool_res.end = at + size - 1;
	insert_resource(&iomem_resource, &mk_pool_res);
	mk_guard_host(&mk_reserved);

	pr_info("pool of %llu MiB at %#llx, %u slots below 1 MiB\n", size >> 20, at,
		mk_reserved.nr_low);
}
