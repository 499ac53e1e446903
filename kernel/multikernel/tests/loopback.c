// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: both ends of a channel in one kernel, for tests
 *
 * The rings lie in ordinary memory, and a doorbell is a call: all above them is
 * what runs between two kernels.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "guarded.h"
#include "loopback.h"

static struct mk_loop_end *mk_loop_end(struct mk_channel *ch)
{
	return container_of(ch, struct mk_loop_end, ch);
}

static void mk_loop_ring(struct mk_channel *ch)
{
	struct mk_loop_end *peer = mk_loop_end(ch)->peer;

	lockdep_assert_irqs_disabled();
	rcu_read_lock();
	raw_spin_lock(&peer->doorbell);
	mk_channel_heard(&peer->ch);
	raw_spin_unlock(&peer->doorbell);
	rcu_read_unlock();
}

static void mk_loop_fault(struct mk_channel *ch, const char *what)
{
	struct mk_loop_end *end = mk_loop_end(ch);

	if (atomic_inc_return(&end->faults) == 1)
		strscpy(end->fault, what, sizeof(end->fault));
}

static const struct mk_channel_ops mk_loop_ops = {
	.ring = mk_loop_ring,
	.fault = mk_loop_fault,
};

static void mk_loop_free(void *data)
{
	struct mk_loop *loop = data;

	mk_loop_close(loop);
	/* A doorbell may be walking over it; nobody rings any more */
	synchronize_rcu();
	vfree(loop->window);
	kvfree(loop);
}

/**
 * mk_loop - make two ends, not open
 * @test: test that they belong to
 *
 * Return: the ends; closed and freed when the test ends.
 */
struct mk_loop *mk_loop(struct kunit *test)
{
	struct mk_loop *loop = kvzalloc(sizeof(*loop), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, loop);
	loop->host.peer = &loop->spawn;
	loop->spawn.peer = &loop->host;
	raw_spin_lock_init(&loop->host.doorbell);
	raw_spin_lock_init(&loop->spawn.doorbell);
	mk_channel_init(&loop->host.ch, MK_ROLE_HOST, &mk_loop_ops, MK_LOOP_SPAWN_ID,
			"loopspawn");
	mk_channel_init(&loop->spawn.ch, MK_ROLE_SPAWN, &mk_loop_ops, MK_LOOP_HOST_ID,
			"loophost");
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_loop_free, loop));
	loop->window = vzalloc(MK_WINDOW_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, loop->window);
	mk_loop_attach(loop);

	return loop;
}

/**
 * mk_loop_attach - a fresh window, as for a new start
 * @loop: two closed ends
 */
void mk_loop_attach(struct mk_loop *loop)
{
	mk_window_clear(loop->window);
	mk_channel_attach(&loop->host.ch, loop->window);
	mk_channel_attach(&loop->spawn.ch, loop->window);
}

/**
 * mk_loop_open_end - open one end
 * @test: test
 * @end: end that is attached
 */
void mk_loop_open_end(struct kunit *test, struct mk_loop_end *end)
{
	end->listening = true;
	mk_channel_listen(&end->ch);
	mk_channel_place(&end->ch);
	KUNIT_ASSERT_EQ(test, 0, mk_channel_open(&end->ch));
}

/**
 * mk_loop_open - open both, the spawn first as it is in life
 * @test: test
 * @loop: two attached ends
 */
void mk_loop_open(struct kunit *test, struct mk_loop *loop)
{
	mk_loop_open_end(test, &loop->spawn);
	mk_loop_open_end(test, &loop->host);
}

/**
 * mk_loop_close_end - close one end
 * @end: end in any state
 */
void mk_loop_close_end(struct mk_loop_end *end)
{
	if (!end->listening)
		return;
	mk_channel_close(&end->ch);
	end->listening = false;
}

/**
 * mk_loop_close - close both, the host first
 * @loop: two ends in any state
 */
void mk_loop_close(struct mk_loop *loop)
{
	mk_loop_close_end(&loop->host);
	mk_loop_close_end(&loop->spawn);
}

/* Services that look at what happens to them */

static struct mk_probe *mk_probe_of(const struct mk_endpoint *ep)
{
	return container_of((struct mk_service *)ep->service, struct mk_probe, service);
}

static struct mk_side *mk_side_of(struct mk_probe *probe, const struct mk_endpoint *ep)
{
	return mk_endpoint_role(ep) == MK_ROLE_HOST ? &probe->host : &probe->spawn;
}

#define mk_note(counter)	WRITE_ONCE(counter, (counter) + 1)

static int mk_probe_opened(struct mk_endpoint *ep)
{
	struct mk_side *side = mk_side_of(mk_probe_of(ep), ep);

	if (side->open || ep->priv)
		mk_note(side->wrong);
	mk_note(side->opens);
	if (side->refuse)
		return side->refuse;
	ep->priv = side;
	side->next = 0;
	WRITE_ONCE(side->ep, ep);
	/* The test goes on by it: what is above is complete */
	smp_store_release(&side->open, true);

	return 0;
}

static void mk_probe_close(struct mk_endpoint *ep)
{
	struct mk_side *side = mk_side_of(mk_probe_of(ep), ep);

	if (!side->open || ep->priv != side)
		mk_note(side->wrong);
	mk_note(side->closes);
	/* As in mk_probe_opened() */
	smp_store_release(&side->open, false);
}

static int mk_probe_receive(struct mk_endpoint *ep, const struct mk_message *msg)
{
	struct mk_probe *probe = mk_probe_of(ep);
	struct mk_side *side = mk_side_of(probe, ep);
	int err;

	if (!side->open || ep->priv != side || !IS_ALIGNED((unsigned long)msg->data, 16))
		mk_note(side->wrong);
	err = probe->receive ? probe->receive(probe, side, msg) : 0;
	/* Pairs with READ_ONCE() and what depends on it in the tests */
	smp_store_release(&side->received, side->received + 1);

	return err;
}

static bool mk_probe_writable(struct mk_endpoint *ep)
{
	struct mk_probe *probe = mk_probe_of(ep);
	struct mk_side *side = mk_side_of(probe, ep);

	if (!side->open)
		mk_note(side->wrong);
	mk_note(side->writables);

	return probe->writable && probe->writable(probe, side);
}

static void mk_probe_end(void *data)
{
	struct mk_probe *probe = data;

	complete_all(&probe->gate);
	mk_probe_unregister(probe);
}

/**
 * mk_probe - make a service, not registered yet
 * @test: test that it belongs to
 * @id: its number
 * @roles: who offers it
 *
 * Return: the service; unregistered when the test ends.
 */
struct mk_probe *mk_probe(struct kunit *test, u16 id, unsigned int roles)
{
	struct mk_probe *probe = kunit_kzalloc(test, sizeof(*probe), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, probe);
	init_completion(&probe->gate);
	probe->service = (struct mk_service) {
		.id = id,
		.name = "test",
		.roles = roles,
		.open = mk_probe_opened,
		.close = mk_probe_close,
		.receive = mk_probe_receive,
		.writable = mk_probe_writable,
	};
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_probe_end, probe));

	return probe;
}

/**
 * mk_probe_register - offer it
 * @test: test
 * @probe: service
 */
void mk_probe_register(struct kunit *test, struct mk_probe *probe)
{
	KUNIT_ASSERT_EQ(test, 0, mk_service_register(&probe->service));
	probe->registered = true;
}

/**
 * mk_probe_unregister - offer it no more
 * @probe: service, registered or not
 */
void mk_probe_unregister(struct mk_probe *probe)
{
	if (probe->registered)
		mk_service_unregister(&probe->service);
	probe->registered = false;
}

/**
 * mk_probe_open - is it open at both ends?
 * @probe: service
 *
 * Return: true if it is.
 */
bool mk_probe_open(const struct mk_probe *probe)
{
	return mk_side_open(&probe->host) && mk_side_open(&probe->spawn);
}

/**
 * mk_probe_closed - is it closed at both ends?
 * @probe: service
 *
 * Return: true if it is.
 */
bool mk_probe_closed(const struct mk_probe *probe)
{
	return !mk_side_open(&probe->host) && !mk_side_open(&probe->spawn);
}

/**
 * mk_pair - open two ends, and a service between them
 * @test: test
 * @receive: what the service does
 *
 * Return: ends and service.
 */
struct mk_pair mk_pair(struct kunit *test,
		       int (*receive)(struct mk_probe *probe, struct mk_side *side,
				      const struct mk_message *msg))
{
	struct mk_probe *probe = mk_probe(test, MK_TEST_SERVICE, MK_BOTH_ROLES);
	struct mk_loop *loop = mk_loop(test);

	probe->receive = receive;
	mk_probe_register(test, probe);
	mk_loop_open(test, loop);
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_probe_open(probe)));
	/* Offers of other services may still come, and would be counted as the test's */
	mk_loop_settle(test, loop);

	return (struct mk_pair) { loop, probe, &probe->host, &probe->spawn };
}

/**
 * mk_pair_check - nobody broke the rules
 * @test: test
 * @p: ends and service
 */
void mk_pair_check(struct kunit *test, const struct mk_pair *p)
{
	KUNIT_EXPECT_EQ(test, READ_ONCE(p->host->wrong), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(p->spawn->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&p->loop->host.faults), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&p->loop->spawn.faults), 0);
}

/**
 * mk_loop_settle - wait until both ends have handled all that was sent
 * @test: test
 * @loop: two open ends
 */
void mk_loop_settle(struct kunit *test, struct mk_loop *loop)
{
	KUNIT_ASSERT_TRUE(test, mk_soon(mk_stat(&loop->host, rx) == mk_stat(&loop->spawn, tx) &&
					mk_stat(&loop->spawn, rx) == mk_stat(&loop->host, tx)));
	/* What was read last may still be being handled */
	mk_rx_lock(&loop->host.ch);
	mk_rx_unlock(&loop->host.ch);
	mk_rx_lock(&loop->spawn.ch);
	mk_rx_unlock(&loop->spawn.ch);
}

/**
 * mk_loop_deafen - read nothing at one end from now on, and keep no lock
 * @end: open end
 */
void mk_loop_deafen(struct mk_loop_end *end)
{
	WRITE_ONCE(end->ch.broken, true);
	/* Who is reading reads on until then */
	mk_rx_lock(&end->ch);
	mk_rx_unlock(&end->ch);
}

/**
 * mk_loop_hear - read on
 * @end: end that was deafened
 */
void mk_loop_hear(struct mk_loop_end *end)
{
	WRITE_ONCE(end->ch.broken, false);
	mk_channel_check(&end->ch);
}

/* Payloads */

static u8 mk_fill_byte(u32 seq, size_t i)
{
	return seq * 31 + (seq >> 8) + i * 7 + (i >> 8);
}

/**
 * mk_fill - write a message that can be checked
 * @payload: where
 * @len: its bytes
 * @seq: its number, which stands in front if there is room for it
 */
void mk_fill(void *payload, size_t len, u32 seq)
{
	u8 *p = payload;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = mk_fill_byte(seq, i);
}

/**
 * mk_filled - is it what mk_fill() wrote?
 * @payload: what came
 * @len: its bytes
 * @seq: its number
 *
 * Return: true if it is.
 */
bool mk_filled(const void *payload, size_t len, u32 seq)
{
	const u8 *p = payload;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != mk_fill_byte(seq, i))
			return false;

	return true;
}

/**
 * mk_send_filled - send such a message
 * @side: from where
 * @len: its bytes
 * @seq: its number
 * @timeout: for mk_send()
 *
 * Return: what mk_send() said.
 */
int mk_send_filled(struct mk_side *side, size_t len, u32 seq, long timeout)
{
	void *buf = kvmalloc(len, GFP_KERNEL);
	int err;

	if (!buf)
		return -ENOMEM;
	mk_fill(buf, len, seq);
	err = mk_send(side->ep, buf, len, timeout);
	kvfree(buf);

	return err;
}

/* Calls in threads of their own */

static void mk_call_work(struct work_struct *work)
{
	struct mk_call *call = container_of(work, struct mk_call, work);
	void *data = kvmalloc(call->len, GFP_KERNEL);

	call->result = -ENOMEM;
	if (data) {
		mk_fill(data, call->len, call->seq);
		call->result = call->asks ?
			       mk_request(call->ep, data, call->len, call->reply, call->room,
					  call->timeout) :
			       mk_send(call->ep, data, call->len, call->timeout);
		kvfree(data);
	}
	complete_all(&call->done);
}

static void mk_call_end(void *data)
{
	struct mk_call *call = data;

	flush_work(&call->work);
	kvfree(call->reply);
	kfree(call);
}

static struct mk_call *mk_call(struct kunit *test, struct mk_endpoint *ep, bool asks,
			       size_t len, u32 seq, size_t room, long timeout)
{
	struct mk_call *call = kzalloc(sizeof(*call), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, call);
	call->ep = ep;
	call->asks = asks;
	call->len = len;
	call->seq = seq;
	call->room = room;
	call->reply = room ? kvzalloc(room, GFP_KERNEL) : NULL;
	call->timeout = timeout;
	init_completion(&call->done);
	INIT_WORK(&call->work, mk_call_work);
	queue_work(system_unbound_wq, &call->work);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_call_end, call));

	return call;
}

/**
 * mk_call_send - mk_send() of what mk_fill() writes
 * @test: test that the call belongs to
 * @ep: endpoint
 * @len: bytes
 * @seq: number
 * @timeout: for mk_send()
 *
 * Return: the call, which has begun.
 */
struct mk_call *mk_call_send(struct kunit *test, struct mk_endpoint *ep, size_t len, u32 seq,
			     long timeout)
{
	return mk_call(test, ep, false, len, seq, 0, timeout);
}

/**
 * mk_call_request - mk_request() with what mk_fill() writes, and as much room
 * @test: test that the call belongs to
 * @ep: endpoint
 * @len: bytes
 * @seq: number
 * @timeout: for mk_request()
 *
 * Return: the call, which has begun.
 */
struct mk_call *mk_call_request(struct kunit *test, struct mk_endpoint *ep, size_t len,
				u32 seq, long timeout)
{
	return mk_call(test, ep, true, len, seq, len, timeout);
}

/**
 * mk_call_over - did it return?
 * @call: call
 *
 * Return: true if it did.
 */
bool mk_call_over(struct mk_call *call)
{
	return completion_done(&call->done);
}

/**
 * mk_call_result - wait until it returns
 * @test: test
 * @call: call
 *
 * Return: what it returned.
 */
ssize_t mk_call_result(struct kunit *test, struct mk_call *call)
{
	KUNIT_ASSERT_NE(test, 0, wait_for_completion_timeout(&call->done, MK_TEST_TIMEOUT));

	return call->result;
}
