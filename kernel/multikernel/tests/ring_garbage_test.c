// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the record ring, with garbage from the other end
 *
 * Random, with a fixed seed, and held against the rules written down once more;
 * and changing while it is read.  Ring memory is guarded, so that one byte too
 * far faults.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "wire.h"

/* An index of which there are two in three near the truth */
static u32 mk_noisy_index(struct rnd_state *rnd, u32 near)
{
	switch (prandom_u32_state(rnd) % 6) {
	case 0:
		return prandom_u32_state(rnd);
	case 1:
		return near + prandom_u32_state(rnd) % (2 * SIZE);
	default:
		return near + MK_RECORD_ALIGN * (prandom_u32_state(rnd) %
						 (SIZE / MK_RECORD_ALIGN + 2));
	}
}

/* What lies there by the rules, in 64 bits: records and pads up to *@at */
static int mk_model(const struct mk_wire *w, u64 fill, u32 *at, u32 *len)
{
	u64 pos = *at % SIZE, left = SIZE - pos;
	struct mk_record rec;

	if (!fill)
		return 0;
	if (fill > SIZE || fill % 16)
		return -EPROTO;
	memcpy(&rec, w->data + pos, HEADER);
	if (rec.flags == MK_RECORD_PAD) {
		if (!pos || rec.len + 16ULL != left || left > fill)
			return -EPROTO;
		*at += left;
		return mk_model(w, fill - left, at, len);
	}
	*len = rec.len;
	if (rec.len > MK_PAYLOAD_MAX || round_up(16ULL + rec.len, 16) > min(fill, left))
		return -EPROTO;

	return 1;
}

/* Random headers and indices; the reader must come to what the rules say */
static void mk_garbage_read(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xffff0000);
	u32 seen[3] = { }, pads = 0, i;
	struct rnd_state rnd;
	u8 *copy = mk_guarded(test, SIZE);

	prandom_seed_state(&rnd, 0x6d6b72656164ULL);

	for (i = 0; i < 50000; i++) {
		u32 next = w->rx.next, at = next, len = 0, wanted;
		struct mk_record rec;
		const void *payload;
		int want;

		if (i % 64 == 0) {
			prandom_bytes_state(&rnd, w->data, SIZE);
			memcpy(copy, w->data, SIZE);
		}
		/* Mostly what could be, or hardly any record passes */
		wanted = prandom_u32_state(&rnd);
		if (wanted % 8 == 0)
			mk_forge(w, next, SIZE - next % SIZE - HEADER, MK_RECORD_PAD);
		else if (wanted % 4)
			mk_forge(w, next, (wanted >> 2) % (SIZE / 4), wanted >> 16);
		else
			mk_forge(w, next, wanted, 0);
		if (wanted % 3 == 0)
			mk_forge(w, 0, (wanted >> 4) % 256, 0);
		memcpy(copy, w->data, SIZE);
		/* Nothing is remembered: this peer changes its mind each time */
		w->rx.seen = next;
		w->head = mk_noisy_index(&rnd, next);

		want = mk_model(w, w->head - next, &at, &len);
		KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), want);
		KUNIT_ASSERT_EQ(test, memcmp(copy, w->data, SIZE), 0);
		KUNIT_ASSERT_EQ(test, w->rx.next, at);
		pads += at != next;
		if (want == 1) {
			KUNIT_ASSERT_EQ(test, rec.len, len);
			KUNIT_ASSERT_PTR_EQ(test, payload,
					    (const void *)w->data + at % SIZE + HEADER);
			mk_ring_consume(&w->rx);
			KUNIT_ASSERT_EQ(test, w->tail, at + mk_space(len));
		}
		seen[want == 1 ? 0 : want == 0 ? 1 : 2]++;
	}
	mk_wire_check(test, w);

	/* All of them must come up, or this tests less than it claims */
	KUNIT_EXPECT_GT(test, seen[0], 1000);
	KUNIT_EXPECT_GT(test, seen[1], 10);
	KUNIT_EXPECT_GT(test, seen[2], 1000);
	KUNIT_EXPECT_GT(test, pads, 100);
}

/* However full of headers it is, a ring comes to an end */
static void mk_garbage_bounded(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	struct rnd_state rnd;
	u32 i, n, at, most = 0;

	prandom_seed_state(&rnd, 0x6d6b656e64ULL);

	for (i = 0; i < 2000; i++) {
		struct mk_record rec;
		const void *payload;

		at = 16 * prandom_u32_state(&rnd);
		for (n = 0; n < SIZE; n += 16)
			mk_forge(w, n, prandom_u32_state(&rnd) % (i % 2 ? 1 : 64),
				 prandom_u32_state(&rnd) % 4 ? 0 : MK_RECORD_PAD);
		if (i % 4 == 1)
			for (n = 0; n < SIZE; n += 16)
				mk_forge(w, n, 0, 0);
		mk_wire_reset(w, at);
		w->head = at + SIZE;
		for (n = 0; mk_ring_peek(&w->rx, &rec, &payload) == 1; n++) {
			KUNIT_ASSERT_LT(test, n, SIZE / HEADER);
			mk_ring_consume(&w->rx);
			KUNIT_ASSERT_LE(test, w->rx.next - at, SIZE);
		}
		most = max(most, n);
	}
	KUNIT_EXPECT_EQ(test, most, SIZE / HEADER);
	mk_wire_check(test, w);
}

static void mk_garbage_write(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xffff0000);
	u32 seen[3] = { }, i, k;
	struct rnd_state rnd;
	u8 *copy = mk_guarded(test, SIZE);

	prandom_seed_state(&rnd, 0x6d6b77726974ULL);

	for (i = 0; i < 20000; i++) {
		u32 next = w->tx.next, head = w->head, used, pad, at;
		u32 len = prandom_u32_state(&rnd) % (i % 2 ? 64 : SIZE / 2 - HEADER);
		struct mk_record rec = mk_header(len, i);
		int want;

		used = mk_noisy_index(&rnd, 0);
		w->tail = next - used;
		/* As if it had just been full */
		w->tx.seen = next - SIZE;
		pad = mk_pad(w, next, len);

		if (used > SIZE || used % 16)
			want = -EPROTO;
		else if (used + pad + mk_space(len) > SIZE)
			want = -EAGAIN;
		else
			want = 0;

		KUNIT_ASSERT_EQ(test, mk_put(w, len, i), want);
		if (!want) {
			at = (next + pad) % SIZE;
			if (pad) {
				struct mk_record skip = {
					.len = pad - HEADER, .flags = MK_RECORD_PAD,
				};

				memcpy(copy + next % SIZE, &skip, HEADER);
			}
			memcpy(copy + at, &rec, HEADER);
			for (k = 0; k < len; k++)
				copy[at + HEADER + k] = mk_byte(i, k);
			next += pad + mk_space(len);
			head = next;
		}
		/* What was to be written was, and not a byte beside it */
		KUNIT_ASSERT_EQ(test, memcmp(copy, w->data, SIZE), 0);
		KUNIT_ASSERT_EQ(test, w->tx.next, next);
		KUNIT_ASSERT_EQ(test, w->head, head);
		seen[want == 0 ? 0 : want == -EAGAIN ? 1 : 2]++;
	}
	mk_wire_check(test, w);

	KUNIT_EXPECT_GT(test, seen[0], 1000);
	KUNIT_EXPECT_GT(test, seen[1], 1000);
	KUNIT_EXPECT_GT(test, seen[2], 1000);
}

static int mk_garbage_peer(void *data)
{
	struct mk_wire *w = data;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 0x6d6b6576696cULL);

	while (!kthread_should_stop()) {
		u32 next = READ_ONCE(w->rx.next);
		u32 *len = (u32 *)(w->data + next % SIZE);
		int i;

		/* A good header and a bad one in turn, as fast as can be */
		WRITE_ONCE(w->head, next + SIZE);
		for (i = 0; i < 50; i++) {
			WRITE_ONCE(*len, prandom_u32_state(&rnd) % (SIZE - HEADER));
			WRITE_ONCE(len[1], prandom_u32_state(&rnd) % 2 ? 1 : MK_RECORD_PAD << 16);
			WRITE_ONCE(*len, prandom_u32_state(&rnd) | BIT(31));
			WRITE_ONCE(len[1], 1);
			WRITE_ONCE(w->head, mk_noisy_index(&rnd, next));
		}
		cond_resched();
	}

	return 0;
}

/*
 * The header changes while it is read.  Which answer comes out is chance, but
 * a length that was checked must be the one that is used.
 */
static void mk_garbage_in_flight(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xfffff000);
	unsigned long end = jiffies + 60 * HZ;
	u32 good = 0, i;

	if (IS_ENABLED(CONFIG_KCSAN))
		kunit_skip(test, "a data race on purpose");

	memset(w->data, 0, SIZE);
	mk_wire_thread(test, mk_garbage_peer, w);

	for (i = 0; (i < 5000 || good < 100) && time_before(jiffies, end); i++) {
		const u8 *payload;
		struct mk_record rec;
		u32 next, at;
		int ret;

		ret = mk_ring_peek(&w->rx, &rec, (const void **)&payload);
		next = w->rx.next;
		if (ret == 1) {
			at = payload - w->data;
			KUNIT_ASSERT_EQ(test, at, next % SIZE + HEADER);
			KUNIT_ASSERT_LE(test, at + rec.len, SIZE);
			mk_ring_consume(&w->rx);
			KUNIT_ASSERT_EQ(test, w->rx.next, next + mk_space(rec.len));
			good++;
		} else {
			KUNIT_ASSERT_TRUE(test, ret == 0 || ret == -EPROTO);
			/* A channel would stop; this one goes on with a fresh look */
			w->rx.seen = next;
		}
		cond_resched();
	}
	KUNIT_EXPECT_GE(test, good, 100);
	mk_wire_check(test, w);
}

static struct kunit_case mk_garbage_cases[] = {
	KUNIT_CASE(mk_garbage_read),
	KUNIT_CASE(mk_garbage_bounded),
	KUNIT_CASE(mk_garbage_write),
	KUNIT_CASE(mk_garbage_in_flight),
	{}
};

static struct kunit_suite mk_garbage_suite = {
	.name = "multikernel_ring_garbage",
	.test_cases = mk_garbage_cases,
};

kunit_test_suite(mk_garbage_suite);
