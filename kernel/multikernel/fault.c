// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the one door for an instance's faults
 *
 * A fault may be found in any context, by several CPUs at once.  The first one
 * to claim the record writes it; an irq_work carries it to where the instance
 * can be locked.
 */
#include "internal.h"

static void mk_fault_work(struct irq_work *work)
{
	mk_instance_kick(container_of(work, struct mk_instance, fault.work));
}

/**
 * mk_fault_init - make an empty record
 * @fault: record of an instance whose kernel does not run
 *
 * Context: process.
 */
void mk_fault_init(struct mk_fault *fault)
{
	irq_work_sync(&fault->work);
	fault->work = IRQ_WORK_INIT(mk_fault_work);
	fault->text[0] = '\0';
	atomic_set(&fault->state, MK_FAULT_NONE);
}

/**
 * mk_fault_report - say what broke in an instance
 * @inst: instance
 * @fmt: printf format of one line, no newline
 *
 * Only the first report of a start counts.  The instance is stopped and shown
 * as crashed with this reason, soon after.
 *
 * Context: any, NMI included.
 */
void mk_fault_report(struct mk_instance *inst, const char *fmt, ...)
{
	struct mk_fault *fault = &inst->fault;
	va_list args;

	if (atomic_cmpxchg(&fault->state, MK_FAULT_NONE, MK_FAULT_CLAIMED) !=
	    MK_FAULT_NONE)
		return;

	va_start(args, fmt);
	vscnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);

	/* Pairs with the acquire in mk_fault_take(): the text is complete */
	atomic_set_release(&fault->state, MK_FAULT_VALID);
	irq_work_queue(&fault->work);
}

/**
 * mk_fault_take - was a fault reported?
 * @fault: record
 * @text: gets the line
 * @size: its room in bytes
 *
 * Context: any.
 * Return: true if there is one.
 */
bool mk_fault_take(struct mk_fault *fault, char *text, size_t size)
{
	/* Pairs with the release in mk_fault_report() */
	if (atomic_read_acquire(&fault->state) != MK_FAULT_VALID)
		return false;

	strscpy(text, fault->text, size);

	return true;
}
