// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: looks at a bzImage, and decides where it goes
 *
 * Documentation/arch/x86/boot.rst describes the setup header and kernel_info.
 */
#include <linux/align.h>
#include <linux/kexec.h>
#include <linux/unaligned.h>

#include <asm/bootparam.h>
#include <asm/setup.h>

#include "x86.h"

/* Version 2.15 of the boot protocol brought kernel_info */
#define MK_BOOT_PROTOCOL	0x020f

#define MK_HEADER_AT		offsetof(struct boot_params, hdr)

/* The 64-bit entry, from the start of the protected-mode code */
#define MK_ENTRY_64		0x200

/* Bytes of boot sector and setup code before the protected-mode code */
static size_t mk_setup_size(const struct setup_header *hdr)
{
	return ((hdr->setup_sects ?: 4) + 1) * 512;
}

/* The chunk in kernel_info that says which ABI this kernel speaks */
static int mk_find_kinfo(const u8 *kernel, size_t len, u32 at, struct mk_kinfo *info)
{
	u32 size, total;

	/* "LToP", size, size with the variable part, ... */
	if (at > len || len - at < 16 || memcmp(kernel + at, "LToP", 4))
		return -ENOENT;
	size = get_unaligned_le32(kernel + at + 4);
	total = get_unaligned_le32(kernel + at + 8);
	if (size < 16 || total < size || total > len - at)
		return -ENOENT;

	while (total - size >= sizeof(*info)) {
		memcpy(info, kernel + at + size, sizeof(*info));
		if (info->magic == MK_KINFO_MAGIC && info->size >= sizeof(*info))
			return 0;
		/* Chunks of others: magic and size, too */
		if (info->size < 8 || info->size > total - size)
			return -ENOENT;
		size += info->size;
	}

	return -ENOENT;
}

/**
 * arch_mk_image_check - can this file be a spawn's kernel?
 * @file: what was read
 * @len: its bytes
 * @why: gets what is wrong
 *
 * Context: any.
 * Return: 0 or -ENOEXEC.
 */
int arch_mk_image_check(const void *file, size_t len, const char **why)
{
	static char other_abi[80];
	struct setup_header hdr;
	struct mk_kinfo info;
	size_t setup;

	*why = "image is truncated";
	if (len < MK_HEADER_AT + sizeof(hdr))
		return -ENOEXEC;
	memcpy(&hdr, file + MK_HEADER_AT, sizeof(hdr));

	*why = "image is no bzImage";
	if (hdr.boot_flag != 0xAA55 || memcmp(&hdr.header, "HdrS", 4) ||
	    !(hdr.loadflags & LOADED_HIGH))
		return -ENOEXEC;

	*why = "image is for an older boot protocol than 2.15";
	if (hdr.version < MK_BOOT_PROTOCOL)
		return -ENOEXEC;

	*why = "image is 32-bit";
	if (!(hdr.xloadflags & XLF_KERNEL_64))
		return -ENOEXEC;

	*why = "image is not relocatable";
	if (!hdr.relocatable_kernel || !(hdr.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G) ||
	    !is_power_of_2(hdr.kernel_alignment))
		return -ENOEXEC;

	*why = "image is truncated";
	setup = mk_setup_size(&hdr);
	if (len <= setup || len - setup < (u64)hdr.syssize * 16 ||
	    len - setup <= MK_ENTRY_64)
		return -ENOEXEC;

	*why = "image was built without MULTIKERNEL";
	if (mk_find_kinfo(file + setup, len - setup, hdr.kernel_info_offset, &info))
		return -ENOEXEC;

	if (info.abi_version != MK_ABI_VERSION) {
		scnprintf(other_abi, sizeof(other_abi),
			  "image speaks ABI version %u, this host %u",
			  info.abi_version, MK_ABI_VERSION);
		*why = other_abi;
		return -ENOEXEC;
	}

	*why = NULL;
	return 0;
}

/**
 * arch_mk_image_plan - decide where the parts of an image go
 * @inst: instance
 * @kimage: image that passed arch_mk_image_check()
 * @image: gets the plan
 * @c: gets what is wrong
 *
 * From the bottom: the kernel with the room it needs to decompress.  From the
 * top: window, boot area, initrd.  All else is free for the kernel to move to.
 *
 * Context: any.
 * Return: 0; -ENOMEM if it does not fit; -EINVAL for a command line that is
 * too long.
 */
int arch_mk_image_plan(struct mk_instance *inst, const struct kimage *kimage,
		       struct mk_image *image, struct mk_complaint *c)
{
	u64 end = mk_boot_area_phys(inst), room, below, initrd;
	struct setup_header hdr;
	size_t setup;

	memcpy(&hdr, kimage->kernel_buf + MK_HEADER_AT, sizeof(hdr));
	setup = mk_setup_size(&hdr);

	room = min_t(u64, hdr.cmdline_size, COMMAND_LINE_SIZE - 1) + 1;
	if (kimage->cmdline_buf_len + MK_CMDLINE_MAX > room) {
		mk_complain(c, "command line has %lu bytes, there is room for %llu",
			    kimage->cmdline_buf_len, room - MK_CMDLINE_MAX);
		return -EINVAL;
	}

	memset(image, 0, sizeof(*image));
	/* Loaded below its preferred address it would move there by itself */
	image->load = ALIGN(max(inst->mem.start, hdr.pref_address),
			    hdr.kernel_alignment);
	image->kernel = kimage->kernel_buf + setup;
	image->kernel_len = kimage->kernel_buf_len - setup;
	image->init_size = max_t(u64, hdr.init_size, image->kernel_len);
	image->entry = image->load + MK_ENTRY_64;

	/* What lies below the kernel is of no use for either */
	below = image->load - inst->mem.start;
	room = below < end - inst->mem.start ? end - inst->mem.start - below : 0;
	initrd = PAGE_ALIGN(kimage->initrd_buf_len);
	if (image->init_size > room || initrd > room - image->init_size) {
		mk_complain(c, "does not fit: kernel %llu KiB to unpack, initrd %llu KiB, room for %llu KiB in %llu MiB",
			    image->init_size >> 10, initrd >> 10, room >> 10,
			    inst->mem.size >> 20);
		return -ENOMEM;
	}
	if (initrd)
		image->initrd = end - initrd;

	return 0;
}
