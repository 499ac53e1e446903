// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: /sys/kernel/multikernel
 *
 * One value a file; Documentation/ABI/testing/sysfs-kernel-multikernel has
 * each.  A refused write says why in one line of the kernel log.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/capability.h>
#include <linux/kexec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"

static struct kobject *mk_root;
static struct kset *mk_dir_instances;

/* create, destroy: the line as the user wrote it, cleaned of its newline */
static char *mk_take_line(const char *buf, size_t count, struct mk_complaint *c,
			  int *err)
{
	char *line;

	/* sysfs ends every buffer with a NUL; others in it are the user's */
	*err = -EINVAL;
	if (memchr(buf, '\0', count)) {
		mk_complain(c, "'%*pE' has a zero byte in it", mk_shown(buf), buf);
		return NULL;
	}
	*err = -E2BIG;
	if (count > MK_REQUEST_MAX + 1) {
		mk_complain(c, "'%*pE...' is longer than %d bytes", 20, buf,
			    MK_REQUEST_MAX);
		return NULL;
	}
	*err = -ENOMEM;
	line = kmemdup_nul(buf, count, GFP_KERNEL);
	if (!line) {
		mk_complain(c, "out of memory");
		return NULL;
	}
	*err = 0;

	return line;
}

static ssize_t mk_line_store(const char *what, const char *buf, size_t count,
			     int (*run)(char *line, struct mk_complaint *c))
{
	struct mk_complaint c = { };
	char *line;
	int err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;

	line = mk_take_line(buf, count, &c, &err);
	if (line)
		err = run(line, &c);
	kfree(line);
	if (err)
		pr_err("%s: %s\n", what, c.text);

	return err ?: count;
}

static ssize_t create_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return mk_line_store("create", buf, count, mk_instance_create);
}

static int mk_destroy_line(char *line, struct mk_complaint *c)
{
	const char *name = strim(line);

	return mk_name_check(name, c) ?: mk_instance_destroy(name, c);
}

static ssize_t destroy_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	return mk_line_store("destroy", buf, count, mk_destroy_line);
}

static struct kobj_attribute create_attr = __ATTR(create, 0200, NULL, create_store);
static struct kobj_attribute destroy_attr = __ATTR(destroy, 0200, NULL, destroy_store);

static struct attribute *mk_root_attrs[] = {
	&create_attr.attr,
	&destroy_attr.attr,
	NULL
};

static const struct attribute_group mk_root_group = {
	.attrs = mk_root_attrs,
};

/* pool/ */

static ssize_t memory_total_show(struct kobject *kobj, struct kobj_attribute *attr,
				 char *buf)
{
	return sysfs_emit(buf, "%llu\n", mk_pool.size);
}

static ssize_t memory_free_show(struct kobject *kobj, struct kobj_attribute *attr,
				char *buf)
{
	u64 bytes;

	mutex_lock(&mk_lock);
	bytes = mk_mem_pool_bytes_free(&mk_pool);
	mutex_unlock(&mk_lock);

	return sysfs_emit(buf, "%llu\n", bytes);
}

static struct kobj_attribute memory_total_attr = __ATTR_RO(memory_total);
static struct kobj_attribute memory_free_attr = __ATTR_RO(memory_free);

static struct attribute *mk_pool_attrs[] = {
	&memory_total_attr.attr,
	&memory_free_attr.attr,
	&mk_pool_lost_attr.attr,
	NULL
};

static const struct attribute_group mk_pool_group = {
	.name = "pool",
	.attrs = mk_pool_attrs,
};

/* instances/NAME/ */

static ssize_t id_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", mk_to_instance(kobj)->id);
}

static ssize_t cid_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", MK_VSOCK_CID(mk_to_instance(kobj)->id));
}

static ssize_t cpus_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct mk_instance *inst = mk_to_instance(kobj);
	cpumask_var_t cpus;
	ssize_t len;
	int i;

	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	for (i = 0; i < inst->nr_cpus; i++)
		cpumask_set_cpu(inst->cpus[i], cpus);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(cpus));
	free_cpumask_var(cpus);

	return len;
}

static ssize_t memory_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct mk_instance *inst = mk_to_instance(kobj);

	return sysfs_emit(buf, "%#llx-%#llx\n", inst->mem.start,
			  inst->mem.start + inst->mem.size - 1);
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	/* One word, read at once: a waiter must not wait for who holds the lock */
	return sysfs_emit(buf, "%s\n", mk_state_name(READ_ONCE(mk_to_instance(kobj)->state)));
}

static ssize_t reason_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	ssize_t len;

	mutex_lock(&inst->lock);
	len = sysfs_emit(buf, "%s\n", inst->reason);
	mutex_unlock(&inst->lock);

	return len;
}

static ssize_t cmdline_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	const char *cmdline = "";
	ssize_t len;

	mutex_lock(&inst->lock);
	if (inst->kimage && inst->kimage->cmdline_buf)
		cmdline = inst->kimage->cmdline_buf;
	len = sysfs_emit(buf, "%s\n", cmdline);
	mutex_unlock(&inst->lock);

	return len;
}

static ssize_t lost_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	ssize_t len;

	mutex_lock(&inst->lock);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(&inst->lost));
	mutex_unlock(&inst->lock);

	return len;
}

static ssize_t boot_time_us_show(struct kobject *kobj, struct kobj_attribute *attr,
				 char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	u64 us;

	mutex_lock(&inst->lock);
	us = inst->boot_time_us;
	mutex_unlock(&inst->lock);

	return sysfs_emit(buf, "%llu\n", us);
}

static ssize_t cpu_time_us_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	u64 us;

	mutex_lock(&inst->lock);
	us = mk_watchdog_cpu_time_us(inst);
	mutex_unlock(&inst->lock);

	return sysfs_emit(buf, "%llu\n", us);
}

static ssize_t heartbeat_age_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
				     char *buf)
{
	struct mk_instance *inst = mk_to_instance(kobj);

	/* No number: it would pass for young or old, whichever is asked for */
	if (!mk_state_active(READ_ONCE(inst->state)))
		return sysfs_emit(buf, "-\n");

	return sysfs_emit(buf, "%llu\n", mk_heart_age_ms(&inst->channel.heart));
}

static ssize_t mk_doorbell_cpu_store(struct mk_channel *ch, const char *buf, size_t count)
{
	unsigned int cpu;
	int err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	err = kstrtouint(buf, 0, &cpu);
	if (!err)
		err = mk_channel_set_cpu(ch, cpu);
	if (err)
		pr_err("%s: doorbell_cpu: '%*pE' is no CPU that is online\n", ch->peer_name,
		       mk_shown(buf), buf);

	return err ?: count;
}

static ssize_t doorbell_cpu_show(struct kobject *kobj, struct kobj_attribute *attr,
				 char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(mk_to_instance(kobj)->channel.cpu));
}

static ssize_t doorbell_cpu_store(struct kobject *kobj, struct kobj_attribute *attr,
				  const char *buf, size_t count)
{
	return mk_doorbell_cpu_store(&mk_to_instance(kobj)->channel, buf, count);
}

static ssize_t tty_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", mk_to_instance(kobj)->tty);
}

static ssize_t links_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return mk_link_show(mk_to_instance(kobj), buf);
}

static ssize_t links_store(struct kobject *kobj, struct kobj_attribute *attr,
			   const char *buf, size_t count)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	struct mk_complaint c = { };
	char *line;
	int err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;

	line = mk_take_line(buf, count, &c, &err);
	if (line)
		err = mk_link_change(inst, strim(line), &c);
	kfree(line);
	if (err)
		mk_err(inst, "links: %s\n", c.text);

	return err ?: count;
}

static const struct {
	const char *verb;
	int (*run)(struct mk_instance *inst, struct mk_complaint *c);
} mk_verbs[] = {
	{ "start",	mk_instance_start },
	{ "stop",	mk_instance_stop },
	{ "kill",	mk_instance_kill },
	{ "restart",	mk_instance_restart },
};

static ssize_t control_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	struct mk_instance *inst = mk_to_instance(kobj);
	struct mk_complaint c = { };
	int i, err;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;

	for (i = 0; i < ARRAY_SIZE(mk_verbs); i++) {
		if (memchr(buf, '\0', count) || !sysfs_streq(buf, mk_verbs[i].verb))
			continue;

		mk_complain(&c, "is being destroyed");
		mutex_lock(&inst->lock);
		err = inst->destroyed ? -ENODEV : mk_verbs[i].run(inst, &c);
		mutex_unlock(&inst->lock);
		if (err)
			mk_err(inst, "%s: %s\n", mk_verbs[i].verb, c.text);

		return err ?: count;
	}
	if (count && buf[count - 1] == '\n')
		count--;
	mk_err(inst, "control: unknown word '%*pE', use start, stop, kill or restart\n",
	       min_t(int, count, mk_shown(buf)), buf);

	return -EINVAL;
}

static struct kobj_attribute id_attr = __ATTR_RO(id);
static struct kobj_attribute cid_attr = __ATTR_RO(cid);
static struct kobj_attribute cpus_attr = __ATTR_RO(cpus);
static struct kobj_attribute memory_attr = __ATTR_RO(memory);
static struct kobj_attribute state_attr = __ATTR_RO(state);
static struct kobj_attribute reason_attr = __ATTR_RO(reason);
static struct kobj_attribute lost_attr = __ATTR_RO(lost);
static struct kobj_attribute cmdline_attr = __ATTR_RO_MODE(cmdline, 0400);
static struct kobj_attribute boot_time_us_attr = __ATTR_RO(boot_time_us);
static struct kobj_attribute cpu_time_us_attr = __ATTR_RO(cpu_time_us);
static struct kobj_attribute heartbeat_age_ms_attr = __ATTR_RO(heartbeat_age_ms);
static struct kobj_attribute doorbell_cpu_attr = __ATTR_RW(doorbell_cpu);
static struct kobj_attribute tty_attr = __ATTR_RO(tty);
static struct kobj_attribute links_attr = __ATTR_RW_MODE(links, 0600);
static struct kobj_attribute control_attr = __ATTR(control, 0200, NULL, control_store);

static struct attribute *mk_instance_attrs[] = {
	&id_attr.attr,
	&cid_attr.attr,
	&cpus_attr.attr,
	&memory_attr.attr,
	&state_attr.attr,
	&reason_attr.attr,
	&lost_attr.attr,
	&cmdline_attr.attr,
	&boot_time_us_attr.attr,
	&cpu_time_us_attr.attr,
	&heartbeat_age_ms_attr.attr,
	&doorbell_cpu_attr.attr,
	&tty_attr.attr,
	&links_attr.attr,
	&control_attr.attr,
	NULL
};

static umode_t mk_instance_attr_mode(struct kobject *kobj, struct attribute *attr, int n)
{
	if (attr == &tty_attr.attr && !mk_to_instance(kobj)->tty[0])
		return 0;

	return attr->mode;
}

static ssize_t console_read(struct file *file, struct kobject *kobj,
			    struct bin_attribute *attr, char *buf, loff_t off,
			    size_t count)
{
	struct mk_instance *inst = mk_to_instance(kobj);

	return mk_console_read(inst->window, mk_console_head(inst->window), buf, off,
			       count);
}

static BIN_ATTR(console, 0400, console_read, NULL, 0);

static struct bin_attribute *mk_instance_bin_attrs[] = {
	&bin_attr_console,
	NULL
};

static const struct attribute_group mk_instance_group = {
	.attrs = mk_instance_attrs,
	.is_visible = mk_instance_attr_mode,
	.bin_attrs = mk_instance_bin_attrs,
};

static const struct attribute_group *mk_instance_groups[] = {
	&mk_instance_group,
	&mk_evidence_group,
	&mk_policy_group,
	NULL
};

static void mk_instance_release(struct kobject *kobj)
{
	mk_instance_free(mk_to_instance(kobj));
}

static const struct kobj_type mk_instance_ktype = {
	.release = mk_instance_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = mk_instance_groups,
};

/* uevents: their subsystem, and who it is */

static const char *mk_uevent_name(const struct kobject *kobj)
{
	return "multikernel";
}

static int mk_uevent_add(const struct kobject *kobj, struct kobj_uevent_env *env)
{
	return add_uevent_var(env, "MULTIKERNEL_NAME=%s", kobject_name(kobj));
}

static const struct kset_uevent_ops mk_uevent_ops = {
	.name = mk_uevent_name,
	.uevent = mk_uevent_add,
};

/**
 * mk_sysfs_changed - tell who waits that the state has changed
 * @inst: instance
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_sysfs_changed(struct mk_instance *inst)
{
	char state[32], reason[MK_REASON_MAX + 32];
	char *envp[3] = { state, reason };

	lockdep_assert_held(&inst->lock);

	if (inst->state_kn)
		sysfs_notify_dirent(inst->state_kn);

	snprintf(state, sizeof(state), "MULTIKERNEL_STATE=%s", mk_state_name(inst->state));
	snprintf(reason, sizeof(reason), "MULTIKERNEL_REASON=%s", inst->reason);
	/* Without memory there is none; who missed it has poll(2), and the log */
	kobject_uevent_env(&inst->kobj, KOBJ_CHANGE, envp);
}

/**
 * mk_sysfs_add - show an instance
 * @inst: complete instance
 *
 * From here on its kobject holds the instance, on failure too.
 *
 * Context: process; mk_lock held.
 * Return: 0 or a negative errno.
 */
int mk_sysfs_add(struct mk_instance *inst)
{
	int err;

	lockdep_assert_held(&mk_lock);

	inst->kobj.kset = mk_dir_instances;
	err = kobject_init_and_add(&inst->kobj, &mk_instance_ktype, NULL, "%s", inst->name);
	if (err)
		return err;
	err = mk_core_add(inst);
	if (err) {
		/* Its files can be open by now: waits for who is in one */
		kobject_del(&inst->kobj);
		return err;
	}
	inst->state_kn = sysfs_get_dirent(inst->kobj.sd, "state");
	kobject_uevent(&inst->kobj, KOBJ_ADD);

	return 0;
}

/**
 * mk_sysfs_remove - hide an instance
 * @inst: instance
 *
 * Waits until nobody is in one of its files.
 *
 * Context: process; mk_lock held, not the instance's.
 */
void mk_sysfs_remove(struct mk_instance *inst)
{
	lockdep_assert_held(&mk_lock);
	lockdep_assert_not_held(&inst->lock);

	kobject_del(&inst->kobj);
	/* Who polls finds that it is gone */
	if (inst->state_kn)
		sysfs_notify_dirent(inst->state_kn);
	sysfs_put(inst->state_kn);
	inst->state_kn = NULL;
}

/**
 * mk_sysfs_init - make the folder of a host
 *
 * Return: 0 or -ENOMEM.
 */
int __init mk_sysfs_init(void)
{
	int err;

	mk_root = kobject_create_and_add("multikernel", kernel_kobj);
	if (!mk_root)
		return -ENOMEM;
	mk_dir_instances = kset_create_and_add("instances", &mk_uevent_ops, mk_root);
	if (!mk_dir_instances) {
		err = -ENOMEM;
		goto out;
	}
	err = sysfs_create_group(mk_root, &mk_pool_group);
	if (!err)
		err = sysfs_create_group(mk_root, &mk_root_group);
	if (!err)
		return 0;
	kset_unregister(mk_dir_instances);
out:
	kobject_put(mk_root);
	return err;
}

/* self/, in a spawn */

static ssize_t self_id_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%u\n", mk_self.id);
}

static ssize_t self_cid_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n", MK_VSOCK_CID(mk_self.id));
}

static ssize_t self_name_show(struct kobject *kobj, struct kobj_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%s\n", mk_self.name);
}

static ssize_t self_cpus_show(struct kobject *kobj, struct kobj_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(cpu_present_mask));
}

static ssize_t self_doorbell_cpu_show(struct kobject *kobj, struct kobj_attribute *attr,
				      char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(mk_self_channel.cpu));
}

static ssize_t self_doorbell_cpu_store(struct kobject *kobj, struct kobj_attribute *attr,
				       const char *buf, size_t count)
{
	return mk_doorbell_cpu_store(&mk_self_channel, buf, count);
}

static ssize_t self_heartbeat_age_ms_show(struct kobject *kobj,
					  struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", mk_heart_age_ms(&mk_self_channel.heart));
}

static ssize_t self_clock_offset_ns_show(struct kobject *kobj,
					 struct kobj_attribute *attr, char *buf)
{
	s64 offset;

	if (!mk_clock_offset_ns(&offset))
		return sysfs_emit(buf, "-\n");

	return sysfs_emit(buf, "%lld\n", offset);
}

static ssize_t self_clock_sync_show(struct kobject *kobj, struct kobj_attribute *attr,
				    char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(mk_clock_sync));
}

static ssize_t self_clock_sync_store(struct kobject *kobj, struct kobj_attribute *attr,
				     const char *buf, size_t count)
{
	bool sync;
	int err;

	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	err = kstrtobool(buf, &sync);
	if (err)
		pr_err("clock_sync: '%*pE' is neither 0 nor 1\n",
		       mk_shown(buf), buf);
	else
		WRITE_ONCE(mk_clock_sync, sync);

	return err ?: count;
}

static struct kobj_attribute self_id_attr = __ATTR(id, 0444, self_id_show, NULL);
static struct kobj_attribute self_cid_attr = __ATTR(cid, 0444, self_cid_show, NULL);
static struct kobj_attribute self_name_attr = __ATTR(name, 0444, self_name_show, NULL);
static struct kobj_attribute self_cpus_attr = __ATTR(cpus, 0444, self_cpus_show, NULL);

static struct kobj_attribute self_doorbell_cpu_attr =
	__ATTR(doorbell_cpu, 0644, self_doorbell_cpu_show, self_doorbell_cpu_store);

static struct kobj_attribute self_heartbeat_age_ms_attr =
	__ATTR(heartbeat_age_ms, 0444, self_heartbeat_age_ms_show, NULL);

static struct kobj_attribute self_clock_offset_ns_attr =
	__ATTR(clock_offset_ns, 0444, self_clock_offset_ns_show, NULL);

static struct kobj_attribute self_clock_sync_attr =
	__ATTR(clock_sync, 0644, self_clock_sync_show, self_clock_sync_store);

static struct attribute *mk_self_attrs[] = {
	&self_id_attr.attr,
	&self_cid_attr.attr,
	&self_name_attr.attr,
	&self_cpus_attr.attr,
	&self_doorbell_cpu_attr.attr,
	&self_heartbeat_age_ms_attr.attr,
	&self_clock_offset_ns_attr.attr,
	&self_clock_sync_attr.attr,
	NULL
};

static const struct attribute_group mk_self_group = {
	.name = "self",
	.attrs = mk_self_attrs,
};

/**
 * mk_sysfs_spawn_init - make the folder of a spawn
 *
 * Return: 0 or a negative errno.
 */
int __init mk_sysfs_spawn_init(void)
{
	int err;

	mk_root = kobject_create_and_add("multikernel", kernel_kobj);
	if (!mk_root)
		return -ENOMEM;
	err = sysfs_create_group(mk_root, &mk_self_group);
	if (err)
		kobject_put(mk_root);

	return err;
}
