// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: maps memory of an instance, for whom it is meant
 *
 * ioremap() and memremap() refuse memory of an instance, whoever asks: see
 * multikernel_may_map().  Multikernel's own mappings don't go by there, so that
 * the guard needs no exceptions.
 *
 * The type is write-back, as all of RAM has it.  It is not told to PAT: nobody
 * else can have it mapped with another one.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "internal.h"

/**
 * mk_map - map memory past the guards: an instance's, or a spawn's window
 * @phys: physical address, which may lie within a page
 * @size: bytes
 *
 * VM_IOREMAP also keeps it out of /proc/kcore, where it reads as zeros.
 *
 * Context: process, may sleep.
 * Return: where it is mapped, for mk_unmap(); NULL if there is no memory for the
 * tables.
 */
void *mk_map(u64 phys, size_t size)
{
	unsigned long offset = offset_in_page(phys), at;
	struct vm_struct *area;

	phys -= offset;
	size = PAGE_ALIGN(size + offset);
	area = get_vm_area_caller(size, VM_IOREMAP, __builtin_return_address(0));
	if (!area)
		return NULL;
	/* For who reads /proc/vmallocinfo */
	area->phys_addr = phys;

	at = (unsigned long)area->addr;
	if (ioremap_page_range(at, at + size, phys, PAGE_KERNEL)) {
		free_vm_area(area);
		return NULL;
	}

	return area->addr + offset;
}

/**
 * mk_unmap - undo mk_map()
 * @p: what it returned, or NULL
 *
 * Context: process, may sleep.
 */
void mk_unmap(void *p)
{
	/* Takes the area, which begins on a page, and its mapping apart */
	if (p)
		vunmap((void *)((unsigned long)p & PAGE_MASK));
}
