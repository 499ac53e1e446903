// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: sending
 *
 * What cannot be written to the ring at once waits in a queue for each peer, in
 * order.  A peer may lie about credit and may stop reading, so none of what may
 * wait there is bounded by what it says: writers sleep, replies are dropped.
 */
#include "multikernel_transport.h"

/**
 * mk_vsock_put - write a packet where the peer reads it
 * @peer: to whom; its queue's lock is held
 * @hdr: header
 * @skb: has the payload, or NULL
 * @data: else it is here
 * @len: bytes of payload
 *
 * Return: 0; -EAGAIN if there is no room, then mk_vsock_writable() is called when
 * there is; -ENODEV if the peer is gone.
 */
int mk_vsock_put(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
		 struct sk_buff *skb, const void *data, u32 len)
{
	struct mk_slot slot;
	int err;

	lockdep_assert_held(&peer->queue.lock);

	if (peer->closed)
		return -ENODEV;
	err = mk_reserve(peer->ep, &slot, MK_VSOCK_HDR + len);
	if (err)
		return err == -EAGAIN ? err : -ENODEV;
	memcpy(slot.data, hdr, MK_VSOCK_HDR);
	if (skb)
		skb_copy_bits(skb, 0, slot.data + MK_VSOCK_HDR, len);
	else
		memcpy(slot.data + MK_VSOCK_HDR, data, len);
	mk_commit(&slot);
	atomic_long_inc(&peer->sent);

	return 0;
}

static void mk_vsock_account(struct mk_vsock_peer *peer, struct sk_buff *skb, int sign)
{
	struct mk_vsock_route *route = mk_vsock_cb(skb)->route;

	lockdep_assert_held(&peer->queue.lock);

	if (route) {
		route->bytes += sign * (int)skb->truesize;
		return;
	}
	peer->waiting += sign * (int)skb->truesize;
	if (virtio_vsock_skb_reply(skb))
		peer->replies += sign;
	else if (mk_vsock_op(skb) == VIRTIO_VSOCK_OP_REQUEST)
		peer->requests += sign;
}

/**
 * mk_vsock_append - let a packet wait for room
 * @peer: to whom; its queue's lock is held
 * @skb: packet
 */
void mk_vsock_append(struct mk_vsock_peer *peer, struct sk_buff *skb)
{
	mk_vsock_account(peer, skb, 1);
	__skb_queue_tail(&peer->queue, skb);
	atomic_long_inc(&peer->queued);
}

/**
 * mk_vsock_unlink - take a packet out of those that wait
 * @peer: to whom; its queue's lock is held
 * @skb: packet
 */
void mk_vsock_unlink(struct mk_vsock_peer *peer, struct sk_buff *skb)
{
	mk_vsock_account(peer, skb, -1);
	__skb_unlink(skb, &peer->queue);
}

/* Two of these say no more than the last one: whoever makes many has one waiting */
static struct sk_buff *mk_vsock_supersede(struct mk_vsock_peer *peer, struct sk_buff *skb)
{
	struct sk_buff *old;
	u16 op = mk_vsock_op(skb);

	if (op != VIRTIO_VSOCK_OP_CREDIT_UPDATE && op != VIRTIO_VSOCK_OP_SHUTDOWN)
		return NULL;
	skb_queue_walk(&peer->queue, old) {
		if (!skb->sk || old->sk != skb->sk || mk_vsock_op(old) != op)
			continue;
		virtio_vsock_hdr(skb)->flags |= virtio_vsock_hdr(old)->flags;
		mk_vsock_unlink(peer, old);
		return old;
	}

	return NULL;
}

/*
 * Send a packet of this kernel's own, or keep it.  Data is always kept:
 * mk_vsock_has_space() stops who writes it.
 */
static int mk_vsock_xmit(struct mk_vsock_peer *peer, struct sk_buff *skb)
{
	struct sk_buff *old = NULL;
	int err = -EAGAIN;

	virtio_transport_deliver_tap_pkt(skb);
	mk_vsock_cb(skb)->route = NULL;

	spin_lock_bh(&peer->queue.lock);
	if (skb_queue_empty(&peer->queue))
		err = mk_vsock_put(peer, virtio_vsock_hdr(skb), skb, NULL, skb->len);
	if (err == -EAGAIN) {
		old = mk_vsock_supersede(peer, skb);
		if (virtio_vsock_skb_reply(skb) ? peer->replies < MK_VSOCK_REPLIES_MAX :
		    mk_vsock_op(skb) != VIRTIO_VSOCK_OP_REQUEST ||
		    peer->requests < MK_VSOCK_REQUESTS_MAX) {
			mk_vsock_append(peer, skb);
			skb = NULL;
			err = 0;
		} else {
			atomic_long_inc(&peer->dropped);
			err = -ENOBUFS;
		}
	}
	spin_unlock_bh(&peer->queue.lock);

	kfree_skb(old);
	if (!err && skb)
		virtio_transport_consume_skb_sent(skb, true);

	return err;
}

/**
 * mk_vsock_send_pkt - send a packet that the common code made
 * @skb: packet, used up
 *
 * Context: process; if the packet is of a socket, this is locked.
 * Return: bytes of payload; -ENODEV; -ENOBUFS for an answer or a connection
 * request, if too many wait.
 */
int mk_vsock_send_pkt(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);
	u32 cid = le64_to_cpu(hdr->dst_cid);
	struct mk_vsock_peer *peer;
	int len = skb->len, err;

	/* A reset may be that of a listener, which has nothing to tell */
	if (skb->sk && mk_vsock_op(skb) != VIRTIO_VSOCK_OP_RST) {
		if (mk_vsock_op(skb) == VIRTIO_VSOCK_OP_CREDIT_UPDATE &&
		    mk_vsock_untold(vsock_sk(skb->sk), hdr)) {
			consume_skb(skb);
			return 0;
		}
		mk_vsock_told(vsock_sk(skb->sk), hdr);
	}

	rcu_read_lock();
	peer = mk_vsock_find(cid);
	err = peer ? mk_vsock_xmit(peer, skb) : -ENODEV;
	rcu_read_unlock();
	if (err)
		kfree_skb(skb);

	return err ?: len;
}

/**
 * mk_vsock_cancel_pkt - drop a socket's packets that wait
 * @vsk: socket
 *
 * Return: 0 or -ENODEV.
 */
int mk_vsock_cancel_pkt(struct vsock_sock *vsk)
{
	struct mk_vsock_peer *peer;
	struct sk_buff *skb, *next;
	struct sk_buff_head old;

	__skb_queue_head_init(&old);

	rcu_read_lock();
	peer = mk_vsock_find(vsk->remote_addr.svm_cid);
	if (peer) {
		spin_lock_bh(&peer->queue.lock);
		skb_queue_walk_safe(&peer->queue, skb, next) {
			if (skb->sk != sk_vsock(vsk))
				continue;
			mk_vsock_unlink(peer, skb);
			__skb_queue_tail(&old, skb);
		}
		spin_unlock_bh(&peer->queue.lock);
	}
	rcu_read_unlock();
	__skb_queue_purge(&old);

	return peer ? 0 : -ENODEV;
}

/* Through which peer those write whom mk_vsock_wake_writer() wakes */
static const struct mk_vsock_peer *mk_vsock_wake_peer;
static DEFINE_MUTEX(mk_vsock_wake_lock);

static void mk_vsock_wake_writer(struct sock *sk)
{
	/* In a spawn all of them write through the host */
	if (!mk_vsock_at_host || vsock_sk(sk)->remote_addr.svm_cid == mk_vsock_wake_peer->cid)
		sk->sk_write_space(sk);
}

/* As what mk_vsock_has_space() said has changed */
static void mk_vsock_wake_writers(const struct mk_vsock_peer *peer)
{
	mutex_lock(&mk_vsock_wake_lock);
	mk_vsock_wake_peer = peer;
	vsock_for_each_connected_socket(&mk_vsock_transport.transport, mk_vsock_wake_writer);
	mutex_unlock(&mk_vsock_wake_lock);
}

/**
 * mk_vsock_writable - there is room: send what waits, then let writers go on
 * @ep: endpoint that had none
 *
 * Others may append as fast as the peer reads, and this is its reader: who waits for
 * nothing but the end of the queue would never read again.
 *
 * Context: process, may sleep.
 * Return: true if there may be more to send, and room for it.
 */
bool mk_vsock_writable(struct mk_endpoint *ep)
{
	struct mk_vsock_peer *peer = ep->priv;
	int err, budget = MK_VSOCK_SEND_BUDGET;
	struct sk_buff *skb;
	bool wake;

	while (budget--) {
		spin_lock_bh(&peer->queue.lock);
		skb = skb_peek(&peer->queue);
		err = skb ? mk_vsock_put(peer, virtio_vsock_hdr(skb), skb, NULL, skb->len) :
			    -ENODATA;
		if (!err)
			mk_vsock_unlink(peer, skb);
		wake = peer->throttled && peer->waiting < MK_VSOCK_QUEUE_MAX / 2;
		if (wake)
			peer->throttled = false;
		/* There was room: who waited for it has it, or goes behind what waits */
		if (err && peer->full) {
			WRITE_ONCE(peer->full, false);
			wake = true;
		}
		spin_unlock_bh(&peer->queue.lock);

		if (!err)
			virtio_transport_consume_skb_sent(skb, true);
		if (wake)
			mk_vsock_wake_writers(peer);
		if (err)
			return false;
		cond_resched();
	}

	return true;
}

/* Packets of our own making */

/**
 * mk_vsock_alloc_copy - make a packet of what came
 * @hdr: header
 * @data: payload, in the ring
 * @len: its bytes
 * @gfp: how to allocate it
 *
 * Return: the packet or NULL.
 */
struct sk_buff *mk_vsock_alloc_copy(const struct virtio_vsock_hdr *hdr,
				    const void *data, u32 len, gfp_t gfp)
{
	struct iov_iter iter;
	struct sk_buff *skb;
	struct kvec vec;

	skb = virtio_vsock_alloc_skb(MK_VSOCK_HDR + len, gfp | __GFP_NOWARN);
	if (!skb)
		return NULL;
	*virtio_vsock_hdr(skb) = *hdr;
	if (!len)
		return skb;

	virtio_vsock_skb_put(skb, len);
	if (!skb_is_nonlinear(skb)) {
		memcpy(skb->data, data, len);
		return skb;
	}
	vec = (struct kvec) { .iov_base = (void *)data, .iov_len = len };
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, len);
	if (skb_copy_datagram_from_iter(skb, 0, &iter, len)) {
		kfree_skb(skb);
		return NULL;
	}

	return skb;
}

/**
 * mk_vsock_alloc_rst - make a reset
 * @hdr: header of a packet of the connection, in the same direction
 * @flags: 0 or MK_VSOCK_RST_CUT
 * @gfp: how to allocate it
 *
 * Return: the packet or NULL.
 */
struct sk_buff *mk_vsock_alloc_rst(const struct virtio_vsock_hdr *hdr, u32 flags,
				   gfp_t gfp)
{
	struct sk_buff *skb = virtio_vsock_alloc_skb(MK_VSOCK_HDR, gfp);

	if (!skb)
		return NULL;
	*virtio_vsock_hdr(skb) = (struct virtio_vsock_hdr) {
		.src_cid = hdr->src_cid,
		.dst_cid = hdr->dst_cid,
		.src_port = hdr->src_port,
		.dst_port = hdr->dst_port,
		.type = hdr->type,
		.op = cpu_to_le16(VIRTIO_VSOCK_OP_RST),
		.flags = cpu_to_le32(flags),
	};
	mk_vsock_cb(skb)->route = NULL;

	return skb;
}

/**
 * mk_vsock_answer_rst - answer a packet that will not be delivered
 * @peer: where it came from
 * @hdr: its header
 * @flags: 0 or MK_VSOCK_RST_CUT
 */
void mk_vsock_answer_rst(struct mk_vsock_peer *peer,
			 const struct virtio_vsock_hdr *hdr, u32 flags)
{
	struct virtio_vsock_hdr back = *hdr;
	struct sk_buff *skb;

	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST))
		return;
	swap(back.src_cid, back.dst_cid);
	swap(back.src_port, back.dst_port);
	skb = mk_vsock_alloc_rst(&back, flags, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb) {
		atomic_long_inc(&peer->dropped);
		return;
	}
	virtio_vsock_skb_set_reply(skb);
	if (mk_vsock_xmit(peer, skb))
		kfree_skb(skb);
}
