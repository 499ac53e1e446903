// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the record ring, with another end that lies
 *
 * The values are chosen here, and random in ring_garbage_test.c.  What the peer
 * writes may be anything, also while it is being read.  Whatever it is: the
 * reader finds a record that lies in the ring as a whole, or an empty ring, or
 * -EPROTO, and the writer stays where the peer has read.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "wire.h"

static const u32 mk_starts[] = { 0, 16, SIZE - 16, 0x7ffffff0, 0xfffff000, 0xfffffff0 };

/* The peer broke the rules: said so, and neither consumed nor published */
static void mk_expect_eproto(struct kunit *test, struct mk_wire *w, const char *what,
			     u32 value)
{
	struct mk_record rec;
	u32 next = w->rx.next, tail = w->tail;
	const void *payload;

	KUNIT_ASSERT_EQ_MSG(test, mk_ring_peek(&w->rx, &rec, &payload), -EPROTO,
			    "%s %#x at %#x", what, value, next);
	KUNIT_ASSERT_EQ(test, w->rx.next, next);
	KUNIT_ASSERT_EQ(test, w->tail, tail);
}

static void mk_expect_len(struct kunit *test, struct mk_wire *w, u32 len)
{
	struct mk_record rec;
	const void *payload;

	KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), 1);
	KUNIT_ASSERT_EQ(test, rec.len, len);
	mk_ring_consume(&w->rx);
}

static void mk_hostile_head(struct kunit *test)
{
	static const u32 ahead[] = {
		/* More than fits */
		SIZE + 1, SIZE + 15, SIZE + 16, 2 * SIZE, 1U << 31, (1U << 31) + 16,
		/* Behind the reader */
		-16U, -32U, -(u32)SIZE, -(u32)SIZE - 16, -1U,
		/* Inside, but no record ends there */
		1, 2, 4, 8, 15, 17, 31, 33, SIZE - 15, SIZE - 1,
	};
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	int i, k;

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		for (k = 0; k < ARRAY_SIZE(ahead); k++) {
			mk_wire_reset(w, mk_starts[i]);
			/* What is refused must be the index, not what lies there */
			KUNIT_ASSERT_EQ(test, mk_put(w, 0, k), 0);
			w->head = mk_starts[i] + ahead[k];
			KUNIT_ASSERT_FALSE(test, mk_ring_empty(&w->rx));
			mk_expect_eproto(test, w, "head ahead by", ahead[k]);

			/* Nothing was consumed: it is all there once that is mended */
			w->head = w->tx.next;
			mk_expect_len(test, w, 0);
		}
	}
	mk_wire_check(test, w);
}

static void mk_hostile_length(struct kunit *test)
{
	/* Bytes between the header's start and head, or the end of the ring */
	static const u32 fills[] = { 16, 32, 64, 1024, SIZE };
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	int i, k, n;

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		for (k = 0; k < ARRAY_SIZE(fills); k++) {
			u32 at = mk_starts[i];
			/* Not beyond the end, whatever the index says */
			u32 fits = min(fills[k], SIZE - at % SIZE) - HEADER;
			u32 lens[] = {
				fits + 1, fits + 15, fits + 16, fits + 17, SIZE,
				MK_PAYLOAD_MAX, MK_PAYLOAD_MAX + 1, MK_PAYLOAD_MAX + 16,
				1U << 31, (1U << 31) + 1,
				/* With the header added, and rounded up, these are small */
				U32_MAX - 31, U32_MAX - 16, U32_MAX - 15, U32_MAX - 14,
				U32_MAX,
			};

			mk_wire_reset(w, at);
			w->head = at + fills[k];
			for (n = 0; n < ARRAY_SIZE(lens); n++) {
				mk_forge(w, at, lens[n], 0);
				mk_expect_eproto(test, w, "length", lens[n]);
			}
			mk_forge(w, at, fits, 0);
			mk_expect_len(test, w, fits);
		}
	}
	mk_wire_check(test, w);
}

/* In the ring of the window MK_PAYLOAD_MAX is the bound, not the ring */
static void mk_hostile_length_real(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, MK_RING_SIZE, 0);
	static const u32 lens[] = {
		MK_PAYLOAD_MAX + 1, MK_PAYLOAD_MAX + 16, MK_RING_SIZE - HEADER,
	};
	int i;

	w->head = MK_RING_SIZE;
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		mk_forge(w, 0, lens[i], 0);
		mk_expect_eproto(test, w, "length", lens[i]);
	}
	mk_forge(w, 0, MK_PAYLOAD_MAX, 0);
	mk_expect_len(test, w, MK_PAYLOAD_MAX);
	mk_wire_check(test, w);
}

static void mk_hostile_pad(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	u32 at, len;

	for (at = SIZE; at < 2 * SIZE; at += 16) {
		u32 left = SIZE - at % SIZE;

		/* Only one that reaches to the end exactly, and not the whole ring */
		mk_wire_reset(w, at);
		w->head = at + SIZE;
		for (len = 0; len <= SIZE; len += 8) {
			if (len == left - HEADER && at != SIZE)
				continue;
			mk_forge(w, at, len, MK_RECORD_PAD);
			mk_expect_eproto(test, w, "pad", len);
		}
		mk_forge(w, at, left - HEADER, MK_RECORD_PAD);
		if (at == SIZE) {
			mk_expect_eproto(test, w, "pad at the beginning", at);
			continue;
		}

		/* Of which not all was written yet: a pad has a record behind it */
		if (left > 16) {
			mk_wire_reset(w, at);
			w->head = at + left - 16;
			mk_expect_eproto(test, w, "half a pad", left);
		}

		/* Another one behind it */
		mk_wire_reset(w, at);
		w->head = at + SIZE;
		mk_forge(w, 0, SIZE - HEADER, MK_RECORD_PAD);
		{
			struct mk_record rec;
			const void *payload;

			KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), -EPROTO);
			KUNIT_ASSERT_EQ(test, w->tail, at + left);
		}

		/* Nothing behind it: odd, but the ring is empty then */
		mk_wire_reset(w, at);
		w->head = at + left;
		{
			struct mk_record rec;
			const void *payload;

			KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), 0);
			KUNIT_ASSERT_EQ(test, w->tail, at + left);
		}
	}
	mk_wire_check(test, w);
}

/* Other flags are not the ring's: who asked sees them all */
static void mk_hostile_flags(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	struct mk_record rec;
	const void *payload;
	u32 flags;

	for (flags = 0; flags <= U16_MAX; flags++) {
		if (flags == MK_RECORD_PAD)
			continue;
		mk_wire_reset(w, 0);
		mk_forge(w, 0, 16, flags);
		w->head = 32;
		KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), 1);
		KUNIT_ASSERT_EQ(test, rec.flags, flags);
	}
}

static void mk_hostile_tail(struct kunit *test)
{
	static const u32 behind[] = {
		/* Ahead of the writer */
		-1U, -16U, -32U, -(u32)SIZE, 1U << 31, (1U << 31) + 16,
		/* More than fits under way */
		SIZE + 1, SIZE + 16, 2 * SIZE,
		/* No record ends there */
		1, 8, 15, 17, SIZE - 1,
	};
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	u8 *copy = mk_guarded(test, SIZE);
	int i, k;

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		for (k = 0; k < ARRAY_SIZE(behind); k++) {
			u32 next;

			mk_wire_reset(w, mk_starts[i]);
			while (!mk_put(w, 16, k))
				;
			next = w->tx.next;
			memcpy(copy, w->data, SIZE);

			w->tail = next - behind[k];
			KUNIT_ASSERT_EQ_MSG(test, mk_put(w, 8, 0xbad), -EPROTO,
					    "tail behind by %#x", behind[k]);
			KUNIT_ASSERT_EQ(test, w->tx.next, next);
			KUNIT_ASSERT_EQ(test, w->head, next);
			KUNIT_ASSERT_EQ(test, memcmp(copy, w->data, SIZE), 0);

			w->tail = next;
			KUNIT_ASSERT_EQ(test, mk_put(w, 8, k + 1), 0);
		}
	}
	mk_wire_check(test, w);
}

/* An index that was checked is used up before the peer's word is looked at again */
static void mk_hostile_index_once(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	struct mk_record rec;
	const void *payload;
	u32 i;

	/* The writer knows of a whole ring of room */
	w->tail = 12345;
	for (i = 0; i < SIZE / 32; i++)
		KUNIT_ASSERT_EQ(test, mk_put(w, 16, i), 0);
	KUNIT_ASSERT_EQ(test, mk_put(w, 16, i), -EPROTO);
	w->tail = 0;
	KUNIT_ASSERT_EQ(test, mk_put(w, 16, i), -EAGAIN);

	/* The reader of a ring full of records */
	mk_expect_len(test, w, 16);
	w->head = 12345;
	for (i = 1; i < SIZE / 32; i++)
		mk_expect_len(test, w, 16);
	KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), -EPROTO);
	mk_wire_check(test, w);
}

/* Each end goes by its private index, whatever happens to the one it shares */
static void mk_hostile_own_index(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xfffffe00);
	u32 i;

	for (i = 0; i < 500; i++) {
		KUNIT_ASSERT_EQ(test, mk_put(w, i % 100, i), 0);
		KUNIT_ASSERT_EQ(test, w->head, w->tx.next);
		w->tail = i * 0x9e3779b9;
		mk_expect_len(test, w, i % 100);
		KUNIT_ASSERT_EQ(test, w->tail, w->rx.next);
		w->head = i * 0x9e3779b9;
	}
	mk_wire_check(test, w);
}

static struct kunit_case mk_hostile_cases[] = {
	KUNIT_CASE(mk_hostile_head),
	KUNIT_CASE(mk_hostile_length),
	KUNIT_CASE(mk_hostile_length_real),
	KUNIT_CASE(mk_hostile_pad),
	KUNIT_CASE(mk_hostile_flags),
	KUNIT_CASE(mk_hostile_tail),
	KUNIT_CASE(mk_hostile_index_once),
	KUNIT_CASE(mk_hostile_own_index),
	{}
};

static struct kunit_suite mk_hostile_suite = {
	.name = "multikernel_ring_hostile",
	.test_cases = mk_hostile_cases,
};

kunit_test_suite(mk_hostile_suite);
