// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: from the channel's reader to a socket that nobody
 * holds
 *
 * Data and credit of a connection are most of what comes, and a work to deliver
 * them costs a wake-up and a way through the scheduler for each.  The reader
 * can do it itself where it has to wait for nobody: it takes the spinlock of the
 * socket's lock, and leaves to the work a socket that is in use, and whatever
 * is not plain.  Nothing here sleeps.
 */
#include "multikernel_transport.h"

/* As many bytes the common code copies to the packet before */
#define MK_VSOCK_SMALL	128

/**
 * mk_vsock_plain - is a packet one of this socket's connection, and nothing special?
 * @sk: socket, or its spinlock is held
 * @hdr: header of the packet, checked
 *
 * Return: true if so.
 */
bool mk_vsock_plain(struct sock *sk, const struct virtio_vsock_hdr *hdr)
{
	u16 type = sk->sk_type == SOCK_STREAM ? VIRTIO_VSOCK_TYPE_STREAM :
						VIRTIO_VSOCK_TYPE_SEQPACKET;
	struct vsock_sock *vsk = vsock_sk(sk);

	lockdep_assert(lockdep_sock_is_held(sk));

	return sk->sk_state == TCP_ESTABLISHED && !sock_flag(sk, SOCK_DONE) &&
	       vsk->transport == &mk_vsock_transport.transport &&
	       vsk->remote_addr.svm_cid == le64_to_cpu(hdr->src_cid) &&
	       vsk->remote_addr.svm_port == le32_to_cpu(hdr->src_port) &&
	       type == le16_to_cpu(hdr->type);
}

/**
 * mk_vsock_enqueue - put data where its reader looks for it
 * @virtio: of the socket that owns @skb
 * @skb: packet
 *
 * Context: bottom halves are off.
 * Return: false if it is to be put together with others, or too much: that is
 * for the common code.
 */
bool mk_vsock_enqueue(struct virtio_vsock_sock *virtio, struct sk_buff *skb)
{
	u32 waiting, len = skb->len;
	bool fits;

	spin_lock(&virtio->rx_lock);
	waiting = skb_queue_len(&virtio->rx_queue);
	fits = (u64)virtio->buf_used + len <= virtio->buf_alloc &&
	       waiting + 1 < virtio->buf_alloc / SKB_TRUESIZE(0) &&
	       (!waiting || len > MK_VSOCK_SMALL);
	if (fits) {
		virtio->rx_bytes += len;
		virtio->buf_used += len;
		if (le32_to_cpu(virtio_vsock_hdr(skb)->flags) & VIRTIO_VSOCK_SEQ_EOM)
			virtio->msg_count++;
		__skb_queue_tail(&virtio->rx_queue, skb);
	}
	spin_unlock(&virtio->rx_lock);

	return fits;
}

/**
 * mk_vsock_credit - a packet says what its sender may be sent
 * @vsk: its socket, locked, or its spinlock is held
 * @hdr: its header
 */
void mk_vsock_credit(struct vsock_sock *vsk, const struct virtio_vsock_hdr *hdr)
{
	struct virtio_vsock_sock *virtio = vsk->trans;
	struct sock *sk = sk_vsock(vsk);

	spin_lock_bh(&virtio->tx_lock);
	virtio->peer_buf_alloc = le32_to_cpu(hdr->buf_alloc);
	virtio->peer_fwd_cnt = le32_to_cpu(hdr->fwd_cnt);
	spin_unlock_bh(&virtio->tx_lock);
	if (virtio_transport_stream_has_space(vsk) > 0)
		sk->sk_write_space(sk);
}

static bool mk_vsock_deliver_now(struct sock *sk, struct sk_buff *skb)
{
	struct virtio_vsock_hdr hdr = *virtio_vsock_hdr(skb);
	struct vsock_sock *vsk = vsock_sk(sk);
	struct virtio_vsock_sock *virtio;

	lockdep_assert_held(&sk->sk_lock.slock);
	lockdep_assert_held(&sk->sk_callback_lock);

	/* In use; or somebody's callbacks, which may want to sleep */
	if (sock_owned_by_user(sk) || sk->sk_user_data || !mk_vsock_plain(sk, &hdr))
		return false;
	virtio = vsk->trans;
	/* Its buffer became smaller, see mk_vsock_asked() */
	if (le32_to_cpu(hdr.buf_alloc) < READ_ONCE(virtio->peer_buf_alloc))
		return false;
	if (hdr.len) {
		if (!skb_set_owner_sk_safe(skb, sk))
			return false;
		if (!mk_vsock_enqueue(virtio, skb)) {
			skb_orphan(skb);
			return false;
		}
	} else {
		consume_skb(skb);
	}

	mk_vsock_credit(vsk, &hdr);
	if (hdr.len)
		vsock_data_ready(sk);

	return true;
}

/**
 * mk_vsock_deliver_direct - give a packet to its socket now
 * @skb: packet, checked; nothing of its peer waits before it
 *
 * Context: process; does not sleep.
 * Return: true if that is done and @skb used up; false if it is for the work.
 */
bool mk_vsock_deliver_direct(struct sk_buff *skb)
{
	u16 op = mk_vsock_op(skb);
	struct sock *sk;
	bool taken;

	if (op != VIRTIO_VSOCK_OP_RW && op != VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		return false;
	if (mk_vsock_tapped())
		return false;
	sk = mk_vsock_find_sock(virtio_vsock_hdr(skb));
	if (!sk)
		return false;

	spin_lock_bh(&sk->sk_lock.slock);
	/* Whoever puts in callbacks of his own, or takes them out, holds it for writing */
	read_lock(&sk->sk_callback_lock);
	taken = mk_vsock_deliver_now(sk, skb);
	read_unlock(&sk->sk_callback_lock);
	spin_unlock_bh(&sk->sk_lock.slock);
	sock_put(sk);

	return taken;
}
