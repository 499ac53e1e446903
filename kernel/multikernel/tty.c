// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tells a driver of terminal lines which instances there are
 *
 * The driver has both ends of the lines, see drivers/tty/hvc/hvc_multikernel.c.
 * Without one all of this does nothing.
 */
#include <linux/console.h>

#include "internal.h"

/* Set at boot, before there can be an instance */
static const struct mk_tty_ops *mk_tty_ops;

/**
 * mk_tty_register - give each instance a terminal line
 * @ops: of the driver; there can be one
 *
 * Context: boot, before user space can make an instance.
 */
void __init mk_tty_register(const struct mk_tty_ops *ops)
{
	mk_tty_ops = ops;
}

/**
 * mk_tty_add - give a new instance a line
 * @inst: instance
 *
 * Context: process; mk_lock held.
 */
void mk_tty_add(struct mk_instance *inst)
{
	lockdep_assert_held(&mk_lock);

	if (mk_tty_ops && mk_tty_ops->add(inst->id, inst->tty, sizeof(inst->tty)))
		inst->tty[0] = '\0';
}

/**
 * mk_tty_hangup - a run of the instance has ended
 * @inst: instance with a closed channel
 *
 * Context: process.
 */
void mk_tty_hangup(struct mk_instance *inst)
{
	if (mk_tty_ops)
		mk_tty_ops->hangup(inst->id);
}

/**
 * mk_tty_remove - take it away
 * @inst: instance with a closed channel
 *
 * Context: process; mk_lock held.
 */
void mk_tty_remove(struct mk_instance *inst)
{
	lockdep_assert_held(&mk_lock);

	if (mk_tty_ops)
		mk_tty_ops->remove(inst->id);
}

/*
 * A spawn's console, unless its command line names another one.  Said here, before
 * the drivers register theirs: who comes first would else be taken.
 */
static int __init mk_tty_console_init(void)
{
	if (IS_ENABLED(CONFIG_HVC_MULTIKERNEL) && mk_self_is_spawn &&
	    !console_set_on_cmdline)
		add_preferred_console("hvc", 0, NULL);

	return 0;
}
console_initcall(mk_tty_console_init);
