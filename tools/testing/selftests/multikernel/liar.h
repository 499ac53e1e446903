/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the liars share: a spawn's half of the window, through /dev/mem, and
 * records that its kernel did not write.
 */
#ifndef _SELFTEST_LIAR_H
#define _SELFTEST_LIAR_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "mk.h"
#include "../../../../include/linux/multikernel_abi.h"

#define WINDOW	"/sys/kernel/debug/multikernel/host/window"
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* A lie that takes time ends after this; a host that reads no more ends it, too */
#define LONG_NS		2000000000ull
#define STUCK_NS	5000000000ull

static const volatile struct mk_host_page *host;
static volatile struct mk_spawn_page *me;
static uint8_t *half;
static uint8_t *ring;
static uint64_t number;		/* what followed the lie's name */
static uint64_t seed = 1;
static uint64_t count = 1000;

static inline int map_window(void)
{
	char text[4096] = "", *at;
	int fd, err;
	off_t phys;

	fd = open(WINDOW, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mk_fail("mkliar: " WINDOW, errno);
	err = mk_read_fd(fd, text, sizeof(text));
	close(fd);
	at = strstr(text, "address=");
	if (err || !at)
		return mk_fail("mkliar: no address in " WINDOW, err);
	phys = strtoull(at + strlen("address="), NULL, 0);

	fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return mk_fail("mkliar: /dev/mem", errno);
	host = mmap(NULL, MK_WINDOW_SPAWN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, phys);
	half = mmap(NULL, MK_WINDOW_SIZE - MK_WINDOW_SPAWN, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, phys + MK_WINDOW_SPAWN);
	if (host == MAP_FAILED || half == MAP_FAILED)
		return mk_fail("mkliar: mmap", errno);
	close(fd);
	me = (volatile struct mk_spawn_page *)half;
	ring = half + MK_WINDOW_RX_RING - MK_WINDOW_SPAWN;
	if (host->magic != MK_HOST_MAGIC) {
		fprintf(stderr, "mkliar: no window at %#llx\n", (unsigned long long)phys);
		return 1;
	}
	return 0;
}

/* The same numbers for the same seed, whatever the libc */
static inline uint64_t dice(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1dull;
}

static inline uint32_t below(uint32_t n) { return (dice() >> 32) % n; }

/* A number that somebody may have forgotten */
static inline uint32_t odd_number(void)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 8, 15, 16, 17, 48, 63, 64, 4095, 4096, MK_PAYLOAD_MAX - 16,
		MK_PAYLOAD_MAX - 1, MK_PAYLOAD_MAX, MK_PAYLOAD_MAX + 1, MK_RING_SIZE - 32,
		MK_RING_SIZE - 16, MK_RING_SIZE, MK_RING_SIZE + 16, 0x7ffffff0, 0x7fffffff,
		0x80000000, 0xfffffff0, 0xffffffff,
	};

	switch (below(4)) {
	case 0:
		return dice() >> 32;
	case 1:
		return below(256);
	case 2:
		return me->ctl.head + 16 * below(64) - 512;
	default:
		return numbers[below(ARRAY_SIZE(numbers))];
	}
}

static inline uint64_t deadline(uint64_t ns) { return mk_now_ns() + ns; }

static inline uint32_t space_of(uint32_t len)
{
	return (sizeof(struct mk_record) + len + MK_RECORD_ALIGN - 1) & -MK_RECORD_ALIGN;
}

/* Room at the head, as the host's index has it; false if the host reads no more */
static inline bool wait_room(uint32_t space)
{
	uint64_t end = deadline(STUCK_NS);

	while (me->ctl.head - host->ctl.tail > MK_RING_SIZE - space) {
		if (mk_now_ns() > end)
			return false;
		sched_yield();
	}
	return true;
}

static inline void publish(uint32_t head)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	me->ctl.head = head;
}

/* A header where the next one goes, which then is so far from the one after it */
static inline bool put_at(const struct mk_record *rec, uint32_t space)
{
	uint32_t pos = me->ctl.head & (MK_RING_SIZE - 1);

	if (!wait_room(space))
		return false;
	memcpy(ring + pos, rec, sizeof(*rec));
	publish(me->ctl.head + space);
	return true;
}

/* An honest record to the end of the ring */
static inline bool put_pad(void)
{
	uint32_t left = MK_RING_SIZE - (me->ctl.head & (MK_RING_SIZE - 1));
	struct mk_record pad = { .flags = MK_RECORD_PAD, .len = left - sizeof(pad) };

	return put_at(&pad, left);
}

/* A record that takes up what its length says, whatever else it says */
static inline bool put(const struct mk_record *rec)
{
	uint32_t space = space_of(rec->len);

	if (space > MK_RING_SIZE - (me->ctl.head & (MK_RING_SIZE - 1)) && !put_pad())
		return false;
	return put_at(rec, space);
}

static inline bool put_one(uint16_t service, uint16_t flags, uint64_t id, uint32_t len)
{
	struct mk_record rec = { .service = service, .flags = flags, .id = id, .len = len };

	return put(&rec);
}

/*
 * Number of the host's offer of a service, without which it opens nothing.  Its
 * ring begins with them, and is not overwritten while less than a whole one came.
 */
static inline uint32_t host_offer(uint16_t service)
{
	const volatile uint8_t *down = (const volatile uint8_t *)host + MK_WINDOW_TX_RING;
	uint32_t at, head = host->ctl.head, offer = 0;
	struct mk_record rec;

	for (at = 0; head <= MK_RING_SIZE && at < head; at += space_of(rec.len)) {
		memcpy(&rec, (const void *)(down + at), sizeof(rec));
		if (rec.service == service && rec.flags == MK_RECORD_OFFER)
			offer = MK_OFFER_MINE(rec.id);
	}
	return offer;
}

/* In the log of the kernel, which is the spawn's way to tell the test */
static inline void say(const char *name, const char *what)
{
	char line[128];
	int len = snprintf(line, sizeof(line), "spawn: lie %s %s\n", name, what);

	mk_write("/dev/kmsg", line, len);
}

struct lie {
	const char *name;
	void (*tell)(void);
};

/* NAME[:NUMBER[:COUNT]]: one of @lies, which ends with an empty one; exit status */
static inline int tell(char *what, const struct lie *lies)
{
	char *arg = strchr(what, ':');

	if (arg) {
		*arg++ = '\0';
		number = strtoull(arg, &arg, 0);
		seed = number * 2 + 1;
		if (*arg == ':')
			count = strtoull(arg + 1, NULL, 0);
	}
	for (; lies->name; lies++) {
		if (strcmp(what, lies->name))
			continue;
		say(what, "now");
		lies->tell();
		say(what, "done");
		return 0;
	}
	say(what, "is not one of the lies here");
	return 2;
}

#endif /* _SELFTEST_LIAR_H */
