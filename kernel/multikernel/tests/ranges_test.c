// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the decision what may be mapped
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/sizes.h>

#include "../ranges.h"

/* Two that follow each other, in the wrong order, one apart, one page alone */
static const struct mk_ranges mk_some = {
	.nr = 4,
	.range = {
		{ SZ_1G + SZ_2M, SZ_2M },
		{ SZ_1G, SZ_2M },
		{ 0x10000, SZ_64K },
		{ 0xfee00000, SZ_4K },
	},
};

struct mk_ranges_case {
	const char *what;
	u64 start;
	u64 size;
	bool touch;
	bool cover;
};

static const struct mk_ranges_case mk_ranges_cases[] = {
	{ "all of one", SZ_1G, SZ_2M, true, true },
	{ "its first byte", SZ_1G, 1, true, true },
	{ "its last byte", SZ_1G + SZ_2M - 1, 1, true, true },
	{ "over the border of two", SZ_1G + SZ_2M - 1, 2, true, true },
	{ "both", SZ_1G, SZ_4M, true, true },
	{ "both and a byte", SZ_1G, SZ_4M + 1, true, false },
	{ "a byte before", SZ_1G - 1, 1, false, false },
	{ "a byte before, and one of it", SZ_1G - 1, 2, true, false },
	{ "a byte before, and all", SZ_1G - 1, SZ_4M + 1, true, false },
	{ "the byte after", SZ_1G + SZ_4M, 1, false, false },
	{ "the whole page after", SZ_1G + SZ_4M, SZ_4K, false, false },
	{ "around all", 0, SZ_2G, true, false },
	{ "up to the first", 0, 0x10000, false, false },
	{ "up to the first and a byte", 0, 0x10001, true, false },
	{ "between two", 0x20000, SZ_1G - 0x20000, false, false },
	{ "from one to the next", 0x1f000, SZ_1G, true, false },
	{ "the page alone", 0xfee00000, SZ_4K, true, true },
	{ "an odd piece of it", 0xfee00030, 4, true, true },
	{ "out of it", 0xfee00ffc, 8, true, false },
	{ "the same offset elsewhere", 0xfec00030, 4, false, false },
	{ "nothing", SZ_1G, 0, false, true },
	{ "nothing, elsewhere", SZ_2G, 0, false, true },
	{ "all there is", 0, U64_MAX, true, false },
	{ "the end of all", U64_MAX, 1, true, false },
	{ "around the end", U64_MAX - 1, 4, true, false },
	{ "around the end to one", U64_MAX - 1, SZ_1G + 8, true, false },
	{ "high", 1ULL << 52, SZ_4K, false, false },
};

static void mk_ranges_desc(const struct mk_ranges_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mk_ranges, mk_ranges_cases, mk_ranges_desc);

static void mk_ranges_decide(struct kunit *test)
{
	const struct mk_ranges_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, mk_ranges_touch(&mk_some, c->start, c->size), c->touch);
	KUNIT_EXPECT_EQ(test, mk_ranges_cover(&mk_some, c->start, c->size), c->cover);
}

static void mk_ranges_none(struct kunit *test)
{
	const struct mk_ranges none = { };

	KUNIT_EXPECT_FALSE(test, mk_ranges_touch(&none, SZ_1G, SZ_4K));
	KUNIT_EXPECT_FALSE(test, mk_ranges_cover(&none, SZ_1G, SZ_4K));
	KUNIT_EXPECT_TRUE(test, mk_ranges_cover(&none, SZ_1G, 0));
}

static void mk_ranges_fill(struct kunit *test)
{
	struct mk_ranges r = { };
	int i;

	KUNIT_EXPECT_FALSE(test, mk_ranges_add(&r, SZ_1G, 0));
	KUNIT_EXPECT_FALSE(test, mk_ranges_add(&r, U64_MAX - SZ_4K, SZ_2M));
	KUNIT_EXPECT_EQ(test, r.nr, 0);
	for (i = 0; i < MK_RANGES_MAX; i++)
		KUNIT_EXPECT_TRUE(test, mk_ranges_add(&r, i * SZ_2M, SZ_2M));
	KUNIT_EXPECT_FALSE(test, mk_ranges_add(&r, SZ_1G, SZ_2M));
	KUNIT_EXPECT_EQ(test, r.nr, MK_RANGES_MAX);
	/* One after the other, and all of them in one go */
	KUNIT_EXPECT_TRUE(test, mk_ranges_cover(&r, 0, MK_RANGES_MAX * SZ_2M));
	KUNIT_EXPECT_FALSE(test, mk_ranges_cover(&r, 0, MK_RANGES_MAX * SZ_2M + 1));
}

static struct kunit_case mk_ranges_test_cases[] = {
	KUNIT_CASE_PARAM(mk_ranges_decide, mk_ranges_gen_params),
	KUNIT_CASE(mk_ranges_none),
	KUNIT_CASE(mk_ranges_fill),
	{}
};

static struct kunit_suite mk_ranges_suite = {
	.name = "multikernel_ranges",
	.test_cases = mk_ranges_test_cases,
};

kunit_test_suite(mk_ranges_suite);
