// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of what the doorbell's softirq reads
 */
#include <kunit/test.h>
#include <linux/preempt.h>

#include "loopback.h"

#define MK_SOFT_BYTES	100

/* More than the pause between two softirqs that read, us */
#define MK_SOFT_APART	150

/* What a doorbell finds that is more than one softirq reads */
#define MK_SOFT_MANY	(3 * MK_SOFT_BUDGET)

/**
 * struct mk_soft_seen - how messages were received
 * @soft: in softirq
 * @task: in a process
 * @next: number of the next one, of all services that share it
 */
struct mk_soft_seen {
	int soft;
	int task;
	u32 *next;
};

static int mk_soft_receive(struct mk_probe *probe, struct mk_side *side,
			   const struct mk_message *msg)
{
	struct mk_soft_seen *seen = probe->data;

	u32 *next = seen->next ?: &side->next;

	if (!mk_filled(msg->data, msg->len, *next))
		WRITE_ONCE(side->wrong, side->wrong + 1);
	(*next)++;
	if (in_serving_softirq())
		WRITE_ONCE(seen->soft, seen->soft + 1);
	else
		WRITE_ONCE(seen->task, seen->task + 1);

	return msg->request ? mk_reply(side->ep, msg->request, msg->data, msg->len) : 0;
}

/* A pair whose service is atomic, with nobody who polls */
static struct mk_pair mk_soft_pair(struct kunit *test)
{
	struct mk_soft_seen *seen = kunit_kzalloc(test, sizeof(*seen), GFP_KERNEL);
	struct mk_pair p;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	p = mk_pair(test, mk_soft_receive);
	p.probe->data = seen;
	p.probe->service.atomic = true;

	return p;
}

/* Nobody reads, and a doorbell is asked for behind what was read */
static bool mk_soft_sleeps(struct mk_loop_end *end)
{
	struct mk_channel *ch = &end->ch;

	return READ_ONCE(*ch->armed) == (READ_ONCE(ch->rx.next) | MK_INDEX_SET) &&
	       !test_bit(IRQ_POLL_F_SCHED, &ch->soft.state) && !atomic_read(&ch->rx_busy) &&
	       READ_ONCE(ch->reader->__state) == TASK_IDLE;
}

/* The same, and what comes is not too soon after what came */
static bool mk_soft_rests(struct mk_loop_end *end)
{
	if (!mk_soon(mk_soft_sleeps(end)))
		return false;
	usleep_range(MK_SOFT_APART, 2 * MK_SOFT_APART);

	return true;
}

static bool mk_soft_received(struct mk_side *side, int n)
{
	/* Pairs with the release in mk_probe_receive() */
	return smp_load_acquire(&side->received) == n;
}

/* The reader sleeps on, and the next doorbell is asked for all the same */
static void mk_soft_message(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	struct mk_soft_seen *seen = p.probe->data;
	u64 slept;
	int i;

	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
	slept = mk_stat(&p.loop->spawn, slept);
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, MK_SOFT_BYTES, i, 0), 0);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_soft_received(p.spawn, i + 1)));
		KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
	}
	KUNIT_EXPECT_EQ(test, seen->soft, 20);
	KUNIT_EXPECT_EQ(test, seen->task, 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, atomic), 20);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, slept), slept);
	mk_pair_check(test, &p);
}

/* A service that did not say so is never called there, whatever is before it */
static void mk_soft_order(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	struct mk_probe *plain = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_soft_seen *seen = p.probe->data, other = { };
	u32 next = 0;
	int i;

	seen->next = &next;
	other.next = &next;
	plain->receive = mk_soft_receive;
	plain->data = &other;
	mk_probe_register(test, plain);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(plain)));
	mk_loop_settle(test, p.loop);
	/* The numbers go on from one service to the other: the order is that of all */
	for (i = 0; i < 30; i++) {
		KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, MK_SOFT_BYTES, 3 * i, 0), 0);
		KUNIT_ASSERT_EQ(test, mk_send_filled(&plain->host, MK_SOFT_BYTES, 3 * i + 1, 0),
				0);
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, MK_SOFT_BYTES, 3 * i + 2, 0), 0);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_soft_received(p.spawn, 2 * i + 2)));
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_soft_received(&plain->spawn, i + 1)));
	}
	KUNIT_EXPECT_GT(test, seen->soft, 0);
	KUNIT_EXPECT_EQ(test, other.soft, 0);
	KUNIT_EXPECT_EQ(test, other.task, 30);
	KUNIT_EXPECT_EQ(test, plain->spawn.wrong, 0);
	mk_pair_check(test, &p);
}

/* Who asks is woken without a reader at either end */
static void mk_soft_answer(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	u64 host, spawn;
	u8 out[MK_SOFT_BYTES], back[MK_SOFT_BYTES];
	int i;

	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->host));
	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
	host = mk_stat(&p.loop->host, slept);
	spawn = mk_stat(&p.loop->spawn, slept);
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->host));
		KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
		mk_fill(out, sizeof(out), i);
		KUNIT_ASSERT_EQ(test, mk_request(p.host->ep, out, sizeof(out), back,
						 sizeof(back), MK_TEST_TIMEOUT),
				(ssize_t)sizeof(back));
		KUNIT_EXPECT_TRUE(test, mk_filled(back, sizeof(back), i));
	}
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, atomic), 20);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, atomic), 20);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, slept), host);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, slept), spawn);
	mk_pair_check(test, &p);
}

/* So many messages in the ring, and the doorbell is for the last one */
static void mk_soft_send_many(struct kunit *test, struct mk_pair *p, int n)
{
	struct mk_channel *ch = &p->loop->spawn.ch;
	u32 armed;
	int i;

	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p->loop->spawn));
	armed = READ_ONCE(*ch->armed);
	WRITE_ONCE(*ch->armed, 0);
	for (i = 0; i < n - 1; i++)
		KUNIT_ASSERT_EQ(test, mk_send_filled(p->host, MK_SOFT_BYTES, i, 0), 0);
	WRITE_ONCE(*ch->armed, armed);
	KUNIT_ASSERT_EQ(test, mk_send_filled(p->host, MK_SOFT_BYTES, i, 0), 0);
}

/* Beyond its budget the softirq leaves the rest to the reader */
static void mk_soft_many(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	struct mk_soft_seen *seen = p.probe->data;

	mk_soft_send_many(test, &p, MK_SOFT_MANY);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_soft_received(p.spawn, MK_SOFT_MANY)));
	KUNIT_EXPECT_EQ(test, seen->soft, MK_SOFT_BUDGET);
	KUNIT_EXPECT_EQ(test, seen->task, MK_SOFT_MANY - MK_SOFT_BUDGET);
	mk_pair_check(test, &p);
}

/*
 * Its budget is used up, and the reader has not got the CPU yet.  Whoever rings on has no
 * more read; and a reader that was about to sleep is told not to, also if nothing is left.
 */
static void mk_soft_budget(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	struct mk_channel *ch = &p.loop->spawn.ch;
	struct task_struct *reader = ch->reader;
	unsigned long flags;
	int n, i;

	for (n = MK_SOFT_BUDGET; n <= MK_SOFT_MANY; n += MK_SOFT_MANY - MK_SOFT_BUDGET) {
		u64 before = mk_stat(&p.loop->spawn, atomic);

		p.spawn->next = 0;
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_soft_sleeps(&p.loop->spawn)));
		WRITE_ONCE(ch->reader, NULL);
		WRITE_ONCE(*ch->armed, 0);
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_SOFT_BYTES, i, 0), 0);
		usleep_range(MK_SOFT_APART, 2 * MK_SOFT_APART);
		for (i = 0; i < 20; i++) {
			local_irq_save(flags);
			p.loop->host.ch.ops->ring(&p.loop->host.ch);
			local_irq_restore(flags);
			KUNIT_EXPECT_TRUE(test, mk_soon(!test_bit(IRQ_POLL_F_SCHED,
								  &ch->soft.state)));
			/* A hostile peer can write it */
			WRITE_ONCE(*ch->armed, 0);
			usleep_range(MK_SOFT_APART, 2 * MK_SOFT_APART);
		}
		KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, atomic) - before,
				(u64)MK_SOFT_BUDGET);
		KUNIT_EXPECT_FALSE(test, READ_ONCE(ch->soft_may));
		WRITE_ONCE(ch->reader, reader);
		wake_up_process(reader);
		KUNIT_EXPECT_TRUE(test, mk_soon(mk_ring_empty(&ch->rx)));
	}
	mk_pair_check(test, &p);
}

/* While somebody reads it is his, also what comes just before he stops */
static void mk_soft_busy(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	struct mk_soft_seen *seen = p.probe->data;
	struct mk_channel *ch = &p.loop->spawn.ch;

	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
	mk_rx_lock(ch);
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_SOFT_BYTES, 0, 0), 0);
	/* The softirq woke the reader, which waits for us */
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(ch->reader->__state) == TASK_UNINTERRUPTIBLE));
	KUNIT_EXPECT_TRUE(test, mk_soft_received(p.spawn, 0));
	mk_rx_unlock(ch);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_soft_received(p.spawn, 1)));
	KUNIT_EXPECT_EQ(test, seen->soft, 0);
	KUNIT_EXPECT_EQ(test, seen->task, 1);
	mk_pair_check(test, &p);
}

/* What is long is the reader's */
static void mk_soft_long(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	struct mk_soft_seen *seen = p.probe->data;

	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_SOFT_LEN, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_soft_received(p.spawn, 1)));
	KUNIT_ASSERT_TRUE(test, mk_soft_rests(&p.loop->spawn));
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_SOFT_LEN + 1, 1, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_soft_received(p.spawn, 2)));
	KUNIT_EXPECT_EQ(test, seen->soft, 1);
	KUNIT_EXPECT_EQ(test, seen->task, 1);
	mk_pair_check(test, &p);
}

/* Messages one soon after another have the reader look on */
static void mk_soft_often(struct kunit *test)
{
	struct mk_pair p = mk_soft_pair(test);
	u32 i = 0;
	u64 slept;

	KUNIT_ASSERT_TRUE(test, mk_soon(mk_soft_sleeps(&p.loop->spawn)));
	slept = mk_stat(&p.loop->spawn, slept);
	WRITE_ONCE(mk_poll_us, 10000);
	KUNIT_EXPECT_TRUE(test, mk_soon((mk_send_filled(p.host, MK_SOFT_BYTES, i++, HZ),
					 mk_stat(&p.loop->spawn, slept) != slept)));
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_soft_received(p.spawn, i)));
	mk_pair_check(test, &p);
}

/* Nobody polls, until the test ends */
static int mk_soft_begin(struct kunit *test)
{
	test->priv = (void *)(unsigned long)READ_ONCE(mk_poll_us);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "a softirq is a thread");
	WRITE_ONCE(mk_poll_us, 0);

	return 0;
}

static void mk_soft_end(struct kunit *test)
{
	WRITE_ONCE(mk_poll_us, (unsigned long)test->priv);
}

static struct kunit_case mk_softirq_cases[] = {
	KUNIT_CASE(mk_soft_message),
	KUNIT_CASE(mk_soft_order),
	KUNIT_CASE(mk_soft_answer),
	KUNIT_CASE(mk_soft_many),
	KUNIT_CASE(mk_soft_budget),
	KUNIT_CASE(mk_soft_busy),
	KUNIT_CASE(mk_soft_long),
	KUNIT_CASE(mk_soft_often),
	{ }
};

static struct kunit_suite mk_softirq_suite = {
	.name = "multikernel_softirq",
	.init = mk_soft_begin,
	.exit = mk_soft_end,
	.test_cases = mk_softirq_cases,
};

kunit_test_suite(mk_softirq_suite);
