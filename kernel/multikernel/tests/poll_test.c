// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of those who read in the reader's place
 */
#include <kunit/test.h>
#include <linux/sched/clock.h>
#include <linux/string.h>

#include "loopback.h"

#define MK_POLL_LEN	100

/* Messages of the race */
#define MK_POLL_RACE	3000

/* As long as anybody may poll, so that no test depends on how fast it is */
#define MK_POLL_LONG	NSEC_PER_SEC

/**
 * struct mk_taker - somebody polls at the spawn's end
 * @poll: what mk_poll() knows of it
 * @side: counts what it took, too
 * @answer: to each message that it is shown
 * @shown: messages
 * @taken: of these, answered with MK_TAKE_DONE
 * @over: it wants no more
 */
struct mk_taker {
	struct mk_poll poll;
	struct mk_side *side;
	enum mk_take answer;
	int shown;
	int taken;
	bool over;
};

static enum mk_take mk_taker_take(struct mk_poll *p, const struct mk_message *msg)
{
	struct mk_taker *t = container_of(p, struct mk_taker, poll);

	t->shown++;
	if (t->answer != MK_TAKE_DONE)
		return t->answer;
	if (!mk_filled(msg->data, msg->len, t->side->next))
		WRITE_ONCE(t->side->wrong, t->side->wrong + 1);
	t->side->next++;
	t->taken++;

	return MK_TAKE_DONE;
}

static bool mk_taker_done(struct mk_poll *p)
{
	struct mk_taker *t = container_of(p, struct mk_taker, poll);

	return t->over || t->taken;
}

static int mk_receive_next(struct mk_probe *probe, struct mk_side *side,
			   const struct mk_message *msg)
{
	if (!mk_filled(msg->data, msg->len, side->next))
		WRITE_ONCE(side->wrong, side->wrong + 1);
	side->next++;

	return 0;
}

static struct mk_taker mk_taker(struct mk_pair *p, enum mk_take answer)
{
	return (struct mk_taker) {
		.poll = { .take = mk_taker_take, .done = mk_taker_done },
		.side = p->spawn,
		.answer = answer,
	};
}

/* The longest poll that there is, until the test ends */
static int mk_poll_init(struct kunit *test)
{
	test->priv = (void *)(unsigned long)READ_ONCE(mk_poll_us);
	WRITE_ONCE(mk_poll_us, 10000);

	return 0;
}

static void mk_poll_exit(struct kunit *test)
{
	WRITE_ONCE(mk_poll_us, (unsigned long)test->priv);
}

static bool mk_reader_sleeps(struct mk_channel *ch)
{
	return READ_ONCE(*ch->armed) && READ_ONCE(ch->reader->__state) == TASK_IDLE;
}

/* Send to a reader that sleeps, and is not told */
static void mk_send_unheard(struct kunit *test, struct mk_pair *p, u32 from, u32 to)
{
	struct mk_channel *ch = &p->loop->spawn.ch;
	u32 i;

	KUNIT_ASSERT_TRUE(test, mk_soon(mk_reader_sleeps(ch)));
	WRITE_ONCE(*ch->armed, 0);
	for (i = from; i < to; i++)
		KUNIT_ASSERT_EQ(test, mk_send_filled(p->host, MK_POLL_LEN, i, 0), 0);
}

static bool mk_try_poll(struct mk_pair *p, struct mk_taker *t, u64 ns)
{
	bool left;

	rcu_read_lock();
	left = mk_poll(p->spawn->ep, &t->poll, ns);
	rcu_read_unlock();

	return left;
}

static bool mk_try_one(struct mk_pair *p, struct mk_taker *t)
{
	bool left;

	rcu_read_lock();
	left = mk_poll_one(p->spawn->ep, &t->poll);
	rcu_read_unlock();

	return left;
}

/* What is left is there until it is fetched, in order; the reader sees none of it */
static void mk_poll_leaves(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_LEAVE);
	struct task_struct *reader;
	u64 rx;
	int i;

	mk_send_unheard(test, &p, 0, 1);
	/* However long this task does not get a CPU, nobody else reads */
	reader = p.loop->spawn.ch.reader;
	WRITE_ONCE(p.loop->spawn.ch.reader, NULL);
	rx = mk_stat(&p.loop->spawn, rx);
	KUNIT_EXPECT_TRUE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	KUNIT_EXPECT_TRUE(test, mk_try_one(&p, &t));
	KUNIT_EXPECT_EQ(test, t.shown, 2);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, rx), rx);

	t.answer = MK_TAKE_DONE;
	KUNIT_EXPECT_FALSE(test, mk_try_one(&p, &t));
	KUNIT_EXPECT_EQ(test, t.taken, 1);
	KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, rx), rx + 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(p.spawn->received), 0);

	/* Nothing is there: nobody is shown anything */
	KUNIT_EXPECT_FALSE(test, mk_try_one(&p, &t));
	KUNIT_EXPECT_EQ(test, t.shown, 3);

	/* The service has all that follow */
	WRITE_ONCE(p.loop->spawn.ch.reader, reader);
	mk_channel_check(&p.loop->spawn.ch);
	for (i = 1; i < 20; i++)
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, i, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 19));
	mk_pair_check(test, &p);
}

/* Who leaves a message and does not come back does not keep it from the service */
static void mk_poll_forget(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_LEAVE);
	int i;

	for (i = 0; i < 10; i++) {
		mk_send_unheard(test, &p, i, i + 1);
		KUNIT_EXPECT_TRUE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == i + 1));
	}
	mk_pair_check(test, &p);
}

/*
 * A doorbell that was rung for a message which somebody took finds nothing.  The next
 * message, for which none is rung any more, is read nevertheless.
 */
static void mk_poll_late_doorbell(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_DONE);
	struct mk_channel *ch = &p.loop->spawn.ch;
	struct task_struct *reader;
	int i;

	for (i = 0; i < 20; i += 2) {
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_reader_sleeps(ch)));
		/* The doorbell is heard by nobody */
		reader = ch->reader;
		WRITE_ONCE(ch->reader, NULL);
		irq_poll_disable(&ch->soft);
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, i, 0), 0);
		irq_poll_enable(&ch->soft);
		WRITE_ONCE(ch->reader, reader);
		t.taken = 0;
		mk_try_one(&p, &t);
		KUNIT_EXPECT_EQ(test, t.taken, 1);
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, i + 1, 0), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == i / 2 + 1));
	}
	mk_pair_check(test, &p);
}

/* Nor does who has what he wants keep what comes next */
static void mk_poll_returns(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t;
	int i;

	for (i = 0; i < 20; i += 2) {
		t = mk_taker(&p, MK_TAKE_DONE);
		mk_send_unheard(test, &p, i, i + 1);
		KUNIT_EXPECT_FALSE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
		KUNIT_EXPECT_EQ(test, t.taken, 1);
		KUNIT_ASSERT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, i + 1, 0), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == i / 2 + 1));
	}
	mk_pair_check(test, &p);
}

/* What is not wanted ends the poll, and is the reader's */
static void mk_poll_pass(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_PASS);

	mk_send_unheard(test, &p, 0, 3);
	KUNIT_EXPECT_FALSE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	KUNIT_EXPECT_EQ(test, t.shown, 1);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 3));

	mk_send_unheard(test, &p, 3, 5);
	KUNIT_EXPECT_FALSE(test, mk_try_one(&p, &t));
	KUNIT_EXPECT_EQ(test, t.shown, 2);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 5));
	mk_pair_check(test, &p);
}

/*
 * A message that is left does not keep what lies behind it from its service, not
 * even if who left it looks at it again and again.
 */
static void mk_poll_behind(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_LEAVE);
	unsigned long end;

	mk_probe_register(test, other);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(other)));
	mk_loop_settle(test, p.loop);

	mk_send_unheard(test, &p, 0, 1);
	KUNIT_ASSERT_EQ(test, mk_send(other->host.ep, "abc", 3, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	end = jiffies + MK_TEST_TIMEOUT;
	while (!READ_ONCE(other->spawn.received) && time_before(jiffies, end)) {
		mk_try_one(&p, &t);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, READ_ONCE(other->spawn.received), 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(p.spawn->received), 1);
	mk_pair_check(test, &p);
}

/* Nor does it keep from its room who waits for that at the same end */
static void mk_poll_room(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, NULL);
	struct mk_taker t = mk_taker(&p, MK_TAKE_LEAVE);
	struct mk_call *call;
	unsigned long end;

	mk_loop_deafen(&p.loop->host);
	while (!mk_send(p.spawn->ep, "abc", 3, 0))
		;
	call = mk_call_send(test, p.spawn->ep, MK_POLL_LEN, 0, MAX_SCHEDULE_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, mk_soon(wq_has_sleeper(&p.loop->spawn.ch.room_wait)));

	mk_send_unheard(test, &p, 0, 1);
	KUNIT_EXPECT_TRUE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	mk_loop_hear(&p.loop->host);
	end = jiffies + MK_TEST_TIMEOUT;
	while (!mk_call_over(call) && time_before(jiffies, end)) {
		mk_try_one(&p, &t);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, mk_call_result(test, call), 0);
	mk_pair_check(test, &p);
}

static int mk_receive_answer(struct mk_probe *probe, struct mk_side *side,
			     const struct mk_message *msg)
{
	if (side == &probe->host && msg->request)
		mk_reply(side->ep, msg->request, msg->data, msg->len);

	return 0;
}

/* Other services' messages, requests and answers are shown to nobody */
static void mk_poll_others(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_pair(test, mk_receive_answer);
	struct mk_taker t = mk_taker(&p, MK_TAKE_LEAVE);
	struct mk_call *call;

	mk_probe_register(test, other);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(other)));
	mk_loop_settle(test, p.loop);

	mk_send_unheard(test, &p, 0, 0);
	KUNIT_ASSERT_EQ(test, mk_send(other->host.ep, "abc", 3, 0), 0);
	KUNIT_EXPECT_FALSE(test, mk_try_one(&p, &t));
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(other->spawn.received) == 1));

	call = mk_call_request(test, p.spawn->ep, MK_POLL_LEN, 0, MK_TEST_TIMEOUT);
	while (!mk_call_over(call) && !t.shown) {
		mk_try_poll(&p, &t, MK_POLL_LONG);
		/* Who asks may be on this CPU */
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, mk_call_result(test, call), MK_POLL_LEN);
	KUNIT_EXPECT_EQ(test, t.shown, 0);
	mk_pair_check(test, &p);
}

/* No look at all: it has what it wants, may not poll, or the endpoint is closed */
static void mk_poll_none(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_LEAVE);

	mk_send_unheard(test, &p, 0, 1);
	KUNIT_EXPECT_FALSE(test, mk_try_poll(&p, &t, 0));
	t.over = true;
	KUNIT_EXPECT_FALSE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	t.over = false;
	WRITE_ONCE(mk_poll_us, 0);
	KUNIT_EXPECT_FALSE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	WRITE_ONCE(mk_poll_us, 10000);
	KUNIT_EXPECT_EQ(test, t.shown, 0);

	mk_probe_unregister(p.probe);
	KUNIT_EXPECT_FALSE(test, mk_try_poll(&p, &t, MK_POLL_LONG));
	KUNIT_EXPECT_FALSE(test, mk_try_one(&p, &t));
	KUNIT_EXPECT_EQ(test, t.shown, 0);
	mk_pair_check(test, &p);
}

/* Longer after a short wait, shorter after a long one, within what is allowed */
static void mk_poll_learns(struct kunit *test)
{
	u64 window = 0, max = 10000 * NSEC_PER_USEC;
	int i;

	mk_poll_adapt(&window, max);
	KUNIT_EXPECT_EQ(test, window, 0);
	for (i = 0; i < 40; i++) {
		u64 before = window;

		mk_poll_adapt(&window, max - 1);
		KUNIT_EXPECT_GE(test, window, before);
	}
	KUNIT_EXPECT_EQ(test, window, max);
	WRITE_ONCE(mk_poll_us, 1000);
	mk_poll_adapt(&window, 0);
	KUNIT_EXPECT_EQ(test, window, max / 10);
	for (i = 0; i < 40; i++) {
		u64 before = window;

		mk_poll_adapt(&window, max);
		KUNIT_EXPECT_TRUE(test, window < before || !before);
	}
	KUNIT_EXPECT_EQ(test, window, 0);
}

/* A stream to one who takes it, and to the reader: all of it once, and in order */
static void mk_poll_race(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_taker t = mk_taker(&p, MK_TAKE_DONE);
	struct mk_call *call;
	int taken = 0;
	u32 i = 0;

	while (i < MK_POLL_RACE) {
		call = mk_call_send(test, p.host->ep, i % 3 * MK_POLL_LEN, i, MK_TEST_TIMEOUT);
		i++;
		t.taken = 0;
		mk_try_poll(&p, &t, 50 * NSEC_PER_USEC);
		mk_try_one(&p, &t);
		taken += t.taken;
		KUNIT_ASSERT_EQ(test, mk_call_result(test, call), 0);
	}
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->next) == MK_POLL_RACE));
	KUNIT_EXPECT_EQ(test, taken + READ_ONCE(p.spawn->received), MK_POLL_RACE);
	KUNIT_EXPECT_GT(test, taken, 0);
	mk_pair_check(test, &p);
}

/**
 * struct mk_asker - somebody waits for an answer at the spawn's end
 * @poll: what mk_poll_request() knows of it
 * @side: counts what comes
 * @until: so many messages end it
 * @looks: times that it was asked whether it has all
 * @bare: of these, those at which it had not the lock, or doorbells were on
 */
struct mk_asker {
	struct mk_poll poll;
	struct mk_side *side;
	u32 until;
	int looks;
	int bare;
};

static bool mk_asker_done(struct mk_poll *p)
{
	struct mk_asker *a = container_of(p, struct mk_asker, poll);
	struct mk_channel *ch = p->ep->ch;

	a->looks++;
	a->bare += READ_ONCE(ch->rx_owner) != current || READ_ONCE(*ch->armed);

	return READ_ONCE(a->side->received) >= a->until;
}

static struct mk_asker mk_asker(struct mk_pair *p, u32 until)
{
	return (struct mk_asker) {
		.poll = { .done = mk_asker_done, .ep = p->spawn->ep },
		.side = p->spawn,
		.until = until,
	};
}

/* Who asks reads until he is done, without doorbells; then there are some again */
static void mk_poll_asks(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_channel *ch = &p.loop->spawn.ch;
	struct task_struct *reader;
	struct task_struct *owner;
	u64 now, ns, rung, read;
	u8 data[MK_POLL_LEN];
	u32 i, armed, n = 0;
	struct mk_asker a;

	for (i = 0; i < 9; i++) {
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_reader_sleeps(ch)));
		/* However long this task does not get a CPU, nobody else reads */
		reader = ch->reader;
		WRITE_ONCE(ch->reader, NULL);
		a = mk_asker(&p, n + 1);
		mk_fill(data, sizeof(data), n);
		rung = mk_stat(&p.loop->host, doorbells_tx);
		read = mk_stat(&p.loop->spawn, polled);
		/* Something comes before the first look, or nothing does, or nothing was sent */
		ns = mk_poll_begin(ch, &a.poll, i % 3 ? NSEC_PER_USEC : MK_POLL_LONG);
		owner = READ_ONCE(ch->rx_owner);
		armed = READ_ONCE(*ch->armed);
		if (i % 3 == 0)
			mk_send(p.host->ep, data, sizeof(data), 0);
		now = local_clock();
		if (i % 3 < 2)
			mk_poll_request(ch, &a.poll, now, ns);
		else
			mk_poll_abort(ch, &a.poll);
		WRITE_ONCE(ch->reader, reader);
		KUNIT_EXPECT_NE(test, ns, 0);
		KUNIT_EXPECT_PTR_EQ(test, owner, current);
		KUNIT_EXPECT_EQ(test, armed, 0);
		KUNIT_EXPECT_PTR_NE(test, READ_ONCE(ch->rx_owner), current);
		KUNIT_EXPECT_EQ(test, atomic_read(&ch->pollers), 0);
		KUNIT_EXPECT_NE(test, READ_ONCE(*ch->armed), 0);
		if (i % 3 == 0) {
			n++;
			KUNIT_EXPECT_EQ(test, READ_ONCE(p.spawn->received), n);
			KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->host, doorbells_tx), rung);
			KUNIT_EXPECT_EQ(test, mk_stat(&p.loop->spawn, polled), read + 1);
			KUNIT_EXPECT_GT(test, a.looks, 0);
		}
		/* Who was not to wait is not asked */
		if (i % 3 == 2)
			KUNIT_EXPECT_EQ(test, a.looks, 0);
		KUNIT_EXPECT_EQ(test, a.bare, 0);

		KUNIT_EXPECT_TRUE(test, mk_soon(mk_reader_sleeps(ch)));
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, n++, 0), 0);
		KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == n));
	}
	mk_pair_check(test, &p);
}

static bool mk_always_busy(struct mk_endpoint *ep)
{
	return true;
}

static int mk_receive_by_reader(struct mk_probe *probe, struct mk_side *side,
				const struct mk_message *msg)
{
	if (current != probe->data)
		WRITE_ONCE(side->wrong, side->wrong + 1);

	return mk_receive_next(probe, side, msg);
}

/* What a service would have to wait for is the reader's: who asks does not wait with it */
static void mk_poll_busy(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_by_reader);
	struct mk_channel *ch = &p.loop->spawn.ch;
	struct mk_endpoint *echo = &ch->endpoints[MK_SERVICE_ECHO];
	char back;
	u32 i;

	KUNIT_ASSERT_TRUE(test, mk_soon(READ_ONCE(echo->open)));
	p.probe->data = ch->reader;
	p.probe->service.busy = mk_always_busy;
	for (i = 0; i < 10; i++) {
		/* Two lie before the answer, and nobody but who asks knows */
		mk_send_unheard(test, &p, 2 * i, 2 * i + 2);
		WRITE_ONCE(ch->request_poll_ns, MK_POLL_LONG);
		KUNIT_EXPECT_EQ(test, mk_request(echo, "x", 1, &back, 1, MK_TEST_TIMEOUT), 1);
		KUNIT_EXPECT_EQ(test, READ_ONCE(p.spawn->received), 2 * i + 2);
	}
	mk_pair_check(test, &p);
}

static int mk_receive_slowly(struct mk_probe *probe, struct mk_side *side,
			     const struct mk_message *msg)
{
	msleep(20);

	return mk_receive_next(probe, side, msg);
}

/* And whoever wants the lock has it before each of them */
static void mk_poll_busy_lock(struct kunit *test)
{
	struct mk_probe *other = mk_probe(test, MK_TEST_OTHER, MK_BOTH_ROLES);
	struct mk_pair p = mk_pair(test, mk_receive_slowly);
	u32 i;

	p.probe->service.busy = mk_always_busy;
	mk_loop_deafen(&p.loop->spawn);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, i, 0), 0);
	mk_loop_hear(&p.loop->spawn);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) >= 1));
	mk_probe_register(test, other);
	KUNIT_EXPECT_LT(test, READ_ONCE(p.spawn->received), 40);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 40));
	KUNIT_EXPECT_TRUE(test, mk_soon(mk_probe_open(other)));
	mk_pair_check(test, &p);
}

/*
 * Somebody has the lock who does not read, as who registers a service: doorbells stay
 * on, or nothing would be read any more.
 */
static void mk_poll_lock_taken(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_channel *ch = &p.loop->spawn.ch;
	struct mk_asker a;
	u32 armed, i;
	u64 now, ns;
	int queued;

	for (i = 0; i < 2; i++) {
		/* With the answer, and when the time is over */
		a = mk_asker(&p, i);
		KUNIT_ASSERT_TRUE(test, mk_soon(mk_reader_sleeps(ch)));
		/* By nobody who asks: @rx_owner is not set */
		mutex_lock(&ch->rx_lock);
		now = local_clock();
		ns = mk_poll_begin(ch, &a.poll, NSEC_PER_USEC);
		queued = atomic_read(&ch->pollers);
		mk_poll_request(ch, &a.poll, now, ns);
		armed = READ_ONCE(*ch->armed);
		mutex_unlock(&ch->rx_lock);
		KUNIT_EXPECT_NE(test, armed, 0);
		/* The reader is told that he waits for his turn */
		KUNIT_EXPECT_EQ(test, queued, 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&ch->pollers), 0);
	}
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 1));
	mk_pair_check(test, &p);
}

/* Somebody has the lock, and brings the answer: what else is there is the reader's */
static void mk_poll_brought(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_asker a = mk_asker(&p, 0);
	struct mk_channel *ch = &p.loop->spawn.ch;
	struct task_struct *reader;
	u32 received, armed;
	u64 now, ns;

	mk_send_unheard(test, &p, 0, 1);
	mutex_lock(&ch->rx_lock);
	reader = ch->reader;
	WRITE_ONCE(ch->reader, NULL);
	ns = mk_poll_begin(ch, &a.poll, MK_POLL_LONG);
	mutex_unlock(&ch->rx_lock);
	now = local_clock();
	mk_poll_request(ch, &a.poll, now, ns);
	received = READ_ONCE(p.spawn->received);
	armed = READ_ONCE(*ch->armed);
	WRITE_ONCE(ch->reader, reader);
	KUNIT_EXPECT_EQ(test, received, 0);
	KUNIT_EXPECT_NE(test, armed, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&ch->pollers), 0);
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, 1, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 2));
	mk_pair_check(test, &p);
}

/* Somebody has the lock, and leaves doorbells off: they are on before who asks sleeps */
static void mk_poll_lock_free(struct kunit *test)
{
	struct mk_pair p = mk_pair(test, mk_receive_next);
	struct mk_asker a = mk_asker(&p, 1);
	struct mk_channel *ch = &p.loop->spawn.ch;
	u64 now, ns;

	KUNIT_ASSERT_TRUE(test, mk_soon(mk_reader_sleeps(ch)));
	mutex_lock(&ch->rx_lock);
	WRITE_ONCE(*ch->armed, 0);
	ns = mk_poll_begin(ch, &a.poll, NSEC_PER_USEC);
	mutex_unlock(&ch->rx_lock);
	now = local_clock();
	mk_poll_request(ch, &a.poll, now, ns);
	KUNIT_EXPECT_NE(test, READ_ONCE(*ch->armed), 0);
	KUNIT_EXPECT_EQ(test, mk_send_filled(p.host, MK_POLL_LEN, 0, 0), 0);
	KUNIT_EXPECT_TRUE(test, mk_soon(READ_ONCE(p.spawn->received) == 1));
	mk_pair_check(test, &p);
}

static struct kunit_case mk_poll_cases[] = {
	KUNIT_CASE(mk_poll_leaves),
	KUNIT_CASE(mk_poll_forget),
	KUNIT_CASE(mk_poll_late_doorbell),
	KUNIT_CASE(mk_poll_returns),
	KUNIT_CASE(mk_poll_pass),
	KUNIT_CASE(mk_poll_behind),
	KUNIT_CASE(mk_poll_room),
	KUNIT_CASE(mk_poll_others),
	KUNIT_CASE(mk_poll_none),
	KUNIT_CASE(mk_poll_asks),
	KUNIT_CASE(mk_poll_busy),
	KUNIT_CASE(mk_poll_busy_lock),
	KUNIT_CASE(mk_poll_lock_taken),
	KUNIT_CASE(mk_poll_brought),
	KUNIT_CASE(mk_poll_lock_free),
	KUNIT_CASE(mk_poll_learns),
	KUNIT_CASE(mk_poll_race),
	{}
};

static struct kunit_suite mk_poll_suite = {
	.name = "multikernel_poll",
	.init = mk_poll_init,
	.exit = mk_poll_exit,
	.test_cases = mk_poll_cases,
};

kunit_test_suite(mk_poll_suite);
