// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: writes what the bzImage's 64-bit entry expects
 *
 * Built from nothing: no screen, no ACPI, no EFI, no disks of the host's.
 * Documentation/arch/x86/boot.rst, "64-bit BOOT PROTOCOL".
 */
#include <linux/io.h>
#include <linux/kexec.h>
#include <linux/security.h>

#include <asm/apic.h>
#include <asm/bootparam.h>
#include <asm/e820/types.h>
#include <asm/pgtable_types.h>
#include <asm/setup.h>
#include <asm/tsc.h>

#include "x86.h"

/* hdr.type_of_loader: not one of the registered ones */
#define MK_LOADER_TYPE	0xff

/*
 * Tables for the entry, which needs its image, boot_params and the page it is
 * called from; the decompressor builds its own at once.  64-bit table entries,
 * 2 MiB pages.
 */
struct mk_mapper {
	u64 *pgd;
	u64 *tables;
	u64 phys;
	int used;
};

static u64 *mk_table(struct mk_mapper *m, u64 *entry)
{
	if (!*entry) {
		if (m->used == MK_BOOT_TABLE_PAGES)
			return NULL;
		memset(m->tables + m->used * PTRS_PER_PTE, 0, PAGE_SIZE);
		*entry = (m->phys + m->used * PAGE_SIZE) | _KERNPG_TABLE_NOENC;
		m->used++;
	}

	return m->tables + ((*entry & PTE_PFN_MASK) - m->phys) / sizeof(u64);
}

static bool mk_map_identity(struct mk_mapper *m, u64 start, u64 end)
{
	u64 at, *pud, *pmd;

	for (at = ALIGN_DOWN(start, PMD_SIZE); at < end; at += PMD_SIZE) {
		/* By shifts, not p4d_index(): four levels whatever the host has */
		pud = mk_table(m, &m->pgd[(at >> 39) % PTRS_PER_PTE]);
		if (!pud)
			return false;
		pmd = mk_table(m, &pud[(at >> PUD_SHIFT) % PTRS_PER_PTE]);
		if (!pmd)
			return false;
		pmd[(at >> PMD_SHIFT) % PTRS_PER_PTE] =
			at | (__PAGE_KERNEL_LARGE_EXEC & ~_PAGE_GLOBAL);
	}

	return true;
}

static bool mk_build_tables(struct mk_instance *inst, void *area, void *pgd)
{
	u64 phys = mk_boot_area_phys(inst);
	struct mk_mapper m = {
		.pgd = pgd,
		.tables = area + MK_BOOT_TABLES,
		.phys = phys + MK_BOOT_TABLES,
	};

	memset(pgd, 0, PAGE_SIZE);

	return mk_map_identity(&m, inst->low, inst->low + MK_LOW_SLOT_SIZE) &&
	       mk_map_identity(&m, inst->image.load, inst->image.load + inst->image.init_size) &&
	       mk_map_identity(&m, phys, phys + MK_BOOT_AREA_SIZE);
}

static void mk_e820_add(struct boot_params *bp, u64 start, u64 end, u32 type)
{
	bp->e820_table[bp->e820_entries++] = (struct boot_e820_entry) {
		.addr = start,
		.size = end - start,
		.type = type,
	};
}

static void mk_setup_header(struct mk_instance *inst, struct boot_params *bp)
{
	const struct mk_image *image = &inst->image;
	const struct kimage *kimage = inst->kimage;
	u64 area = mk_boot_area_phys(inst);
	const u8 *file = kimage->kernel_buf;

	/* The header ends where its jump instruction goes to: boot.rst */
	memcpy(&bp->hdr, file + 0x1f1,
	       min_t(size_t, sizeof(bp->hdr), 0x202 + file[0x201] - 0x1f1));

	bp->hdr.type_of_loader = MK_LOADER_TYPE;
	bp->hdr.setup_data = area + MK_BOOT_SETUP_DATA;
	bp->hdr.code32_start = image->load;
	bp->hdr.cmd_line_ptr = lower_32_bits(area + MK_BOOT_CMDLINE);
	bp->ext_cmd_line_ptr = upper_32_bits(area + MK_BOOT_CMDLINE);
	bp->hdr.ramdisk_image = lower_32_bits(image->initrd);
	bp->ext_ramdisk_image = upper_32_bits(image->initrd);
	bp->hdr.ramdisk_size = lower_32_bits(kimage->initrd_buf_len);
	bp->ext_ramdisk_size = upper_32_bits(kimage->initrd_buf_len);

	mk_e820_add(bp, inst->low + MK_LOW_RAM, inst->low + MK_LOW_SLOT_SIZE,
		    E820_TYPE_RAM);
	mk_e820_add(bp, inst->mem.start, mk_window_phys(inst), E820_TYPE_RAM);
	mk_e820_add(bp, mk_window_phys(inst), mk_window_phys(inst) + MK_WINDOW_SIZE,
		    E820_TYPE_RESERVED);
}

/* A spawn reaches all of the machine: it is locked down as the host is */
static const char *mk_lockdown(void)
{
	if (!security_locked_down(LOCKDOWN_INTEGRITY_MAX))
		return "";
	if (!security_locked_down(LOCKDOWN_KCORE))
		return "lockdown=integrity ";

	return "lockdown=confidentiality ";
}

/* Clocks, as they are now */
static void mk_desc_clocks(struct mk_boot_desc *desc)
{
	arch_mk_wall_clock(&desc->wall_tsc, &desc->wall_ns);
	desc->tsc_khz = tsc_khz;
	/* Ticks of the input clock in a jiffy, see calibrate_APIC_clock() */
	desc->apic_timer_khz = div_u64((u64)lapic_timer_period * HZ, 1000);
	if (x2apic_enabled())
		desc->flags |= MK_DESC_X2APIC;
}

static int mk_setup_data(struct mk_instance *inst, void *area)
{
	struct setup_data *data = area + MK_BOOT_SETUP_DATA;
	size_t room = MK_BOOT_CMDLINE - MK_BOOT_SETUP_DATA - sizeof(*data);
	struct mk_boot_desc desc = {
		.id = inst->id,
		.epoch = inst->epoch,
		.window_phys = mk_window_phys(inst),
		.window_size = MK_WINDOW_SIZE,
		.nr_cpus = inst->nr_cpus,
	};

	strscpy(desc.name, inst->name);
	mk_desc_clocks(&desc);

	data->next = 0;
	data->type = MK_SETUP_DATA_TYPE;
	data->len = mk_bootdesc_size(inst->nr_cpus);

	return mk_bootdesc_encode(data->data, room, &desc, inst->apic_ids);
}

/**
 * arch_mk_boot_params - write everything that the entry is given
 * @inst: instance with a placed image
 *
 * Context: process; &mk_instance.lock held.
 * Return: 0; -ENOMEM if the memory can't be mapped; -E2BIG if the tables do not
 * reach all of the image; what the codec says.
 */
int arch_mk_boot_params(struct mk_instance *inst)
{
	const char *cmdline = inst->kimage->cmdline_buf ?: "";
	void *area;
	int err;

	lockdep_assert_held(&inst->lock);

	area = mk_map(mk_boot_area_phys(inst), MK_BOOT_AREA_SIZE);
	if (!area)
		return -ENOMEM;
	memset(area, 0, MK_BOOT_AREA_SIZE);

	mk_setup_header(inst, area + MK_BOOT_PARAMS);
	scnprintf(area + MK_BOOT_CMDLINE, MK_BOOT_CMDLINE_SIZE,
		  MK_CMDLINE "%s%s", mk_lockdown(), cmdline);
	err = mk_setup_data(inst, area);
	if (!err && !mk_build_tables(inst, area, phys_to_virt(inst->low + MK_LOW_PGD)))
		err = -E2BIG;
	mk_unmap(area);

	return err;
}
