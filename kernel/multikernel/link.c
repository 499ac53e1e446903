// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: which instances may talk to each other
 *
 * None, unless the administrator says so.  A link has no direction and stands
 * until it is taken away or one of both instances is destroyed, whether they
 * run or not.  What crosses it goes through the host.
 *
 * The lock is this file's own: sysfs waits, with mk_lock held, for those who
 * write to an instance's links.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/export.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "internal.h"

/**
 * struct mk_link - two linked instances
 * @node: in mk_links
 * @ids: their ids
 * @rcu: frees it when nobody looks at it any more
 */
struct mk_link {
	struct list_head node;
	struct mk_link_ids ids;
	struct rcu_head rcu;
};

static DEFINE_MUTEX(mk_link_lock);
static LIST_HEAD(mk_link_members);
static LIST_HEAD(mk_links);
static BLOCKING_NOTIFIER_HEAD(mk_link_chain);

static bool mk_link_joins(const struct mk_link *link, u32 a, u32 b)
{
	return (link->ids.a == a && link->ids.b == b) ||
	       (link->ids.a == b && link->ids.b == a);
}

static struct mk_link *mk_link_find(u32 a, u32 b)
{
	struct mk_link *link;

	list_for_each_entry_rcu(link, &mk_links, node, lockdep_is_held(&mk_link_lock))
		if (mk_link_joins(link, a, b))
			return link;

	return NULL;
}

/**
 * mk_linked - may two instances talk to each other?
 * @a: id of one
 * @b: id of the other
 *
 * Context: any.
 * Return: true if the administrator linked them.
 */
bool mk_linked(u32 a, u32 b)
{
	bool linked;

	rcu_read_lock();
	linked = mk_link_find(a, b);
	rcu_read_unlock();

	return linked;
}
EXPORT_SYMBOL_GPL(mk_linked);

/**
 * mk_link_notifier_register - be told of links that are no more
 * @nb: called in process context with a &struct mk_link_ids, after mk_linked()
 *	has become false
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int mk_link_notifier_register(struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&mk_link_chain, nb);
}
EXPORT_SYMBOL_GPL(mk_link_notifier_register);

/**
 * mk_link_notifier_unregister - do not be told any more
 * @nb: a registered one
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int mk_link_notifier_unregister(struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&mk_link_chain, nb);
}
EXPORT_SYMBOL_GPL(mk_link_notifier_unregister);

static void mk_link_drop(struct mk_link *link)
{
	lockdep_assert_held(&mk_link_lock);

	list_del_rcu(&link->node);
	blocking_notifier_call_chain(&mk_link_chain, 0, &link->ids);
	kfree_rcu(link, rcu);
}

/**
 * mk_link_add_instance - an instance can be linked from now on
 * @inst: instance
 *
 * Context: process; mk_lock held.
 */
void mk_link_add_instance(struct mk_instance *inst)
{
	mutex_lock(&mk_link_lock);
	list_add_tail(&inst->link_node, &mk_link_members);
	mutex_unlock(&mk_link_lock);
}

/**
 * mk_link_del_instance - an instance is destroyed, its links go
 * @inst: instance
 *
 * Context: process; mk_lock held.
 */
void mk_link_del_instance(struct mk_instance *inst)
{
	struct mk_link *link, *next;

	mutex_lock(&mk_link_lock);
	list_del_init(&inst->link_node);
	list_for_each_entry_safe(link, next, &mk_links, node)
		if (link->ids.a == inst->id || link->ids.b == inst->id)
			mk_link_drop(link);
	mutex_unlock(&mk_link_lock);
}

static int mk_link_add(struct mk_instance *inst, struct mk_instance *other,
		       struct mk_complaint *c)
{
	struct mk_link *link;

	if (mk_link_find(inst->id, other->id)) {
		mk_complain(c, "'%s' is linked already", other->name);
		return -EEXIST;
	}
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link) {
		mk_complain(c, "out of memory");
		return -ENOMEM;
	}
	link->ids.a = inst->id;
	link->ids.b = other->id;
	list_add_tail_rcu(&link->node, &mk_links);
	mk_info(inst, "linked to '%s'\n", other->name);

	return 0;
}

static int mk_link_del(struct mk_instance *inst, struct mk_instance *other,
		       struct mk_complaint *c)
{
	struct mk_link *link = mk_link_find(inst->id, other->id);

	if (!link) {
		mk_complain(c, "'%s' is not linked", other->name);
		return -ENOENT;
	}
	mk_link_drop(link);
	mk_info(inst, "linked no more to '%s'\n", other->name);

	return 0;
}

static struct mk_instance *mk_link_member(const char *name)
{
	struct mk_instance *inst;

	lockdep_assert_held(&mk_link_lock);
	list_for_each_entry(inst, &mk_link_members, link_node)
		if (!strcmp(inst->name, name))
			return inst;

	return NULL;
}

/**
 * mk_link_change - link two instances, or take the link away
 * @inst: one of them
 * @word: "+NAME" or "-NAME" of the other
 * @c: gets what is wrong
 *
 * On return from the latter nothing crosses any more.
 *
 * Context: process.
 * Return: 0; -EINVAL if @word is none of these, or names @inst; -ENOENT if
 * there is no such instance or link; -EEXIST; -ENODEV if @inst is being
 * destroyed; -ENOMEM.
 */
int mk_link_change(struct mk_instance *inst, char *word, struct mk_complaint *c)
{
	const char *name = word + 1;
	struct mk_instance *other;
	int err;

	if (*word != '+' && *word != '-') {
		mk_complain(c, "'%*pE' is neither +NAME nor -NAME",
			    (int)strnlen(word, 40), word);
		return -EINVAL;
	}
	err = mk_name_check(name, c);
	if (err)
		return err;

	mutex_lock(&mk_link_lock);
	other = mk_link_member(name);
	if (list_empty(&inst->link_node)) {
		mk_complain(c, "is being destroyed");
		err = -ENODEV;
	} else if (!other) {
		mk_complain(c, "there is no '%s'", name);
		err = -ENOENT;
	} else if (other == inst) {
		mk_complain(c, "'%s' can't be linked to itself", name);
		err = -EINVAL;
	} else if (*word == '+') {
		err = mk_link_add(inst, other, c);
	} else {
		err = mk_link_del(inst, other, c);
	}
	mutex_unlock(&mk_link_lock);

	return err;
}

/**
 * mk_link_show - the names of those an instance is linked to
 * @inst: instance
 * @buf: gets one a line, of %PAGE_SIZE bytes
 *
 * Context: process.
 * Return: bytes written.
 */
ssize_t mk_link_show(struct mk_instance *inst, char *buf)
{
	const struct mk_instance *other;
	ssize_t len = 0;

	mutex_lock(&mk_link_lock);
	list_for_each_entry(other, &mk_link_members, link_node)
		if (mk_link_find(inst->id, other->id))
			len += sysfs_emit_at(buf, len, "%s\n", other->name);
	mutex_unlock(&mk_link_lock);

	return len;
}
