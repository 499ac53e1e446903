/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: what the rest of the kernel calls
 *
 * Every hook has a stub for CONFIG_MULTIKERNEL=n, so that a caller in another
 * subsystem is one line.  See Documentation/multikernel/.
 */
#ifndef _LINUX_MULTIKERNEL_H
#define _LINUX_MULTIKERNEL_H

#include <linux/types.h>

struct kimage;
struct notifier_block;

#ifdef CONFIG_MULTIKERNEL

bool multikernel_is_spawn(void);
u32 multikernel_self_id(void);
bool multikernel_no_ipi_shorthand(void);
bool multikernel_cpus_lent(const char *what);
void multikernel_crash_stop(void);

void multikernel_detect(void);
void multikernel_setup_arch(void);
void multikernel_reserve(void);
void multikernel_ready(void);
void multikernel_early_exception(int nr, unsigned long ip);

bool multikernel_may_map(phys_addr_t phys, size_t size, const void *caller);
bool multikernel_ports_denied(void);
bool multikernel_msr_denied(u32 msr);

int multikernel_image_check(struct kimage *image, unsigned long flags);

#else /* !CONFIG_MULTIKERNEL */

static inline bool multikernel_is_spawn(void) { return false; }
static inline u32 multikernel_self_id(void) { return 0; }
static inline bool multikernel_no_ipi_shorthand(void) { return false; }
static inline bool multikernel_cpus_lent(const char *what) { return false; }
static inline void multikernel_crash_stop(void) { }

static inline void multikernel_detect(void) { }
static inline void multikernel_setup_arch(void) { }
static inline void multikernel_reserve(void) { }
static inline void multikernel_ready(void) { }
static inline void multikernel_early_exception(int nr, unsigned long ip) { }

static inline bool multikernel_may_map(phys_addr_t phys, size_t size, const void *caller)
{
	return true;
}

static inline bool multikernel_ports_denied(void) { return false; }
static inline bool multikernel_msr_denied(u32 msr) { return false; }

static inline int multikernel_image_check(struct kimage *image, unsigned long flags)
{
	return 0;
}

#endif /* CONFIG_MULTIKERNEL */

/* Reads the files into the image, and verifies it: kimage_file_read() */
typedef int (*mk_read_image_fn)(struct kimage *image, int kernel_fd, int initrd_fd,
				const char __user *cmdline_ptr,
				unsigned long cmdline_len, unsigned long flags);

/* No stub: without MULTIKERNEL nobody looks at the flag */
int multikernel_file_load(mk_read_image_fn read, int kernel_fd, int initrd_fd,
			  const char __user *cmdline_ptr, unsigned long cmdline_len,
			  unsigned long flags);

/**
 * DOC: messages between kernels
 *
 * A *service* is what two kernels talk about, known by a number.  A kernel
 * that has registered one offers it to each of its peers: the host to every
 * spawn, a spawn to the host.  Where both ends of a link offer the same
 * service there is an *endpoint*, and only there: &mk_service.open says that
 * it is usable, &mk_service.close that it is no more, because the peer
 * died, was stopped or withdrew the service.  An instance that is started
 * again opens endpoints anew; nothing of the last start reaches them.
 *
 * Between open and close a service may
 *
 * - send a message: mk_send(), or mk_reserve() and mk_commit() to write it
 *   where it goes;
 * - ask, and wait for the answer: mk_request();
 * - be handed messages and requests: &mk_service.receive; the latter it
 *   answers by mk_reply().
 *
 * Messages of one direction arrive in the order in which they were sent, all of
 * them, whatever the service; senders on several CPUs are serialized.
 * A ring without room is -EAGAIN, or a sleep, never a loss.
 */

struct mk_channel;
struct mk_service;

/**
 * enum mk_role - which side of a link a kernel is
 * @MK_ROLE_HOST: the kernel that firmware booted
 * @MK_ROLE_SPAWN: one that runs beside it
 */
enum mk_role {
	MK_ROLE_HOST	= 0x1,
	MK_ROLE_SPAWN	= 0x2,
};

/**
 * struct mk_endpoint - a service, and one peer that offers it too
 * @priv: the service's own
 */
struct mk_endpoint {
	void *priv;

	/* private: of who reads and writes the channel */
	struct mk_channel *ch;
	const struct mk_service *service;
	u16 id;
	u32 session;
	u32 peer_session;
	bool offering;
	bool confirmed;
	bool due;
	bool open;
	bool starved;
};

/**
 * struct mk_message - one message as it lies in the ring
 * @data: payload, aligned to 16 bytes.  The other kernel can change it at any
 *	time: copy what is looked at more than once, then check the copy
 * @len: bytes of @data, checked
 * @request: to be given to mk_reply(); 0 if no answer is wanted
 */
struct mk_message {
	const void *data;
	u32 len;
	u64 request;
};

/**
 * struct mk_service - what is talked about
 * @id: MK_SERVICE_*, or of your own from %MK_SERVICE_PRIVATE to %MK_SERVICE_MAX
 * @name: for the log
 * @roles: the sides that offer it, MK_ROLE_*; elsewhere it is registered for
 *	nothing.  A spawn may thus ask for other things than a host
 * @open: an endpoint is usable.  On an error it is not, @close is not called,
 *	and the service is withdrawn from this peer until it is registered anew.
 *	-ENODEV says that there is nothing here for this peer; others are
 *	failures, and logged
 * @close: it is used no more, and must not be from now on.  Nothing is being
 *	received by then; waiting requests have ended
 * @receive: a message or request came; a return value below 0 is the answer to
 *	a request.  NULL refuses them all.  -EPROTO in answer to a message says
 *	that the peer broke the rules: that ends an instance
 * @busy: would @receive wait for somebody, who may have to wait for a user?  Then no
 *	mk_request() of somebody else does it, and whoever wants the peer's endpoints
 *	has his turn before each message.  It must not wait for long all the same.
 *	Called before @receive; does not sleep
 * @writable: there is room again, after mk_send() or mk_reserve() said -EAGAIN.
 *	true says that there is more to send than should be sent in one go, as nothing
 *	of this peer is received meanwhile: it is called again, after others had their
 *	turn.  false once it was -EAGAIN again, or there is no more
 * @atomic: @receive never sleeps, and may be called from softirq as well, for messages
 *	of up to a page: they need not wait for a thread to wake up.  There it may
 *	send with a time-out of 0 only, and not ask.  A lock that it takes is taken
 *	with softirqs off elsewhere, and not held over mk_request() or mk_poll()
 *
 * All are called one at a time for each peer, in process context (but for @atomic),
 * and may sleep, but hold up all other services of this peer.  They may send
 * with a time-out of 0; they can't mk_request() of the same peer (-EDEADLK).
 * @receive and @writable may run within mk_request() of somebody else, with the
 * locks that its caller holds; @open and @close never do.  @close can thus
 * wait for who still sends or asks: these come back by then, with an error.
 * @open, @close, @busy and @writable may be NULL.
 */
struct mk_service {
	u16 id;
	const char *name;
	unsigned int roles;
	int (*open)(struct mk_endpoint *ep);
	void (*close)(struct mk_endpoint *ep);
	int (*receive)(struct mk_endpoint *ep, const struct mk_message *msg);
	bool (*busy)(struct mk_endpoint *ep);
	bool (*writable)(struct mk_endpoint *ep);
	bool atomic;

	/* private: */
	struct list_head node;
};

/**
 * struct mk_slot - room in a ring, between mk_reserve() and mk_commit()
 * @data: write the payload here; aligned to 16 bytes
 * @len: bytes of @data
 */
struct mk_slot {
	void *data;
	u32 len;

	/* private: */
	struct mk_endpoint *ep;
	unsigned long flags;
	u32 pad;
};

/**
 * enum mk_take - what becomes of a message that was shown to &mk_poll.take
 * @MK_TAKE_PASS: the service receives it, as any other
 * @MK_TAKE_LEAVE: it stays where it is, and the caller comes back for it, soon
 * @MK_TAKE_DONE: it was read, and is not wanted any more
 */
enum mk_take {
	MK_TAKE_PASS,
	MK_TAKE_LEAVE,
	MK_TAKE_DONE,
};

/**
 * struct mk_poll - who looks for a message before he sleeps
 * @done: is what he waits for there?  It may come another way
 * @take: shown the next message of the endpoint, before the service receives it, if
 *	it asks for no answer.  As with &mk_service.receive the other kernel can
 *	change it.  May not sleep
 * @ep: endpoint; in @take it is open, and stays so
 */
struct mk_poll {
	bool (*done)(struct mk_poll *p);
	enum mk_take (*take)(struct mk_poll *p, const struct mk_message *msg);
	struct mk_endpoint *ep;

	/* private: */
	bool left;
	bool queued;
	bool over;
};

int mk_service_register(struct mk_service *service);
void mk_service_unregister(struct mk_service *service);

int mk_send(struct mk_endpoint *ep, const void *data, size_t len, long timeout);
int mk_reserve(struct mk_endpoint *ep, struct mk_slot *slot, size_t len);
int mk_try_reserve(struct mk_endpoint *ep, struct mk_slot *slot, size_t len);
void mk_commit(struct mk_slot *slot);
void mk_abort(struct mk_slot *slot);
ssize_t mk_request(struct mk_endpoint *ep, const void *data, size_t len,
		   void *reply, size_t room, long timeout);
int mk_reply(struct mk_endpoint *ep, u64 request, const void *data, size_t len);

bool mk_poll(struct mk_endpoint *ep, struct mk_poll *p, u64 ns);
bool mk_poll_one(struct mk_endpoint *ep, struct mk_poll *p);
u64 mk_poll_max(void);
void mk_poll_adapt(u64 *window, u64 waited);

u32 mk_endpoint_peer_id(const struct mk_endpoint *ep);
const char *mk_endpoint_peer_name(const struct mk_endpoint *ep);
enum mk_role mk_endpoint_role(const struct mk_endpoint *ep);

/**
 * struct mk_link_ids - two instances that are linked no more
 * @a: id of one
 * @b: id of the other
 */
struct mk_link_ids {
	u32 a;
	u32 b;
};

bool mk_linked(u32 a, u32 b);
int mk_link_notifier_register(struct notifier_block *nb);
int mk_link_notifier_unregister(struct notifier_block *nb);

/**
 * struct mk_tty_ops - a driver that has a terminal line for each instance
 * @add: the instance @id was made: write the name of its device in /dev to
 *	@name, of @size bytes.  On an error it has none
 * @hangup: a run of it has ended, its endpoint is closed
 * @remove: it is being destroyed; its last run, if any, has ended
 *
 * All are called in process context, with locks held: they may sleep shortly,
 * but must not wait for user space.  @add and @remove are called one at a time;
 * @hangup and @remove also for an instance that has no line.
 */
struct mk_tty_ops {
	int (*add)(u32 id, char *name, size_t size);
	void (*hangup)(u32 id);
	void (*remove)(u32 id);
};

unsigned int mk_instances_max(void);
void mk_tty_register(const struct mk_tty_ops *ops);

#endif /* _LINUX_MULTIKERNEL_H */
