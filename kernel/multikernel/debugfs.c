// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: /sys/kernel/debug/multikernel, for looking inside
 *
 * A host has a folder for each instance, a spawn one for the host.
 */
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include "internal.h"

/* One write asks for at most this many round trips */
#define MK_PINGS_MAX	1000000

/* Bytes of a ping */
#define MK_PING_LEN	64

/* How long a ping waits for its echo */
#define MK_PING_TIMEOUT	(HZ / 2)

/* Of so many of the last ones the median is told */
#define MK_TRIPS_KEPT	4096U

/* Longest pause between two, us */
#define MK_PAUSE_MAX	USEC_PER_SEC

static struct dentry *mk_debugfs_root;

/* The figures of the last runs */
static DEFINE_MUTEX(mk_trips_lock);
static struct mk_trips mk_ipi_trips;

/**
 * struct mk_trips_run - round trips under way
 * @trips: their figures
 * @each: ns of the last ones
 * @room: entries there
 */
struct mk_trips_run {
	struct mk_trips trips;
	u64 *each;
	u32 room;
};

static int mk_trips_begin(struct mk_trips_run *run, u32 n)
{
	run->room = min(n, MK_TRIPS_KEPT);
	run->each = kvmalloc_array(run->room, sizeof(*run->each), GFP_KERNEL);

	return run->each ? 0 : -ENOMEM;
}

static void mk_trip(struct mk_trips_run *run, u64 ns)
{
	struct mk_trips *t = &run->trips;

	run->each[t->count % run->room] = ns;
	t->min = t->count ? min(t->min, ns) : ns;
	t->max = max(t->max, ns);
	t->sum += ns;
	t->count++;
}

static int mk_trips_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* A run without any leaves what was kept of the one before */
static void mk_trips_end(struct mk_trips_run *run, struct mk_trips *kept)
{
	u32 n = min(run->trips.count, run->room);

	if (!run->each)
		return;
	if (n) {
		sort(run->each, n, sizeof(*run->each), mk_trips_compare, NULL);
		run->trips.median = run->each[n / 2];
	}
	kvfree(run->each);
	if (!n && !run->trips.lost)
		return;

	mutex_lock(&mk_trips_lock);
	*kept = run->trips;
	mutex_unlock(&mk_trips_lock);
}

static void mk_trips_show(struct seq_file *m, const struct mk_trips *t)
{
	seq_printf(m, "count=%u lost=%u min_ns=%llu median_ns=%llu avg_ns=%llu max_ns=%llu\n",
		   t->count, t->lost, t->min, t->median, t->count ? t->sum / t->count : 0,
		   t->max);
}

/**
 * mk_debugfs_numbers - take what was written apart
 * @ubuf: numbers, blanks between them
 * @len: its bytes
 * @v: gets the numbers; those that are not there stay
 * @min: so many have to be there
 * @max: and no more
 *
 * Context: process.
 * Return: 0; -EINVAL, -ERANGE or -EFAULT.
 */
int mk_debugfs_numbers(const char __user *ubuf, size_t len, u32 *v, int min, int max)
{
	char buf[64], *rest, *word;
	int err, n = 0;

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, ubuf, len))
		return -EFAULT;
	buf[len] = 0;

	rest = strim(buf);
	while ((word = strsep(&rest, " "))) {
		if (n == max)
			return -EINVAL;
		err = kstrtou32(word, 0, &v[n++]);
		if (err)
			return err;
	}

	return n < min ? -EINVAL : 0;
}

/* "COUNT" or "COUNT PAUSE": microseconds before each, so that who is called idles */
static int mk_trips_wanted(const char __user *ubuf, size_t len, u32 *n, u32 *pause)
{
	u32 v[2] = { };
	int err = mk_debugfs_numbers(ubuf, len, v, 1, 2);

	if (err)
		return err;
	*n = v[0];
	*pause = v[1];

	return *n && *n <= MK_PINGS_MAX && *pause <= MK_PAUSE_MAX ? 0 : -ERANGE;
}

static void mk_trips_pause(u32 us)
{
	if (us)
		usleep_range(us, us + us / 8);
}

static int ping_show(struct seq_file *m, void *v)
{
	const struct mk_channel *ch = m->private;

	mutex_lock(&mk_trips_lock);
	mk_trips_show(m, &ch->ping_trips);
	mutex_unlock(&mk_trips_lock);

	return 0;
}

static ssize_t ping_write(struct file *file, const char __user *buf, size_t len,
			  loff_t *pos)
{
	struct mk_channel *ch = ((struct seq_file *)file->private_data)->private;
	struct mk_endpoint *echo = &ch->endpoints[MK_SERVICE_ECHO];
	struct mk_trips_run run = { };
	u64 out[MK_PING_LEN / sizeof(u64)] = { }, back[ARRAY_SIZE(out)];
	u64 start;
	ssize_t err;
	u32 n, pause;

	err = mk_trips_wanted(buf, len, &n, &pause);
	if (!err)
		err = mk_trips_begin(&run, n);
	while (!err && n--) {
		mk_trips_pause(pause);
		start = local_clock();
		out[0] = start;
		err = mk_request(echo, out, sizeof(out), back, sizeof(back),
				 MK_PING_TIMEOUT);
		if (err == sizeof(back)) {
			mk_trip(&run, local_clock() - start);
			err = back[0] == start ? 0 : -EPROTO;
		} else if (err >= 0) {
			err = -EPROTO;
		} else if (err == -ETIMEDOUT) {
			run.trips.lost++;
			/* One may be late; a peer that is silent ends the run */
			if (run.trips.lost < 3)
				err = 0;
		}
		if (signal_pending(current))
			err = -EINTR;
	}
	mk_trips_end(&run, &ch->ping_trips);

	return err ?: len;
}

DEFINE_SHOW_STORE_ATTRIBUTE(ping);

/* The instance behind a host's channel */
static struct mk_instance *mk_channel_instance(struct mk_channel *ch)
{
	if (ch->role != MK_ROLE_HOST)
		return NULL;

	return container_of(ch, struct mk_instance, channel);
}

static int stats_show(struct seq_file *m, void *v)
{
	struct mk_channel *ch = m->private;
	struct mk_instance *inst = mk_channel_instance(ch);
	const struct mk_channel_stats *s = &ch->stats;

	if (inst) {
		mutex_lock(&inst->lock);
		seq_printf(m, "starts=%u\n", inst->epoch);
		seq_printf(m, "first_instruction_us=%llu\n", inst->first_instruction_us);
		seq_printf(m, "boot_time_us=%llu\n", inst->boot_time_us);
		seq_printf(m, "kill_time_us=%llu\n", inst->kill_time_us);
		mutex_unlock(&inst->lock);
	}
	seq_printf(m, "tx=%llu\n", READ_ONCE(s->tx));
	seq_printf(m, "tx_bytes=%llu\n", READ_ONCE(s->tx_bytes));
	seq_printf(m, "tx_full=%llu\n", READ_ONCE(s->tx_full));
	seq_printf(m, "rx=%llu\n", READ_ONCE(s->rx));
	seq_printf(m, "rx_bytes=%llu\n", READ_ONCE(s->rx_bytes));
	seq_printf(m, "doorbells_tx=%llu\n", READ_ONCE(s->doorbells_tx));
	seq_printf(m, "doorbells_rx=%llu\n", READ_ONCE(s->doorbells_rx));
	seq_printf(m, "atomic=%llu\n", READ_ONCE(s->atomic));
	seq_printf(m, "polled=%llu\n", READ_ONCE(s->polled));
	seq_printf(m, "slept=%llu\n", READ_ONCE(s->slept));
	seq_printf(m, "refused=%llu\n", READ_ONCE(s->refused));
	seq_printf(m, "late_replies=%llu\n", READ_ONCE(s->late_replies));
	seq_printf(m, "unanswered=%llu\n", READ_ONCE(s->unanswered));
	seq_printf(m, "stray_replies=%llu\n", READ_ONCE(s->stray_replies));
	seq_printf(m, "beats=%u\n", READ_ONCE(ch->heart.beats));
	seq_printf(m, "beats_heard=%u\n", READ_ONCE(ch->heart.heard));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int window_show(struct seq_file *m, void *v)
{
	const struct mk_instance *inst = mk_channel_instance(m->private);
	void *window = inst ? inst->window : mk_self_window;
	const struct mk_host_page *host = mk_host_page(window);
	const struct mk_spawn_page *spawn = mk_spawn_page(window);

	seq_printf(m, "address=%#llx\n", inst ? mk_window_phys(inst) : mk_self.window_phys);
	seq_printf(m, "size=%#x\n", MK_WINDOW_SIZE);
	seq_printf(m, "host.magic=%#x\n", READ_ONCE(host->magic));
	seq_printf(m, "host.abi_version=%u\n", READ_ONCE(host->abi_version));
	seq_printf(m, "host.epoch=%u\n", READ_ONCE(host->epoch));
	seq_printf(m, "host.doorbell=%u:%#x\n", READ_ONCE(host->doorbell_dest),
		   READ_ONCE(host->doorbell_vector));
	seq_printf(m, "host.head=%u\n", READ_ONCE(host->ctl.head));
	seq_printf(m, "host.tail=%u\n", READ_ONCE(host->ctl.tail));
	seq_printf(m, "host.armed=%u\n", READ_ONCE(host->ctl.armed));
	seq_printf(m, "host.want_room=%u\n", READ_ONCE(host->ctl.want_room));
	seq_printf(m, "host.beat=%u\n", READ_ONCE(host->pulse.beat));
	seq_printf(m, "spawn.magic=%#x\n", READ_ONCE(spawn->magic));
	seq_printf(m, "spawn.abi_version=%u\n", READ_ONCE(spawn->abi_version));
	seq_printf(m, "spawn.phase=%u\n", READ_ONCE(spawn->phase));
	seq_printf(m, "spawn.exit_kind=%u\n", READ_ONCE(spawn->exit_kind));
	seq_printf(m, "spawn.epoch=%u\n", READ_ONCE(spawn->epoch));
	seq_printf(m, "spawn.doorbell=%u:%#x\n", READ_ONCE(spawn->doorbell_dest),
		   READ_ONCE(spawn->doorbell_vector));
	seq_printf(m, "spawn.nr_cpus_online=%u\n", READ_ONCE(spawn->nr_cpus_online));
	seq_printf(m, "spawn.console_head=%llu\n", READ_ONCE(spawn->console_head));
	seq_printf(m, "spawn.head=%u\n", READ_ONCE(spawn->ctl.head));
	seq_printf(m, "spawn.tail=%u\n", READ_ONCE(spawn->ctl.tail));
	seq_printf(m, "spawn.armed=%u\n", READ_ONCE(spawn->ctl.armed));
	seq_printf(m, "spawn.want_room=%u\n", READ_ONCE(spawn->ctl.want_room));
	seq_printf(m, "spawn.beat=%u\n", READ_ONCE(spawn->pulse.beat));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(window);

/* The yardstick for ping: this kernel's own call to another of its CPUs */

static void mk_nothing(void *info)
{
}

static int ipi_bench_show(struct seq_file *m, void *v)
{
	mutex_lock(&mk_trips_lock);
	mk_trips_show(m, &mk_ipi_trips);
	mutex_unlock(&mk_trips_lock);

	return 0;
}

static ssize_t ipi_bench_write(struct file *file, const char __user *buf, size_t len,
			       loff_t *pos)
{
	struct mk_trips_run run = { };
	unsigned int cpu;
	u64 start;
	int err;
	u32 n, pause;

	err = mk_trips_wanted(buf, len, &n, &pause);
	if (!err)
		err = mk_trips_begin(&run, n);
	while (!err && n--) {
		mk_trips_pause(pause);
		cpus_read_lock();
		preempt_disable();
		cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
		start = local_clock();
		if (cpu < nr_cpu_ids)
			err = smp_call_function_single(cpu, mk_nothing, NULL, 1);
		else
			err = -ENODEV;
		if (!err)
			mk_trip(&run, local_clock() - start);
		preempt_enable();
		cpus_read_unlock();
		cond_resched();
		if (signal_pending(current))
			err = -EINTR;
	}
	mk_trips_end(&run, &mk_ipi_trips);

	return err ?: len;
}

DEFINE_SHOW_STORE_ATTRIBUTE(ipi_bench);

static int denied_show(struct seq_file *m, void *v)
{
	enum mk_denied kind;

	for (kind = 0; kind < MK_DENIED_KINDS; kind++)
		seq_printf(m, "%s=%lu\n", mk_denied_name(kind), mk_denied_count(kind));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(denied);

/**
 * mk_debugfs_add - show a channel's inside
 * @ch: channel of an instance, or of this spawn
 *
 * Context: process.
 */
void mk_debugfs_add(struct mk_channel *ch)
{
	ch->debugfs = debugfs_create_dir(ch->peer_name, mk_debugfs_root);
	debugfs_create_file("ping", 0600, ch->debugfs, ch, &ping_fops);
	mk_bench_add(ch);
	debugfs_create_file("stats", 0400, ch->debugfs, ch, &stats_fops);
	debugfs_create_file("window", 0400, ch->debugfs, ch, &window_fops);
}

/**
 * mk_debugfs_remove - hide it; waits until nobody is in one of the files
 * @ch: channel
 *
 * Context: process; no instance lock held.
 */
void mk_debugfs_remove(struct mk_channel *ch)
{
	debugfs_remove_recursive(ch->debugfs);
}

/**
 * mk_debugfs_init - make the folder
 */
void __init mk_debugfs_init(void)
{
	mk_debugfs_root = debugfs_create_dir("multikernel", NULL);
	debugfs_create_file("ipi_bench", 0600, mk_debugfs_root, NULL,
			    &ipi_bench_fops);
	debugfs_create_file("denied", 0400, mk_debugfs_root, NULL, &denied_fops);
	mk_bench_init(mk_debugfs_root);
	mk_inject_init(mk_debugfs_root);
#ifdef CONFIG_MULTIKERNEL_FAULT_INJECTION
	if (!mk_self_is_spawn) {
		debugfs_create_u32("lose_cpu", 0600, mk_debugfs_root, &mk_lose_cpu);
		debugfs_create_bool("hold_destroy", 0600, mk_debugfs_root, &mk_hold_destroy);
	}
#endif
}
