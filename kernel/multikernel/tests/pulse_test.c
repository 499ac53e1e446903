// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the signs of life
 *
 * A peer may say anything.  The worst that comes of it is that it is taken for
 * dead, and that a clock is not corrected.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "../pulse.h"
#include "guarded.h"

#define KHZ	2500000		/* 2.5 GHz */
#define SEC	(KHZ * 1000ULL)	/* ticks of a second */

/* 2026-11-22 08:00:00 UTC */
#define WALL	(1795334400ULL * NSEC_PER_SEC)

static struct mk_pulse *mk_pulse(struct kunit *test)
{
	struct mk_pulse *pulse = (struct mk_pulse *)mk_guarded(test, sizeof(*pulse));

	memset(pulse, 0, sizeof(*pulse));

	return pulse;
}

/* The other kernel may be another build */
static void mk_pulse_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_pulse), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_pulse, beat), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_pulse, seq), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_pulse, tsc), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_pulse, wall_ns), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_pulse, pad), 24);
}

static void mk_pulse_round(struct kunit *test)
{
	static const u32 numbers[] = { 1, 2, 3, S32_MAX, 1U << 31, U32_MAX - 1, U32_MAX, 0, 1 };
	struct mk_pulse *pulse = mk_pulse(test);
	struct mk_beat beat, got;
	int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		beat = (struct mk_beat) { numbers[i], SEC + i, WALL + i };
		memset(&got, MK_POISON, sizeof(got));
		mk_pulse_write(pulse, &beat);
		KUNIT_ASSERT_TRUE(test, mk_pulse_read(pulse, &got));
		KUNIT_EXPECT_EQ(test, got.nr, beat.nr);
		KUNIT_EXPECT_EQ(test, got.tsc, beat.tsc);
		KUNIT_EXPECT_EQ(test, got.wall_ns, beat.wall_ns);
		KUNIT_EXPECT_EQ(test, pulse->seq & 1, 0);
	}
	for (i = 0; i < ARRAY_SIZE(pulse->pad); i++)
		KUNIT_EXPECT_EQ(test, pulse->pad[i], 0);
}

/* Who was interrupted while it wrote, for good, is not waited for */
static void mk_pulse_half_written(struct kunit *test)
{
	struct mk_pulse *pulse = mk_pulse(test);
	struct mk_beat got;

	pulse->seq = 1;
	KUNIT_EXPECT_FALSE(test, mk_pulse_read(pulse, &got));
	pulse->seq = U32_MAX;
	KUNIT_EXPECT_FALSE(test, mk_pulse_read(pulse, &got));
	pulse->seq = 0;
	KUNIT_EXPECT_TRUE(test, mk_pulse_read(pulse, &got));
}

static int mk_pulse_writer(void *data)
{
	struct mk_beat beat = { };

	while (!kthread_should_stop()) {
		beat.nr++;
		beat.tsc = beat.nr * 3ULL;
		beat.wall_ns = beat.nr * 5ULL;
		mk_pulse_write(data, &beat);
		/* A moment that is enough for a reader, now and then */
		if (beat.nr % 16 == 0)
			cond_resched();
	}

	return 0;
}

KUNIT_DEFINE_ACTION_WRAPPER(mk_writer_stop, kthread_stop, struct task_struct *);

/* What is read was said, all of it at once */
static void mk_pulse_whole(struct kunit *test)
{
	struct mk_pulse *pulse = mk_pulse(test);
	unsigned long end = jiffies + 30 * HZ;
	struct task_struct *writer;
	struct mk_beat got, last = { };
	u32 seen = 0;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	writer = kthread_run(mk_pulse_writer, pulse, "mk_pulse_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(writer));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_writer_stop, writer));

	while (seen < 2000) {
		KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
		cond_resched();
		if (!mk_pulse_read(pulse, &got) || got.nr == last.nr)
			continue;
		KUNIT_ASSERT_EQ(test, got.tsc, got.nr * 3ULL);
		KUNIT_ASSERT_EQ(test, got.wall_ns, got.nr * 5ULL);
		KUNIT_ASSERT_TRUE(test, mk_beat_follows(&last, &got, U64_MAX));
		last = got;
		seen++;
	}
}

struct mk_claim {
	const char *desc;
	struct mk_beat beat;
	bool believed;
};

/* After beat 100 at 10 s, seen at 20 s */
static const struct mk_claim mk_claims[] = {
	{ "the next one", { 101, 11 * SEC }, true },
	{ "some later", { 109, 19 * SEC }, true },
	{ "just now", { 101, 20 * SEC }, true },
	{ "one tick after the last", { 101, 10 * SEC + 1 }, true },
	{ "very many later", { 100U + S32_MAX, 11 * SEC }, true },

	{ "the same", { 100, 10 * SEC }, false },
	{ "nothing at all", { 0, 0 }, false },
	{ "same number, later", { 100, 11 * SEC }, false },
	{ "next number, same time", { 101, 10 * SEC }, false },
	{ "number goes back", { 99, 11 * SEC }, false },
	{ "number goes back by half", { 100U + (1U << 31), 11 * SEC }, false },
	{ "time goes back", { 101, 9 * SEC }, false },
	{ "time is 0", { 101, 0 }, false },
	{ "one tick in the future", { 101, 20 * SEC + 1 }, false },
	{ "far in the future", { 101, U64_MAX }, false },
	{ "all ones", { U32_MAX, U64_MAX, U64_MAX }, false },
};

KUNIT_ARRAY_PARAM_DESC(mk_claims, mk_claims, desc);

static void mk_pulse_claims(struct kunit *test)
{
	static const struct mk_beat last = { 100, 10 * SEC };
	const struct mk_claim *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mk_beat_follows(&last, &c->beat, 20 * SEC), c->believed);
}

static void mk_pulse_number_wraps(struct kunit *test)
{
	struct mk_beat last = { U32_MAX, 1 }, beat = { 0, 2 };

	KUNIT_EXPECT_TRUE(test, mk_beat_follows(&last, &beat, 2));
	KUNIT_EXPECT_FALSE(test, mk_beat_follows(&beat, &last, 2));
}

/*
 * Rubbish of all kinds: what is believed only ever goes forward, and never
 * beyond now.
 */
static void mk_pulse_rubbish(struct kunit *test)
{
	struct mk_beat last = { .tsc = 1000 * SEC }, beat;
	u64 now = last.tsc, before;
	struct rnd_state rnd;
	u32 believed = 0, i;

	prandom_seed_state(&rnd, 0x6d6b70756c7365ULL);

	for (i = 0; i < 20000; i++) {
		now += prandom_u32_state(&rnd);
		beat.nr = last.nr + (s32)(prandom_u32_state(&rnd) % 16) - 4;
		beat.tsc = now + (s32)prandom_u32_state(&rnd);
		if (i % 5 == 0)
			prandom_bytes_state(&rnd, &beat, sizeof(beat));
		before = last.tsc;
		if (mk_beat_follows(&last, &beat, now)) {
			last = beat;
			believed++;
			KUNIT_ASSERT_GT(test, last.tsc, before);
		}
		KUNIT_ASSERT_LE(test, last.tsc, now);
	}
	KUNIT_EXPECT_GT(test, believed, 1000);
	KUNIT_EXPECT_LT(test, believed, 19000);
}

static void mk_pulse_age(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 7 * SEC, KHZ), 0);
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 7 * SEC + KHZ - 1, KHZ), 0);
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 7 * SEC + KHZ, KHZ), 1);
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 10 * SEC, KHZ), 3000);
	/* A year */
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, (7 + 31536000) * SEC, KHZ), 31536000000ULL);
	/* Another CPU's TSC may be a tick behind */
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 7 * SEC - 1, KHZ), 0);
	/* A machine whose TSC is slow, one whose TSC is fast, one up for ever */
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 7 * SEC + 5, 1), 5);
	KUNIT_EXPECT_EQ(test, mk_age_ms(7 * SEC, 7 * SEC + U32_MAX, U32_MAX), 1);
	KUNIT_EXPECT_EQ(test, mk_age_ms(0, U64_MAX, 1), U64_MAX);
}

struct mk_clock_case {
	const char *desc;
	struct mk_beat host;
	u64 tsc;
	u64 wall_ns;
	bool known;
	s64 offset;
};

#define MS	((u64)NSEC_PER_MSEC)
#define SAMPLE	(MK_CLOCK_SAMPLE_MS * KHZ)

static const struct mk_clock_case mk_clocks[] = {
	{ "same moment, same time", { 1, SEC, WALL }, SEC, WALL, true, 0 },
	{ "a second later", { 1, SEC, WALL }, 2 * SEC, WALL + NSEC_PER_SEC, true, 0 },
	{ "a tick later", { 1, SEC, WALL }, SEC + 5, WALL + 2, true, 0 },
	{ "1 ms ahead", { 1, SEC, WALL }, 2 * SEC, WALL + NSEC_PER_SEC + MS, true, MS },
	{ "1 ms behind", { 1, SEC, WALL }, 2 * SEC, WALL + NSEC_PER_SEC - MS, true, -MS },
	{ "1 ns behind", { 1, SEC, WALL }, SEC, WALL - 1, true, -1 },
	{ "the host was set by an hour", { 1, SEC, WALL + 3600 * (u64)NSEC_PER_SEC },
	  SEC, WALL, true, -3600LL * NSEC_PER_SEC },
	{ "the host believes it is 1970", { 1, SEC, 1 }, SEC, WALL, true, WALL - 1 },
	{ "this one does", { 1, SEC, WALL }, SEC, 0, true, -WALL },
	{ "the oldest sample", { 1, SEC, WALL }, SEC + SAMPLE,
	  WALL + MK_CLOCK_SAMPLE_MS * MS, true, 0 },
	{ "the last time there is", { 1, SEC, S64_MAX - MK_CLOCK_SAMPLE_MS * MS },
	  SEC + SAMPLE, 0, true, -S64_MAX },
	{ "on both sides", { 1, SEC, S64_MAX - MK_CLOCK_SAMPLE_MS * MS },
	  SEC + SAMPLE, S64_MAX, true, 0 },

	{ "too old by a tick", { 1, SEC, WALL }, SEC + SAMPLE + 1, WALL, false },
	{ "very old", { 1, 1, WALL }, U64_MAX, WALL, false },
	{ "in the future by a tick", { 1, SEC + 1, WALL }, SEC, WALL, false },
	{ "far in the future", { 1, U64_MAX, WALL }, SEC, WALL, false },
	{ "no time", { 1, SEC, 0 }, SEC, WALL, false },
	{ "no time that there is", { 1, SEC, S64_MAX - MK_CLOCK_SAMPLE_MS * MS + 1 },
	  SEC, WALL, false },
	{ "a time below 0", { 1, SEC, -1ULL }, SEC, WALL, false },
	{ "all ones", { U32_MAX, U64_MAX, U64_MAX }, SEC, WALL, false },
};

KUNIT_ARRAY_PARAM_DESC(mk_clocks, mk_clocks, desc);

static void mk_pulse_clock(struct kunit *test)
{
	const struct mk_clock_case *c = test->param_value;
	s64 offset = 4711;
	bool known;

	known = mk_beat_clock_offset(&c->host, c->tsc, c->wall_ns, KHZ, &offset);
	KUNIT_EXPECT_EQ(test, known, c->known);
	KUNIT_EXPECT_EQ(test, offset, c->known ? c->offset : 4711);
}

static struct kunit_case mk_pulse_cases[] = {
	KUNIT_CASE(mk_pulse_layout),
	KUNIT_CASE(mk_pulse_round),
	KUNIT_CASE(mk_pulse_half_written),
	KUNIT_CASE(mk_pulse_whole),
	KUNIT_CASE_PARAM(mk_pulse_claims, mk_claims_gen_params),
	KUNIT_CASE(mk_pulse_number_wraps),
	KUNIT_CASE(mk_pulse_rubbish),
	KUNIT_CASE(mk_pulse_age),
	KUNIT_CASE_PARAM(mk_pulse_clock, mk_clocks_gen_params),
	{}
};

static struct kunit_suite mk_pulse_suite = {
	.name = "multikernel_pulse",
	.test_cases = mk_pulse_cases,
};

kunit_test_suite(mk_pulse_suite);
