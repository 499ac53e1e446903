// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: what a spawn that crashes leaves in the window
 *
 * The panicking CPU writes its last words, each CPU its registers, in the form
 * in which a core file has them.  Nothing here allocates or takes a lock that
 * can be held: whoever held it is stopped for ever.
 */
#include <linux/elfcore.h>
#include <linux/kallsyms.h>
#include <linux/kdebug.h>
#include <linux/kexec.h>
#include <linux/mm.h>
#include <linux/panic.h>
#include <linux/sched.h>
#include <linux/vmcore_info.h>

#include <asm/sections.h>

#include "internal.h"

#define MK_TRACE_DEPTH	48

/* In the window: mapped early, then for good */
static struct mk_crash_page *mk_words;

/* The last Oops.  A panic that it leads to comes from the same task */
static struct {
	const struct task_struct *task;
	pid_t pid;
	char what[64];
	struct pt_regs regs;
} mk_oops;

/* The one that panics uses them */
static struct pt_regs mk_panic_regs;
static unsigned long mk_panic_trace[MK_TRACE_DEPTH];

/* die() lets one CPU at a time in */
static int mk_words_die(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct die_args *args = data;

	if (event != DIE_OOPS || !args->regs)
		return NOTIFY_DONE;

	mk_oops.regs = *args->regs;
	mk_oops.task = current;
	mk_oops.pid = current->pid;
	strscpy(mk_oops.what, args->str);

	return NOTIFY_DONE;
}

static struct notifier_block mk_words_die_nb = {
	.notifier_call	= mk_words_die,
};

/**
 * mk_words_registers - leave this CPU's registers to whoever looks at the core
 * @regs: what it was doing
 *
 * From here on this CPU does nothing that anybody wants to see.
 *
 * Context: any, NMI included; the CPU does not go on.
 */
void mk_words_registers(struct pt_regs *regs)
{
	int index = arch_mk_self_index(raw_smp_processor_id());
	struct elf_prstatus status = { };
	struct mk_cpu_page *cpu;
	u32 *note;

	BUILD_BUG_ON(CRASH_CORE_NOTE_BYTES > MK_NOTE_SIZE);

	/* So early there is one CPU, and its last words are enough */
	if (!mk_self_window || index < 0)
		return;

	status.common.pr_pid = current->pid;
	elf_core_copy_regs(&status.pr_reg, regs);
	note = mk_self_window + MK_WINDOW_NOTES + index * MK_NOTE_SIZE;
	note = append_elf_note(note, CRASH_CORE_NOTE_NAME, NT_PRSTATUS, &status,
			       sizeof(status));
	final_note(note);

	cpu = mk_cpu_page(mk_self_window, index);
	/* Pairs with the acquire in mk_dumped(): the note is complete */
	smp_store_release(&cpu->state, MK_CPU_DUMPED);
}

/* Where the caller of panic() is in the trace; 0 if that is not to be seen */
static unsigned int mk_panic_caller(unsigned int nr)
{
	unsigned long start = (unsigned long)panic, size, offset;
	unsigned int i;

	if (!kallsyms_lookup_size_offset(start, &size, &offset))
		return 0;
	for (i = 0; i + 1 < nr; i++)
		if (mk_panic_trace[i] > start && mk_panic_trace[i] <= start + size)
			return i + 1;

	return 0;
}

static void mk_words_trace(struct mk_crash_page *words, unsigned int from,
			   unsigned int nr)
{
	size_t len = 0;
	unsigned int i;

	for (i = from; i < nr; i++)
		if (i == from || mk_panic_trace[i] != mk_panic_trace[i - 1])
			len += scnprintf(words->trace + len, sizeof(words->trace) - len,
					 "%pB\n", (void *)mk_panic_trace[i]);
}

/**
 * mk_words_panic - say who panics, where, and why
 * @message: of the panic
 *
 * Context: panic notifier: other CPUs are stopped, interrupts are off, locks
 * may be held for ever.
 */
void mk_words_panic(const char *message)
{
	bool oops = mk_oops.task == current && mk_oops.pid == current->pid;
	struct mk_crash_page *words = mk_words;
	unsigned int nr, from = 0;

	crash_setup_regs(&mk_panic_regs, oops ? &mk_oops.regs : NULL);
	mk_words_registers(&mk_panic_regs);

	words->cpu = max(arch_mk_self_index(raw_smp_processor_id()), 0);
	words->tsc = arch_mk_tsc();
	words->ip = mk_panic_regs.ip;
	if (oops)
		scnprintf(words->text, sizeof(words->text), "%s at %pS", mk_oops.what,
			  (void *)mk_panic_regs.ip);
	else
		strscpy(words->text, message);

	if (oops) {
		nr = arch_mk_backtrace(&mk_panic_regs, mk_panic_trace, MK_TRACE_DEPTH);
	} else {
		nr = arch_mk_backtrace(NULL, mk_panic_trace, MK_TRACE_DEPTH);
		from = mk_panic_caller(nr);
		if (from)
			words->ip = mk_panic_trace[from];
	}
	mk_words_trace(words, from, nr);

	/* Pairs with the acquire in mk_evidence_take(): the rest is written */
	smp_store_release(&words->kind, oops ? MK_CRASH_OOPS : MK_CRASH_PANIC);
}

/**
 * mk_words_start - from now on a panic leaves last words
 * @window: shared window, mapped early; only the spawn's half is touched
 *
 * Context: early boot of a spawn.
 */
void __init mk_words_start(void *window)
{
	mk_words = mk_crash_page(window);
	register_die_notifier(&mk_words_die_nb);
}

/**
 * mk_words_move - the window is mapped elsewhere now, for good
 * @window: its address from now on
 *
 * Context: process.
 */
void __init mk_words_move(void *window)
{
	struct mk_crash_page *words = mk_crash_page(window);

	words->direct_map = PAGE_OFFSET;
	words->kernel_virt = (unsigned long)_text;
	words->kernel_phys = __pa_symbol(_text);
	words->kernel_size = _end - _text;
	WRITE_ONCE(mk_words, words);
	arch_mk_words_init();
}

/* After crash_save_vmcoreinfo_init(), a subsys_initcall */
static int __init mk_words_vmcoreinfo(void)
{
	if (!mk_self_is_spawn || !vmcoreinfo_note)
		return 0;

	mk_words->vmcoreinfo_size = VMCOREINFO_NOTE_SIZE;
	/* Pairs with nothing: the host looks when this kernel does not run */
	WRITE_ONCE(mk_words->vmcoreinfo, paddr_vmcoreinfo_note());

	return 0;
}
subsys_initcall_sync(mk_words_vmcoreinfo);
