/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: both ends of one ring, for its tests
 */
#ifndef _MK_TESTS_WIRE_H
#define _MK_TESTS_WIRE_H

#include <linux/align.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/string.h>

#include "../ring.h"
#include "guarded.h"

#define HEADER	((u32)sizeof(struct mk_record))

/* Whole pages: guarded on both sides */
#define SIZE	((u32)PAGE_SIZE)

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
};

/* Empty, and both ends know it */
static inline void mk_wire_reset(struct mk_wire *w, u32 at)
{
	w->head = at;
	w->tail = at;
	w->tx = (struct mk_ring_tx) {
		.data = w->data, .size = w->size, .head = &w->head, .tail = &w->tail,
		.next = at, .seen = at,
	};
	w->rx = (struct mk_ring_rx) {
		.data = w->data, .size = w->size, .head = &w->head, .tail = &w->tail,
		.next = at, .seen = at,
	};
}

static inline struct mk_wire *mk_wire(struct kunit *test, u32 size, u32 at)
{
	struct mk_wire *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->size = size;
	w->data = mk_guarded(test, size);
	w->before = CANARY;
	w->between = CANARY;
	w->after = CANARY;
	mk_wire_reset(w, at);

	return w;
}

static inline void mk_wire_check(struct kunit *test, const struct mk_wire *w)
{
	KUNIT_ASSERT_EQ(test, w->before, CANARY);
	KUNIT_ASSERT_EQ(test, w->between, CANARY);
	KUNIT_ASSERT_EQ(test, w->after, CANARY);
	if (w->size < PAGE_SIZE)
		KUNIT_ASSERT_TRUE(test, mk_untouched(w->data + w->size - PAGE_SIZE,
						     PAGE_SIZE - w->size));
}

static inline u32 mk_space(u32 len)
{
	return round_up(HEADER + len, 16);
}

/* What has to be skipped before a record of @len bytes */
static inline u32 mk_pad(const struct mk_wire *w, u32 at, u32 len)
{
	u32 left = w->size - at % w->size;

	return mk_space(len) > left ? left : 0;
}

static inline struct mk_record mk_header(u32 len, u64 id)
{
	return (struct mk_record) {
		.len = len,
		.service = (u16)(id * 7 + 1),
		.flags = id % 3 ? 0 : MK_RECORD_REQUEST,
		.id = id * 0x0101010101010101ULL,
	};
}

/* Differs between neighbours in a record and between neighbouring records */
static inline u8 mk_byte(u64 id, u32 i)
{
	return id * 31 + i * 7 + (i >> 8);
}

/* Send record @id of @len bytes, if there is room */
static inline int mk_put(struct mk_wire *w, u32 len, u64 id)
{
	struct mk_record rec = mk_header(len, id);
	void *payload;
	u32 pad, i;
	int err;

	err = mk_ring_reserve(&w->tx, len, &pad, &payload);
	if (err)
		return err;
	for (i = 0; i < len; i++)
		((u8 *)payload)[i] = mk_byte(id, i);
	mk_ring_commit(&w->tx, &rec, pad);

	return 0;
}

/* A header as the peer wrote it, wherever it likes */
static inline void mk_forge(struct mk_wire *w, u32 at, u32 len, u16 flags)
{
	struct mk_record rec = { .len = len, .service = 1, .flags = flags };

	memcpy(w->data + at % w->size, &rec, HEADER);
}

static inline bool mk_payload_is(const u8 *payload, u32 len, u64 id)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (payload[i] != mk_byte(id, i))
			return false;

	return true;
}

KUNIT_DEFINE_ACTION_WRAPPER(mk_thread_stop, kthread_stop, struct task_struct *);

/* A thread that is over before the memory it works on is */
static inline void mk_wire_thread(struct kunit *test, int (*fn)(void *), struct mk_wire *w)
{
	struct task_struct *task;

	/* In turn on one CPU, the two would hardly ever meet */
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");

	task = kthread_run(fn, w, "mk_ring_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_thread_stop, task));
}

#endif /* _MK_TESTS_WIRE_H */
