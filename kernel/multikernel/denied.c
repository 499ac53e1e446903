// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: who tried to reach what is not this kernel's
 *
 * Each refusal is counted and traced, and logged as long as they are few.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/atomic.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "internal.h"
#include "trace.h"

static const struct {
	const char *name;	/* for users who count */
	const char *text;	/* for the log, before an address or a number */
} mk_denied_kinds[MK_DENIED_KINDS] = {
	[MK_DENIED_MAP]		= { "maps", "mapping of memory at" },
	[MK_DENIED_IPI]		= { "ipis", "interrupt to APIC" },
	[MK_DENIED_PORT]	= { "ports", "I/O ports" },
	[MK_DENIED_MSR]		= { "msrs", "write of MSR" },
};

static atomic_long_t mk_denied_counts[MK_DENIED_KINDS];

/*
 * One each, so that a flood of the one does not hide the other.  How many lines
 * were left out is what the counters say.
 */
static struct ratelimit_state mk_denied_rs[MK_DENIED_KINDS] = {
	[0 ... MK_DENIED_KINDS - 1] =
		RATELIMIT_STATE_INIT_FLAGS(mk_denied_rs, 5 * HZ, 5, RATELIMIT_MSG_ON_RELEASE),
};

/**
 * mk_deny - something was refused
 * @kind: what
 * @where: physical address, local APIC id, 0 or MSR
 * @what: bytes, interrupt command, 0 or 0
 * @caller: code that tried, for %pS
 *
 * Context: any, with any lock held: the log is written later.
 */
void mk_deny(enum mk_denied kind, u64 where, u64 what, const void *caller)
{
	atomic_long_inc(&mk_denied_counts[kind]);
	trace_multikernel_denied(mk_denied_kinds[kind].name, where, what, caller);

	if (!__ratelimit(&mk_denied_rs[kind]))
		return;
	/* A sender of interrupts may hold what printing needs: not pr_warn() */
	printk_deferred(KERN_WARNING pr_fmt("denied: %s %#llx, %#llx, by %pS, %s\n"),
			mk_denied_kinds[kind].text, where, what, caller, current->comm);
}

/**
 * mk_denied_name - for users
 * @kind: what is refused
 *
 * Return: a word.
 */
const char *mk_denied_name(enum mk_denied kind)
{
	return mk_denied_kinds[kind].name;
}

/**
 * mk_denied_count - how often was it refused?
 * @kind: what
 *
 * Context: any.
 * Return: times since this kernel was booted.
 */
unsigned long mk_denied_count(enum mk_denied kind)
{
	return atomic_long_read(&mk_denied_counts[kind]);
}
