// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: each CPU of a spawn tells the host that it is alive
 *
 * Once a second, from a hard timer interrupt, so that a CPU which loops with
 * interrupts off is told from one that idles.  After each of these the highest
 * scheduling class is asked to run something, so that one which takes
 * interrupts but schedules nothing is seen, too.  Both are written into the
 * window and ring nothing; the host's watchdog looks there.
 *
 * heartbeat.c is another sign of life: of one CPU, from process context.
 */
#include <linux/completion.h>
#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/kernel_stat.h>
#include <linux/stop_machine.h>

#include "internal.h"

/* So that it joins a timer that is due anyway */
#define MK_BEAT_SLACK_NS	(100 * NSEC_PER_MSEC)

/**
 * struct mk_cpu_beat - this CPU's
 * @page: where it says so; NULL for a CPU that the host did not give
 * @timer: when
 * @work: what it asks the scheduler to run
 * @ran: that was run
 * @beats: how many
 * @runs: how often it was run
 *
 * Written by its own CPU only.
 */
struct mk_cpu_beat {
	struct mk_cpu_page *page;
	struct hrtimer timer;
	struct cpu_stop_work work;
	struct completion ran;
	u32 beats;
	u32 runs;
};

static DEFINE_PER_CPU(struct mk_cpu_beat, mk_cpu_beat);

static void mk_say_ran(struct mk_cpu_beat *b)
{
	WRITE_ONCE(b->page->ran_tsc, arch_mk_tsc());
	/* The time belongs to the number; pairs with mk_watch_read() */
	smp_store_release(&b->page->ran, ++b->runs);
}

/*
 * Read as it stands: the accessors for nohz_full loop while the task that was
 * interrupted is being accounted.  There it lags until that task is switched.
 */
static u64 mk_busy_ns(void)
{
	const u64 *stat = kcpustat_this_cpu->cpustat;

	return stat[CPUTIME_USER] + stat[CPUTIME_NICE] + stat[CPUTIME_SYSTEM] +
	       stat[CPUTIME_IRQ] + stat[CPUTIME_SOFTIRQ];
}

static void mk_say_beat(struct mk_cpu_beat *b)
{
	WRITE_ONCE(b->page->busy_ns, mk_busy_ns());
	WRITE_ONCE(b->page->beat_tsc, arch_mk_tsc());
	/* As in mk_say_ran() */
	smp_store_release(&b->page->beat, ++b->beats);
}

static int mk_beat_ran(void *data)
{
	struct mk_cpu_beat *b = data;

	mk_say_ran(b);
	complete(&b->ran);

	return 0;
}

static enum hrtimer_restart mk_beat_timer(struct hrtimer *timer)
{
	struct mk_cpu_beat *b = container_of(timer, struct mk_cpu_beat, timer);

	mk_say_beat(b);

	/* The work is free again once it was run */
	if (completion_done(&b->ran)) {
		reinit_completion(&b->ran);
		if (!stop_one_cpu_nowait(smp_processor_id(), mk_beat_ran, b, &b->work))
			complete(&b->ran);
	}
	hrtimer_forward_now(timer, ns_to_ktime(NSEC_PER_SEC));

	return HRTIMER_RESTART;
}

/* CPU hotplug, on the CPU itself */
static int mk_beat_online(unsigned int cpu)
{
	struct mk_cpu_beat *b = this_cpu_ptr(&mk_cpu_beat);
	int index = arch_mk_self_index(cpu);

	if (index < 0)
		return 0;

	b->page = mk_cpu_page(mk_self_window, index);
	init_completion(&b->ran);
	complete(&b->ran);
	mk_say_beat(b);
	mk_say_ran(b);
	hrtimer_init(&b->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	b->timer.function = mk_beat_timer;
	hrtimer_start_range_ns(&b->timer, ns_to_ktime(NSEC_PER_SEC), MK_BEAT_SLACK_NS,
			       HRTIMER_MODE_REL_PINNED_HARD);
	/* Watched from here on: a beat was given; pairs with mk_watch_read() */
	smp_store_release(&b->page->state, MK_CPU_ON);

	return 0;
}

static int mk_beat_offline(unsigned int cpu)
{
	struct mk_cpu_beat *b = this_cpu_ptr(&mk_cpu_beat);

	if (!b->page)
		return 0;

	/* Before the beats end; the host may look in between, and sees it idle */
	WRITE_ONCE(b->page->state, MK_CPU_OFF);
	hrtimer_cancel(&b->timer);
	wait_for_completion(&b->ran);

	return 0;
}

/*
 * Before a CPU is brought up.  The host may be about to send an NMI to all that
 * say ON, and one that is on its way up has no table for it: a triple fault.
 */
static int mk_beat_prepare(unsigned int cpu)
{
	/* After the last OFF of this CPU; pairs with the barrier in mk_dump_cpus() */
	smp_mb();

	return READ_ONCE(mk_host_page(mk_self_window)->dump) ? -EBUSY : 0;
}

/**
 * mk_beat_start_self - let each CPU of this spawn beat, now and when it comes
 *
 * Without it the host has the heartbeat to go by.
 *
 * Context: process; the window is mapped for good.
 */
void __init mk_beat_start_self(void)
{
	int ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "multikernel:beat", mk_beat_online,
				    mk_beat_offline);

	if (ret >= 0)
		ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "multikernel:dump",
						mk_beat_prepare, NULL);
	if (ret < 0)
		pr_err("multikernel: CPUs don't beat: %pe\n", ERR_PTR(ret));
}
