// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: who waits looks at the ring before it sleeps
 *
 * A sleep costs a doorbell, the channel's reader, and the way from its CPU to the
 * one that waits.  So whoever has a stream looks at the ring himself for a moment,
 * for as long as that paid the last times (multikernel.poll_us is the bound).
 * Data that it finds there for its own socket it copies to user memory, the only
 * copy on this side.  All else is the reader's, who is woken for it.
 *
 * The socket is not locked while it looks: what comes for it another way is seen by
 * the wake-up that it brings.  What it finds stays in the ring until the socket is
 * locked again, and then may be gone: the reader had it.
 */
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "multikernel_transport.h"

/* For data that was seen and is on its way to the socket */
#define MK_VSOCK_AWAIT	(HZ / 10)

/* Messages that bring credit alone, which one who waits looks through */
#define MK_VSOCK_CREDITS	16

/**
 * struct mk_vsock_wait - somebody polls for a socket
 * @poll: what mk_poll() knows of it
 * @entry: in the socket's wait queue
 * @woken: there was a wake-up
 * @reads: it waits for data, else for credit
 * @from: CID and port of the other end
 * @port: of this one
 */
struct mk_vsock_wait {
	struct mk_poll poll;
	wait_queue_entry_t entry;
	bool woken;
	bool reads;
	struct sockaddr_vm from;
	u32 port;
};

/**
 * struct mk_vsock_read - a message is looked for in the ring
 * @poll: what mk_poll_one() knows of it
 * @vsk: socket, locked
 * @reads: data is wanted, else credit alone
 * @msg: where data goes, or NULL to leave it in the ring
 * @len: room there
 * @peek: only look
 * @bytes: of the message; with @msg, that were copied
 * @credit: there was a message that brought credit
 */
struct mk_vsock_read {
	struct mk_poll poll;
	struct vsock_sock *vsk;
	bool reads;
	struct msghdr *msg;
	size_t len;
	bool peek;
	u32 bytes;
	bool credit;
};

/* Data of a stream for this kernel, or credit */
static bool mk_vsock_wanted(const struct virtio_vsock_hdr *hdr, bool reads)
{
	return le64_to_cpu(hdr->dst_cid) == mk_vsock_cid &&
	       hdr->type == cpu_to_le16(VIRTIO_VSOCK_TYPE_STREAM) &&
	       (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_UPDATE) ||
		(reads && hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RW)));
}

/* A copy of the header; false if there is none, or others are to be first */
static bool mk_vsock_look(const struct mk_poll *p, const struct mk_message *msg,
			  struct virtio_vsock_hdr *hdr)
{
	const struct mk_vsock_peer *peer = p->ep->priv;

	if (msg->len < MK_VSOCK_HDR || !mk_vsock_rx_idle(peer->rx))
		return false;
	memcpy(hdr, msg->data, MK_VSOCK_HDR);
	/* From here on the copy: the compiler must not read the ring again */
	barrier();

	return true;
}

/* Waiting */

static int mk_vsock_woken(wait_queue_entry_t *entry, unsigned int mode, int sync, void *key)
{
	WRITE_ONCE(container_of(entry, struct mk_vsock_wait, entry)->woken, true);

	return 0;
}

static bool mk_vsock_wait_done(struct mk_poll *p)
{
	return READ_ONCE(container_of(p, struct mk_vsock_wait, poll)->woken);
}

/* A hint: mk_vsock_take() looks again, and better, with the socket locked */
static enum mk_take mk_vsock_spot(struct mk_poll *p, const struct mk_message *msg)
{
	struct mk_vsock_wait *w = container_of(p, struct mk_vsock_wait, poll);
	struct virtio_vsock_hdr hdr;

	if (!mk_vsock_look(p, msg, &hdr) || !mk_vsock_wanted(&hdr, w->reads) ||
	    le64_to_cpu(hdr.src_cid) != w->from.svm_cid ||
	    le32_to_cpu(hdr.src_port) != w->from.svm_port ||
	    le32_to_cpu(hdr.dst_port) != w->port)
		return MK_TAKE_PASS;

	return MK_TAKE_LEAVE;
}

/* The socket is unlocked meanwhile, as in the sleep that this is to save */
static void mk_vsock_poll(struct vsock_sock *vsk, bool reads, u64 ns)
{
	struct mk_vsock_wait w = {
		.poll = { .done = mk_vsock_wait_done, .take = mk_vsock_spot },
		.reads = reads,
		.from = vsk->remote_addr,
		.port = vsk->local_addr.svm_port,
	};
	u64 now, end = local_clock() + ns;
	struct sock *sk = sk_vsock(vsk);
	struct mk_vsock_peer *peer;
	bool left;

	init_waitqueue_func_entry(&w.entry, mk_vsock_woken);
	add_wait_queue(sk_sleep(sk), &w.entry);
	release_sock(sk);

	do {
		cond_resched();
		now = local_clock();
		rcu_read_lock();
		peer = now < end ? mk_vsock_find(w.from.svm_cid) : NULL;
		left = peer && mk_poll(peer->ep, &w.poll, end - now);
		rcu_read_unlock();
		/* It ends early if somebody else wants this CPU */
	} while (peer && !left && need_resched());

	lock_sock(sk);
	remove_wait_queue(sk_sleep(sk), &w.entry);
}

/* What is found in the ring would be lost for these */
static bool mk_vsock_may_read(const struct vsock_sock *vsk)
{
	const struct sock *sk = &vsk->sk;

	return sk->sk_type == SOCK_STREAM && !sk->sk_user_data && !mk_vsock_tapped();
}

/* Whoever reads this stream now, and nobody else, may look in the ring */
static bool mk_vsock_reads(const struct vsock_sock *vsk)
{
	const struct mk_vsock_sock *ms = mk_vsock_sock(vsk);

	return READ_ONCE(ms->reader) == current && sock_owned_by_user_nocheck(&vsk->sk) &&
	       ms->recv_poll_ns && mk_vsock_may_read(vsk);
}

/* Reading */

/* All of it, or nothing; never waits for a page */
static bool mk_vsock_copy_out(struct mk_vsock_read *r, const void *data, u32 len)
{
	size_t copied;

	/* Part of a packet is read from a packet that is kept */
	if (r->peek || len > r->len)
		return false;
	pagefault_disable();
	copied = copy_to_iter(data, len, &r->msg->msg_iter);
	pagefault_enable();
	if (copied == len)
		return true;
	iov_iter_revert(&r->msg->msg_iter, copied);

	return false;
}

/* As if it had been queued, and then read; true if there was credit for it */
static bool mk_vsock_count_read(struct virtio_vsock_sock *virtio, u32 len)
{
	bool fits;

	spin_lock_bh(&virtio->rx_lock);
	fits = (u64)virtio->buf_used + len <= virtio->buf_alloc;
	if (fits)
		virtio->fwd_cnt += len;
	spin_unlock_bh(&virtio->rx_lock);

	return fits;
}

static bool mk_vsock_keep(struct mk_vsock_read *r, const struct virtio_vsock_hdr *hdr,
			  const void *data, u32 len)
{
	struct sk_buff *skb = mk_vsock_alloc_copy(hdr, data, len, GFP_ATOMIC);
	struct sock *sk = sk_vsock(r->vsk);
	bool kept;

	if (!skb)
		return false;
	local_bh_disable();
	kept = skb_set_owner_sk_safe(skb, sk) && mk_vsock_enqueue(r->vsk->trans, skb);
	local_bh_enable();
	if (!kept) {
		kfree_skb(skb);
		return false;
	}
	/* Others may wait for what this reader does not want */
	vsock_data_ready(sk);

	return true;
}

static enum mk_take mk_vsock_take(struct mk_poll *p, const struct mk_message *msg)
{
	struct mk_vsock_read *r = container_of(p, struct mk_vsock_read, poll);
	struct virtio_vsock_sock *virtio = r->vsk->trans;
	struct mk_vsock_peer *peer = p->ep->priv;
	u32 len = msg->len - MK_VSOCK_HDR;
	struct virtio_vsock_hdr hdr;
	const void *data;

	if (!mk_vsock_look(p, msg, &hdr) || !mk_vsock_valid(peer, &hdr, len) ||
	    !mk_vsock_wanted(&hdr, r->reads) ||
	    le32_to_cpu(hdr.dst_port) != r->vsk->local_addr.svm_port ||
	    !mk_vsock_plain(sk_vsock(r->vsk), &hdr))
		return MK_TAKE_PASS;
	/* Its connection is over, and this is from the peer's next life */
	if (READ_ONCE(mk_vsock_sock(r->vsk)->gone))
		return MK_TAKE_PASS;
	/* Its buffer became smaller, see mk_vsock_asked() */
	if (le32_to_cpu(hdr.buf_alloc) < READ_ONCE(virtio->peer_buf_alloc))
		return MK_TAKE_PASS;

	if (len && !r->msg) {
		r->bytes = len;
		return MK_TAKE_LEAVE;
	}
	data = msg->data + MK_VSOCK_HDR;
	/* Without credit it is the common code's to refuse */
	if (len && mk_vsock_copy_out(r, data, len)) {
		if (!mk_vsock_count_read(virtio, len)) {
			iov_iter_revert(&r->msg->msg_iter, len);
			return MK_TAKE_PASS;
		}
		r->bytes = len;
	} else if (len && !mk_vsock_keep(r, &hdr, data, len)) {
		return MK_TAKE_PASS;
	}
	r->credit = !len;
	mk_vsock_credit(r->vsk, &hdr);
	atomic_long_inc(&peer->received);
	atomic_long_inc(&peer->taken);

	return MK_TAKE_DONE;
}

static bool mk_vsock_never(struct mk_poll *p)
{
	return false;
}

static void mk_vsock_read_one(struct mk_vsock_read *r)
{
	struct mk_vsock_peer *peer;

	r->poll.take = mk_vsock_take;
	r->poll.done = mk_vsock_never;
	r->credit = false;
	rcu_read_lock();
	peer = mk_vsock_find(r->vsk->remote_addr.svm_cid);
	if (peer)
		mk_poll_one(peer->ep, &r->poll);
	rcu_read_unlock();
}

/* All credit that lies before data.  The budget is against a peer that sends no end */
static void mk_vsock_read_on(struct mk_vsock_read *r)
{
	int budget = MK_VSOCK_CREDITS;

	do {
		mk_vsock_read_one(r);
	} while (r->credit && --budget);
}

static void mk_vsock_read_credit(struct vsock_sock *vsk)
{
	struct mk_vsock_read r = { .vsk = vsk };

	mk_vsock_read_on(&r);
}

/**
 * mk_vsock_poll_in - is there enough to read, for poll(2)?
 * @vsk: socket
 * @target: bytes that are enough
 * @ready: gets the answer
 *
 * What lies in the ring does not count: whoever asks may not come for it.
 *
 * Return: 0.
 */
int mk_vsock_poll_in(struct vsock_sock *vsk, size_t target, bool *ready)
{
	*ready = virtio_transport_stream_has_data(vsk) >= (s64)target;

	return 0;
}

/**
 * mk_vsock_has_data - is there something to read from a stream?
 * @vsk: socket
 *
 * Return: bytes, or what virtio_transport_stream_has_data() says.
 */
s64 mk_vsock_has_data(struct vsock_sock *vsk)
{
	s64 bytes = virtio_transport_stream_has_data(vsk);
	struct mk_vsock_read r = { .vsk = vsk, .reads = true };

	if (bytes || !mk_vsock_reads(vsk))
		return bytes;
	mk_vsock_read_on(&r);

	return r.bytes;
}

/*
 * What was there a moment ago is on another way to the socket, which can't be
 * locked meanwhile.  For a caller who takes 0 for the end.
 */
static int mk_vsock_await(struct vsock_sock *vsk)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct sock *sk = sk_vsock(vsk);
	long left = MK_VSOCK_AWAIT;
	int err = 0;

	add_wait_queue(sk_sleep(sk), &wait);
	while (!err && !virtio_transport_stream_has_data(vsk) && !sk->sk_err &&
	       !(sk->sk_shutdown & RCV_SHUTDOWN) && !(vsk->peer_shutdown & SEND_SHUTDOWN)) {
		release_sock(sk);
		left = wait_woken(&wait, TASK_INTERRUPTIBLE, left);
		lock_sock(sk);
		if (vsk->transport != &mk_vsock_transport.transport)
			err = -ENOTCONN;
		else if (signal_pending(current))
			err = -EINTR;
		else if (!left)
			err = -EAGAIN;
	}
	remove_wait_queue(sk_sleep(sk), &wait);

	return err;
}

/**
 * mk_vsock_stream_dequeue - read from a stream
 * @vsk: socket, locked
 * @msg: user memory
 * @len: bytes
 * @flags: MSG_PEEK
 *
 * Return: bytes that were read; 0 if there is nothing after all; a negative errno.
 */
ssize_t mk_vsock_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
				int flags)
{
	struct mk_vsock_read r = {
		.vsk = vsk, .reads = true, .msg = msg, .len = len, .peek = flags & MSG_PEEK,
	};
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);
	bool ring = mk_vsock_reads(vsk);
	int err;

	if (r.peek)
		ms->peeks = true;
	else
		ms->reads = true;
	/* Who peeks takes 0 for the end: not without a look at what there was */
	if (virtio_transport_stream_has_data(vsk) || (!ring && !r.peek))
		return virtio_transport_stream_dequeue(vsk, msg, len, flags);

	if (ring && !r.peek)
		fault_in_iov_iter_writeable(&msg->msg_iter,
					    min_t(size_t, len, VIRTIO_VSOCK_MAX_PKT_BUF_SIZE));
	if (ring)
		mk_vsock_read_on(&r);
	if (r.bytes) {
		mk_vsock_tell(vsk);
		return r.bytes;
	}
	if (!virtio_transport_stream_has_data(vsk)) {
		/* Once for each read, or we would find it, and lose it, for ever */
		WRITE_ONCE(ms->reader, NULL);
		err = r.peek ? mk_vsock_await(vsk) : 0;
		if (err || !r.peek)
			return err;
	}

	return virtio_transport_stream_dequeue(vsk, msg, len, flags);
}

/* What the common code calls around its sleeps */

/**
 * mk_vsock_recv_init - somebody begins to read a stream
 * @vsk: socket, locked
 * @target: bytes that it waits for
 * @data: of this read
 *
 * Return: 0.
 */
int mk_vsock_recv_init(struct vsock_sock *vsk, size_t target,
		       struct vsock_transport_recv_notify_data *data)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);

	data->data1 = 0;
	data->data2 = 0;
	WRITE_ONCE(ms->reader, ms->reads && !ms->peeks ? current : NULL);

	return 0;
}

/**
 * mk_vsock_recv_wait - it is about to sleep
 * @vsk: socket, locked; it is unlocked for a moment
 * @target: bytes that it waits for
 * @data: @data1 is whether it has just polled, @data2 when it began to wait
 *
 * After a poll the caller looks once more, instead of sleeping: this task is in no
 * state to sleep, so that no wake-up is lost that came meanwhile.  The time is not
 * taken off SO_RCVTIMEO: it is short, and there is a sleep after each.
 *
 * Return: 0.
 */
int mk_vsock_recv_wait(struct vsock_sock *vsk, size_t target,
		       struct vsock_transport_recv_notify_data *data)
{
	if (!data->data2)
		data->data2 = local_clock();
	data->data1 = !data->data1 && mk_vsock_reads(vsk);
	if (data->data1) {
		__set_current_state(TASK_RUNNING);
		mk_vsock_poll(vsk, true, mk_vsock_sock(vsk)->recv_poll_ns);
	}

	return 0;
}

/**
 * mk_vsock_recv_ready - there is something to read
 * @vsk: socket, locked
 * @target: bytes that it waited for
 * @data: @data2 is when it began to wait, if it had to
 *
 * Return: 0.
 */
int mk_vsock_recv_ready(struct vsock_sock *vsk, size_t target,
			struct vsock_transport_recv_notify_data *data)
{
	if (data->data2)
		mk_poll_adapt(&mk_vsock_sock(vsk)->recv_poll_ns,
			      local_clock() - data->data2);
	data->data1 = 0;
	data->data2 = 0;

	return 0;
}

/**
 * mk_vsock_send_init - somebody begins to write
 * @vsk: socket, locked
 * @data: of this write
 *
 * Return: 0.
 */
int mk_vsock_send_init(struct vsock_sock *vsk, struct vsock_transport_send_notify_data *data)
{
	data->data1 = 0;

	return 0;
}

/**
 * mk_vsock_send_wait - it is about to sleep
 * @vsk: socket, locked; it is unlocked for a moment
 * @data: @data1 is when it began to wait
 *
 * The caller has a wait queue entry of its own, which keeps a wake-up that comes
 * meanwhile.
 *
 * Return: 0.
 */
int mk_vsock_send_wait(struct vsock_sock *vsk, struct vsock_transport_send_notify_data *data)
{
	u64 ns = mk_vsock_sock(vsk)->send_poll_ns;

	if (!data->data1)
		data->data1 = local_clock();
	if (!ns || sk_vsock(vsk)->sk_type != SOCK_STREAM || !mk_vsock_may_read(vsk))
		return 0;
	mk_vsock_poll(vsk, false, ns);
	if (vsk->transport == &mk_vsock_transport.transport)
		mk_vsock_read_credit(vsk);

	return 0;
}

/**
 * mk_vsock_send_ready - it can write
 * @vsk: socket, locked
 * @data: @data1 is when it began to wait, if it had to
 *
 * Return: 0.
 */
int mk_vsock_send_ready(struct vsock_sock *vsk,
			struct vsock_transport_send_notify_data *data)
{
	if (data->data1)
		mk_poll_adapt(&mk_vsock_sock(vsk)->send_poll_ns,
			      local_clock() - data->data1);
	data->data1 = 0;

	return 0;
}
