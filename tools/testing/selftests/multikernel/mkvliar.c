// SPDX-License-Identifier: GPL-2.0
/*
 * mkvliar LIE[+LIE...]: in a spawn whose kernel has no vsock transport, offer the
 * service in its place and write packets into the ring that no kernel would. The
 * records are well-formed; what is in them is not. LIE is a name of the tables
 * below; some take :NUMBER, random takes :SEED:COUNT.
 */
#define _GNU_SOURCE
#include <linux/virtio_vsock.h>

#include "liar.h"

#define HDR		sizeof(struct virtio_vsock_hdr)
#define CID_HOST	2
#define CID_ANY		0xffffffffu
#define CID_NOBODY	4711
#define PORT_ANY	0xffffffffu
#define PORT_SERVER	2000	/* of the host: does what an order says */
#define PORT_DEAF	2010	/* of the host: never accepts; + 1 for seqpackets */
#define PORT_NOBODY	77
#define PIECE		65536

#define STREAM		VIRTIO_VSOCK_TYPE_STREAM
#define SEQPACKET	VIRTIO_VSOCK_TYPE_SEQPACKET

static uint8_t data[PIECE + 1];
static uint32_t mine;		/* its CID */

/* What a socket of ours at the host's server would send */
static struct virtio_vsock_hdr packet(uint16_t op, uint32_t len)
{
	return (struct virtio_vsock_hdr) {
		.src_cid = mine, .dst_cid = CID_HOST, .src_port = 5000,
		.dst_port = PORT_SERVER, .len = len, .type = STREAM, .op = op,
		.buf_alloc = 262144,
	};
}

/* Of so many bytes, whatever its header says; shorter than that if need be */
static bool put_bytes(const struct virtio_vsock_hdr *hdr, uint32_t len)
{
	struct mk_record rec = { .service = MK_SERVICE_VSOCK, .len = len };
	uint32_t space = space_of(len), pos;

	if (space > MK_RING_SIZE - (me->ctl.head & (MK_RING_SIZE - 1)) && !put_pad())
		return false;
	if (!wait_room(space))
		return false;
	pos = (me->ctl.head & (MK_RING_SIZE - 1)) + sizeof(rec);
	memcpy(ring + pos, hdr, len < HDR ? len : HDR);
	if (len > HDR)
		memcpy(ring + pos + HDR, data, len - HDR);
	return put_at(&rec, space);
}

static bool put_packet(const struct virtio_vsock_hdr *hdr)
{
	return put_bytes(hdr, HDR + hdr->len);
}

/* Packets against the rules: an op and a length, then what is wrong */

#define LIE(name, op, len, ...)						\
	static void name(void)						\
	{								\
		struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_##op, len); \
									\
		__VA_ARGS__;						\
		put_packet(&p);						\
	}

LIE(src_other, RW, 100, p.src_cid = mine + 1)
LIE(src_host, RW, 100, p.src_cid = CID_HOST)
LIE(src_local, REQUEST, 0, p.src_cid = 1)
LIE(src_any, REQUEST, 0, p.src_cid = CID_ANY)
LIE(src_wide, REQUEST, 0, p.src_cid = mine + (1ull << 32))
LIE(dst_wide, REQUEST, 0, p.dst_cid = CID_HOST + (1ull << 32))
LIE(type_0, REQUEST, 0, p.type = 0)
LIE(type_3, RW, 100, p.type = 3)
LIE(op_0, INVALID, 0, (void)0)
LIE(op_8, INVALID, 0, p.op = 8)
LIE(op_99, INVALID, 0, p.op = 99)
LIE(rw_empty, RW, 0, (void)0)
LIE(request_full, REQUEST, 100, (void)0)
LIE(rw_flags, RW, 100, p.flags = VIRTIO_VSOCK_SEQ_EOM)
LIE(seq_flags, RW, 100, p.type = SEQPACKET; p.flags = 4)
LIE(shutdown_flags, SHUTDOWN, 0, p.flags = 4)
LIE(rst_all, RST, 0, p.src_port = p.dst_port = PORT_ANY)
LIE(rw_huge, RW, PIECE + 1, (void)0)

static void len_larger(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_RW, 0xffffffff);

	put_bytes(&p, HDR + 100);
}

static void len_smaller(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_RW, 99);

	put_bytes(&p, HDR + 100);
}

static void record_short(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_RST, 0);

	put_bytes(&p, HDR - 1);
}

static void record_empty(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_RST, 0);

	put_bytes(&p, 0);
}

/* By the rules, but nobody's friend */

static void nobody(void)
{
	static const uint32_t cids[] = { 0, 1, CID_NOBODY, CID_ANY };
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_REQUEST, 0);
	size_t i;

	for (i = 0; i < sizeof(cids) / sizeof(cids[0]); i++) {
		p.dst_cid = cids[i];
		put_packet(&p);
	}
	p.dst_cid = mine;
	put_packet(&p);
	p.dst_cid = number;	/* an instance that it is not linked to */
	put_packet(&p);
}

/* Of connections that there are not */
static void stray(void)
{
	struct virtio_vsock_hdr p;
	uint16_t op;
	int n;

	for (n = 0; n < 100; n++) {
		for (op = VIRTIO_VSOCK_OP_RESPONSE; op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST; op++) {
			p = packet(op, op == VIRTIO_VSOCK_OP_RW ? 100 : 0);
			p.dst_port = n & 1 ? PORT_NOBODY : PORT_SERVER;
			put_packet(&p);
		}
	}
}

static void rsts(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_RST, 0);
	int n;

	for (n = 0; n < 2000; n++) {
		p.src_port = dice();
		p.flags = n & 1;
		put_packet(&p);
	}
}

/* Each is to be answered, and a host that is told "I am awake" rings nobody */
static void unread(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_REQUEST, 0);
	int n, round;

	p.dst_port = PORT_NOBODY;
	/* Its kernel reads once a second in any case: some rounds are without that */
	for (round = 0; round < 8; round++) {
		/* A few large answers fill the ring, and then some wait for room */
		for (n = 0; n < 8; n++) {
			me->ctl.armed = 0;
			put_one(MK_SERVICE_ECHO, MK_RECORD_REQUEST, 1 + n, 0x10000);
		}
		for (n = 0; n < 1000; n++) {
			me->ctl.armed = 0;
			put_packet(&p);
		}
	}
}

static void requests(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_REQUEST, 0);
	int n;

	p.dst_port = PORT_DEAF;
	for (n = 0; n < 1000; n++) {
		p.src_port = 10000 + n;
		put_packet(&p);
	}
}

static struct virtio_vsock_hdr connected(uint32_t port, uint32_t to, uint16_t type)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_REQUEST, 0);

	p.type = type;
	p.src_port = port;
	p.dst_port = to + (type == SEQPACKET);
	put_packet(&p);
	p.op = VIRTIO_VSOCK_OP_RW;
	return p;
}

/* More than it was given, in large and in small pieces, of nobody who reads */
static void over(void)
{
	struct virtio_vsock_hdr p = connected(6000, PORT_SERVER, STREAM);
	int n;

	/* An order is 256 bytes: 'w' waits for a file that never comes */
	memset(data, 0, sizeof(data));
	data[0] = 'w';
	strcpy((char *)data + 1, "/nowhere");
	p.len = 256;
	put_packet(&p);
	for (p.len = PIECE, n = 0; n < 64; n++)
		put_packet(&p);

	p = connected(6001, PORT_SERVER, STREAM);
	p.len = 256;
	put_packet(&p);
	for (p.len = 1, n = 0; n < 5000; n++)
		put_packet(&p);
}

static void seqpackets(void)
{
	static const uint32_t flags[] = {
		VIRTIO_VSOCK_SEQ_EOR, 0, VIRTIO_VSOCK_SEQ_EOM,
		VIRTIO_VSOCK_SEQ_EOM | VIRTIO_VSOCK_SEQ_EOR,
	};
	struct virtio_vsock_hdr p = connected(6002, PORT_SERVER, SEQPACKET);
	int n;

	for (n = 0; n < 200; n++) {
		p.flags = flags[below(4)];
		p.len = 1 + below(2000);
		put_packet(&p);
	}
	/* Ends of messages, one byte each, far over what there is credit for */
	p = connected(6003, PORT_SERVER, SEQPACKET);
	for (p.len = 1, p.flags = VIRTIO_VSOCK_SEQ_EOM, n = 0; n < 5000; n++)
		put_packet(&p);
	/* A stream's packets on it */
	p = connected(6004, PORT_SERVER, SEQPACKET);
	p.type = STREAM;
	p.flags = 0;
	for (p.len = 100, n = 0; n < 100; n++)
		put_packet(&p);
}

/* Has the host send 1 GiB, says that it has room for all, and that it read wildly */
static void credit(void)
{
	struct virtio_vsock_hdr p = connected(6005, PORT_SERVER, STREAM);
	uint64_t end = deadline(LONG_NS), bytes = 1ull << 30;

	memset(data, 0, sizeof(data));
	data[0] = 'b';
	strcpy((char *)data + 1, "65536");
	memcpy(data + 248, &bytes, sizeof(bytes));
	p.len = 256;
	p.buf_alloc = 0xffffffff;
	put_packet(&p);
	p.len = 0;
	p.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
	while (mk_now_ns() < end) {
		me->ctl.armed = 0;
		p.fwd_cnt = below(2) ? dice() : -below(1 << 20);
		p.buf_alloc = below(2) ? 0xffffffff : odd_number();
		put_packet(&p);
		usleep(500);
	}
	p.op = VIRTIO_VSOCK_OP_SHUTDOWN;
	p.flags = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
	put_packet(&p);
	p.op = VIRTIO_VSOCK_OP_RST;
	p.flags = 0;
	put_packet(&p);
}

/* 4 MiB for another instance, which does not read */
static void pour(void)
{
	struct virtio_vsock_hdr p = packet(VIRTIO_VSOCK_OP_RW, PIECE);
	int n;

	p.dst_cid = number;
	for (n = 0; n < 64; n++) {
		p.src_port = 5000 + n / 8;
		put_packet(&p);
	}
}

/* Seeded: mostly by the rules, so that one gets far */
static void random_packets(void)
{
	static const uint32_t cids[] = { 0, 1, CID_HOST, CID_NOBODY, CID_ANY };
	static const uint32_t ports[] = {
		PORT_SERVER, PORT_SERVER + 1, PORT_DEAF, PORT_DEAF + 1, PORT_NOBODY, PORT_ANY,
	};
	uint64_t i;

	for (i = 0; i < count; i++) {
		struct virtio_vsock_hdr p = packet(1 + below(7), 0);
		uint32_t bytes;

		p.src_port = 7000 + below(8);
		p.dst_port = ports[below(6)];
		p.type = 1 + below(2);
		if (p.op == VIRTIO_VSOCK_OP_RW)
			p.len = 1 + (below(4) ? below(2000) : below(PIECE));
		if (p.op == VIRTIO_VSOCK_OP_SHUTDOWN ||
		    (p.op == VIRTIO_VSOCK_OP_RW && p.type == SEQPACKET))
			p.flags = below(4);
		if (p.op == VIRTIO_VSOCK_OP_RST)
			p.flags = below(2);
		if (!below(4))
			p.buf_alloc = odd_number();
		if (!below(4))
			p.fwd_cnt = odd_number();
		if (!below(20))
			p.dst_cid = cids[below(5)];
		bytes = p.len;
		switch (below(4000)) {
		case 0:
			p.src_cid = dice() >> below(64);
			break;
		case 1:
			p.dst_cid = dice();
			break;
		case 2:
			p.len = odd_number();
			break;
		case 3:
			p.flags = odd_number();
			break;
		case 4:
			p.op = dice();
			break;
		case 5:
			p.type = dice();
			break;
		case 6:
			bytes = below(MK_PAYLOAD_MAX - HDR);
			if (bytes > PIECE)
				bytes = PIECE;
			break;
		}
		if (!put_bytes(&p, HDR + bytes))
			return;
	}
}

static const struct lie lies[] = {
	{ "src-other",		src_other },
	{ "src-host",		src_host },
	{ "src-local",		src_local },
	{ "src-any",		src_any },
	{ "src-wide",		src_wide },
	{ "dst-wide",		dst_wide },
	{ "type-0",		type_0 },
	{ "type-3",		type_3 },
	{ "op-0",		op_0 },
	{ "op-8",		op_8 },
	{ "op-99",		op_99 },
	{ "rw-empty",		rw_empty },
	{ "rw-flags",		rw_flags },
	{ "rw-huge",		rw_huge },
	{ "request-full",	request_full },
	{ "seq-flags",		seq_flags },
	{ "shutdown-flags",	shutdown_flags },
	{ "rst-all",		rst_all },
	{ "len-larger",		len_larger },
	{ "len-smaller",	len_smaller },
	{ "record-short",	record_short },
	{ "record-empty",	record_empty },
	{ "nobody",		nobody },
	{ "stray",		stray },
	{ "rsts",		rsts },
	{ "unread",		unread },
	{ "requests",		requests },
	{ "over",		over },
	{ "seqpackets",		seqpackets },
	{ "credit",		credit },
	{ "pour",		pour },
	{ "random",		random_packets },
	{ }
};

static int my_cid(void)
{
	char text[16] = "";
	int fd = open(MK_SYSFS "/self/cid", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return mk_fail("mkvliar: self/cid", errno);
	err = mk_read_fd(fd, text, sizeof(text));
	close(fd);
	mine = strtoul(text, NULL, 0);
	return err;
}

int main(int argc, char **argv)
{
	char *what;
	int err = argc != 2 ? 2 : my_cid() ?: map_window();

	if (!err)
		put_one(MK_SERVICE_VSOCK, MK_RECORD_OFFER,
			MK_OFFER_ID(1, host_offer(MK_SERVICE_VSOCK)), 0);
	for (what = argc == 2 ? strtok(argv[1], "+") : NULL; what && !err;
	     what = strtok(NULL, "+"))
		err = tell(what, lies);
	return err;
}
