// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: start, stop, kill, and what a spawn reports
 *
 * A run of a spawn begins in mk_instance_start() and ends in one place,
 * mk_instance_end(), whatever ended it: only that proves every CPU free.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/sysfs.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* How often an active instance is looked at, should a doorbell be lost */
#define MK_LOOK_INTERVAL	(HZ / 5)

/* What a panicking spawn gets to say its last lines */
#define MK_DYING_GRACE_MS	2000

#ifdef CONFIG_MULTIKERNEL_FAULT_INJECTION
u32 mk_lose_cpu;
bool mk_hold_destroy;
#endif

/* State */

/**
 * mk_instance_set_state - the one place where an instance changes its state
 * @inst: instance
 * @to: new state
 * @reason: why, or NULL to have none
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_instance_set_state(struct mk_instance *inst, enum mk_state to,
			   const char *reason)
{
	enum mk_state from = inst->state;

	lockdep_assert_held(&inst->lock);
	if (WARN_ON_ONCE(!mk_state_may_follow(from, to)))
		return;

	/* Shown by sysfs without the lock */
	WRITE_ONCE(inst->state, to);
	strscpy(inst->reason, reason ?: "", sizeof(inst->reason));

	mk_info(inst, "%s -> %s%s%s\n", mk_state_name(from), mk_state_name(to),
		reason ? ": " : "", inst->reason);
	trace_multikernel_state(inst->id, inst->name, mk_state_name(from),
				mk_state_name(to), inst->reason);
	mk_sysfs_changed(inst);
}

/**
 * mk_instance_kick - look at an instance soon
 * @inst: instance
 *
 * Context: any but NMI.
 */
void mk_instance_kick(struct mk_instance *inst)
{
	mod_delayed_work(mk_wq, &inst->event_work, 0);
}

/* End of a run */

/* One CPU that does not leave is waited for; a spawn can have 256 of them */
#define MK_PROOF_AGAIN_MS	200

/**
 * mk_take_back_cpus - take all CPUs away from the spawn
 * @inst: instance; @inst->lost gets those that did not leave
 *
 * A CPU that still runs may send a start-up IPI to one that was just reset, as
 * it brings up its own.  So all are reset twice: what such an IPI woke in the
 * first round is a CPU being brought up, which wakes no other.  Then each
 * proves that it left.
 *
 * Context: process; &mk_instance.lock held.
 */
void mk_take_back_cpus(struct mk_instance *inst)
{
	unsigned int wait = MK_PROOF_MS;
	int round, i, err;

	lockdep_assert_held(&inst->lock);
	cpumask_clear(&inst->lost);

	for (round = 0; round < 2; round++)
		for (i = 0; i < inst->nr_cpus; i++)
			arch_mk_cpu_reset(inst->apic_ids[i]);

	for (i = 0; i < inst->nr_cpus; i++) {
		err = arch_mk_cpu_take_back(inst->apic_ids[i], wait);
		if (!err)
			continue;
		wait = MK_PROOF_AGAIN_MS;
		cpumask_set_cpu(inst->cpus[i], &inst->lost);
		mk_err(inst, "CPU %u did not leave the spawn: %pe\n",
		       inst->cpus[i], ERR_PTR(err));
	}
}

static void mk_instance_end(struct mk_instance *inst, enum mk_state to,
			    enum mk_end_kind kind, const char *reason)
{
	struct mk_complaint c;
	char text[MK_REASON_MAX];
	ktime_t begin = ktime_get();
	bool again = inst->restart, policy = false;

	lockdep_assert_held(&inst->lock);

	mk_dump_cpus(inst);
	mk_take_back_cpus(inst);
	mk_channel_close(&inst->channel);
	mk_tty_hangup(inst);
	inst->restart = false;
	inst->kill_time_us = ktime_us_delta(ktime_get(), begin);

	strscpy(text, reason, sizeof(text));
	if (!cpumask_empty(&inst->lost)) {
		scnprintf(text, sizeof(text), "%s; CPUs %*pbl did not leave the spawn",
			  reason, cpumask_pr_args(&inst->lost));
		to = MK_CRASHED;
		kind = kind ?: MK_END_CPU_LOST;
		again = false;
	} else if (to == MK_CRASHED && inst->ran && inst->state != MK_STOPPING) {
		policy = mk_policy_crashed(inst, text, sizeof(text));
		again = policy;
	}
	/* What never ran left nothing: there is the image */
	inst->core.valid = inst->ran;
	/* Before the state: whoever waits for that finds it */
	if (to != MK_CRASHED) {
		mk_evidence_drop(inst);
	} else if (!inst->keep_evidence) {
		mk_evidence_take(inst, kind);
		trace_multikernel_fault(inst->id, inst->name,
					mk_end_name(inst->evidence.kind),
					inst->evidence.cpu, text);
	}
	inst->ran = false;
	mk_instance_set_state(inst, to, text);
	if (!again)
		return;

	/* What a start by on_crash overwrites was never seen: the record stays */
	inst->keep_evidence = policy;
	if (mk_instance_start(inst, &c))
		mk_err(inst, "restart: %s\n", c.text);
	inst->keep_evidence = false;
}

/* What the spawn reports */

/* Take the spawn's exit text: copied once, made fit for a log line */
static void mk_exit_text(struct mk_instance *inst, char *text, size_t size)
{
	const struct mk_spawn_page *page = mk_spawn_page(inst->window);

	size = min(size, sizeof(page->exit_text));
	memcpy(text, page->exit_text, size);
	mk_printable(text, size, false);
}

static void mk_exit(struct mk_instance *inst)
{
	u32 kind = READ_ONCE(mk_spawn_page(inst->window)->exit_kind);
	char text[MK_EXIT_TEXT], oops[MK_CRASH_TEXT] = "", reason[MK_REASON_MAX];
	bool is_oops;

	mk_exit_text(inst, text, sizeof(text));

	switch (kind) {
	case MK_EXIT_POWEROFF:
		mk_instance_end(inst, MK_STOPPED, MK_END_ORDER, "poweroff");
		break;
	case MK_EXIT_HALT:
		mk_instance_end(inst, MK_STOPPED, MK_END_ORDER, "halt");
		break;
	case MK_EXIT_REBOOT:
		mk_instance_end(inst, MK_STOPPED, MK_END_ORDER, "reboot");
		break;
	case MK_EXIT_PANIC:
		/* "Fatal exception" alone says little.  Leaves room for what is added to it */
		is_oops = mk_evidence_oops(inst, oops, sizeof(oops));
		scnprintf(reason, is_oops ? MK_EXIT_TEXT : sizeof(reason), "panic: %s%s%s",
			  text, is_oops ? ": " : "", oops);
		mk_instance_end(inst, MK_CRASHED, MK_END_PANIC, reason);
		break;
	case MK_EXIT_REFUSED:
		scnprintf(reason, sizeof(reason), "refused to run: %s", text);
		mk_instance_end(inst, MK_CRASHED, MK_END_REFUSED, reason);
		break;
	default:
		mk_instance_end(inst, MK_CRASHED, MK_END_UNSAID,
				"ended without saying how");
	}
}

static bool mk_owns_apic_id(const struct mk_instance *inst, u32 apic_id)
{
	int i;

	for (i = 0; i < inst->nr_cpus; i++)
		if (inst->apic_ids[i] == apic_id)
			return true;

	return false;
}

/* The spawn says that its rings work */
static void mk_open_channel(struct mk_instance *inst)
{
	u32 epoch = READ_ONCE(mk_spawn_page(inst->window)->epoch);
	int err;

	if (mk_channel_is_open(&inst->channel))
		return;
	if (epoch != inst->epoch) {
		mk_fault_report(inst, "it says that this is start %u, not %u", epoch,
				inst->epoch);
		return;
	}
	err = mk_channel_open(&inst->channel);
	if (err)
		mk_err(inst, "channel not opened: %pe\n", ERR_PTR(err));
}

static void mk_ask_shutdown(struct mk_instance *inst)
{
	/* On failure the next look tries again, until the deadline */
	if (!inst->stop_sent)
		inst->stop_sent = !mk_send(&inst->channel.endpoints[MK_SERVICE_SHUTDOWN],
					   NULL, 0, 0);
}

/* How far it came, for who has to find out why it did not come further */
static const char *mk_phase_hint(const struct mk_instance *inst, u32 phase)
{
	const struct mk_spawn_page *page = mk_spawn_page(inst->window);

	if (phase >= MK_PHASE_CHANNEL)
		return "its kernel is up, init was not started; see console";
	if (READ_ONCE(page->magic) != MK_SPAWN_MAGIC)
		return "no sign of life: hung in decompression or early boot, or not a multikernel kernel";
	if (READ_ONCE(page->abi_version) != MK_ABI_VERSION)
		return "it speaks another ABI version";
	return "hung in early boot; see console";
}

static void mk_check_deadline(struct mk_instance *inst, u32 phase)
{
	char reason[MK_REASON_MAX];

	if (ktime_before(ktime_get(), inst->deadline))
		return;

	if (inst->state == MK_BOOTING) {
		scnprintf(reason, sizeof(reason), "no READY within %u s: %s",
			  inst->timeout, mk_phase_hint(inst, phase));
		mk_instance_end(inst, MK_CRASHED, MK_END_BOOT_TIMEOUT, reason);
	} else if (inst->state == MK_STOPPING) {
		scnprintf(reason, sizeof(reason), "stop timed out after %u s, killed",
			  inst->timeout);
		mk_instance_end(inst, MK_STOPPED, MK_END_ORDER, reason);
	}
}

static void mk_look(struct mk_instance *inst)
{
	const struct mk_spawn_page *page = mk_spawn_page(inst->window);
	char text[MK_EXIT_TEXT], reason[MK_REASON_MAX];
	/* Pairs with the release in mk_spawn_set_phase() */
	u32 phase = smp_load_acquire(&page->phase);

	if (phase > MK_PHASE_GONE || phase < inst->seen_phase)
		mk_fault_report(inst, "impossible phase %u after %u", phase, inst->seen_phase);
	WRITE_ONCE(inst->seen_phase, phase);
	mk_heart_beat(&inst->channel);

	if (mk_fault_take(&inst->fault, text, sizeof(text))) {
		scnprintf(reason, sizeof(reason), "fault: %s", text);
		mk_instance_end(inst, MK_CRASHED, MK_END_PROTOCOL, reason);
		return;
	}

	if (phase == MK_PHASE_GONE) {
		mk_exit(inst);
		return;
	}
	if (phase == MK_PHASE_DYING) {
		if (!inst->dying_since)
			inst->dying_since = ktime_get();
		else if (ktime_ms_delta(ktime_get(), inst->dying_since) > MK_DYING_GRACE_MS)
			mk_exit(inst);
		return;
	}

	if (phase >= MK_PHASE_CHANNEL)
		mk_open_channel(inst);
	if (phase == MK_PHASE_READY && inst->state == MK_BOOTING) {
		inst->boot_time_us = ktime_us_delta(ktime_get(), inst->started);
		mk_instance_set_state(inst, MK_RUNNING, NULL);
	}
	if (phase == MK_PHASE_READY && inst->state == MK_STOPPING)
		mk_ask_shutdown(inst);

	if (mk_watchdog_hangs(inst, phase, reason, sizeof(reason))) {
		mk_instance_end(inst, MK_CRASHED, MK_END_HANG, reason);
		return;
	}
	mk_check_deadline(inst, phase);
}

static void mk_event_work(struct work_struct *work)
{
	struct mk_instance *inst = container_of(to_delayed_work(work),
						struct mk_instance, event_work);

	mutex_lock(&inst->lock);
	if (mk_state_active(inst->state))
		mk_look(inst);
	if (mk_state_active(inst->state))
		queue_delayed_work(mk_wq, &inst->event_work,
				   inst->state == MK_RUNNING ? HZ : MK_LOOK_INTERVAL);
	mutex_unlock(&inst->lock);
}

/* Where the spawn wants to hear: what it says is read and checked each time */
static void mk_channel_ring_spawn(struct mk_channel *ch)
{
	struct mk_instance *inst = container_of(ch, struct mk_instance, channel);
	const struct mk_spawn_page *page = mk_spawn_page(inst->window);
	u32 dest = READ_ONCE(page->doorbell_dest);
	u32 vector = READ_ONCE(page->doorbell_vector);

	if (mk_owns_apic_id(inst, dest) && arch_mk_doorbell_valid(vector))
		arch_mk_doorbell_ring(dest, vector);
	else
		mk_fault_report(inst, "doorbell at APIC %u, vector %u is not its own",
				dest, vector);
}

/* Hard interrupt: is there news besides records? */
static void mk_channel_event(struct mk_channel *ch)
{
	struct mk_instance *inst = container_of(ch, struct mk_instance, channel);

	if (READ_ONCE(mk_spawn_page(inst->window)->phase) != READ_ONCE(inst->seen_phase))
		mk_instance_kick(inst);
}

static void mk_channel_fault(struct mk_channel *ch, const char *what)
{
	struct mk_instance *inst = container_of(ch, struct mk_instance, channel);

	mk_fault_report(inst, "%s", what);
}

static const struct mk_channel_ops mk_instance_channel_ops = {
	.ring	= mk_channel_ring_spawn,
	.event	= mk_channel_event,
	.fault	= mk_channel_fault,
};

/**
 * mk_instance_init_run - prepare a new instance for its first start
 * @inst: instance
 */
void mk_instance_init_run(struct mk_instance *inst)
{
	INIT_DELAYED_WORK(&inst->event_work, mk_event_work);
	mk_fault_init(&inst->fault);
	mk_channel_init(&inst->channel, MK_ROLE_HOST, &mk_instance_channel_ops, inst->id,
			inst->name);
}

/* Start, stop, kill */

/* A fresh window for the next start; the log of the last one stays readable */
static void mk_reset_window(struct mk_instance *inst)
{
	struct mk_spawn_page *spawn = mk_spawn_page(inst->window);
	struct mk_host_page *host = mk_host_page(inst->window);
	u64 head = mk_console_head(inst->window);
	char mark[64];
	int len;

	if (inst->epoch > 1) {
		len = scnprintf(mark, sizeof(mark), "---- start %u of %s ----\n",
				inst->epoch, inst->name);
		head = mk_console_write(inst->window, head, mark, len);
	}

	mk_window_clear(inst->window);
	spawn->console_head = head;

	host->abi_version = MK_ABI_VERSION;
	host->window_size = MK_WINDOW_SIZE;
	host->ring_size = MK_RING_SIZE;
	host->console_size = MK_CONSOLE_SIZE;
	host->id = inst->id;
	host->epoch = inst->epoch;
	host->console_start = head;
	arch_mk_doorbell_address(inst->channel.cpu, &host->doorbell_dest,
				 &host->doorbell_vector);
	host->magic = MK_HOST_MAGIC;

	inst->seen_phase = MK_PHASE_NONE;
}

/**
 * mk_instance_start - start the loaded image
 * @inst: instance
 * @c: gets what is wrong
 *
 * Context: process; &mk_instance.lock held.
 * Return: 0 once the first CPU executes in the instance; -ENODATA without an
 * image; -EBUSY if it is active; -EIO if a CPU did not leave the last run;
 * -ETIMEDOUT if the first CPU does not start; -ENOMEM; -ESHUTDOWN if the host
 * is going down.
 */
int mk_instance_start(struct mk_instance *inst, struct mk_complaint *c)
{
	ktime_t begin = ktime_get();
	int err;

	lockdep_assert_held(&inst->lock);

	/* Whoever wants to start it: an operator, a restart, a policy */
	if (mk_is_going_down()) {
		mk_complain(c, "the host is going down");
		return -ESHUTDOWN;
	}
	if (inst->state == MK_EMPTY) {
		mk_complain(c, "no image is loaded");
		return -ENODATA;
	}
	if (mk_state_active(inst->state)) {
		mk_complain(c, "is %s", mk_state_name(inst->state));
		return -EBUSY;
	}
	if (!cpumask_empty(&inst->lost))
		mk_take_back_cpus(inst);
	if (!cpumask_empty(&inst->lost)) {
		mk_complain(c, "CPUs %*pbl did not leave the last spawn",
			    cpumask_pr_args(&inst->lost));
		return -EIO;
	}

	mk_core_drop(inst);
	err = mk_image_place(inst, c);
	if (err)
		return err;

	inst->epoch++;
	mk_reset_window(inst);
	mk_watchdog_start(inst);
	err = arch_mk_boot_params(inst);
	if (err) {
		mk_complain(c, "boot parameters can't be written: %pe", ERR_PTR(err));
		return err;
	}

	if (!inst->keep_evidence)
		mk_evidence_drop(inst);
	mk_fault_init(&inst->fault);
	mk_channel_attach(&inst->channel, inst->window);
	mk_channel_listen(&inst->channel);
	mk_channel_place(&inst->channel);
	inst->placed = false;
	inst->stop_sent = false;
	inst->dying_since = 0;
	inst->boot_time_us = 0;
	inst->timeout = mk_setting(inst, MK_BOOT_TIMEOUT);
	inst->started = begin;
	inst->deadline = ktime_add_ms(begin, inst->timeout * MSEC_PER_SEC);
	mk_instance_set_state(inst, MK_BOOTING, NULL);

	err = arch_mk_cpu_start(inst);
	if (err) {
		mk_complain(c, "CPU %u does not start: %pe", inst->cpus[0], ERR_PTR(err));
		mk_instance_end(inst, MK_CRASHED, MK_END_NO_START, c->text);
		return err;
	}
	inst->ran = true;
	inst->first_instruction_us = ktime_us_delta(ktime_get(), begin);
	queue_delayed_work(mk_wq, &inst->event_work, MK_LOOK_INTERVAL);

	return 0;
}

/**
 * mk_instance_stop - ask the spawn's init to power off
 * @inst: instance
 * @c: gets what is wrong
 *
 * Returns at once; the instance is killed if it takes too long.
 *
 * Context: process; &mk_instance.lock held.
 * Return: 0; -ESRCH if nothing runs; -EBUSY if it is stopping already.
 */
int mk_instance_stop(struct mk_instance *inst, struct mk_complaint *c)
{
	lockdep_assert_held(&inst->lock);

	if (inst->state == MK_STOPPING) {
		mk_complain(c, "is stopping already");
		return -EBUSY;
	}
	if (!mk_state_active(inst->state)) {
		mk_complain(c, "is %s, not running", mk_state_name(inst->state));
		return -ESRCH;
	}

	inst->timeout = mk_setting(inst, MK_STOP_TIMEOUT);
	inst->deadline = ktime_add_ms(ktime_get(), inst->timeout * MSEC_PER_SEC);
	mk_instance_set_state(inst, MK_STOPPING, NULL);
	/* A spawn that has no init yet is asked when it has */
	mk_instance_kick(inst);

	return 0;
}

/**
 * mk_instance_kill - take all CPUs away, whatever the spawn does
 * @inst: instance
 * @c: gets what is wrong
 *
 * Context: process; &mk_instance.lock held.
 * Return: 0 when every CPU has proven that it left, also one that did not
 * leave the last run; -ESRCH if nothing runs; -EIO if a CPU did not leave.
 */
int mk_instance_kill(struct mk_instance *inst, struct mk_complaint *c)
{
	lockdep_assert_held(&inst->lock);

	if (mk_state_active(inst->state)) {
		inst->restart = false;
		mk_instance_end(inst, MK_STOPPED, MK_END_ORDER, "killed");
	} else if (!cpumask_empty(&inst->lost)) {
		mk_take_back_cpus(inst);
	} else {
		mk_complain(c, "is %s, not running", mk_state_name(inst->state));
		return -ESRCH;
	}
	if (!cpumask_empty(&inst->lost)) {
		mk_complain(c, "%s", inst->reason);
		return -EIO;
	}

	return 0;
}

/**
 * mk_instance_restart - stop in order if it runs, then start again
 * @inst: instance
 * @c: gets what is wrong
 *
 * Context: process; &mk_instance.lock held.
 * Return: 0, or what stop or start say.
 */
int mk_instance_restart(struct mk_instance *inst, struct mk_complaint *c)
{
	int err = 0;

	lockdep_assert_held(&inst->lock);

	if (!mk_state_active(inst->state))
		return mk_instance_start(inst, c);

	if (inst->state != MK_STOPPING)
		err = mk_instance_stop(inst, c);
	if (!err)
		inst->restart = true;

	return err;
}
