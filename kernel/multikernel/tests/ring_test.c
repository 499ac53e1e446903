// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the record ring
 *
 * What the peer writes may be anything, also while it is being read: no value
 * of it may lead out of the ring or out of a payload buffer.  Ring memory and
 * buffers are guarded, so that one byte too far faults.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../ring.h"
#include "guarded.h"

#define HEADER	((u32)sizeof(struct mk_record))

/* Room for one largest record and some more; whole pages: guarded both sides */
#define SIZE	8192

/* Around the indices: what stands beside them in the page is another's */
#define CANARY	0x5ca1ab1e

/**
 * struct mk_wire - both ends of one ring
 * @tx: writing end
 * @rx: reading end
 * @before: %CANARY
 * @head: shared producer index
 * @between: %CANARY
 * @tail: shared consumer index
 * @after: %CANARY
 * @size: bytes of @data
 * @data: ring memory
 * @src: payload to send ends at the end of these MK_PAYLOAD_MAX bytes
 * @dst: payload received, MK_PAYLOAD_MAX bytes
 */
struct mk_wire {
	struct mk_ring_tx tx;
	struct mk_ring_rx rx;
	u32 before;
	u32 head;
	u32 between;
	u32 tail;
	u32 after;
	u32 size;
	u8 *data;
	u8 *src;
	u8 *dst;
};

static void mk_wire_reset(struct mk_wire *w, u32 at)
{
	w->head = at;
	w->tail = at;
	w->tx.next = at;
	w->rx.next = at;
}

static struct mk_wire *mk_wire(struct kunit *test, u32 size, u32 at)
{
	struct mk_wire *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->size = size;
	w->data = mk_guarded(test, size);
	w->src = mk_guarded(test, MK_PAYLOAD_MAX);
	w->dst = mk_guarded(test, MK_PAYLOAD_MAX);
	w->before = CANARY;
	w->between = CANARY;
	w->after = CANARY;
	w->tx = (struct mk_ring_tx) {
		.data = w->data, .size = size, .head = &w->head, .tail = &w->tail,
	};
	w->rx = (struct mk_ring_rx) {
		.data = w->data, .size = size, .head = &w->head, .tail = &w->tail,
	};
	mk_wire_reset(w, at);

	return w;
}

static void mk_wire_check(struct kunit *test, const struct mk_wire *w)
{
	KUNIT_ASSERT_EQ(test, w->before, CANARY);
	KUNIT_ASSERT_EQ(test, w->between, CANARY);
	KUNIT_ASSERT_EQ(test, w->after, CANARY);
	if (w->size < PAGE_SIZE)
		KUNIT_ASSERT_TRUE(test, mk_untouched(w->data + w->size - PAGE_SIZE,
						     PAGE_SIZE - w->size));
}

static u32 mk_space(u32 len)
{
	return round_up(HEADER + len, 16);
}

static struct mk_record mk_header(u32 len, u64 id)
{
	return (struct mk_record) {
		.len = len,
		.service = (u16)(id * 7 + 1),
		.flags = (u16)(id * 3 + 2),
		.id = id * 0x0101010101010101ULL,
	};
}

/* Differs between neighbours in a record and between neighbouring records */
static u8 mk_byte(u64 id, u32 i)
{
	return id * 31 + i * 7 + (i >> 8);
}

/* Send record @id of @len bytes */
static int mk_send(struct mk_wire *w, u32 len, u64 id)
{
	struct mk_record rec = mk_header(len, id);
	u8 *payload = w->src + MK_PAYLOAD_MAX - len;
	u32 i;

	for (i = 0; i < len; i++)
		payload[i] = mk_byte(id, i);

	return mk_ring_write(&w->tx, &rec, len ? payload : NULL);
}

static bool mk_payload_is(const u8 *payload, u32 len, u64 id)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (payload[i] != mk_byte(id, i))
			return false;

	return true;
}

/* The next record must be @id with @len bytes */
static void mk_expect(struct kunit *test, struct mk_wire *w, u32 len, u64 id)
{
	struct mk_record want = mk_header(len, id), rec;
	u32 next = w->rx.next + mk_space(len);

	memset(w->dst, MK_POISON, MK_PAYLOAD_MAX);
	KUNIT_ASSERT_FALSE(test, mk_ring_empty(&w->rx));
	KUNIT_ASSERT_EQ(test, mk_ring_read(&w->rx, &rec, w->dst), 1);
	KUNIT_ASSERT_EQ(test, memcmp(&rec, &want, HEADER), 0);
	KUNIT_ASSERT_TRUE(test, mk_payload_is(w->dst, len, id));
	KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst + len, MK_PAYLOAD_MAX - len));
	KUNIT_ASSERT_EQ(test, w->rx.next, next);
	KUNIT_ASSERT_EQ(test, w->tail, next);
}

static void mk_expect_empty(struct kunit *test, struct mk_wire *w)
{
	struct mk_record rec;
	u32 next = w->rx.next;

	memset(w->dst, MK_POISON, MK_PAYLOAD_MAX);
	KUNIT_ASSERT_TRUE(test, mk_ring_empty(&w->rx));
	KUNIT_ASSERT_EQ(test, mk_ring_read(&w->rx, &rec, w->dst), 0);
	KUNIT_ASSERT_EQ(test, w->rx.next, next);
	KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst, MK_PAYLOAD_MAX));
}

/* The peer broke the rules: said so, and neither consumed nor published */
static void mk_expect_eproto(struct kunit *test, struct mk_wire *w, const char *what,
			     u32 value)
{
	struct mk_record rec;
	u32 next = w->rx.next, tail = w->tail;

	memset(w->dst, MK_POISON, MK_PAYLOAD_MAX);
	KUNIT_ASSERT_EQ_MSG(test, mk_ring_read(&w->rx, &rec, w->dst), -EPROTO,
			    "%s %#x", what, value);
	KUNIT_ASSERT_EQ(test, w->rx.next, next);
	KUNIT_ASSERT_EQ(test, w->tail, tail);
	KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst, MK_PAYLOAD_MAX));
}

/* Where the indices start: the ordinary case, and a wrap at 2^32 close by */
static const u32 mk_starts[] = { 0, 16, SIZE - 16, 0x7ffffff0, 0xffffe000, 0xfffffff0 };

static void mk_ring_layout(struct kunit *test)
{
	/* ABI: these never change, see boot-protocol.rst */
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_record), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, len), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, service), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, flags), 6);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, id), 8);
	KUNIT_EXPECT_EQ(test, MK_RECORD_ALIGN, 16);
	KUNIT_EXPECT_EQ(test, MK_PAYLOAD_MAX, 4096);
}

/* The bytes that another build has to understand */
static void mk_ring_bytes(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 32);
	struct mk_record rec = {
		.len = 3, .service = 0x1122, .flags = 0x3344, .id = 0x5566778899aabbccULL,
	};
	static const u8 want[] = {
		3, 0, 0, 0, 0x22, 0x11, 0x44, 0x33,
		0xcc, 0xbb, 0xaa, 0x99, 0x88, 0x77, 0x66, 0x55, 'a', 'b', 'c',
	};

	KUNIT_ASSERT_EQ(test, mk_ring_write(&w->tx, &rec, "abc"), 0);
	KUNIT_EXPECT_MEMEQ(test, w->data + 32, want, sizeof(want));
	KUNIT_EXPECT_EQ(test, w->head, 64);
	KUNIT_EXPECT_TRUE(test, mk_untouched(w->data, 32));
	KUNIT_EXPECT_TRUE(test, mk_untouched(w->data + 51, SIZE - 51));
}

static void mk_ring_order(struct kunit *test)
{
	static const u32 lens[] = { 5, 0, 4096, 1, 16, 15, 17, 0, 100 };
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	int i;

	mk_expect_empty(test, w);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		KUNIT_ASSERT_EQ(test, mk_send(w, lens[i], i), 0);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		mk_expect(test, w, lens[i], i);
	mk_expect_empty(test, w);
	mk_wire_check(test, w);
}

/* Every length at every offset, odd ones too: header and payload wrap anywhere */
static void mk_ring_wrap_small(struct kunit *test)
{
	const u32 size = 128;
	struct mk_wire *w = mk_wire(test, size, 0);
	u32 at, len;

	for (at = 0; at < size; at++) {
		for (len = 0; len <= size - HEADER; len++) {
			mk_wire_reset(w, at);
			KUNIT_ASSERT_EQ(test, mk_send(w, len, at + len), 0);
			mk_expect(test, w, len, at + len);
			mk_expect_empty(test, w);
		}
	}
	mk_wire_check(test, w);
}

/* The ring as it is in the window, at each offset where a record can start */
static void mk_ring_wrap_real(struct kunit *test)
{
	static const u32 lens[] = { 0, 1, 17, 4095, 4096 };
	struct mk_wire *w = mk_wire(test, MK_RING_SIZE, 0);
	u32 at;
	int i;

	for (at = 0; at < MK_RING_SIZE; at += MK_RECORD_ALIGN) {
		/* Long ones only where they come near the end */
		for (i = 0; i < (at < MK_RING_SIZE - 4128 ? 3 : ARRAY_SIZE(lens)); i++) {
			mk_wire_reset(w, at);
			KUNIT_ASSERT_EQ(test, mk_send(w, lens[i], at), 0);
			KUNIT_ASSERT_EQ(test, mk_send(w, 3, at + 1), 0);
			mk_expect(test, w, lens[i], at);
			mk_expect(test, w, 3, at + 1);
		}
	}
	mk_expect_empty(test, w);
	mk_wire_check(test, w);
}

/* What -EAGAIN leaves behind: nothing */
static void mk_expect_full(struct kunit *test, struct mk_wire *w, u32 len, u8 *copy)
{
	u32 head = w->head, next = w->tx.next;

	memcpy(copy, w->data, w->size);
	KUNIT_ASSERT_EQ_MSG(test, mk_send(w, len, 0xbad), -EAGAIN, "%u bytes", len);
	KUNIT_ASSERT_EQ(test, w->head, head);
	KUNIT_ASSERT_EQ(test, w->tx.next, next);
	KUNIT_ASSERT_EQ(test, memcmp(copy, w->data, w->size), 0);
}

static void mk_ring_full(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	u8 *copy = mk_guarded(test, SIZE);
	u64 sent, got;
	int i;

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		mk_wire_reset(w, mk_starts[i]);
		sent = 0;
		got = 0;

		/* 170 records of 48 bytes leave 32 of 8192 */
		while (sent < SIZE / 48)
			KUNIT_ASSERT_EQ(test, mk_send(w, 20, sent++), 0);
		mk_expect_full(test, w, 20, copy);
		mk_expect_full(test, w, 17, copy);
		mk_expect_full(test, w, MK_PAYLOAD_MAX, copy);

		/* To the last byte: head - tail is the size, not 0 */
		KUNIT_ASSERT_EQ(test, mk_send(w, 16, sent++), 0);
		KUNIT_ASSERT_EQ(test, w->head - w->tail, SIZE);
		mk_expect_full(test, w, 0, copy);
		mk_expect_full(test, w, 1, copy);

		/* One out, one in, for more than one time round */
		for (; got < 400; got++) {
			mk_expect(test, w, got % 171 == 170 ? 16 : 20, got);
			KUNIT_ASSERT_EQ(test, mk_send(w, sent % 171 == 170 ? 16 : 20, sent),
					0);
			sent++;
			mk_expect_full(test, w, 0, copy);
		}
		for (; got < sent; got++)
			mk_expect(test, w, got % 171 == 170 ? 16 : 20, got);
		mk_expect_empty(test, w);
	}
	mk_wire_check(test, w);
}

static void mk_ring_full_largest(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xffffff00);
	u8 *copy = mk_guarded(test, SIZE);
	int i;

	for (i = 0; i < 10; i++) {
		KUNIT_ASSERT_EQ(test, mk_send(w, MK_PAYLOAD_MAX, i), 0);
		mk_expect_full(test, w, MK_PAYLOAD_MAX, copy);
		KUNIT_ASSERT_EQ(test, mk_send(w, SIZE - 4112 - HEADER, 100 + i), 0);
		mk_expect_full(test, w, 0, copy);
		mk_expect(test, w, MK_PAYLOAD_MAX, i);
		mk_expect(test, w, SIZE - 4112 - HEADER, 100 + i);
		mk_expect_empty(test, w);
	}
	mk_wire_check(test, w);
}

/* A doorbell with no more than a header: neither end looks at the payload */
static void mk_ring_zero_length(struct kunit *test)
{
	struct mk_record rec = mk_header(0, 9), got;
	struct mk_wire *w = mk_wire(test, SIZE, SIZE - 32);
	int i;

	for (i = 0; i < 4; i++) {
		KUNIT_ASSERT_EQ(test, mk_ring_write(&w->tx, &rec, NULL), 0);
		KUNIT_ASSERT_EQ(test, mk_ring_read(&w->rx, &got, w->dst + MK_PAYLOAD_MAX),
				1);
		KUNIT_EXPECT_MEMEQ(test, &got, &rec, HEADER);
	}
	mk_wire_check(test, w);
}

static void mk_ring_too_long(struct kunit *test)
{
	static const u32 lens[] = {
		MK_PAYLOAD_MAX + 1, MK_PAYLOAD_MAX + 16, SIZE, 1U << 31,
		/* With the header added, and rounded up, these are small */
		U32_MAX - 32, U32_MAX - 31, U32_MAX - 16, U32_MAX - 15, U32_MAX - 14,
		U32_MAX,
	};
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	struct mk_record rec = { };
	int i, full;

	for (full = 0; full < 2; full++) {
		u32 head = w->head;

		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			rec.len = lens[i];
			KUNIT_ASSERT_EQ_MSG(test, mk_ring_write(&w->tx, &rec, w->src),
					    -EMSGSIZE, "%u bytes", lens[i]);
		}
		KUNIT_EXPECT_EQ(test, w->head, head);
		KUNIT_EXPECT_EQ(test, w->tx.next, head);
		if (!full)
			KUNIT_EXPECT_TRUE(test, mk_untouched(w->data, SIZE));

		/* Waiting would not help: the same from a full ring */
		while (!full && !mk_send(w, 0, 0))
			;
	}
}

static void mk_ring_index_wrap(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	struct rnd_state rnd;
	u64 sent, got;
	u32 lens[64];
	int i;

	prandom_seed_state(&rnd, 0x6d6b77726170ULL);

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		mk_wire_reset(w, mk_starts[i]);
		sent = 0;
		got = 0;

		/* A few records under way, never fewer than none */
		while (got < 1000) {
			u32 len = prandom_u32_state(&rnd) % 900;

			if (sent - got < ARRAY_SIZE(lens) && !mk_send(w, len, sent)) {
				lens[sent++ % ARRAY_SIZE(lens)] = len;
				if (prandom_u32_state(&rnd) % 4)
					continue;
			}
			while (got < sent && prandom_u32_state(&rnd) % 4) {
				mk_expect(test, w, lens[got % ARRAY_SIZE(lens)], got);
				got++;
			}
		}
		/* It did go round */
		KUNIT_EXPECT_GT(test, w->rx.next - mk_starts[i], 4 * SIZE);
	}
	mk_wire_check(test, w);
}

static void mk_ring_bad_head(struct kunit *test)
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
			/* What is read must be the index, not what lies there */
			KUNIT_ASSERT_EQ(test, mk_send(w, 40, k), 0);
			w->head = mk_starts[i] + ahead[k];
			KUNIT_ASSERT_FALSE(test, mk_ring_empty(&w->rx));
			mk_expect_eproto(test, w, "head ahead by", ahead[k]);

			/* Nothing was consumed: it is all there once that is mended */
			w->head = w->tx.next;
			mk_expect(test, w, 40, k);
			mk_expect_empty(test, w);
		}
	}
	mk_wire_check(test, w);
}

static void mk_ring_bad_length(struct kunit *test)
{
	static const u32 fills[] = { 16, 32, 64, 4112, 4128, SIZE };
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	int i, k, n;

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		for (k = 0; k < ARRAY_SIZE(fills); k++) {
			u32 fits = min_t(u32, fills[k] - HEADER, MK_PAYLOAD_MAX);
			u32 lens[] = {
				/* One more than there is, or than there may be */
				fits + 1, fits + 16, fits + 17,
				MK_PAYLOAD_MAX + 1, MK_PAYLOAD_MAX + 16, SIZE,
				1U << 31, (1U << 31) + 1,
				/* With the header added, and rounded up, these are small */
				U32_MAX - 31, U32_MAX - 16, U32_MAX - 15, U32_MAX - 14,
				U32_MAX,
			};
			u8 *at = w->data + mk_starts[i] % SIZE;

			mk_wire_reset(w, mk_starts[i]);
			KUNIT_ASSERT_EQ(test, mk_send(w, fits, k), 0);
			w->head = mk_starts[i] + fills[k];

			for (n = 0; n < ARRAY_SIZE(lens); n++) {
				memcpy(at, &lens[n], sizeof(u32));
				mk_expect_eproto(test, w, "length", lens[n]);
			}
			memcpy(at, &fits, sizeof(u32));
			mk_expect(test, w, fits, k);
		}
	}
	mk_wire_check(test, w);
}

static void mk_ring_bad_tail(struct kunit *test)
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
			KUNIT_ASSERT_EQ(test, mk_send(w, 40, k), 0);
			next = w->tx.next;
			memcpy(copy, w->data, SIZE);

			w->tail = next - behind[k];
			KUNIT_ASSERT_EQ_MSG(test, mk_send(w, 8, 0xbad), -EPROTO,
					    "tail behind by %#x", behind[k]);
			KUNIT_ASSERT_EQ(test, w->tx.next, next);
			KUNIT_ASSERT_EQ(test, w->head, next);
			KUNIT_ASSERT_EQ(test, memcmp(copy, w->data, SIZE), 0);

			w->tail = w->rx.next;
			KUNIT_ASSERT_EQ(test, mk_send(w, 8, k + 1), 0);
			mk_expect(test, w, 40, k);
			mk_expect(test, w, 8, k + 1);
		}
	}
	mk_wire_check(test, w);
}

/* Each end goes by its private index, whatever happens to the one it shares */
static void mk_ring_own_index_private(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xfffffe00);
	u32 tail, i;

	for (i = 0; i < 500; i++) {
		/* Reader: its tail is scribbled over before it reads */
		KUNIT_ASSERT_EQ(test, mk_send(w, i % 100, i), 0);
		KUNIT_ASSERT_EQ(test, mk_send(w, 24, i + 1), 0);
		w->tail = i * 0x9e3779b9;
		mk_expect(test, w, i % 100, i);
		w->tail = ~w->tail;
		mk_expect(test, w, 24, i + 1);
		tail = w->tail;
		w->tail = 7;
		mk_expect_empty(test, w);
		/* The writer does need what was published, and here it is */
		w->tail = tail;

		/* Writer: its head is scribbled over before it writes */
		w->head = i * 0x9e3779b9;
		KUNIT_ASSERT_EQ(test, mk_send(w, 33, i + 2), 0);
		KUNIT_ASSERT_EQ(test, w->head, w->tx.next);
		mk_expect(test, w, 33, i + 2);
	}
	mk_wire_check(test, w);
}

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

static void mk_ring_garbage_read(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xffff0000);
	u32 seen[3] = { }, i, k;
	struct rnd_state rnd;
	u8 *copy = mk_guarded(test, SIZE);

	prandom_seed_state(&rnd, 0x6d6b72656164ULL);

	for (i = 0; i < 30000; i++) {
		u32 next = w->rx.next, tail = prandom_u32_state(&rnd), len, fill;
		struct mk_record rec;
		int want;

		if (i % 64 == 0) {
			prandom_bytes_state(&rnd, w->data, SIZE);
			memcpy(copy, w->data, SIZE);
		}
		/* Mostly a length that could be one, or hardly any record passes */
		len = prandom_u32_state(&rnd);
		if (len % 4)
			len = (len >> 2) % (MK_PAYLOAD_MAX + 64);
		memcpy(w->data + next % SIZE, &len, sizeof(len));
		memcpy(copy + next % SIZE, &len, sizeof(len));
		w->head = mk_noisy_index(&rnd, next);
		w->tail = tail;
		memset(w->dst, MK_POISON, MK_PAYLOAD_MAX);

		/* The rules once more, in 64 bits */
		fill = w->head - next;
		if (!fill)
			want = 0;
		else if (fill > SIZE || fill % 16 || len > MK_PAYLOAD_MAX ||
			 round_up(16ULL + len, 16) > fill)
			want = -EPROTO;
		else
			want = 1;

		KUNIT_ASSERT_EQ(test, mk_ring_read(&w->rx, &rec, w->dst), want);
		KUNIT_ASSERT_EQ(test, memcmp(copy, w->data, SIZE), 0);
		if (want == 1) {
			KUNIT_ASSERT_EQ(test, rec.len, len);
			for (k = 0; k < len; k++)
				if (w->dst[k] != copy[(next + 16 + k) % SIZE])
					break;
			KUNIT_ASSERT_EQ(test, k, len);
			KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst + len,
							     MK_PAYLOAD_MAX - len));
			next += round_up(16 + len, 16);
			tail = next;
		} else {
			KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst, MK_PAYLOAD_MAX));
		}
		KUNIT_ASSERT_EQ(test, w->rx.next, next);
		KUNIT_ASSERT_EQ(test, w->tail, tail);
		seen[want == 1 ? 0 : want == 0 ? 1 : 2]++;
	}
	mk_wire_check(test, w);

	/* All three must come up, or this tests less than it claims */
	KUNIT_EXPECT_GT(test, seen[0], 1000);
	KUNIT_EXPECT_GT(test, seen[1], 10);
	KUNIT_EXPECT_GT(test, seen[2], 1000);
}

static void mk_ring_garbage_write(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xffff0000);
	u32 seen[3] = { }, i, k;
	struct rnd_state rnd;
	u8 *copy = mk_guarded(test, SIZE);

	prandom_seed_state(&rnd, 0x6d6b77726974ULL);

	for (i = 0; i < 20000; i++) {
		u32 next = w->tx.next, head = w->head, used;
		u32 len = prandom_u32_state(&rnd) % (MK_PAYLOAD_MAX + 1);
		struct mk_record rec = mk_header(len, i);
		int want;

		if (i % 2) {
			len %= 64;
			rec.len = len;
		}
		used = mk_noisy_index(&rnd, 0);
		w->tail = next - used;

		if (used > SIZE || used % 16)
			want = -EPROTO;
		else if (used + mk_space(len) > SIZE)
			want = -EAGAIN;
		else
			want = 0;

		KUNIT_ASSERT_EQ(test, mk_send(w, len, i), want);
		if (!want) {
			for (k = 0; k < 16; k++)
				copy[(next + k) % SIZE] = ((u8 *)&rec)[k];
			for (k = 0; k < len; k++)
				copy[(next + 16 + k) % SIZE] = mk_byte(i, k);
			next += mk_space(len);
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

KUNIT_DEFINE_ACTION_WRAPPER(mk_thread_stop, kthread_stop, struct task_struct *);

/* A thread that is over before the memory it works on is */
static void mk_thread(struct kunit *test, int (*fn)(void *), struct mk_wire *w)
{
	struct task_struct *task;

	/* In turn on one CPU, the two would hardly ever meet */
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");

	task = kthread_run(fn, w, "mk_ring_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_thread_stop, task));
}

/* Lengths of the stream: mostly short, a largest one now and then */
static u32 mk_stream_len(u64 id)
{
	return id % 61 == 60 ? MK_PAYLOAD_MAX : id * 37 % 300;
}

static int mk_stream_writer(void *data)
{
	struct mk_wire *w = data;
	u64 id = 0;

	while (!kthread_should_stop()) {
		/*
		 * By turns: as long as there is room, so that the reader lags;
		 * and only once the reader has everything, so that it is
		 * watching the index when that changes.
		 */
		if ((id & 256) || READ_ONCE(w->tail) == w->tx.next)
			id += !mk_send(w, mk_stream_len(id), id);
		cond_resched();
	}

	return 0;
}

/* Two CPUs, one at each end: no record is lost, torn or seen too early */
static void mk_ring_stream(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xfffff000);
	unsigned long end = jiffies + 30 * HZ;
	struct mk_record rec, want;
	u32 idle = 0;
	u64 id = 0;
	int ret;

	mk_thread(test, mk_stream_writer, w);

	while (id < 5000) {
		ret = mk_ring_read(&w->rx, &rec, w->dst);
		if (!ret) {
			KUNIT_ASSERT_TRUE(test, time_before(jiffies, end));
			if (++idle % 256 == 0)
				cond_resched();
			cpu_relax();
			continue;
		}
		KUNIT_ASSERT_EQ(test, ret, 1);
		want = mk_header(mk_stream_len(id), id);
		KUNIT_ASSERT_EQ(test, memcmp(&rec, &want, HEADER), 0);
		KUNIT_ASSERT_TRUE(test, mk_payload_is(w->dst, rec.len, id));
		id++;
	}
	mk_wire_check(test, w);
}

static int mk_hostile_peer(void *data)
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
			WRITE_ONCE(*len, prandom_u32_state(&rnd) % (MK_PAYLOAD_MAX + 1));
			WRITE_ONCE(*len, prandom_u32_state(&rnd) | BIT(31));
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
static void mk_ring_hostile(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xfffff000);
	unsigned long end = jiffies + 30 * HZ;
	u32 good = 0, i;

	memset(w->data, 0, SIZE);
	mk_thread(test, mk_hostile_peer, w);

	for (i = 0; (i < 20000 || good < 500) && time_before(jiffies, end); i++) {
		u32 next = w->rx.next;
		struct mk_record rec;
		int ret;

		memset(w->dst, MK_POISON, MK_PAYLOAD_MAX);
		ret = mk_ring_read(&w->rx, &rec, w->dst);
		if (ret == 1) {
			KUNIT_ASSERT_LE(test, rec.len, MK_PAYLOAD_MAX);
			next += mk_space(rec.len);
			KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst + rec.len,
							     MK_PAYLOAD_MAX - rec.len));
			good++;
		} else {
			KUNIT_ASSERT_TRUE(test, ret == 0 || ret == -EPROTO);
			KUNIT_ASSERT_TRUE(test, mk_untouched(w->dst, MK_PAYLOAD_MAX));
		}
		KUNIT_ASSERT_EQ(test, w->rx.next, next);
		cond_resched();
	}
	KUNIT_EXPECT_GE(test, good, 500);
	mk_wire_check(test, w);
}

static struct kunit_case mk_ring_cases[] = {
	KUNIT_CASE(mk_ring_layout),
	KUNIT_CASE(mk_ring_bytes),
	KUNIT_CASE(mk_ring_order),
	KUNIT_CASE(mk_ring_wrap_small),
	KUNIT_CASE(mk_ring_wrap_real),
	KUNIT_CASE(mk_ring_full),
	KUNIT_CASE(mk_ring_full_largest),
	KUNIT_CASE(mk_ring_zero_length),
	KUNIT_CASE(mk_ring_too_long),
	KUNIT_CASE(mk_ring_index_wrap),
	KUNIT_CASE(mk_ring_bad_head),
	KUNIT_CASE(mk_ring_bad_length),
	KUNIT_CASE(mk_ring_bad_tail),
	KUNIT_CASE(mk_ring_own_index_private),
	KUNIT_CASE(mk_ring_garbage_read),
	KUNIT_CASE(mk_ring_garbage_write),
	KUNIT_CASE(mk_ring_stream),
	KUNIT_CASE(mk_ring_hostile),
	{}
};

static struct kunit_suite mk_ring_suite = {
	.name = "multikernel_ring",
	.test_cases = mk_ring_cases,
};

kunit_test_suite(mk_ring_suite);
