// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the spawn's side
 *
 * A spawn finds a machine that somebody else set up and uses.  One function,
 * mk_take_over(), replaces everything by which a kernel looks for devices,
 * programs what the machine has once, or resets it.
 */
#include <linux/acpi.h>
#include <linux/cc_platform.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <linux/serial_8250.h>
#include <linux/smp.h>

#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/early_ioremap.h>
#include <asm/i8259.h>
#include <asm/idtentry.h>
#include <asm/io_apic.h>
#include <asm/mpspec.h>
#include <asm/pci_x86.h>
#include <asm/reboot.h>
#include <asm/setup.h>
#include <asm/tsc.h>
#include <asm/x86_init.h>

#include "x86.h"

static u32 mk_apic_ids[MK_DESC_MAX_CPUS] __ro_after_init;
static int mk_nr_cpus __ro_after_init;

/* What multikernel_detect() found */
static u64 mk_desc_at __initdata;
static u32 mk_desc_len __initdata;

/* Clocks: what the host measured */

static unsigned long mk_get_tsc_khz(void)
{
	return mk_self.tsc_khz;
}

static void mk_get_wallclock(struct timespec64 *now)
{
	u64 ticks = rdtsc() - mk_self.wall_tsc;

	*now = ns_to_timespec64(mk_self.wall_ns +
				mul_u64_u32_div(ticks, NSEC_PER_MSEC, mk_self.tsc_khz));
}

static int mk_set_wallclock(const struct timespec64 *now)
{
	return -ENODEV;
}

/* Interrupts: the local APICs of its own CPUs, nothing else */

/**
 * mk_choose_apic - take the driver that the local APIC's mode needs
 *
 * Until then the one for xAPIC is there.  A panic uses it as soon as
 * check_x2apic() says that the local APIC can be reached, and would end in a
 * page fault before it has told anything.
 *
 * Context: setup_arch() of a spawn, after check_x2apic().
 */
void __init mk_choose_apic(void)
{
#ifdef CONFIG_X86_X2APIC
	if (!x2apic_enabled())
		return;
	/* Physical destinations: no interrupt remapping of this kernel's own */
	x2apic_phys = 1;
	default_acpi_madt_oem_check("", "");
#endif
}

static void __init mk_parse_smp_config(void)
{
	int i;

	register_lapic_address(APIC_DEFAULT_PHYS_BASE);

	for (i = 0; i < mk_nr_cpus; i++)
		topology_register_apic(mk_apic_ids[i], CPU_ACPIID_INVALID, true);

	smp_found_config = 1;
}

static void __init mk_intr_mode_init(void)
{
	apic_intr_mode_init();

	/*
	 * The boot CPU was given the lines of the machine's interrupt
	 * controller and NMI button.  They are the host's.
	 */
	apic_write(APIC_LVT0, APIC_LVT_MASKED | APIC_DM_EXTINT);
	apic_write(APIC_LVT1, APIC_LVT_MASKED | APIC_DM_NMI);
	mk_ipi_guard();
}

static unsigned char mk_get_nmi_reason(void)
{
	return 0;
}

/**
 * arch_mk_self_index - which CPU is that in the boot description?
 * @cpu: this spawn's number of a possible CPU
 *
 * The numbers are given to local APIC ids as the topology code sees fit.
 *
 * Context: any, after the CPUs were enumerated.
 * Return: index in &struct mk_boot_desc.apic_ids, or -ENOENT.
 */
int arch_mk_self_index(unsigned int cpu)
{
	u32 id = arch_mk_cpu_id(cpu);
	int i;

	for (i = 0; i < mk_nr_cpus; i++)
		if (mk_apic_ids[i] == id)
			return i;

	return -ENOENT;
}

/* Ends: all of them end this kernel only */

static void mk_restart(char *cmd)
{
	mk_spawn_exit(MK_EXIT_REBOOT, cmd ?: "");
}

static void mk_emergency_restart(void)
{
	/* After a panic, that is what was said already */
	mk_spawn_exit(MK_EXIT_REBOOT, "emergency restart");
}

static void mk_halt(void)
{
	mk_spawn_exit(MK_EXIT_HALT, "");
}

static void mk_power_off(void)
{
	mk_spawn_exit(MK_EXIT_POWEROFF, "");
}

static void mk_shutdown(void)
{
}

static void mk_crash_shutdown(struct pt_regs *regs)
{
}

/**
 * arch_mk_stop_self - execute nothing any more
 *
 * The host resets this CPU, and the others, when it has heard.
 *
 * Context: any.
 */
void __noreturn arch_mk_stop_self(void)
{
	local_irq_disable();
	/* VMX root operation would keep the host's INIT from this CPU */
	cpu_emergency_disable_virtualization();
	for (;;)
		native_halt();
}

/* Devices: none */

static int __init mk_pci_none(void)
{
	return 0;
}

#if IS_BUILTIN(CONFIG_SERIAL_8250)
static void mk_no_uart(int port, struct uart_port *up, u32 *capabilities)
{
	/* A port without an address is not probed */
	up->iobase = 0;
}
#endif

/**
 * mk_blind - a spawn looks for no ACPI and no PCI
 *
 * Once before the command line is read and once after it: acpi=force and
 * pci=conf1 would have it look all the same.
 *
 * Context: setup_arch(), before anything is looked for.
 */
void __init mk_blind(void)
{
#ifdef CONFIG_PCI
	pci_probe = 0;
#endif
	disable_acpi();
}

static void __init mk_take_over(const struct mk_boot_desc *desc)
{
	x86_init.resources.probe_roms		= x86_init_noop;
	x86_init.resources.dmi_setup		= x86_init_noop;
	x86_init.irqs.pre_vector_init		= x86_init_noop;
	x86_init.irqs.intr_mode_init		= mk_intr_mode_init;
	x86_init.timers.timer_init		= x86_init_noop;
	x86_init.timers.wallclock_init		= x86_init_noop;
	x86_init.mpparse.find_mptable		= x86_init_noop;
	x86_init.mpparse.early_parse_smp_cfg	= x86_init_noop;
	x86_init.mpparse.parse_smp_cfg		= mk_parse_smp_config;
	x86_init.pci.arch_init			= mk_pci_none;
	x86_init.pci.init			= mk_pci_none;
	x86_init.pci.init_irq			= x86_init_noop;

	x86_platform.calibrate_cpu		= mk_get_tsc_khz;
	x86_platform.calibrate_tsc		= mk_get_tsc_khz;
	x86_platform.get_wallclock		= mk_get_wallclock;
	x86_platform.set_wallclock		= mk_set_wallclock;
	x86_platform.get_nmi_reason		= mk_get_nmi_reason;
	x86_platform.legacy.i8042		= X86_LEGACY_I8042_PLATFORM_ABSENT;
	x86_platform.legacy.rtc			= 0;
	x86_platform.legacy.warm_reset		= 0;
	x86_platform.legacy.reserve_bios_regions = 0;
	x86_platform.legacy.devices.pnpbios	= 0;

	legacy_pic = &null_legacy_pic;
	ioapic_is_disabled = true;
	mk_blind();
#if IS_BUILTIN(CONFIG_SERIAL_8250)
	serial8250_set_isa_configurator(mk_no_uart);
#endif

	machine_ops.restart			= mk_restart;
	machine_ops.emergency_restart		= mk_emergency_restart;
	machine_ops.halt			= mk_halt;
	machine_ops.power_off			= mk_power_off;
	machine_ops.shutdown			= mk_shutdown;
	machine_ops.crash_shutdown		= mk_crash_shutdown;
	/* Without it a poweroff is turned into a halt */
	pm_power_off				= mk_power_off;

	/* The host's, and it has watched them: nothing else to compare with */
	setup_force_cpu_cap(X86_FEATURE_TSC_KNOWN_FREQ);
	setup_force_cpu_cap(X86_FEATURE_TSC_RELIABLE);
	/* The host set it up; a kernel that knows it would write it anew */
	setup_clear_cpu_cap(X86_FEATURE_TSC_ADJUST);
	/* There is one enclave page cache, and a kernel begins by emptying it */
	setup_clear_cpu_cap(X86_FEATURE_SGX);
	lapic_timer_period = div_u64((u64)desc->apic_timer_khz * 1000, HZ);

	/*
	 * Now that emergency_restart() is safe: a panic goes on to it, which
	 * tells the host that the last line was printed.
	 */
	if (!panic_timeout)
		panic_timeout = -1;
}

/* This kernel can't run here: say so where every version looks, and stop */
static void __init __noreturn mk_refuse(void *spawn_half, const char *why)
{
	struct mk_spawn_page *page = spawn_half;

	page->abi_version = MK_ABI_VERSION;
	page->exit_kind = MK_EXIT_REFUSED;
	strscpy(page->exit_text, why, sizeof(page->exit_text));
	WRITE_ONCE(page->magic, MK_SPAWN_MAGIC);
	/* Pairs with the acquire in mk_look(); the host polls */
	smp_store_release(&page->phase, MK_PHASE_GONE);
	arch_mk_stop_self();
}

/* A boot description was found: read it, and become a spawn */
static void __init mk_become_spawn(u64 at, u32 len)
{
	void *raw, *host_page, *spawn_half;
	const struct mk_host_page *host;
	struct mk_boot_desc desc;
	const char *why;
	int nr;

	len = min_t(u32, len, mk_bootdesc_size(MK_DESC_MAX_CPUS));
	raw = early_memremap(at, len);
	if (!raw)
		arch_mk_stop_self();
	nr = mk_bootdesc_decode(raw, len, &desc, mk_apic_ids,
				min_t(u32, MK_DESC_MAX_CPUS, NR_CPUS), &why);
	early_memunmap(raw, len);
	if (nr == -EBADMSG)
		arch_mk_stop_self();

	/* Where the window is has its place in every version */
	host_page = early_memremap(desc.window_phys + MK_WINDOW_HOST, PAGE_SIZE);
	spawn_half = early_memremap(desc.window_phys + MK_WINDOW_SPAWN,
				    MK_WINDOW_CONSOLE + MK_CONSOLE_SIZE - MK_WINDOW_SPAWN);
	host = host_page;
	if (!host || !spawn_half || host->magic != MK_HOST_MAGIC)
		arch_mk_stop_self();
	if (nr < 0)
		mk_refuse(spawn_half, why);
	if (!IS_ENABLED(CONFIG_X86_X2APIC) && (desc.flags & MK_DESC_X2APIC))
		mk_refuse(spawn_half, "the host is in x2APIC mode, this kernel has no X86_X2APIC");
	if (host->window_size != MK_WINDOW_SIZE || host->ring_size != MK_RING_SIZE ||
	    host->console_size != MK_CONSOLE_SIZE)
		mk_refuse(spawn_half, "window of another layout");

	mk_nr_cpus = nr;
	mk_take_over(&desc);
	mk_guard_spawn(&desc);
	mk_spawn_early(&desc, host_page, spawn_half);
}

/**
 * multikernel_detect - find out what this kernel is
 *
 * The nodes are read through the direct map, which the early page fault
 * handler fills as it is used, as for boot_params itself in head64.c.
 *
 * Context: start of setup_arch(), nothing of the machine was touched yet.
 */
void __init multikernel_detect(void)
{
	u64 at = boot_params.hdr.setup_data;
	const struct setup_data *data;

	/* The nodes would be read as if they were encrypted; no spawn, there */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return;

	while (at) {
		data = __va(at);
		if (data->type == MK_SETUP_DATA_TYPE) {
			mk_desc_at = at + sizeof(*data);
			mk_desc_len = data->len;
			mk_self_is_spawn = true;
			return;
		}
		at = data->next;
	}
}

/**
 * multikernel_setup_arch - install the doorbell, and become a spawn if told so
 *
 * Context: setup_arch(), as soon as memory can be mapped early.
 */
void __init multikernel_setup_arch(void)
{
	sysvec_install(MULTIKERNEL_DOORBELL_VECTOR, sysvec_multikernel_doorbell);

	if (!mk_self_is_spawn)
		return;
	mk_inject_early(false);
	mk_become_spawn(mk_desc_at, mk_desc_len);
	mk_inject_early(true);
}
