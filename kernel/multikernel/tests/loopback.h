/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: both ends of a channel in one kernel, for tests
 */
#ifndef _MK_TESTS_LOOPBACK_H
#define _MK_TESTS_LOOPBACK_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "../internal.h"

/* What the tests talk about; no service of ours has these numbers */
#define MK_TEST_SERVICE		MK_SERVICE_PRIVATE
#define MK_TEST_OTHER		(MK_SERVICE_PRIVATE + 1)

#define MK_BOTH_ROLES		(MK_ROLE_HOST | MK_ROLE_SPAWN)

/* Far more than anything here takes, emulated and with all checkers on */
#define MK_TEST_TIMEOUT		(60 * HZ)

/* Wait until @cond holds: true, or false after far too long */
#define mk_soon(cond)							\
({									\
	unsigned long __end = jiffies + MK_TEST_TIMEOUT;		\
	bool __ok;							\
									\
	while (!(__ok = (cond)) && time_before(jiffies, __end))		\
		usleep_range(50, 200);					\
	__ok;								\
})

/* Neither the machine's host nor an instance: no driver takes them for one */
#define MK_LOOP_SPAWN_ID	4711
#define MK_LOOP_HOST_ID		4712

struct mk_loop;

/**
 * struct mk_loop_end - one end
 * @ch: its channel
 * @peer: the other end
 * @doorbell: a doorbell is heard by one CPU at a time
 * @faults: how often the peer broke the rules
 * @fault: how it did so first
 * @listening: between mk_channel_listen() and mk_channel_close()
 */
struct mk_loop_end {
	struct mk_channel ch;
	struct mk_loop_end *peer;
	raw_spinlock_t doorbell;
	atomic_t faults;
	char fault[MK_EXIT_TEXT];
	bool listening;
};

/**
 * struct mk_loop - a host and a spawn that are the same kernel
 * @host: the host's end
 * @spawn: the spawn's end
 * @window: between them
 */
struct mk_loop {
	struct mk_loop_end host;
	struct mk_loop_end spawn;
	void *window;
};

struct mk_loop *mk_loop(struct kunit *test);
void mk_loop_attach(struct mk_loop *loop);
void mk_loop_open_end(struct kunit *test, struct mk_loop_end *end);
void mk_loop_open(struct kunit *test, struct mk_loop *loop);
void mk_loop_close_end(struct mk_loop_end *end);
void mk_loop_close(struct mk_loop *loop);

#define mk_stat(end, counter)	READ_ONCE((end)->ch.stats.counter)

/**
 * struct mk_side - what a probe has seen at one end
 * @ep: endpoint
 * @open: it is open
 * @opens: times that it was opened
 * @closes: and closed
 * @writables: times that it was told that there is room
 * @received: messages and requests
 * @wrong: things that must not come, in this order
 * @refuse: what open answers
 * @next: number of the next message
 */
struct mk_side {
	struct mk_endpoint *ep;
	bool open;
	int opens;
	int closes;
	int writables;
	int received;
	int wrong;
	int refuse;
	u32 next;
};

/**
 * struct mk_probe - a service that looks at what happens to it
 * @service: what is registered
 * @registered: it is
 * @host: what was seen at the host's end
 * @spawn: and at the spawn's
 * @receive: what to do with messages and requests
 * @writable: what to do when there is room; true if that is not all
 * @gate: what a test may keep @receive waiting for
 * @data: the test's own
 */
struct mk_probe {
	struct mk_service service;
	bool registered;
	struct mk_side host;
	struct mk_side spawn;
	int (*receive)(struct mk_probe *probe, struct mk_side *side,
		       const struct mk_message *msg);
	bool (*writable)(struct mk_probe *probe, struct mk_side *side);
	struct completion gate;
	void *data;
};

/* Is it open at this end?  What open wrote is seen then */
static inline bool mk_side_open(const struct mk_side *side)
{
	/* Pairs with the releases in mk_probe_opened() and mk_probe_close() */
	return smp_load_acquire(&side->open);
}

struct mk_probe *mk_probe(struct kunit *test, u16 id, unsigned int roles);
void mk_probe_register(struct kunit *test, struct mk_probe *probe);
void mk_probe_unregister(struct mk_probe *probe);
bool mk_probe_open(const struct mk_probe *probe);
bool mk_probe_closed(const struct mk_probe *probe);

/**
 * struct mk_pair - two open ends, and a service between them
 * @loop: the ends
 * @probe: the service
 * @host: what it has seen at the host's end
 * @spawn: and at the spawn's
 */
struct mk_pair {
	struct mk_loop *loop;
	struct mk_probe *probe;
	struct mk_side *host;
	struct mk_side *spawn;
};

struct mk_pair mk_pair(struct kunit *test,
		       int (*receive)(struct mk_probe *probe, struct mk_side *side,
				      const struct mk_message *msg));
void mk_pair_check(struct kunit *test, const struct mk_pair *p);
void mk_loop_settle(struct kunit *test, struct mk_loop *loop);
void mk_loop_deafen(struct mk_loop_end *end);
void mk_loop_hear(struct mk_loop_end *end);

/* Hold up the reader until the test says so; bounded, or no test would end */
static inline void mk_probe_wait(struct mk_probe *probe)
{
	wait_for_completion_timeout(&probe->gate, MK_TEST_TIMEOUT);
}

/* A message of the tests: a number, and what follows from it */
void mk_fill(void *payload, size_t len, u32 seq);
bool mk_filled(const void *payload, size_t len, u32 seq);
int mk_send_filled(struct mk_side *side, size_t len, u32 seq, long timeout);

/**
 * struct mk_call - a call that may take long, in a thread of its own
 * @work: the thread
 * @ep: endpoint
 * @asks: mk_request(), else mk_send()
 * @len: bytes to send
 * @seq: what mk_fill() makes them of
 * @reply: gets the answer
 * @room: its bytes
 * @timeout: of the call
 * @result: of the call
 * @done: @result is valid
 */
struct mk_call {
	struct work_struct work;
	struct mk_endpoint *ep;
	bool asks;
	size_t len;
	u32 seq;
	void *reply;
	size_t room;
	long timeout;
	ssize_t result;
	struct completion done;
};

struct mk_call *mk_call_send(struct kunit *test, struct mk_endpoint *ep, size_t len, u32 seq,
			     long timeout);
struct mk_call *mk_call_request(struct kunit *test, struct mk_endpoint *ep, size_t len,
				u32 seq, long timeout);
bool mk_call_over(struct mk_call *call);
ssize_t mk_call_result(struct kunit *test, struct mk_call *call);

#endif /* _MK_TESTS_LOOPBACK_H */
