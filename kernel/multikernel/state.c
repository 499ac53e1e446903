// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: states of an instance and which may follow which
 *
 * Pure: no locks, no memory.  mk_instance_set_state() in lifecycle.c is the
 * one place that changes a state, and asks here whether it may.
 */
#include <linux/bits.h>

#include "state.h"

static const struct {
	const char *name;
	u32 next;
} mk_states[MK_NR_STATES] = {
	[MK_EMPTY]	= { "empty",	BIT(MK_LOADED) },
	[MK_LOADED]	= { "loaded",	BIT(MK_LOADED) | BIT(MK_EMPTY) |
					BIT(MK_BOOTING) },
	[MK_BOOTING]	= { "booting",	BIT(MK_RUNNING) | BIT(MK_STOPPING) |
					BIT(MK_STOPPED) | BIT(MK_CRASHED) },
	[MK_RUNNING]	= { "running",	BIT(MK_STOPPING) | BIT(MK_STOPPED) |
					BIT(MK_CRASHED) },
	[MK_STOPPING]	= { "stopping",	BIT(MK_STOPPED) | BIT(MK_CRASHED) },
	[MK_STOPPED]	= { "stopped",	BIT(MK_BOOTING) | BIT(MK_LOADED) |
					BIT(MK_EMPTY) },
	[MK_CRASHED]	= { "crashed",	BIT(MK_BOOTING) | BIT(MK_LOADED) |
					BIT(MK_EMPTY) },
};

/**
 * mk_state_may_follow - is this a legal transition?
 * @from: present state
 * @to: wanted state
 *
 * Context: any.
 * Return: true if an instance in @from may go to @to.
 */
bool mk_state_may_follow(enum mk_state from, enum mk_state to)
{
	if (from >= MK_NR_STATES || to >= MK_NR_STATES)
		return false;

	return mk_states[from].next & BIT(to);
}

/**
 * mk_state_active - may the instance's CPUs be executing its kernel?
 * @state: state to look at
 *
 * Context: any.
 * Return: true for booting, running and stopping.
 */
bool mk_state_active(enum mk_state state)
{
	return state == MK_BOOTING || state == MK_RUNNING ||
	       state == MK_STOPPING;
}

/**
 * mk_state_name - the word that sysfs shows
 * @state: state to name
 *
 * Context: any.
 * Return: a constant string, "invalid" for no state.
 */
const char *mk_state_name(enum mk_state state)
{
	return state < MK_NR_STATES ? mk_states[state].name : "invalid";
}
