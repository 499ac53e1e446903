// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: what an operator sets for an instance, and what follows a crash
 *
 * Time-outs have a default for all, a parameter of the module, and a file for
 * each instance: as long as that was not written it follows the default.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "multikernel."

#define MK_SECONDS_MAX		86400

/* CPUs beat once a second: less would take a late beat for none */
#define MK_HANG_TIMEOUT_MIN	3

static unsigned int mk_boot_timeout = 60;
static unsigned int mk_stop_timeout = 30;
static unsigned int mk_hang_timeout = 10;
static unsigned int mk_restart_max = 3;
static unsigned int mk_restart_interval = 60;

/**
 * struct mk_setting_attr - a file with a number
 * @attr: the file
 * @nr: which number
 * @min: smallest value, 0 apart
 * @max: largest value
 * @zero: 0 is taken, too
 * @fallback: value as long as nothing was written
 */
struct mk_setting_attr {
	struct kobj_attribute attr;
	enum mk_setting_nr nr;
	u32 min;
	u32 max;
	bool zero;
	const unsigned int *fallback;
};

static ssize_t mk_setting_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf);
static ssize_t mk_setting_store(struct kobject *kobj, struct kobj_attribute *attr,
				const char *buf, size_t count);

#define MK_SETTING(_name, _nr, _min, _max, _zero)				\
	[_nr] = {								\
		.attr = __ATTR(_name, 0644, mk_setting_show, mk_setting_store),	\
		.nr = _nr, .min = _min, .max = _max, .zero = _zero,		\
		.fallback = &mk_##_name,					\
	}

static struct mk_setting_attr mk_settings[MK_NR_SETTINGS] = {
	MK_SETTING(boot_timeout, MK_BOOT_TIMEOUT, 1, MK_SECONDS_MAX, false),
	MK_SETTING(stop_timeout, MK_STOP_TIMEOUT, 1, MK_SECONDS_MAX, false),
	MK_SETTING(hang_timeout, MK_HANG_TIMEOUT, MK_HANG_TIMEOUT_MIN, MK_SECONDS_MAX, true),
	MK_SETTING(restart_max, MK_RESTART_MAX, 0, MK_RESTARTS_MAX, true),
	MK_SETTING(restart_interval, MK_RESTART_INTERVAL, 1, MK_SECONDS_MAX, false),
};

static bool mk_setting_fits(const struct mk_setting_attr *s, u32 v)
{
	return (!v && s->zero) || (v >= s->min && v <= s->max);
}

/* A default takes what an instance's own file takes */
static int mk_default_set(const char *val, const struct kernel_param *kp)
{
	unsigned int i, v;
	int err = kstrtouint(val, 0, &v);

	if (err)
		return err;
	for (i = 0; i < MK_NR_SETTINGS; i++)
		if (mk_settings[i].fallback == kp->arg && !mk_setting_fits(&mk_settings[i], v))
			return -ERANGE;
	WRITE_ONCE(*(unsigned int *)kp->arg, v);

	return 0;
}

static const struct kernel_param_ops mk_default_ops = {
	.set	= mk_default_set,
	.get	= param_get_uint,
};
module_param_cb(boot_timeout, &mk_default_ops, &mk_boot_timeout, 0644);
MODULE_PARM_DESC(boot_timeout, "Seconds from start to READY before a spawn is given up");
module_param_cb(stop_timeout, &mk_default_ops, &mk_stop_timeout, 0644);
MODULE_PARM_DESC(stop_timeout, "Seconds a spawn gets to power off before it is killed");
module_param_cb(hang_timeout, &mk_default_ops, &mk_hang_timeout, 0644);
MODULE_PARM_DESC(hang_timeout, "Seconds without a timer interrupt of a CPU before a spawn is given up, 0 for never");

/**
 * mk_setting - what is set for an instance
 * @inst: instance
 * @nr: which one
 *
 * Context: any.
 * Return: the instance's own value, or the default.
 */
u32 mk_setting(const struct mk_instance *inst, enum mk_setting_nr nr)
{
	u32 v = READ_ONCE(inst->settings[nr]);

	return v == MK_SETTING_DEFAULT ? READ_ONCE(*mk_settings[nr].fallback) : v;
}

static ssize_t mk_setting_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct mk_setting_attr *s = container_of(attr, struct mk_setting_attr, attr);

	return sysfs_emit(buf, "%u\n", mk_setting(mk_to_instance(kobj), s->nr));
}

static ssize_t mk_setting_store(struct kobject *kobj, struct kobj_attribute *attr,
				const char *buf, size_t count)
{
	const struct mk_setting_attr *s = container_of(attr, struct mk_setting_attr, attr);
	struct mk_instance *inst = mk_to_instance(kobj);
	int err;
	u32 v;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;

	err = memchr(buf, '\0', count) ? -EINVAL : kstrtou32(buf, 0, &v);
	if (!err && !mk_setting_fits(s, v))
		err = -ERANGE;
	if (err)
		mk_err(inst, "%s: '%*pE' is not %s%u to %u\n", attr->attr.name,
		       mk_shown(buf), buf,
		       s->zero && s->min ? "0 or " : "", s->min, s->max);
	else
		WRITE_ONCE(inst->settings[s->nr], v);

	return err ?: count;
}

static const char * const mk_on_crash_names[] = {
	[MK_ON_CRASH_KEEP]	= "keep",
	[MK_ON_CRASH_RESTART]	= "restart",
	[MK_ON_CRASH_DESTROY]	= "destroy",
};

static ssize_t on_crash_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  mk_on_crash_names[READ_ONCE(mk_to_instance(kobj)->on_crash)]);
}

static ssize_t on_crash_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	int what = -EINVAL;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;

	if (!memchr(buf, '\0', count))
		what = sysfs_match_string(mk_on_crash_names, buf);
	if (what < 0) {
		mk_err(inst, "on_crash: unknown word '%*pE', use keep, restart or destroy\n",
		       mk_shown(buf), buf);
		return what;
	}
	WRITE_ONCE(inst->on_crash, what);

	return count;
}

static ssize_t restarts_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(mk_to_instance(kobj)->restarts.nr));
}

static struct kobj_attribute on_crash_attr = __ATTR_RW(on_crash);
static struct kobj_attribute restarts_attr = __ATTR_RO(restarts);

static struct attribute *mk_policy_attrs[] = {
	&mk_settings[MK_BOOT_TIMEOUT].attr.attr,
	&mk_settings[MK_STOP_TIMEOUT].attr.attr,
	&mk_settings[MK_HANG_TIMEOUT].attr.attr,
	&mk_settings[MK_RESTART_MAX].attr.attr,
	&mk_settings[MK_RESTART_INTERVAL].attr.attr,
	&on_crash_attr.attr,
	&restarts_attr.attr,
	NULL
};

const struct attribute_group mk_policy_group = {
	.attrs = mk_policy_attrs,
};

#ifdef CONFIG_MULTIKERNEL_FAULT_INJECTION
/* It waits as long as a test wants, a minute at most */
#define MK_HOLD_MS		20
#define MK_HOLD_MAX		(60 * MSEC_PER_SEC / MK_HOLD_MS)

static void mk_policy_hold(void)
{
	unsigned int n;

	for (n = 0; READ_ONCE(mk_hold_destroy) && n < MK_HOLD_MAX; n++)
		msleep(MK_HOLD_MS);
}
#else
static inline void mk_policy_hold(void) { }
#endif

/*
 * Not from the instance's own work: destroying waits for that.  What was
 * queued holds a reference.
 */
static void mk_policy_destroy(struct work_struct *work)
{
	struct mk_instance *inst = container_of(work, struct mk_instance, destroy_work);
	struct mk_complaint c = { };

	mk_policy_hold();
	if (mk_instance_destroy_crashed(inst, &c))
		mk_err(inst, "on_crash: destroy: %s\n", c.text);
	mk_instance_put(inst);
}

/**
 * mk_policy_init - nothing is set, nothing has happened
 * @inst: new instance
 *
 * Context: process.
 */
void mk_policy_init(struct mk_instance *inst)
{
	memset32(inst->settings, MK_SETTING_DEFAULT, MK_NR_SETTINGS);
	inst->on_crash = MK_ON_CRASH_KEEP;
	INIT_WORK(&inst->destroy_work, mk_policy_destroy);
}

/**
 * mk_policy_crashed - what follows a crash?
 * @inst: instance whose kernel ran and crashed, all its CPUs are back
 * @reason: why; gets a word on what follows if that is not what was set
 * @size: its room in bytes
 *
 * Context: process; &mk_instance.lock held.
 * Return: true if it is to be started again by the caller.
 */
bool mk_policy_crashed(struct mk_instance *inst, char *reason, size_t size)
{
	u32 max = mk_setting(inst, MK_RESTART_MAX);
	u32 interval = mk_setting(inst, MK_RESTART_INTERVAL);
	size_t len = strlen(reason);
	u64 now = ktime_get_seconds();

	lockdep_assert_held(&inst->lock);

	switch (READ_ONCE(inst->on_crash)) {
	case MK_ON_CRASH_RESTART:
		if (mk_restart_allowed(&inst->restarts, now, max, interval)) {
			mk_restart_count(&inst->restarts, now);
			return true;
		}
		/* Of a long reason the end goes, not this */
		len = min(len, size - MK_POLICY_WORDS);
		scnprintf(reason + len, size - len, "; restarted %u times in %u s, kept", max,
			  interval);
		return false;
	case MK_ON_CRASH_DESTROY:
		inst->destroy_epoch = inst->epoch;
		kobject_get(&inst->kobj);
		if (!queue_work(mk_wq, &inst->destroy_work))
			mk_instance_put(inst);
		return false;
	default:
		return false;
	}
}
