// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the spawn's side
 *
 * The architecture finds the boot description, takes over what would touch the
 * machine, and calls mk_spawn_early().  From then on printk reaches the host
 * and a panic is known there.  Rings and doorbell follow when memory can be
 * mapped for good.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/export.h>
#include <linux/panic_notifier.h>

#include <asm/early_ioremap.h>

#include "internal.h"

bool mk_self_is_spawn __ro_after_init;
struct mk_boot_desc mk_self __ro_after_init;

/* The host's doorbell.  Taken once: the page where it stands can be scribbled over */
u32 mk_self_host_vector __ro_after_init;

/* The whole window, once it can be mapped; its parts before that */
void *mk_self_window;
static struct mk_host_page *mk_self_host;
static struct mk_spawn_page *mk_self_page;

struct mk_channel mk_self_channel;

/* Who ends this kernel: the first one says why */
static atomic_t mk_self_exit = ATOMIC_INIT(MK_EXIT_NONE);

/**
 * multikernel_is_spawn - does this kernel run beside a host?
 *
 * Context: any, valid from multikernel_detect() on.
 * Return: true in a spawn.
 */
bool multikernel_is_spawn(void)
{
	return mk_self_is_spawn;
}

/**
 * multikernel_self_id - which instance is this kernel?
 *
 * Context: any, valid from multikernel_detect() on.
 * Return: instance id; 0 in a host.
 */
u32 multikernel_self_id(void)
{
	return mk_self_is_spawn ? mk_self.id : 0;
}
EXPORT_SYMBOL_GPL(multikernel_self_id);

static void mk_spawn_ring_host(void)
{
	/* So early the local APIC may not be mapped yet; the host looks anyway */
	if (!mk_self_window)
		return;

	arch_mk_doorbell_ring(READ_ONCE(mk_self_host->doorbell_dest),
			      mk_self_host_vector);
}

static void mk_channel_ring_host(struct mk_channel *ch)
{
	mk_spawn_ring_host();
}

static void mk_channel_host_fault(struct mk_channel *ch, const char *what)
{
	pr_err_ratelimited("the host broke the rules: %s\n", what);
}

static const struct mk_channel_ops mk_self_channel_ops = {
	.ring	= mk_channel_ring_host,
	.fault	= mk_channel_host_fault,
};

static void mk_spawn_set_phase(u32 phase)
{
	/* Pairs with the acquire in mk_look(): what belongs to it is written */
	smp_store_release(&mk_self_page->phase, phase);
}

static bool mk_spawn_set_exit(u32 kind, const char *text)
{
	if (atomic_cmpxchg(&mk_self_exit, MK_EXIT_NONE, kind) != MK_EXIT_NONE)
		return false;

	WRITE_ONCE(mk_self_page->exit_kind, kind);
	strscpy(mk_self_page->exit_text, text, sizeof(mk_self_page->exit_text));

	return true;
}

/**
 * mk_spawn_exit - end this kernel, and nothing else of the machine
 * @kind: MK_EXIT_*; what was said before stays, so a panic remains one
 * @text: text to it
 *
 * Context: any.
 */
void __noreturn mk_spawn_exit(u32 kind, const char *text)
{
	mk_spawn_set_exit(kind, text);
	mk_spawn_set_phase(MK_PHASE_GONE);
	mk_spawn_ring_host();
	arch_mk_stop_self();
}

/*
 * Runs after the message and the backtrace were printed.  The host gets to
 * know at once, and leaves a moment for what is still to be printed; then
 * emergency_restart() ends in mk_spawn_exit().
 */
static int mk_spawn_panic(struct notifier_block *nb, unsigned long event, void *buf)
{
	if (mk_spawn_set_exit(MK_EXIT_PANIC, buf)) {
		mk_spawn_set_phase(MK_PHASE_DYING);
		mk_spawn_ring_host();
		/* Now the host will not miss it, should this not come back */
		mk_words_panic(buf);
	}

	return NOTIFY_DONE;
}

static struct notifier_block mk_spawn_panic_nb = {
	.notifier_call	= mk_spawn_panic,
	/* Others may hang; this one must have told the host by then */
	.priority	= INT_MAX,
};

/**
 * mk_spawn_early - this kernel is a spawn
 * @desc: what it was told about itself
 * @host_page: the window's host page, mapped early
 * @spawn_half: the window from %MK_WINDOW_SPAWN on, mapped early
 *
 * Context: setup_arch(), one CPU, interrupts off, no allocator.
 */
void __init mk_spawn_early(const struct mk_boot_desc *desc, void *host_page,
			   void *spawn_half)
{
	mk_self = *desc;
	mk_self_host = host_page;
	mk_self_page = spawn_half;
	mk_self_host_vector = READ_ONCE(mk_self_host->doorbell_vector);

	mk_self_page->abi_version = MK_ABI_VERSION;
	mk_self_page->epoch = mk_inject_epoch(desc->epoch);
	/* Pairs with nothing: the host only looks at it for a hint */
	WRITE_ONCE(mk_self_page->magic, MK_SPAWN_MAGIC);
	mk_spawn_set_phase(MK_PHASE_EARLY);

	mk_console_start(spawn_half - MK_WINDOW_SPAWN, mk_self_host->console_start);
	mk_words_start(spawn_half - MK_WINDOW_SPAWN);
	atomic_notifier_chain_register(&panic_notifier_list, &mk_spawn_panic_nb);

	pr_info("this is instance '%s', id %u, start %u\n", desc->name, desc->id,
		desc->epoch);
}

/**
 * multikernel_early_exception - an exception came before there are handlers
 * @nr: its number
 * @ip: where
 *
 * Context: boot, one CPU.  Returns where there is no host that could be told.
 */
void __init multikernel_early_exception(int nr, unsigned long ip)
{
	char text[MK_EXIT_TEXT];

	if (!mk_self_page)
		return;

	scnprintf(text, sizeof(text), "early exception %d at %pS", nr, (void *)ip);
	mk_spawn_exit(MK_EXIT_PANIC, text);
}

/* Memory can be mapped for good: leave the early mappings, open the rings */
static int __init mk_spawn_map(void)
{
	void *early_page = mk_self_page, *early_host = mk_self_host;
	u32 dest, vector;
	int err;

	if (!mk_self_is_spawn)
		return 0;

	mk_self_window = mk_map(mk_self.window_phys, MK_WINDOW_SIZE);
	if (!mk_self_window)
		panic("multikernel: window can't be mapped");

	mk_console_move(mk_self_window);
	mk_self_host = mk_host_page(mk_self_window);
	mk_self_page = mk_spawn_page(mk_self_window);
	mk_words_move(mk_self_window);
	early_memunmap(early_page, MK_WINDOW_CONSOLE + MK_CONSOLE_SIZE - MK_WINDOW_SPAWN);
	early_memunmap(early_host, PAGE_SIZE);

	mk_channel_init(&mk_self_channel, MK_ROLE_SPAWN, &mk_self_channel_ops, 0, "host");
	mk_channel_attach(&mk_self_channel, mk_self_window);
	arch_mk_doorbell_address(0, &dest, &vector);
	mk_self_page->doorbell_dest = dest;
	mk_self_page->doorbell_vector = vector;
	mk_channel_listen(&mk_self_channel);
	mk_channel_set_cpu(&mk_self_channel, 0);
	err = mk_channel_open(&mk_self_channel);
	if (err)
		panic("multikernel: channel not opened: %pe", ERR_PTR(err));
	mk_spawn_set_phase(MK_PHASE_CHANNEL);
	mk_heart_start_self();
	mk_beat_start_self();
	/* Else it would open its end at its next look, a moment later */
	mk_spawn_ring_host();

	return 0;
}
core_initcall(mk_spawn_map);

static int __init mk_spawn_surface(void)
{
	if (!mk_self_is_spawn)
		return 0;

	mk_debugfs_init();
	mk_debugfs_add(&mk_self_channel);

	return mk_channel_cpus_init() ?: mk_sysfs_spawn_init();
}
subsys_initcall(mk_spawn_surface);

/**
 * multikernel_ready - init is about to be started
 *
 * Context: process; called once, from kernel_init().
 */
void multikernel_ready(void)
{
	if (!mk_self_is_spawn)
		return;

	mk_inject_not_ready();
	mk_heart_ready_self();
	mk_self_page->nr_cpus_online = num_online_cpus();
	mk_spawn_set_phase(MK_PHASE_READY);
	mk_spawn_ring_host();
}
