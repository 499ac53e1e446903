// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: from the channel's reader to sockets
 *
 * The reader never waits for a socket's lock, which user space can keep for as
 * long as it likes: a work for each peer delivers what the reader could not.
 */
#include <linux/slab.h>

#include "multikernel_transport.h"

/* Under mk_vsock_peers_lock */
static LIST_HEAD(mk_vsock_rxs);

static void mk_vsock_rx_add(struct mk_vsock_rx *rx, struct sk_buff *skb)
{
	lockdep_assert_held(&rx->queue.lock);

	__skb_queue_tail(&rx->queue, skb);
	WRITE_ONCE(rx->bytes, rx->bytes + skb->truesize);
}

static void mk_vsock_rx_del(struct mk_vsock_rx *rx, struct sk_buff *skb,
			    struct sk_buff_head *old)
{
	lockdep_assert_held(&rx->queue.lock);

	__skb_unlink(skb, &rx->queue);
	WRITE_ONCE(rx->bytes, rx->bytes - skb->truesize);
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

/*
 * Connections can have credit for more than %MK_VSOCK_RX_MAX: there are many, or a user
 * gave one a large buffer, or packets are small and have more overhead than data.  It
 * waits here if the work is slower than the reader, as each packet takes it a socket's
 * lock, and the reader none as long as nothing waits; then it goes on, and so does the
 * reader after a moment.  Or if somebody keeps a socket's lock, or gives it back for one
 * packet at a time.  He holds up whoever the peer talks to, so what counts is how much
 * is delivered while the reader waits, not whether anything is.
 */
static bool mk_vsock_rx_full(const struct mk_vsock_rx *rx)
{
	return READ_ONCE(rx->bytes) > MK_VSOCK_RX_MAX;
}

/**
 * mk_vsock_busy - would the next packet of a peer make its reader wait?
 * @ep: the peer's
 *
 * Context: any; by who reads the channel: nobody else makes more wait.
 * Return: true if so.
 */
bool mk_vsock_busy(struct mk_endpoint *ep)
{
	const struct mk_vsock_peer *peer = ep->priv;

	return mk_vsock_rx_full(peer->rx) && READ_ONCE(peer->rx->patience);
}

/* May one more wait, at least in a moment?  Only the reader waits, see mk_vsock_busy() */
static bool mk_vsock_rx_wait(struct mk_vsock_rx *rx)
{
	u32 parts = READ_ONCE(rx->parts);
	long time = READ_ONCE(rx->patience), left;
	bool room;

	if (!mk_vsock_rx_full(rx))
		return true;
	if (!time)
		return false;
	left = wait_event_timeout(rx->room, !mk_vsock_rx_full(rx), time);

	/* With the lock, or what is delivered just now would be forgotten */
	spin_lock_bh(&rx->queue.lock);
	room = !mk_vsock_rx_full(rx);
	/* What was delivered meanwhile was worth the wait */
	if (rx->parts == parts)
		WRITE_ONCE(rx->patience, min(left, time));
	spin_unlock_bh(&rx->queue.lock);

	return room;
}

/* The reader may wait anew */
static void mk_vsock_rx_renew(struct mk_vsock_rx *rx)
{
	lockdep_assert_held(&rx->queue.lock);

	rx->delivered = 0;
	WRITE_ONCE(rx->parts, rx->parts + 1);
	WRITE_ONCE(rx->patience, MK_VSOCK_RX_TIME);
}

static void mk_vsock_rx_delivered(struct mk_vsock_rx *rx, u32 size)
{
	spin_lock_bh(&rx->queue.lock);
	WRITE_ONCE(rx->bytes, rx->bytes - size);
	rx->delivered += size;
	/* Not while it is full: whoever saw that nobody waits there is not to wait after all */
	if (!mk_vsock_rx_full(rx) && (rx->delivered >= MK_VSOCK_RX_PART || !rx->bytes))
		mk_vsock_rx_renew(rx);
	spin_unlock_bh(&rx->queue.lock);
	if (wq_has_sleeper(&rx->room))
		wake_up(&rx->room);
}

/**
 * mk_vsock_rx_drain - wait until nothing waits, for a moment
 * @rx: packets of a CID
 *
 * Not if so much waits, and it is known that somebody keeps it from sockets.
 *
 * Context: process, may sleep.
 */
void mk_vsock_rx_drain(struct mk_vsock_rx *rx)
{
	if (READ_ONCE(rx->patience) || !mk_vsock_rx_full(rx))
		wait_event_timeout(rx->room, !READ_ONCE(rx->bytes), MK_VSOCK_RX_LAST);
}

static void mk_vsock_deliver(struct sk_buff *skb)
{
	struct virtio_vsock_hdr *hdr = virtio_vsock_hdr(skb);

	if (mk_vsock_all_of_cid(hdr)) {
		mk_vsock_mark_cid(le64_to_cpu(hdr->src_cid), false);
		mk_vsock_gone_reset(le64_to_cpu(hdr->src_cid));
		kfree_skb(skb);
		return;
	}
	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST) && hdr->flags) {
		mk_vsock_cut_sock(hdr, true);
		hdr->flags = 0;
	}
	if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_REQUEST) ||
	    hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_UPDATE))
		mk_vsock_asked(hdr);
	virtio_transport_deliver_tap_pkt(skb);
	virtio_transport_recv_pkt(&mk_vsock_transport, skb);
}

static void mk_vsock_rx_work(struct work_struct *work)
{
	struct mk_vsock_rx *rx = container_of(work, struct mk_vsock_rx, work);
	u32 cid = mk_vsock_at_host ? rx->cid : VMADDR_CID_ANY;
	struct sk_buff *skb;
	u32 size;

	for (;;) {
		spin_lock_bh(&rx->queue.lock);
		if (rx->gone) {
			rx->gone = false;
			spin_unlock_bh(&rx->queue.lock);
			/* Those that came to be while the peer went */
			mk_vsock_mark_cid(cid, true);
			mk_vsock_gone_reset(cid);
			continue;
		}
		skb = __skb_dequeue(&rx->queue);
		spin_unlock_bh(&rx->queue.lock);
		/* Before what came after: a connection that was cut may have lost some */
		mk_vsock_gone_reset(cid);
		if (!skb)
			break;

		size = skb->truesize;
		mk_vsock_deliver(skb);
		mk_vsock_rx_delivered(rx, size);
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

/**
 * mk_vsock_rx_idle - does nothing wait, and is nothing being delivered?
 * @rx: packets of a CID
 *
 * Context: only the caller adds to it: it reads the channel.
 * Return: true if so.
 */
bool mk_vsock_rx_idle(struct mk_vsock_rx *rx)
{
	bool idle;

	spin_lock_bh(&rx->queue.lock);
	idle = !rx->bytes && !rx->gone;
	spin_unlock_bh(&rx->queue.lock);

	return idle;
}

/**
 * mk_vsock_keep_rx - a packet for this kernel, to be delivered after those before it
 * @peer: where it came from
 * @hdr: header, checked
 * @data: payload, in the ring
 * @len: its bytes
 *
 * Context: process, the channel's reader.
 */
void mk_vsock_keep_rx(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
		      const void *data, u32 len)
{
	struct mk_vsock_rx *rx = peer->rx;
	struct sk_buff *skb = NULL;

	/* That a CID is gone is said once only; a host says it, never a spawn */
	if (mk_vsock_rx_wait(rx) || mk_vsock_all_of_cid(hdr))
		skb = mk_vsock_alloc_copy(hdr, data, len, GFP_KERNEL);
	if (!skb) {
		mk_vsock_cut_rx(peer, hdr);
		return;
	}
	if (mk_vsock_rx_idle(rx) && mk_vsock_deliver_direct(skb)) {
		atomic_long_inc(&peer->direct);
		return;
	}
	spin_lock_bh(&rx->queue.lock);
	mk_vsock_rx_add(rx, skb);
	spin_unlock_bh(&rx->queue.lock);
	mk_vsock_rx_kick(rx);
}

/**
 * mk_vsock_rx_get - the packets of a CID, or of the last one that is not done yet
 * @cid: which
 *
 * Context: process; mk_vsock_peers_lock held.
 * Return: with a reference, for mk_vsock_rx_end(); NULL without memory.
 */
struct mk_vsock_rx *mk_vsock_rx_get(u32 cid)
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
	rx->patience = MK_VSOCK_RX_TIME;
	refcount_set(&rx->refs, 1);
	INIT_WORK(&rx->work, mk_vsock_rx_work);
	init_waitqueue_head(&rx->room);
	skb_queue_head_init(&rx->queue);
	list_add_tail(&rx->node, &mk_vsock_rxs);

	return rx;
}

/**
 * mk_vsock_rx_end - the peer is gone
 * @rx: its packets
 *
 * What is not delivered by now never will be; and who was connected hears of it.
 *
 * Context: process.
 */
void mk_vsock_rx_end(struct mk_vsock_rx *rx)
{
	struct sk_buff *skb, *next;
	struct sk_buff_head old;

	__skb_queue_head_init(&old);

	/* Before the work is told, which resets them */
	mk_vsock_mark_cid(mk_vsock_at_host ? rx->cid : VMADDR_CID_ANY, false);

	spin_lock_bh(&rx->queue.lock);
	skb_queue_walk_safe(&rx->queue, skb, next)
		mk_vsock_rx_del(rx, skb, &old);
	mk_vsock_rx_renew(rx);
	rx->gone = true;
	spin_unlock_bh(&rx->queue.lock);

	mk_vsock_reset_peer(rx->cid);
	__skb_queue_purge(&old);
	mk_vsock_rx_kick(rx);
	mk_vsock_rx_put(rx);
}
