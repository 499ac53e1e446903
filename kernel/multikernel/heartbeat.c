// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: each kernel tells its peers once a second that it is alive
 *
 * It is written into the window and rings nothing.  Who wants to know looks
 * there: how old the peer's last beat is, the TSC tells, which all kernels of
 * the machine share.
 *
 * The host beats when it looks at an active instance, see mk_event_work(); a
 * spawn by a work of its own, on the CPU that hears the doorbell, so that the
 * others can idle on.  Both stop when their kernel has no process context for
 * that any more, and that is what they are to say.
 */
#include <linux/cpu.h>
#include <linux/workqueue.h>

#include "internal.h"

/**
 * mk_heart_attach - nothing was said and nothing heard so far
 * @heart: of a closed channel
 * @mine: in this kernel's half of the window
 * @theirs: in the peer's
 *
 * Context: process.
 */
void mk_heart_attach(struct mk_heart *heart, struct mk_pulse *mine,
		     const struct mk_pulse *theirs)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&heart->lock, flags);
	heart->mine = mine;
	heart->theirs = theirs;
	heart->beats = 0;
	heart->heard = 0;
	heart->last = (struct mk_beat) { };
	heart->attached = arch_mk_tsc();
	raw_spin_unlock_irqrestore(&heart->lock, flags);
}

static void mk_heart_listen(struct mk_heart *heart)
{
	struct mk_beat beat;

	lockdep_assert_held(&heart->lock);

	if (!mk_pulse_read(heart->theirs, &beat) ||
	    !mk_beat_follows(&heart->last, &beat, arch_mk_tsc()))
		return;
	heart->last = beat;
	mk_count(heart->heard, 1);
}

/**
 * mk_heart_beat - give a sign of life, and look for the peer's
 * @ch: attached channel, in any state
 *
 * Context: any but NMI.
 */
void mk_heart_beat(struct mk_channel *ch)
{
	struct mk_heart *heart = &ch->heart;
	unsigned long flags;
	struct mk_beat beat;

	/* In one go, so that a peer that reads meanwhile need not give up */
	raw_spin_lock_irqsave(&heart->lock, flags);
	mk_count(heart->beats, 1);
	beat.nr = heart->beats;
	arch_mk_wall_clock(&beat.tsc, &beat.wall_ns);
	if (ch->role == MK_ROLE_SPAWN)
		beat.wall_ns = 0;
	mk_pulse_write(heart->mine, &beat);
	mk_heart_listen(heart);
	raw_spin_unlock_irqrestore(&heart->lock, flags);

	/* A doorbell may have been lost, as the CPU that hears it changed */
	mk_channel_check(ch);
}

/**
 * mk_heart_age_ms - how long ago was the peer's last sign of life?
 * @heart: of a channel that was attached
 *
 * Context: any but NMI.
 * Return: milliseconds; since the channel was attached if there was none.
 */
u64 mk_heart_age_ms(struct mk_heart *heart)
{
	unsigned long flags;
	u64 since, age;

	raw_spin_lock_irqsave(&heart->lock, flags);
	mk_heart_listen(heart);
	since = max(heart->last.tsc, heart->attached);
	age = mk_age_ms(since, arch_mk_tsc(), arch_mk_tsc_khz());
	raw_spin_unlock_irqrestore(&heart->lock, flags);

	return age;
}

/* The spawn's */

/* Until then also a clock that is to go on its own is set: it begins right */
static bool mk_self_ready;

static void mk_self_beat(struct work_struct *work);
static DECLARE_DELAYED_WORK(mk_self_work, mk_self_beat);

static void mk_self_beat(struct work_struct *work)
{
	struct mk_heart *heart = &mk_self_channel.heart;
	struct mk_beat host;

	mk_heart_beat(&mk_self_channel);

	raw_spin_lock_irq(&heart->lock);
	host = heart->last;
	raw_spin_unlock_irq(&heart->lock);
	mk_clock_follow(&host, READ_ONCE(mk_self_ready));

	/* A timer that is put on a CPU after it went offline does not run */
	cpus_read_lock();
	queue_delayed_work_on(READ_ONCE(mk_self_channel.cpu), system_highpri_wq,
			      &mk_self_work, HZ);
	cpus_read_unlock();
}

/**
 * mk_heart_start_self - let this spawn's heart beat
 *
 * Context: process; the channel to the host is open.
 */
void __init mk_heart_start_self(void)
{
	mk_self_beat(NULL);
}

/**
 * mk_heart_ready_self - init is about to be started: let it see the right time
 *
 * Before the clocksource is the TSC, each tick that was lost was lost for the
 * clock, too.
 *
 * Context: process, may sleep; once.
 */
void mk_heart_ready_self(void)
{
	mod_delayed_work(system_highpri_wq, &mk_self_work, 0);
	flush_delayed_work(&mk_self_work);
	WRITE_ONCE(mk_self_ready, true);
}
