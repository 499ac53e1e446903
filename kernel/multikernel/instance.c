// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: makes instances, finds them, and destroys them
 *
 * An operation takes what it needs in order, and gives it back in reverse when
 * a step fails.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/io.h>
#include <linux/slab.h>

#include "internal.h"

/* The list of instances, the pools, creating and destroying */
DEFINE_MUTEX(mk_lock);
struct mk_mem_pool mk_pool;
struct workqueue_struct *mk_wq;

LIST_HEAD(mk_instances);

static u32 mk_low_used;

/* Lookup */

static struct mk_instance *mk_find_name(const char *name)
{
	struct mk_instance *inst;

	lockdep_assert_held(&mk_lock);
	list_for_each_entry(inst, &mk_instances, node)
		if (!strcmp(inst->name, name))
			return inst;

	return NULL;
}

static struct mk_instance *mk_find_id(u32 id)
{
	struct mk_instance *inst;

	lockdep_assert_held(&mk_lock);
	list_for_each_entry(inst, &mk_instances, node)
		if (inst->id == id)
			return inst;

	return NULL;
}

/**
 * mk_instance_get - find an instance by its id
 * @id: instance id
 *
 * Context: process; takes mk_lock.
 * Return: the instance with a reference for the caller, or NULL.
 */
struct mk_instance *mk_instance_get(u32 id)
{
	struct mk_instance *inst;

	mutex_lock(&mk_lock);
	inst = mk_find_id(id);
	if (inst)
		kobject_get(&inst->kobj);
	mutex_unlock(&mk_lock);

	return inst;
}

/**
 * mk_instance_put - drop a reference
 * @inst: instance
 *
 * Context: process.
 */
void mk_instance_put(struct mk_instance *inst)
{
	kobject_put(&inst->kobj);
}

/* Create and destroy */

static int mk_pick_id(struct mk_request *req, struct mk_complaint *c)
{
	const struct mk_instance *taken;
	u32 id;

	if (req->id) {
		taken = mk_find_id(req->id);
		if (!taken)
			return 0;
		mk_complain(c, "id %u is taken by '%s'", req->id, taken->name);
		return -EEXIST;
	}
	for (id = 1; id <= MK_ID_MAX; id++) {
		if (mk_find_id(id))
			continue;
		req->id = id;
		return 0;
	}
	mk_complain(c, "all ids are taken");

	return -ENOSPC;
}

static int mk_parse_cpulist(const struct mk_request *req, struct cpumask *cpus,
			    struct mk_complaint *c)
{
	/* All that a mask can hold, so that a CPU beyond nr_cpu_ids can be named */
	int err = bitmap_parselist(req->cpus, cpumask_bits(cpus), NR_CPUS);
	int shown = strnlen(req->cpus, 40);
	unsigned int last;

	if (err == -ERANGE || err == -EOVERFLOW) {
		mk_complain(c, "cpus '%*pE': this machine has no such CPU", shown,
			    req->cpus);
		return -ENODEV;
	}
	last = err ? NR_CPUS : find_last_bit(cpumask_bits(cpus), NR_CPUS);
	if (last < NR_CPUS && last >= nr_cpu_ids) {
		mk_complain(c, "CPU %u does not exist", last);
		return -ENODEV;
	}
	if (err || cpumask_empty(cpus)) {
		mk_complain(c, "cpus '%*pE' is not a list of CPUs", shown, req->cpus);
		return -EINVAL;
	}
	if (cpumask_weight(cpus) > MK_DESC_MAX_CPUS) {
		mk_complain(c, "cpus '%*pE' are more than %u", shown, req->cpus,
			    MK_DESC_MAX_CPUS);
		return -EINVAL;
	}

	return 0;
}

/**
 * mk_instances_max - how many instances can there be at a time?
 *
 * Context: any, after the memory of the host was set up.
 * Return: their number; 0 on a machine without a pool, and in a spawn.
 */
unsigned int mk_instances_max(void)
{
	const struct mk_reserved *reserved = arch_mk_reserved();

	return reserved->size ? reserved->nr_low : 0;
}

static int mk_take_memory(struct mk_instance *inst, u64 size,
			  struct mk_complaint *c)
{
	const struct mk_reserved *reserved = arch_mk_reserved();
	u32 slot;
	int err;

	err = mk_mem_pool_alloc(&mk_pool, &inst->mem, size);
	if (err) {
		if (mk_pool.size)
			mk_complain(c, "memory %llu MiB: the pool has %llu MiB, %llu free, %llu of it in one piece",
				    size >> 20, mk_pool.size >> 20,
				    mk_mem_pool_bytes_free(&mk_pool) >> 20,
				    mk_mem_pool_largest_free(&mk_pool) >> 20);
		else
			mk_complain(c, "memory %llu MiB: the pool is empty, boot with multikernel=SIZE",
				    size >> 20);
		return err;
	}

	slot = ffz(mk_low_used);
	if (slot >= reserved->nr_low) {
		mk_mem_pool_free(&mk_pool, &inst->mem);
		mk_complain(c, "memory below 1 MiB: all %u slots are taken",
			    reserved->nr_low);
		return -ENOMEM;
	}
	mk_low_used |= BIT(slot);
	inst->low = reserved->low[slot];

	return 0;
}

static void mk_give_memory(struct mk_instance *inst)
{
	const struct mk_reserved *reserved = arch_mk_reserved();
	int slot;

	for (slot = 0; slot < reserved->nr_low; slot++)
		if (reserved->low[slot] == inst->low)
			mk_low_used &= ~BIT(slot);

	mk_mem_pool_free(&mk_pool, &inst->mem);
}

/* Nothing of one instance is ever seen by the next; false if it could be */
static bool mk_scrub_memory(const struct mk_instance *inst)
{
	u64 at, size, done;
	void *p;

	/* Below 1 MiB the host has it mapped */
	memset(phys_to_virt(inst->low), 0, MK_LOW_SLOT_SIZE);

	/* In large pieces: each one unmapped costs a flush on every CPU */
	for (at = 0; at < inst->mem.size; at += size) {
		size = min_t(u64, inst->mem.size - at, SZ_1G);
		p = mk_map(inst->mem.start + at, size);
		if (!p) {
			mk_err(inst, "memory at %#llx can't be cleared and is kept out of the pool\n",
			       inst->mem.start + at);
			return false;
		}
		for (done = 0; done < size; done += MK_GRANULE) {
			memset64(p + done, 0, MK_GRANULE / sizeof(u64));
			cond_resched();
		}
		mk_unmap(p);
	}

	return true;
}

static struct mk_instance *mk_instance_alloc(const struct mk_request *req,
					     const struct cpumask *cpus)
{
	struct mk_instance *inst;
	unsigned int cpu;

	inst = kzalloc(sizeof(*inst), GFP_KERNEL);
	if (!inst)
		return NULL;

	inst->nr_cpus = cpumask_weight(cpus);
	inst->cpus = kcalloc(inst->nr_cpus, 2 * sizeof(u32), GFP_KERNEL);
	if (!inst->cpus) {
		kfree(inst);
		return NULL;
	}
	inst->apic_ids = inst->cpus + inst->nr_cpus;

	inst->nr_cpus = 0;
	for_each_cpu(cpu, cpus) {
		inst->cpus[inst->nr_cpus] = cpu;
		inst->apic_ids[inst->nr_cpus++] = arch_mk_cpu_id(cpu);
	}

	if (mk_watchdog_alloc(inst)) {
		mk_instance_free(inst);
		return NULL;
	}

	strscpy(inst->name, req->name);
	inst->id = req->id;
	mk_policy_init(inst);
	mutex_init(&inst->lock);
	INIT_LIST_HEAD(&inst->node);
	INIT_LIST_HEAD(&inst->link_node);
	mk_instance_init_run(inst);

	return inst;
}

/**
 * mk_instance_free - free what only the last reference held
 * @inst: instance that was destroyed, or never came to be
 */
void mk_instance_free(struct mk_instance *inst)
{
	mk_core_drop(inst);
	mk_watchdog_free(inst);
	kfree(inst->cpus);
	/* Who polls may still see that its channel is closed */
	kfree_rcu(inst, rcu);
}

/**
 * mk_instance_create - make an instance, or nothing
 * @line: the create line, cut up here
 * @c: gets what is wrong
 *
 * Context: process; takes mk_lock and CPU hotplug's locks.
 * Return: 0 or a negative errno.
 */
int mk_instance_create(char *line, struct mk_complaint *c)
{
	static struct cpumask cpus;
	struct mk_instance *inst;
	struct mk_request req;
	const char *unfit;
	int err;

	err = mk_request_parse(line, &req, c);
	if (err)
		return err;

	mutex_lock(&mk_lock);

	if (mk_is_going_down()) {
		mk_complain(c, "the host is going down");
		err = -ESHUTDOWN;
		goto out_unlock;
	}
	unfit = arch_mk_host_unfit();
	if (unfit) {
		mk_complain(c, "this machine can't be a host: %s", unfit);
		err = -EOPNOTSUPP;
		goto out_unlock;
	}
	if (mk_find_name(req.name)) {
		mk_complain(c, "name '%s' is taken", req.name);
		err = -EEXIST;
		goto out_unlock;
	}
	err = mk_pick_id(&req, c);
	if (err)
		goto out_unlock;
	err = mk_parse_cpulist(&req, &cpus, c);
	if (err)
		goto out_unlock;
	err = mk_cpus_check(&cpus, req.split_core, c);
	if (err)
		goto out_unlock;

	inst = mk_instance_alloc(&req, &cpus);
	if (!inst) {
		mk_complain(c, "out of memory");
		err = -ENOMEM;
		goto out_unlock;
	}
	err = mk_take_memory(inst, req.memory, c);
	if (err)
		goto out_free;

	inst->window = mk_map(mk_window_phys(inst), MK_WINDOW_SIZE);
	if (!inst->window) {
		mk_complain(c, "window can't be mapped");
		err = -ENOMEM;
		goto out_memory;
	}
	memset(inst->window, 0, MK_WINDOW_SIZE);

	err = mk_cpus_lend(&cpus, inst->name, c);
	if (err)
		goto out_window;

	mk_tty_add(inst);
	/* From here on the kobject holds the instance: it frees it */
	err = mk_sysfs_add(inst);
	if (err) {
		mk_complain(c, "sysfs: %pe", ERR_PTR(err));
		mk_tty_remove(inst);
		mk_cpus_return(&cpus);
		mk_unmap(inst->window);
		mk_give_memory(inst);
		mk_instance_put(inst);
		goto out_unlock;
	}
	mk_link_add_instance(inst);
	mk_debugfs_add(&inst->channel);
	list_add_tail(&inst->node, &mk_instances);
	mk_info(inst, "created: id %u, CPUs %*pbl, memory %#llx-%#llx\n", inst->id,
		cpumask_pr_args(&cpus), inst->mem.start,
		inst->mem.start + inst->mem.size - 1);
	mutex_unlock(&mk_lock);

	return 0;

out_window:
	mk_unmap(inst->window);
out_memory:
	mk_give_memory(inst);
out_free:
	mk_instance_free(inst);
out_unlock:
	mutex_unlock(&mk_lock);
	return err;
}

/* No new operation from here on; fails if one is under way or a CPU is lost */
static int mk_instance_retire(struct mk_instance *inst, struct mk_complaint *c)
{
	lockdep_assert_held(&mk_lock);
	lockdep_assert_held(&inst->lock);

	if (mk_state_active(inst->state)) {
		mk_complain(c, "'%s' is %s, stop or kill it first", inst->name,
			    mk_state_name(inst->state));
		return -EBUSY;
	}
	if (!cpumask_empty(&inst->lost))
		mk_take_back_cpus(inst);
	if (!cpumask_empty(&inst->lost)) {
		mk_complain(c, "'%s': CPUs %*pbl did not leave the spawn; they and the memory are kept",
			    inst->name, cpumask_pr_args(&inst->lost));
		return -EBUSY;
	}
	inst->destroyed = true;
	mk_image_drop(inst);

	return 0;
}

/* What is left of an instance that was retired */
static void mk_instance_dissolve(struct mk_instance *inst, const char *why)
{
	static struct cpumask cpus;
	int i;

	lockdep_assert_held(&mk_lock);

	/* No instance lock here: this waits for those who are in its files */
	list_del(&inst->node);
	mk_link_del_instance(inst);
	mk_debugfs_remove(&inst->channel);
	mk_sysfs_remove(inst);
	mk_tty_remove(inst);
	cancel_delayed_work_sync(&inst->event_work);
	irq_work_sync(&inst->fault.work);
	cancel_delayed_work_sync(&inst->event_work);

	cpumask_clear(&cpus);
	for (i = 0; i < inst->nr_cpus; i++)
		cpumask_set_cpu(inst->cpus[i], &cpus);
	mk_cpus_return(&cpus);

	mk_unmap(inst->window);
	mk_info(inst, "destroyed%s\n", why);
	/* What can't be cleared stays taken, and so does its node */
	if (mk_scrub_memory(inst)) {
		mk_give_memory(inst);
		mk_instance_put(inst);
	}
}

/**
 * mk_instance_destroy - give CPUs and memory of an instance back
 * @name: its name
 * @c: gets what is wrong
 *
 * Context: process; takes mk_lock and CPU hotplug's locks.
 * Return: 0; -ENOENT if there is none; -EBUSY if it is active, or if a CPU
 * did not leave.
 */
int mk_instance_destroy(const char *name, struct mk_complaint *c)
{
	struct mk_instance *inst;
	int err;

	mutex_lock(&mk_lock);
	inst = mk_find_name(name);
	if (!inst) {
		mk_complain(c, "there is no '%*pE'", mk_shown(name), name);
		err = -ENOENT;
		goto out;
	}
	mutex_lock(&inst->lock);
	err = mk_instance_retire(inst, c);
	mutex_unlock(&inst->lock);
	if (!err)
		mk_instance_dissolve(inst, "");
out:
	mutex_unlock(&mk_lock);
	return err;
}

/**
 * mk_instance_destroy_crashed - destroy an instance since it crashed
 * @inst: instance; the caller has a reference
 * @c: gets what is wrong
 *
 * Nothing happens if somebody destroyed it, started it, loaded another image or
 * set another policy meanwhile.
 *
 * Context: process; takes mk_lock and CPU hotplug's locks.
 * Return: 0; -EBUSY if a CPU did not leave.
 */
int mk_instance_destroy_crashed(struct mk_instance *inst, struct mk_complaint *c)
{
	char why[MK_REASON_MAX + 32];
	bool gone;
	int err = 0;

	mutex_lock(&mk_lock);
	mutex_lock(&inst->lock);
	gone = inst->destroyed || inst->state != MK_CRASHED ||
	       inst->epoch != inst->destroy_epoch ||
	       READ_ONCE(inst->on_crash) != MK_ON_CRASH_DESTROY;
	/* Retiring drops the image, and with it the reason */
	scnprintf(why, sizeof(why), " by on_crash: %s", inst->reason);
	if (!gone)
		err = mk_instance_retire(inst, c);
	else if (!inst->destroyed)
		mk_info(inst, "on_crash: not destroyed, it was changed meanwhile\n");
	mutex_unlock(&inst->lock);
	if (!gone && !err)
		mk_instance_dissolve(inst, why);
	mutex_unlock(&mk_lock);

	return err;
}

static int __init mk_init(void)
{
	const struct mk_reserved *reserved = arch_mk_reserved();
	int err;

	if (mk_self_is_spawn)
		return 0;

	mk_mem_pool_init(&mk_pool, reserved->start, reserved->size);

	mk_wq = alloc_workqueue("multikernel", WQ_UNBOUND, 0);
	if (!mk_wq)
		return -ENOMEM;

	err = mk_cpu_pool_init();
	if (err)
		goto out_wq;
	err = mk_channel_cpus_init();
	if (err)
		goto out_wq;
	err = mk_sysfs_init();
	if (err)
		goto out_wq;
	mk_debugfs_init();
	mk_power_init();

	return 0;
out_wq:
	destroy_workqueue(mk_wq);
	return err;
}
subsys_initcall(mk_init);
