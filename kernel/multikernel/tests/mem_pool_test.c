// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the range allocator
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../mem_pool.h"

/* Above 4 GiB, so that an address cut to 32 bits shows */
#define POOL_START	(5ULL * SZ_1G)
#define G		((u64)MK_GRANULE)

/* More than one word of a bitmap, and no power of two */
#define NR		75

/* A pool of @granules granules; the nodes of what is handed out */
struct mk_fixture {
	struct mk_mem_pool pool;
	struct mk_range r[NR];
};

static struct mk_fixture *mk_fixture(struct kunit *test, u32 granules)
{
	struct mk_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	mk_mem_pool_init(&f->pool, POOL_START, granules * G);

	return f;
}

/* Fill the pool, one granule a range: range i is granule i */
static void mk_fill(struct kunit *test, struct mk_fixture *f, u32 granules)
{
	u32 i;

	for (i = 0; i < granules; i++) {
		KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[i], G), 0);
		KUNIT_ASSERT_EQ(test, f->r[i].start, POOL_START + i * G);
	}
}

static void mk_pool_fresh(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, NR);

	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), NR * G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), NR * G);
}

static void mk_pool_rounds_up(struct kunit *test)
{
	static const struct {
		u64 size;
		u64 granules;
	} cases[] = {
		{ 1,		1 },
		{ 4096,		1 },
		{ G - 1,	1 },
		{ G,		1 },
		{ G + 1,	2 },
		{ 2 * G - 1,	2 },
		{ 2 * G,	2 },
		{ 2 * G + 1,	3 },
		{ 7 * G + 4096,	8 },
	};
	struct mk_fixture *f = mk_fixture(test, NR);
	u64 taken = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[i],
							cases[i].size), 0);
		KUNIT_EXPECT_EQ(test, f->r[i].size, cases[i].granules * G);
		KUNIT_EXPECT_EQ(test, f->r[i].start % G, 0);
		KUNIT_EXPECT_EQ(test, f->r[i].start, POOL_START + taken * G);
		taken += cases[i].granules;
		KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), (NR - taken) * G);
		KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), (NR - taken) * G);
	}
}

static void mk_pool_size_zero(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, 4);

	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], 0), -EINVAL);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->pool.used));
}

static void mk_pool_whole(struct kunit *test)
{
	static const u64 fits[] = { 4 * G, 4 * G - 1, 3 * G + 1 };
	struct mk_fixture *f = mk_fixture(test, 4);
	int i;

	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], 4 * G + 1), -ENOMEM);

	for (i = 0; i < ARRAY_SIZE(fits); i++) {
		KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], fits[i]), 0);
		KUNIT_EXPECT_EQ(test, f->r[0].start, POOL_START);
		KUNIT_EXPECT_EQ(test, f->r[0].size, 4 * G);
		KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), 0);
		KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), 0);
		KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[1], 1), -ENOMEM);
		mk_mem_pool_free(&f->pool, &f->r[0]);
	}
}

static void mk_pool_exhaustion(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, NR);
	struct mk_range extra;
	u32 i;

	mk_fill(test, f, NR);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), 0);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), 0);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &extra, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &extra, G), -ENOMEM);

	/* Odd ones first: gaps that must grow together again */
	for (i = 1; i < NR; i += 2)
		mk_mem_pool_free(&f->pool, &f->r[i]);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), NR / 2 * G);
	for (i = 0; i < NR; i += 2)
		mk_mem_pool_free(&f->pool, &f->r[i]);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->pool.used));
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), NR * G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), NR * G);
}

static void mk_pool_first_fit(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, 10);
	struct mk_range one, two, three, more;

	mk_fill(test, f, 10);

	/* Gaps: granule 1; 3 and 4; 6, 7 and 8 */
	mk_mem_pool_free(&f->pool, &f->r[1]);
	mk_mem_pool_free(&f->pool, &f->r[4]);
	mk_mem_pool_free(&f->pool, &f->r[3]);
	mk_mem_pool_free(&f->pool, &f->r[6]);
	mk_mem_pool_free(&f->pool, &f->r[8]);
	mk_mem_pool_free(&f->pool, &f->r[7]);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), 6 * G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), 3 * G);

	/* Enough in sum is not enough: a range is one piece */
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &more, 4 * G), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &more, 3 * G + 1), -ENOMEM);

	/* The first gap that is large enough, not the best one */
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &two, 2 * G), 0);
	KUNIT_EXPECT_EQ(test, two.start, POOL_START + 3 * G);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &one, 1), 0);
	KUNIT_EXPECT_EQ(test, one.start, POOL_START + 1 * G);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &three, 3 * G), 0);
	KUNIT_EXPECT_EQ(test, three.start, POOL_START + 6 * G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), 0);

	/* The gap before the first range and the one behind the last one */
	mk_mem_pool_free(&f->pool, &f->r[9]);
	mk_mem_pool_free(&f->pool, &f->r[0]);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], G), 0);
	KUNIT_EXPECT_EQ(test, f->r[0].start, POOL_START);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[9], G), 0);
	KUNIT_EXPECT_EQ(test, f->r[9].start, POOL_START + 9 * G);
}

/* A larger gap is cut from its start and stays usable */
static void mk_pool_splits_gap(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, 8);

	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], 6 * G), 0);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[1], G), 0);
	mk_mem_pool_free(&f->pool, &f->r[0]);

	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[2], 2 * G), 0);
	KUNIT_EXPECT_EQ(test, f->r[2].start, POOL_START);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), 4 * G);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[3], 4 * G), 0);
	KUNIT_EXPECT_EQ(test, f->r[3].start, POOL_START + 2 * G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&f->pool), G);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), G);
}

/* Rounding up must not turn them into something small */
static void mk_pool_size_huge(struct kunit *test)
{
	static const u64 sizes[] = {
		U64_MAX, U64_MAX - 1,
		U64_MAX - G, U64_MAX - G + 1, U64_MAX - G + 2,
		1ULL << 63, (1ULL << 63) + 1, S64_MAX,
		U64_MAX - POOL_START, U64_MAX - POOL_START + 1,
		U64_MAX - POOL_START - 8 * G, U64_MAX - POOL_START - 8 * G + 1,
		1ULL << 32, (1ULL << 32) + G,
	};
	struct mk_fixture *f = mk_fixture(test, 8);
	int i, used;

	/* On a pool that is empty, and on one with gaps */
	for (used = 0; used < 2; used++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			KUNIT_EXPECT_EQ_MSG(test,
					    mk_mem_pool_alloc(&f->pool, &f->r[7],
							      sizes[i]),
					    -ENOMEM, "%#llx", sizes[i]);
		KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&f->pool), (8 - used) * G);
		if (used)
			break;
		KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], 3 * G), 0);
		KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[1], G), 0);
		mk_mem_pool_free(&f->pool, &f->r[0]);
	}
}

/* The machine whose boot parameter could not be fulfilled */
static void mk_pool_empty(struct kunit *test)
{
	static const u64 sizes[] = { 1, 4096, G, G + 1, 1ULL << 40, U64_MAX };
	struct mk_mem_pool pool;
	struct mk_range range;
	int i;

	mk_mem_pool_init(&pool, 0, 0);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&pool, &range, 0), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&pool, &range, sizes[i]), -ENOMEM);

	KUNIT_EXPECT_TRUE(test, list_empty(&pool.used));
	KUNIT_EXPECT_EQ(test, mk_mem_pool_bytes_free(&pool), 0);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_largest_free(&pool), 0);
}

/* Callers pass nodes of instances that live on after a refusal */
static void mk_pool_refusal_changes_nothing(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, 2);
	struct mk_range range, copy;

	mk_fill(test, f, 2);
	memset(&range, 0x5a, sizeof(range));
	copy = range;

	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &range, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &range, G), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mk_mem_pool_alloc(&f->pool, &range, U64_MAX), -ENOMEM);
	KUNIT_EXPECT_MEMEQ(test, &range, &copy, sizeof(range));
	KUNIT_EXPECT_EQ(test, list_count_nodes(&f->pool.used), 2);
}

static void mk_pool_node_reuse(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, 2);
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, &f->r[0], 2 * G), 0);
		mk_mem_pool_free(&f->pool, &f->r[0]);
		KUNIT_EXPECT_EQ(test, f->r[0].size, 0);
		KUNIT_EXPECT_TRUE(test, list_empty(&f->r[0].node));
	}
}

/* The model: one flag for each granule */
struct mk_model {
	bool taken[NR];
};

/* First granule of the first gap of @want granules, -1 if there is none */
static int mk_model_find(const struct mk_model *m, u32 want)
{
	u32 i, run = 0;

	for (i = 0; i < NR; i++) {
		run = m->taken[i] ? 0 : run + 1;
		if (run == want)
			return i + 1 - want;
	}

	return -1;
}

static void mk_model_check(struct kunit *test, const struct mk_model *m,
			   const struct mk_mem_pool *pool)
{
	u32 i, run = 0, largest = 0, unused = 0;
	const struct mk_range *range;
	u64 last = 0;

	for (i = 0; i < NR; i++) {
		run = m->taken[i] ? 0 : run + 1;
		largest = max(largest, run);
		unused += !m->taken[i];
	}
	KUNIT_ASSERT_EQ(test, mk_mem_pool_bytes_free(pool), unused * G);
	KUNIT_ASSERT_EQ(test, mk_mem_pool_largest_free(pool), largest * G);

	list_for_each_entry(range, &pool->used, node) {
		KUNIT_ASSERT_GE(test, range->start, last);
		last = range->start + range->size;
	}
}

static void mk_pool_random(struct kunit *test)
{
	struct mk_fixture *f = mk_fixture(test, NR);
	struct mk_model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	u32 step, allocs = 0, refusals = 0, frees = 0;
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, m);
	prandom_seed_state(&rnd, 0x6d6b706f6f6cULL);

	for (step = 0; step < 20000; step++) {
		struct mk_range *range = &f->r[prandom_u32_state(&rnd) % NR];
		u32 want, first;
		int at;

		/* A range that is in use is freed, one that is not is filled */
		if (range->size) {
			first = (range->start - POOL_START) / G;
			want = range->size / G;
			mk_mem_pool_free(&f->pool, range);
			memset(&m->taken[first], false, want);
			frees++;
		} else {
			want = 1 + prandom_u32_state(&rnd) % 6;
			at = mk_model_find(m, want);
			if (at < 0) {
				KUNIT_ASSERT_EQ(test, mk_mem_pool_alloc(&f->pool, range,
									want * G), -ENOMEM);
				refusals++;
			} else {
				KUNIT_ASSERT_EQ(test,
						mk_mem_pool_alloc(&f->pool, range,
								  want * G -
								  prandom_u32_state(&rnd) % G),
						0);
				KUNIT_ASSERT_EQ(test, range->start, POOL_START + at * G);
				KUNIT_ASSERT_EQ(test, range->size, want * G);
				memset(&m->taken[at], true, want);
				allocs++;
			}
		}
		mk_model_check(test, m, &f->pool);
	}

	/* The mix has to visit all three, or it tests less than it claims */
	KUNIT_EXPECT_GT(test, allocs, 1000);
	KUNIT_EXPECT_GT(test, refusals, 1000);
	KUNIT_EXPECT_GT(test, frees, 1000);
}

static struct kunit_case mk_pool_cases[] = {
	KUNIT_CASE(mk_pool_fresh),
	KUNIT_CASE(mk_pool_rounds_up),
	KUNIT_CASE(mk_pool_size_zero),
	KUNIT_CASE(mk_pool_whole),
	KUNIT_CASE(mk_pool_exhaustion),
	KUNIT_CASE(mk_pool_first_fit),
	KUNIT_CASE(mk_pool_splits_gap),
	KUNIT_CASE(mk_pool_size_huge),
	KUNIT_CASE(mk_pool_empty),
	KUNIT_CASE(mk_pool_refusal_changes_nothing),
	KUNIT_CASE(mk_pool_node_reuse),
	KUNIT_CASE(mk_pool_random),
	{}
};

static struct kunit_suite mk_pool_suite = {
	.name = "multikernel_mem_pool",
	.test_cases = mk_pool_cases,
};

kunit_test_suite(mk_pool_suite);
