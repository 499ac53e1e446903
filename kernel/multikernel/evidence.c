// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: what is kept of a run that crashed
 *
 * What the spawn says is copied once and made printable.  It is a claim: a
 * spawn can say whatever it likes of itself.
 */
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."

static unsigned int mk_dump_wait_ms = 100;
module_param_named(dump_wait_ms, mk_dump_wait_ms, uint, 0644);
MODULE_PARM_DESC(dump_wait_ms, "Milliseconds that the CPUs of a spawn get to leave their registers (0: don't ask)");

/* Whatever the parameter says, a kill ends */
#define MK_DUMP_WAIT_MAX_MS	10000

/* Registers */

/**
 * mk_dumped - is a CPU's note complete?
 * @inst: instance
 * @index: which of its CPUs
 *
 * Context: any.
 * Return: true if the spawn says so.
 */
bool mk_dumped(const struct mk_instance *inst, unsigned int index)
{
	/* Pairs with the release in mk_words_registers() */
	return smp_load_acquire(&mk_cpu_page(inst->window, index)->state) == MK_CPU_DUMPED;
}

static bool mk_may_dump(const struct mk_instance *inst, unsigned int index)
{
	return READ_ONCE(mk_cpu_page(inst->window, index)->state) == MK_CPU_ON;
}

/**
 * mk_dump_cpus - have each CPU leave its registers, and stop
 * @inst: instance whose CPUs are to be taken back next
 *
 * By NMI, and NEVER to a CPU that does not say that it takes one.  A CPU
 * without an interrupt table, such as one on its way from the start-up IPI to
 * the kernel, answers an NMI with a triple fault, and that resets the whole
 * machine.  Once @dump is set no CPU of an honest spawn is brought up any more,
 * so one that says ON after that is not on that way when the NMI comes, however
 * late; at most it went offline, and waits for a start-up IPI.
 *
 * A CPU that does not answer, as it is in an NMI already or as its kernel is
 * damaged, costs the time-out, and is left out of the core.
 *
 * Context: process, may sleep; &mk_instance.lock held.
 */
void mk_dump_cpus(struct mk_instance *inst)
{
	unsigned int wait = min(READ_ONCE(mk_dump_wait_ms), MK_DUMP_WAIT_MAX_MS);
	ktime_t end = ktime_add_ms(ktime_get(), wait);
	unsigned long flags;
	unsigned int i;

	lockdep_assert_held(&inst->lock);

	if (!wait || READ_ONCE(mk_spawn_page(inst->window)->phase) == MK_PHASE_GONE)
		return;

	WRITE_ONCE(mk_host_page(inst->window)->dump, 1);
	/*
	 * Before the looks below.  A CPU that says ON after this may still go
	 * offline, but none comes up again: pairs with the barrier in
	 * mk_beat_prepare().
	 */
	smp_mb();
	for (i = 0; i < inst->nr_cpus; i++) {
		local_irq_save(flags);
		/* The fence in arch_mk_cpu_nmi() makes them see @dump */
		if (mk_may_dump(inst, i))
			arch_mk_cpu_nmi(inst->apic_ids[i]);
		local_irq_restore(flags);
	}

	for (i = 0; i < inst->nr_cpus; i++)
		while (mk_may_dump(inst, i)) {
			if (ktime_after(ktime_get(), end))
				return;
			fsleep(20);
		}
}

/* The record */

static const char * const mk_end_names[MK_NR_ENDS] = {
	[MK_END_ORDER]		= "none",
	[MK_END_PANIC]		= "panic",
	[MK_END_OOPS]		= "oops",
	[MK_END_HANG]		= "hang",
	[MK_END_PROTOCOL]	= "protocol",
	[MK_END_REFUSED]	= "refused",
	[MK_END_BOOT_TIMEOUT]	= "boot-timeout",
	[MK_END_NO_START]	= "no-start",
	[MK_END_UNSAID]		= "unsaid",
	[MK_END_CPU_LOST]	= "cpu-lost",
};

/**
 * mk_end_name - how a user reads it
 * @kind: how a run ended
 *
 * Return: one word.
 */
const char *mk_end_name(enum mk_end_kind kind)
{
	return mk_end_names[kind];
}

/**
 * mk_printable - make what a spawn said fit for a log line or a file
 * @text: a copy that nobody else writes
 * @size: its bytes; the last one becomes a NUL
 * @lines: newlines are kept
 *
 * Context: any.
 */
void mk_printable(char *text, size_t size, bool lines)
{
	size_t i;

	text[size - 1] = '\0';
	for (i = 0; text[i]; i++)
		if (!(isascii(text[i]) && isprint(text[i])) && !(lines && text[i] == '\n'))
			text[i] = '?';
}

/* When it was by the host's clock; now if the spawn tells what can't be */
static u64 mk_fault_time(const struct mk_instance *inst, u64 then)
{
	u64 tsc, wall, ns;

	arch_mk_wall_clock(&tsc, &wall);
	if (then >= tsc)
		return wall;
	ns = mul_u64_u64_div_u64(tsc - then, NSEC_PER_MSEC, arch_mk_tsc_khz());

	return ns <= ktime_to_ns(ktime_sub(ktime_get(), inst->started)) ? wall - ns : wall;
}

/**
 * mk_evidence_oops - what exception a panic comes from
 * @inst: instance whose spawn says that it panicked
 * @text: what it says of it: copied once, made fit for a log line
 * @size: bytes of @text
 *
 * Context: process; &mk_instance.lock held.
 * Return: true if it was an exception.
 */
bool mk_evidence_oops(const struct mk_instance *inst, char *text, size_t size)
{
	const struct mk_crash_page *page = mk_crash_page(inst->window);

	lockdep_assert_held(&inst->lock);

	/* Pairs with the release in mk_words_panic() */
	if (smp_load_acquire(&page->kind) != MK_CRASH_OOPS)
		return false;
	size = min(size, sizeof(page->text));
	memcpy(text, page->text, size);
	mk_printable(text, size, false);

	return text[0];
}

/**
 * mk_evidence_take - keep how a run crashed
 * @inst: instance whose CPUs were taken back
 * @kind: how
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_evidence_take(struct mk_instance *inst, enum mk_end_kind kind)
{
	const struct mk_crash_page *page = mk_crash_page(inst->window);
	struct mk_evidence *ev = &inst->evidence;
	u32 words, cpu;

	lockdep_assert_held(&inst->lock);

	mk_evidence_drop(inst);
	ev->kind = kind;
	if (kind == MK_END_HANG)
		ev->cpu = inst->hung_cpu;
	ev->wall_ns = mk_fault_time(inst, U64_MAX);

	/* Pairs with the release in mk_words_panic() */
	words = smp_load_acquire(&page->kind);
	if (words != MK_CRASH_PANIC && words != MK_CRASH_OOPS)
		return;
	if (kind == MK_END_PANIC && words == MK_CRASH_OOPS)
		ev->kind = MK_END_OOPS;

	cpu = READ_ONCE(page->cpu);
	if (cpu < inst->nr_cpus)
		ev->cpu = inst->cpus[cpu];
	ev->wall_ns = mk_fault_time(inst, READ_ONCE(page->tsc));
	ev->ip = READ_ONCE(page->ip);
	memcpy(ev->text, page->text, sizeof(ev->text));
	mk_printable(ev->text, sizeof(ev->text), false);
	memcpy(ev->trace, page->trace, sizeof(ev->trace));
	mk_printable(ev->trace, sizeof(ev->trace), true);
}

/**
 * mk_evidence_drop - forget how the last run crashed
 * @inst: instance
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_evidence_drop(struct mk_instance *inst)
{
	lockdep_assert_held(&inst->lock);

	inst->evidence = (struct mk_evidence) { .cpu = -1 };
}

/* instances/NAME/fault/ */

static ssize_t kind_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	enum mk_end_kind kind;

	mutex_lock(&inst->lock);
	kind = inst->evidence.kind;
	mutex_unlock(&inst->lock);

	return sysfs_emit(buf, "%s\n", mk_end_name(kind));
}

static ssize_t cpu_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	int cpu;

	mutex_lock(&inst->lock);
	/* Of an instance that did not crash there is none */
	cpu = inst->evidence.kind == MK_END_ORDER ? -1 : inst->evidence.cpu;
	mutex_unlock(&inst->lock);
	if (cpu < 0)
		return sysfs_emit(buf, "-\n");

	return sysfs_emit(buf, "%d\n", cpu);
}

static ssize_t time_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	u64 wall;
	u32 ns;

	mutex_lock(&inst->lock);
	wall = inst->evidence.wall_ns;
	mutex_unlock(&inst->lock);
	if (!wall)
		return sysfs_emit(buf, "-\n");
	wall = div_u64_rem(wall, NSEC_PER_SEC, &ns);

	return sysfs_emit(buf, "%llu.%09u\n", wall, ns);
}

static ssize_t ip_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	u64 ip;

	mutex_lock(&inst->lock);
	ip = inst->evidence.ip;
	mutex_unlock(&inst->lock);
	if (!ip)
		return sysfs_emit(buf, "-\n");

	return sysfs_emit(buf, "%#llx\n", ip);
}

static ssize_t text_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	ssize_t len;

	mutex_lock(&inst->lock);
	len = sysfs_emit(buf, "%s\n", inst->evidence.text);
	mutex_unlock(&inst->lock);

	return len;
}

static ssize_t trace_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	ssize_t len;

	BUILD_BUG_ON(MK_CRASH_TRACE >= PAGE_SIZE);

	mutex_lock(&inst->lock);
	len = sysfs_emit(buf, "%s", inst->evidence.trace);
	mutex_unlock(&inst->lock);

	return len;
}

static struct kobj_attribute kind_attr = __ATTR_RO(kind);
static struct kobj_attribute cpu_attr = __ATTR_RO(cpu);
static struct kobj_attribute time_attr = __ATTR_RO(time);
/* Addresses of a kernel are nothing for everybody, see kptr_restrict */
static struct kobj_attribute ip_attr = __ATTR_RO_MODE(ip, 0400);
static struct kobj_attribute text_attr = __ATTR_RO(text);
static struct kobj_attribute trace_attr = __ATTR_RO_MODE(trace, 0400);

static struct attribute *mk_evidence_attrs[] = {
	&kind_attr.attr,
	&cpu_attr.attr,
	&time_attr.attr,
	&ip_attr.attr,
	&text_attr.attr,
	&trace_attr.attr,
	NULL
};

const struct attribute_group mk_evidence_group = {
	.name = "fault",
	.attrs = mk_evidence_attrs,
};
