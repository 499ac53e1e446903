// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: how connections end
 *
 * No reader of a channel takes a socket's lock here, see multikernel_deliver.c.
 */
#include "multikernel_transport.h"

/**
 * mk_vsock_reset_sock - as if the peer had died: what came is read, then ECONNRESET
 * @sk: connected socket; locked, or its spinlock is held and no user has it
 *
 * Else its user could be closing it, look for SOCK_DONE just before it is set, and
 * leave the rest to a time-out that finds it set: the socket would stay for good.
 */
void mk_vsock_reset_sock(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	lockdep_assert(lockdep_sock_is_held(sk));

	/* Over already, or closed by its user: its time-out ends it without us */
	if (sock_flag(sk, SOCK_DONE) || vsk->close_work_scheduled)
		return;

	sock_set_flag(sk, SOCK_DONE);
	WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
	sk->sk_err = ECONNRESET;
	sk_error_report(sk);
}

/* Unless its user holds it; true if it was done */
static bool mk_vsock_try_reset(struct sock *sk)
{
	bool now;

	/* Inside the lock of the table of connected sockets, see below */
	spin_lock_bh(&sk->sk_lock.slock);
	now = !sock_owned_by_user(sk);
	if (now)
		mk_vsock_reset_sock(sk);
	spin_unlock_bh(&sk->sk_lock.slock);

	return now;
}

/* The one CID that mk_vsock_reset_gone() looks for, or all */
static u32 mk_vsock_gone_cid;
static DEFINE_MUTEX(mk_vsock_gone_lock);

/* The table of connected sockets is locked, so none goes away meanwhile */
static void mk_vsock_reset_gone(struct sock *sk)
{
	if (mk_vsock_gone_cid == VMADDR_CID_ANY ||
	    vsock_sk(sk)->remote_addr.svm_cid == mk_vsock_gone_cid)
		mk_vsock_try_reset(sk);
}

/**
 * mk_vsock_reset_peer - end all connections through a peer; waits for no socket's lock
 * @cid: its CID: a spawn that is gone; in a spawn the host, and so all
 *
 * Those that their user holds are left to mk_vsock_gone_reset(): the caller has
 * marked them.
 */
void mk_vsock_reset_peer(u32 cid)
{
	mutex_lock(&mk_vsock_gone_lock);
	mk_vsock_gone_cid = mk_vsock_at_host ? cid : VMADDR_CID_ANY;
	vsock_for_each_connected_socket(&mk_vsock_transport.transport,
					mk_vsock_reset_gone);
	mutex_unlock(&mk_vsock_gone_lock);
}

/**
 * mk_vsock_find_sock - the connection that a packet is of
 * @hdr: header of the packet
 *
 * Return: its socket, with a reference, or NULL.
 */
struct sock *mk_vsock_find_sock(const struct virtio_vsock_hdr *hdr)
{
	struct sockaddr_vm src, dst;

	vsock_addr_init(&src, le64_to_cpu(hdr->src_cid), le32_to_cpu(hdr->src_port));
	vsock_addr_init(&dst, le64_to_cpu(hdr->dst_cid), le32_to_cpu(hdr->dst_port));

	return vsock_find_connected_socket(&src, &dst);
}

/**
 * mk_vsock_cut_sock - end one connection, so that its end is not taken for a good one
 * @hdr: header of a packet of it
 * @locked: wait for the socket's lock.  The channel's reader can't: that is held for
 *	as long as user space likes; mk_vsock_gone_reset() does it then
 */
void mk_vsock_cut_sock(const struct virtio_vsock_hdr *hdr, bool locked)
{
	struct sock *sk = mk_vsock_find_sock(hdr);

	if (!sk)
		return;
	if (!locked) {
		/* A connection of another transport has no such peer */
		if (vsock_sk(sk)->transport == &mk_vsock_transport.transport &&
		    mk_vsock_try_reset(sk))
			vsock_remove_sock(vsock_sk(sk));
		else
			mk_vsock_mark_sock(vsock_sk(sk));
		sock_put(sk);
		return;
	}
	lock_sock(sk);
	if (vsock_sk(sk)->transport == &mk_vsock_transport.transport &&
	    !sock_flag(sk, SOCK_DONE)) {
		mk_vsock_reset_sock(sk);
		vsock_remove_sock(vsock_sk(sk));
	}
	release_sock(sk);
	sock_put(sk);
}
