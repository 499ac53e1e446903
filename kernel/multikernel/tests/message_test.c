// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of messages, of rings without room, and of doorbells
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "loopback.h"

/* Message that the receiver stops at until the test opens the gate */
#define MK_GATE_LEN	7

/* Length of message @seq of a stream */
static u32 mk_len(u32 seq)
{
	static const u32 lens[] = { 0, 1, 15, 16, 17, 300, 4096, 65536, MK_PAYLOAD_MAX };

	return lens[seq % ARRAY_SIZE(lens)];
}

/* A stream of such messages: each as it was sent, and none left out */
static int mk_receive_stream(struct mk_probe *probe, struct mk_side *side,
			     const struct mk_message *msg)
{
	if (msg->len == MK_GATE_LEN) {
		mk_probe_wait(probe);
		return 0;
	}
	if (msg->request || msg->len != mk_len(side->next) ||
	    !mk_filled(msg->data, msg->len, side->next))
		WRITE_ONCE(side->wrong, side->wrong + 1);
	side->next++;

	return 0;
}

/* Equally long ones, with gates between them */
static int mk_receive_numbered(struct mk_probe *probe, struct mk_side *side,
			       const struct mk_message *msg)
{
	if (msg->len == MK_GATE_LEN) {
		mk_probe_wait(probe);
		return 0;
	}
	if (msg->request || !mk_filled(msg->data, msg->len, side->next))
		WRITE_ONCE(side->wrong, side->wrong + 1);
	side->next++;

	return 0;
}

/* Let the spawn stop reading; how many messages it had before */
static int mk_shut(struct kunit *test, struct mk_pair *p)
{
	int before = READ_ONCE(p->spawn->received);
	u64 rx = mk_stat(&p->loop->spawn, rx);

	reinit_completion(&p->probe->gate);
	KUNIT_ASSERT_EQ(test, mk_send_filled(p->host, MK_GATE_LEN, 0, 0), 0);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_stat(&p->loop->spawn, rx) == rx + 1));

	return before + 1;
}

/* Send without waiting until there is no room */
static u32 mk_fill_ring(struct kunit *test, struct mk_side *side, u32 len, u32 seq)
{
	int err;

	while (!(err = mk_send_filled(side, len, seq, 0)))
		seq++;
	KUNIT_ASSERT_EQ(test, err, -EAGAIN);

	return seq;
}

static void mk_message_order(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_stream);
	u32 i;

	for (i = 0; i < 180; i++)
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, mk_len(i), i, MK_TEST_TIMEOUT), 0);
	for (i = 0; i < 180; i++)
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.spawn, mk_len(i), i, MK_TEST_TIMEOUT), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 180 &&
					READ_ONCE(p.host->received) == 180));
	KUNIT_EXPECT_EQ(test, p.spawn->next, 180);
	mk_pair_check(test, &p);
}

static void mk_message_too_long(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_stream);
	struct mk_slot slot;
	size_t lens[] = { MK_PAYLOAD_MAX + 1, MK_RING_SIZE, 1ULL << 32, SIZE_MAX };
	u64 tx = mk_stat(&p.loop->host, tx);
	int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		KUNIT_EXPECT_EQ(test, mk_send(p.host->ep, "", lens[i], 0), -EMSGSIZE);
		KUNIT_EXPECT_EQ(test, mk_send(p.host->ep, "", lens[i], HZ), -EMSGSIZE);
		KUNIT_EXPECT_EQ(test, mk_reserve(p.host->ep, &slot, lens[i]), -EMSGSIZE);
		KUNIT_EXPECT_EQ(test, mk_try_reserve(p.host->ep, &slot, lens[i]), -EMSGSIZE);
		KUNIT_EXPECT_EQ(test, mk_request(p.host->ep, "", lens[i], NULL, 0, HZ), -EMSGSIZE);
		KUNIT_EXPECT_EQ(test, mk_reply(p.host->ep, 1, "", lens[i]), -EMSGSIZE);
	}
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, tx), tx);
	mk_pair_check(test, &p);
}

static int mk_reserve_either(struct mk_endpoint *ep, struct mk_slot *slot, u32 i)
{
	return i % 2 ? mk_reserve(ep, slot, mk_len(i)) :
		       mk_try_reserve(ep, slot, mk_len(i));
}

static void mk_message_reserve(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_stream);
	struct mk_slot slot, other;
	bool irqs, aligned;
	int busy;
	u32 i;

	for (i = 0; i < 90; i++) {
		/* What was begun and given up: nobody hears of it */
		KUNIT_ASSERT_TRUE(test, mk_soon(!mk_reserve(p.host->ep, &slot, 5000)));
		memset(slot.data, 0xff, slot.len);
		busy = mk_try_reserve(p.host->ep, &other, 1);
		mk_abort(&slot);
		KUNIT_ASSERT_EQ(test, busy, -EBUSY);

		KUNIT_ASSERT_TRUE(test, mk_soon(!mk_reserve_either(p.host->ep, &slot, i)));
		irqs = irqs_disabled();
		aligned = IS_ALIGNED((unsigned long)slot.data, 16);
		mk_fill(slot.data, slot.len, i);
		mk_commit(&slot);
		KUNIT_ASSERT_TRUE(test, irqs && !irqs_disabled());
		KUNIT_ASSERT_TRUE(test, aligned);
		KUNIT_ASSERT_EQ(test, slot.len, mk_len(i));
	}
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 90));
	mk_pair_check(test, &p);
}

/* A full ring: nothing more goes in, everything that went in comes out */
static void mk_message_full(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	struct mk_slot slot;
	unsigned long start;
	u32 sent;
	int before = mk_shut(test, &p);

	sent = mk_fill_ring(test, p.host, 1000, 0);
	KUNIT_EXPECT_GT(test, sent, MK_RING_SIZE / 1024 - 2);
	KUNIT_EXPECT_EQ(test, mk_reserve(p.host->ep, &slot, 1000), -EAGAIN);
	KUNIT_EXPECT_EQ(test, mk_try_reserve(p.host->ep, &slot, 1000), -EAGAIN);
	KUNIT_EXPECT_GE(test, mk_stat(&p.loop->host, tx_full), 2);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, tx) - mk_stat(&p.loop->spawn, rx), sent);

	/* Who may sleep does so, for as long as it wants */
	start = jiffies;
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, 1000, 0, HZ / 10), -ETIMEDOUT);
	KUNIT_EXPECT_GE(test, jiffies - start, HZ / 10);

	/* There was no room, and nobody was told that there is */
	KUNIT_EXPECT_EQ(test, READ_ONCE(p.host->writables), 0);
	complete_all(&p.probe->gate);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == before + sent));
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.host->writables) > 0));
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, 1000, sent, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == before + sent + 1));
	mk_pair_check(test, &p);
}

/* A service comes while the ring is full, and goes: the peer hears of it in time */
static void mk_message_full_offer(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	u32 sent;
	int i;

	mk_loop_deafen(&p.loop->spawn);
	sent = mk_fill_ring(test, p.host, 0, 0);
	/* Nobody waits for room here; what nobody heard of was not there */
	for (i = 0; i < 10; i++) {
		mk_probe_register(test, other);
		mk_probe_unregister(other);
	}
	mk_probe_register(test, other);
	KUNIT_EXPECT_EQ(test, other->host.opens, 0);
	mk_loop_hear(&p.loop->spawn);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_probe_open(other)));
	KUNIT_EXPECT_EQ(test, mk_send_filled(&other->host, 16, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(other->spawn.received) == 1));
	KUNIT_EXPECT_EQ(test, other->host.opens, 1);
	mk_loop_settle(test, p.loop);

	mk_loop_deafen(&p.loop->spawn);
	mk_fill_ring(test, p.host, 0, sent);
	mk_probe_unregister(other);
	KUNIT_EXPECT_TRUE(test, mk_probe_closed(other));
	KUNIT_EXPECT_NE(test, p.loop->spawn.ch.endpoints[MK_TEST_OTHER].peer_session, 0);
	mk_loop_hear(&p.loop->spawn);
	/* What is not said yet is no record: wait for what it does */
	KUNIT_EXPECT_TRUE(test, mk_soon(!READ_ONCE(p.loop->spawn.ch.endpoints[MK_TEST_OTHER]
						   .peer_session)));
	mk_loop_settle(test, p.loop);
	mk_pair_check(test, &p);
}

/* Who sleeps is woken by the room, long before its time is over */
static void mk_message_sleep(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	struct mk_call *call;
	int before, i;
	u32 sent;

	for (i = 0; i < 10; i++) {
		before = mk_shut(test, &p);
		sent = mk_fill_ring(test, p.host, 30000, p.spawn->next);
		call = mk_call_send(test, p.host->ep, 60000, sent, MAX_SCHEDULE_TIMEOUT);
		KUNIT_ASSERT_TRUE(test, mk_soon(wq_has_sleeper(&p.loop->host.ch.room_wait)));
		KUNIT_ASSERT_FALSE(test, mk_call_over(call));
		complete_all(&p.probe->gate);
		KUNIT_ASSERT_EQ(test, mk_call_result(test, call), 0);
		KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) >= before));
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, rx) ==
						mk_stat(&p.loop->host, tx)));
		mk_rx_lock(&p.loop->spawn.ch);
		mk_rx_unlock(&p.loop->spawn.ch);
	}
	mk_pair_check(test, &p);
}

static int mk_receive_gates(struct mk_probe *probe, struct mk_side *side,
			    const struct mk_message *msg)
{
	struct completion *gates = probe->data;

	if (msg->len == MK_GATE_LEN)
		wait_for_completion_timeout(&gates[((const u8 *)msg->data)[0]], MK_TEST_TIMEOUT);

	return 0;
}

/*
 * One sender sleeps.  Room comes, and before this end's reader can tell it
 * another one sends, and sees it first: the sleeper must be told nevertheless.
 */
static void mk_message_overtaken(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_gates);
	struct completion gates[3];
	struct mk_call *call;
	u8 gate[MK_GATE_LEN];
	u64 rx;
	int i;

	for (i = 0; i < ARRAY_SIZE(gates); i++)
		init_completion(&gates[i]);
	p.probe->data = gates;

	/* Both readers stop */
	memset(gate, 0, sizeof(gate));
	rx = mk_stat(&p.loop->spawn, rx);
	KUNIT_EXPECT_EQ(test, mk_send(p.host->ep, gate, sizeof(gate), 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, rx) == rx + 1));
	memset(gate, 1, sizeof(gate));
	rx = mk_stat(&p.loop->host, rx);
	KUNIT_EXPECT_EQ(test, mk_send(p.spawn->ep, gate, sizeof(gate), 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->host, rx) == rx + 1));

	/* The ring is full but for the room of a small one, and somebody sleeps */
	mk_fill_ring(test, p.host, 30000, 0);
	mk_fill_ring(test, p.host, 0, 0);
	call = mk_call_send(test, p.host->ep, 60000, 0, MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_TRUE(test, mk_soon(wq_has_sleeper(&p.loop->host.ch.room_wait)));

	/* All of it is read; the next one is sent, looks at the index, and is the last */
	complete_all(&gates[0]);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(*p.loop->host.ch.tx.tail) ==
					READ_ONCE(*p.loop->spawn.ch.rx.head)));
	memset(gate, 2, sizeof(gate));
	rx = mk_stat(&p.loop->spawn, rx);
	KUNIT_EXPECT_EQ(test, mk_send(p.host->ep, gate, sizeof(gate), 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, rx) == rx + 1));

	complete_all(&gates[1]);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_call_over(call)));
	complete_all(&gates[2]);
	mk_call_result(test, call);
	mk_pair_check(test, &p);
	/* The gates are on this stack */
	mk_loop_close(p.loop);
}

/* Any message, with gates between them */
static int mk_receive_any(struct mk_probe *probe, struct mk_side *side,
			  const struct mk_message *msg)
{
	if (msg->len == MK_GATE_LEN)
		mk_probe_wait(probe);

	return 0;
}

static bool mk_writable_refill(struct mk_probe *probe, struct mk_side *side)
{
	u32 *left = probe->data;

	while (*left && !mk_send_filled(side, 1000, (u32)side->writables << 16, 0))
		WRITE_ONCE(*left, *left - 1);

	return false;
}

/* A sender that never sleeps lives on its writable callback alone */
static void mk_message_writable(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_any);
	u32 left = 2000;
	int before;

	p.probe->data = &left;
	p.probe->writable = mk_writable_refill;
	/* A reader that keeps up would let it be filled for ever */
	before = mk_shut(test, &p);
	before += mk_fill_ring(test, p.host, 1000, 0) + 2000;
	complete_all(&p.probe->gate);
	KUNIT_EXPECT_TRUE(test, mk_soon(!READ_ONCE(left)));
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == before));
	KUNIT_EXPECT_GT(test, READ_ONCE(p.host->writables), 0);
	mk_pair_check(test, &p);
	mk_loop_close(p.loop);
}

struct mk_endless {
	unsigned long end;
	bool stop;
	int over;
};

/* One message a turn, and the peer has read it by then: there is always room for the next */
static bool mk_writable_endless(struct mk_probe *probe, struct mk_side *side)
{
	struct mk_endless *e = probe->data;
	int seen = READ_ONCE(probe->spawn.received);

	if (READ_ONCE(e->stop) || time_after(jiffies, e->end)) {
		WRITE_ONCE(e->over, e->over + 1);
		return false;
	}
	if (mk_send_filled(side, 16, 0, 0) || !mk_soon(READ_ONCE(probe->spawn.received) > seen))
		WRITE_ONCE(side->wrong, side->wrong + 1);

	return true;
}

/*
 * A service that always has more to send, and a peer that reads all of it: it is asked
 * again and again, and everybody else has his turn in between.
 */
static void mk_message_endless(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_pair(test, mk_receive_any);
	struct mk_endless e = { .end = jiffies + 20 * HZ };
	struct mk_endpoint *echo = &p.loop->host.ch.endpoints[MK_SERVICE_ECHO];
	int i, seen, before;
	char back;

	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(echo->open)));
	p.probe->data = &e;
	before = mk_shut(test, &p);
	before += mk_fill_ring(test, p.host, 1000, 0);
	p.probe->writable = mk_writable_endless;
	complete_all(&p.probe->gate);
	/* All that was in the ring before is read: no room comes that was waited for */
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) > before));

	for (i = 0; i < 5; i++) {
		seen = READ_ONCE(p.host->writables);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.host->writables) > seen + 10));
		mk_probe_register(test, other);
		KUNIT_EXPECT_TRUE(test, mk_soon(mk_probe_open(other)));
		seen = READ_ONCE(p.host->received);
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.spawn, 16, 0, MK_TEST_TIMEOUT), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.host->received) == seen + 1));
		KUNIT_EXPECT_EQ(test, mk_request(echo, "x", 1, &back, 1, MK_TEST_TIMEOUT), 1);
		mk_probe_unregister(other);
	}
	/* Not only once there was no more */
	KUNIT_EXPECT_EQ(test, READ_ONCE(e.over), 0);
	WRITE_ONCE(e.stop, true);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(e.over)));
	mk_loop_settle(test, p.loop);
	/* And it is left alone */
	KUNIT_EXPECT_EQ(test, READ_ONCE(e.over), 1);
	mk_pair_check(test, &p);
	mk_loop_close(p.loop);
}

/* Doorbells: one for each sleep of the reader, none while it is awake */
static void mk_message_doorbells(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	u64 rung, slept;
	int before, i;

	for (i = 0; i < 100; i++) {
		/* It sleeps, and asked for a doorbell when it went */
		KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(*p.loop->spawn.ch.armed) &&
						READ_ONCE(p.loop->spawn.ch.reader->__state)));
		slept = mk_stat(&p.loop->spawn, slept);
		rung = mk_stat(&p.loop->host, doorbells_tx);
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, 16, i, 0), 0);
		KUNIT_ASSERT_EQ(test, mk_stat(&p.loop->host, doorbells_tx), rung + 1);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, slept) > slept));
	}
	KUNIT_EXPECT_EQ(test, READ_ONCE(p.spawn->received), 100);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, doorbells_tx),
			mk_stat(&p.loop->spawn, doorbells_rx));

	/* Awake, in a service: whatever comes, nobody has to ring */
	before = mk_shut(test, &p);
	rung = mk_stat(&p.loop->host, doorbells_tx);
	for (i = 100; i < 200; i++)
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, 16, i, 0), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, doorbells_tx), rung);
	complete_all(&p.probe->gate);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == before + 100));
	mk_pair_check(test, &p);
}

/* No poll at all: every message finds a reader that sleeps, and wakes it */
static void mk_message_no_poll(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	unsigned int poll_us = READ_ONCE(mk_poll_us);
	u64 polled;
	int i;

	WRITE_ONCE(mk_poll_us, 0);
	/* What it had in mind is forgotten with the first sleep */
	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, 16, i, 0), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == i + 1));
	}
	polled = mk_stat(&p.loop->spawn, polled);
	for (; i < 120; i++) {
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, 16, i, 0), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == i + 1));
	}
	WRITE_ONCE(mk_poll_us, poll_us);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, polled), polled);
	mk_pair_check(test, &p);
}

/* And with one: the reader learns to look on, and finds the next without a doorbell */
static void mk_message_polls(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	unsigned int poll_us = READ_ONCE(mk_poll_us);
	u64 polled, rung;
	int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "who sends takes the reader's CPU");
	WRITE_ONCE(mk_poll_us, 10000);
	polled = mk_stat(&p.loop->spawn, polled);
	rung = mk_stat(&p.loop->spawn, doorbells_rx);
	for (i = 0; i < 5000 && mk_stat(&p.loop->spawn, polled) < polled + 20; i++) {
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, 16, i, 0), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == i + 1));
		usleep_range(100, 200);
	}
	WRITE_ONCE(mk_poll_us, poll_us);
	KUNIT_EXPECT_GE(test, mk_stat(&p.loop->spawn, polled), polled + 20);
	/* Some came with one, until it had learnt */
	KUNIT_EXPECT_LE(test, mk_stat(&p.loop->spawn, doorbells_rx) - rung, (u64)i - 10);
	mk_pair_check(test, &p);
}

/* A spawn can't ask its host to power off */
static void mk_message_shutdown(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_numbered);
	struct mk_endpoint *ep = &p.loop->spawn.ch.endpoints[MK_SERVICE_SHUTDOWN];
	u64 refused;

	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(ep->open)));
	refused = mk_stat(&p.loop->host, refused);
	KUNIT_EXPECT_EQ(test, mk_send(ep, "", 0, 0), 0);
	KUNIT_EXPECT_EQ(test, mk_request(ep, "", 0, NULL, 0, MK_TEST_TIMEOUT), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, refused), refused + 2);
	mk_pair_check(test, &p);
}

static int mk_receive_flood(struct mk_probe *probe, struct mk_side *side,
			    const struct mk_message *msg)
{
	/* Each brings the next one: this ring is never empty */
	if (side == &probe->spawn && !READ_ONCE(*(bool *)probe->data))
		WRITE_ONCE(side->wrong, side->wrong + !!mk_send(probe->host.ep, "x", 1, 0));

	return 0;
}

/* A flood does not keep others from the channel: there is a budget */
static void mk_message_flood(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_pair(test, NULL);
	unsigned long start;
	bool stop = false;
	int i;

	p.probe->data = &stop;
	p.probe->receive = mk_receive_flood;
	KUNIT_EXPECT_EQ(test, mk_send(p.host->ep, "x", 1, 0), 0);
	for (i = 0; i < 5; i++) {
		int seen = READ_ONCE(p.spawn->received);

		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) > seen + 100));
		start = jiffies;
		mk_probe_register(test, other);
		KUNIT_EXPECT_TRUE(test, mk_soon(mk_probe_open(other)));
		mk_probe_unregister(other);
		KUNIT_EXPECT_LT(test, jiffies - start, 20 * HZ);
	}
	WRITE_ONCE(stop, true);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stat(&p.loop->spawn, rx) == mk_stat(&p.loop->host, tx)));
	mk_pair_check(test, &p);
	mk_loop_close(p.loop);
}

static struct kunit_case mk_message_cases[] = {
	KUNIT_CASE(mk_message_order),
	KUNIT_CASE(mk_message_too_long),
	KUNIT_CASE(mk_message_reserve),
	KUNIT_CASE(mk_message_full),
	KUNIT_CASE(mk_message_full_offer),
	KUNIT_CASE(mk_message_sleep),
	KUNIT_CASE(mk_message_overtaken),
	KUNIT_CASE(mk_message_writable),
	KUNIT_CASE(mk_message_endless),
	KUNIT_CASE(mk_message_doorbells),
	KUNIT_CASE(mk_message_no_poll),
	KUNIT_CASE(mk_message_polls),
	KUNIT_CASE(mk_message_shutdown),
	KUNIT_CASE(mk_message_flood),
	{}
};

static struct kunit_suite mk_message_suite = {
	.name = "multikernel_message",
	.test_cases = mk_message_cases,
};

kunit_test_suite(mk_message_suite);
