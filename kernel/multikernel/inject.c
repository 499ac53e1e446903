// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: faults of a spawn on request, so that tests can show what its host
 * makes of them
 *
 * A word written to "inject" in the spawn's debugfs is done in the writer's
 * context; multikernel.inject=WORD on its command line names a point of its boot.
 * Each word either ends or disturbs this kernel, and nothing else of the machine,
 * as far as the design holds: that is what is tested.  Only a spawn has them.
 *
 * A host has "target": memory that is there to be written to by a spawn, for what the
 * design does not hold against.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "internal.h"

/* Numbers that a word may be followed by */
#define MK_INJECT_ARGS		2

/* Longest of what lasts for a time, ms */
#define MK_INJECT_MS_MAX	(60 * MSEC_PER_SEC)

/* Memory of the host's: its kernel and most of its data lie above 16 MiB */
#define MK_INJECT_STRAY		SZ_16M

/* "mktarget" */
#define MK_TARGET_MAGIC		0x7465677261746b6dULL

/**
 * struct mk_inject_target - memory of a host's that a spawn may write to
 * @magic: %MK_TARGET_MAGIC, so that no other memory is taken for it
 * @word: what the spawn writes
 */
struct mk_inject_target {
	u64 magic;
	u32 word;
};

/**
 * struct mk_inject - one fault
 * @name: the word
 * @args: what may follow it, for who reads the file
 * @run: do it; @v are the numbers that followed, @n how many.  Returns 0 or a
 *	negative errno, if it returns
 */
struct mk_inject {
	const char *name;
	const char *args;
	int (*run)(const u32 *v, int n);
};

/* Crashes */

static int mk_inject_panic(const u32 *v, int n)
{
	panic("injected");
}

static int mk_inject_oops(const u32 *v, int n)
{
	u32 *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	WRITE_ONCE(*nowhere, 0);

	return 0;
}

static void mk_inject_call_null(struct irq_work *work)
{
	void (*nowhere)(void) = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	nowhere();
}

static int mk_inject_null_irq(const u32 *v, int n)
{
	static struct irq_work work = IRQ_WORK_INIT_HARD(mk_inject_call_null);

	irq_work_queue(&work);
	irq_work_sync(&work);

	return 0;
}

/* Ends at the guard page long before @left is 0, which the compiler can't know */
static noinline u32 mk_inject_recurse(u32 left)
{
	u8 frame[512];

	frame[0] = left;
	/* It is needed, and after the call */
	barrier_data(frame);

	return left ? mk_inject_recurse(left - 1) + frame[0] : frame[0];
}

static int mk_inject_stack(const u32 *v, int n)
{
	pr_warn("inject: a stack without an end, %u\n", mk_inject_recurse(1 << 20));

	return 0;
}

static int mk_inject_double_fault(const u32 *v, int n)
{
	arch_mk_inject_double_fault();
}

static int mk_inject_triple_fault(const u32 *v, int n)
{
	arch_mk_inject_triple_fault();
}

static int mk_inject_eat(void *unused)
{
	LIST_HEAD(eaten);
	struct page *page;

	for (;;) {
		page = alloc_page(GFP_KERNEL);
		if (page)
			list_add(&page->lru, &eaten);
		cond_resched();
	}

	return 0;
}

/* By a kernel thread, which the OOM killer can't end */
static int mk_inject_oom(const u32 *v, int n)
{
	return PTR_ERR_OR_ZERO(kthread_run(mk_inject_eat, NULL, "mk_inject_oom"));
}

/* Hangs */

static void mk_inject_spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int mk_inject_lockup(const u32 *v, int n)
{
	if (!n) {
		preempt_disable();
		smp_call_function(mk_inject_spin, NULL, 0);
		mk_inject_spin(NULL);
	}

	return smp_call_function_single(v[0], mk_inject_spin, NULL, 0);
}

static int mk_inject_spin_soft(void *unused)
{
	preempt_disable();
	for (;;)
		cpu_relax();

	return 0;
}

static int mk_inject_softlockup(const u32 *v, int n)
{
	struct task_struct *task;
	unsigned int cpu;
	int err = -ENODEV;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		if (n && cpu != v[0])
			continue;
		task = kthread_run_on_cpu(mk_inject_spin_soft, NULL, cpu, "mk_inject/%u");
		err = PTR_ERR_OR_ZERO(task);
	}
	cpus_read_unlock();

	return err;
}

/* The reader can't read while somebody else has its lock */
static int mk_inject_deaf(const u32 *v, int n)
{
	mk_rx_lock(&mk_self_channel);
	schedule_timeout_idle(n ? msecs_to_jiffies(v[0]) : MAX_SCHEDULE_TIMEOUT);
	mk_rx_unlock(&mk_self_channel);

	return 0;
}

/* What goes to the host */

static int mk_inject_bells(const u32 *v, int n)
{
	const struct mk_host_page *host = mk_host_page(mk_self_window);
	ktime_t end = ktime_add_ms(ktime_get(), v[0]);
	u64 rung = 0;

	while (ktime_before(ktime_get(), end)) {
		arch_mk_doorbell_ring(READ_ONCE(host->doorbell_dest),
				      READ_ONCE(host->doorbell_vector));
		rung++;
		cond_resched();
	}
	pr_warn("inject: rang %llu times in %u ms\n", rung, v[0]);

	return 0;
}

/*
 * "scribble SEED [MS]": most of it goes where the kernels look most.  The kernel that
 * does it uses the same words, and may go down with them.
 */
static int mk_inject_scribble(const u32 *v, int n)
{
	static const u32 parts[][2] = {
		{ MK_WINDOW_HOST, sizeof(struct mk_host_page) },
		{ MK_WINDOW_SPAWN, sizeof(struct mk_spawn_page) },
		{ MK_WINDOW_CPUS, MK_WINDOW_CONSOLE - MK_WINDOW_CPUS },
		{ 0, MK_WINDOW_SIZE },
	};
	ktime_t end = ktime_add_ms(ktime_get(), n > 1 ? v[1] : MSEC_PER_SEC);
	u32 *words = mk_self_window;
	struct rnd_state rnd;
	const u32 *part;
	u32 at;

	prandom_seed_state(&rnd, v[0]);
	while (ktime_before(ktime_get(), end)) {
		part = parts[prandom_u32_state(&rnd) % ARRAY_SIZE(parts)];
		at = part[0] + prandom_u32_state(&rnd) % part[1];
		WRITE_ONCE(words[at / sizeof(u32)], prandom_u32_state(&rnd));
		cond_resched();
	}
	pr_warn("inject: scribbled\n");

	return 0;
}

/* Memory that is not its own */

static phys_addr_t mk_inject_where(const u32 *v, int n)
{
	return n ? (phys_addr_t)v[0] << PAGE_SHIFT : MK_INJECT_STRAY;
}

/* A write that changes nothing, should it get through */
static int mk_inject_stray(const u32 *v, int n)
{
	phys_addr_t at = mk_inject_where(v, n);

	atomic_or(0, (atomic_t *)__va(at));
	pr_warn("inject: wrote to %pa\n", &at);

	return 0;
}

static int mk_inject_map(const u32 *v, int n)
{
	phys_addr_t at = mk_inject_where(v, n);
	void __iomem *io = ioremap(at, PAGE_SIZE);
	void *mem = memremap(at, PAGE_SIZE, MEMREMAP_WB);

	pr_warn("inject: ioremap of %pa %s, memremap %s\n", &at,
		io ? "went well" : "was refused", mem ? "went well" : "was refused");
	if (io)
		iounmap(io);
	if (mem)
		memunmap(mem);

	return io || mem ? 0 : -EPERM;
}

/*
 * A mapping made on purpose, past the guards: mk_map() makes the entry in the page tables
 * by itself, as any code of a spawn can.  That gets through, so it writes to a host's
 * target, and to nothing else.
 */
static int mk_inject_foreign(const u32 *v, int n)
{
	phys_addr_t at = mk_inject_where(v, n);
	struct mk_inject_target *target = mk_map(at, sizeof(*target));
	int err = -ENOENT;

	if (!target)
		return -ENOMEM;
	if (READ_ONCE(target->magic) == MK_TARGET_MAGIC) {
		WRITE_ONCE(target->word, v[1]);
		pr_warn("inject: wrote %u to %pa\n", v[1], &at);
		err = 0;
	}
	mk_unmap(target);

	return err;
}

/* NMIs from the kernel itself, as from a watchdog gone wild */
static int mk_inject_nmi_storm(const u32 *v, int n)
{
	u64 sent, heard;
	int err;

	err = arch_mk_inject_nmis(v[0], &sent, &heard);
	if (!err)
		pr_warn("inject: %llu NMIs sent, %llu handled\n", sent, heard);

	return err;
}

static const struct mk_inject mk_injects[] = {
	{ "panic",		"",		mk_inject_panic },
	{ "oops",		"",		mk_inject_oops },
	{ "null-irq",		"",		mk_inject_null_irq },
	{ "stack",		"",		mk_inject_stack },
	{ "double-fault",	"",		mk_inject_double_fault },
	{ "triple-fault",	"",		mk_inject_triple_fault },
	{ "oom",		"",		mk_inject_oom },
	{ "lockup",		"[CPU]",	mk_inject_lockup },
	{ "softlockup",		"[CPU]",	mk_inject_softlockup },
	{ "deaf",		"[MS]",		mk_inject_deaf },
	{ "bells",		"MS",		mk_inject_bells },
	{ "scribble",		"SEED [MS]",	mk_inject_scribble },
	{ "stray",		"[PFN]",	mk_inject_stray },
	{ "map",		"[PFN]",	mk_inject_map },
	{ "foreign",		"PFN VALUE",	mk_inject_foreign },
	{ "nmi-storm",		"MS",		mk_inject_nmi_storm },
};

static int inject_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mk_injects); i++)
		seq_printf(m, "%s%s%s\n", mk_injects[i].name,
			   *mk_injects[i].args ? " " : "", mk_injects[i].args);

	return 0;
}

/* By what the help says: "[X]" may be there, "X" has to */
static int mk_inject_args(const struct mk_inject *inject, char *rest, u32 *v)
{
	const char *args = inject->args;
	int n = 0, min = 0, max = 0, err;
	char *word;

	for (; *args; args++) {
		if (args != inject->args && args[-1] != ' ')
			continue;
		max++;
		min += *args != '[';
	}
	while ((word = strsep(&rest, " "))) {
		if (n == max)
			return -EINVAL;
		err = kstrtou32(word, 0, &v[n++]);
		if (err)
			return err;
		if (strstr(inject->args, "MS") && n == max && v[n - 1] > MK_INJECT_MS_MAX)
			return -ERANGE;
	}

	return n < min ? -EINVAL : n;
}

static ssize_t inject_write(struct file *file, const char __user *ubuf, size_t len,
			    loff_t *pos)
{
	char buf[64], *rest, *word;
	u32 v[MK_INJECT_ARGS] = { };
	int i, n, err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = 0;
	rest = strim(buf);
	word = strsep(&rest, " ");

	for (i = 0; i < ARRAY_SIZE(mk_injects); i++) {
		if (strcmp(word, mk_injects[i].name))
			continue;
		n = mk_inject_args(&mk_injects[i], rest, v);
		if (n < 0)
			return n;
		/* By the clock that it shares with the host: when did it begin? */
		pr_warn("inject: %s at_ms=%lld\n", word,
			ktime_to_ms(ktime_get_real()));
		err = mk_injects[i].run(v, n);
		return err ?: len;
	}

	return -EINVAL;
}

DEFINE_SHOW_STORE_ATTRIBUTE(inject);

static int target_show(struct seq_file *m, void *v)
{
	const struct mk_inject_target *target = m->private;

	seq_printf(m, "pfn=%llu\n", (u64)PHYS_PFN(__pa(target)));
	seq_printf(m, "word=%u\n", READ_ONCE(target->word));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(target);

/**
 * mk_inject_init - make the file: what a spawn does, or what a host has for it
 * @root: folder in debugfs
 *
 * Context: process.
 */
void __init mk_inject_init(struct dentry *root)
{
	struct mk_inject_target *target;

	if (mk_self_is_spawn) {
		debugfs_create_file("inject", 0600, root, NULL, &inject_fops);
		return;
	}
	target = (void *)get_zeroed_page(GFP_KERNEL);
	if (!target)
		return;
	target->magic = MK_TARGET_MAGIC;
	debugfs_create_file("target", 0400, root, target, &target_fops);
}

/* Points of the boot */

/* Does multikernel.inject= name this point?  Also before any parameter is parsed */
static bool __init mk_inject_at(const char *point)
{
	char want[32];

	return mk_self_is_spawn &&
	       arch_mk_inject_param(want, sizeof(want)) > 0 && !strcmp(want, point);
}

/* Without a word that anybody could read: the console is not there yet */
static void __init mk_inject_stop(void)
{
	for (;;)
		cpu_relax();
}

/**
 * mk_inject_early - the points of the boot where there is no memory yet
 * @console: what is printed reaches the host from now on
 *
 * Context: setup_arch() of a spawn, one CPU, interrupts off.
 */
void __init mk_inject_early(bool console)
{
	if (!console) {
		if (mk_inject_at("early-hang"))
			mk_inject_stop();
		return;
	}
	if (mk_inject_at("early-panic"))
		panic("injected, early");
	if (mk_inject_at("early-oops"))
		mk_inject_oops(NULL, 0);
	if (mk_inject_at("console-hang")) {
		pr_warn("inject: console-hang\n");
		mk_inject_stop();
	}
}

/**
 * mk_inject_epoch - which start of its instance a spawn says that it is
 * @epoch: the true one
 *
 * As if a kernel of another start came to its window only now.
 *
 * Context: setup_arch() of a spawn, one CPU, interrupts off.
 * Return: that, or the next one.
 */
u32 __init mk_inject_epoch(u32 epoch)
{
	return epoch + mk_inject_at("other-start");
}

/* The command line is gone when init is about to be started */
static bool mk_inject_noready;

static int __init mk_inject_initcall(void)
{
	if (mk_inject_at("initcall-panic"))
		panic("injected, by an initcall");
	if (mk_inject_at("initcall-hang")) {
		pr_warn("inject: initcall-hang at_ms=%lld\n", ktime_to_ms(ktime_get_real()));
		mk_inject_stop();
	}
	mk_inject_noready = mk_inject_at("noready");

	return 0;
}
late_initcall(mk_inject_initcall);

/**
 * mk_inject_not_ready - let init never be started, if so wanted
 *
 * Interrupts, timers and the heart go on.
 *
 * Context: process, in the place of init.
 */
void mk_inject_not_ready(void)
{
	if (!mk_inject_noready)
		return;
	pr_warn("inject: noready at_ms=%lld\n", ktime_to_ms(ktime_get_real()));
	for (;;)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
}
