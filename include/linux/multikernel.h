/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: what the rest of the kernel calls
 *
 * Every function here has a stub for CONFIG_MULTIKERNEL=n, so that a caller in
 * another subsystem is one line.  See Documentation/multikernel/.
 */
#ifndef _LINUX_MULTIKERNEL_H
#define _LINUX_MULTIKERNEL_H

#include <linux/types.h>

struct kimage;

#ifdef CONFIG_MULTIKERNEL

bool multikernel_is_spawn(void);
bool multikernel_no_ipi_shorthand(void);

void multikernel_detect(void);
void multikernel_setup_arch(void);
void multikernel_reserve(void);
void multikernel_ready(void);

#else /* !CONFIG_MULTIKERNEL */

static inline bool multikernel_is_spawn(void) { return false; }
static inline bool multikernel_no_ipi_shorthand(void) { return false; }

static inline void multikernel_detect(void) { }
static inline void multikernel_setup_arch(void) { }
static inline void multikernel_reserve(void) { }
static inline void multikernel_ready(void) { }

#endif /* CONFIG_MULTIKERNEL */

/* No stubs: kexec_file_multikernel() is constant false without MULTIKERNEL */
int multikernel_image_check(struct kimage *image, unsigned long flags);
int multikernel_image_load(struct kimage *image, unsigned long flags);
int multikernel_image_unload(unsigned long flags);

#endif /* _LINUX_MULTIKERNEL_H */
