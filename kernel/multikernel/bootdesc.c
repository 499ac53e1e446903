// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: codec of the boot description
 *
 * Pure.  The host encodes it into the boot area of an instance, the spawn decodes
 * it before it has an allocator.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "bootdesc.h"

/**
 * mk_bootdesc_size - bytes that a description takes
 * @nr_cpus: CPUs to list
 *
 * Return: bytes.
 */
size_t mk_bootdesc_size(u32 nr_cpus)
{
	return sizeof(struct mk_boot_desc) + array_size(nr_cpus, sizeof(u32));
}

/**
 * mk_bootdesc_encode - write a boot description
 * @buf: where to
 * @len: bytes of room
 * @desc: what to write; magic, version and size are filled in here
 * @apic_ids: @desc->nr_cpus local APIC ids, the booting CPU first
 *
 * Return: 0, -EINVAL for an impossible number of CPUs, -ENOSPC if @len is
 * too small.
 */
int mk_bootdesc_encode(void *buf, size_t len, const struct mk_boot_desc *desc,
		       const u32 *apic_ids)
{
	struct mk_boot_desc *out = buf;

	if (!desc->nr_cpus || desc->nr_cpus > MK_DESC_MAX_CPUS)
		return -EINVAL;
	if (len < mk_bootdesc_size(desc->nr_cpus))
		return -ENOSPC;

	*out = *desc;
	out->magic = MK_DESC_MAGIC;
	out->abi_version = MK_ABI_VERSION;
	out->size = mk_bootdesc_size(desc->nr_cpus);
	memcpy(out->apic_ids, apic_ids, array_size(desc->nr_cpus, sizeof(u32)));

	return 0;
}

/**
 * mk_bootdesc_decode - read and check a boot description
 * @buf: what the host wrote
 * @len: its bytes
 * @desc: gets the fixed part
 * @apic_ids: gets the local APIC ids
 * @max_cpus: entries of @apic_ids; further CPUs are left out
 * @why: gets a constant string when something is wrong
 *
 * Return: number of CPUs in @apic_ids, -EBADMSG if this is no description,
 * -EPROTONOSUPPORT if it is one of another ABI version, -EINVAL if what it
 * says is impossible.
 */
int mk_bootdesc_decode(const void *buf, size_t len, struct mk_boot_desc *desc,
		       u32 *apic_ids, u32 max_cpus, const char **why)
{
	u64 window_end;
	u32 nr, i;

	*why = "too short";
	if (len < sizeof(*desc))
		return -EBADMSG;
	memcpy(desc, buf, sizeof(*desc));

	*why = "wrong magic";
	if (desc->magic != MK_DESC_MAGIC)
		return -EBADMSG;

	*why = "other ABI version";
	if (desc->abi_version != MK_ABI_VERSION)
		return -EPROTONOSUPPORT;

	*why = "bad size";
	if (desc->size > len || !desc->nr_cpus ||
	    desc->nr_cpus > MK_DESC_MAX_CPUS ||
	    desc->size < mk_bootdesc_size(desc->nr_cpus))
		return -EINVAL;

	*why = "unknown flag";
	if (desc->flags & ~MK_DESC_X2APIC)
		return -EINVAL;

	*why = "bad name";
	if (!desc->name[0] || strnlen(desc->name, sizeof(desc->name)) > MK_NAME_MAX)
		return -EINVAL;

	*why = "bad id";
	if (!desc->id || desc->id > MK_ID_MAX)
		return -EINVAL;

	*why = "bad window";
	if (desc->window_size < MK_WINDOW_SIZE || !desc->window_phys ||
	    !IS_ALIGNED(desc->window_phys, 4096) ||
	    check_add_overflow(desc->window_phys, desc->window_size, &window_end))
		return -EINVAL;

	*why = "no TSC frequency";
	if (!desc->tsc_khz)
		return -EINVAL;

	nr = min(desc->nr_cpus, max_cpus);
	for (i = 0; i < nr; i++)
		memcpy(&apic_ids[i], buf + offsetof(struct mk_boot_desc, apic_ids[i]),
		       sizeof(u32));

	*why = NULL;
	return nr;
}
