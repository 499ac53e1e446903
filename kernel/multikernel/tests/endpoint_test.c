// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of when an endpoint opens and closes
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "loopback.h"

static struct mk_loop *mk_open_loop(struct kunit *test)
{
	struct mk_loop *loop = mk_loop(test);

	mk_loop_open(test, loop);

	return loop;
}

static void mk_expect_side(struct kunit *test, const struct mk_side *side, int opens,
			   int closes)
{
	KUNIT_EXPECT_EQ(test, READ_ONCE(side->opens), opens);
	KUNIT_EXPECT_EQ(test, READ_ONCE(side->closes), closes);
	KUNIT_EXPECT_EQ(test, READ_ONCE(side->wrong), 0);
}

static void mk_expect_clean(struct kunit *test, const struct mk_loop *loop)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->host.faults), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->spawn.faults), 0);
}

static void mk_endpoint_register_first(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_loop(test);

	mk_probe_register(test, probe);
	KUNIT_EXPECT_TRUE(test, mk_probe_closed(probe));
	mk_loop_open(test, loop);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));

	KUNIT_EXPECT_EQ(test, mk_endpoint_role(probe->host.ep), MK_ROLE_HOST);
	KUNIT_EXPECT_EQ(test, mk_endpoint_role(probe->spawn.ep), MK_ROLE_SPAWN);
	KUNIT_EXPECT_EQ(test, mk_endpoint_peer_id(probe->spawn.ep), MK_LOOP_HOST_ID);
	KUNIT_EXPECT_EQ(test, mk_endpoint_peer_id(probe->host.ep), MK_LOOP_SPAWN_ID);
	KUNIT_EXPECT_STREQ(test, mk_endpoint_peer_name(probe->host.ep), "loopspawn");

	mk_loop_close(loop);
	KUNIT_EXPECT_TRUE(test, mk_probe_closed(probe));
	mk_expect_side(test, &probe->host, 1, 1);
	mk_expect_side(test, &probe->spawn, 1, 1);
	mk_expect_clean(test, loop);
}

static void mk_endpoint_channel_first(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_open_loop(test);

	mk_probe_register(test, probe);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
	mk_loop_settle(test, loop);
	mk_expect_side(test, &probe->host, 1, 0);
	mk_expect_side(test, &probe->spawn, 1, 0);

	/* Closed at both ends on return: here they are one kernel */
	mk_probe_unregister(probe);
	KUNIT_EXPECT_TRUE(test, mk_probe_closed(probe));
	mk_expect_side(test, &probe->host, 1, 1);
	mk_expect_side(test, &probe->spawn, 1, 1);
	mk_expect_clean(test, loop);
}

/* What one end offers is not there; neither are others' numbers */
static void mk_endpoint_one_side(struct kunit *test)
{
	struct mk_probe *up = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_SPAWN);
	struct mk_probe *down = mk_probe(test, MK_TEST_SERVICE, MK_ROLE_HOST);
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_ROLE_SPAWN);
	struct mk_loop *loop = mk_open_loop(test);
	struct mk_endpoint *ep = &loop->host.ch.endpoints[MK_TEST_SERVICE];

	mk_probe_register(test, down);
	mk_probe_register(test, other);
	mk_loop_settle(test, loop);
	KUNIT_EXPECT_EQ(test, down->host.opens, 0);
	KUNIT_EXPECT_EQ(test, other->spawn.opens, 0);
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, 0), -ENOTCONN);

	mk_probe_register(test, up);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_side_open(&down->host) &&
					mk_side_open(&up->spawn)));
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, 0), 0);
	/* What is still in the ring when it is withdrawn is refused */
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(up->spawn.received) == 1));

	/* The peer withdraws it: news for this end, and its endpoint ends */
	mk_probe_unregister(up);
	mk_expect_side(test, &up->spawn, 1, 1);
	KUNIT_ASSERT_TRUE(test, mk_soon(!mk_side_open(&down->host)));
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, 0), -ENOTCONN);
	mk_expect_side(test, &down->host, 1, 1);

	/* And offers it again */
	mk_probe_register(test, up);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_side_open(&down->host) &&
					mk_side_open(&up->spawn)));
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, 0), 0);
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(up->spawn.received) == 2));
	mk_expect_side(test, &up->spawn, 2, 1);
	mk_expect_side(test, &down->host, 2, 1);

	KUNIT_EXPECT_EQ(test, other->spawn.opens, 0);
	mk_expect_clean(test, loop);
}

static void mk_endpoint_reregister(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_open_loop(test);
	int i;

	for (i = 0; i < 20; i++) {
		mk_probe_register(test, probe);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
		KUNIT_ASSERT_EQ(test, mk_send_filled(&probe->host, 16, 0, 0), 0);
		mk_probe_unregister(probe);
		KUNIT_ASSERT_TRUE(test, mk_probe_closed(probe));
		mk_loop_settle(test, loop);
	}
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
	KUNIT_EXPECT_EQ(test, probe->spawn.wrong, 0);
	KUNIT_EXPECT_EQ(test, probe->host.opens, probe->host.closes);
	KUNIT_EXPECT_EQ(test, probe->spawn.opens, probe->spawn.closes);
	mk_expect_clean(test, loop);
}

/* An open that fails leaves nothing: no close, no messages, nothing to send on */
static void mk_endpoint_refused(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_open_loop(test);
	struct mk_endpoint *ep = &loop->host.ch.endpoints[MK_TEST_SERVICE];

	probe->host.refuse = -ENOMEM;
	mk_probe_register(test, probe);
	/* The other end is told, and closes what it may have opened */
	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(probe->host.opens)));
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_stat(&loop->spawn, rx) == mk_stat(&loop->host, tx) &&
					!mk_side_open(&probe->spawn)));
	KUNIT_EXPECT_EQ(test, mk_send_filled(&probe->spawn, 16, 0, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, probe->host.received, 0);
	mk_probe_unregister(probe);
	KUNIT_EXPECT_GE(test, probe->host.opens, 1);
	KUNIT_EXPECT_EQ(test, probe->host.closes, 0);
	KUNIT_EXPECT_EQ(test, probe->host.wrong, 0);
	mk_expect_clean(test, loop);
}

static void mk_endpoint_register_errors(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_service bad = { .name = "bad", .roles = MK_BOTH_ROLES };
	static const u16 ids[] = { 0, MK_SERVICE_MAX + 1, 65535 };
	int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		bad.id = ids[i];
		KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EINVAL);
	}
	bad.id = MK_TEST_OTHER;
	bad.name = NULL;
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EINVAL);

	mk_probe_register(test, probe);
	bad.name = "bad";
	bad.id = MK_TEST_SERVICE;
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EEXIST);
	bad.roles = MK_ROLE_SPAWN;
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EEXIST);
	bad.id = MK_SERVICE_ECHO;
	KUNIT_EXPECT_EQ(test, mk_service_register(&bad), -EEXIST);
}

/* The peer dies: closed here at once, whatever was under way */
static void mk_endpoint_death(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_open_loop(test);
	struct mk_endpoint *ep;

	mk_probe_register(test, probe);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
	ep = probe->host.ep;
	KUNIT_ASSERT_EQ(test, mk_send(ep, "x", 1, 0), 0);

	/* As lifecycle.c does it: the spawn's CPUs are gone, and it says nothing */
	mk_loop_close_end(&loop->host);
	mk_expect_side(test, &probe->host, 1, 1);
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, 0), -EPIPE);
	KUNIT_EXPECT_EQ(test, mk_send(ep, "x", 1, HZ), -EPIPE);
	KUNIT_EXPECT_EQ(test, mk_request(ep, "x", 1, NULL, 0, HZ), -EPIPE);
	KUNIT_EXPECT_EQ(test, mk_reply(ep, 1, "x", 1), -EPIPE);
	mk_expect_clean(test, loop);
}

/* A new start: a fresh window, and nothing of the last one in it or beside it */
static void mk_endpoint_restart(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_open_loop(test);
	struct mk_endpoint *stale;
	struct mk_slot slot;
	int i;

	mk_probe_register(test, probe);
	for (i = 1; i <= 5; i++) {
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
		mk_expect_side(test, &probe->host, i, i - 1);
		stale = probe->host.ep;

		/* The host does not read on: these are left in the ring */
		mk_loop_deafen(&loop->host);
		KUNIT_EXPECT_EQ(test, mk_send_filled(&probe->spawn, 100, i, 0), 0);
		KUNIT_EXPECT_EQ(test, mk_send_filled(&probe->spawn, 50000, i, 0), 0);
		mk_loop_close(loop);

		mk_loop_attach(loop);
		/* They still are, as bytes: only the indices say that it is empty */
		KUNIT_EXPECT_NOT_NULL(test, memchr_inv(loop->window + MK_WINDOW_RX_RING, 0, 50000));
		KUNIT_EXPECT_TRUE(test, mk_ring_empty(&loop->host.ch.rx));
		KUNIT_EXPECT_TRUE(test, mk_ring_empty(&loop->spawn.ch.rx));
		KUNIT_EXPECT_EQ(test, mk_send(stale, "x", 1, 0), -ENOTCONN);
		KUNIT_EXPECT_EQ(test, mk_send(stale, "x", 1, HZ), -ENOTCONN);
		KUNIT_EXPECT_EQ(test, mk_reserve(stale, &slot, 1), -ENOTCONN);
		KUNIT_EXPECT_EQ(test, mk_reply(stale, 1, "x", 1), -ENOTCONN);
		KUNIT_EXPECT_EQ(test, mk_request(stale, "x", 1, NULL, 0, HZ), -ENOTCONN);

		mk_loop_open(test, loop);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
		mk_loop_settle(test, loop);
		KUNIT_EXPECT_EQ(test, READ_ONCE(probe->host.received), i - 1);
		KUNIT_EXPECT_EQ(test, mk_send(probe->spawn.ep, "x", 1, 0), 0);
		KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(probe->host.received) == i));
	}
	mk_expect_clean(test, loop);
}

/* The reader moves to any CPU, and nothing is lost on the way */
static void mk_endpoint_move(struct kunit *test)
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_open_loop(test);
	int round, sent = 0;
	unsigned int cpu;

	mk_probe_register(test, probe);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
	for (round = 0; round < 5; round++) {
		for_each_online_cpu(cpu) {
			KUNIT_ASSERT_EQ(test, mk_send_filled(&probe->host, 16, 0, HZ), 0);
			KUNIT_ASSERT_EQ(test, mk_channel_set_cpu(&loop->spawn.ch, cpu), 0);
			KUNIT_ASSERT_EQ(test, mk_send_filled(&probe->host, 16, 0, HZ), 0);
			sent += 2;
			KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(probe->spawn.received) == sent));
			KUNIT_ASSERT_EQ(test, READ_ONCE(loop->spawn.ch.cpu), cpu);
		}
	}
	KUNIT_EXPECT_EQ(test, mk_channel_set_cpu(&loop->spawn.ch, nr_cpu_ids), -ENODEV);
	mk_expect_clean(test, loop);
}

static struct kunit_case mk_endpoint_cases[] = {
	KUNIT_CASE(mk_endpoint_register_first),
	KUNIT_CASE(mk_endpoint_channel_first),
	KUNIT_CASE(mk_endpoint_one_side),
	KUNIT_CASE(mk_endpoint_reregister),
	KUNIT_CASE(mk_endpoint_refused),
	KUNIT_CASE(mk_endpoint_register_errors),
	KUNIT_CASE(mk_endpoint_death),
	KUNIT_CASE(mk_endpoint_restart),
	KUNIT_CASE(mk_endpoint_move),
	{}
};

static struct kunit_suite mk_endpoint_suite = {
	.name = "multikernel_endpoint",
	.test_cases = mk_endpoint_cases,
};

kunit_test_suite(mk_endpoint_suite);
