// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of who judges a spawn
 *
 * A spawn may say anything of its CPUs.  The worst that comes of it is that it
 * is taken for dead; and that one which beats is not.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../judge.h"

#define SEC	2500000000ULL	/* ticks of a second at 2.5 GHz */
#define LIMIT	(10 * SEC)
#define CPUS	4

/* The other kernel may be another build */
static void mk_judge_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_cpu_page), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_cpu_page, state), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_cpu_page, beat), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_cpu_page, ran), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_cpu_page, beat_tsc), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_cpu_page, ran_tsc), 24);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_cpu_page, busy_ns), 32);
	KUNIT_EXPECT_LE(test, MK_WINDOW_CPUS + MK_DESC_MAX_CPUS * sizeof(struct mk_cpu_page),
			MK_WINDOW_CRASH);
}

/* At 100 s: when each CPU's last words are from, s; 0 for one that is off */
struct mk_hang_case {
	const char *desc;
	struct {
		u32 state;
		u32 beat;
		u32 ran;
	} cpus[CPUS];
	enum mk_hang hang;
	u32 on;
	u32 silent;
	u32 first;
	u32 seconds;
};

#define ON(beat, ran)	{ MK_CPU_ON, beat, ran }
#define OFF		{ MK_CPU_OFF, 1, 1 }
#define DUMPED		{ MK_CPU_DUMPED, 1, 1 }

static const struct mk_hang_case mk_hangs[] = {
	{ "all beat", { ON(100, 100), ON(99, 99), ON(99, 99), ON(98, 98) }, MK_HANG_NONE, 4 },
	{ "all are off", { OFF, OFF, OFF, OFF }, MK_HANG_NONE, 0 },
	{ "one is off", { ON(99, 99), OFF, ON(99, 99), ON(99, 99) }, MK_HANG_NONE, 3 },
	{ "one is dumped", { ON(99, 99), DUMPED, ON(99, 99), OFF }, MK_HANG_NONE, 2 },
	{ "silent, but not for long", { ON(91, 91), ON(99, 99), OFF, OFF }, MK_HANG_NONE, 2 },
	{ "it schedules late", { ON(99, 81), ON(99, 99), OFF, OFF }, MK_HANG_NONE, 2 },

	{ "the limit", { ON(99, 99), ON(90, 90), OFF, OFF }, MK_HANG_HARD, 2, 1, 1, 10 },
	{ "one of four", { ON(99, 99), ON(99, 99), ON(50, 50), ON(99, 99) },
	  MK_HANG_HARD, 4, 1, 2, 50 },
	{ "all four", { ON(88, 88), ON(87, 87), ON(80, 80), ON(85, 85) },
	  MK_HANG_HARD, 4, 4, 2, 20 },
	{ "the only one that is on", { OFF, ON(10, 10), DUMPED, OFF },
	  MK_HANG_HARD, 1, 1, 1, 90 },
	{ "two of three", { ON(80, 80), ON(99, 99), ON(85, 85), OFF },
	  MK_HANG_HARD, 3, 2, 0, 20 },
	{ "one more will", { ON(95, 95), ON(90, 90), OFF, OFF }, MK_HANG_HARD, 2, 2, 1, 10 },
	{ "one more may not", { ON(96, 96), ON(90, 90), OFF, OFF }, MK_HANG_HARD, 2, 1, 1, 10 },
	{ "the last one", { OFF, OFF, OFF, ON(90, 90) }, MK_HANG_HARD, 1, 1, 3, 10 },

	{ "it does not schedule", { ON(99, 80), ON(99, 99), OFF, OFF },
	  MK_HANG_SOFT, 2, 1, 0, 20 },
	{ "two don't", { ON(99, 99), ON(99, 70), ON(99, 60), OFF },
	  MK_HANG_SOFT, 3, 2, 2, 40 },
	{ "one hangs in each way", { ON(99, 10), ON(70, 70), OFF, OFF },
	  MK_HANG_HARD, 2, 1, 1, 30 },

	{ "no state that there is", { ON(99, 99), { 3, 99, 99 }, OFF, OFF },
	  MK_HANG_LIE, 0, 1, 1 },
	{ "all ones", { ON(10, 10), OFF, { U32_MAX, 99, 99 }, OFF }, MK_HANG_LIE, 0, 1, 2 },
};

KUNIT_ARRAY_PARAM_DESC(mk_hangs, mk_hangs, desc);

static void mk_judge_hangs(struct kunit *test)
{
	const struct mk_hang_case *c = test->param_value;
	struct mk_watched w[CPUS] = { };
	struct mk_hang_verdict v;
	int i;

	for (i = 0; i < CPUS; i++) {
		w[i].state = c->cpus[i].state;
		w[i].beat.since = c->cpus[i].beat * SEC;
		w[i].ran.since = c->cpus[i].ran * SEC;
	}
	memset(&v, 0x5a, sizeof(v));
	KUNIT_ASSERT_EQ(test, mk_hang_judge(w, CPUS, 100 * SEC, LIMIT, &v), c->hang);
	KUNIT_EXPECT_EQ(test, v.on, c->on);
	KUNIT_EXPECT_EQ(test, v.silent, c->silent);
	KUNIT_EXPECT_EQ(test, v.first, c->first);
	KUNIT_EXPECT_EQ(test, v.ticks, c->seconds * SEC);
}

/* One that came on and beat until 50 s */
static struct mk_watched mk_beating(void)
{
	struct mk_watched w = { };
	struct mk_cpu_page said = { .state = MK_CPU_ON, .beat = 100, .ran = 100 };
	u64 s;

	for (s = 40; s <= 50; s++) {
		said.beat++;
		said.ran++;
		said.beat_tsc = s * SEC;
		said.ran_tsc = s * SEC;
		mk_watched_see(&w, &said, s * SEC + 1, 0);
	}

	return w;
}

struct mk_word_case {
	const char *desc;
	struct mk_cpu_page said;
	u64 since;		/* seen at 60 s: silence counts from here */
};

static const struct mk_word_case mk_words[] = {
	{ "the next", { MK_CPU_ON, 112, 112, 0, 51 * SEC, 51 * SEC }, 51 * SEC },
	{ "some later", { MK_CPU_ON, 120, 120, 0, 59 * SEC, 59 * SEC }, 59 * SEC },
	{ "just now", { MK_CPU_ON, 121, 121, 0, 60 * SEC, 60 * SEC }, 60 * SEC },
	{ "nothing new", { MK_CPU_ON, 111, 111, 0, 50 * SEC, 50 * SEC }, 50 * SEC },

	{ "nothing at all", { MK_CPU_ON, 0, 0, 0, 0, 0 }, 50 * SEC },
	{ "the same, later", { MK_CPU_ON, 111, 111, 0, 55 * SEC, 55 * SEC }, 50 * SEC },
	{ "more, not later", { MK_CPU_ON, 120, 120, 0, 50 * SEC, 50 * SEC }, 50 * SEC },
	{ "it goes back", { MK_CPU_ON, 110, 110, 0, 55 * SEC, 55 * SEC }, 50 * SEC },
	{ "its time goes back", { MK_CPU_ON, 112, 112, 0, 49 * SEC, 49 * SEC }, 50 * SEC },
	{ "a tick in the future", { MK_CPU_ON, 112, 112, 0, 60 * SEC + 1, 60 * SEC + 1 },
	  50 * SEC },
	{ "far in the future", { MK_CPU_ON, 112, 112, 0, U64_MAX, U64_MAX }, 50 * SEC },
	{ "all ones", { MK_CPU_ON, U32_MAX, U32_MAX, U32_MAX, U64_MAX, U64_MAX }, 50 * SEC },
};

KUNIT_ARRAY_PARAM_DESC(mk_words, mk_words, desc);

static void mk_judge_words(struct kunit *test)
{
	const struct mk_word_case *c = test->param_value;
	struct mk_watched w = mk_beating();

	KUNIT_ASSERT_EQ(test, w.beat.since, 50 * SEC);
	mk_watched_see(&w, &c->said, 60 * SEC, 0);
	KUNIT_EXPECT_EQ(test, w.beat.since, c->since);
	KUNIT_EXPECT_EQ(test, w.ran.since, c->since);
}

/* What it beat before it went is nothing: from when it comes the host counts */
static void mk_judge_comes_and_goes(struct kunit *test)
{
	struct mk_watched w = mk_beating();
	struct mk_cpu_page said = { .state = MK_CPU_OFF, .beat = 111, .beat_tsc = 50 * SEC };
	struct mk_hang_verdict v;

	mk_watched_see(&w, &said, 51 * SEC, 0);
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, 1000 * SEC, LIMIT, &v), MK_HANG_NONE);
	KUNIT_EXPECT_EQ(test, v.on, 0);

	/* It comes with words of before, of the future, or none */
	said.state = MK_CPU_ON;
	said.beat_tsc = U64_MAX;
	mk_watched_see(&w, &said, 1000 * SEC, 0);
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, 1009 * SEC, LIMIT, &v), MK_HANG_NONE);
	KUNIT_EXPECT_EQ(test, v.on, 1);
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, 1010 * SEC, LIMIT, &v), MK_HANG_HARD);

	/* ... and beats, soon enough */
	said.beat++;
	said.ran++;
	said.beat_tsc = 1005 * SEC;
	said.ran_tsc = 1005 * SEC;
	mk_watched_see(&w, &said, 1006 * SEC, 0);
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, 1014 * SEC, LIMIT, &v), MK_HANG_NONE);
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, 1015 * SEC, LIMIT, &v), MK_HANG_HARD);
}

static void mk_judge_wraps(struct kunit *test)
{
	struct mk_cpu_page said = { .state = MK_CPU_ON, .beat = U32_MAX, .ran = U32_MAX,
				    .beat_tsc = SEC, .ran_tsc = SEC };
	struct mk_watched w = { };

	mk_watched_see(&w, &said, SEC, 0);
	said.beat = 0;
	said.ran = 0;
	said.beat_tsc = 2 * SEC;
	said.ran_tsc = 2 * SEC;
	mk_watched_see(&w, &said, 3 * SEC, 0);
	KUNIT_EXPECT_EQ(test, w.beat.since, 2 * SEC);
	KUNIT_EXPECT_EQ(test, w.ran.since, 2 * SEC);
}

/* The machine stood still for an hour: that is nobody's silence */
static void mk_judge_late(struct kunit *test)
{
	struct mk_cpu_page said = { .state = MK_CPU_ON, .beat = 111, .ran = 111,
				    .beat_tsc = 50 * SEC, .ran_tsc = 50 * SEC };
	struct mk_watched w = mk_beating();
	struct mk_hang_verdict v;
	u64 now = 3652 * SEC;

	mk_watched_see(&w, &said, now, 3600 * SEC);
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, now, LIMIT, &v), MK_HANG_NONE);
	KUNIT_EXPECT_EQ(test, w.beat.since, 3650 * SEC);
	/* But it goes on */
	KUNIT_EXPECT_EQ(test, mk_hang_judge(&w, 1, now + 8 * SEC, LIMIT, &v), MK_HANG_HARD);
	/* Never beyond now */
	mk_watched_see(&w, &said, now, U64_MAX);
	KUNIT_EXPECT_EQ(test, w.beat.since, now);
	/* A beat counts as one */
	said.beat++;
	said.beat_tsc = now;
	mk_watched_see(&w, &said, now + SEC, 3600 * SEC);
	KUNIT_EXPECT_EQ(test, w.beat.since, now);
}

/* Rubbish of all kinds: no silence begins in the future, and none ends without a reason */
static void mk_judge_rubbish(struct kunit *test)
{
	struct mk_watched w = mk_beating();
	struct mk_cpu_page said;
	struct mk_hang_verdict v;
	struct rnd_state rnd;
	u64 now = 1000 * SEC;
	u32 verdicts[4] = { }, i;

	prandom_seed_state(&rnd, 0x6d6b6a75646765ULL);

	for (i = 0; i < 20000; i++) {
		now += prandom_u32_state(&rnd);
		prandom_bytes_state(&rnd, &said, sizeof(said));
		/* Mostly on, often close to what would be right */
		said.state = prandom_u32_state(&rnd) % 64 ? MK_CPU_ON : said.state % 5;
		if (i % 3) {
			said.beat = w.beat.last.nr + prandom_u32_state(&rnd) % 8 - 2;
			said.beat_tsc = now + (s32)prandom_u32_state(&rnd);
		}
		mk_watched_see(&w, &said, now, 0);
		KUNIT_ASSERT_LE(test, w.beat.since, now);
		KUNIT_ASSERT_LE(test, w.ran.since, now);
		KUNIT_ASSERT_LE(test, w.beat.last.tsc, now);
		verdicts[mk_hang_judge(&w, 1, now, SEC, &v)]++;
	}
	for (i = 0; i < ARRAY_SIZE(verdicts); i++)
		KUNIT_EXPECT_GT(test, verdicts[i], 0);
}

static void mk_judge_restarts(struct kunit *test)
{
	struct mk_restarts r = { };
	u32 i;

	KUNIT_EXPECT_FALSE(test, mk_restart_allowed(&r, 100, 0, 60));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, mk_restart_allowed(&r, 100 + i, 3, 60));
		mk_restart_count(&r, 100 + i);
	}
	KUNIT_EXPECT_EQ(test, r.nr, 3);
	/* At 100, 101, 102 s */
	KUNIT_EXPECT_FALSE(test, mk_restart_allowed(&r, 103, 3, 60));
	KUNIT_EXPECT_FALSE(test, mk_restart_allowed(&r, 159, 3, 60));
	KUNIT_EXPECT_TRUE(test, mk_restart_allowed(&r, 160, 3, 60));
	KUNIT_EXPECT_TRUE(test, mk_restart_allowed(&r, 103, 4, 60));
	KUNIT_EXPECT_FALSE(test, mk_restart_allowed(&r, 160, 1, 60));
	KUNIT_EXPECT_TRUE(test, mk_restart_allowed(&r, 162, 1, 60));
	mk_restart_count(&r, 160);
	KUNIT_EXPECT_FALSE(test, mk_restart_allowed(&r, 160, 3, 60));
	KUNIT_EXPECT_TRUE(test, mk_restart_allowed(&r, 161, 3, 60));
}

/* As many as are remembered, and more of them than that */
static void mk_judge_many_restarts(struct kunit *test)
{
	struct mk_restarts r = { };
	u32 i;

	for (i = 0; i < 3 * MK_RESTARTS_MAX; i++)
		mk_restart_count(&r, i);
	KUNIT_EXPECT_EQ(test, r.nr, 3 * MK_RESTARTS_MAX);
	/* The oldest one of the last 64 was at 128 s */
	KUNIT_EXPECT_FALSE(test, mk_restart_allowed(&r, 227, MK_RESTARTS_MAX, 100));
	KUNIT_EXPECT_TRUE(test, mk_restart_allowed(&r, 228, MK_RESTARTS_MAX, 100));
}

static struct kunit_case mk_judge_cases[] = {
	KUNIT_CASE(mk_judge_layout),
	KUNIT_CASE_PARAM(mk_judge_hangs, mk_hangs_gen_params),
	KUNIT_CASE_PARAM(mk_judge_words, mk_words_gen_params),
	KUNIT_CASE(mk_judge_comes_and_goes),
	KUNIT_CASE(mk_judge_wraps),
	KUNIT_CASE(mk_judge_late),
	KUNIT_CASE(mk_judge_rubbish),
	KUNIT_CASE(mk_judge_restarts),
	KUNIT_CASE(mk_judge_many_restarts),
	{}
};

static struct kunit_suite mk_judge_suite = {
	.name = "multikernel_judge",
	.test_cases = mk_judge_cases,
};

kunit_test_suite(mk_judge_suite);
