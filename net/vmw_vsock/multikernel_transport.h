/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel vsock transport: what its files share, see multikernel_transport.c
 */
#ifndef _MULTIKERNEL_TRANSPORT_H
#define _MULTIKERNEL_TRANSPORT_H

#include <linux/list.h>
#include <linux/multikernel.h>
#include <linux/multikernel_abi.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
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

/* Packets that are sent in one go when there is room: then the peer is read again */
#define MK_VSOCK_SEND_BUDGET	64

/*
 * Bytes of a peer that may wait to be delivered; resets get as much again.
 * Beyond that the channel's reader waits for the work, no longer than this in all
 * while it delivers so many, with their overhead.  A work that gets a CPU delivers
 * far more.  Who gives a socket's lock back for one packet at a time is found out
 * before a ping to the peer is late; who times it well can have the rest of a ring
 * of small packets wait for some seconds.
 */
#define MK_VSOCK_RX_MAX		SZ_4M
#define MK_VSOCK_RX_PART	SZ_256K
#define MK_VSOCK_RX_TIME	(HZ / 4)

/* How long a peer that goes waits for what it sent to be delivered */
#define MK_VSOCK_RX_LAST	HZ

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
 * @queue: what was not delivered; its lock covers the next five
 * @bytes: in @queue and being delivered, with their overhead
 * @gone: the peer is, and its connections are to be reset before @queue goes on
 * @patience: jiffies that the reader may wait at @room; all of them again once
 *	%MK_VSOCK_RX_PART was delivered and there is room, or nothing is left
 * @delivered: of that part
 * @parts: times that it was renewed
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
	long patience;
	u32 delivered;
	u32 parts;
};

/**
 * struct mk_vsock_peer - another kernel that offers sockets
 * @node: in mk_vsock_peers; RCU, mk_vsock_peers_lock
 * @ep: where to send
 * @id: instance id, 0 for the host
 * @cid: its CID
 * @rcu: frees it when nobody looks at it any more
 * @rx: what came from it
 * @queue: packets that wait for room; its lock covers the next seven
 * @closed: @ep must not be used any more
 * @waiting: bytes of this kernel's own in @queue, with their overhead; what
 *	other spawns have there is in @routes
 * @requests: connection requests in @queue
 * @replies: answers in @queue
 * @throttled: writers wait until @waiting is less
 * @full: writers of streams found @queue empty and wait until @ep has room
 * @routes: other spawns that have packets in @queue
 * @received: packets from this peer
 * @sent: packets to this peer
 * @queued: of these, had to wait in @queue
 * @forwarded: packets from this peer that went to another
 * @refused: packets from this peer for a CID that it is not linked to
 * @dropped: answers to this peer that found @queue full
 * @cut: connections of this peer that were reset, as packets of it could not be
 *	kept
 * @direct: packets from this peer that its reader gave to their socket itself
 * @taken: packets from this peer that who waited for them took from the ring
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
	bool full;
	struct list_head routes;

	atomic_long_t received;
	atomic_long_t sent;
	atomic_long_t queued;
	atomic_long_t forwarded;
	atomic_long_t refused;
	atomic_long_t dropped;
	atomic_long_t cut;
	atomic_long_t direct;
	atomic_long_t taken;
};

/**
 * struct mk_vsock_sock - a socket of this transport
 * @virtio: the common code's part
 * @node: in the list of all
 * @cid: of the other end, 0 if there never was one
 * @gone: its connection is over, and mk_vsock_gone_reset() is to say so
 * @told_fwd_cnt: what the peer knows of @virtio.fwd_cnt; the socket's lock
 * @told_buf_alloc: and of @virtio.buf_alloc; the socket's lock
 * @must_tell: the next credit update is sent in any case; the socket's lock
 * @reader: who began to read last, and may look in the ring; the socket's lock
 * @reads: somebody has read from it; the socket's lock
 * @peeks: or only looked, with MSG_PEEK; the socket's lock
 * @recv_poll_ns: for how long, before it sleeps; the socket's lock
 * @send_poll_ns: and who writes; the socket's lock
 */
struct mk_vsock_sock {
	struct virtio_vsock_sock virtio;
	struct list_head node;
	u32 cid;
	bool gone;
	u32 told_fwd_cnt;
	u32 told_buf_alloc;
	bool must_tell;
	struct task_struct *reader;
	bool reads;
	bool peeks;
	u64 recv_poll_ns;
	u64 send_poll_ns;
};

/* In skb->cb, behind what the common code has there */
struct mk_vsock_cb {
	struct virtio_vsock_skb_cb virtio;
	struct mk_vsock_route *route;
};

extern struct virtio_transport mk_vsock_transport;
extern struct workqueue_struct *mk_vsock_wq;
extern bool mk_vsock_at_host;
extern u32 mk_vsock_cid;

/* multikernel_peer.c */
extern struct mutex mk_vsock_peers_lock;
extern struct list_head mk_vsock_peers;

struct mk_vsock_peer *mk_vsock_find(u32 cid);
int mk_vsock_peers_init(void);
void mk_vsock_peers_exit(void);

/* multikernel_send.c */
int mk_vsock_put(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
		 struct sk_buff *skb, const void *data, u32 len);
void mk_vsock_append(struct mk_vsock_peer *peer, struct sk_buff *skb);
void mk_vsock_unlink(struct mk_vsock_peer *peer, struct sk_buff *skb);
int mk_vsock_send_pkt(struct sk_buff *skb);
int mk_vsock_cancel_pkt(struct vsock_sock *vsk);
bool mk_vsock_writable(struct mk_endpoint *ep);
struct sk_buff *mk_vsock_alloc_copy(const struct virtio_vsock_hdr *hdr,
				    const void *data, u32 len, gfp_t gfp);
struct sk_buff *mk_vsock_alloc_rst(const struct virtio_vsock_hdr *hdr, u32 flags,
				   gfp_t gfp);
void mk_vsock_answer_rst(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
			 u32 flags);

/* multikernel_write.c */
bool mk_vsock_tapped(void);
s64 mk_vsock_has_space(struct vsock_sock *vsk);
ssize_t mk_vsock_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len);
int mk_vsock_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len);

/* multikernel_route.c */
void mk_vsock_forward(struct mk_vsock_peer *from, const struct virtio_vsock_hdr *hdr,
		      const void *data, u32 len);
void mk_vsock_forget(struct mk_vsock_peer *peer, u32 cid);

/* multikernel_receive.c */
bool mk_vsock_valid(const struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
		    u32 len);
int mk_vsock_receive(struct mk_endpoint *ep, const struct mk_message *msg);

/* multikernel_deliver.c */
void mk_vsock_keep_rx(struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
		      const void *data, u32 len);
bool mk_vsock_rx_idle(struct mk_vsock_rx *rx);
bool mk_vsock_busy(struct mk_endpoint *ep);
void mk_vsock_rx_drain(struct mk_vsock_rx *rx);
struct mk_vsock_rx *mk_vsock_rx_get(u32 cid);
void mk_vsock_rx_end(struct mk_vsock_rx *rx);

/* multikernel_sock.c */
int mk_vsock_init_sock(struct vsock_sock *vsk, struct vsock_sock *psk);
void mk_vsock_destruct_sock(struct vsock_sock *vsk);
int mk_vsock_connect(struct vsock_sock *vsk);
void mk_vsock_mark_cid(u32 cid, bool connected);
void mk_vsock_mark_sock(const struct vsock_sock *vsk);
void mk_vsock_gone_reset(u32 cid);
void mk_vsock_told(struct vsock_sock *vsk, const struct virtio_vsock_hdr *hdr);
bool mk_vsock_untold(struct vsock_sock *vsk, const struct virtio_vsock_hdr *hdr);
void mk_vsock_tell(struct vsock_sock *vsk);
int mk_vsock_set_rcvlowat(struct vsock_sock *vsk, int val);
void mk_vsock_asked(const struct virtio_vsock_hdr *hdr);

/* multikernel_direct.c */
bool mk_vsock_plain(struct sock *sk, const struct virtio_vsock_hdr *hdr);
bool mk_vsock_enqueue(struct virtio_vsock_sock *virtio, struct sk_buff *skb);
void mk_vsock_credit(struct vsock_sock *vsk, const struct virtio_vsock_hdr *hdr);
bool mk_vsock_deliver_direct(struct sk_buff *skb);

/* multikernel_poll.c */
int mk_vsock_recv_init(struct vsock_sock *vsk, size_t target,
		       struct vsock_transport_recv_notify_data *data);
int mk_vsock_recv_wait(struct vsock_sock *vsk, size_t target,
		       struct vsock_transport_recv_notify_data *data);
int mk_vsock_recv_ready(struct vsock_sock *vsk, size_t target,
			struct vsock_transport_recv_notify_data *data);
int mk_vsock_send_init(struct vsock_sock *vsk,
		       struct vsock_transport_send_notify_data *data);
int mk_vsock_send_wait(struct vsock_sock *vsk,
		       struct vsock_transport_send_notify_data *data);
int mk_vsock_send_ready(struct vsock_sock *vsk,
			struct vsock_transport_send_notify_data *data);
int mk_vsock_poll_in(struct vsock_sock *vsk, size_t target, bool *ready);
s64 mk_vsock_has_data(struct vsock_sock *vsk);
ssize_t mk_vsock_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
				int flags);

/* multikernel_reset.c */
struct sock *mk_vsock_find_sock(const struct virtio_vsock_hdr *hdr);
void mk_vsock_reset_sock(struct sock *sk);
void mk_vsock_reset_peer(u32 cid);
void mk_vsock_cut_sock(const struct virtio_vsock_hdr *hdr, bool locked);

static inline struct mk_vsock_cb *mk_vsock_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct mk_vsock_cb) > sizeof(skb->cb));

	return (struct mk_vsock_cb *)skb->cb;
}

static inline struct mk_vsock_sock *mk_vsock_sock(const struct vsock_sock *vsk)
{
	return container_of_const((struct virtio_vsock_sock *)vsk->trans,
				  struct mk_vsock_sock, virtio);
}

static inline u16 mk_vsock_op(struct sk_buff *skb)
{
	return le16_to_cpu(virtio_vsock_hdr(skb)->op);
}

static inline bool mk_vsock_same_connection(const struct virtio_vsock_hdr *a,
					    const struct virtio_vsock_hdr *b)
{
	return a->src_cid == b->src_cid && a->src_port == b->src_port &&
	       a->dst_port == b->dst_port && a->type == b->type;
}

/* How a host says that all connections to a CID are over */
static inline bool mk_vsock_all_of_cid(const struct virtio_vsock_hdr *hdr)
{
	return hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_RST) &&
	       hdr->src_port == cpu_to_le32(VMADDR_PORT_ANY) &&
	       hdr->dst_port == cpu_to_le32(VMADDR_PORT_ANY);
}

#endif /* _MULTIKERNEL_TRANSPORT_H */
