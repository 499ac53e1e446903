// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: keeps the pool off ACPI tables that lie in RAM
 *
 * Firmware is to mark its tables in the memory map.  Some does not, and then
 * acpi_reserve_initial_tables() reserves them, which is long after the pool was
 * taken: that comes first, as it must not get into the direct map.  So the same
 * is done here, by the same lists, and reserving twice does no harm.
 *
 * What firmware wrote is not checked as ACPICA will do it: a length that can't
 * be is left out, the rest is memory that nobody gets.
 */
#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/memblock.h>
#include <linux/sizes.h>

#include "x86.h"

/* Longest table that is believed, and longest list of them */
#define MK_ACPI_TABLE_MAX	SZ_16M
#define MK_ACPI_LIST_MAX	SZ_64K

static bool __init mk_acpi_read(u64 at, void *to, size_t size)
{
	void *from = at ? early_memremap(at, size) : NULL;

	if (!from)
		return false;
	memcpy(to, from, size);
	early_memunmap(from, size);

	return true;
}

/* Returns its length, 0 if that can't be one */
static u32 __init mk_acpi_keep(u64 at, struct acpi_table_header *table)
{
	/* FACS has no more in common with the others than these two fields */
	size_t least = offsetofend(struct acpi_table_header, length);

	if (!mk_acpi_read(at, table, sizeof(*table)) || table->length < least ||
	    table->length > MK_ACPI_TABLE_MAX)
		return 0;
	memblock_reserve(at, table->length);

	return table->length;
}

/* Two tables that no list has */
static void __init mk_acpi_keep_fadt(u64 at, u32 length)
{
	struct acpi_table_header table;
	struct acpi_table_fadt fadt = { };

	if (!mk_acpi_read(at, &fadt, min_t(size_t, length, sizeof(fadt))))
		return;
	mk_acpi_keep(fadt.dsdt, &table);
	mk_acpi_keep(fadt.Xdsdt, &table);
	mk_acpi_keep(fadt.facs, &table);
	mk_acpi_keep(fadt.Xfacs, &table);
}

static void __init mk_acpi_keep_list(u64 at, size_t entry_size)
{
	struct acpi_table_header list, table;
	u32 length = min_t(u32, mk_acpi_keep(at, &list), MK_ACPI_LIST_MAX);
	u32 off, len;
	u64 entry;

	for (off = sizeof(list); off + entry_size <= length; off += entry_size) {
		entry = 0;
		if (!mk_acpi_read(at + off, &entry, entry_size))
			return;
		len = mk_acpi_keep(entry, &table);
		if (len && !memcmp(table.signature, ACPI_SIG_FADT, ACPI_NAMESEG_SIZE))
			mk_acpi_keep_fadt(entry, len);
	}
}

/**
 * mk_keep_acpi - reserve the tables that the kernel will read at boot
 *
 * Context: setup_arch(), memblock knows all memory, before the pool is taken.
 */
void __init mk_keep_acpi(void)
{
	struct acpi_table_rsdp rsdp;

	if (acpi_disabled || !mk_acpi_read(acpi_os_get_root_pointer(), &rsdp, sizeof(rsdp)))
		return;

	/* Which of the two is used may depend on the command line */
	mk_acpi_keep_list(rsdp.rsdt_physical_address, sizeof(u32));
	if (rsdp.revision > 1)
		mk_acpi_keep_list(rsdp.xsdt_physical_address, sizeof(u64));
}
