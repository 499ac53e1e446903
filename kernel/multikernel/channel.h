/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: a channel to a peer, and what is said on it: rings and doorbell,
 * messages, services, signs of life, the clock
 */
#ifndef _MK_CHANNEL_H
#define _MK_CHANNEL_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/irq_poll.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/multikernel.h>
#include <linux/multikernel_abi.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/wait.h>

#include "pulse.h"
#include "ring.h"

struct dentry;

/**
 * struct mk_channel_stats - counters of a channel
 * @tx: records sent
 * @tx_bytes: and bytes of payload in them
 * @tx_full: times that the ring had no room
 * @rx: records received
 * @rx_bytes: and bytes of payload in them
 * @doorbells_tx: doorbells rung
 * @doorbells_rx: doorbells heard that had something for this channel
 * @atomic: of the records received, those that the doorbell's softirq read
 * @polled: times that a short poll saved a doorbell
 * @slept: times that the reader went to sleep
 * @refused: messages and requests for a service that is not offered
 * @late_replies: answers that had to wait for room
 * @unanswered: requests whose answer could not be kept until there was room
 * @stray_replies: answers that nobody waits for
 *
 * Read without a lock; each is written by who reads the channel or under its
 * tx_lock, those of the doorbell by one CPU at a time.
 */
struct mk_channel_stats {
	u64 tx;
	u64 tx_bytes;
	u64 tx_full;
	u64 rx;
	u64 rx_bytes;
	u64 doorbells_tx;
	u64 doorbells_rx;
	u64 atomic;
	u64 polled;
	u64 slept;
	u64 refused;
	u64 late_replies;
	u64 unanswered;
	u64 stray_replies;
};

/* One writer at a time, readers don't care */
#define mk_count(counter, n)	WRITE_ONCE(counter, (counter) + (n))

/**
 * struct mk_heart - signs of life of this kernel and of a peer
 * @mine: where this kernel's go: in its half of the window
 * @theirs: in the peer's half
 * @lock: what follows, and who writes @mine
 * @beats: how many this kernel gave since the channel was attached
 * @heard: times that there was a new one of the peer's
 * @last: the last one of the peer's that was believed
 * @attached: TSC value when the channel was attached
 */
struct mk_heart {
	struct mk_pulse *mine;
	const struct mk_pulse *theirs;
	raw_spinlock_t lock; /* the fields below; writers of @mine */
	u32 beats;
	u32 heard;
	struct mk_beat last;
	u64 attached;
};

enum mk_channel_state {
	MK_CHANNEL_CLOSED,	/* never opened since it was attached */
	MK_CHANNEL_OPEN,
	MK_CHANNEL_DEAD,	/* the peer is gone, or may not go on */
};

/**
 * struct mk_channel_ops - what is at the other end of a channel
 * @ring: ring the peer's doorbell; interrupts off
 * @event: called from the doorbell's hard interrupt, open or not; may be NULL
 * @fault: the peer broke the rules; any context, rx_lock may be held
 */
struct mk_channel_ops {
	void (*ring)(struct mk_channel *ch);
	void (*event)(struct mk_channel *ch);
	void (*fault)(struct mk_channel *ch, const char *what);
};

/**
 * struct mk_trips - figures of one run of round trips, for debugfs
 * @count: completed
 * @lost: not answered in time
 * @min: shortest, ns
 * @median: half of the last ones were shorter, ns
 * @max: longest, ns
 * @sum: of all, ns
 */
struct mk_trips {
	u32 count;
	u32 lost;
	u64 min;
	u64 median;
	u64 max;
	u64 sum;
};

/**
 * struct mk_flood - figures of one run of messages one way, for debugfs
 * @msgs: messages sent, all received
 * @bytes: of payload in them
 * @ns: from the first one until the last one was known to be received
 * @copied: bytes that memcpy() copied, in pieces of the same size
 * @copy_ns: in this time
 */
struct mk_flood {
	u64 msgs;
	u64 bytes;
	u64 ns;
	u64 copied;
	u64 copy_ns;
};

/* Records read in one go; then others get the CPU, and the lock */
#define MK_RX_BUDGET	64

/* And in softirq, before the reader gets the rest; what is longer is the reader's, too */
#define MK_SOFT_BUDGET	8
#define MK_SOFT_LEN	4096

/*
 * Looks at an empty ring between two pauses.  A pause takes up to 140 cycles (Intel's
 * optimization manual, PAUSE latency in Skylake), and leaves the translated code under
 * an emulator: what comes meanwhile waits for its end.  What a sibling thread, or a
 * hypervisor that looks for pauses, makes of that many was not measured.
 */
#define MK_LOOKS	64

/**
 * struct mk_channel - one kernel's end of the rings and doorbells to another
 * @node: in the list that the doorbell walks; RCU, mk_channels_lock
 * @service_node: in the list of those that services have endpoints on
 * @role: which side this kernel is
 * @peer_id: instance id of the peer, 0 for the host
 * @peer_name: and its name
 * @ops: what is at the other end
 * @state: written under @tx_lock
 * @broken: the peer broke the rules; set once, nothing is read any more
 * @cpu: hears the doorbell, and runs @reader; mk_channels_lock
 * @placed: @cpu was chosen
 * @doorbell_dest: in this kernel's half: that CPU's local APIC id
 *
 * @rx_lock: serializes readers, and opening and closing of endpoints
 * @rx_owner: who holds it
 * @rx_busy: somebody is at it: who holds @rx_lock, or @soft
 * @soft: reads what needs no process, in softirq
 * @soft_may: it may; not between what it left to @reader and @reader's next sleep
 * @soft_at: when it did so last, local_clock()
 * @rx: reading end
 * @armed: in this kernel's half: ring my doorbell
 * @peer_want_room: in the peer's half: it waits for room
 * @room_rung: value there for which the doorbell was rung
 * @reader: thread that reads when nobody else does
 * @poll_ns: how long it looks at an empty ring before it sleeps
 * @pollers: those that look for messages in its place, or had to wait to read in it
 * @polled: somebody found a message in its place, and nothing else since
 * @polled_at: when that was, local_clock()
 * @hold_lock: the next four
 * @hold: wakes it if who left doorbells off does not come back
 * @held: @hold runs, and is nobody else's
 * @held_until: for how long
 * @held_head: where the ring ended when that was said
 *
 * @tx_lock: serializes writers
 * @tx: writing end
 * @peer_armed: in the peer's half: it wants a doorbell
 * @rung: value there for which the doorbell was rung
 * @want_room: in this kernel's half: ring when there is room
 * @starved: somebody found no room since there was some
 * @starved_at: where the peer's index was then
 * @room_wait: senders that wait for it
 * @late: replies that do, &struct mk_late_reply
 * @nr_late: how many
 *
 * @requests_lock: the next three
 * @requests: those that wait for an answer, &struct mk_waiter
 * @nr_requests: how many
 * @last_request: id of the last one, never used again
 * @request_wait: those that wait until there are fewer; woken with @requests_lock
 * @request_poll_ns: how long one looks at the ring before it sleeps
 *
 * @heart: signs of life
 * @endpoints: by service
 * @nr_offers: of the peer, since @offers_since; rx_lock
 * @offers_since: jiffies
 * @due: there are endpoints of which the peer is not told yet; rx_lock
 * @unsent: there are services that have more to send, and wait for no room; rx_lock
 * @stats: counters
 * @debugfs: folder
 * @ping_trips: last run of pings, under a lock of debugfs.c
 * @flood: last run of messages, under a lock of bench.c
 */
struct mk_channel {
	struct list_head node;
	struct list_head service_node;
	enum mk_role role;
	u32 peer_id;
	const char *peer_name;
	const struct mk_channel_ops *ops;
	enum mk_channel_state state;
	bool broken;
	unsigned int cpu;
	bool placed;
	u32 *doorbell_dest;

	struct mutex rx_lock; /* readers; endpoints */
	struct task_struct *rx_owner;
	atomic_t rx_busy;
	struct irq_poll soft;
	bool soft_may;
	u64 soft_at;
	struct mk_ring_rx rx;
	u32 *armed;
	const u32 *peer_want_room;
	u32 room_rung;
	struct task_struct *reader;
	u64 poll_ns;
	atomic_t pollers;
	bool polled;
	u64 polled_at;
	raw_spinlock_t hold_lock; /* the timer of who left doorbells off */
	struct hrtimer hold;
	bool held;
	ktime_t held_until;
	u32 held_head;

	raw_spinlock_t tx_lock;
	struct mk_ring_tx tx;
	const u32 *peer_armed;
	u32 rung;
	u32 *want_room;
	bool starved;
	u32 starved_at;
	wait_queue_head_t room_wait;
	struct list_head late;
	u32 nr_late;

	spinlock_t requests_lock; /* those that wait for an answer */
	struct list_head requests;
	u32 nr_requests;
	u64 last_request;
	wait_queue_head_t request_wait;
	u64 request_poll_ns;

	struct mk_heart heart;
	struct mk_endpoint endpoints[MK_SERVICE_MAX + 1];
	u32 nr_offers;
	unsigned long offers_since;
	bool due;
	bool unsent;
	struct mk_channel_stats stats;
	struct dentry *debugfs;
	struct mk_trips ping_trips;
	struct mk_flood flood;
};

/* What becomes of a wait */
enum mk_waiter_state {
	MK_WAITER_POLLS,	/* and sees when it is over */
	MK_WAITER_SLEEPS,	/* or is about to: is to be woken */
	MK_WAITER_DONE,
};

/**
 * struct mk_waiter - somebody waits for the answer to a request
 * @node: in &mk_channel.requests
 * @poll: reads in the reader's place until @state says that it is over
 * @ep: who was asked
 * @id: of the request
 * @reply: gets the answer
 * @room: its bytes
 * @result: bytes of the answer, or an errno
 * @state: enum mk_waiter_state; if done, @result is valid
 * @woken: so it is then, for who sleeps
 */
struct mk_waiter {
	struct list_head node;
	struct mk_poll poll;
	struct mk_endpoint *ep;
	u64 id;
	void *reply;
	size_t room;
	ssize_t result;
	atomic_t state;
	struct completion woken;
};

/* channel.c */
void mk_channel_init(struct mk_channel *ch, enum mk_role role,
		     const struct mk_channel_ops *ops, u32 peer_id,
		     const char *peer_name);
void mk_window_clear(void *window);
void mk_channel_attach(struct mk_channel *ch, void *window);
void mk_channel_listen(struct mk_channel *ch);
int mk_channel_open(struct mk_channel *ch);
void mk_channel_close(struct mk_channel *ch);
void mk_channel_place(struct mk_channel *ch);
int mk_channel_set_cpu(struct mk_channel *ch, unsigned int cpu);
int mk_channel_cpus_init(void);
void mk_doorbell(void);

/* reader.c */
extern unsigned int mk_poll_us;

void mk_reader_init(struct mk_channel *ch);
int mk_reader(void *data);
bool mk_channel_read(struct mk_channel *ch, bool waiter);
void mk_channel_tell_room(struct mk_channel *ch, u32 want);
void mk_channel_hold(struct mk_channel *ch);
void mk_channel_wake(struct mk_channel *ch);
void mk_channel_heard(struct mk_channel *ch);
void mk_channel_check(struct mk_channel *ch);

/* What the longest look at an empty ring may be set to: others want that CPU, too */
#define MK_POLL_US_MAX	10000U

/* mk_poll_max() is for modules, which don't see the variable */
static inline u64 mk_poll_limit(void)
{
	return (u64)min(READ_ONCE(mk_poll_us), MK_POLL_US_MAX) * NSEC_PER_USEC;
}

/* poll.c */
u64 mk_poll_begin(struct mk_channel *ch, struct mk_poll *p, u64 ns);
void mk_poll_abort(struct mk_channel *ch, struct mk_poll *p);
bool mk_poll_request(struct mk_channel *ch, struct mk_poll *p, u64 from, u64 ns);

static inline bool mk_channel_is_open(const struct mk_channel *ch)
{
	return READ_ONCE(ch->state) == MK_CHANNEL_OPEN;
}

/* Is there room for what the peer was not told?  As far as anybody knows */
static inline bool mk_channel_may_tell(const struct mk_channel *ch)
{
	return READ_ONCE(ch->due) && !READ_ONCE(ch->starved);
}

/**
 * mk_channel_has_room - did the room come that somebody waits for?
 * @ch: open channel
 *
 * Context: any; a hint.
 * Return: true if so, or if the peer is to be told something in it, or if a service
 * has not used it up.
 */
static inline bool mk_channel_has_room(const struct mk_channel *ch)
{
	if (mk_channel_may_tell(ch) || READ_ONCE(ch->unsent))
		return true;

	return READ_ONCE(ch->starved) && READ_ONCE(*ch->tx.tail) != READ_ONCE(ch->starved_at);
}

/**
 * mk_channel_wanted - is there something to do?
 * @ch: channel; RCU read side if it may be closed
 *
 * Context: any; a hint.
 * Return: false also if what is there came from a peer that is not to be read.
 */
static inline bool mk_channel_wanted(const struct mk_channel *ch)
{
	return mk_channel_is_open(ch) && !READ_ONCE(ch->broken) &&
	       (!mk_ring_empty(&ch->rx) || mk_channel_has_room(ch));
}

/**
 * mk_channel_look - look for a moment if something comes
 * @ch: channel; RCU read side if it may be closed
 *
 * For what can come at any time: what is to be read.
 *
 * Context: any; a hint.
 * Return: true if mk_channel_wanted() may be, now.
 */
static inline bool mk_channel_look(const struct mk_channel *ch)
{
	int i;

	if (mk_channel_wanted(ch))
		return true;
	if (mk_channel_is_open(ch) && !READ_ONCE(ch->broken))
		for (i = 0; i < MK_LOOKS; i++)
			if (!mk_ring_empty(&ch->rx))
				return true;
	cpu_relax();

	return false;
}

/* With @rx_lock, or in softirq on behalf of who may have it next */
static inline void mk_assert_reads(const struct mk_channel *ch)
{
	lockdep_assert(atomic_read(&ch->rx_busy) &&
		       (in_serving_softirq() || lockdep_is_held(&ch->rx_lock)));
}

/**
 * mk_channel_disarm - no doorbells from now on
 * @ch: open channel
 *
 * The softirq does not take those that come late.
 *
 * Context: any; reading the channel.
 */
static inline void mk_channel_disarm(struct mk_channel *ch)
{
	mk_assert_reads(ch);

	WRITE_ONCE(ch->soft_may, false);
	WRITE_ONCE(*ch->armed, 0);
}

/**
 * mk_channel_arm - doorbells from now on
 * @ch: channel, in any state
 *
 * Context: any; reading the channel.
 * Return: true if something came before, for which there may be none.
 */
static inline bool mk_channel_arm(struct mk_channel *ch)
{
	mk_assert_reads(ch);

	if (!mk_channel_is_open(ch))
		return false;
	WRITE_ONCE(ch->soft_may, true);
	WRITE_ONCE(*ch->armed, ch->rx.next | MK_INDEX_SET);
	/* @armed before the look at the ring, see reader.c */
	smp_mb();

	return mk_channel_wanted(ch);
}

/**
 * mk_channel_give_room - a sender of the peer's may wait for what was read
 * @ch: open channel
 *
 * Context: any but NMI; reading the channel.
 */
static inline void mk_channel_give_room(struct mk_channel *ch)
{
	u32 want;

	/* The room before the look at @peer_want_room, see reader.c */
	smp_mb();
	want = READ_ONCE(*ch->peer_want_room);
	if (!want)
		ch->room_rung = 0;
	else
		mk_channel_tell_room(ch, want);
}

/**
 * mk_dispatch_is_busy - would who it is for wait for somebody?
 * @ch: where it came from
 * @rec: header with a possible length, private copy
 *
 * Context: any; reading the channel.
 * Return: true if mk_dispatch() of it may last.
 */
static inline bool mk_dispatch_is_busy(struct mk_channel *ch, const struct mk_record *rec)
{
	struct mk_endpoint *ep;

	mk_assert_reads(ch);

	if ((rec->flags & ~MK_RECORD_REQUEST) || !rec->service || rec->service > MK_SERVICE_MAX)
		return false;
	ep = &ch->endpoints[rec->service];

	return ep->open && ep->service->busy && ep->service->busy(ep);
}

static inline bool mk_rx_try_busy(struct mk_channel *ch)
{
	return !atomic_xchg_acquire(&ch->rx_busy, 1);
}

static inline void mk_rx_idle(struct mk_channel *ch)
{
	atomic_set_release(&ch->rx_busy, 0);
}

static inline void mk_rx_locked(struct mk_channel *ch)
{
	lockdep_assert_held(&ch->rx_lock);
	/*
	 * A softirq reads %MK_SOFT_BUDGET records at most, nobody preempts it, and the
	 * next one finds that the mutex is taken
	 */
	while (!mk_rx_try_busy(ch))
		cpu_relax();
	/* The owner can't wait for what only a reader brings, and is told so */
	WRITE_ONCE(ch->rx_owner, current);
}

static inline void mk_rx_lock(struct mk_channel *ch)
{
	mutex_lock(&ch->rx_lock);
	mk_rx_locked(ch);
}

static inline bool mk_rx_trylock(struct mk_channel *ch)
{
	if (!mutex_trylock(&ch->rx_lock))
		return false;
	mk_rx_locked(ch);

	return true;
}

static inline void mk_rx_unlock(struct mk_channel *ch)
{
	WRITE_ONCE(ch->rx_owner, NULL);
	mk_rx_idle(ch);
	mutex_unlock(&ch->rx_lock);
}

/* message.c */
int mk_try_record(struct mk_channel *ch, struct mk_endpoint *ep,
		  const struct mk_record *rec, const void *data);
int mk_send_record(struct mk_channel *ch, struct mk_endpoint *ep,
		   const struct mk_record *rec, const void *data, long timeout);
int mk_reply_error(struct mk_endpoint *ep, u64 request, int err);
void mk_late_replies_send(struct mk_channel *ch);
void mk_late_replies_drop(struct mk_channel *ch);

/* ask.c */
int mk_answer(struct mk_channel *ch, const struct mk_record *rec, const void *payload);
void mk_requests_fail(struct mk_channel *ch, struct mk_endpoint *ep, int err);

/* service.c */
bool mk_dispatch_is_atomic(const struct mk_channel *ch, const struct mk_record *rec);
int mk_dispatch(struct mk_channel *ch, const struct mk_record *rec, const void *payload);
void mk_services_attach(struct mk_channel *ch);
void mk_services_detach(struct mk_channel *ch);
void mk_services_writable(struct mk_channel *ch);
void mk_services_tell(struct mk_channel *ch);
void mk_endpoint_offer(struct mk_endpoint *ep);

/* heartbeat.c */
void mk_heart_attach(struct mk_heart *heart, struct mk_pulse *mine,
		     const struct mk_pulse *theirs);
void mk_heart_beat(struct mk_channel *ch);
u64 mk_heart_age_ms(struct mk_heart *heart);
void mk_heart_start_self(void);
void mk_heart_ready_self(void);

/* clock.c */
extern bool mk_clock_sync;

bool mk_clock_offset_ns(s64 *offset);
void mk_clock_follow(const struct mk_beat *host, bool ready);

#endif /* _MK_CHANNEL_H */
