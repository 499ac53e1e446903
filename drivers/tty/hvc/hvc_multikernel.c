// SPDX-License-Identifier: GPL-2.0
/*
 * hvc backend: a terminal line between host and spawn of a multikernel machine
 *
 * Both ends are ttys of the hvc driver: /dev/hvc0 in the spawn, and on the host
 * one for each instance.  What is between them is a serial line with flow
 * control: what is written at an end that nobody listens to at the other is
 * gone, and who listens but does not read makes the writer wait.
 *
 * Each message carries the state of the end that sends it, and bytes if there
 * are any: see struct mk_tty_msg.  So a state that found no room in the ring is
 * not queued; the next message has it.
 *
 * Flow control: of the bytes that were sent, at most MK_TTY_CREDIT may not have
 * been reported as taken.  The receiver keeps them in a buffer of that size
 * until the tty takes them, so none is lost and no more memory is needed.
 *
 * Locks: hvc calls the functions for characters with the line's spinlock held,
 * interrupts off, and those of open, close and hang-up under the tty's locks.
 * None of them takes a lock but &hvc_mk.lock, and what sending a message takes
 * inside it.  A service's callback waits for nobody: a hang-up is left to the
 * tty layer's worker.  So a process that sits in open, read, write or close of
 * the tty is in nobody's way, whatever it holds.
 *
 * For the same reason a host's lines are made at boot, as many as there can be
 * instances, and never removed: hvc_remove() hangs up at once, waits for those
 * inside, and as long as somebody keeps a tty open that was hung up, a new line
 * with the same number would be mixed up with it.
 */
#define pr_fmt(fmt) "hvc_multikernel: " fmt

#include <linux/delay.h>
#include <linux/kfifo.h>
#include <linux/minmax.h>
#include <linux/multikernel.h>
#include <linux/multikernel_abi.h>
#include <linux/slab.h>
#include <linux/tty.h>

#include "hvc_console.h"

/* What hvc collects before it calls us */
#define HVC_MK_OUTBUF	1024

/* Report what was taken when it is so much */
#define HVC_MK_REPORT	(MK_TTY_CREDIT / 4)

/* Output waits so long for a lock; who holds it may never give it back */
#define HVC_MK_STUCK_US	1000

/* What a host's line leads to that no instance has; no instance's id */
#define HVC_MK_NONE	0

/* What the spawn's leads to */
#define HVC_MK_HOST	0

/**
 * struct hvc_mk - one end of a line
 * @lock: everything below but @hp, @role
 * @hp: hvc's part; set once
 * @role: of this kernel
 * @peer: id of the kernel that it leads to: of an instance, %HVC_MK_NONE for
 *	none; on a spawn the host's
 * @ep: where to send, NULL while there is no peer
 * @sent: bytes sent, free-running
 * @acked: of these, what the peer said that it took
 * @taken: bytes that came and were taken by the tty, or dropped
 * @told: the last @taken that the peer was told
 * @fifo: bytes that came and were not taken yet
 * @listening: the tty is open here
 * @peer_listening: and there
 * @blocked: bytes could not be sent, hvc wants to know when they can
 * @untold: the peer does not know our state
 * @ws: window size, of the host's tty
 */
struct hvc_mk {
	raw_spinlock_t lock; /* see above */
	struct hvc_struct *hp;
	enum mk_role role;
	u32 peer;
	struct mk_endpoint *ep;
	u32 sent;
	u32 acked;
	u32 taken;
	u32 told;
	struct kfifo fifo;
	bool listening;
	bool peer_listening;
	bool blocked;
	bool untold;
	struct winsize ws;
};

/* A host has some, a spawn has the first; never freed */
static struct hvc_mk *hvc_mk_lines[HVC_ALLOC_TTY_ADAPTERS];

/* hvc's terminal numbers are the indices */
static struct hvc_mk *hvc_mk_of(const struct hvc_struct *hp)
{
	return hvc_mk_lines[hp->vtermno];
}

/* Sending */

static int hvc_mk_send(struct hvc_mk *t, const u8 *bytes, size_t n)
{
	const struct mk_tty_msg msg = {
		.taken = t->taken,
		.flags = t->listening ? MK_TTY_LISTENING : 0,
		.rows = t->ws.ws_row,
		.cols = t->ws.ws_col,
		.xpixels = t->ws.ws_xpixel,
		.ypixels = t->ws.ws_ypixel,
	};
	struct mk_slot slot;
	int err;

	lockdep_assert_held(&t->lock);

	t->untold = true;
	if (!t->ep)
		return -ENOTCONN;
	/* Bytes may be the console's: see hvc_mk_put_chars() */
	err = n ? mk_try_reserve(t->ep, &slot, sizeof(msg) + n) :
		  mk_reserve(t->ep, &slot, sizeof(msg));
	if (err)
		return err;
	memcpy(slot.data, &msg, sizeof(msg));
	memcpy(slot.data + sizeof(msg), bytes, n);
	mk_commit(&slot);

	t->sent += n;
	t->told = t->taken;
	t->untold = false;

	return 0;
}

/* Without room the next message has it, or hvc_mk_writable() */
static void hvc_mk_tell(struct hvc_mk *t)
{
	hvc_mk_send(t, NULL, 0);
}

static void hvc_mk_took(struct hvc_mk *t, u32 n)
{
	lockdep_assert_held(&t->lock);

	t->taken += n;
	if (t->taken - t->told >= HVC_MK_REPORT)
		hvc_mk_tell(t);
}

/*
 * Bytes that are done with: sent, or of no interest to anybody; 0 is "later",
 * when hvc is kicked.  -EBUSY: a lock is held.
 */
static ssize_t hvc_mk_write(struct hvc_mk *t, const u8 *bytes, size_t count)
{
	size_t n = min_t(size_t, count, MK_TTY_CREDIT - (t->sent - t->acked));
	int err;

	lockdep_assert_held(&t->lock);

	if (!t->ep || !t->peer_listening)
		return count;

	err = n ? hvc_mk_send(t, bytes, n) : -EAGAIN;
	if (err == -EAGAIN) {
		t->blocked = true;
		return 0;
	}
	if (err == -EBUSY)
		return err;

	return err ? count : n;
}

/* What hvc calls */

/*
 * Without room it is 0: hvc keeps what a tty wrote, and drops what its console
 * did.  -EAGAIN would make the console spin until all is sent, with interrupts
 * off.
 *
 * A console must get on in any state of the kernel: in a panic whoever held a
 * lock may have been stopped, and what is printed may be about the very code
 * that holds it, on this CPU.  Who holds one of these has interrupts off and is
 * at it for microseconds; so after a while it is 0, too.  The kept log has every
 * line of the console; for a tty hvc's thread tries again.
 */
static ssize_t hvc_mk_put_chars(u32 vtermno, const u8 *buf, size_t count)
{
	struct hvc_mk *t = hvc_mk_lines[vtermno];
	ssize_t n = -EBUSY;
	unsigned long flags;
	int us;

	for (us = 0; us < HVC_MK_STUCK_US; us++) {
		if (raw_spin_trylock_irqsave(&t->lock, flags)) {
			n = hvc_mk_write(t, buf, count);
			raw_spin_unlock_irqrestore(&t->lock, flags);
		}
		if (n != -EBUSY)
			return n;
		udelay(1);
	}

	return 0;
}

static ssize_t hvc_mk_get_chars(u32 vtermno, u8 *buf, size_t count)
{
	struct hvc_mk *t = hvc_mk_lines[vtermno];
	unsigned long flags;
	unsigned int n;

	raw_spin_lock_irqsave(&t->lock, flags);
	n = kfifo_out(&t->fifo, buf, count);
	if (n)
		hvc_mk_took(t, n);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	return n;
}

static void hvc_mk_set_listening(struct hvc_mk *t, bool listening)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->listening = listening;
	if (!listening) {
		t->taken += kfifo_len(&t->fifo);
		kfifo_reset(&t->fifo);
	}
	hvc_mk_tell(t);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/*
 * The host's end is a wire, not a terminal: an echo would type the spawn's
 * output into the spawn.  A program may set it otherwise.
 */
static void hvc_mk_set_raw(struct tty_struct *tty)
{
	struct ktermios raw;

	down_read(&tty->termios_rwsem);
	raw = tty->termios;
	up_read(&tty->termios_rwsem);

	raw.c_iflag = 0;
	raw.c_oflag &= ~OPOST;
	raw.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tty_set_termios(tty, &raw);
}

/* The window of the host's tty; one that has no size says nothing */
static void hvc_mk_resize(struct hvc_mk *t)
{
	unsigned long flags;
	struct winsize ws;

	raw_spin_lock_irqsave(&t->lock, flags);
	ws = t->ws;
	raw_spin_unlock_irqrestore(&t->lock, flags);

	if (ws.ws_row || ws.ws_col)
		hvc_resize(t->hp, ws);
}

/* The first one opens it; again after a hang-up */
static int hvc_mk_opened(struct hvc_struct *hp, int data)
{
	struct hvc_mk *t = hvc_mk_of(hp);
	struct tty_struct *tty;

	if (t->role == MK_ROLE_HOST) {
		if (READ_ONCE(t->peer) == HVC_MK_NONE)
			return -ENODEV;
		tty = tty_port_tty_get(&hp->port);
		if (tty)
			hvc_mk_set_raw(tty);
		tty_kref_put(tty);
	} else {
		hvc_mk_resize(t);
	}
	hvc_mk_set_listening(t, true);

	return 0;
}

static void hvc_mk_closed(struct hvc_struct *hp, int data)
{
	hvc_mk_set_listening(hvc_mk_of(hp), false);
}

static void hvc_mk_resized(struct hvc_struct *hp, const struct winsize *ws)
{
	struct hvc_mk *t = hvc_mk_of(hp);
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->ws = *ws;
	hvc_mk_tell(t);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

static const struct hv_ops hvc_mk_host_ops = {
	.get_chars		= hvc_mk_get_chars,
	.put_chars		= hvc_mk_put_chars,
	.notifier_add		= hvc_mk_opened,
	.notifier_del		= hvc_mk_closed,
	.notifier_hangup	= hvc_mk_closed,
	.resized		= hvc_mk_resized,
	/* A log would be typed into the spawn, and what it sends is no order */
	.no_console		= true,
	.no_sysrq		= true,
};

static const struct hv_ops hvc_mk_spawn_ops = {
	.get_chars		= hvc_mk_get_chars,
	.put_chars		= hvc_mk_put_chars,
	.notifier_add		= hvc_mk_opened,
	.notifier_del		= hvc_mk_closed,
	.notifier_hangup	= hvc_mk_closed,
	/* All bytes are data */
	.no_sysrq		= true,
};

/* The service */

static struct hvc_mk *hvc_mk_find(enum mk_role role, u32 peer)
{
	struct hvc_mk *t;
	int i;

	for (i = 0; i < ARRAY_SIZE(hvc_mk_lines); i++) {
		t = hvc_mk_lines[i];
		if (t && t->role == role && READ_ONCE(t->peer) == peer)
			return t;
	}

	return NULL;
}

static void hvc_mk_kick(struct hvc_mk *t)
{
	/* As long as there is none hvc has no thread either */
	if (READ_ONCE(t->hp))
		hvc_kick();
}

static int hvc_mk_open(struct mk_endpoint *ep)
{
	struct hvc_mk *t = hvc_mk_find(mk_endpoint_role(ep),
				       mk_endpoint_peer_id(ep));
	unsigned long flags;

	/* An instance that got no line */
	if (!t)
		return -ENODEV;
	ep->priv = t;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->ep = ep;
	t->sent = 0;
	t->acked = 0;
	t->taken = 0;
	t->told = 0;
	t->peer_listening = false;
	kfifo_reset(&t->fifo);
	hvc_mk_tell(t);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	return 0;
}

static void hvc_mk_close(struct mk_endpoint *ep)
{
	struct hvc_mk *t = ep->priv;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->ep = NULL;
	t->peer_listening = false;
	t->blocked = false;
	raw_spin_unlock_irqrestore(&t->lock, flags);

	/* What could not be sent is dropped now */
	hvc_mk_kick(t);
}

static bool hvc_mk_writable(struct mk_endpoint *ep)
{
	struct hvc_mk *t = ep->priv;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (t->untold)
		hvc_mk_tell(t);
	t->blocked = false;
	raw_spin_unlock_irqrestore(&t->lock, flags);

	hvc_mk_kick(t);

	return false;
}

/* The peer's state; true if hvc has to be told */
static bool hvc_mk_peer_state(struct hvc_mk *t, const struct mk_tty_msg *msg)
{
	bool kick = t->blocked;

	lockdep_assert_held(&t->lock);

	t->acked = msg->taken;
	t->peer_listening = msg->flags & MK_TTY_LISTENING;
	t->blocked = false;

	return kick;
}

/* The window of the host's tty; true if it is another one */
static bool hvc_mk_peer_window(struct hvc_mk *t, const struct mk_tty_msg *msg)
{
	const struct winsize ws = {
		.ws_row = msg->rows,
		.ws_col = msg->cols,
		.ws_xpixel = msg->xpixels,
		.ws_ypixel = msg->ypixels,
	};

	lockdep_assert_held(&t->lock);

	if (!memcmp(&t->ws, &ws, sizeof(ws)))
		return false;
	t->ws = ws;

	return true;
}

static int hvc_mk_receive(struct mk_endpoint *ep, const struct mk_message *m)
{
	struct hvc_mk *t = ep->priv;
	bool kick, resize = false;
	struct mk_tty_msg msg;
	unsigned long flags;
	u32 n;

	if (m->request)
		return -EOPNOTSUPP;
	if (m->len < sizeof(msg))
		return -EPROTO;
	memcpy(&msg, m->data, sizeof(msg));
	/* From here on the copy: the compiler must not read the ring again */
	barrier();
	n = m->len - sizeof(msg);
	if (msg.flags & ~MK_TTY_LISTENING)
		return -EPROTO;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (msg.taken - t->acked > t->sent - t->acked ||
	    n > MK_TTY_CREDIT - (t->taken + kfifo_len(&t->fifo) - t->told)) {
		raw_spin_unlock_irqrestore(&t->lock, flags);
		return -EPROTO;
	}
	kick = hvc_mk_peer_state(t, &msg);
	if (t->listening && n) {
		kfifo_in(&t->fifo, m->data + sizeof(msg), n);
		kick = true;
	} else {
		hvc_mk_took(t, n);
	}
	if (t->role == MK_ROLE_SPAWN)
		resize = hvc_mk_peer_window(t, &msg);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	/* A tty that is not there or not open gets it when it is */
	if (resize && READ_ONCE(t->hp))
		hvc_mk_resize(t);
	if (kick)
		hvc_mk_kick(t);

	return 0;
}

static struct mk_service hvc_mk_service = {
	.id		= MK_SERVICE_TTY,
	.name		= "tty",
	.roles		= MK_ROLE_HOST | MK_ROLE_SPAWN,
	.open		= hvc_mk_open,
	.close		= hvc_mk_close,
	.receive	= hvc_mk_receive,
	.writable	= hvc_mk_writable,
};

/* Instances */

/* Allocates nothing: there are as many lines as there can be instances */
static int hvc_mk_add(u32 id, char *name, size_t size)
{
	struct hvc_mk *t = hvc_mk_find(MK_ROLE_HOST, HVC_MK_NONE);
	unsigned long flags;

	if (!t)
		return -ENOSPC;
	raw_spin_lock_irqsave(&t->lock, flags);
	memset(&t->ws, 0, sizeof(t->ws));
	WRITE_ONCE(t->peer, id);
	raw_spin_unlock_irqrestore(&t->lock, flags);
	scnprintf(name, size, "hvc%d", t->hp->index);

	return 0;
}

/* Who has it open is hung up soon, by the tty layer's worker */
static void hvc_mk_hangup(u32 id)
{
	struct hvc_mk *t = hvc_mk_find(MK_ROLE_HOST, id);

	if (t)
		tty_port_tty_hangup(&t->hp->port, false);
}

static void hvc_mk_remove(u32 id)
{
	struct hvc_mk *t = hvc_mk_find(MK_ROLE_HOST, id);

	if (!t)
		return;
	/* First: who opens it from here on is refused */
	WRITE_ONCE(t->peer, HVC_MK_NONE);
	tty_port_tty_hangup(&t->hp->port, false);
}

static const struct mk_tty_ops hvc_mk_tty_ops = {
	.add		= hvc_mk_add,
	.hangup		= hvc_mk_hangup,
	.remove		= hvc_mk_remove,
};

/* Boot */

static int __init hvc_mk_alloc(int i, enum mk_role role, u32 peer)
{
	struct hvc_mk *t;
	int err;

	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	raw_spin_lock_init(&t->lock);
	t->role = role;
	t->peer = peer;
	err = kfifo_alloc(&t->fifo, MK_TTY_CREDIT, GFP_KERNEL);
	if (err)
		kfree(t);
	else
		hvc_mk_lines[i] = t;

	return err;
}

static int __init hvc_mk_hvc(int i, const struct hv_ops *ops)
{
	struct hvc_struct *hp = hvc_alloc(i, 0, ops, HVC_MK_OUTBUF);

	if (IS_ERR(hp))
		return PTR_ERR(hp);
	/* More lines than hvc has ttys */
	if (hp->index >= HVC_ALLOC_TTY_ADAPTERS) {
		hvc_remove(hp);
		return -ENOSPC;
	}
	/* Nothing has to be polled */
	hp->irq_requested = 1;
	WRITE_ONCE(hvc_mk_lines[i]->hp, hp);

	return 0;
}

static int __init hvc_mk_host_line(int i)
{
	int err = hvc_mk_alloc(i, MK_ROLE_HOST, HVC_MK_NONE);

	if (err)
		return err;
	err = hvc_mk_hvc(i, &hvc_mk_host_ops);
	if (err) {
		kfifo_free(&hvc_mk_lines[i]->fifo);
		kfree(hvc_mk_lines[i]);
		hvc_mk_lines[i] = NULL;
	}

	return err;
}

/* Before the channel of a spawn is opened: its first offer is the only early one */
static int __init hvc_mk_service_init(void)
{
	int err = 0;

	if (multikernel_is_spawn())
		err = hvc_mk_alloc(0, MK_ROLE_SPAWN, HVC_MK_HOST);

	return err ?: mk_service_register(&hvc_mk_service);
}
pure_initcall(hvc_mk_service_init);

/* Before init opens /dev/console, after the tty layer is there */
static int __init hvc_mk_init(void)
{
	unsigned int i, max = mk_instances_max();
	int err = 0;

	if (multikernel_is_spawn())
		return hvc_mk_lines[0] ? hvc_mk_hvc(0, &hvc_mk_spawn_ops) : -ENOMEM;

	for (i = 0; i < min(max, ARRAY_SIZE(hvc_mk_lines)) && !err; i++)
		err = hvc_mk_host_line(i);
	if (err)
		pr_warn("no tty for instance %u of %u at a time: %pe\n", i, max,
			ERR_PTR(err));
	mk_tty_register(&hvc_mk_tty_ops);

	return err;
}
device_initcall(hvc_mk_init);
