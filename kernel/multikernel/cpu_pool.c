// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: lends CPUs, and gets them back
 *
 * A lent CPU is offline for the host and can't be onlined until it is
 * returned.  It waits for a start-up IPI: the hardware's own state for a CPU
 * that nobody runs.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/sysfs.h>

#include "internal.h"

/*
 * Written under mk_lock.  Read without it by CPU hotplug, by who sends IPIs or loads
 * microcode, and when the host crashes.
 */
static struct cpumask mk_cpus_lent;

/*
 * Those of them that went offline for an instance and did not answer then: nobody has
 * them.  Under mk_lock.
 */
static struct cpumask mk_cpus_lost;

/*
 * Those that another kernel may run on: lent, and offline here.  This kernel
 * sends them nothing but INIT, SIPI, NMIs and doorbells of multikernel's own.
 * Written under mk_lock, read by whoever sends an interrupt, without it.
 *
 * A CPU is in it after its take-down, so that nobody can have been about to
 * send there: that takes the CPU to be online, and preemption off meanwhile, and
 * take-down waits for all such sections.  It is in it before the first INIT.  It
 * leaves the mask before it is brought up, which sends there.
 */
struct cpumask mk_cpus_foreign __read_mostly;

/* To whom; valid while the bit in mk_cpus_lent is set */
static DEFINE_PER_CPU(const char *, mk_cpu_owner);

/* When onlining was refused last: sysfs tries several times, one line does */
static DEFINE_PER_CPU(unsigned long, mk_cpu_refused);

/**
 * multikernel_no_ipi_shorthand - must IPIs name each destination?
 *
 * "All but self" reaches every CPU of the machine, those of another kernel
 * too.  A spawn never uses it, the host not while a CPU is lent.
 *
 * Context: any.
 * Return: true if shorthands are forbidden.
 */
bool multikernel_no_ipi_shorthand(void)
{
	return mk_self_is_spawn || !cpumask_empty(&mk_cpus_lent);
}

/**
 * multikernel_cpus_lent - does another kernel have CPUs of this machine?
 * @what: what can't be done then, for the log
 *
 * Context: process.
 * Return: true if so, and one line of the log says that @what is refused.
 */
bool multikernel_cpus_lent(const char *what)
{
	if (cpumask_empty(&mk_cpus_lent))
		return false;

	pr_err("no %s while CPUs %*pbl are lent\n", what, cpumask_pr_args(&mk_cpus_lent));

	return true;
}

/**
 * multikernel_crash_stop - stop what runs on lent CPUs, as the host crashed
 *
 * Whoever comes next may use any memory, and must find these CPUs waiting for a
 * start-up IPI.  The other CPUs of the host are stopped by now: none starts a
 * spawn, and nobody changes the mask, at most it was left half changed.  A CPU
 * that is still online is on its way out or back, and the host's.  Twice, for
 * the reason that mk_take_back_cpus() gives; nothing waits for a proof.
 *
 * Context: any, NMI included; interrupts off, this CPU is the last that runs.
 */
void multikernel_crash_stop(void)
{
	unsigned int cpu;
	int round;

	if (cpumask_empty(&mk_cpus_lent))
		return;

	for (round = 0; round < 2; round++)
		for_each_cpu_andnot(cpu, &mk_cpus_lent, cpu_online_mask)
			arch_mk_cpu_reset_crash(arch_mk_cpu_id(cpu));

	/* For whoever reads the dump */
	pr_emerg("the host crashed, CPUs %*pbl were taken away from their spawns\n",
		 cpumask_pr_args(&mk_cpus_lent));
}

/* CPU hotplug, before a CPU is woken: refuses those that are lent */
static int mk_cpu_prepare(unsigned int cpu)
{
	unsigned long last = per_cpu(mk_cpu_refused, cpu);

	if (!cpumask_test_cpu(cpu, &mk_cpus_lent))
		return 0;

	per_cpu(mk_cpu_refused, cpu) = jiffies;
	if (!last || time_after(jiffies, last + HZ))
		pr_err("CPU %u is lent to '%s' and can't be onlined\n", cpu,
		       per_cpu(mk_cpu_owner, cpu));

	return -EBUSY;
}

/**
 * mk_cpus_check - may these CPUs be lent?
 * @cpus: wanted CPUs
 * @split_core: accept a CPU without its SMT siblings
 * @c: gets what is wrong
 *
 * One that is lost may: it is asked once more.
 *
 * Context: process; mk_lock held.
 * Return: 0; -EPERM for the boot CPU; -ENODEV for one that does not exist;
 * -EBUSY for one that is lent; -EINVAL for one that is offline or half a core.
 */
int mk_cpus_check(const struct cpumask *cpus, bool split_core,
		  struct mk_complaint *c)
{
	unsigned int cpu, sibling;
	bool lost;

	lockdep_assert_held(&mk_lock);

	for_each_cpu(cpu, cpus) {
		if (cpu == 0) {
			mk_complain(c, "CPU 0 is the boot CPU and stays with the host");
			return -EPERM;
		}
		if (!cpu_present(cpu)) {
			mk_complain(c, "CPU %u does not exist", cpu);
			return -ENODEV;
		}
		lost = cpumask_test_cpu(cpu, &mk_cpus_lost);
		if (cpumask_test_cpu(cpu, &mk_cpus_lent) && !lost) {
			mk_complain(c, "CPU %u is lent to '%s'", cpu,
				    per_cpu(mk_cpu_owner, cpu));
			return -EBUSY;
		}
		if (!cpu_online(cpu) && !lost) {
			mk_complain(c, "CPU %u is offline", cpu);
			return -EINVAL;
		}
		if (split_core)
			continue;
		/* Offline ones too: they may be lent, or come back */
		for_each_present_cpu(sibling) {
			if (cpumask_test_cpu(sibling, cpus) ||
			    !arch_mk_same_core(cpu, sibling))
				continue;
			mk_complain(c, "CPU %u shares a core with CPU %u: take both, or add split_core=1",
				    cpu, sibling);
			return -EINVAL;
		}
	}

	return 0;
}

/* The host leaves a CPU, and nobody may online it from now on */
static int mk_cpu_down(unsigned int cpu, const char *owner, struct mk_complaint *c)
{
	int err;

	/* Before it goes down, so that nobody can online it in between */
	per_cpu(mk_cpu_owner, cpu) = owner;
	per_cpu(mk_cpu_refused, cpu) = 0;
	cpumask_set_cpu(cpu, &mk_cpus_lent);
	arch_mk_ownership_changed();

	err = remove_cpu(cpu);
	if (err) {
		cpumask_clear_cpu(cpu, &mk_cpus_lent);
		/* 1: somebody else offlined it since the check */
		err = err < 0 ? err : -EINVAL;
		mk_complain(c, "CPU %u can't be offlined: %pe", cpu, ERR_PTR(err));
		return err;
	}
	cpumask_set_cpu(cpu, &mk_cpus_foreign);
	arch_mk_set_foreign(cpu, true);
	/* What waits for a SIPI is nobody's: no IPI of ours must wake it */
	smp_mb__after_atomic();

	return 0;
}

/* A CPU that was taken down, now or in an earlier call: does it wait for a start-up IPI? */
static int mk_cpu_leave(unsigned int cpu, const char *owner, struct mk_complaint *c)
{
	int err = arch_mk_cpu_take_back(arch_mk_cpu_id(cpu), MK_PROOF_MS);

	if (!err) {
		per_cpu(mk_cpu_owner, cpu) = owner;
		if (cpumask_test_and_clear_cpu(cpu, &mk_cpus_lost))
			pr_info("CPU %u answers again\n", cpu);
		return 0;
	}
	pr_err("CPU %u does not answer (%pe) and is kept out of use\n", cpu, ERR_PTR(err));
	/* Stays lent: what doesn't answer is not used before it does */
	cpumask_set_cpu(cpu, &mk_cpus_lost);
	per_cpu(mk_cpu_owner, cpu) = "nobody, as it does not answer";
	mk_complain(c, "CPU %u does not answer", cpu);

	return -EIO;
}

/**
 * mk_cpus_return - give CPUs back to the host
 * @cpus: CPUs that mk_cpus_lend() took and that have left the spawn
 *
 * Context: process; mk_lock held.
 */
void mk_cpus_return(const struct cpumask *cpus)
{
	unsigned int cpu;
	int err;

	lockdep_assert_held(&mk_lock);

	for_each_cpu(cpu, cpus) {
		cpumask_clear_cpu(cpu, &mk_cpus_foreign);
		arch_mk_set_foreign(cpu, false);
		cpumask_clear_cpu(cpu, &mk_cpus_lent);
		err = add_cpu(cpu);
		if (err)
			pr_err("CPU %u is returned, but does not come online: %pe\n",
			       cpu, ERR_PTR(err));
	}
	arch_mk_ownership_changed();
}

/**
 * mk_cpus_lend - take CPUs away from the host, all or none
 * @cpus: CPUs that passed mk_cpus_check()
 * @owner: name of who gets them; stays valid until they are returned
 * @c: gets what is wrong
 *
 * On success every one of them waits for a start-up IPI, and has shown that it
 * answers one.  One that does not answer is lost: neither the host's nor
 * anybody else's, until a later call has an answer.
 *
 * Context: process; mk_lock held.
 * Return: 0; what CPU hotplug says; or -EIO if a CPU does not answer.
 */
int mk_cpus_lend(const struct cpumask *cpus, const char *owner,
		 struct mk_complaint *c)
{
	static struct cpumask done;
	unsigned int cpu;
	int err = 0;

	lockdep_assert_held(&mk_lock);
	cpumask_clear(&done);

	for_each_cpu(cpu, cpus) {
		if (!cpumask_test_cpu(cpu, &mk_cpus_lost))
			err = mk_cpu_down(cpu, owner, c);
		if (!err)
			err = mk_cpu_leave(cpu, owner, c);
		if (err)
			goto undo;
		cpumask_set_cpu(cpu, &done);
	}

	return 0;
undo:
	mk_cpus_return(&done);
	return err;
}

/**
 * mk_cpus_nobodys - CPUs that are lost, and no instance's
 *
 * Context: process; mk_lock held.
 * Return: how many.
 */
unsigned int mk_cpus_nobodys(void)
{
	lockdep_assert_held(&mk_lock);

	return cpumask_weight(&mk_cpus_lost);
}

static ssize_t lost_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t len;

	mutex_lock(&mk_lock);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(&mk_cpus_lost));
	mutex_unlock(&mk_lock);

	return len;
}

struct kobj_attribute mk_pool_lost_attr = __ATTR_RO(lost);

/**
 * mk_cpu_pool_init - make CPU hotplug respect what is lent
 *
 * Return: 0 or a negative errno.
 */
int __init mk_cpu_pool_init(void)
{
	int ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "multikernel:lent",
					mk_cpu_prepare, NULL);

	return ret < 0 ? ret : 0;
}
