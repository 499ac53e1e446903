/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: codec of the boot description
 */
#ifndef _MK_BOOTDESC_H
#define _MK_BOOTDESC_H

#include <linux/multikernel_abi.h>
#include <linux/types.h>

size_t mk_bootdesc_size(u32 nr_cpus);
int mk_bootdesc_encode(void *buf, size_t len, const struct mk_boot_desc *desc,
		       const u32 *apic_ids);
int mk_bootdesc_decode(const void *buf, size_t len, struct mk_boot_desc *desc,
		       u32 *apic_ids, u32 max_cpus, const char **why);

#endif /* _MK_BOOTDESC_H */
