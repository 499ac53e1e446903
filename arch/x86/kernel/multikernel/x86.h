/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: what the files of arch/x86/kernel/multikernel/ share
 *
 * - reserve.c: takes the pool out of the host's memory at boot
 * - acpi.c: keeps the pool off ACPI tables that lie in RAM
 * - cpu.c, stub.S: INIT, start-up IPI, and the proof that a CPU left
 * - doorbell.c: the interrupt vector
 * - ipi.c: interrupts go to this kernel's own CPUs only
 * - guard.c: what this kernel may map, and which ports and MSRs it may touch
 * - try.c: tries what is forbidden, for tests
 * - clock.c: the TSC, and the wall clock by it
 * - image.c: looks at a bzImage, and decides where it goes
 * - boot_params.c: writes what the bzImage's 64-bit entry expects
 * - platform.c: the spawn's side, every override in one function
 * - dump.c: stops a spawn's CPUs, and keeps their registers
 * - inject.c: faults on request, those that only x86 knows
 */
#ifndef _MK_X86_H
#define _MK_X86_H

#include <linux/sizes.h>
#include <linux/types.h>

#include "internal.h"

/*
 * An instance's slot below 1 MiB: its first two pages belong to the start
 * stub, the rest is RAM of the spawn, for its real-mode trampoline.
 */
#define MK_LOW_STUB		0x0000
#define MK_LOW_PGD		0x1000
#define MK_LOW_RAM		0x2000

/*
 * The boot area: below the window, RAM of the spawn, read by it early and then
 * its own to use.
 */
#define MK_BOOT_AREA_SIZE	SZ_128K
#define MK_BOOT_PARAMS		0x00000
#define MK_BOOT_SETUP_DATA	0x01000
#define MK_BOOT_CMDLINE		0x02000
#define MK_BOOT_CMDLINE_SIZE	0x02000
#define MK_BOOT_TABLES		0x10000
#define MK_BOOT_TABLE_PAGES	16

static inline u64 mk_boot_area_phys(const struct mk_instance *inst)
{
	return mk_window_phys(inst) - MK_BOOT_AREA_SIZE;
}

/*
 * What the spawn gets before the user's command line.  "nopv": paravirtual
 * features let a hypervisor write to memory that the spawn named, for longer
 * than the spawn lives.  "ignore_loglevel": every line goes to the kept log,
 * there is no slow console to spare.  "acpi=off": the decompressor would look
 * for the host's tables, to place the kernel by them.
 */
#define MK_CMDLINE	"nopv ignore_loglevel acpi=off "

/* And the longest of what mk_lockdown() adds */
#define MK_CMDLINE_MAX	(sizeof(MK_CMDLINE) + sizeof("lockdown=confidentiality "))

/**
 * struct mk_start_args - what the start stub is told, in its last bytes
 * @cr3: top-level page table, below 4 GiB
 * @reserved: 0
 * @entry: 64-bit entry of the kernel
 * @boot_params: for %rsi
 * @arrived: the stub stores a nonzero TSC value here: the CPU executes
 */
struct mk_start_args {
	u32 cr3;
	u32 reserved;
	u64 entry;
	u64 boot_params;
	u64 arrived;
};

/* platform.c */
void mk_blind(void);
void mk_choose_apic(void);

/* acpi.c */
#ifdef CONFIG_ACPI
void mk_keep_acpi(void);
#else
static inline void mk_keep_acpi(void) { }
#endif

/* guard.c */
void mk_guard_host(const struct mk_reserved *reserved);
void mk_guard_spawn(const struct mk_boot_desc *desc);
void mk_guard_memory(void);

/* ipi.c */
void mk_ipi_guard(void);
bool mk_ipi_foreign(u32 icr, u32 id);

/* stub.S: copied to where the start-up IPI points */
extern const u8 mk_start_stub[], mk_start_stub_end[];
extern const u8 mk_start_gdt_base[], mk_start_jump32[], mk_start_jump64[];
extern const u8 mk_start_gdt[], mk_start_32[], mk_start_64[], mk_start_args[];

extern const u8 mk_proof_stub[], mk_proof_stub_end[];
extern const u8 mk_proof_token[], mk_proof_ack[];

#endif /* _MK_X86_H */
