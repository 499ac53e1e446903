/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: what the rest of arch/x86 calls
 */
#ifndef _ASM_X86_MULTIKERNEL_H
#define _ASM_X86_MULTIKERNEL_H

struct seq_file;

#ifdef CONFIG_MULTIKERNEL
unsigned int multikernel_doorbells(unsigned int cpu);
void multikernel_show_doorbells(struct seq_file *p, int prec);
#else
static inline unsigned int multikernel_doorbells(unsigned int cpu) { return 0; }
static inline void multikernel_show_doorbells(struct seq_file *p, int prec) { }
#endif

#endif /* _ASM_X86_MULTIKERNEL_H */
