// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: what a socket has besides the common code's part
 */
#include <linux/slab.h>

#include "multikernel_transport.h"

/*
 * All of this transport.  Nobody else knows a socket whose connection is under way:
 * it is in no table that we could walk.
 */
static LIST_HEAD(mk_vsock_socks);
static DEFINE_SPINLOCK(mk_vsock_socks_lock);

/* Some may be marked as gone; under that lock, looked at without */
static bool mk_vsock_some_gone;

/**
 * mk_vsock_init_sock - as virtio_transport_do_socket_init(), with room for what is ours
 * @vsk: socket
 * @psk: listener it comes from, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int mk_vsock_init_sock(struct vsock_sock *vsk, struct vsock_sock *psk)
{
	struct virtio_vsock_sock *virtio;
	struct mk_vsock_sock *ms;

	/* Who frees it knows of this part only */
	BUILD_BUG_ON(offsetof(struct mk_vsock_sock, virtio));

	ms = kzalloc(sizeof(*ms), GFP_KERNEL);
	if (!ms)
		return -ENOMEM;
	virtio = &ms->virtio;
	virtio->vsk = vsk;
	/* Of one that is accepted it is known now */
	ms->cid = psk ? vsk->remote_addr.svm_cid : 0;
	vsk->trans = virtio;
	if (psk && psk->trans)
		virtio->peer_buf_alloc = ((struct virtio_vsock_sock *)psk->trans)->peer_buf_alloc;
	vsk->buffer_size = min_t(u64, vsk->buffer_size, VIRTIO_VSOCK_MAX_BUF_SIZE);
	virtio->buf_alloc = vsk->buffer_size;
	ms->recv_poll_ns = mk_poll_max();
	ms->send_poll_ns = mk_poll_max();
	spin_lock_init(&virtio->rx_lock);
	spin_lock_init(&virtio->tx_lock);
	skb_queue_head_init(&virtio->rx_queue);

	spin_lock_bh(&mk_vsock_socks_lock);
	list_add(&ms->node, &mk_vsock_socks);
	spin_unlock_bh(&mk_vsock_socks_lock);

	return 0;
}

/**
 * mk_vsock_destruct_sock - the opposite
 * @vsk: socket
 */
void mk_vsock_destruct_sock(struct vsock_sock *vsk)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);

	spin_lock_bh(&mk_vsock_socks_lock);
	list_del(&ms->node);
	spin_unlock_bh(&mk_vsock_socks_lock);
	virtio_transport_destruct(vsk);
}

/**
 * mk_vsock_connect - ask for a connection
 * @vsk: socket, locked
 *
 * Return: 0 or a negative errno.
 */
int mk_vsock_connect(struct vsock_sock *vsk)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);

	/* Before the request is sent: whoever takes the peer away comes after it */
	spin_lock_bh(&mk_vsock_socks_lock);
	ms->cid = vsk->remote_addr.svm_cid;
	ms->gone = false;
	spin_unlock_bh(&mk_vsock_socks_lock);

	return virtio_transport_connect(vsk);
}

static bool mk_vsock_connected(const struct mk_vsock_sock *ms)
{
	u8 state = READ_ONCE(sk_vsock(ms->virtio.vsk)->sk_state);

	return state == TCP_ESTABLISHED || state == TCP_CLOSING;
}

/**
 * mk_vsock_mark_cid - a CID is gone, its connections are to hear of it
 * @cid: which, or VMADDR_CID_ANY
 * @connected: leave out those that are being made: they may be to who comes next
 *
 * Says so to those of now only, by mk_vsock_gone_reset(), which may come late:
 * an instance may have been started again by then.
 *
 * Context: any but interrupt.
 */
void mk_vsock_mark_cid(u32 cid, bool connected)
{
	struct mk_vsock_sock *ms;

	spin_lock_bh(&mk_vsock_socks_lock);
	list_for_each_entry(ms, &mk_vsock_socks, node)
		if ((cid == VMADDR_CID_ANY || ms->cid == cid) &&
		    (!connected || mk_vsock_connected(ms)))
			ms->gone = true;
	WRITE_ONCE(mk_vsock_some_gone, true);
	spin_unlock_bh(&mk_vsock_socks_lock);
}

/**
 * mk_vsock_mark_sock - one connection is over, but its user holds the socket
 * @vsk: socket; found by its address only, as it may be about to lose what is ours
 *
 * Context: any but interrupt; mk_vsock_gone_reset() is to follow.
 */
void mk_vsock_mark_sock(const struct vsock_sock *vsk)
{
	struct mk_vsock_sock *ms;

	spin_lock_bh(&mk_vsock_socks_lock);
	list_for_each_entry(ms, &mk_vsock_socks, node)
		if (ms->virtio.vsk == vsk)
			ms->gone = true;
	WRITE_ONCE(mk_vsock_some_gone, true);
	spin_unlock_bh(&mk_vsock_socks_lock);
}

static struct sock *mk_vsock_next_gone(u32 cid)
{
	struct mk_vsock_sock *ms;
	struct sock *sk = NULL;
	bool others = false;

	spin_lock_bh(&mk_vsock_socks_lock);
	list_for_each_entry(ms, &mk_vsock_socks, node) {
		if (!ms->gone)
			continue;
		if (cid != VMADDR_CID_ANY && ms->cid != cid) {
			others = true;
			continue;
		}
		/* Without a reference it is about to leave the list */
		if (!refcount_inc_not_zero(&sk_vsock(ms->virtio.vsk)->sk_refcnt))
			continue;
		sk = sk_vsock(ms->virtio.vsk);
		break;
	}
	if (!sk && !others)
		WRITE_ONCE(mk_vsock_some_gone, false);
	spin_unlock_bh(&mk_vsock_socks_lock);

	return sk;
}

static bool mk_vsock_take_gone(struct vsock_sock *vsk)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);
	bool gone;

	spin_lock_bh(&mk_vsock_socks_lock);
	gone = ms->gone;
	ms->gone = false;
	spin_unlock_bh(&mk_vsock_socks_lock);

	return gone;
}

static void mk_vsock_end(struct sock *sk)
{
	switch (sk->sk_state) {
	case TCP_SYN_SENT:
		/* As a reset from the peer does */
		sk->sk_state = TCP_CLOSE;
		sk->sk_err = ECONNRESET;
		sk_error_report(sk);
		break;
	case TCP_ESTABLISHED:
	case TCP_CLOSING:
		if (sock_flag(sk, SOCK_DONE))
			break;
		mk_vsock_reset_sock(sk);
		vsock_remove_sock(vsock_sk(sk));
		break;
	}
}

/**
 * mk_vsock_gone_reset - end what was marked as gone
 * @cid: of one peer only, or VMADDR_CID_ANY: its user may hold a socket for as long
 *	as he likes, and who waits for that is of that peer
 *
 * Context: process; takes sockets' locks.
 */
void mk_vsock_gone_reset(u32 cid)
{
	struct vsock_sock *vsk;
	struct sock *sk;

	while (READ_ONCE(mk_vsock_some_gone) && (sk = mk_vsock_next_gone(cid))) {
		vsk = vsock_sk(sk);
		lock_sock(sk);
		if (vsk->transport == &mk_vsock_transport.transport &&
		    mk_vsock_take_gone(vsk))
			mk_vsock_end(sk);
		release_sock(sk);
		sock_put(sk);
	}
}

/* Credit */

/**
 * mk_vsock_told - a packet says how much of a socket's buffer was read
 * @vsk: its socket; locked
 * @hdr: its header
 */
void mk_vsock_told(struct vsock_sock *vsk, const struct virtio_vsock_hdr *hdr)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);

	ms->told_fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	ms->told_buf_alloc = le32_to_cpu(hdr->buf_alloc);
	ms->must_tell = false;
}

/*
 * Has the peer credit as long as it does not know what was read since it was told?
 * It has while that is less than a quarter of what it may have under way; and
 * enough to wake a reader who waits for more than the first byte.  It may have
 * under way what the smaller of both buffers takes; a packet that was read in part
 * counts as a whole one.
 *
 * A message of a seqpacket is read only when all of it is there, so that it may
 * need all of the buffer.
 */
static bool mk_vsock_has_credit(struct vsock_sock *vsk, u32 alloc, u32 fwd_cnt)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);
	struct virtio_vsock_sock *virtio = &ms->virtio;
	u32 room, owed = fwd_cnt - ms->told_fwd_cnt;
	struct sock *sk = sk_vsock(vsk);
	u64 need;

	lockdep_assert_held(&virtio->rx_lock);

	if (ms->must_tell || sk->sk_type != SOCK_STREAM || alloc != ms->told_buf_alloc)
		return false;
	room = min(alloc, READ_ONCE(virtio->peer_buf_alloc));
	need = (u64)owed + (virtio->buf_used - virtio->rx_bytes) +
	       sock_rcvlowat(sk, 0, INT_MAX);

	return owed < room / 4 && need <= room;
}

/**
 * mk_vsock_untold - can the peer do without this credit update?
 * @vsk: its socket; locked
 * @hdr: its header
 *
 * The common code makes one whenever a reader has read everything: one for each
 * small message, which costs the peer as much as the message.
 *
 * Return: true if it is not to be sent; then all is as if it had not been made.
 */
bool mk_vsock_untold(struct vsock_sock *vsk, const struct virtio_vsock_hdr *hdr)
{
	struct mk_vsock_sock *ms = mk_vsock_sock(vsk);
	struct virtio_vsock_sock *virtio = &ms->virtio;
	bool untold;

	spin_lock_bh(&virtio->rx_lock);
	untold = mk_vsock_has_credit(vsk, le32_to_cpu(hdr->buf_alloc),
				     le32_to_cpu(hdr->fwd_cnt));
	if (untold)
		virtio->last_fwd_cnt = ms->told_fwd_cnt;
	spin_unlock_bh(&virtio->rx_lock);

	return untold;
}

/**
 * mk_vsock_tell - send a credit update, if the peer can't do without
 * @vsk: socket, locked; something was read
 *
 * For what was not read by the common code, which does that, too.
 */
void mk_vsock_tell(struct vsock_sock *vsk)
{
	struct virtio_vsock_sock *virtio = vsk->trans;
	u64 alloc;
	bool tell;

	spin_lock_bh(&virtio->rx_lock);
	alloc = virtio->buf_alloc;
	tell = !mk_vsock_has_credit(vsk, alloc, virtio->fwd_cnt);
	spin_unlock_bh(&virtio->rx_lock);
	/* The size is what it was: this is the door to the common code's update */
	if (tell)
		virtio_transport_notify_buffer_size(vsk, &alloc);
}

/**
 * mk_vsock_set_rcvlowat - a reader is about to wait for more
 * @vsk: socket, locked
 * @val: for so many bytes
 *
 * Return: 0 or a negative errno.
 */
int mk_vsock_set_rcvlowat(struct vsock_sock *vsk, int val)
{
	mk_vsock_sock(vsk)->must_tell = true;

	return virtio_transport_notify_set_rcvlowat(vsk, val);
}

/**
 * mk_vsock_asked - the peer asks for credit, or its buffer became smaller
 * @hdr: its packet
 *
 * With a smaller buffer it may have no credit left, as what was not told was
 * little only for the larger one.
 *
 * Context: process; takes the socket's lock.
 */
void mk_vsock_asked(const struct virtio_vsock_hdr *hdr)
{
	struct sock *sk = mk_vsock_find_sock(hdr);
	struct mk_vsock_sock *ms;

	if (!sk)
		return;
	lock_sock(sk);
	if (vsock_sk(sk)->transport == &mk_vsock_transport.transport) {
		ms = mk_vsock_sock(vsock_sk(sk));
		if (hdr->op == cpu_to_le16(VIRTIO_VSOCK_OP_CREDIT_REQUEST))
			ms->must_tell = true;
		else if (le32_to_cpu(hdr->buf_alloc) < ms->virtio.peer_buf_alloc)
			mk_vsock_set_rcvlowat(vsock_sk(sk), INT_MAX);
	}
	release_sock(sk);
	sock_put(sk);
}
