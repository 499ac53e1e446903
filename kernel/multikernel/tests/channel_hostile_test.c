// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of a channel whose other end lies
 *
 * Only the host's end is open.  What a spawn would write is written by the
 * tests: records that no honest end sends, in an order in which none does.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "loopback.h"

static int mk_liar_receive(struct mk_probe *probe, struct mk_side *side,
			   const struct mk_message *msg)
{
	if (probe->data)
		return -EPROTO;
	if (msg->request)
		mk_reply(side->ep, msg->request, msg->data, msg->len);

	return 0;
}

static void mk_liar_ring(struct mk_loop *loop)
{
	unsigned long flags;

	local_irq_save(flags);
	loop->spawn.ch.ops->ring(&loop->spawn.ch);
	local_irq_restore(flags);
}

/* What the spawn says; false if there is no room for it */
static bool mk_lie(struct mk_loop *loop, const struct mk_record *rec, const void *data)
{
	struct mk_ring_tx *tx = &loop->spawn.ch.tx;
	void *payload;
	u32 pad;

	if (mk_ring_reserve(tx, rec->len, &pad, &payload))
		return false;
	if (data)
		memcpy(payload, data, rec->len);
	mk_ring_commit(tx, rec, pad);
	mk_liar_ring(loop);

	return true;
}

/* What an honest peer says if it has read of this end's offer, and is anew */
static struct mk_record mk_offer_of(struct mk_loop *loop, u16 service)
{
	static u32 session;

	return (struct mk_record) {
		.service = service, .flags = MK_RECORD_OFFER,
		.id = MK_OFFER_ID(++session, loop->host.ch.endpoints[service].session),
	};
}

static void mk_offer_lie(struct kunit *test, struct mk_loop *loop, u16 service, u16 what)
{
	struct mk_record rec = { .service = service, .flags = what };

	if (what == MK_RECORD_OFFER)
		rec = mk_offer_of(loop, service);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_lie(loop, &rec, NULL)));
}

static bool mk_all_read(struct mk_loop *loop)
{
	return READ_ONCE(*loop->spawn.ch.tx.tail) == loop->spawn.ch.tx.next;
}

struct mk_bad {
	const char *what;
	struct mk_record rec;
	u32 data;
};

static const struct mk_bad mk_bad[] = {
	{ "service 0", { .service = 0 } },
	{ "service 64", { .service = MK_SERVICE_MAX + 1 } },
	{ "service 65535", { .service = 65535 } },
	{ "request of service 64", { .service = 64, .flags = MK_RECORD_REQUEST, .id = 1 } },
	{ "offer of service 64", { .service = 64, .flags = MK_RECORD_OFFER, .id = 1 } },
	{ "offer 0", { .service = MK_TEST_SERVICE, .flags = MK_RECORD_OFFER } },
	{ "offer 0 in answer to 1", { .service = MK_TEST_SERVICE, .flags = MK_RECORD_OFFER,
				      .id = MK_OFFER_ID(0, 1) } },
	{ "withdrawal with an id", { .service = MK_TEST_SERVICE, .flags = MK_RECORD_WITHDRAW,
				     .id = 1 } },
	{ "reply of service 64", { .service = 64, .flags = MK_RECORD_REPLY, .id = 1 } },
	{ "message with an id", { .service = MK_TEST_SERVICE, .id = 1 } },
	{ "request without id", { .service = MK_TEST_SERVICE, .flags = MK_RECORD_REQUEST } },
	{ "two flags", { .service = 1, .flags = MK_RECORD_REQUEST | MK_RECORD_REPLY, .id = 1 } },
	{ "pad and request", { .service = 1, .flags = MK_RECORD_PAD | MK_RECORD_REQUEST } },
	{ "offer and withdraw", { .service = 1, .flags = MK_RECORD_OFFER | MK_RECORD_WITHDRAW } },
	{ "flag 0x40", { .service = 1, .flags = 0x40 } },
	{ "flag 0x8000", { .service = 1, .flags = 0x8000 } },
	{ "all flags", { .service = 1, .flags = 0xffff } },
	{ "pad in between", { .service = 1, .flags = MK_RECORD_PAD } },
	{ "error of no bytes", { .service = 1, .flags = MK_RECORD_ERROR, .id = 1 } },
	{ "error of 3 bytes", { .len = 3, .service = 1, .flags = MK_RECORD_ERROR, .id = 1 }, 1 },
	{ "error 0", { .len = 4, .service = 1, .flags = MK_RECORD_ERROR, .id = 1 }, 0 },
	{ "error 4096", { .len = 4, .service = 1, .flags = MK_RECORD_ERROR, .id = 1 }, 4096 },
	{ "error -1", { .len = 4, .service = 1, .flags = MK_RECORD_ERROR, .id = 1 }, -1 },
};

/* Each is the end: the peer's fault, nothing more is read, a new start works */
static void mk_liar_records(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_record good = { .service = MK_TEST_SERVICE };
	struct mk_loop *loop = mk_loop(test);
	int i;

	probe->receive = mk_liar_receive;
	mk_probe_register(test, probe);
	for (i = 0; i < ARRAY_SIZE(mk_bad); i++) {
		mk_loop_attach(loop);
		atomic_set(&loop->host.faults, 0);
		mk_loop_open_end(test, &loop->host);
		mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_OFFER);
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &good, NULL));
		KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(probe->host.received) == i + 1));
		KUNIT_ASSERT_EQ(test, atomic_read(&loop->host.faults), 0);

		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &mk_bad[i].rec, &mk_bad[i].data));
		KUNIT_ASSERT_TRUE_MSG(test, mk_soon(atomic_read(&loop->host.faults)), "%s",
				      mk_bad[i].what);
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &good, NULL));
		mk_rx_lock(&loop->host.ch);
		mk_rx_unlock(&loop->host.ch);
		mk_loop_close_end(&loop->host);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&loop->host.faults), 1, "%s",
				    mk_bad[i].what);
		KUNIT_EXPECT_EQ_MSG(test, probe->host.received, i + 1, "%s", mk_bad[i].what);
		KUNIT_EXPECT_EQ(test, probe->host.opens, probe->host.closes);
	}
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
}

/* A service says that a message is against its rules */
static void mk_liar_message(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_record rec = {
		.service = MK_TEST_SERVICE, .flags = MK_RECORD_REQUEST, .id = 1,
	};
	struct mk_loop *loop = mk_loop(test);

	probe->receive = mk_liar_receive;
	probe->data = test;
	mk_probe_register(test, probe);
	mk_loop_open_end(test, &loop->host);
	mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_OFFER);

	/* To a request that is only an answer */
	KUNIT_ASSERT_TRUE(test, mk_lie(loop, &rec, NULL));
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(probe->host.received) == 1));
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_all_read(loop)));
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->host.faults), 0);

	rec.flags = 0;
	rec.id = 0;
	KUNIT_ASSERT_TRUE(test, mk_lie(loop, &rec, NULL));
	KUNIT_EXPECT_TRUE(test, mk_soon(atomic_read(&loop->host.faults) == 1));
}

/* Offered and withdrawn: opened and closed as often, and no more */
static void mk_liar_offers(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_loop *loop = mk_loop(test);
	u16 id;
	int i;

	mk_probe_register(test, probe);
	mk_loop_open_end(test, &loop->host);
	for (i = 0; i < 50; i++) {
		mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_OFFER);
		mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_OFFER);
		mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_WITHDRAW);
		mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_WITHDRAW);
		for (id = 1; id <= MK_SERVICE_MAX; id += 7)
			mk_offer_lie(test, loop, id, i % 2 ? MK_RECORD_OFFER : MK_RECORD_WITHDRAW);
	}
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_all_read(loop)));
	mk_loop_close_end(&loop->host);
	/* A second offer is a new session, even without a withdrawal */
	KUNIT_EXPECT_EQ(test, probe->host.opens, 100);
	KUNIT_EXPECT_EQ(test, probe->host.closes, 100);
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->host.faults), 0);
}

/* ... without end: that is no honest peer */
static void mk_liar_offers_flood(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_loop *loop = mk_loop(test);
	int i;

	mk_probe_register(test, probe);
	mk_loop_open_end(test, &loop->host);
	for (i = 0; i < 100000 && !atomic_read(&loop->host.faults); i++) {
		struct mk_record rec = {
			.service = MK_TEST_SERVICE,
			.flags = MK_RECORD_WITHDRAW,
		};

		if (i % 2 == 0)
			rec = mk_offer_of(loop, MK_TEST_SERVICE);
		if (!mk_lie(loop, &rec, NULL))
			cond_resched();
	}
	KUNIT_EXPECT_TRUE(test, mk_soon(atomic_read(&loop->host.faults) == 1));
	mk_loop_close_end(&loop->host);
	KUNIT_EXPECT_LE(test, probe->host.opens, 2000);
	KUNIT_EXPECT_EQ(test, probe->host.opens, probe->host.closes);
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
}

/* What was sent to a service that went away is not for the one that came after it */
static void mk_liar_sessions(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_record message = { .service = MK_TEST_SERVICE }, old, offer;
	struct mk_loop *loop = mk_loop(test);
	int i;

	mk_probe_register(test, probe);
	mk_loop_open_end(test, &loop->host);
	old = mk_offer_of(loop, MK_TEST_SERVICE);
	KUNIT_ASSERT_TRUE(test, mk_lie(loop, &old, NULL));
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_side_open(&probe->host)));
	for (i = 1; i <= 20; i++) {
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &message, NULL));
		KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(probe->host.received) == i));

		/* It comes anew, and the spawn has not heard of it yet */
		mk_probe_unregister(probe);
		mk_probe_register(test, probe);
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &message, NULL));
		/* What it says in answer to the offer before */
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &old, NULL));
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &message, NULL));
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_all_read(loop)));
		KUNIT_ASSERT_FALSE(test, mk_side_open(&probe->host));
		KUNIT_ASSERT_EQ(test, probe->host.received, i);
		KUNIT_ASSERT_EQ(test, mk_stat(&loop->host, refused), 2 * i);

		/* Now it has; said twice, it is still the same */
		offer = old;
		offer.id = MK_OFFER_ID(MK_OFFER_MINE(old.id), MK_OFFER_YOURS(old.id) + 1);
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &offer, NULL));
		KUNIT_ASSERT_TRUE(test, mk_lie(loop, &offer, NULL));
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_side_open(&probe->host)));
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_all_read(loop)));
		KUNIT_ASSERT_EQ(test, READ_ONCE(probe->host.opens), i + 1);
		old = offer;
	}
	mk_loop_close_end(&loop->host);
	KUNIT_EXPECT_EQ(test, probe->host.opens, 21);
	KUNIT_EXPECT_EQ(test, probe->host.closes, 21);
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->host.faults), 0);
}

/* Asks without end and reads no answer: it gets none, and costs a fixed amount */
static void mk_liar_requests(struct kunit *test)
{
	struct mk_record rec = {
		.service = MK_SERVICE_ECHO, .flags = MK_RECORD_REQUEST, .len = 20000,
	};
	struct mk_loop *loop = mk_loop(test);
	void *data = kunit_kzalloc(test, rec.len, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, data);
	mk_loop_open_end(test, &loop->host);
	mk_offer_lie(test, loop, MK_SERVICE_ECHO, MK_RECORD_OFFER);
	for (i = 1; i <= 500; i++) {
		rec.id = i;
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_lie(loop, &rec, data)));
		KUNIT_ASSERT_LE(test, READ_ONCE(loop->host.ch.nr_late), MK_REQUESTS_MAX);
	}
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_all_read(loop)));
	KUNIT_EXPECT_EQ(test, mk_stat(&loop->host, late_replies), MK_REQUESTS_MAX);
	KUNIT_EXPECT_GT(test, mk_stat(&loop->host, unanswered), 400);
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->host.faults), 0);

	mk_loop_close_end(&loop->host);
	KUNIT_EXPECT_EQ(test, loop->host.ch.nr_late, 0);
}

/* The words by which it says what it waits for and what it has read */
static void mk_liar_words(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_loop *loop = mk_loop(test);
	struct mk_ring_ctl *ctl = &mk_spawn_page(loop->window)->ctl;
	u32 said[3] = { }, i;
	struct rnd_state rnd;
	int err;

	prandom_seed_state(&rnd, 0x6d6b776f7264ULL);
	mk_probe_register(test, probe);
	mk_loop_open_end(test, &loop->host);
	mk_offer_lie(test, loop, MK_TEST_SERVICE, MK_RECORD_OFFER);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_side_open(&probe->host)));

	for (i = 0; i < 2000; i++) {
		WRITE_ONCE(ctl->armed, prandom_u32_state(&rnd) % 3);
		WRITE_ONCE(ctl->want_room, prandom_u32_state(&rnd));
		if (i % 5 == 0)
			WRITE_ONCE(ctl->tail, prandom_u32_state(&rnd));
		else
			/* Almost full, so that it is looked at again soon */
			WRITE_ONCE(ctl->tail, loop->host.ch.tx.next - MK_RING_SIZE / 4 * 3 -
					      16 * (prandom_u32_state(&rnd) % (MK_RING_SIZE / 64)));
		if (i % 16 == 0)
			mk_liar_ring(loop);
		err = mk_send_filled(&probe->host, prandom_u32_state(&rnd) % MK_PAYLOAD_MAX, i,
				     0);
		KUNIT_ASSERT_TRUE(test, !err || err == -EAGAIN || err == -EPROTO);
		said[!err ? 0 : err == -EAGAIN ? 1 : 2]++;
	}
	KUNIT_EXPECT_GT(test, said[0], 100);
	KUNIT_EXPECT_GT(test, said[1], 100);
	KUNIT_EXPECT_GT(test, said[2], 100);
	KUNIT_EXPECT_GT(test, atomic_read(&loop->host.faults), 0);
	/* At most one for each message, and for each look at who waits for room */
	KUNIT_EXPECT_LE(test, mk_stat(&loop->host, doorbells_tx), 2 * 2000 + 10);
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
}

/* The whole half that it may write is noise, while the host reads, sends and asks */
static void mk_liar_noise(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_loop *loop = mk_loop(test);
	u8 *half = loop->window + MK_WINDOW_SPAWN;
	struct mk_ring_ctl *ctl = &mk_spawn_page(loop->window)->ctl;
	struct rnd_state rnd;
	struct mk_call *call;
	u32 i, k, head, records = 0;

	prandom_seed_state(&rnd, 0x6d6b6e6f6973ULL);
	probe->receive = mk_liar_receive;
	mk_probe_register(test, probe);
	for (i = 0; i < 60; i++) {
		mk_loop_attach(loop);
		prandom_bytes_state(&rnd, half, MK_WINDOW_SIZE - MK_WINDOW_SPAWN);
		memset(ctl, 0, sizeof(*ctl));
		/* Records that are possible in length, with random contents */
		for (k = 0, head = 0; k < i; k++) {
			struct mk_record rec = {
				.len = prandom_u32_state(&rnd) % 200,
				.service = prandom_u32_state(&rnd) % 70,
				.flags = prandom_u32_state(&rnd) % 3 ?
					 2 << (prandom_u32_state(&rnd) % 6) : 0,
				.id = prandom_u32_state(&rnd) % 3,
			};

			memcpy(loop->spawn.ch.tx.data + head, &rec, sizeof(rec));
			head += round_up(sizeof(rec) + rec.len, 16);
		}
		mk_loop_open_end(test, &loop->host);
		call = mk_call_request(test, &loop->host.ch.endpoints[MK_TEST_SERVICE], 100, i,
				       MK_TEST_TIMEOUT);
		/* One random index now and then, in flight */
		for (k = 0; k < 20; k++) {
			WRITE_ONCE(ctl->head, k % 4 ? head : prandom_u32_state(&rnd));
			WRITE_ONCE(ctl->armed, prandom_u32_state(&rnd));
			WRITE_ONCE(ctl->want_room, prandom_u32_state(&rnd));
			mk_liar_ring(loop);
			mk_send(&loop->host.ch.endpoints[MK_TEST_SERVICE], half, 1000, 0);
		}
		KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(loop->host.ch.broken) ||
						mk_ring_empty(&loop->host.ch.rx)));
		mk_loop_close_end(&loop->host);
		KUNIT_ASSERT_LE(test, mk_call_result(test, call), 100);
		records += mk_stat(&loop->host, rx);
	}
	KUNIT_EXPECT_GT(test, records, 20);
	KUNIT_EXPECT_GT(test, atomic_read(&loop->host.faults), 30);
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
	KUNIT_EXPECT_EQ(test, probe->host.opens, probe->host.closes);
}

static struct kunit_case mk_liar_cases[] = {
	KUNIT_CASE(mk_liar_records),
	KUNIT_CASE(mk_liar_message),
	KUNIT_CASE(mk_liar_offers),
	KUNIT_CASE(mk_liar_offers_flood),
	KUNIT_CASE(mk_liar_sessions),
	KUNIT_CASE(mk_liar_requests),
	KUNIT_CASE(mk_liar_words),
	KUNIT_CASE(mk_liar_noise),
	{}
};

static struct kunit_suite mk_liar_suite = {
	.name = "multikernel_channel_hostile",
	.test_cases = mk_liar_cases,
};

kunit_test_suite(mk_liar_suite);
