// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the state table
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "../state.h"

/*
 * Written from the diagram in state.h and what start, stop, kill, load and
 * unload promise, not from the table in state.c.  'x' is a transition that is
 * allowed, in the order of the enum: Empty Loaded Booting Running stoPping
 * sTopped Crashed.
 */
static const struct {
	enum mk_state from;
	const char *name;
	bool active;
	const char *to;
} mk_expected[] = {
	/*				     ELBRPTC */
	{ MK_EMPTY,	"empty",	false, "-x-----" },
	{ MK_LOADED,	"loaded",	false, "xxx----" },
	{ MK_BOOTING,	"booting",	true,  "---xxxx" },
	{ MK_RUNNING,	"running",	true,  "----xxx" },
	{ MK_STOPPING,	"stopping",	true,  "-----xx" },
	{ MK_STOPPED,	"stopped",	false, "xxx----" },
	{ MK_CRASHED,	"crashed",	false, "xxx----" },
};

static const u32 mk_no_states[] = {
	MK_NR_STATES, MK_NR_STATES + 1,
	/* Where a shift without a check would come round again */
	31, 32, 33, 63, 64, 65, 64 + MK_LOADED, 256,
	INT_MAX, (u32)INT_MIN, U32_MAX - 1, U32_MAX,
};

static void mk_state_every_pair(struct kunit *test)
{
	enum mk_state from, to;

	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(mk_expected), MK_NR_STATES);

	for (from = 0; from < MK_NR_STATES; from++) {
		KUNIT_ASSERT_EQ(test, mk_expected[from].from, from);
		for (to = 0; to < MK_NR_STATES; to++)
			KUNIT_EXPECT_EQ_MSG(test, mk_state_may_follow(from, to),
					    mk_expected[from].to[to] == 'x',
					    "%s -> %s", mk_expected[from].name,
					    mk_expected[to].name);
	}
}

static void mk_state_out_of_range(struct kunit *test)
{
	enum mk_state state;
	int i, k;

	for (i = 0; i < ARRAY_SIZE(mk_no_states); i++) {
		for (state = 0; state < MK_NR_STATES; state++) {
			KUNIT_EXPECT_FALSE_MSG(test,
					       mk_state_may_follow(mk_no_states[i], state),
					       "%u -> %u", mk_no_states[i], state);
			KUNIT_EXPECT_FALSE_MSG(test,
					       mk_state_may_follow(state, mk_no_states[i]),
					       "%u -> %u", state, mk_no_states[i]);
		}
		for (k = 0; k < ARRAY_SIZE(mk_no_states); k++)
			KUNIT_EXPECT_FALSE(test, mk_state_may_follow(mk_no_states[i],
								     mk_no_states[k]));

		KUNIT_EXPECT_FALSE(test, mk_state_active(mk_no_states[i]));
		KUNIT_EXPECT_STREQ(test, mk_state_name(mk_no_states[i]), "invalid");
	}
}

/* The words are ABI: user space reads them in sysfs */
static void mk_state_names(struct kunit *test)
{
	enum mk_state state;

	for (state = 0; state < MK_NR_STATES; state++)
		KUNIT_EXPECT_STREQ(test, mk_state_name(state), mk_expected[state].name);
}

static void mk_state_active_ones(struct kunit *test)
{
	enum mk_state state;

	for (state = 0; state < MK_NR_STATES; state++)
		KUNIT_EXPECT_EQ_MSG(test, mk_state_active(state),
				    mk_expected[state].active, "%s",
				    mk_expected[state].name);
}

/*
 * What the rest relies on, whatever the table says in detail: an image is only
 * loaded or unloaded while nothing runs, and only start makes something run.
 */
static void mk_state_no_shortcut(struct kunit *test)
{
	enum mk_state from, to;

	for (from = 0; from < MK_NR_STATES; from++) {
		for (to = 0; to < MK_NR_STATES; to++) {
			if (!mk_state_may_follow(from, to))
				continue;
			if (mk_state_active(from))
				KUNIT_EXPECT_TRUE_MSG(test,
						      to != MK_EMPTY && to != MK_LOADED &&
						      to != MK_BOOTING,
						      "%s -> %s", mk_state_name(from),
						      mk_state_name(to));
			else
				KUNIT_EXPECT_TRUE_MSG(test,
						      to == MK_BOOTING || !mk_state_active(to),
						      "%s -> %s", mk_state_name(from),
						      mk_state_name(to));
		}
	}
}

/* No instance is stuck: from each state, EMPTY and BOOTING can be had again */
static void mk_state_no_dead_end(struct kunit *test)
{
	enum mk_state start, from, to;

	for (start = 0; start < MK_NR_STATES; start++) {
		u32 reached = BIT(start), before;

		do {
			before = reached;
			for (from = 0; from < MK_NR_STATES; from++)
				for (to = 0; to < MK_NR_STATES; to++)
					if ((reached & BIT(from)) &&
					    mk_state_may_follow(from, to))
						reached |= BIT(to);
		} while (reached != before);

		KUNIT_EXPECT_EQ_MSG(test, reached, BIT(MK_NR_STATES) - 1, "from %s",
				    mk_state_name(start));
	}
}

static struct kunit_case mk_state_cases[] = {
	KUNIT_CASE(mk_state_every_pair),
	KUNIT_CASE(mk_state_out_of_range),
	KUNIT_CASE(mk_state_names),
	KUNIT_CASE(mk_state_active_ones),
	KUNIT_CASE(mk_state_no_shortcut),
	KUNIT_CASE(mk_state_no_dead_end),
	{}
};

static struct kunit_suite mk_state_suite = {
	.name = "multikernel_state",
	.test_cases = mk_state_cases,
};

kunit_test_suite(mk_state_suite);
