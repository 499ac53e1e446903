// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the record ring, with two honest ends
 *
 * ring_hostile_test.c has the other end lie.  Ring memory is guarded, so that
 * one byte too far faults.
 */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "wire.h"

/* The next record must be @id with @len bytes, in one piece */
static void mk_expect(struct kunit *test, struct mk_wire *w, u32 len, u64 id)
{
	struct mk_record want = mk_header(len, id), rec;
	u32 at = w->rx.next + mk_pad(w, w->rx.next, len);
	const void *payload;

	KUNIT_ASSERT_FALSE(test, mk_ring_empty(&w->rx));
	KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), 1);
	KUNIT_ASSERT_EQ(test, memcmp(&rec, &want, HEADER), 0);
	KUNIT_ASSERT_PTR_EQ(test, payload, (const void *)w->data + at % w->size + HEADER);
	KUNIT_ASSERT_TRUE(test, mk_payload_is(payload, len, id));

	/* The room is its own until it is consumed, and then all of it is free */
	KUNIT_ASSERT_EQ(test, w->tail, at);
	mk_ring_consume(&w->rx);
	KUNIT_ASSERT_EQ(test, w->tail, at + mk_space(len));
}

static void mk_expect_empty(struct kunit *test, struct mk_wire *w)
{
	struct mk_record rec;
	const void *payload;
	u32 tail = w->tail;

	KUNIT_ASSERT_TRUE(test, mk_ring_empty(&w->rx));
	KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), 0);
	KUNIT_ASSERT_EQ(test, w->tail, tail);
}

/* Where the indices start: the ordinary case, and a wrap at 2^32 close by */
static const u32 mk_starts[] = { 0, 16, SIZE - 16, 0x7ffffff0, 0xfffff000, 0xfffffff0 };

static void mk_ring_layout(struct kunit *test)
{
	/* ABI: a change of one of these is a new MK_ABI_VERSION */
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_record), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, len), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, service), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, flags), 6);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_record, id), 8);
	KUNIT_EXPECT_EQ(test, MK_RECORD_ALIGN, 16);
	KUNIT_EXPECT_EQ(test, MK_RECORD_PAD, 1);
	KUNIT_EXPECT_GE(test, MK_PAYLOAD_MAX, 65536);
	KUNIT_EXPECT_EQ(test, MK_RING_SIZE, 512 * 1024);
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_ring_ctl), 128);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_ctl, want_room), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_ctl, tail), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_ring_ctl, armed), 68);
}

/* The bytes that another build has to understand */
static void mk_ring_bytes(struct kunit *test)
{
	struct mk_record rec = {
		.len = 3, .service = 0x1122, .flags = 0x3344, .id = 0x5566778899aabbccULL,
	};
	static const u8 want[] = {
		3, 0, 0, 0, 0x22, 0x11, 0x44, 0x33,
		0xcc, 0xbb, 0xaa, 0x99, 0x88, 0x77, 0x66, 0x55, 'a', 'b', 'c',
	};
	/* 48 bytes are left, 32 of them after its header */
	static const u8 pad[] = { 32, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct mk_wire *w = mk_wire(test, SIZE, 32);
	void *payload;
	u32 skip;

	KUNIT_ASSERT_EQ(test, mk_ring_reserve(&w->tx, 3, &skip, &payload), 0);
	memcpy(payload, "abc", 3);
	mk_ring_commit(&w->tx, &rec, skip);
	KUNIT_EXPECT_MEMEQ(test, w->data + 32, want, sizeof(want));
	KUNIT_EXPECT_EQ(test, w->head, 64);
	KUNIT_EXPECT_TRUE(test, mk_untouched(w->data, 32));
	KUNIT_EXPECT_TRUE(test, mk_untouched(w->data + 51, SIZE - 51));

	mk_wire_reset(w, SIZE - 48);
	KUNIT_ASSERT_EQ(test, mk_put(w, 33, 1), 0);
	KUNIT_EXPECT_MEMEQ(test, w->data + SIZE - 48, pad, sizeof(pad));
	KUNIT_EXPECT_EQ(test, w->head, SIZE + 64);
}

static void mk_ring_order(struct kunit *test)
{
	static const u32 large[] = {
		100, 4095, 4096, 65535, 65536, MK_PAYLOAD_MAX - 1, MK_PAYLOAD_MAX,
	};
	struct mk_wire *w = mk_wire(test, MK_RING_SIZE, 0);
	int i;

	mk_expect_empty(test, w);
	for (i = 0; i <= 64; i++)
		KUNIT_ASSERT_EQ(test, mk_put(w, i, i), 0);
	for (i = 0; i <= 64; i++)
		mk_expect(test, w, i, i);
	mk_expect_empty(test, w);

	for (i = 0; i < ARRAY_SIZE(large); i++) {
		KUNIT_ASSERT_EQ(test, mk_put(w, large[i], i), 0);
		KUNIT_ASSERT_EQ(test, mk_put(w, i, 100 + i), 0);
		KUNIT_ASSERT_EQ(test, mk_put(w, large[ARRAY_SIZE(large) - 1 - i], i), 0);
		mk_expect(test, w, large[i], i);
		mk_expect(test, w, i, 100 + i);
		mk_expect(test, w, large[ARRAY_SIZE(large) - 1 - i], i);
	}
	mk_expect_empty(test, w);
	mk_wire_check(test, w);
}

/* Every length at every place: what does not fit before the end begins anew */
static void mk_ring_wrap_small(struct kunit *test)
{
	const u32 size = 512;
	struct mk_wire *w = mk_wire(test, size, 0);
	u32 at, len;

	for (at = 0; at < size; at += 16) {
		for (len = 0; len <= size / 2 - 48; len++) {
			mk_wire_reset(w, at);
			KUNIT_ASSERT_EQ(test, mk_put(w, len, at + len), 0);
			KUNIT_ASSERT_EQ(test, mk_put(w, 3, at + len + 1), 0);
			mk_expect(test, w, len, at + len);
			mk_expect(test, w, 3, at + len + 1);
			mk_expect_empty(test, w);
		}
	}
	mk_wire_check(test, w);
}

/* The ring as it is in the window: in an empty one, each length fits anywhere */
static void mk_ring_wrap_real(struct kunit *test)
{
	static const u32 lens[] = { 0, 1, 17, 65536, MK_PAYLOAD_MAX - 1, MK_PAYLOAD_MAX };
	struct mk_wire *w = mk_wire(test, MK_RING_SIZE, 0);
	struct mk_record rec, got;
	const void *read;
	void *payload;
	u32 at, pad;
	int i;

	for (at = 0; at < MK_RING_SIZE; at += MK_RECORD_ALIGN) {
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			u32 start = at + mk_pad(w, at, lens[i]);

			mk_wire_reset(w, at);
			rec = mk_header(lens[i], at);
			KUNIT_ASSERT_EQ(test, mk_ring_reserve(&w->tx, lens[i], &pad, &payload),
					0);
			KUNIT_ASSERT_PTR_EQ(test, payload,
					    (void *)w->data + start % MK_RING_SIZE + HEADER);
			/* The ends of it: all of it would take minutes */
			if (lens[i]) {
				*(u8 *)payload = i;
				((u8 *)payload)[lens[i] - 1] = i;
			}
			mk_ring_commit(&w->tx, &rec, pad);
			KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &got, &read), 1);
			KUNIT_ASSERT_EQ(test, memcmp(&rec, &got, HEADER), 0);
			KUNIT_ASSERT_PTR_EQ(test, read, (const void *)payload);
			if (lens[i])
				KUNIT_ASSERT_EQ(test, ((u8 *)read)[lens[i] - 1], i);
			mk_ring_consume(&w->rx);
			KUNIT_ASSERT_EQ(test, w->tail, w->head);
		}
	}
	mk_wire_check(test, w);
}

/* What -EAGAIN leaves behind: nothing */
static void mk_expect_full(struct kunit *test, struct mk_wire *w, u32 len, u8 *copy)
{
	u32 head = w->head, next = w->tx.next;

	memcpy(copy, w->data, w->size);
	KUNIT_ASSERT_EQ_MSG(test, mk_put(w, len, 0xbad), -EAGAIN, "%u bytes", len);
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

		/* To the last byte: head - tail is the size, not 0 */
		while (sent < SIZE / 16)
			KUNIT_ASSERT_EQ(test, mk_put(w, 0, sent++), 0);
		KUNIT_ASSERT_EQ(test, w->head - w->tail, SIZE);
		mk_expect_full(test, w, 0, copy);
		mk_expect_full(test, w, MK_PAYLOAD_MAX, copy);

		/* One out, one in, for more than one time round; never one more */
		for (; got < SIZE / 8; got++) {
			mk_expect(test, w, 0, got);
			mk_expect_full(test, w, 1, copy);
			KUNIT_ASSERT_EQ(test, mk_put(w, 0, sent++), 0);
			mk_expect_full(test, w, 0, copy);
		}
		for (; got < sent; got++)
			mk_expect(test, w, 0, got);
		mk_expect_empty(test, w);
	}
	mk_wire_check(test, w);
}

/* -EAGAIN exactly when record and what must be skipped before it do not fit */
static void mk_ring_traffic(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	static u32 lens[SIZE / 16];
	u32 len, room, full = 0;
	struct rnd_state rnd;
	u64 sent, got;
	int i;

	prandom_seed_state(&rnd, 0x6d6b77726170ULL);

	for (i = 0; i < ARRAY_SIZE(mk_starts); i++) {
		mk_wire_reset(w, mk_starts[i]);
		sent = 0;
		got = 0;

		while (got < 1000) {
			len = prandom_u32_state(&rnd) % (prandom_u32_state(&rnd) % 4 ? 64 : 900);
			room = SIZE - (w->tx.next - w->tail);
			if (mk_pad(w, w->tx.next, len) + mk_space(len) <= room) {
				KUNIT_ASSERT_EQ(test, mk_put(w, len, sent), 0);
				lens[sent++ % ARRAY_SIZE(lens)] = len;
			} else {
				KUNIT_ASSERT_EQ(test, mk_put(w, len, 0xbad), -EAGAIN);
				full++;
			}
			while (got < sent && prandom_u32_state(&rnd) % 2) {
				mk_expect(test, w, lens[got % ARRAY_SIZE(lens)], got);
				got++;
			}
		}
		/* It did go round */
		KUNIT_EXPECT_GT(test, w->rx.next - mk_starts[i], 4 * SIZE);
	}
	KUNIT_EXPECT_GT(test, full, 100);
	mk_wire_check(test, w);
}

static void mk_ring_too_long(struct kunit *test)
{
	static const u32 lens[] = {
		MK_PAYLOAD_MAX + 1, MK_PAYLOAD_MAX + 16, MK_RING_SIZE, 1U << 31,
		/* With the header added, and rounded up, these are small */
		U32_MAX - 32, U32_MAX - 31, U32_MAX - 16, U32_MAX - 15, U32_MAX - 14,
		U32_MAX,
	};
	struct mk_wire *w = mk_wire(test, SIZE, 0);
	int i, full;

	for (full = 0; full < 2; full++) {
		u32 head = w->head, pad;
		void *payload;

		/* Waiting would not help: the same from a full ring */
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			KUNIT_ASSERT_EQ_MSG(test, mk_ring_reserve(&w->tx, lens[i], &pad, &payload),
					    -EMSGSIZE, "%u bytes", lens[i]);
		KUNIT_EXPECT_EQ(test, w->head, head);
		KUNIT_EXPECT_EQ(test, w->tx.next, head);
		while (!full && !mk_put(w, 0, 0))
			;
	}
}

/* Until it is committed, a record is nothing: neither to the peer nor to the next */
static void mk_ring_uncommitted(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, SIZE - 64);
	struct mk_record rec;
	void *payload;
	u32 pad;

	KUNIT_ASSERT_EQ(test, mk_ring_reserve(&w->tx, 100, &pad, &payload), 0);
	KUNIT_EXPECT_EQ(test, pad, 64);
	KUNIT_EXPECT_PTR_EQ(test, payload, (void *)w->data + HEADER);
	mk_expect_empty(test, w);

	KUNIT_ASSERT_EQ(test, mk_put(w, 20, 1), 0);
	mk_expect(test, w, 20, 1);
	mk_expect_empty(test, w);

	/* Shorter than reserved: what is committed counts */
	KUNIT_ASSERT_EQ(test, mk_ring_reserve(&w->tx, 500, &pad, &payload), 0);
	rec = mk_header(0, 2);
	mk_ring_commit(&w->tx, &rec, pad);
	KUNIT_ASSERT_EQ(test, mk_put(w, 20, 3), 0);
	KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, (const void **)&payload), 1);
	KUNIT_EXPECT_EQ(test, rec.len, 0);
	mk_ring_consume(&w->rx);
	mk_expect(test, w, 20, 3);
	mk_expect_empty(test, w);
	mk_wire_check(test, w);
}

/* A record that was looked at and not consumed is still there */
static void mk_ring_peek_twice(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, SIZE - 32);
	struct mk_record rec;
	const void *payload;
	int i;

	KUNIT_ASSERT_EQ(test, mk_put(w, 77, 1), 0);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, mk_ring_peek(&w->rx, &rec, &payload), 1);
	mk_expect(test, w, 77, 1);
	mk_expect_empty(test, w);
}

/* Lengths of the stream: mostly short, a longer one now and then */
static u32 mk_stream_len(u64 id)
{
	return id % 61 == 60 ? SIZE / 2 - HEADER : id * 37 % 300;
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
			id += !mk_put(w, mk_stream_len(id), id);
		cond_resched();
	}

	return 0;
}

/* Two CPUs, one at each end: no record is lost, torn or seen too early */
static void mk_ring_stream(struct kunit *test)
{
	struct mk_wire *w = mk_wire(test, SIZE, 0xfffff000);
	unsigned long end = jiffies + 60 * HZ;
	struct mk_record rec, want;
	const void *payload;
	u32 idle = 0;
	u64 id = 0;
	int ret;

	mk_wire_thread(test, mk_stream_writer, w);

	while (id < 2000) {
		ret = mk_ring_peek(&w->rx, &rec, &payload);
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
		KUNIT_ASSERT_TRUE(test, mk_payload_is(payload, rec.len, id));
		mk_ring_consume(&w->rx);
		id++;
	}
	mk_wire_check(test, w);
}

static struct kunit_case mk_ring_cases[] = {
	KUNIT_CASE(mk_ring_layout),
	KUNIT_CASE(mk_ring_bytes),
	KUNIT_CASE(mk_ring_order),
	KUNIT_CASE(mk_ring_wrap_small),
	KUNIT_CASE(mk_ring_wrap_real),
	KUNIT_CASE(mk_ring_full),
	KUNIT_CASE(mk_ring_traffic),
	KUNIT_CASE(mk_ring_too_long),
	KUNIT_CASE(mk_ring_uncommitted),
	KUNIT_CASE(mk_ring_peek_twice),
	KUNIT_CASE(mk_ring_stream),
	{}
};

static struct kunit_suite mk_ring_suite = {
	.name = "multikernel_ring",
	.test_cases = mk_ring_cases,
};

kunit_test_suite(mk_ring_suite);
