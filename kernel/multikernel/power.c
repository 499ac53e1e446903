// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the host restarts, powers off, or wants to sleep
 *
 * Whoever comes after this kernel knows nothing of instances, and must find
 * their CPUs idle.  The spawns are told first, all at once, so that they can
 * write back what they have.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."

/* How often is looked whether all have stopped */
#define MK_DOWN_POLL_MS		20

/* Whatever the parameter says, the host goes down */
#define MK_DOWN_MAX_S		3600U

/* Written once, under mk_lock */
bool mk_going_down;

static unsigned int mk_reboot_timeout = 10;
module_param_named(reboot_timeout, mk_reboot_timeout, uint, 0644);
MODULE_PARM_DESC(reboot_timeout, "Seconds that spawns get to power off when the host goes down; 0: they are killed at once");

/* Call it for each instance that is active, with its lock held; how many? */
static int mk_each_active(void (*fn)(struct mk_instance *inst, unsigned int seconds),
			  unsigned int seconds)
{
	struct mk_instance *inst;
	int n = 0;

	mutex_lock(&mk_lock);
	list_for_each_entry(inst, &mk_instances, node) {
		mutex_lock(&inst->lock);
		if (mk_state_active(inst->state)) {
			n++;
			if (fn)
				fn(inst, seconds);
		}
		mutex_unlock(&inst->lock);
	}
	mutex_unlock(&mk_lock);

	return n;
}

static void mk_down_stop(struct mk_instance *inst, unsigned int seconds)
{
	struct mk_complaint c;

	inst->restart = false;
	mk_info(inst, "the host is going down, it gets %u s to power off\n", seconds);
	/* One that is stopping already was asked, or will be when it has an init */
	if (inst->state != MK_STOPPING && mk_instance_stop(inst, &c))
		mk_err(inst, "%s\n", c.text);
}

static void mk_down_kill(struct mk_instance *inst, unsigned int seconds)
{
	struct mk_complaint c;

	if (seconds)
		mk_warn(inst, "did not power off within %u s, is killed\n", seconds);
	else
		mk_info(inst, "the host is going down, it is killed\n");
	if (mk_instance_kill(inst, &c))
		mk_err(inst, "%s\n", c.text);
}

/* No spawn runs any more: does every lent CPU wait?  Says which one does not */
static void mk_down_prove(void)
{
	struct mk_instance *inst;
	int free = 0, lost = 0;
	unsigned int nobodys;

	mutex_lock(&mk_lock);
	list_for_each_entry(inst, &mk_instances, node) {
		mutex_lock(&inst->lock);
		/* Who did not answer a moment ago is not asked again: that takes seconds */
		if (cpumask_empty(&inst->lost))
			mk_take_back_cpus(inst);
		lost += cpumask_weight(&inst->lost);
		free += inst->nr_cpus - cpumask_weight(&inst->lost);
		mutex_unlock(&inst->lock);
	}
	nobodys = mk_cpus_nobodys();
	mutex_unlock(&mk_lock);

	if (free || lost)
		pr_info("going down: %d lent CPUs are idle, %d did not leave their spawn\n",
			free, lost);
	if (nobodys)
		pr_warn("going down: %u CPUs are nobody's, as they did not answer\n", nobodys);
}

/*
 * Restart, poweroff, kexec.  No lock is held while the spawns power off: their
 * event work, and whoever reads in sysfs, go on.  Nothing can be created or
 * started from here on, so no instance is missed.
 */
static int mk_reboot(struct notifier_block *nb, unsigned long event, void *cmd)
{
	unsigned int seconds = min(READ_ONCE(mk_reboot_timeout), MK_DOWN_MAX_S);
	ktime_t end = ktime_add_ms(ktime_get(), (u64)seconds * MSEC_PER_SEC);

	mutex_lock(&mk_lock);
	/* Who saw false holds mk_lock or the instance's lock: see below */
	WRITE_ONCE(mk_going_down, true);
	mutex_unlock(&mk_lock);

	if (seconds) {
		mk_each_active(mk_down_stop, seconds);
		while (mk_each_active(NULL, 0) && ktime_before(ktime_get(), end))
			msleep(MK_DOWN_POLL_MS);
	}
	mk_each_active(mk_down_kill, seconds);
	mk_down_prove();

	return NOTIFY_DONE;
}

static struct notifier_block mk_reboot_nb = {
	.notifier_call	= mk_reboot,
};

/* Memory of a spawn is not saved, and its CPUs lose their state */
static int mk_sleep(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct mk_instance *inst;
	int ret = NOTIFY_DONE;

	/* A restored kernel knows nothing of them */
	if (event != PM_SUSPEND_PREPARE && event != PM_HIBERNATION_PREPARE &&
	    event != PM_RESTORE_PREPARE)
		return NOTIFY_DONE;

	mutex_lock(&mk_lock);
	list_for_each_entry(inst, &mk_instances, node) {
		mk_err(inst, "the host can't sleep while it exists\n");
		ret = notifier_from_errno(-EBUSY);
	}
	/* What it executes is not known, so it can lie where a restored kernel goes */
	if (mk_cpus_nobodys() && multikernel_cpus_lent("sleep"))
		ret = notifier_from_errno(-EBUSY);
	mutex_unlock(&mk_lock);

	return ret;
}

/**
 * mk_power_init - hear when the host restarts, powers off, or wants to sleep
 *
 * Context: process, once.
 */
void __init mk_power_init(void)
{
	register_reboot_notifier(&mk_reboot_nb);
	pm_notifier(mk_sleep, 0);
}
