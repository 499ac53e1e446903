// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: who is there, and who is linked
 */
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "multikernel_transport.h"

/* The list below, and mk_vsock_rxs of multikernel_deliver.c */
DEFINE_MUTEX(mk_vsock_peers_lock);
LIST_HEAD(mk_vsock_peers);

/**
 * mk_vsock_find - who gets packets for a CID?
 * @cid: of the destination; a spawn gives all but its own to the host
 *
 * Context: RCU read side.
 * Return: the peer or NULL.
 */
struct mk_vsock_peer *mk_vsock_find(u32 cid)
{
	struct mk_vsock_peer *peer;

	list_for_each_entry_rcu(peer, &mk_vsock_peers, node)
		if (mk_vsock_at_host ? peer->cid == cid : cid != mk_vsock_cid)
			return peer;

	return NULL;
}

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
	mk_vsock_rx_drain(peer->rx);

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
	.busy		= mk_vsock_busy,
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

/**
 * mk_vsock_peers_init - offer sockets to all peers
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int mk_vsock_peers_init(void)
{
	int err;

	err = mk_link_notifier_register(&mk_vsock_link_nb);
	if (err)
		return err;
	err = mk_service_register(&mk_vsock_service);
	if (err)
		mk_link_notifier_unregister(&mk_vsock_link_nb);

	return err;
}

/**
 * mk_vsock_peers_exit - do not offer them any more; no peer is left on return
 *
 * Context: process.
 */
void mk_vsock_peers_exit(void)
{
	mk_service_unregister(&mk_vsock_service);
	mk_link_notifier_unregister(&mk_vsock_link_nb);
}
