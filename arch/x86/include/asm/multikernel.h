/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: what the rest of arch/x86 sees of it
 */
#ifndef _ASM_X86_MULTIKERNEL_H
#define _ASM_X86_MULTIKERNEL_H

#include <linux/percpu-defs.h>

DECLARE_PER_CPU(unsigned int, multikernel_doorbell_count);

#endif /* _ASM_X86_MULTIKERNEL_H */
