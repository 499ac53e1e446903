// SPDX-License-Identifier: GPL-2.0
/*
 * vsock transport between the kernels of a multikernel machine
 *
 * A record of the service is a struct virtio_vsock_hdr and the payload.  The
 * host is CID 2 and registers as the host's side (H2G), a spawn as the guest's
 * side (G2H).  Spawns that the administrator linked talk through the host: no
 * spawn maps another one's memory, which costs one more copy and keeps the
 * checks in one place.
 *
 * The reader of a channel never takes a socket's lock, which user space can keep
 * for as long as it likes: a work for each peer delivers what it has read.
 *
 * What cannot be written to the ring at once waits in a queue for each peer,
 * in order.  A peer may lie about credit and may stop reading, so none of what
 * may wait there is bounded by what it says: writers sleep, replies are
 * dropped, connections between spawns are cut.
 */
#define pr_fmt(fmt) "multikernel: vsock: " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/multikernel.h>
#include <linux/multikernel_abi.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/virtio_vsock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define MK_VSOCK_HDR		sizeof(struct virtio_vsock_hdr)

/* Beyond these bytes of this kernel's own that wait, writers wait, too */
#define MK_VSOCK_QUEUE_MAX	SZ_1M

/* Waiting connection requests are bounded by number: they ask for no credit */
#define MK_VSOCK_REQUESTS_MAX	1024

/* As are answers that a peer can make this kernel give */
#define MK_VSOCK_REPLIES_MAX	256

/* Bytes of one spawn that may wait for another; resets get as much again */
#define MK_VSOCK_ROUTE_MAX	SZ_1M

/*
 * Bytes of a peer that may wait to be delivered; resets get as much again.
 * Beyond that the channel's reader waits for progress, so that connections with
 * more credit are not cut while there is any, but not for longer than this.
 */
#define MK_VSOCK_RX_MAX		SZ_4M
#define MK_VSOCK_RX_TIME	HZ

/**
 * struct mk_vsock_route - what one spawn has waiting for another
 * @node: in &mk_vsock_peer.routes of the destination
 * @cid: of the source
 * @bytes: waiting, with their overhead
 */
struct mk_vsock_route {
	struct list_head node;
	u32 cid;
	u32 bytes;
};

/**
 * struct mk_vsock_rx - packets of a CID on their way to sockets
 * @node: in mk_vsock_rxs
 * @cid: where they come from
 * @refs: of a peer, and of @work when it is queued; the last one ends under
 *	mk_vsock_peers_lock
 * @work: delivers them; it may wait for a socket's lock as long as user space
 *	likes, and then outlives the peer.  The next peer of this CID goes on
 *	with it, so that nothing of the last one comes after it
 * @room: who waits for @bytes to become less
 * @queue: what was not delivered; its lock covers the next three
 * @bytes: in @queue and being delivered, with their overhead
 * @gone: the peer is, and its connections are to be reset before @queue goes on
 * @stuck: somebody has waited at @room for nothing; until something is
 *	delivered, nobody else does
 */
struct mk_vsock_rx {
	struct list_head node;
	u32 cid;
	refcount_t refs;
	struct work_struct work;
	wait_queue_head_t room;

	struct sk_buff_head queue;
	u32 bytes;
	bool gone;
	bool stuck;
};

/**
 * struct mk_vsock_peer - another kernel that offers sockets
 * @node: in mk_vsock_peers; RCU, mk_vsock_peers_lock
 * @ep: where to send
 * @id: instance id, 0 for the host
 * @cid: its CID
 * @rcu: frees it when nobody looks at it any more
 * @rx: what came from it
 * @queue: packets that wait for room; its lock covers the next six
 * @closed: @ep must not be used any more
 * @waiting: bytes of this kernel's own in @queue, with their overhead; what
 *	other spawns have there is in @routes
 * @requests: connection requests in @queue
 * @replies: answers in @queue
 * @throttled: writers wait until @waiting is less
 * @routes: other spawns that have packets in @queue
 * @received: packets from this peer
 * @sent: packets to this peer
 * @queued: of these, had to wait in @queue
 * @forwarded: packets from this peer that went to another
 * @refused: packets from this peer for a CID that it is not linked to
 * @dropped: answers to this peer that found @queue full
 * @cut: connections of this peer that were reset, as packets of it could not be
 *	kept
 */
struct mk_vsock_peer {
	struct list_head node;
	struct mk_endpoint *ep;
	u32 id;
	u32 cid;
	struct rcu_head rcu;
	struct mk_vsock_rx *rx;

	struct sk_buff_head queue;
	bool closed;
	u32 waiting;
	u32 requests;
	u32 replies;
	bool throttled;
	struct list_head routes;

	atomic_long_t received;
	atomic_long_t sent;
	atomic_long_t queued;
	atomic_long_t forwarded;
	atomic_long_t refused;
	atomic_long_t dropped;
	atomic_long_t cut;
};

/* In skb->cb, behind what the common code has there */
struct mk_vsock_cb {
	struct virtio_vsock_skb_cb virtio;
	struct mk_vsock_route *route;
};

/* Both lists */
static DEFINE_MUTEX(mk_vsock_peers_lock);
static LIST_HEAD(mk_vsock_peers);
static LIST_HEAD(mk_vsock_rxs);

static struct workqueue_struct *mk_vsock_wq;

static bool mk_vsock_at_host;
static u32 mk_vsock_cid;

static struct virtio_transport mk_vsock_transport;

static struct mk_vsock_cb *mk_vsock_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct mk_vsock_cb) > sizeof(skb->cb));

	return (struct mk_vsock_cb *)skb->cb;
}

/* Who gets packets for a CID?  A spawn gives all to the host */
static struct mk_vsock_peer *mk_vsock_find(u32 cid)
{
	struct mk_vsock_peer *peer;

	list_for_each_entry_rcu(peer, &mk_vsock_peers, node)
		if (mk_vsock_at_host ? peer->cid == cid : cid != mk_vsock_cid)
			return peer;

	return NULL;
}

/* Resetting sockets */

/* As if the peer had died: what came is read, then ECONNRESET */
static void mk_vsock_reset_sock(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	/* Over already, or closed by its user: its time-out ends it without us */
	if (sock_flag(sk, SOCK_DONE) || vsk->close_work_scheduled)
		return;

	sock_set_flag(sk, SOCK_DONE);
	WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
	sk->sk_err = ECONNRESET;
	sk_error_report(sk);
}

/* The one CID that mk_vsock_reset_gone() looks for, or all */
static u32 mk_vsock_gone_cid;
static DEFINE_MUTEX(mk_vsock_gone_lock);

/* The table of connected sockets is locked, so none goes away meanwhile */
static void mk_vsock_reset_gone(struct sock *sk)
{
	if (mk_vsock_gone_cid == VMADDR_CID_ANY ||
	    vsock_sk(sk)->remote_addr.svm_cid == mk_vsock_gone_cid)
		mk_vsock_reset_sock(sk);
}

/* All connections to a CID; takes no socket's lock */
static void mk_vsock_reset_cid(u32 cid)
{
	mutex_lock(&mk_vsock_gone_lock);
	mk_vsock_gone_cid = cid;
	vsock_for_each_connected_socket(&mk_vsock_transport.transport,
					mk_vsock_reset_gone);
	mutex_unlock(&mk_vsock_gone_lock);
}

/* All connections through a peer: to a spawn that is gone, or those of a spawn */
static void mk_vsock_reset_peer(u32 cid)
{
	mk_vsock_reset_cid(mk_vsock_at_host ? cid : VMADDR_CID_ANY);
}

/* As what mk_vsock_has_space() said has changed */
static void mk_vsock_wake_writer(struct sock *sk)
{
	sk->sk_write_space(sk);
}

/*
 * One connection, and who reads it must not take its end for a good one.  The
 * channel's reader can't have the socket's lock, which is held for as long as
 * user space likes.
 */
static void mk_vsock_cut_sock(const struct virtio_vsock_hdr *hdr, bool locked)
{
	struct sockaddr_vm src, dst;
	struct sock *sk;

	vsock_addr_init(&src, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	vsock_addr_init(&dst, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));
	sk = vsock_find_connected_socket(&src, &dst);
	if (!sk)
		return;
	if (locked)
		lock_sock(sk);
	if (vsock_sk(sk)->transport == &mk_vsock_transport.transport &&
	    !sock_flag(sk, SOCK_DONE)) {
		mk_vsock_reset_sock(sk);
		vsock_remove_sock(vsock_sk(sk));
	}
	if (locked)
		release_sock(sk);
	sock_put(sk);
}

/* Sending */

/* Header and payload go where the peer reads them */
static int mk_vsock_put(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
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

static u16 mk_vsock_op(struct sk_buff *skb)
{
	return le16_to_cpu(virtio_vsock_hdr(skb)->op);
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

static void mk_vsock_append(struct mk_vsock_peer *peer, struct sk_buff *skb)
{
	mk_vsock_account(peer, skb, 1);
	__skb_queue_tail(&peer->queue, skb);
	atomic_long_inc(&peer->queued);
}

static void mk_vsock_unlink(struct mk_vsock_peer *peer, struct sk_buff *skb)
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

static int mk_vsock_send_pkt(struct sk_buff *skb)
{
	u32 cid = le64_to_cpu(virtio_vsock_hdr(skb)->dst_cid);
	struct mk_vsock_peer *peer;
	int len = skb->len, err;

	rcu_read_lock();
	peer = mk_vsock_find(cid);
	err = peer ? mk_vsock_xmit(peer, skb) : -ENODEV;
	rcu_read_unlock();
	if (err)
		kfree_skb(skb);

	return err ?: len;
}

/* There is room: send what waits, then let writers go on */
static void mk_vsock_writable(struct mk_endpoint *ep)
{
	struct mk_vsock_peer *peer = ep->priv;
	struct sk_buff *skb;
	bool wake;
	int err;

	for (;;) {
		spin_lock_bh(&peer->queue.lock);
		skb = skb_peek(&peer->queue);
		err = skb ? mk_vsock_put(peer, virtio_vsock_hdr(skb), skb, NULL, skb->len) :
			    -ENODATA;
		if (!err)
			mk_vsock_unlink(peer, skb);
		wake = peer->throttled && peer->waiting < MK_VSOCK_QUEUE_MAX / 2;
		if (wake)
			peer->throttled = false;
		spin_unlock_bh(&peer->queue.lock);

		if (!err)
			virtio_transport_consume_skb_sent(skb, true);
		if (wake)
			vsock_for_each_connected_socket(&mk_vsock_transport.transport,
							mk_vsock_wake_writer);
		if (err)
			break;
	}
}

/* Writing straight from user memory to the ring */

static bool mk_vsock_has_space_for(struct vsock_sock *vsk)
{
	struct mk_vsock_peer *peer;
	bool space = true;

	rcu_read_lock();
	peer = mk_vsock_find(vsk->remote_addr.svm_cid);
	if (peer && READ_ONCE(peer->waiting) > MK_VSOCK_QUEUE_MAX) {
		spin_lock_bh(&peer->queue.lock);
		space = peer->waiting <= MK_VSOCK_QUEUE_MAX;
		if (!space)
			peer->throttled = true;
		spin_unlock_bh(&peer->queue.lock);
	}
	rcu_read_unlock();

	return space;
}

static s64 mk_vsock_has_space(struct vsock_sock *vsk)
{
	return mk_vsock_has_space_for(vsk) ? virtio_transport_stream_has_space(vsk) : 0;
}

static struct sk_buff *mk_vsock_tap_probe(void *tapped)
{
	*(bool *)tapped = true;

	return NULL;
}

/* Whoever watches wants packets, and user memory that is lent is lent to them */
static bool mk_vsock_may_write(struct msghdr *msg)
{
	bool tapped = false;

	if (msg->msg_flags & (MSG_ZEROCOPY | MSG_SPLICE_PAGES))
		return false;
	vsock_deliver_tap(mk_vsock_tap_probe, &tapped);

	return !tapped;
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

/* One record of @len bytes that have credit; false if nothing was done */
static bool mk_vsock_write(struct mk_vsock_peer *peer, struct vsock_sock *vsk,
			   struct msghdr *msg, u32 len, u32 flags)
{
	struct virtio_vsock_sock *vvs = vsk->trans;
	struct virtio_vsock_hdr hdr;
	struct mk_slot slot;
	size_t copied;

	mk_vsock_init_hdr(&hdr, vsk, len, flags);

	spin_lock_bh(&peer->queue.lock);
	if (peer->closed || !skb_queue_empty(&peer->queue) ||
	    mk_reserve(peer->ep, &slot, MK_VSOCK_HDR + len)) {
		spin_unlock_bh(&peer->queue.lock);
		return false;
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
		return false;
	}
	atomic_long_inc(&peer->sent);

	/* The peer was told, only now */
	spin_lock_bh(&vvs->rx_lock);
	vvs->last_fwd_cnt = le32_to_cpu(hdr.fwd_cnt);
	spin_unlock_bh(&vvs->rx_lock);

	spin_lock_bh(&vvs->tx_lock);
	vvs->bytes_unsent -= len;
	spin_unlock_bh(&vvs->tx_lock);

	return true;
}

/* As much as has credit and room now; 0 if that is nothing */
static ssize_t mk_vsock_write_all(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
				  bool whole, u32 flags)
{
	struct virtio_vsock_sock *vvs = vsk->trans;
	struct mk_vsock_peer *peer;
	u32 credit, left, part;

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
		if (!mk_vsock_write(peer, vsk, msg, part, part == left ? flags : 0))
			break;
		left -= part;
	}
	rcu_read_unlock();
	virtio_transport_put_credit(vvs, left);

	return credit - left;
}

static ssize_t mk_vsock_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
				       size_t len)
{
	ssize_t done = mk_vsock_write_all(vsk, msg, len, false, 0);

	return done ?: virtio_transport_stream_enqueue(vsk, msg, len);
}

static int mk_vsock_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg,
				      size_t len)
{
	u32 flags = VIRTIO_VSOCK_SEQ_EOM;
	ssize_t done;

	if (msg->msg_flags & MSG_EOR)
		flags |= VIRTIO_VSOCK_SEQ_EOR;
	/* The rest at once, whatever waits: half a message is none */
	done = mk_vsock_write_all(vsk, msg, len, true, flags);
	if (done < len) {
		int rest = virtio_transport_seqpacket_enqueue(vsk, msg, len - done);

		if (rest < 0)
			return done ?: rest;
		done += rest;
	}

	return done;
}

/* Packets of our own making */

/* A packet as it came */
static struct sk_buff *mk_vsock_alloc_copy(const struct virtio_vsock_hdr *hdr,
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

static struct sk_buff *mk_vsock_alloc_rst(const struct virtio_vsock_hdr *hdr, u32 flags,
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

/* Answer a packet that will not be delivered */
static void mk_vsock_answer_rst(struct mk_vsock_peer *peer,
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

/* Between spawns, in the host */

static struct mk_vsock_route *mk_vsock_route(struct mk_vsock_peer *to, u32 cid)
{
	struct mk_vsock_route *route;

	lockdep_assert_held(&to->queue.lock);

	list_for_each_entry(route, &to->routes, node)
		if (route->cid == cid)
			return route;
	route = kzalloc(sizeof(*route), GFP_ATOMIC | __GFP_NOWARN);
	if (!route)
		return NULL;
	route->cid = cid;
	list_add_tail(&route->node, &to->routes);

	return route;
}

static bool mk_vsock_same_connection(const struct virtio_vsock_hdr *a,
				     const struct virtio_vsock_hdr *b)
{
	return a->src_cid == b->src_cid && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port && a->type == b->type;
}

/*
 * Nothing may be missing in the middle of a connection: what waits of it goes,
 * and a reset takes its place.  Who has too many resets waiting does not read,
 * and its connection is dead at the other end.
 */
static void mk_vsock_cut_queued(struct mk_vsock_peer *to, struct mk_vsock_route *route,
				const struct virtio_vsock_hdr *hdr,
				struct sk_buff_head *old)
{
	struct sk_buff *skb, *next;

	lockdep_assert_held(&to->queue.lock);

	skb_queue_walk_safe(&to->queue, skb, next) {
		if (mk_vsock_cb(skb)->route != route ||
		    !mk_vsock_same_connection(virtio_vsock_hdr(skb), hdr))
			continue;
		mk_vsock_unlink(to, skb);
		__skb_queue_tail(old, skb);
	}
	if (route->bytes > 2 * MK_VSOCK_ROUTE_MAX)
		return;
	skb = mk_vsock_alloc_rst(hdr, MK_VSOCK_RST_CUT, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return;
	mk_vsock_cb(skb)->route = route;
	mk_vsock_append(to, skb);
}

/* False: it could not be kept, and the connection is cut */
static bool mk_vsock_keep(struct mk_vsock_peer *to, const struct virtio_vsock_hdr *hdr,
			  const void *data, u32 len, struct sk_buff_head *old)
{
	struct mk_vsock_route *route = mk_vsock_route(to, le64_to_cpu(hdr->src_cid));
	struct sk_buff *skb;

	if (!route)
		return false;
	if (route->bytes > MK_VSOCK_ROUTE_MAX)
		goto cut;
	skb = mk_vsock_alloc_copy(hdr, data, len, GFP_ATOMIC);
	if (!skb)
		goto cut;
	mk_vsock_cb(skb)->route = route;
	mk_vsock_append(to, skb);

	return true;
cut:
	mk_vsock_cut_queued(to, route, hdr, old);
	return false;
}

static void mk_vsock_forward(struct mk_vsock_peer *from,
			     const struct virtio_vsock_hdr *hdr, const void *data, u32 len)
{
	struct sk_buff_head old;
	struct mk_vsock_peer *to;
	int err = -EAGAIN;

	__skb_queue_head_init(&old);

	rcu_read_lock();
	to = mk_vsock_find(le64_to_cpu(hdr->dst_cid));
	if (!to || to == from) {
		rcu_read_unlock();
		goto refuse;
	}
	spin_lock_bh(&to->queue.lock);
	/* Under the lock, so that mk_vsock_forget() comes after it */
	if (!mk_linked(from->id, to->id))
		err = -ENODEV;
	else if (skb_queue_empty(&to->queue))
		err = mk_vsock_put(to, hdr, NULL, data, len);
	if (err == -EAGAIN && mk_vsock_keep(to, hdr, data, len, &old))
		err = 0;
	spin_unlock_bh(&to->queue.lock);
	rcu_read_unlock();

	__skb_queue_purge(&old);
	if (!err) {
		atomic_long_inc(&from->forwarded);
		return;
	}
	if (err == -EAGAIN) {
		atomic_long_inc(&from->cut);
		mk_vsock_answer_rst(from, hdr, MK_VSOCK_RST_CUT);
		return;
	}
refuse:
	atomic_long_inc(&from->refused);
	mk_vsock_answer_rst(from, hdr, 0);
}

/* Tell a spawn that all its connections to another one are over */
static void mk_vsock_forget(struct mk_vsock_peer *peer, u32 cid)
{
	struct virtio_vsock_hdr hdr = {
		.src_cid = cpu_to_le64(cid),
		.dst_cid = cpu_to_le64(peer->cid),
		.src_port = cpu_to_le32(VMADDR_PORT_ANY),
		.dst_port = cpu_to_le32(VMADDR_PORT_ANY),
		.type = cpu_to_le16(VIRTIO_VSOCK_TYPE_STREAM),
	};
	struct sk_buff *skb, *rst, *next;
	struct sk_buff_head old;
	int err = -EAGAIN;

	__skb_queue_head_init(&old);
	/* There is no other way to say it, so it is never left out */
	rst = mk_vsock_alloc_rst(&hdr, 0, GFP_KERNEL | __GFP_NOFAIL);

	spin_lock_bh(&peer->queue.lock);
	skb_queue_walk_safe(&peer->queue, skb, next) {
		if (virtio_vsock_hdr(skb)->src_cid != hdr.src_cid)
			continue;
		mk_vsock_unlink(peer, skb);
		__skb_queue_tail(&old, skb);
	}
	if (skb_queue_empty(&peer->queue))
		err = mk_vsock_put(peer, virtio_vsock_hdr(rst), rst, NULL, 0);
	if (err == -EAGAIN) {
		mk_vsock_append(peer, rst);
		rst = NULL;
	}
	spin_unlock_bh(&peer->queue.lock);

	kfree_skb(rst);
	__skb_queue_purge(&old);
}

/* Receiving */

static bool mk_vsock_flags_valid(const struct virtio_vsock_hdr *hdr)
{
	u32 may = 0;

	switch (le16_to_cpu(hdr->op)) {
	case VIRTIO_VSOCK_OP_RW:
		if (hdr->type == cpu_to_le16(VIRTIO_VSOCK_TYPE_SEQPACKET))
			may = VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR;
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		may = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
		break;
	case VIRTIO_VSOCK_OP_RST:
		may = MK_VSOCK_RST_CUT;
		break;
	}

	return !(le32_to_cpu(hdr->flags) & ~may);
}

static bool mk_vsock_all_of_cid(const struct virtio_vsock_hdr *hdr)
{
	return hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST) &&
	       hdr->src_port == cpu_to_le32(VMADDR_PORT_ANY) &&
	       hdr->dst_port == cpu_to_le32(VMADDR_PORT_ANY);
}

/* What no kernel of ours sends, whatever its users do */
static bool mk_vsock_valid(const struct mk_vsock_peer *peer,
			   const struct virtio_vsock_hdr *hdr, u32 len)
{
	u64 src = le64_to_cpu(hdr->src_cid), dst = le64_to_cpu(hdr->dst_cid);
	u16 type = le16_to_cpu(hdr->type), op = le16_to_cpu(hdr->op);

	if (le32_to_cpu(hdr->len) != len || len > VIRTIO_VSOCK_MAX_PKT_BUF_SIZE ||
	    !len != (op != VIRTIO_VSOCK_OP_RW))
		return false;
	if (type != VIRTIO_VSOCK_TYPE_STREAM && type != VIRTIO_VSOCK_TYPE_SEQPACKET)
		return false;
	if (op == VIRTIO_VSOCK_OP_INVALID || op > VIRTIO_VSOCK_OP_CREDIT_REQUEST)
		return false;
	if (!mk_vsock_flags_valid(hdr))
		return false;

	/* A spawn speaks for itself, the host for those that are linked, too */
	if (mk_vsock_at_host)
		return src == peer->cid && dst <= U32_MAX && !mk_vsock_all_of_cid(hdr);

	return dst == mk_vsock_cid && src <= U32_MAX && src >= VMADDR_CID_HOST &&
	       src != mk_vsock_cid;
}

/* Delivering: whoever holds a socket's lock must hold up no reader of a channel */

static void mk_vsock_rx_add(struct mk_vsock_rx *rx, struct sk_buff *skb)
{
	lockdep_assert_held(&rx->queue.lock);

	__skb_queue_tail(&rx->queue, skb);
	rx->bytes += skb->truesize;
}

static void mk_vsock_rx_del(struct mk_vsock_rx *rx, struct sk_buff *skb,
			    struct sk_buff_head *old)
{
	lockdep_assert_held(&rx->queue.lock);

	__skb_unlink(skb, &rx->queue);
	rx->bytes -= skb->truesize;
	__skb_queue_tail(old, skb);
}

static void mk_vsock_rx_put(struct mk_vsock_rx *rx)
{
	if (!refcount_dec_and_mutex_lock(&rx->refs, &mk_vsock_peers_lock))
		return;
	list_del(&rx->node);
	mutex_unlock(&mk_vsock_peers_lock);
	kfree(rx);
}

/* The caller has a reference of its own */
static void mk_vsock_rx_kick(struct mk_vsock_rx *rx)
{
	refcount_inc(&rx->refs);
	if (!queue_work(mk_vsock_wq, &rx->work))
		refcount_dec(&rx->refs);
}

/* Does no more than so many bytes wait, at least in a moment? */
static bool mk_vsock_rx_wait(struct mk_vsock_rx *rx, u32 bytes)
{
	if (READ_ONCE(rx->bytes) <= bytes)
		return true;
	if (READ_ONCE(rx->stuck))
		return false;
	if (wait_event_timeout(rx->room, READ_ONCE(rx->bytes) <= bytes,
			       MK_VSOCK_RX_TIME))
		return true;
	WRITE_ONCE(rx->stuck, true);

	return false;
}

static void mk_vsock_deliver(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);

	if (mk_vsock_all_of_cid(hdr)) {
		mk_vsock_reset_cid(le64_to_cpu(hdr->src_cid));
		kfree_skb(skb);
		return;
	}
	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST) && hdr->flags) {
		mk_vsock_cut_sock(hdr, true);
		hdr->flags = 0;
	}
	virtio_transport_deliver_tap_pkt(skb);
	virtio_transport_recv_pkt(&mk_vsock_transport, skb);
}

static void mk_vsock_rx_work(struct work_struct *work)
{
	struct mk_vsock_rx *rx = container_of(work, struct mk_vsock_rx, work);
	struct sk_buff *skb;
	u32 size;

	for (;;) {
		spin_lock_bh(&rx->queue.lock);
		if (rx->gone) {
			rx->gone = false;
			spin_unlock_bh(&rx->queue.lock);
			/* Those that came to be while the peer went */
			mk_vsock_reset_peer(rx->cid);
			continue;
		}
		skb = __skb_dequeue(&rx->queue);
		spin_unlock_bh(&rx->queue.lock);
		if (!skb)
			break;

		size = skb->truesize;
		mk_vsock_deliver(skb);

		spin_lock_bh(&rx->queue.lock);
		rx->bytes -= size;
		WRITE_ONCE(rx->stuck, false);
		spin_unlock_bh(&rx->queue.lock);
		if (wq_has_sleeper(&rx->room))
			wake_up(&rx->room);
		cond_resched();
	}
	mk_vsock_rx_put(rx);
}

/*
 * A packet is not kept, and a hole would go unseen: what waits of its connection
 * goes, and a reset takes its place.
 */
static void mk_vsock_cut_rx(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr)
{
	struct sk_buff *skb, *rst, *next;
	struct mk_vsock_rx *rx = peer->rx;
	struct sk_buff_head old;

	__skb_queue_head_init(&old);
	atomic_long_inc(&peer->cut);
	mk_vsock_answer_rst(peer, hdr, MK_VSOCK_RST_CUT);
	rst = mk_vsock_alloc_rst(hdr, MK_VSOCK_RST_CUT, GFP_KERNEL | __GFP_NOFAIL);

	spin_lock_bh(&rx->queue.lock);
	skb_queue_walk_safe(&rx->queue, skb, next)
		if (mk_vsock_same_connection(virtio_vsock_hdr(skb), hdr))
			mk_vsock_rx_del(rx, skb, &old);
	if (rx->bytes <= 2 * MK_VSOCK_RX_MAX || mk_vsock_all_of_cid(hdr)) {
		mk_vsock_rx_add(rx, rst);
		rst = NULL;
	}
	spin_unlock_bh(&rx->queue.lock);

	if (rst)
		mk_vsock_cut_sock(hdr, false);
	kfree_skb(rst);
	__skb_queue_purge(&old);
	mk_vsock_rx_kick(rx);
}

/* A packet for this kernel, to be delivered after those before it */
static void mk_vsock_keep_rx(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
			     const void *data, u32 len)
{
	struct mk_vsock_rx *rx = peer->rx;
	struct sk_buff *skb = NULL;

	/* That a CID is gone is said once only; a host says it, never a spawn */
	if (mk_vsock_rx_wait(rx, MK_VSOCK_RX_MAX) || mk_vsock_all_of_cid(hdr))
		skb = mk_vsock_alloc_copy(hdr, data, len, GFP_KERNEL);
	if (!skb) {
		mk_vsock_cut_rx(peer, hdr);
		return;
	}
	spin_lock_bh(&rx->queue.lock);
	mk_vsock_rx_add(rx, skb);
	spin_unlock_bh(&rx->queue.lock);
	mk_vsock_rx_kick(rx);
}

/* Of this CID, or the last one's that is not done yet */
static struct mk_vsock_rx *mk_vsock_rx_get(u32 cid)
{
	struct mk_vsock_rx *rx;

	lockdep_assert_held(&mk_vsock_peers_lock);

	list_for_each_entry(rx, &mk_vsock_rxs, node) {
		if (rx->cid == cid) {
			refcount_inc(&rx->refs);
			return rx;
		}
	}
	rx = kzalloc(sizeof(*rx), GFP_KERNEL);
	if (!rx)
		return NULL;
	rx->cid = cid;
	refcount_set(&rx->refs, 1);
	INIT_WORK(&rx->work, mk_vsock_rx_work);
	init_waitqueue_head(&rx->room);
	skb_queue_head_init(&rx->queue);
	list_add_tail(&rx->node, &mk_vsock_rxs);

	return rx;
}

/* What is not delivered by now never will be; and who was connected hears of it */
static void mk_vsock_rx_end(struct mk_vsock_rx *rx)
{
	struct sk_buff *skb, *next;
	struct sk_buff_head old;

	__skb_queue_head_init(&old);

	spin_lock_bh(&rx->queue.lock);
	skb_queue_walk_safe(&rx->queue, skb, next)
		mk_vsock_rx_del(rx, skb, &old);
	rx->gone = true;
	spin_unlock_bh(&rx->queue.lock);

	mk_vsock_reset_peer(rx->cid);
	__skb_queue_purge(&old);
	mk_vsock_rx_kick(rx);
	mk_vsock_rx_put(rx);
}

static int mk_vsock_receive(struct mk_endpoint *ep, const struct mk_message *msg)
{
	struct mk_vsock_peer *peer = ep->priv;
	struct virtio_vsock_hdr hdr;
	const void *data;
	u32 len;

	if (msg->request)
		return -EOPNOTSUPP;
	if (msg->len < MK_VSOCK_HDR)
		return -EPROTO;
	memcpy(&hdr, msg->data, MK_VSOCK_HDR);
	/* From here on the copy: the compiler must not read the ring again */
	barrier();
	data = msg->data + MK_VSOCK_HDR;
	len = msg->len - MK_VSOCK_HDR;
	if (!mk_vsock_valid(peer, &hdr, len))
		return -EPROTO;
	atomic_long_inc(&peer->received);

	if (mk_vsock_at_host && le64_to_cpu(hdr.dst_cid) != VMADDR_CID_HOST)
		mk_vsock_forward(peer, &hdr, data, len);
	else
		mk_vsock_keep_rx(peer, &hdr, data, len);

	return 0;
}

/* Peers */

static int mk_vsock_open(struct mk_endpoint *ep)
{
	struct mk_vsock_peer *peer;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return -ENOMEM;
	peer->ep = ep;
	peer->id = mk_endpoint_peer_id(ep);
	peer->cid = peer->id ? MK_VSOCK_CID(peer->id) : VMADDR_CID_HOST;
	skb_queue_head_init(&peer->queue);
	INIT_LIST_HEAD(&peer->routes);
	ep->priv = peer;

	mutex_lock(&mk_vsock_peers_lock);
	peer->rx = mk_vsock_rx_get(peer->cid);
	if (peer->rx)
		list_add_tail_rcu(&peer->node, &mk_vsock_peers);
	mutex_unlock(&mk_vsock_peers_lock);
	if (peer->rx)
		return 0;
	kfree(peer);

	return -ENOMEM;
}

static void mk_vsock_close(struct mk_endpoint *ep)
{
	struct mk_vsock_peer *peer = ep->priv, *other;
	struct mk_vsock_route *route, *next;
	struct sk_buff_head old;

	__skb_queue_head_init(&old);

	/* What came is to be read, unless user space keeps it from sockets */
	mk_vsock_rx_wait(peer->rx, 0);

	mutex_lock(&mk_vsock_peers_lock);
	list_del_rcu(&peer->node);
	list_for_each_entry(other, &mk_vsock_peers, node)
		if (mk_linked(peer->id, other->id))
			mk_vsock_forget(other, peer->cid);
	mutex_unlock(&mk_vsock_peers_lock);

	/* Senders may have found it before */
	spin_lock_bh(&peer->queue.lock);
	peer->closed = true;
	skb_queue_splice_init(&peer->queue, &old);
	spin_unlock_bh(&peer->queue.lock);

	mk_vsock_rx_end(peer->rx);
	__skb_queue_purge(&old);
	list_for_each_entry_safe(route, next, &peer->routes, node)
		kfree(route);
	kfree_rcu(peer, rcu);
}

static struct mk_service mk_vsock_service = {
	.id		= MK_SERVICE_VSOCK,
	.name		= "vsock",
	.roles		= MK_ROLE_HOST | MK_ROLE_SPAWN,
	.open		= mk_vsock_open,
	.close		= mk_vsock_close,
	.receive	= mk_vsock_receive,
	.writable	= mk_vsock_writable,
};

/* Two instances are linked no more */
static int mk_vsock_unlinked(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct mk_link_ids *ids = data;
	struct mk_vsock_peer *peer;

	mutex_lock(&mk_vsock_peers_lock);
	list_for_each_entry(peer, &mk_vsock_peers, node) {
		if (peer->id == ids->a)
			mk_vsock_forget(peer, MK_VSOCK_CID(ids->b));
		else if (peer->id == ids->b)
			mk_vsock_forget(peer, MK_VSOCK_CID(ids->a));
	}
	mutex_unlock(&mk_vsock_peers_lock);

	return NOTIFY_DONE;
}

static struct notifier_block mk_vsock_link_nb = {
	.notifier_call	= mk_vsock_unlinked,
};

/* The transport */

static u32 mk_vsock_get_local_cid(void)
{
	return mk_vsock_cid;
}

static int mk_vsock_cancel_pkt(struct vsock_sock *vsk)
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

static bool mk_vsock_seqpacket_allow(u32 remote_cid)
{
	return true;
}

static bool mk_vsock_msgzerocopy_allow(void)
{
	return true;
}

static struct virtio_transport mk_vsock_transport = {
	.transport = {
		.module			= THIS_MODULE,

		.get_local_cid		= mk_vsock_get_local_cid,

		.init			= virtio_transport_do_socket_init,
		.destruct		= virtio_transport_destruct,
		.release		= virtio_transport_release,
		.connect		= virtio_transport_connect,
		.shutdown		= virtio_transport_shutdown,
		.cancel_pkt		= mk_vsock_cancel_pkt,

		.dgram_bind		= virtio_transport_dgram_bind,
		.dgram_dequeue		= virtio_transport_dgram_dequeue,
		.dgram_enqueue		= virtio_transport_dgram_enqueue,
		.dgram_allow		= virtio_transport_dgram_allow,

		.stream_dequeue		= virtio_transport_stream_dequeue,
		.stream_enqueue		= mk_vsock_stream_enqueue,
		.stream_has_data	= virtio_transport_stream_has_data,
		.stream_has_space	= mk_vsock_has_space,
		.stream_rcvhiwat	= virtio_transport_stream_rcvhiwat,
		.stream_is_active	= virtio_transport_stream_is_active,
		.stream_allow		= virtio_transport_stream_allow,

		.seqpacket_dequeue	= virtio_transport_seqpacket_dequeue,
		.seqpacket_enqueue	= mk_vsock_seqpacket_enqueue,
		.seqpacket_allow	= mk_vsock_seqpacket_allow,
		.seqpacket_has_data	= virtio_transport_seqpacket_has_data,

		.msgzerocopy_allow	= mk_vsock_msgzerocopy_allow,

		.notify_poll_in		= virtio_transport_notify_poll_in,
		.notify_poll_out	= virtio_transport_notify_poll_out,
		.notify_recv_init	= virtio_transport_notify_recv_init,
		.notify_recv_pre_block	= virtio_transport_notify_recv_pre_block,
		.notify_recv_pre_dequeue = virtio_transport_notify_recv_pre_dequeue,
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
		.notify_send_init	= virtio_transport_notify_send_init,
		.notify_send_pre_block	= virtio_transport_notify_send_pre_block,
		.notify_send_pre_enqueue = virtio_transport_notify_send_pre_enqueue,
		.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size	= virtio_transport_notify_buffer_size,
		.notify_set_rcvlowat	= virtio_transport_notify_set_rcvlowat,

		.unsent_bytes		= virtio_transport_unsent_bytes,

		.read_skb		= virtio_transport_read_skb,
	},

	.send_pkt = mk_vsock_send_pkt,
};

/* What can be counted, a line for each peer */

static int mk_vsock_stats_show(struct seq_file *m, void *unused)
{
	struct mk_vsock_peer *peer;

	mutex_lock(&mk_vsock_peers_lock);
	list_for_each_entry(peer, &mk_vsock_peers, node)
		seq_printf(m, "cid=%u name=%s received=%ld sent=%ld queued=%ld waiting=%u forwarded=%ld refused=%ld dropped=%ld cut=%ld\n",
			   peer->cid, mk_endpoint_peer_name(peer->ep),
			   atomic_long_read(&peer->received), atomic_long_read(&peer->sent),
			   atomic_long_read(&peer->queued), READ_ONCE(peer->waiting),
			   atomic_long_read(&peer->forwarded),
			   atomic_long_read(&peer->refused),
			   atomic_long_read(&peer->dropped), atomic_long_read(&peer->cut));
	mutex_unlock(&mk_vsock_peers_lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mk_vsock_stats);

static struct dentry *mk_vsock_debugfs;

static int __init mk_vsock_init(void)
{
	u32 self = multikernel_self_id();
	int err;

	mk_vsock_at_host = !self;
	mk_vsock_cid = self ? MK_VSOCK_CID(self) : VMADDR_CID_HOST;

	mk_vsock_wq = alloc_workqueue("mk_vsock", WQ_UNBOUND, 0);
	if (!mk_vsock_wq)
		return -ENOMEM;

	err = vsock_core_register(&mk_vsock_transport.transport,
				  self ? VSOCK_TRANSPORT_F_G2H : VSOCK_TRANSPORT_F_H2G);
	if (err == -EBUSY)
		pr_err("not available: another transport, such as %s, was first\n",
		       self ? "virtio_transport" : "vhost_vsock");
	if (err)
		goto out_wq;

	err = mk_link_notifier_register(&mk_vsock_link_nb);
	if (err)
		goto out;
	err = mk_service_register(&mk_vsock_service);
	if (err)
		goto out_notifier;
	mk_vsock_debugfs = debugfs_create_file("multikernel_vsock", 0400, NULL, NULL,
					       &mk_vsock_stats_fops);

	return 0;
out_notifier:
	mk_link_notifier_unregister(&mk_vsock_link_nb);
out:
	vsock_core_unregister(&mk_vsock_transport.transport);
out_wq:
	destroy_workqueue(mk_vsock_wq);
	return err;
}

static void __exit mk_vsock_exit(void)
{
	debugfs_remove(mk_vsock_debugfs);
	vsock_core_unregister(&mk_vsock_transport.transport);
	mk_service_unregister(&mk_vsock_service);
	destroy_workqueue(mk_vsock_wq);
	mk_link_notifier_unregister(&mk_vsock_link_nb);
}

module_init(mk_vsock_init);
module_exit(mk_vsock_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vsock transport between multikernel host and spawns");
