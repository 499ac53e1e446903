// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: between spawns, in the host
 *
 * What the destination's ring has no room for waits in the same queue as the
 * host's own, in bounds for each source; beyond them connections are cut.
 */
#include <linux/slab.h>

#include "multikernel_transport.h"

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
static bool mk_vsock_keep_routed(struct mk_vsock_peer *to, const struct virtio_vsock_hdr *hdr,
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

/**
 * mk_vsock_forward - send a packet on to another spawn
 * @from: where it came from
 * @hdr: header, checked
 * @data: payload, in the ring
 * @len: its bytes
 *
 * Refused, with a reset, if they are not linked.
 */
void mk_vsock_forward(struct mk_vsock_peer *from,
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
	if (err == -EAGAIN && mk_vsock_keep_routed(to, hdr, data, len, &old))
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

/**
 * mk_vsock_forget - tell a spawn that all its connections to another one are over
 * @peer: the one
 * @cid: of the other
 *
 * Context: process; mk_vsock_peers_lock held.
 */
void mk_vsock_forget(struct mk_vsock_peer *peer, u32 cid)
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
