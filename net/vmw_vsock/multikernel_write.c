// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: from user memory straight to the ring
 *
 * One copy, in the caller's context, without an skb, whenever there is room.
 */
#include <linux/uaccess.h>

#include "multikernel_transport.h"

static bool mk_vsock_has_space_for(struct vsock_sock *vsk)
{
	bool stream = sk_vsock(vsk)->sk_type == SOCK_STREAM;
	struct mk_vsock_peer *peer;
	bool space = true;

	rcu_read_lock();
	peer = mk_vsock_find(vsk->remote_addr.svm_cid);
	if (peer && stream && READ_ONCE(peer->full)) {
		/* Who waits is on the socket's wait queue: with the lock none is missed */
		spin_lock_bh(&peer->queue.lock);
		space = !peer->full;
		spin_unlock_bh(&peer->queue.lock);
	} else if (peer && READ_ONCE(peer->waiting) > MK_VSOCK_QUEUE_MAX) {
		spin_lock_bh(&peer->queue.lock);
		space = peer->waiting <= MK_VSOCK_QUEUE_MAX;
		if (!space)
			peer->throttled = true;
		spin_unlock_bh(&peer->queue.lock);
	}
	rcu_read_unlock();

	return space;
}

/**
 * mk_vsock_has_space - may a writer go on?
 * @vsk: socket
 *
 * Return: bytes that have credit; 0 while too much waits for the peer.
 */
s64 mk_vsock_has_space(struct vsock_sock *vsk)
{
	return mk_vsock_has_space_for(vsk) ? virtio_transport_stream_has_space(vsk) : 0;
}

static struct sk_buff *mk_vsock_tap_probe(void *tapped)
{
	*(bool *)tapped = true;

	return NULL;
}

/* Does somebody watch, by vsockmon?  They want packets */
bool mk_vsock_tapped(void)
{
	bool tapped = false;

	vsock_deliver_tap(mk_vsock_tap_probe, &tapped);

	return tapped;
}

/* User memory that is lent is lent to packets, too */
static bool mk_vsock_may_write(struct msghdr *msg)
{
	return !(msg->msg_flags & (MSG_ZEROCOPY | MSG_SPLICE_PAGES)) && !mk_vsock_tapped();
}

static void mk_vsock_init_hdr(struct virtio_vsock_hdr *hdr, struct vsock_sock *vsk,
			      u32 len, u32 flags)
{
	struct virtio_vsock_sock *vvs = vsk->trans;
	bool stream = sk_vsock(vsk)->sk_type == SOCK_STREAM;

	*hdr = (struct virtio_vsock_hdr) {
		.src_cid = cpu_to_le64(mk_vsock_cid),
		.dst_cid = cpu_to_le64(vsk->remote_addr.svm_cid),
		.src_port = cpu_to_le32(vsk->local_addr.svm_port),
		.dst_port = cpu_to_le32(vsk->remote_addr.svm_port),
		.len = cpu_to_le32(len),
		.type = cpu_to_le16(stream ? VIRTIO_VSOCK_TYPE_STREAM :
					     VIRTIO_VSOCK_TYPE_SEQPACKET),
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RW),
		.flags = cpu_to_le32(flags),
	};

	spin_lock_bh(&vvs->rx_lock);
	hdr->fwd_cnt = cpu_to_le32(vvs->fwd_cnt);
	hdr->buf_alloc = cpu_to_le32(vvs->buf_alloc);
	spin_unlock_bh(&vvs->rx_lock);
}

/*
 * One record of @len bytes that have credit.  -EAGAIN if there is no room:
 * mk_vsock_writable() follows; -EFAULT if this way does not go.  It does not while
 * others wait for room: who waited for them to be gone might do so for ever, and so
 * goes behind them as a packet.
 */
static int mk_vsock_write(struct mk_vsock_peer *peer, struct vsock_sock *vsk,
			  struct msghdr *msg, u32 len, u32 flags)
{
	struct virtio_vsock_sock *vvs = vsk->trans;
	struct virtio_vsock_hdr hdr;
	struct mk_slot slot;
	size_t copied;
	int err;

	mk_vsock_init_hdr(&hdr, vsk, len, flags);

	spin_lock_bh(&peer->queue.lock);
	if (peer->closed || !skb_queue_empty(&peer->queue))
		err = -EFAULT;
	else
		err = mk_reserve(peer->ep, &slot, MK_VSOCK_HDR + len);
	if (err) {
		if (err == -EAGAIN)
			WRITE_ONCE(peer->full, true);
		spin_unlock_bh(&peer->queue.lock);
		return err == -EAGAIN ? err : -EFAULT;
	}
	memcpy(slot.data, &hdr, MK_VSOCK_HDR);
	/* Was faulted in just now; if it is gone again, the slow way does it */
	pagefault_disable();
	copied = copy_from_iter(slot.data + MK_VSOCK_HDR, len, &msg->msg_iter);
	pagefault_enable();
	if (copied == len)
		mk_commit(&slot);
	else
		mk_abort(&slot);
	spin_unlock_bh(&peer->queue.lock);

	if (copied != len) {
		iov_iter_revert(&msg->msg_iter, copied);
		return -EFAULT;
	}
	atomic_long_inc(&peer->sent);

	/* The peer was told, only now */
	spin_lock_bh(&vvs->rx_lock);
	vvs->last_fwd_cnt = le32_to_cpu(hdr.fwd_cnt);
	spin_unlock_bh(&vvs->rx_lock);
	mk_vsock_told(vsk, &hdr);

	spin_lock_bh(&vvs->tx_lock);
	vvs->bytes_unsent -= len;
	spin_unlock_bh(&vvs->tx_lock);

	return 0;
}

/* As much as has credit and room now; if that is nothing, 0 or why */
static ssize_t mk_vsock_write_all(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
				  bool whole, u32 flags)
{
	struct virtio_vsock_sock *vvs = vsk->trans;
	struct mk_vsock_peer *peer;
	u32 credit, left, part;
	int err = 0;

	if (!mk_vsock_may_write(msg))
		return 0;
	credit = virtio_transport_get_credit(vvs, min_t(size_t, len, U32_MAX));
	if (!credit)
		return 0;
	/* No more than can go now: the rest may be long, and the socket is locked */
	if ((whole && credit != len) ||
	    fault_in_iov_iter_readable(&msg->msg_iter, credit)) {
		virtio_transport_put_credit(vvs, credit);
		return 0;
	}

	left = credit;
	rcu_read_lock();
	peer = mk_vsock_find(vsk->remote_addr.svm_cid);
	while (peer && left) {
		part = min_t(u32, left, VIRTIO_VSOCK_MAX_PKT_BUF_SIZE);
		err = mk_vsock_write(peer, vsk, msg, part, part == left ? flags : 0);
		if (err)
			break;
		left -= part;
	}
	rcu_read_unlock();
	virtio_transport_put_credit(vvs, left);

	if (left == credit)
		return err;

	return credit - left;
}

/**
 * mk_vsock_stream_enqueue - write to a stream
 * @vsk: socket, locked
 * @msg: user memory
 * @len: bytes
 *
 * Return: bytes that were written; 0 if the caller has to wait; a negative errno.
 */
ssize_t mk_vsock_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
				size_t len)
{
	ssize_t done = mk_vsock_write_all(vsk, msg, len, false, 0);

	if (done > 0)
		return done;
	/* Wait for room: a packet would be a copy more, and bring the end no nearer */
	if (done == -EAGAIN)
		return 0;
	/*
	 * Credit may be a lie: no more is kept before mk_vsock_has_space() is asked again,
	 * except of memory that is the user's own
	 */
	if (!(msg->msg_flags & MSG_ZEROCOPY) || !sock_flag(sk_vsock(vsk), SOCK_ZEROCOPY))
		len = min_t(size_t, len, VIRTIO_VSOCK_MAX_PKT_BUF_SIZE);

	return virtio_transport_stream_enqueue(vsk, msg, len);
}

/**
 * mk_vsock_seqpacket_enqueue - write one message
 * @vsk: socket, locked
 * @msg: user memory
 * @len: bytes
 *
 * Return: bytes that were written or a negative errno.
 */
int mk_vsock_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
			       size_t len)
{
	u32 flags = VIRTIO_VSOCK_SEQ_EOM;
	ssize_t done;

	if (msg->msg_flags & MSG_EOR)
		flags |= VIRTIO_VSOCK_SEQ_EOR;
	/* The rest at once, whatever waits: half a message is none */
	done = max_t(ssize_t, mk_vsock_write_all(vsk, msg, len, true, flags), 0);
	if (done < len) {
		int rest = virtio_transport_seqpacket_enqueue(vsk, msg, len - done);

		if (rest < 0)
			return done ?: rest;
		done += rest;
	}

	return done;
}
