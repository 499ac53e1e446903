// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of a channel with all CPUs at it
 *
 * Threads send and ask in both directions, a counted number of times, while
 * another one registers and unregisters services, or closes and opens the
 * channel.  Each message says who sent it and which one of his it is: nothing
 * may be lost, doubled, torn or overtaken while the endpoint is open.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "loopback.h"

/* For each sender; the checkers make everything several times as long */
#if IS_ENABLED(CONFIG_KCSAN) || IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_PROVE_LOCKING)
#define MK_STRESS_COUNT		500
#else
#define MK_STRESS_COUNT		2000
#endif

/* Two send and one asks in each direction */
#define MK_STRESS_SENDERS	4
#define MK_STRESS_ASKERS	2
#define MK_STRESS_THREADS	(MK_STRESS_SENDERS + MK_STRESS_ASKERS)

struct mk_stress_header {
	u32 sender;
	u32 seq;
	u32 len;
	u32 sum;
};

/**
 * struct mk_stress_thread - one of them
 * @stress: what they have in common
 * @side: where it sends
 * @id: its number
 * @sent: messages that went out, or requests that were answered
 * @cut: calls that found the endpoint closed
 * @bad: what must not happen
 * @done: it is over
 */
struct mk_stress_thread {
	struct mk_stress *stress;
	struct mk_side *side;
	u32 id;
	u32 sent;
	u32 cut;
	u32 bad;
	struct completion done;
};

/**
 * struct mk_stress - what they have in common
 * @p: ends and service
 * @threads: those who send and ask
 * @session: in which opening of its endpoint a sender was heard last
 * @next: the number that must come next in it
 * @got: messages of each sender, and questions of each asker
 * @jumps: how often one went on elsewhere after a new opening
 * @stop: the test has failed
 */
struct mk_stress {
	struct mk_pair p;
	struct mk_stress_thread threads[MK_STRESS_THREADS];
	int session[MK_STRESS_THREADS];
	u32 next[MK_STRESS_THREADS];
	u32 got[MK_STRESS_THREADS];
	u32 jumps[MK_STRESS_THREADS];
	bool stop;
};

static u32 mk_stress_sum(const struct mk_stress_header *h)
{
	return h->sender * 0x9e3779b9 + h->seq * 0x85ebca6b + h->len;
}

/* Lengths are random, and the same in each run: mostly small, some large */
static u32 mk_stress_len(struct rnd_state *rnd)
{
	u32 r = prandom_u32_state(rnd), most = r % 100 < 90 ? 200 : r % 100 < 99 ? 8000 : 65536;

	return sizeof(struct mk_stress_header) + (r >> 8) % most;
}

static void mk_stress_write(void *payload, u32 len, u32 sender, u32 seq)
{
	struct mk_stress_header *h = payload;

	*h = (struct mk_stress_header) { .sender = sender, .seq = seq, .len = len };
	h->sum = mk_stress_sum(h);
	mk_fill(h + 1, len - sizeof(*h), h->sum);
}

static int mk_stress_receive(struct mk_probe *probe, struct mk_side *side,
			     const struct mk_message *msg)
{
	struct mk_stress *s = probe->data;
	struct mk_stress_header h;
	int err = 0;

	if (msg->len < sizeof(h))
		goto wrong;
	memcpy(&h, msg->data, sizeof(h));
	if (h.len != msg->len || h.sum != mk_stress_sum(&h) || h.sender >= MK_STRESS_THREADS ||
	    s->threads[h.sender].side == side ||
	    !mk_filled(msg->data + sizeof(h), h.len - sizeof(h), h.sum))
		goto wrong;

	if (s->session[h.sender] != side->opens) {
		/* What was in the ring when it was closed is gone, and no more than that */
		if (h.seq < s->next[h.sender])
			goto wrong;
		s->jumps[h.sender] += h.seq != s->next[h.sender];
		s->session[h.sender] = side->opens;
	} else if (h.seq != s->next[h.sender]) {
		goto wrong;
	}
	s->next[h.sender] = h.seq + 1;
	WRITE_ONCE(s->got[h.sender], s->got[h.sender] + 1);
	if (msg->request)
		err = mk_reply(side->ep, msg->request, msg->data, msg->len);
	/* The channel may be closed under us: its asker hears of that, too */
	if (err && err != -EPIPE)
		goto wrong;

	return 0;
wrong:
	WRITE_ONCE(side->wrong, side->wrong + 1);
	return 0;
}

/* Every other one without a copy */
static int mk_stress_send(struct mk_stress_thread *t, void *buf, u32 len, u32 seq)
{
	bool again = seq % 64 == 0;
	struct mk_slot slot;
	int err;

	if (seq % 2) {
		mk_stress_write(buf, len, t->id, seq);
		return mk_send(READ_ONCE(t->side->ep), buf, len, MK_TEST_TIMEOUT);
	}
	for (;;) {
		err = mk_reserve(READ_ONCE(t->side->ep), &slot, len);
		if (err == -EAGAIN) {
			cond_resched();
			continue;
		}
		if (err)
			return err;
		mk_stress_write(slot.data, len, t->id, seq);
		if (!again)
			break;
		/* Begun, given up, and begun anew */
		mk_abort(&slot);
		again = false;
	}
	mk_commit(&slot);

	return 0;
}

static int mk_stress_ask(struct mk_stress_thread *t, void *buf, u32 len, u32 seq)
{
	void *reply = buf + MK_PAYLOAD_MAX;
	ssize_t ret;

	mk_stress_write(buf, len, t->id, seq);
	memset(reply, 0, len);
	ret = mk_request(READ_ONCE(t->side->ep), buf, len, reply, MK_PAYLOAD_MAX, MK_TEST_TIMEOUT);
	if (ret < 0)
		return ret;
	if (ret != len || memcmp(buf, reply, len))
		WRITE_ONCE(t->bad, t->bad + 1);

	return 0;
}

static int mk_stress_run(void *data)
{
	struct mk_stress_thread *t = data;
	void *buf = kvmalloc(2 * MK_PAYLOAD_MAX, GFP_KERNEL);
	struct rnd_state rnd;
	u32 seq = 0, len;
	int err;

	prandom_seed_state(&rnd, 0x6d6b7374ULL + t->id);
	if (!buf)
		t->bad++;
	while (buf && t->sent < MK_STRESS_COUNT && !t->bad && !READ_ONCE(t->stress->stop)) {
		len = mk_stress_len(&rnd);
		err = t->id < MK_STRESS_SENDERS ? mk_stress_send(t, buf, len, seq) :
						  mk_stress_ask(t, buf, len, seq);
		if (!err) {
			WRITE_ONCE(t->sent, t->sent + 1);
			seq++;
		} else if (err == -EPIPE || err == -ENOTCONN) {
			/* Somebody closes and opens; an asked question may have come */
			seq += t->id >= MK_STRESS_SENDERS;
			t->cut++;
			usleep_range(100, 1000);
		} else {
			pr_err("sender %u, message %u: %d\n", t->id, seq, err);
			t->bad++;
		}
	}
	kvfree(buf);
	complete_all(&t->done);

	return 0;
}

static void mk_stress_end(void *data)
{
	struct mk_stress *s = data;
	int i;

	WRITE_ONCE(s->stop, true);
	for (i = 0; i < MK_STRESS_THREADS; i++)
		wait_for_completion(&s->threads[i].done);
}

static bool mk_stress_over(struct mk_stress *s)
{
	int i;

	for (i = 0; i < MK_STRESS_THREADS; i++)
		if (!completion_done(&s->threads[i].done))
			return false;

	return true;
}

static unsigned int mk_stress_sent(struct mk_stress *s)
{
	unsigned int sum = 0;
	int i;

	for (i = 0; i < MK_STRESS_THREADS; i++)
		sum += READ_ONCE(s->threads[i].sent);

	return sum;
}

/* @atomic: in softirq, too, as far as it is short */
static struct mk_stress *mk_stress_start(struct kunit *test, bool atomic)
{
	struct mk_stress *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int cpu = cpumask_first(cpu_online_mask);
	struct task_struct *task;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->p = mk_pair(test, mk_stress_receive);
	s->p.probe->data = s;
	s->p.probe->service.atomic = atomic;
	for (i = 0; i < MK_STRESS_THREADS; i++) {
		struct mk_stress_thread *t = &s->threads[i];

		t->stress = s;
		t->id = i;
		t->side = i % 2 ? s->p.host : s->p.spawn;
		init_completion(&t->done);
		s->session[i] = 1;
	}
	for (i = 0; i < MK_STRESS_THREADS; i++) {
		task = kthread_create(mk_stress_run, &s->threads[i], "mk_stress/%d", i);
		if (IS_ERR(task)) {
			for (; i < MK_STRESS_THREADS; i++)
				complete_all(&s->threads[i].done);
			mk_stress_end(s);
			KUNIT_FAIL_AND_ABORT(test, "no thread");
		}
		kthread_bind(task, cpu);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		wake_up_process(task);
	}
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_stress_end, s));

	return s;
}

static void mk_stress_check(struct kunit *test, struct mk_stress *s)
{
	int i;

	for (i = 0; i < MK_STRESS_THREADS; i++) {
		KUNIT_EXPECT_EQ(test, s->threads[i].bad, 0);
		KUNIT_EXPECT_EQ(test, s->threads[i].sent, MK_STRESS_COUNT);
	}
	KUNIT_EXPECT_EQ(test, s->p.loop->host.ch.nr_requests, 0);
	KUNIT_EXPECT_EQ(test, s->p.loop->spawn.ch.nr_requests, 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&s->p.loop->host, unanswered), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&s->p.loop->spawn, unanswered), 0);
	mk_pair_check(test, &s->p);
}

/* Another service comes and goes beside it; the reader moves from CPU to CPU */
static void mk_stress_services(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_stress *s = mk_stress_start(test, false);
	unsigned int cpu = 0, rounds = 0;
	int i;

	while (!mk_stress_over(s)) {
		mk_probe_register(test, other);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(other)));
		mk_probe_unregister(other);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
		KUNIT_ASSERT_EQ(test, mk_channel_set_cpu(&s->p.loop->host.ch, cpu), 0);
		rounds++;
	}
	mk_loop_settle(test, s->p.loop);
	KUNIT_EXPECT_GT(test, rounds, 0);
	KUNIT_EXPECT_EQ(test, other->host.opens, other->host.closes);
	KUNIT_EXPECT_EQ(test, other->host.wrong + other->spawn.wrong, 0);

	mk_stress_check(test, s);
	for (i = 0; i < MK_STRESS_THREADS; i++) {
		KUNIT_EXPECT_EQ(test, s->got[i], MK_STRESS_COUNT);
		KUNIT_EXPECT_EQ(test, s->jumps[i], 0);
		KUNIT_EXPECT_EQ(test, s->threads[i].cut, 0);
	}
	KUNIT_EXPECT_EQ(test, mk_stat(&s->p.loop->host, stray_replies), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&s->p.loop->spawn, stray_replies), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&s->p.loop->host, refused), 0);
	KUNIT_EXPECT_EQ(test, mk_stat(&s->p.loop->spawn, refused), 0);
}

/* The channel itself is closed and opened anew under them */
static void mk_stress_restarts(struct kunit *test)
{
	struct mk_stress *s = mk_stress_start(test, false);
	unsigned int rounds = 0, cut = 0, before;
	int i;

	while (!mk_stress_over(s)) {
		before = mk_stress_sent(s);
		mk_loop_close(s->p.loop);
		KUNIT_EXPECT_TRUE(test, mk_probe_closed(s->p.probe));
		mk_loop_attach(s->p.loop);
		mk_loop_open(test, s->p.loop);
		KUNIT_EXPECT_TRUE(test, mk_soon(mk_probe_open(s->p.probe)));
		/* Let them get somewhere, or they would never end */
		KUNIT_EXPECT_TRUE(test, mk_soon(mk_stress_sent(s) > before + 100 ||
						mk_stress_over(s)));
		rounds++;
	}
	mk_loop_settle(test, s->p.loop);
	KUNIT_EXPECT_GT(test, rounds, 1);
	mk_stress_check(test, s);
	for (i = 0; i < MK_STRESS_THREADS; i++)
		cut += s->threads[i].cut;
	KUNIT_EXPECT_GT(test, cut, 0);
}

/* The doorbell's softirq reads, and the reader behind it; nobody polls */
static void mk_stress_softirq(struct kunit *test)
{
	unsigned int poll_us = READ_ONCE(mk_poll_us);
	struct mk_stress *s;
	int i;

	WRITE_ONCE(mk_poll_us, 0);
	s = mk_stress_start(test, true);
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_stress_over(s)));
	WRITE_ONCE(mk_poll_us, poll_us);
	mk_loop_settle(test, s->p.loop);
	mk_stress_check(test, s);
	for (i = 0; i < MK_STRESS_THREADS; i++) {
		KUNIT_EXPECT_EQ(test, s->got[i], MK_STRESS_COUNT);
		KUNIT_EXPECT_EQ(test, s->jumps[i], 0);
	}
	KUNIT_EXPECT_GT(test, mk_stat(&s->p.loop->host, atomic), 0);
	KUNIT_EXPECT_GT(test, mk_stat(&s->p.loop->spawn, atomic), 0);
}

static struct kunit_case mk_stress_cases[] = {
	KUNIT_CASE_SLOW(mk_stress_services),
	KUNIT_CASE_SLOW(mk_stress_softirq),
	KUNIT_CASE_SLOW(mk_stress_restarts),
	{}
};

static struct kunit_suite mk_stress_suite = {
	.name = "multikernel_stress",
	.test_cases = mk_stress_cases,
};

kunit_test_suite(mk_stress_suite);
