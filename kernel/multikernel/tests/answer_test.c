// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of requests and their answers
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "loopback.h"

/* What the receiver does with a request, by its length */
enum {
	MK_ASK_SILENT	= 1,	/* says nothing */
	MK_ASK_ERROR	= 2,	/* says the errno that it begins with */
	MK_ASK_GATE	= 3,	/* waits for the test, then sends it back */
	MK_ASK_BACK	= 4,	/* asks in turn, from where it may not */
	MK_ASK_LONGER	= 5,	/* says more than was asked */
	MK_ASK_KEEP	= 6,	/* keeps the id for the test */
	MK_ASK_ECHO	= 7,	/* this and anything longer: sends it back */
};

struct mk_kept {
	u64 id;
	int asked;
};

static int mk_receive_ask(struct mk_probe *probe, struct mk_side *side,
			  const struct mk_message *msg)
{
	struct mk_kept *kept = probe->data;
	u8 longer[64] = { };

	if (!msg->request)
		return 0;
	switch (msg->len) {
	case MK_ASK_SILENT:
		return 0;
	case MK_ASK_ERROR:
		return -*(const u8 *)msg->data;
	case MK_ASK_GATE:
		mk_probe_wait(probe);
		break;
	case MK_ASK_BACK:
		WRITE_ONCE(kept->asked, mk_request(side->ep, "", 0, NULL, 0, HZ));
		break;
	case MK_ASK_LONGER:
		return mk_reply(side->ep, msg->request, longer, sizeof(longer));
	case MK_ASK_KEEP:
		WRITE_ONCE(kept->id, msg->request);
		return 0;
	}
	if (mk_reply(side->ep, msg->request, msg->data, msg->len))
		WRITE_ONCE(side->wrong, side->wrong + 1);

	return 0;
}

static struct mk_pair mk_ask_pair(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_ask);
	struct mk_kept *kept = kunit_kzalloc(test, sizeof(*kept), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, kept);
	p.probe->data = kept;

	return p;
}

static struct mk_kept *mk_kept(const struct mk_pair *p)
{
	return p->probe->data;
}

static void mk_expect_echo(struct kunit *test, struct mk_call *call)
{
	KUNIT_ASSERT_EQ(test, mk_call_result(test, call), call->len);
	KUNIT_ASSERT_TRUE(test, mk_filled(call->reply, call->len, call->seq));
}

static bool mk_nobody_waits(struct mk_channel *ch)
{
	return !READ_ONCE(ch->nr_requests);
}

static void mk_answer_lengths(struct kunit *test)
{
	static const u32 lens[] = { 7, 8, 64, 4096, 65536, MK_PAYLOAD_MAX };
	struct mk_pair p = mk_ask_pair(test);
	u32 i;

	for (i = 0; i < 60; i++) {
		mk_expect_echo(test, mk_call_request(test, p.host->ep, lens[i % 6], i,
						     MK_TEST_TIMEOUT));
		mk_expect_echo(test, mk_call_request(test, p.spawn->ep, lens[i % 6], i,
						     MK_TEST_TIMEOUT));
	}
	KUNIT_EXPECT_EQ(test, mk_request(p.host->ep, "", 0, NULL, 0, MK_TEST_TIMEOUT), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, stray_replies), 0);
	KUNIT_EXPECT_EQ(test, p.loop->host.ch.nr_requests, 0);
	mk_pair_check(test, &p);
}

static void mk_answer_errors(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	struct mk_endpoint *ep = p.host->ep;
	/* The second is not for want of room */
	static const u8 errors[][MK_ASK_ERROR] = { { EDQUOT }, { EAGAIN }, { ETIMEDOUT } };
	u8 reply[64], room[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		KUNIT_EXPECT_EQ(test, mk_request(ep, errors[i], MK_ASK_ERROR, reply, 64,
						 MK_TEST_TIMEOUT), -errors[i][0]);

	/* An answer that is too long leaves what is there alone */
	memset(room, 0x5a, sizeof(room));
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, mk_request(ep, "abcde", MK_ASK_LONGER, room, i,
						 MK_TEST_TIMEOUT), -EMSGSIZE);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(room, 0x5a, sizeof(room)), NULL);
	KUNIT_EXPECT_EQ(test, mk_request(ep, "abcde", MK_ASK_LONGER, reply, 64, MK_TEST_TIMEOUT),
			64);

	KUNIT_EXPECT_EQ(test, mk_request(ep, "", 0, NULL, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mk_request(ep, "", 0, NULL, 0, -1), -EINVAL);

	/* Of a handler: it is what would have to read the answer */
	KUNIT_EXPECT_EQ(test, mk_request(ep, "abcd", MK_ASK_BACK, reply, 64, MK_TEST_TIMEOUT), 4);
	KUNIT_EXPECT_EQ(test, READ_ONCE(mk_kept(&p)->asked), -EDEADLK);
	mk_pair_check(test, &p);
}

/* To what the peer does not serve any more */
static void mk_answer_unknown(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	struct mk_endpoint *ep = p.host->ep;
	u64 refused = mk_stat(&p.loop->spawn, refused);

	p.probe->service.receive = NULL;
	KUNIT_EXPECT_EQ(test, mk_request(ep, "", 0, NULL, 0, MK_TEST_TIMEOUT), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, mk_send(ep, "", 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, refused) == refused + 2));
	mk_pair_check(test, &p);
}

/* In no time: the answer that comes then completes nothing, not even the next */
static void mk_answer_late(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	unsigned long start = jiffies;
	struct mk_call *call;
	u64 id;

	KUNIT_EXPECT_EQ(test, mk_request(p.host->ep, "abcdef", MK_ASK_KEEP, NULL, 0, HZ / 10),
			-ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies - start, HZ / 10);
	KUNIT_EXPECT_TRUE(test, mk_nobody_waits(&p.loop->host.ch));
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(mk_kept(&p)->id)));
	id = mk_kept(&p)->id;
	WRITE_ONCE(mk_kept(&p)->id, 0);

	call = mk_call_request(test, p.host->ep, MK_ASK_KEEP, 0, MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(mk_kept(&p)->id)));
	KUNIT_EXPECT_NE(test, mk_kept(&p)->id, id);
	KUNIT_EXPECT_EQ(test, mk_reply(p.spawn->ep, id, "abcdef", 6), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->host, stray_replies) == 1));
	KUNIT_EXPECT_FALSE(test, mk_call_over(call));

	KUNIT_EXPECT_EQ(test, mk_reply(p.spawn->ep, mk_kept(&p)->id, "ABCDEF", 6), 0);
	KUNIT_ASSERT_EQ(test, mk_call_result(test, call), 6);
	KUNIT_EXPECT_MEMEQ(test, call->reply, "ABCDEF", 6);

	/* The same once more */
	KUNIT_EXPECT_EQ(test, mk_reply(p.spawn->ep, mk_kept(&p)->id, "ABCDEF", 6), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->host, stray_replies) == 2));
	mk_pair_check(test, &p);
}

/* Right id, other service; near ids; none */
static void mk_answer_false(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_ask_pair(test);
	u64 stray = mk_stat(&p.loop->host, stray_replies);
	struct mk_call *call;
	u64 id;
	int i;

	mk_probe_register(test, other);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(other)));
	call = mk_call_request(test, p.host->ep, MK_ASK_KEEP, 0, MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(mk_kept(&p)->id)));
	id = mk_kept(&p)->id;

	{
		const u64 ids[] = { 0, id + 1, id - 1, ~id, id | BIT_ULL(63), id << 32 };

		for (i = 0; i < ARRAY_SIZE(ids); i++) {
			KUNIT_EXPECT_EQ(test, mk_reply(p.spawn->ep, ids[i], "bad", 3), 0);
			KUNIT_EXPECT_EQ(test, mk_reply_error(p.spawn->ep, ids[i], -EIO), 0);
		}
	}
	KUNIT_EXPECT_EQ(test, mk_reply(other->spawn.ep, id, "bad", 3), 0);
	KUNIT_EXPECT_EQ(test, mk_reply_error(other->spawn.ep, id, -EIO), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->host, stray_replies) == stray + 14));
	KUNIT_EXPECT_FALSE(test, mk_call_over(call));

	KUNIT_EXPECT_EQ(test, mk_reply(p.spawn->ep, id, "good", 4), 0);
	KUNIT_EXPECT_EQ(test, mk_call_result(test, call), 4);
	mk_pair_check(test, &p);
}

/* The peer dies while many wait, some of them for their turn: all end at once */
static void mk_answer_death(struct kunit *test)
{
	struct mk_call *calls[MK_REQUESTS_MAX + 6];
	struct mk_pair p = mk_ask_pair(test);
	unsigned long start;
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = mk_call_request(test, p.host->ep, MK_ASK_SILENT, i,
					   10 * MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == MK_REQUESTS_MAX));
	start = jiffies;
	mk_loop_close_end(&p.loop->host);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_EQ(test, mk_call_result(test, calls[i]), -EPIPE);
	KUNIT_EXPECT_LT(test, jiffies - start, MK_TEST_TIMEOUT);
	KUNIT_EXPECT_EQ(test, p.loop->host.ch.nr_requests, 0);
	mk_pair_check(test, &p);
}

/* The service goes away under them */
static void mk_answer_withdrawn(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	struct mk_call *calls[4];
	struct mk_endpoint *ep = p.host->ep;
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = mk_call_request(test, ep, MK_ASK_SILENT, i, 10 * MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == ARRAY_SIZE(calls)));
	mk_probe_unregister(p.probe);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_EQ(test, mk_call_result(test, calls[i]), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, mk_request(ep, "", 0, NULL, 0, HZ), -ENOTCONN);
	mk_pair_check(test, &p);
}

/* More than may wait at once: the rest waits for its turn, and all are answered */
static void mk_answer_many(struct kunit *test)
{
	static struct mk_call *calls[3 * MK_REQUESTS_MAX];
	struct mk_pair p = mk_ask_pair(test);
	struct mk_call *gate;
	int i;

	gate = mk_call_request(test, p.host->ep, MK_ASK_GATE, 0, MK_TEST_TIMEOUT);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = mk_call_request(test, p.host->ep, 20 + i, i, MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(p.loop->host.ch.nr_requests) == MK_REQUESTS_MAX));
	complete_all(&p.probe->gate);
	mk_expect_echo(test, gate);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		mk_expect_echo(test, calls[i]);
	KUNIT_EXPECT_TRUE(test, mk_nobody_waits(&p.loop->host.ch));
	mk_pair_check(test, &p);
}

/* Waiting for a turn has an end, too */
static void mk_answer_no_turn(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	struct mk_call *calls[MK_REQUESTS_MAX];
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = mk_call_request(test, p.host->ep, MK_ASK_SILENT, i,
					   10 * MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(p.loop->host.ch.nr_requests) == MK_REQUESTS_MAX));
	KUNIT_EXPECT_EQ(test, mk_request(p.host->ep, "", 0, NULL, 0, HZ / 10), -ETIMEDOUT);
	mk_loop_close_end(&p.loop->host);
	mk_pair_check(test, &p);
}

/* Who does not wait any longer for an answer makes room for the next one */
static void mk_answer_next_turn(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	struct mk_channel *ch = &p.loop->host.ch;
	struct mk_call *late, *next;
	int i;

	for (i = 1; i < MK_REQUESTS_MAX; i++)
		mk_call_request(test, p.host->ep, MK_ASK_SILENT, i, 10 * MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(ch->nr_requests) == i - 1));
	late = mk_call_request(test, p.host->ep, MK_ASK_SILENT, 0, HZ);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(ch->nr_requests) == MK_REQUESTS_MAX ||
					mk_call_over(late)));
	next = mk_call_request(test, p.host->ep, MK_ASK_ECHO, i, 10 * MK_TEST_TIMEOUT);
	KUNIT_EXPECT_TRUE(test, mk_soon(wq_has_sleeper(&ch->request_wait) ||
					mk_call_over(late)));
	KUNIT_EXPECT_EQ(test, mk_call_result(test, late), -ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_call_over(next)));
	mk_loop_close_end(&p.loop->host);
	mk_expect_echo(test, next);
	mk_pair_check(test, &p);
}

/* Nor does who waits for his turn keep his service from going away */
static void mk_answer_turn_withdrawn(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_ask_pair(test);
	struct mk_channel *ch = &p.loop->host.ch;
	struct mk_call *call;
	int i;

	mk_probe_register(test, other);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(other)));
	for (i = 0; i < MK_REQUESTS_MAX; i++)
		mk_call_request(test, p.host->ep, MK_ASK_SILENT, i, 10 * MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(ch->nr_requests) == MK_REQUESTS_MAX));
	call = mk_call_request(test, other->host.ep, MK_ASK_SILENT, 0, 10 * MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(wq_has_sleeper(&ch->request_wait)));

	mk_probe_unregister(other);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_call_over(call)));
	/* It was no answer that made room */
	KUNIT_EXPECT_EQ(test, READ_ONCE(ch->nr_requests), MK_REQUESTS_MAX);
	mk_loop_close_end(&p.loop->host);
	KUNIT_EXPECT_EQ(test, mk_call_result(test, call), -ENOTCONN);
	mk_pair_check(test, &p);
}

static int mk_receive_late(struct mk_probe *probe, struct mk_side *side,
			   const struct mk_message *msg)
{
	if (msg->request) {
		if (mk_reply(side->ep, msg->request, msg->data, msg->len))
			WRITE_ONCE(side->wrong, side->wrong + 1);
	} else if (side == &probe->host) {
		mk_probe_wait(probe);
	}

	return 0;
}

/* Answers that find a full ring are kept, and come once there is room */
static void mk_answer_full_ring(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_late);
	struct mk_call *calls[20];
	int i;

	/* The host reads nothing for now, and the spawn's ring fills up */
	KUNIT_ASSERT_EQ(test, mk_send(p.spawn->ep, "", 0, 0), 0);
	KUNIT_ASSERT_TRUE(test, mk_soon(mutex_is_locked(&p.loop->host.ch.rx_lock)));
	while (!mk_send_filled(p.spawn, 20000, 0, 0))
		;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = mk_call_request(test, p.host->ep, 20000 + i, i, MK_TEST_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, late_replies) ==
					ARRAY_SIZE(calls)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(p.loop->spawn.ch.nr_late), ARRAY_SIZE(calls));
	complete_all(&p.probe->gate);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		mk_expect_echo(test, calls[i]);
	KUNIT_EXPECT_TRUE(test, mk_soon(!READ_ONCE(p.loop->spawn.ch.nr_late)));
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, unanswered), 0);
	mk_pair_check(test, &p);
}

/* Of this task's allocations that may fail number @nth does, 0 for none: can that be had? */
static bool mk_fail_allocation(unsigned int nth)
{
#ifdef CONFIG_FAILSLAB
	WRITE_ONCE(current->fail_nth, nth);
#endif
	return IS_ENABLED(CONFIG_FAILSLAB);
}

/*
 * An answer that finds no room, nor memory to be kept in, is dropped and counted.  Who
 * waits for it waits until his time is over, and is none the worse for it.
 */
static void mk_answer_no_memory(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	unsigned long start = jiffies;
	struct mk_call *call;
	size_t len;

	if (!mk_fail_allocation(0))
		kunit_skip(test, "CONFIG_FAILSLAB is off");
	call = mk_call_request(test, p.host->ep, MK_ASK_KEEP, 0, 3 * HZ);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(mk_kept(&p)->id)));
	mk_loop_deafen(&p.loop->host);
	for (len = 20000; len; len /= 2)
		while (!mk_send_filled(p.spawn, len, 0, 0))
			;

	mk_fail_allocation(1);
	KUNIT_EXPECT_EQ(test, mk_reply(p.spawn->ep, mk_kept(&p)->id, "abcdef", MK_ASK_KEEP),
			-EAGAIN);
	mk_fail_allocation(0);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, unanswered), 1);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, late_replies), 0);

	mk_loop_hear(&p.loop->host);
	KUNIT_EXPECT_EQ(test, mk_call_result(test, call), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies - start, 3 * HZ);
	mk_expect_echo(test, mk_call_request(test, p.host->ep, MK_ASK_ECHO, 1, MK_TEST_TIMEOUT));
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, stray_replies), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, unanswered), 1);
	mk_pair_check(test, &p);
}

/* Both rings full of requests at once: nobody waits for the other for ever */
static void mk_answer_both_full(struct kunit *test)
{
	struct mk_pair p = mk_ask_pair(test);
	struct mk_call *calls[48];
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = mk_call_request(test, i % 2 ? p.host->ep : p.spawn->ep,
					   40000 + 16 * i, i, MK_TEST_TIMEOUT);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		mk_expect_echo(test, calls[i]);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, unanswered), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, unanswered), 0);
	mk_pair_check(test, &p);
}

static struct kunit_case mk_answer_cases[] = {
	KUNIT_CASE(mk_answer_lengths),
	KUNIT_CASE(mk_answer_errors),
	KUNIT_CASE(mk_answer_unknown),
	KUNIT_CASE(mk_answer_late),
	KUNIT_CASE(mk_answer_false),
	KUNIT_CASE(mk_answer_death),
	KUNIT_CASE(mk_answer_withdrawn),
	KUNIT_CASE(mk_answer_many),
	KUNIT_CASE(mk_answer_no_turn),
	KUNIT_CASE(mk_answer_next_turn),
	KUNIT_CASE(mk_answer_turn_withdrawn),
	KUNIT_CASE(mk_answer_full_ring),
	KUNIT_CASE(mk_answer_no_memory),
	KUNIT_CASE(mk_answer_both_full),
	{}
};

static struct kunit_suite mk_answer_suite = {
	.name = "multikernel_answer",
	.test_cases = mk_answer_cases,
};

kunit_test_suite(mk_answer_suite);
