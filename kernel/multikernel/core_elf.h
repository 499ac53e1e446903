/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: headers of a core file, and notes in it
 */
#ifndef _MK_CORE_ELF_H
#define _MK_CORE_ELF_H

#include <linux/types.h>

/* Most pieces of memory in one core */
#define MK_CORE_LOADS_MAX	4

/**
 * struct mk_core_load - a piece of memory
 * @vaddr: where the dead kernel had it mapped, 0 if that is not known
 * @paddr: physical address
 * @size: bytes
 * @offset: where it is in the file
 */
struct mk_core_load {
	u64 vaddr;
	u64 paddr;
	u64 size;
	u64 offset;
};

size_t mk_core_headers_size(unsigned int nr_loads);
size_t mk_core_headers(void *buf, size_t room, size_t notes_len,
		       const struct mk_core_load *loads, unsigned int nr_loads);
size_t mk_core_note(const void *note, size_t room, const char *name, u32 type,
		    size_t desc_min, size_t desc_max);
bool mk_core_kernel_address(u64 vaddr, u64 size);

#endif /* _MK_CORE_ELF_H */
