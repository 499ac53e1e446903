// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: a terminal line between host and spawn
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
 * None of them takes a lock but &mk_tty.lock and the channel's tx_lock inside it,
 * and a service's callback waits for nobody: a hang-up is left to the tty
 * layer's worker.  So a process that sits in open, read, write or close of the
 * tty is in nobody's way, whatever it holds.
 *
 * For the same reason a host's lines are made at boot, as many as there can be
 * instances, and never removed: hvc_remove() hangs up at once, waits for those
 * inside, and as long as somebody keeps a tty open that was hung up, a new line
 * with the same number would be mixed up with it.
 */
#define pr_fmt(fmt) "multikernel: " fmt

#include <linux/console.h>
#include <linux/delay.h>
#include <linux/kfifo.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/tty.h>

#include "internal.h"
#include "../../drivers/tty/hvc/hvc_console.h"

/* What hvc collects before it calls us */
#define MK_TTY_OUTBUF	1024

/* Report what was taken when it is so much */
#define MK_TTY_REPORT	(MK_TTY_CREDIT / 4)

/* A console line waits so long for a lock; who holds it may never give it back */
#define MK_TTY_STUCK_US	1000

/**
 * struct mk_tty - one end of a line
 * @lock: everything below but @hp, @role
 * @hp: hvc's part; set once
 * @role: of this kernel
 * @ch: channel of the instance that it belongs to, NULL for none
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
struct mk_tty {
	raw_spinlock_t lock; /* see above */
	struct hvc_struct *hp;
	enum mk_role role;
	struct mk_channel *ch;
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
static struct mk_tty *mk_ttys[MK_LOW_SLOTS_MAX];

/* hvc's terminal numbers are the indices */
static struct mk_tty *mk_tty_of(const struct hvc_struct *hp)
{
	return mk_ttys[hp->vtermno];
}

/* Sending */

static int mk_tty_send(struct mk_tty *t, const u8 *bytes, size_t n)
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
	err = mk_reserve(t->ep, &slot, sizeof(msg) + n);
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

/* Without room the next message has it, or mk_tty_writable() */
static void mk_tty_tell(struct mk_tty *t)
{
	mk_tty_send(t, NULL, 0);
}

static void mk_tty_took(struct mk_tty *t, u32 n)
{
	lockdep_assert_held(&t->lock);

	t->taken += n;
	if (t->taken - t->told >= MK_TTY_REPORT)
		mk_tty_tell(t);
}

/* Bytes that are done with: sent, or of no interest to anybody; 0 is "later" */
static size_t mk_tty_write(struct mk_tty *t, const u8 *bytes, size_t count)
{
	size_t n = min_t(size_t, count, MK_TTY_CREDIT - (t->sent - t->acked));
	int err;

	lockdep_assert_held(&t->lock);

	if (!t->ep || !t->peer_listening)
		return count;

	err = n ? mk_tty_send(t, bytes, n) : -EAGAIN;
	if (err == -EAGAIN) {
		t->blocked = true;
		return 0;
	}

	return err ? count : n;
}

/*
 * A console must get on in any state of the kernel: in a panic whoever held a
 * lock may have been stopped, and what is printed may be about the very code
 * that holds it, on this CPU.  Who holds one of these has interrupts off and is
 * at it for microseconds.
 */
static bool mk_tty_stuck(struct mk_tty *t)
{
	struct mk_endpoint *ep = READ_ONCE(t->ep);
	int us;

	for (us = 0; us < MK_TTY_STUCK_US; us++) {
		if (!raw_spin_is_locked(&t->lock) &&
		    !(ep && raw_spin_is_locked(&ep->ch->tx_lock)))
			return false;
		udelay(1);
	}

	return true;
}

/* What hvc calls */

/*
 * hvc's console would spin until all is sent, with interrupts off: so it gets no
 * -EAGAIN.  What finds no room is not shown; the kept log has every line.  The
 * tty keeps it, and asks again when it is kicked.
 *
 * A host's line is nobody's console: a kernel log would be typed into the spawn.
 */
static ssize_t mk_tty_put_chars(u32 vtermno, const u8 *buf, size_t count)
{
	struct mk_tty *t = mk_ttys[vtermno];
	struct hvc_struct *hp = READ_ONCE(t->hp);
	bool console = !hp || buf != hp->outbuf;
	unsigned long flags;
	size_t n;

	if (console && t->role == MK_ROLE_HOST)
		return count;

	local_irq_save(flags);
	if (console && mk_tty_stuck(t)) {
		local_irq_restore(flags);
		return count;
	}
	raw_spin_lock(&t->lock);
	n = mk_tty_write(t, buf, count);
	raw_spin_unlock(&t->lock);
	local_irq_restore(flags);

	return n || !console ? n : count;
}

static ssize_t mk_tty_get_chars(u32 vtermno, u8 *buf, size_t count)
{
	struct mk_tty *t = mk_ttys[vtermno];
	unsigned long flags;
	unsigned int n;

	raw_spin_lock_irqsave(&t->lock, flags);
	n = kfifo_out(&t->fifo, buf, count);
	if (n)
		mk_tty_took(t, n);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	return n;
}

static void mk_tty_set_listening(struct mk_tty *t, bool listening)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->listening = listening;
	if (!listening) {
		t->taken += kfifo_len(&t->fifo);
		kfifo_reset(&t->fifo);
	}
	mk_tty_tell(t);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/*
 * The host's end is a wire, not a terminal: an echo would type the spawn's
 * output into the spawn.  A program may set it otherwise.
 */
static void mk_tty_set_raw(struct tty_struct *tty)
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
static void mk_tty_resize(struct mk_tty *t)
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
static int mk_tty_opened(struct hvc_struct *hp, int data)
{
	struct mk_tty *t = mk_tty_of(hp);
	struct tty_struct *tty;

	if (t->role == MK_ROLE_HOST) {
		if (!READ_ONCE(t->ch))
			return -ENODEV;
		tty = tty_port_tty_get(&hp->port);
		if (tty)
			mk_tty_set_raw(tty);
		tty_kref_put(tty);
	} else {
		mk_tty_resize(t);
	}
	mk_tty_set_listening(t, true);

	return 0;
}

static void mk_tty_closed(struct hvc_struct *hp, int data)
{
	mk_tty_set_listening(mk_tty_of(hp), false);
}

static void mk_tty_resized(struct hvc_struct *hp, const struct winsize *ws)
{
	struct mk_tty *t = mk_tty_of(hp);
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->ws = *ws;
	mk_tty_tell(t);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

static const struct hv_ops mk_tty_host_ops = {
	.get_chars		= mk_tty_get_chars,
	.put_chars		= mk_tty_put_chars,
	.notifier_add		= mk_tty_opened,
	.notifier_del		= mk_tty_closed,
	.notifier_hangup	= mk_tty_closed,
	.resized		= mk_tty_resized,
	/* What a spawn sends is no order to the host */
	.no_console		= true,
	.no_sysrq		= true,
};

static const struct hv_ops mk_tty_spawn_ops = {
	.get_chars		= mk_tty_get_chars,
	.put_chars		= mk_tty_put_chars,
	.notifier_add		= mk_tty_opened,
	.notifier_del		= mk_tty_closed,
	.notifier_hangup	= mk_tty_closed,
	/* All bytes are data */
	.no_sysrq		= true,
};

/* The service */

static struct mk_tty *mk_tty_find(const struct mk_channel *ch)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mk_ttys); i++)
		if (mk_ttys[i] && READ_ONCE(mk_ttys[i]->ch) == ch)
			return mk_ttys[i];

	return NULL;
}

static void mk_tty_kick(struct mk_tty *t)
{
	/* As long as there is none hvc has no thread either */
	if (READ_ONCE(t->hp))
		hvc_kick();
}

static int mk_tty_open(struct mk_endpoint *ep)
{
	struct mk_tty *t = mk_tty_find(ep->ch);
	unsigned long flags;

	if (!t)
		return -ENODEV;
	ep->priv = t;

	raw_spin_lock_irqsave(&t->lock, flags);
	WRITE_ONCE(t->ep, ep);
	t->sent = 0;
	t->acked = 0;
	t->taken = 0;
	t->told = 0;
	t->peer_listening = false;
	kfifo_reset(&t->fifo);
	mk_tty_tell(t);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	return 0;
}

static void mk_tty_close(struct mk_endpoint *ep)
{
	struct mk_tty *t = ep->priv;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	WRITE_ONCE(t->ep, NULL);
	t->peer_listening = false;
	t->blocked = false;
	raw_spin_unlock_irqrestore(&t->lock, flags);

	/* What could not be sent is dropped now */
	mk_tty_kick(t);
}

static void mk_tty_writable(struct mk_endpoint *ep)
{
	struct mk_tty *t = ep->priv;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (t->untold)
		mk_tty_tell(t);
	t->blocked = false;
	raw_spin_unlock_irqrestore(&t->lock, flags);

	mk_tty_kick(t);
}

/* The peer's state; true if hvc has to be told */
static bool mk_tty_peer_state(struct mk_tty *t, const struct mk_tty_msg *msg)
{
	bool kick = t->blocked;

	lockdep_assert_held(&t->lock);

	t->acked = msg->taken;
	t->peer_listening = msg->flags & MK_TTY_LISTENING;
	t->blocked = false;

	return kick;
}

/* The window of the host's tty; true if it is another one */
static bool mk_tty_peer_window(struct mk_tty *t, const struct mk_tty_msg *msg)
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

static int mk_tty_receive(struct mk_endpoint *ep, const struct mk_message *m)
{
	struct mk_tty *t = ep->priv;
	bool kick, resize = false;
	struct mk_tty_msg msg;
	unsigned long flags;
	u32 n;

	if (m->request)
		return -EOPNOTSUPP;
	if (m->len < sizeof(msg))
		return -EPROTO;
	memcpy(&msg, m->data, sizeof(msg));
	n = m->len - sizeof(msg);
	if (msg.flags & ~MK_TTY_LISTENING)
		return -EPROTO;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (msg.taken - t->acked > t->sent - t->acked ||
	    n > MK_TTY_CREDIT - (t->taken + kfifo_len(&t->fifo) - t->told)) {
		raw_spin_unlock_irqrestore(&t->lock, flags);
		return -EPROTO;
	}
	kick = mk_tty_peer_state(t, &msg);
	if (t->listening && n) {
		kfifo_in(&t->fifo, m->data + sizeof(msg), n);
		kick = true;
	} else {
		mk_tty_took(t, n);
	}
	if (t->role == MK_ROLE_SPAWN)
		resize = mk_tty_peer_window(t, &msg);
	raw_spin_unlock_irqrestore(&t->lock, flags);

	/* A tty that is not there or not open gets it when it is */
	if (resize && READ_ONCE(t->hp))
		mk_tty_resize(t);
	if (kick)
		mk_tty_kick(t);

	return 0;
}

static struct mk_service mk_tty_service = {
	.id		= MK_SERVICE_TTY,
	.name		= "tty",
	.roles		= MK_ROLE_HOST | MK_ROLE_SPAWN,
	.open		= mk_tty_open,
	.close		= mk_tty_close,
	.receive	= mk_tty_receive,
	.writable	= mk_tty_writable,
};

/* Instances */

/**
 * mk_tty_add - give a new instance a line
 * @inst: instance
 *
 * Allocates nothing, can't fail: there are as many as there can be instances.
 *
 * Context: process; mk_lock held.
 */
void mk_tty_add(struct mk_instance *inst)
{
	unsigned long flags;
	struct mk_tty *t;

	lockdep_assert_held(&mk_lock);

	t = mk_tty_find(NULL);
	if (!t)
		return;
	raw_spin_lock_irqsave(&t->lock, flags);
	memset(&t->ws, 0, sizeof(t->ws));
	WRITE_ONCE(t->ch, &inst->channel);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/**
 * mk_tty_hangup - a run of the instance has ended
 * @inst: instance with a closed channel
 *
 * Who has its tty open is hung up soon, by the tty layer's worker.
 *
 * Context: process.
 */
void mk_tty_hangup(struct mk_instance *inst)
{
	struct mk_tty *t = mk_tty_find(&inst->channel);

	if (t)
		tty_port_tty_hangup(&t->hp->port, false);
}

/**
 * mk_tty_remove - take it away
 * @inst: instance with a closed channel
 *
 * Who has it open is hung up.
 *
 * Context: process; mk_lock held.
 */
void mk_tty_remove(struct mk_instance *inst)
{
	struct mk_tty *t;

	lockdep_assert_held(&mk_lock);

	t = mk_tty_find(&inst->channel);
	if (!t)
		return;
	/* First: who opens it from here on is refused */
	WRITE_ONCE(t->ch, NULL);
	tty_port_tty_hangup(&t->hp->port, false);
}

/**
 * mk_tty_index - number of an instance's tty
 * @inst: instance
 *
 * Context: any, between mk_tty_add() and mk_tty_remove().
 * Return: N of /dev/hvcN, or -ENODEV if it has none.
 */
int mk_tty_index(const struct mk_instance *inst)
{
	const struct mk_tty *t = mk_tty_find(&inst->channel);

	return t ? t->hp->index : -ENODEV;
}

/* Boot */

static int __init mk_tty_alloc(int i, enum mk_role role, struct mk_channel *ch)
{
	struct mk_tty *t;
	int err;

	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	raw_spin_lock_init(&t->lock);
	t->role = role;
	t->ch = ch;
	err = kfifo_alloc(&t->fifo, MK_TTY_CREDIT, GFP_KERNEL);
	if (err)
		kfree(t);
	else
		mk_ttys[i] = t;

	return err;
}

static int __init mk_tty_hvc(int i, const struct hv_ops *ops)
{
	struct hvc_struct *hp = hvc_alloc(i, 0, ops, MK_TTY_OUTBUF);

	if (IS_ERR(hp))
		return PTR_ERR(hp);
	/* More lines than hvc has ttys */
	if (hp->index >= HVC_ALLOC_TTY_ADAPTERS) {
		hvc_remove(hp);
		return -ENOSPC;
	}
	/* Nothing has to be polled */
	hp->irq_requested = 1;
	WRITE_ONCE(mk_ttys[i]->hp, hp);

	return 0;
}

static int __init mk_tty_host_line(int i)
{
	int err = mk_tty_alloc(i, MK_ROLE_HOST, NULL);

	if (err)
		return err;
	err = mk_tty_hvc(i, &mk_tty_host_ops);
	if (err) {
		kfifo_free(&mk_ttys[i]->fifo);
		kfree(mk_ttys[i]);
		mk_ttys[i] = NULL;
		pr_warn("no tty for instance %d of %d at a time: %pe\n", i + 1,
			arch_mk_reserved()->nr_low, ERR_PTR(err));
	}

	return err;
}

/* Before the channel of a spawn is opened: its first offer is the only early one */
static int __init mk_tty_service_init(void)
{
	int err = 0;

	if (mk_self_is_spawn)
		err = mk_tty_alloc(0, MK_ROLE_SPAWN, &mk_self_channel);

	return err ?: mk_service_register(&mk_tty_service);
}
pure_initcall(mk_tty_service_init);

/* A spawn's console, unless its command line names another one */
static int __init mk_tty_console_init(void)
{
	if (mk_self_is_spawn && !console_set_on_cmdline)
		add_preferred_console("hvc", 0, NULL);

	return 0;
}
console_initcall(mk_tty_console_init);

/* Before init opens /dev/console, after the tty layer is there */
static int __init mk_tty_init(void)
{
	const struct mk_reserved *reserved = arch_mk_reserved();
	int i, err = 0;

	if (mk_self_is_spawn)
		return mk_ttys[0] ? mk_tty_hvc(0, &mk_tty_spawn_ops) : -ENOMEM;

	for (i = 0; reserved->size && i < reserved->nr_low && !err; i++)
		err = mk_tty_host_line(i);

	return err;
}
device_initcall(mk_tty_init);
