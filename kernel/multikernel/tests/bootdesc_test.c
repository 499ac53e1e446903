// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the codec of the boot description
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../bootdesc.h"
#include "guarded.h"

#define FIXED		sizeof(struct mk_boot_desc)
#define SPACE(nr)	(FIXED + (nr) * sizeof(u32))

/* CPUs of the description that most tests damage */
#define NR		5

static const struct mk_boot_desc mk_sample = {
	.flags		= MK_DESC_X2APIC,
	.id		= 513,
	.epoch		= 7,
	.name		= "web-1",
	.window_phys	= 0x123456000,
	.window_size	= MK_WINDOW_SIZE,
	.tsc_khz	= 2893437,
	.apic_timer_khz	= 1000000,
	.wall_ns	= 1767225600123456789ULL,
	.wall_tsc	= 0xfedcba9876543210ULL,
	.nr_cpus	= NR,
};

static u32 mk_apic_id(u32 i)
{
	/* No two alike, all four bytes in use, 0 among them */
	return i * 0x01020304;
}

/* Encode mk_sample with @nr CPUs into the last bytes of guarded memory */
static u8 *mk_encode(struct kunit *test, u32 nr)
{
	struct mk_boot_desc desc = mk_sample;
	u8 *buf = mk_guarded(test, SPACE(nr));
	u32 *ids, i;

	ids = kunit_kmalloc_array(test, nr, sizeof(*ids), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ids);
	for (i = 0; i < nr; i++)
		ids[i] = mk_apic_id(i);

	desc.nr_cpus = nr;
	KUNIT_ASSERT_EQ(test, mk_bootdesc_encode(buf, SPACE(nr), &desc, ids), 0);

	return buf;
}

static void mk_desc_layout(struct kunit *test)
{
	/* ABI: these never change, see boot-protocol.rst */
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_boot_desc), 104);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, magic), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, abi_version), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, size), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, flags), 12);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, id), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, epoch), 20);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, name), 24);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, window_phys), 56);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, window_size), 64);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, tsc_khz), 72);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, apic_timer_khz), 76);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, wall_ns), 80);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, wall_tsc), 88);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, nr_cpus), 96);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, reserved), 100);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_boot_desc, apic_ids), 104);
}

static void mk_desc_size(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, mk_bootdesc_size(0), 104);
	KUNIT_EXPECT_EQ(test, mk_bootdesc_size(1), 108);
	KUNIT_EXPECT_EQ(test, mk_bootdesc_size(MK_DESC_MAX_CPUS), 104 + 1024);
	/* In 32 bits this would be small */
	KUNIT_EXPECT_EQ(test, mk_bootdesc_size(0x40000000), 104 + (1ULL << 32));
	KUNIT_EXPECT_EQ(test, mk_bootdesc_size(U32_MAX), 104 + 4ULL * U32_MAX);
}

static void mk_desc_round_trip(struct kunit *test)
{
	static const u32 counts[] = { 1, 2, NR, 255, MK_DESC_MAX_CPUS };
	struct mk_boot_desc got, want;
	const char *why;
	int i, k;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		u32 nr = counts[i];
		u8 *buf = mk_encode(test, nr);
		u32 *ids = (u32 *)mk_guarded(test, nr * sizeof(u32));

		why = "not set";
		KUNIT_ASSERT_EQ(test, mk_bootdesc_decode(buf, SPACE(nr), &got, ids, nr,
							 &why), nr);
		KUNIT_EXPECT_NULL(test, why);

		want = mk_sample;
		want.magic = MK_DESC_MAGIC;
		want.abi_version = MK_ABI_VERSION;
		want.size = SPACE(nr);
		want.nr_cpus = nr;
		KUNIT_EXPECT_MEMEQ(test, &got, &want, FIXED);
		for (k = 0; k < nr; k++)
			KUNIT_ASSERT_EQ(test, ids[k], mk_apic_id(k));
	}
}

/* Whatever the caller left in them */
static void mk_desc_encode_fills_header(struct kunit *test)
{
	struct mk_boot_desc desc = mk_sample, *out;
	u32 ids[NR] = { };

	desc.magic = ~0;
	desc.abi_version = ~0;
	desc.size = ~0;
	out = (struct mk_boot_desc *)mk_guarded(test, SPACE(NR));
	KUNIT_ASSERT_EQ(test, mk_bootdesc_encode(out, SPACE(NR), &desc, ids), 0);
	KUNIT_EXPECT_EQ(test, out->magic, MK_DESC_MAGIC);
	KUNIT_EXPECT_EQ(test, out->abi_version, MK_ABI_VERSION);
	KUNIT_EXPECT_EQ(test, out->size, SPACE(NR));
}

static void mk_desc_encode_no_room(struct kunit *test)
{
	u8 *buf = mk_guarded(test, SPACE(NR));
	u32 ids[NR] = { };
	size_t len;

	for (len = 0; len < SPACE(NR); len++)
		KUNIT_ASSERT_EQ_MSG(test, mk_bootdesc_encode(buf, len, &mk_sample, ids),
				    -ENOSPC, "%zu bytes", len);
	KUNIT_EXPECT_TRUE(test, mk_untouched(buf, SPACE(NR)));
	KUNIT_EXPECT_EQ(test, mk_bootdesc_encode(buf, len, &mk_sample, ids), 0);
}

static void mk_desc_encode_bad_count(struct kunit *test)
{
	static const u32 counts[] = {
		0, MK_DESC_MAX_CPUS + 1, 0x40000000, 0x40000001, U32_MAX
	};
	struct mk_boot_desc desc = mk_sample;
	u8 *buf = mk_guarded(test, SPACE(NR));
	u32 ids[NR] = { };
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		desc.nr_cpus = counts[i];
		KUNIT_EXPECT_EQ(test, mk_bootdesc_encode(buf, SIZE_MAX, &desc, ids),
				-EINVAL);
	}
	KUNIT_EXPECT_TRUE(test, mk_untouched(buf, SPACE(NR)));
}

/*
 * Each length gets memory of exactly that length, so that believing the size
 * in the header faults.
 */
static void mk_desc_truncated(struct kunit *test)
{
	const u8 *whole = mk_encode(test, NR);
	u8 *end = mk_guarded(test, SPACE(NR)) + SPACE(NR);
	u32 *ids = (u32 *)mk_guarded(test, NR * sizeof(u32));
	struct mk_boot_desc desc;
	const char *why;
	size_t len;

	for (len = 0; len < SPACE(NR); len++) {
		memcpy(end - len, whole, len);
		why = NULL;
		KUNIT_ASSERT_EQ_MSG(test, mk_bootdesc_decode(end - len, len, &desc, ids,
							     NR, &why),
				    len < FIXED ? -EBADMSG : -EINVAL, "%zu bytes", len);
		KUNIT_ASSERT_STREQ(test, why, len < FIXED ? "too short" : "bad size");
	}
	KUNIT_EXPECT_TRUE(test, mk_untouched(ids, NR * sizeof(u32)));
}

/* A later version of the structure is longer: what follows is not looked at */
static void mk_desc_longer(struct kunit *test)
{
	u8 *buf = mk_guarded(test, SPACE(NR) + 40);
	u32 *ids = (u32 *)mk_guarded(test, NR * sizeof(u32));
	struct mk_boot_desc desc;
	const char *why;
	u32 size;

	memcpy(buf, mk_encode(test, NR), SPACE(NR));
	for (size = SPACE(NR); size <= SPACE(NR) + 40; size++) {
		memcpy(buf + offsetof(struct mk_boot_desc, size), &size, sizeof(size));
		KUNIT_ASSERT_EQ(test, mk_bootdesc_decode(buf, SPACE(NR) + 40, &desc, ids,
							 NR, &why), NR);
		KUNIT_ASSERT_EQ(test, desc.size, size);
	}
	/* And setup_data may be longer than what it holds */
	KUNIT_EXPECT_EQ(test, ids[NR - 1], mk_apic_id(NR - 1));
}

/* One field of a good description replaced */
struct mk_damage {
	const char *desc;
	size_t at;
	size_t len;
	u64 value;
	int ret;
	const char *why;
};

#define AT(field)	offsetof(struct mk_boot_desc, field)

static const struct mk_damage mk_damages[] = {
	{ "magic = 0", AT(magic), 4, 0, -EBADMSG, "wrong magic" },
	{ "magic = MK_DESC_MAGIC ^ 1",
	  AT(magic), 4, MK_DESC_MAGIC ^ 1, -EBADMSG, "wrong magic" },
	{ "magic = MK_DESC_MAGIC ^ 0x80000000",
	  AT(magic), 4, MK_DESC_MAGIC ^ 0x80000000, -EBADMSG, "wrong magic" },
	{ "magic = MK_HOST_MAGIC", AT(magic), 4, MK_HOST_MAGIC, -EBADMSG, "wrong magic" },
	{ "abi_version = 0", AT(abi_version), 4, 0, -EPROTONOSUPPORT, "other ABI version" },
	{ "abi_version = MK_ABI_VERSION + 1",
	  AT(abi_version), 4, MK_ABI_VERSION + 1, -EPROTONOSUPPORT, "other ABI version" },
	{ "abi_version = U32_MAX",
	  AT(abi_version), 4, U32_MAX, -EPROTONOSUPPORT, "other ABI version" },
	{ "size = 0", AT(size), 4, 0, -EINVAL, "bad size" },
	{ "size = FIXED", AT(size), 4, FIXED, -EINVAL, "bad size" },
	{ "size = SPACE(NR) - 1", AT(size), 4, SPACE(NR) - 1, -EINVAL, "bad size" },
	{ "size = SPACE(NR) + 1", AT(size), 4, SPACE(NR) + 1, -EINVAL, "bad size" },
	{ "size = U32_MAX", AT(size), 4, U32_MAX, -EINVAL, "bad size" },
	{ "flags = 0", AT(flags), 4, 0, NR, NULL },
	{ "flags = MK_DESC_X2APIC | 2",
	  AT(flags), 4, MK_DESC_X2APIC | 2, -EINVAL, "unknown flag" },
	{ "flags = 0x80000000", AT(flags), 4, 0x80000000, -EINVAL, "unknown flag" },
	{ "flags = U32_MAX", AT(flags), 4, U32_MAX, -EINVAL, "unknown flag" },
	{ "id = 0", AT(id), 4, 0, -EINVAL, "bad id" },
	{ "id = 1", AT(id), 4, 1, NR, NULL },
	{ "id = MK_ID_MAX", AT(id), 4, MK_ID_MAX, NR, NULL },
	{ "id = MK_ID_MAX + 1", AT(id), 4, MK_ID_MAX + 1, -EINVAL, "bad id" },
	{ "id = U32_MAX", AT(id), 4, U32_MAX, -EINVAL, "bad id" },
	{ "epoch = U32_MAX", AT(epoch), 4, U32_MAX, NR, NULL },
	{ "name[0] = 0", AT(name[0]), 1, 0, -EINVAL, "bad name" },
	{ "window_phys = 0", AT(window_phys), 8, 0, -EINVAL, "bad window" },
	{ "window_phys = 4096", AT(window_phys), 8, 4096, NR, NULL },
	{ "window_phys = 0x123456001",
	  AT(window_phys), 8, 0x123456001, -EINVAL, "bad window" },
	{ "window_phys = 0x123456800",
	  AT(window_phys), 8, 0x123456800, -EINVAL, "bad window" },
	{ "window_phys = U64_MAX", AT(window_phys), 8, U64_MAX, -EINVAL, "bad window" },
	/* Ends beyond 2^64 */
	{ "window_phys = -4096ULL", AT(window_phys), 8, -4096ULL, -EINVAL, "bad window" },
	{ "window_phys = -(u64)MK_WINDOW_SIZE + 4096",
	  AT(window_phys), 8, -(u64)MK_WINDOW_SIZE + 4096, -EINVAL, "bad window" },
	{ "window_size = 0", AT(window_size), 8, 0, -EINVAL, "bad window" },
	{ "window_size = MK_WINDOW_SIZE - 1",
	  AT(window_size), 8, MK_WINDOW_SIZE - 1, -EINVAL, "bad window" },
	{ "window_size = MK_WINDOW_SIZE + 4096",
	  AT(window_size), 8, MK_WINDOW_SIZE + 4096, NR, NULL },
	{ "window_size = U64_MAX", AT(window_size), 8, U64_MAX, -EINVAL, "bad window" },
	{ "tsc_khz = 0", AT(tsc_khz), 4, 0, -EINVAL, "no TSC frequency" },
	{ "tsc_khz = U32_MAX", AT(tsc_khz), 4, U32_MAX, NR, NULL },
	/* 0 says that the host doesn't know it */
	{ "apic_timer_khz = 0", AT(apic_timer_khz), 4, 0, NR, NULL },
	{ "wall_ns = 0", AT(wall_ns), 8, 0, NR, NULL },
	{ "wall_tsc = 0", AT(wall_tsc), 8, 0, NR, NULL },
	{ "nr_cpus = 0", AT(nr_cpus), 4, 0, -EINVAL, "bad size" },
	{ "nr_cpus = 1", AT(nr_cpus), 4, 1, 1, NULL },
	{ "nr_cpus = NR + 1", AT(nr_cpus), 4, NR + 1, -EINVAL, "bad size" },
	{ "nr_cpus = MK_DESC_MAX_CPUS",
	  AT(nr_cpus), 4, MK_DESC_MAX_CPUS, -EINVAL, "bad size" },
	{ "nr_cpus = MK_DESC_MAX_CPUS + 1",
	  AT(nr_cpus), 4, MK_DESC_MAX_CPUS + 1, -EINVAL, "bad size" },
	/* Times four that is 0 and NR * 4 in 32 bits */
	{ "nr_cpus = 0x40000000", AT(nr_cpus), 4, 0x40000000, -EINVAL, "bad size" },
	{ "nr_cpus = 0x40000000 + NR",
	  AT(nr_cpus), 4, 0x40000000 + NR, -EINVAL, "bad size" },
	{ "nr_cpus = U32_MAX", AT(nr_cpus), 4, U32_MAX, -EINVAL, "bad size" },
	/* A field to come: whoever sets it can't expect this version to look */
	{ "reserved = U32_MAX", AT(reserved), 4, U32_MAX, NR, NULL },
};

KUNIT_ARRAY_PARAM_DESC(mk_damages, mk_damages, desc);

static void mk_desc_damaged_field(struct kunit *test)
{
	const struct mk_damage *d = test->param_value;
	u8 *buf = mk_encode(test, NR);
	u32 *ids = (u32 *)mk_guarded(test, NR * sizeof(u32));
	struct mk_boot_desc desc;
	const char *why = "not set";

	memcpy(buf + d->at, &d->value, d->len);

	KUNIT_EXPECT_EQ(test, mk_bootdesc_decode(buf, SPACE(NR), &desc, ids, NR, &why),
			d->ret);
	if (d->why)
		KUNIT_EXPECT_STREQ(test, why ?: "nothing", d->why);
	else
		KUNIT_EXPECT_NULL(test, why);
	if (d->ret < 0)
		KUNIT_EXPECT_TRUE(test, mk_untouched(ids, NR * sizeof(u32)));
}

static void mk_desc_name_length(struct kunit *test)
{
	u8 *buf = mk_encode(test, NR);
	char *name = buf + offsetof(struct mk_boot_desc, name);
	struct mk_boot_desc desc;
	const char *why;
	u32 ids[NR];

	memset(name, 'n', MK_NAME_MAX);
	name[MK_NAME_MAX] = '\0';
	KUNIT_EXPECT_EQ(test, mk_bootdesc_decode(buf, SPACE(NR), &desc, ids, NR, &why),
			NR);

	name[MK_NAME_MAX] = 'n';
	KUNIT_EXPECT_EQ(test, mk_bootdesc_decode(buf, SPACE(NR), &desc, ids, NR, &why),
			-EINVAL);
	KUNIT_EXPECT_STREQ(test, why, "bad name");
}

/* More CPUs than one description can list, although there is room for them */
static void mk_desc_too_many_cpus(struct kunit *test)
{
	u32 nr = MK_DESC_MAX_CPUS + 1, size = SPACE(nr);
	struct mk_boot_desc *buf = (struct mk_boot_desc *)mk_guarded(test, size);
	u32 *ids = (u32 *)mk_guarded(test, nr * sizeof(u32));
	struct mk_boot_desc desc;
	const char *why;

	memcpy(buf, mk_encode(test, NR), SPACE(NR));
	buf->nr_cpus = nr;
	buf->size = size;
	KUNIT_EXPECT_EQ(test, mk_bootdesc_decode(buf, size, &desc, ids, nr, &why), -EINVAL);
	KUNIT_EXPECT_STREQ(test, why, "bad size");
	KUNIT_EXPECT_TRUE(test, mk_untouched(ids, nr * sizeof(u32)));
}

/* More CPUs than this kernel was built for: it takes what it can use */
static void mk_desc_fewer_wanted(struct kunit *test)
{
	const u8 *buf = mk_encode(test, NR);
	u32 *all = (u32 *)mk_guarded(test, NR * sizeof(u32));
	struct mk_boot_desc desc;
	const char *why;
	u32 max, i;

	for (max = 0; max <= NR; max++) {
		u32 *ids = all + NR - max;

		memset(all, MK_POISON, NR * sizeof(u32));
		KUNIT_ASSERT_EQ(test, mk_bootdesc_decode(buf, SPACE(NR), &desc, ids, max,
							 &why), max);
		KUNIT_EXPECT_NULL(test, why);
		KUNIT_EXPECT_EQ(test, desc.nr_cpus, NR);
		KUNIT_EXPECT_TRUE(test, mk_untouched(all, (NR - max) * sizeof(u32)));
		for (i = 0; i < max; i++)
			KUNIT_ASSERT_EQ(test, ids[i], mk_apic_id(i));
	}

	/* No more than there are, however many are wanted */
	KUNIT_EXPECT_EQ(test, mk_bootdesc_decode(buf, SPACE(NR), &desc, all, U32_MAX, &why),
			NR);
}

/* The rules once more, as boot-protocol.rst has them, with no hurry */
static int mk_verdict(const u8 *buf, size_t len)
{
	struct mk_boot_desc d;

	if (len < FIXED)
		return -EBADMSG;
	memcpy(&d, buf, FIXED);
	if (d.magic != MK_DESC_MAGIC)
		return -EBADMSG;
	if (d.abi_version != MK_ABI_VERSION)
		return -EPROTONOSUPPORT;
	if (d.nr_cpus < 1 || d.nr_cpus > 256 || d.size < 104 + 4 * d.nr_cpus ||
	    d.size > len)
		return -EINVAL;
	if (d.flags > 1)
		return -EINVAL;
	if (d.name[0] == '\0' || !memchr(d.name, '\0', 32))
		return -EINVAL;
	if (d.id < 1 || d.id > 65535)
		return -EINVAL;
	if (d.window_phys == 0 || d.window_phys % 4096 || d.window_size < 0x200000 ||
	    d.window_phys + d.window_size < d.window_phys)
		return -EINVAL;
	if (d.tsc_khz == 0)
		return -EINVAL;

	return d.nr_cpus;
}

/* Decode @len bytes that end at @end, and hold the answer against the rules */
static int mk_decode_and_check(struct kunit *test, const u8 *end, size_t len,
			       u32 *ids_end, u32 max)
{
	u32 *ids = ids_end - max;
	struct mk_boot_desc desc;
	const char *why;
	int want, got;

	memset(ids, MK_POISON, max * sizeof(u32));
	want = mk_verdict(end - len, len);
	got = mk_bootdesc_decode(end - len, len, &desc, ids, max, &why);

	if (want < 0) {
		KUNIT_ASSERT_EQ(test, got, want);
		KUNIT_ASSERT_NOT_NULL(test, why);
		KUNIT_ASSERT_TRUE(test, mk_untouched(ids, max * sizeof(u32)));
		return got;
	}
	want = min_t(u32, want, max);
	KUNIT_ASSERT_EQ(test, got, want);
	KUNIT_ASSERT_NULL(test, why);
	KUNIT_ASSERT_EQ(test, memcmp(&desc, end - len, FIXED), 0);
	KUNIT_ASSERT_EQ(test, memcmp(ids, end - len + FIXED, got * sizeof(u32)), 0);
	KUNIT_ASSERT_TRUE(test, mk_untouched(ids + got, (max - got) * sizeof(u32)));

	return got;
}

static void mk_desc_every_bit(struct kunit *test)
{
	u8 *buf = mk_encode(test, NR), *end = buf + SPACE(NR);
	u32 *ids_end = (u32 *)mk_guarded(test, NR * sizeof(u32)) + NR;
	int bit;

	for (bit = 0; bit < SPACE(NR) * 8; bit++) {
		buf[bit / 8] ^= BIT(bit % 8);
		mk_decode_and_check(test, end, SPACE(NR), ids_end, NR);
		buf[bit / 8] ^= BIT(bit % 8);
	}
	KUNIT_EXPECT_EQ(test, mk_decode_and_check(test, end, SPACE(NR), ids_end, NR), NR);
}

static void mk_desc_random(struct kunit *test)
{
	static const u32 words[] = {
		0, 1, NR, NR + 1, 255, 256, 257, 4096, SPACE(NR), MK_WINDOW_SIZE,
		0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, U32_MAX - 4095, U32_MAX,
	};
	const u8 *whole = mk_encode(test, NR);
	u8 *end = mk_guarded(test, SPACE(NR)) + SPACE(NR);
	u32 *ids_end = (u32 *)mk_guarded(test, 8 * sizeof(u32)) + 8;
	u32 i, k, n, good = 0, bad = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 0x6d6b64657363ULL);

	for (i = 0; i < 30000; i++) {
		size_t len = SPACE(NR);
		u8 *buf;

		if (prandom_u32_state(&rnd) % 8 == 0)
			len = prandom_u32_state(&rnd) % (SPACE(NR) + 1);
		buf = end - len;
		memcpy(buf, whole, len);

		/* Bytes of noise and words that are near some limit */
		n = prandom_u32_state(&rnd) % 4;
		for (k = 0; k < n && len >= FIXED; k++) {
			u32 at = prandom_u32_state(&rnd) % (len - 3);
			u32 word = words[prandom_u32_state(&rnd) % ARRAY_SIZE(words)];

			if (prandom_u32_state(&rnd) & 1)
				buf[at] = prandom_u32_state(&rnd);
			else
				memcpy(buf + round_down(at, 4), &word, sizeof(word));
		}

		if (mk_decode_and_check(test, end, len, ids_end,
					prandom_u32_state(&rnd) % 9) < 0)
			bad++;
		else
			good++;
	}

	/* Both must come up often, or this tests less than it claims */
	KUNIT_EXPECT_GT(test, good, 1000);
	KUNIT_EXPECT_GT(test, bad, 1000);
}

/* Nothing but noise, behind a header that gets it past the first checks */
static void mk_desc_garbage(struct kunit *test)
{
	u8 *end = mk_guarded(test, 512) + 512;
	u32 *ids_end = (u32 *)mk_guarded(test, 300 * sizeof(u32)) + 300;
	struct rnd_state rnd;
	u32 i;

	prandom_seed_state(&rnd, 0x6d6b6e6f697365ULL);

	for (i = 0; i < 10000; i++) {
		size_t len = prandom_u32_state(&rnd) % 513;
		u32 header[] = { MK_DESC_MAGIC, MK_ABI_VERSION,
				 prandom_u32_state(&rnd) % 1024 };

		prandom_bytes_state(&rnd, end - len, len);
		memcpy(end - len, header, min(len, sizeof(header)));
		mk_decode_and_check(test, end, len, ids_end, prandom_u32_state(&rnd) % 301);
	}
}

static struct kunit_case mk_desc_cases[] = {
	KUNIT_CASE(mk_desc_layout),
	KUNIT_CASE(mk_desc_size),
	KUNIT_CASE(mk_desc_round_trip),
	KUNIT_CASE(mk_desc_encode_fills_header),
	KUNIT_CASE(mk_desc_encode_no_room),
	KUNIT_CASE(mk_desc_encode_bad_count),
	KUNIT_CASE(mk_desc_truncated),
	KUNIT_CASE(mk_desc_longer),
	KUNIT_CASE_PARAM(mk_desc_damaged_field, mk_damages_gen_params),
	KUNIT_CASE(mk_desc_name_length),
	KUNIT_CASE(mk_desc_too_many_cpus),
	KUNIT_CASE(mk_desc_fewer_wanted),
	KUNIT_CASE(mk_desc_every_bit),
	KUNIT_CASE(mk_desc_random),
	KUNIT_CASE(mk_desc_garbage),
	{}
};

static struct kunit_suite mk_desc_suite = {
	.name = "multikernel_bootdesc",
	.test_cases = mk_desc_cases,
};

kunit_test_suite(mk_desc_suite);
