// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: the transport
 */

/**
 * DOC: vsock between kernels
 *
 * A record of the service is a struct virtio_vsock_hdr and the payload.  The
 * host is CID 2 and registers as the host's side (H2G), a spawn as the guest's
 * side (G2H).  Spawns that the administrator linked talk through the host: no
 * spawn maps another one's memory, which costs one more copy and keeps the
 * checks in one place.
 *
 * Connections, credit and shutdown are those of the common code of virtio
 * vsock.  What is ours is where packets go, and what may wait:
 *
 * - multikernel_transport.c: the transport's table, its start and end, counters
 * - multikernel_peer.c: who is there, and who is linked
 * - multikernel_write.c: from user memory straight to the ring
 * - multikernel_send.c: packets to a peer, and those that wait for room
 * - multikernel_receive.c: what a peer may say
 * - multikernel_route.c: from one spawn to another, in the host
 * - multikernel_deliver.c: from the channel's reader to sockets, by a work
 * - multikernel_direct.c: the same without it, where nobody can hold it up
 * - multikernel_poll.c: who waits looks at the ring before it sleeps
 * - multikernel_sock.c: what a socket has besides the common code's part
 * - multikernel_reset.c: how connections end when a peer does
 *
 * Locks, outer ones first.  Only the first two are held across a sleep:
 *
 * - the socket's, by user space for as long as it likes: never waited for by the
 *   reader of a channel, nor taken with any of the following held
 * - mk_vsock_peers_lock: which peers there are; after the lock of links and the
 *   channel's reader lock
 * - &mk_vsock_peer.queue's: what waits for a peer, and that nobody overtakes it
 * - the ring's, taken by mk_reserve()
 *
 * The channel's reader lock is only tried where a socket's is held, by mk_poll_one().
 *
 * mk_vsock_gone_lock and mk_vsock_wake_lock, mutexes, are taken before the table
 * of connected sockets, which comes before what a socket's callbacks take.
 * &mk_vsock_rx.queue's and the one of the sockets in multikernel_sock.c are taken
 * last.  The spinlock within the socket's lock, which multikernel_direct.c takes,
 * comes before those of the common code's part of a socket.
 */
#define pr_fmt(fmt) "multikernel: vsock: " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "multikernel_transport.h"

struct workqueue_struct *mk_vsock_wq;
bool mk_vsock_at_host;
u32 mk_vsock_cid;

static u32 mk_vsock_get_local_cid(void)
{
	return mk_vsock_cid;
}

static bool mk_vsock_seqpacket_allow(u32 remote_cid)
{
	return true;
}

static bool mk_vsock_msgzerocopy_allow(void)
{
	return true;
}

struct virtio_transport mk_vsock_transport = {
	.transport = {
		.module			= THIS_MODULE,

		.get_local_cid		= mk_vsock_get_local_cid,

		.init			= mk_vsock_init_sock,
		.destruct		= mk_vsock_destruct_sock,
		.release		= virtio_transport_release,
		.connect		= mk_vsock_connect,
		.shutdown		= virtio_transport_shutdown,
		.cancel_pkt		= mk_vsock_cancel_pkt,

		.dgram_bind		= virtio_transport_dgram_bind,
		.dgram_dequeue		= virtio_transport_dgram_dequeue,
		.dgram_enqueue		= virtio_transport_dgram_enqueue,
		.dgram_allow		= virtio_transport_dgram_allow,

		.stream_dequeue		= mk_vsock_stream_dequeue,
		.stream_enqueue		= mk_vsock_stream_enqueue,
		.stream_has_data	= mk_vsock_has_data,
		.stream_has_space	= mk_vsock_has_space,
		.stream_rcvhiwat	= virtio_transport_stream_rcvhiwat,
		.stream_is_active	= virtio_transport_stream_is_active,
		.stream_allow		= virtio_transport_stream_allow,

		.seqpacket_dequeue	= virtio_transport_seqpacket_dequeue,
		.seqpacket_enqueue	= mk_vsock_seqpacket_enqueue,
		.seqpacket_allow	= mk_vsock_seqpacket_allow,
		.seqpacket_has_data	= virtio_transport_seqpacket_has_data,

		.msgzerocopy_allow	= mk_vsock_msgzerocopy_allow,

		.notify_poll_in		= mk_vsock_poll_in,
		.notify_poll_out	= virtio_transport_notify_poll_out,
		.notify_recv_init	= mk_vsock_recv_init,
		.notify_recv_pre_block	= mk_vsock_recv_wait,
		.notify_recv_pre_dequeue = mk_vsock_recv_ready,
		.notify_recv_post_dequeue = virtio_transport_notify_recv_post_dequeue,
		.notify_send_init	= mk_vsock_send_init,
		.notify_send_pre_block	= mk_vsock_send_wait,
		.notify_send_pre_enqueue = mk_vsock_send_ready,
		.notify_send_post_enqueue = virtio_transport_notify_send_post_enqueue,
		.notify_buffer_size	= virtio_transport_notify_buffer_size,
		.notify_set_rcvlowat	= mk_vsock_set_rcvlowat,

		.unsent_bytes		= virtio_transport_unsent_bytes,

		.read_skb		= virtio_transport_read_skb,
	},

	.send_pkt = mk_vsock_send_pkt,
};

/* What can be counted, a line for each peer */

/* Bytes that other spawns have waiting for this one */
static u32 mk_vsock_routed(struct mk_vsock_peer *peer)
{
	struct mk_vsock_route *route;
	u32 bytes = 0;

	spin_lock_bh(&peer->queue.lock);
	list_for_each_entry(route, &peer->routes, node)
		bytes += route->bytes;
	spin_unlock_bh(&peer->queue.lock);

	return bytes;
}

static int mk_vsock_stats_show(struct seq_file *m, void *unused)
{
	struct mk_vsock_peer *peer;

	mutex_lock(&mk_vsock_peers_lock);
	list_for_each_entry(peer, &mk_vsock_peers, node)
		seq_printf(m, "cid=%u name=%s received=%ld sent=%ld queued=%ld waiting=%u forwarded=%ld refused=%ld dropped=%ld cut=%ld direct=%ld taken=%ld routed=%u\n",
			   peer->cid, mk_endpoint_peer_name(peer->ep),
			   atomic_long_read(&peer->received), atomic_long_read(&peer->sent),
			   atomic_long_read(&peer->queued), READ_ONCE(peer->waiting),
			   atomic_long_read(&peer->forwarded),
			   atomic_long_read(&peer->refused),
			   atomic_long_read(&peer->dropped), atomic_long_read(&peer->cut),
			   atomic_long_read(&peer->direct), atomic_long_read(&peer->taken),
			   mk_vsock_routed(peer));
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
		pr_err("no sockets: another transport, such as %s, came first; unload it before this one loads, or boot without it\n",
		       self ? "virtio_transport" : "vhost_vsock");
	if (err)
		goto out_wq;

	err = mk_vsock_peers_init();
	if (err)
		goto out;
	mk_vsock_debugfs = debugfs_create_file("multikernel_vsock", 0400, NULL, NULL,
					       &mk_vsock_stats_fops);

	return 0;
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
	mk_vsock_peers_exit();
	destroy_workqueue(mk_vsock_wq);
}

module_init(mk_vsock_init);
module_exit(mk_vsock_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vsock transport between multikernel host and spawns");
