// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: figures of the messages, in debugfs
 *
 * "bench" of a channel floods the peer with messages, which its echo service
 * swallows.  "icount" passes messages through both ends of a channel in this
 * kernel alone: under an emulator whose clock counts instructions it says how
 * many a message costs.
 */
#include <linux/debugfs.h>
#include <linux/minmax.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>

#include "internal.h"

/* One write asks for at most this many messages */
#define MK_FLOOD_MAX		10000000

/* How long one message waits for room, and the last one for its echo */
#define MK_FLOOD_TIMEOUT	(10 * HZ)

/* Bytes and times that are copied at most to see how fast memcpy() is */
#define MK_COPY_BYTES		SZ_256M
#define MK_COPY_TIMES		65536

static DEFINE_MUTEX(mk_flood_lock);

static u64 mk_per_second(u64 n, u64 ns)
{
	return ns ? mul_u64_u64_div_u64(n, NSEC_PER_SEC, ns) : 0;
}

static int bench_show(struct seq_file *m, void *v)
{
	const struct mk_channel *ch = m->private;
	struct mk_flood f;

	mutex_lock(&mk_flood_lock);
	f = ch->flood;
	mutex_unlock(&mk_flood_lock);

	seq_printf(m, "msgs=%llu bytes=%llu ns=%llu msgs_per_s=%llu bytes_per_s=%llu memcpy_bytes_per_s=%llu\n",
		   f.msgs, f.bytes, f.ns, mk_per_second(f.msgs, f.ns),
		   mk_per_second(f.bytes, f.ns),
		   mk_per_second(f.copied, f.copy_ns));

	return 0;
}

/* The same copies without anybody who reads: round a buffer like the ring */
static void mk_flood_copy(struct mk_flood *f, const void *data, void *ring, u32 size)
{
	u32 n = min(MK_COPY_TIMES, MK_COPY_BYTES / max(size, 1U)), pos = 0;
	u64 start = local_clock();

	f->copied = (u64)n * size;
	while (n--) {
		memcpy(ring + pos, data, size);
		pos += size;
		if (pos + size > MK_RING_SIZE)
			pos = 0;
		cond_resched();
	}
	f->copy_ns = local_clock() - start;
}

static int mk_flood_send(struct mk_endpoint *echo, struct mk_flood *f,
			 const void *data, u32 size, u32 n)
{
	u64 start = local_clock(), back;
	ssize_t err = 0;

	while (n-- && !err) {
		err = mk_send(echo, data, size, MK_FLOOD_TIMEOUT);
		if (!err) {
			f->msgs++;
			f->bytes += size;
		}
		cond_resched();
		if (signal_pending(current))
			err = -EINTR;
	}
	if (err)
		return err;

	/* In order: its answer says that all before it were received */
	err = mk_request(echo, &start, sizeof(start), &back, sizeof(back),
			 MK_FLOOD_TIMEOUT);
	f->ns = local_clock() - start;
	if (err < 0)
		return err;

	return err == sizeof(back) && back == start ? 0 : -EPROTO;
}

static ssize_t bench_write(struct file *file, const char __user *ubuf, size_t len,
			   loff_t *pos)
{
	struct mk_channel *ch = ((struct seq_file *)file->private_data)->private;
	struct mk_flood f = { };
	void *data, *ring;
	u32 v[2];
	int err;

	err = mk_debugfs_numbers(ubuf, len, v, 2, 2);
	if (err)
		return err;
	if (v[0] > MK_PAYLOAD_MAX || !v[1] || v[1] > MK_FLOOD_MAX)
		return -ERANGE;

	data = vzalloc(MK_PAYLOAD_MAX);
	ring = vzalloc(MK_RING_SIZE);
	if (data && ring) {
		mk_flood_copy(&f, data, ring, v[0]);
		err = mk_flood_send(&ch->endpoints[MK_SERVICE_ECHO], &f, data, v[0], v[1]);
	} else {
		err = -ENOMEM;
	}
	vfree(ring);
	vfree(data);
	if (err)
		return err;

	mutex_lock(&mk_flood_lock);
	ch->flood = f;
	mutex_unlock(&mk_flood_lock);

	return len;
}

DEFINE_SHOW_STORE_ATTRIBUTE(bench);

/* Both ends of a channel in one kernel, and nobody reads unless told to */

#define MK_ICOUNT_N	MK_RX_BUDGET
#define MK_ICOUNT_LEN	64

struct mk_loop {
	void *window;
	struct mk_channel host;
	struct mk_channel spawn;
};

static void mk_loop_ring(struct mk_channel *ch)
{
}

static void mk_loop_fault(struct mk_channel *ch, const char *what)
{
	pr_err("multikernel: icount: %s\n", what);
}

static const struct mk_channel_ops mk_loop_ops = {
	.ring	= mk_loop_ring,
	.fault	= mk_loop_fault,
};

/* The echo service alone: others would take it for a peer */
static void mk_loop_offer(struct mk_channel *ch)
{
	mk_rx_lock(ch);
	mk_endpoint_offer(&ch->endpoints[MK_SERVICE_ECHO]);
	mk_rx_unlock(ch);
}

static void mk_loop_read(struct mk_channel *ch)
{
	mk_rx_lock(ch);
	mk_channel_read(ch, false);
	mk_rx_unlock(ch);
}

static int mk_loop_open(struct mk_loop *loop)
{
	loop->window = vzalloc(MK_WINDOW_SIZE);
	if (!loop->window)
		return -ENOMEM;

	mk_channel_init(&loop->host, MK_ROLE_HOST, &mk_loop_ops, 0, "icount");
	mk_channel_init(&loop->spawn, MK_ROLE_SPAWN, &mk_loop_ops, 0, "icount");
	mk_channel_attach(&loop->host, loop->window);
	mk_channel_attach(&loop->spawn, loop->window);
	loop->host.state = MK_CHANNEL_OPEN;
	loop->spawn.state = MK_CHANNEL_OPEN;

	mk_loop_offer(&loop->host);
	mk_loop_offer(&loop->spawn);
	mk_loop_read(&loop->spawn);
	mk_loop_read(&loop->host);
	mk_loop_read(&loop->spawn);

	return 0;
}

static void mk_loop_close(struct mk_loop *loop)
{
	if (loop->window) {
		mk_services_detach(&loop->host);
		mk_services_detach(&loop->spawn);
	}
	vfree(loop->window);
}

static int icount_show(struct seq_file *m, void *v)
{
	struct mk_loop *loop = kzalloc(sizeof(*loop), GFP_KERNEL);
	struct mk_endpoint *echo;
	u8 data[MK_ICOUNT_LEN] = { };
	unsigned long flags;
	cycles_t t[4];
	int i, err;

	if (!loop)
		return -ENOMEM;
	err = mk_loop_open(loop);
	if (err)
		goto out;
	echo = &loop->host.endpoints[MK_SERVICE_ECHO];

	mk_rx_lock(&loop->spawn);
	/* No interrupt in between, nor its instructions */
	local_irq_save(flags);
	t[0] = get_cycles();
	t[1] = get_cycles();
	for (i = 0; i < MK_ICOUNT_N && !err; i++)
		err = mk_send(echo, data, sizeof(data), 0);
	t[2] = get_cycles();
	mk_channel_read(&loop->spawn, false);
	t[3] = get_cycles();
	local_irq_restore(flags);
	mk_rx_unlock(&loop->spawn);

	if (!err && !mk_ring_empty(&loop->spawn.rx))
		err = -EIO;
	if (!err)
		seq_printf(m, "count=%d len=%d send_cycles=%llu receive_cycles=%llu clock_cycles=%llu\n",
			   MK_ICOUNT_N, MK_ICOUNT_LEN, (u64)(t[2] - t[1]),
			   (u64)(t[3] - t[2]), (u64)(t[1] - t[0]));
out:
	mk_loop_close(loop);
	kfree(loop);

	return err;
}
DEFINE_SHOW_ATTRIBUTE(icount);

/**
 * mk_bench_add - add "bench" to a channel's folder
 * @ch: channel with a folder in debugfs
 *
 * Context: process.
 */
void mk_bench_add(struct mk_channel *ch)
{
	debugfs_create_file("bench", 0600, ch->debugfs, ch, &bench_fops);
}

/**
 * mk_bench_init - add "icount" to the folder of all
 * @root: that folder
 */
void __init mk_bench_init(struct dentry *root)
{
	debugfs_create_file("icount", 0400, root, NULL, &icount_fops);
}
