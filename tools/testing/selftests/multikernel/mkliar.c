// SPDX-License-Identifier: GPL-2.0
/*
 * mkliar LIE...: in a spawn, write into its half of the window what no kernel
 * would. LIE is a name of the table below; random, control and records take
 * :SEED:COUNT. Nothing but that half is written.
 *
 * The spawn's own kernel goes on using the same words. What it writes next
 * may be the next lie: its indices are those from before.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "liar.h"

/* A service that no kernel of the tests has */
#define NOBODYS		(MK_SERVICE_MAX - 1)

/* Indices */

static void head_misaligned(void) { publish(me->ctl.head + 8); }
/* However much of what is there the host reads before it sees this */
static void head_far(void) { publish(host->ctl.tail + 2 * MK_RING_SIZE + 16); }
static void head_back(void) { publish(host->ctl.tail - 16); }

/* The kernel's reader writes the true one now and then */
static void tail_beyond(void)
{
	uint64_t end = deadline(5 * LONG_NS);

	while (mk_now_ns() < end)
		me->ctl.tail = host->ctl.head + 4096;
}

static void tail_misaligned(void)
{
	uint64_t end = deadline(5 * LONG_NS);

	while (mk_now_ns() < end)
		me->ctl.tail = host->ctl.head - 8;
}

/* Headers */

static void len_huge(void)
{
	struct mk_record rec = { .service = MK_SERVICE_ECHO, .len = 0xffffffff };

	put_at(&rec, 32);
}

static void len_max(void)
{
	if (!(me->ctl.head & (MK_RING_SIZE - 1)) || put_pad())
		put_one(MK_SERVICE_ECHO, 0, 0, MK_PAYLOAD_MAX + 1);
}

static void len_beyond(void)
{
	struct mk_record rec = { .service = MK_SERVICE_ECHO, .len = 4096 };

	put_at(&rec, 32);
}

/* Over the end of the ring, with an index that has room for it */
static void len_wraps(void)
{
	struct mk_record rec = { .service = NOBODYS, .len = 4096 - sizeof(rec) };
	bool read_on = true;
	uint32_t left;

	for (;;) {
		left = MK_RING_SIZE - (me->ctl.head & (MK_RING_SIZE - 1));
		if (left == 2048 || !read_on)
			break;
		left = left < 65536 ? left - 2048 : 32768;
		read_on = left < 65536 ? put_one(NOBODYS, 0, 0, left - sizeof(rec)) : put_pad();
	}
	put_at(&rec, 4096);
}

static void flags_two(void)
{
	put_one(MK_SERVICE_ECHO, MK_RECORD_REQUEST | MK_RECORD_REPLY, 1, 0);
}

static void flags_unknown(void) { put_one(MK_SERVICE_ECHO, 0x40, 0, 0); }
static void service_0(void) { put_one(0, 0, 0, 0); }
static void service_65535(void) { put_one(0xffff, MK_RECORD_REQUEST, 1, 8); }
static void id_none(void) { put_one(MK_SERVICE_ECHO, MK_RECORD_REQUEST, 0, 8); }
static void id_stray(void) { put_one(MK_SERVICE_ECHO, 0, 5, 8); }
static void offer_0(void) { put_one(MK_SERVICE_ECHO, MK_RECORD_OFFER, MK_OFFER_ID(0, 1), 0); }
static void error_size(void) { put_one(MK_SERVICE_ECHO, MK_RECORD_ERROR, 1, 8); }

static void put_error(uint32_t err)
{
	struct mk_record rec = {
		.service = MK_SERVICE_ECHO, .flags = MK_RECORD_ERROR, .id = 1, .len = 4,
	};

	/* The errno first, where the payload will be */
	if (!(me->ctl.head & (MK_RING_SIZE - 1)) || put_pad()) {
		memcpy(ring + sizeof(rec), &err, sizeof(err));
		put_at(&rec, 32);
	}
}

static void error_0(void) { put_error(0); }
static void error_huge(void) { put_error(4096); }

/* Padding at the beginning, where there is nothing that would not fit */
static void pad_first(void)
{
	struct mk_record rec = {
		.flags = MK_RECORD_PAD, .len = MK_RING_SIZE - sizeof(rec),
	};

	if (put_pad())
		put_at(&rec, MK_RING_SIZE);
}

static void pad_short(void) { put_one(0, MK_RECORD_PAD, 0, 16); }

/* The terminal line, which nobody has open at the host: not a byte went either way */

static void put_tty(struct mk_tty_msg msg, uint32_t len)
{
	struct mk_record rec = { .service = MK_SERVICE_TTY, .len = len };

	/* As in put_error() */
	if (!(me->ctl.head & (MK_RING_SIZE - 1)) || put_pad()) {
		memcpy(ring + sizeof(rec), &msg, sizeof(msg));
		put_at(&rec, space_of(len));
	}
}

static void tty_short(void) { put_tty((struct mk_tty_msg) { }, sizeof(struct mk_tty_msg) - 1); }

static void tty_flags(void)
{
	put_tty((struct mk_tty_msg) { .flags = MK_TTY_LISTENING << 1 }, sizeof(struct mk_tty_msg));
}

static void tty_credit(void)
{
	put_tty((struct mk_tty_msg) { }, sizeof(struct mk_tty_msg) + MK_TTY_CREDIT + 1);
}

/* It took a byte that was not sent */
static void tty_taken(void)
{
	put_tty((struct mk_tty_msg) { .taken = 1 }, sizeof(struct mk_tty_msg));
}

/* Messages by the rules, but far too many */

static void offers(void)
{
	bool put = true;
	int n;

	for (n = 0; put && n < 10000; n++)
		put = n & 1 ? put_one(MK_SERVICE_ECHO, MK_RECORD_OFFER, MK_OFFER_ID(n, 1), 0) :
			      put_one(MK_SERVICE_ECHO, MK_RECORD_WITHDRAW, 0, 0);
}

static void withdraw(void)
{
	int service;

	for (service = 1; service <= MK_SERVICE_MAX; service++)
		put_one(service, MK_RECORD_WITHDRAW, 0, 0);
}

static void flood(void)
{
	uint64_t end = deadline(LONG_NS), n;

	for (n = 0; n < 200000 && mk_now_ns() < end; n++)
		if (!put_one(NOBODYS, 0, 0, 0))
			return;
}

static void replies(void)
{
	int n;

	for (n = 0; n < 1000; n++)
		put_one(MK_SERVICE_ECHO, MK_RECORD_REPLY, dice(), 8 * below(64));
}

/* Ask for 100 answers of 64 KiB; a host that is told "I am awake" rings nobody */
static void unread(void)
{
	int n;

	for (n = 1; n <= 100; n++) {
		me->ctl.armed = 0;
		put_one(MK_SERVICE_ECHO, MK_RECORD_REQUEST, n, 0x10000);
	}
}

/* Words of the page */

static void phase_unknown(void) { me->phase = 77; }
static void phase_back(void) { me->phase = MK_PHASE_EARLY; }
static void phase_dying(void) { me->phase = MK_PHASE_DYING; }
static void doorbell_foreign(void) { me->doorbell_dest = 0; }
static void doorbell_all(void) { me->doorbell_dest = 0xffffffff; }
static void doorbell_vector(void) { me->doorbell_vector = 2; }

static void exit_text(void)
{
	memset((void *)me->exit_text, 0xff, sizeof(me->exit_text));
	me->exit_kind = MK_EXIT_PANIC;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	me->phase = MK_PHASE_GONE;
}

static void exit_kind(void)
{
	me->exit_kind = 99;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	me->phase = MK_PHASE_GONE;
}

static void header(void)
{
	me->magic = 0xdeadbeef;
	me->abi_version = 0;
	me->epoch += 77;
	me->nr_cpus_online = 0xffffffff;
	memset((void *)me->reserved, 0xff, sizeof(me->reserved));
}

static void console(void)
{
	uint64_t end = deadline(LONG_NS);

	while (mk_now_ns() < end) {
		me->console_head = below(2) ? dice() : -(uint64_t)below(70000);
		usleep(500);
	}
}

static void pulse(void)
{
	uint64_t end = deadline(LONG_NS);

	while (mk_now_ns() < end) {
		me->pulse.beat = dice();
		me->pulse.seq = dice();
		me->pulse.tsc = dice();
		me->pulse.wall_ns = dice();
		usleep(500);
	}
}

static void cpu_state(void)
{
	*(volatile uint32_t *)(half + MK_WINDOW_CPUS - MK_WINDOW_SPAWN) = 77;
}

/* All are off: there is only the heart to go by */
static void cpus_off(void)
{
	volatile struct mk_cpu_page *cpu =
		(volatile void *)(half + MK_WINDOW_CPUS - MK_WINDOW_SPAWN);
	int i;

	for (i = 0; i < MK_DESC_MAX_CPUS; i++)
		cpu[i].state = MK_CPU_OFF;
}

/* The host wants registers: it is the host's word, but nothing keeps a spawn from it */
static void dump(uint32_t on) { *(volatile uint32_t *)&host->dump = on; }
static void dump_on(void) { dump(1); }
static void dump_off(void) { dump(0); }

/* Its CPU beats, and has beaten so often that all that follows is of before */
static void beat_jump(void)
{
	volatile struct mk_cpu_page *cpu =
		(volatile void *)(half + MK_WINDOW_CPUS - MK_WINDOW_SPAWN);
	uint64_t end = deadline(LONG_NS);
	uint32_t from = cpu->beat;

	while (mk_now_ns() < end) {
		cpu->beat = from + 0x40000000;
		cpu->beat_tsc = __builtin_ia32_rdtsc();
		usleep(1000);
	}
}

/* Bells that are wanted, and not, and wanted */
static void bells(void)
{
	uint64_t end = deadline(LONG_NS);

	while (mk_now_ns() < end) {
		me->ctl.armed = dice();
		me->ctl.want_room = dice();
		usleep(100);
	}
}

/*
 * What the host wrote is its own, but nothing keeps a spawn from it.  This vector
 * stops a CPU for good: the spawn's kernel must not ring the host by it.
 */
static void host_vector(void)
{
	volatile uint32_t *vector = (volatile uint32_t *)&host->doorbell_vector;
	uint32_t was = *vector;
	int fd = open("/sys/kernel/debug/multikernel/host/ping", O_WRONLY | O_CLOEXEC);

	*vector = 0xf8;
	if (fd < 0 || write(fd, "20", 2) != 2)
		fprintf(stderr, "mkliar: no ping to the host\n");
	*vector = was;
	close(fd);
}

/* While the host reads */

static volatile bool stop;

static void *meddle(void *arg)
{
	struct mk_record *rec;

	(void)arg;
	while (!stop) {
		rec = (struct mk_record *)(ring + 64 * below(MK_RING_SIZE / 64));
		switch (below(8)) {
		case 0:
			*(volatile uint16_t *)&rec->flags = 1u << below(16);
			break;
		case 1:
			*(volatile uint16_t *)&rec->service = below(70);
			break;
		default:
			*(volatile uint32_t *)&rec->len = below(2) ? 48 : odd_number();
		}
	}
	return NULL;
}

/* Records of 64 bytes, whose headers another thread changes */
static void flight(void)
{
	uint64_t end = deadline(LONG_NS);
	pthread_t other;

	while (me->ctl.head & 63)
		put_one(NOBODYS, 0, 0, 0);
	if (pthread_create(&other, NULL, meddle, NULL))
		return;
	while (mk_now_ns() < end) {
		struct mk_record rec = {
			.service = MK_SERVICE_ECHO, .flags = MK_RECORD_REQUEST,
			.id = 1, .len = 48,
		};

		if (!put_at(&rec, 64))
			break;
	}
	stop = true;
	pthread_join(other, NULL);
}

/* Seeded */

static void burst(size_t from, size_t size)
{
	uint32_t n = 1 + below(16);
	uint64_t i;

	for (i = 0; i < count; i++) {
		while (n--)
			*(volatile uint32_t *)(half + from + 4 * below(size / 4)) = odd_number();
		n = 1 + below(16);
		usleep(below(2000));
	}
}

/* Mostly where the host looks most */
static void random_words(void)
{
	uint64_t n = count;

	for (count = 1; n; n--) {
		switch (below(4)) {
		case 0:
			burst(0, MK_WINDOW_SIZE - MK_WINDOW_SPAWN);
			break;
		case 1:
			burst(MK_WINDOW_RX_RING - MK_WINDOW_SPAWN, MK_RING_SIZE);
			publish(me->ctl.head + 16 * below(256));
			break;
		default:
			burst(0, sizeof(*me));
		}
	}
}

static void control(void)
{
	burst(offsetof(struct mk_spawn_page, ctl), sizeof(me->ctl));
}

/* By the rules more often than not, so that one gets far */
static void records(void)
{
	static const uint16_t flags[] = {
		0, 0, MK_RECORD_REQUEST, MK_RECORD_REQUEST, MK_RECORD_REPLY, MK_RECORD_ERROR,
		MK_RECORD_OFFER, MK_RECORD_WITHDRAW,
	};
	uint64_t i;

	for (i = 0; i < count; i++) {
		struct mk_record rec = {
			.service = 1 + below(MK_SERVICE_MAX),
			.flags = flags[below(ARRAY_SIZE(flags))],
			.len = below(8) ? below(2000) : below(MK_PAYLOAD_MAX + 1),
		};

		if (rec.flags & (MK_RECORD_REQUEST | MK_RECORD_REPLY))
			rec.id = 1 + below(1000);
		if (rec.flags == MK_RECORD_OFFER)
			rec.id = MK_OFFER_ID(1 + below(4), below(4));
		if (rec.flags == MK_RECORD_ERROR)
			rec.len = 4;
		if (!below(500))
			rec.service = dice();
		if (!below(500))
			rec.flags = dice();
		if (!below(500))
			rec.id = dice();
		if (!put(&rec))
			return;
	}
}

static const struct lie lies[] = {
	{ "head-misaligned",	head_misaligned },
	{ "head-far",		head_far },
	{ "head-back",		head_back },
	{ "tail-beyond",	tail_beyond },
	{ "tail-misaligned",	tail_misaligned },
	{ "len-huge",		len_huge },
	{ "len-max",		len_max },
	{ "len-beyond",		len_beyond },
	{ "len-wraps",		len_wraps },
	{ "flags-unknown",	flags_unknown },
	{ "flags-two",		flags_two },
	{ "service-0",		service_0 },
	{ "offer-0",		offer_0 },
	{ "service-65535",	service_65535 },
	{ "id-none",		id_none },
	{ "id-stray",		id_stray },
	{ "error-size",		error_size },
	{ "error-0",		error_0 },
	{ "error-huge",		error_huge },
	{ "pad-first",		pad_first },
	{ "pad-short",		pad_short },
	{ "tty-short",		tty_short },
	{ "tty-flags",		tty_flags },
	{ "tty-credit",		tty_credit },
	{ "tty-taken",		tty_taken },
	{ "offers",		offers },
	{ "withdraw",		withdraw },
	{ "flood",		flood },
	{ "replies",		replies },
	{ "unread",		unread },
	{ "phase-unknown",	phase_unknown },
	{ "phase-back",		phase_back },
	{ "phase-dying",	phase_dying },
	{ "doorbell-foreign",	doorbell_foreign },
	{ "doorbell-all",	doorbell_all },
	{ "doorbell-vector",	doorbell_vector },
	{ "cpu-state",		cpu_state },
	{ "beat-jump",		beat_jump },
	{ "cpus-off",		cpus_off },
	{ "dump-on",		dump_on },
	{ "dump-off",		dump_off },
	{ "exit-text",		exit_text },
	{ "exit-kind",		exit_kind },
	{ "header",		header },
	{ "console",		console },
	{ "pulse",		pulse },
	{ "bells",		bells },
	{ "host-vector",	host_vector },
	{ "flight",		flight },
	{ "random",		random_words },
	{ "control",		control },
	{ "records",		records },
	{ }
};

int main(int argc, char **argv)
{
	int i, err = argc < 2 ? 2 : map_window();

	for (i = 1; i < argc && !err; i++)
		err = tell(argv[i], lies);
	return err;
}
