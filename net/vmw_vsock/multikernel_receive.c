// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel vsock transport: what a peer may say
 *
 * Every header is copied out of the ring, then checked, then used.
 */
#include "multikernel_transport.h"

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

/**
 * mk_vsock_valid - can a packet come from there?
 * @peer: where it came from
 * @hdr: its header, private copy
 * @len: bytes behind it
 *
 * Return: false for what no kernel of ours sends, whatever its users do.
 */
bool mk_vsock_valid(const struct mk_vsock_peer *peer, const struct virtio_vsock_hdr *hdr,
		    u32 len)
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

/**
 * mk_vsock_receive - a record of the service came
 * @ep: from whom
 * @msg: record
 *
 * Return: 0; -EPROTO if it is against the rules; -EOPNOTSUPP.
 */
int mk_vsock_receive(struct mk_endpoint *ep, const struct mk_message *msg)
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
