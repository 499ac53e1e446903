// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the parser of create lines
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../request.h"
#include "guarded.h"

#define NAME31	"abcdefghijklmnopqrstuvwxyz01234"
#define RULE	": a letter or digit, then letters, digits, '_', '-', '.', no '..'"

/* Most tests are about one word: the others of a good line */
#define NO_NAME		"cpus=2-3 memory=256M "
#define NO_CPUS		"name=web memory=256M "
#define NO_MEMORY	"name=web cpus=2-3 "
#define FINE		"name=web cpus=2-3 memory=256M "

/*
 * Parse a copy of @line that ends at a guard page, as the parser cuts its
 * input up; the complaint ends at one, too.
 */
static int mk_parse(struct kunit *test, const char *line, struct mk_request *req,
		    struct mk_complaint **c)
{
	size_t len = strlen(line) + 1;
	u8 *copy = mk_guarded(test, len);

	memcpy(copy, line, len);
	*c = (struct mk_complaint *)mk_guarded(test, sizeof(**c));
	(*c)->text[0] = '\0';

	return mk_request_parse(copy, req, *c);
}

struct mk_good {
	const char *desc;
	const char *line;
	struct mk_request want;
};

/* What is not said is as in the first line below */
#define WANT(...)	{ __VA_ARGS__ }

static const struct mk_good mk_good_lines[] = {
	{ "plain", "name=web cpus=2-3 memory=256M", WANT() },
	{ "newline at the end", "name=web cpus=2-3 memory=256M\n", WANT() },
	{ "other order", "memory=256M name=web cpus=2-3", WANT() },
	{ "blanks everywhere", " \t name=web\t\tcpus=2-3  memory=256M \t\n\n", WANT() },
	{ "newlines between", "name=web\ncpus=2-3\nmemory=256M\n", WANT() },
	{ "every key",
	  "split_core=1 id=7 memory=256M cpus=2-3 name=web", WANT(.id = 7, .split_core = true) },

	{ "id 1", FINE "id=1", WANT(.id = 1) },
	{ "largest id", FINE "id=65535", WANT(.id = 65535) },
	{ "hexadecimal id", FINE "id=0x10", WANT(.id = 16) },
	{ "split_core=0", FINE "split_core=0", WANT() },
	{ "split_core=1", FINE "split_core=1", WANT(.split_core = true) },

	{ "name of 31 bytes", NO_NAME "name=" NAME31, WANT(.name = NAME31) },
	{ "name of 1 byte", NO_NAME "name=x", WANT(.name = "x") },
	{ "name that is a number", NO_NAME "name=0", WANT(.name = "0") },
	{ "name with every sign", NO_NAME "name=Z_a-9.b", WANT(.name = "Z_a-9.b") },
	{ "name with dots apart", NO_NAME "name=a.b.c.", WANT(.name = "a.b.c.") },
	{ "name that is a key", NO_NAME "name=memory", WANT(.name = "memory") },

	/* What CPU lists there are is known further up */
	{ "any CPU list", NO_CPUS "cpus=1,3-5,7:x", WANT(.cpus = "1,3-5,7:x") },

	{ "memory in bytes", NO_MEMORY "memory=268435456", WANT() },
	{ "memory of one byte", NO_MEMORY "memory=1", WANT(.memory = 1) },
	{ "memory in k", NO_MEMORY "memory=262144k", WANT() },
	{ "memory in K", NO_MEMORY "memory=262144K", WANT() },
	{ "memory in m", NO_MEMORY "memory=256m", WANT() },
	{ "memory in g", NO_MEMORY "memory=3g", WANT(.memory = 3ULL << 30) },
	{ "memory in G", NO_MEMORY "memory=3G", WANT(.memory = 3ULL << 30) },
	{ "memory in t", NO_MEMORY "memory=3t", WANT(.memory = 3ULL << 40) },
	{ "memory in T", NO_MEMORY "memory=3T", WANT(.memory = 3ULL << 40) },
	{ "memory in p", NO_MEMORY "memory=3p", WANT(.memory = 3ULL << 50) },
	{ "memory in P", NO_MEMORY "memory=3P", WANT(.memory = 3ULL << 50) },
	{ "memory in e", NO_MEMORY "memory=3e", WANT(.memory = 3ULL << 60) },
	{ "memory in E", NO_MEMORY "memory=3E", WANT(.memory = 3ULL << 60) },
	{ "hexadecimal memory", NO_MEMORY "memory=0x10000000", WANT() },
	{ "hexadecimal memory in M", NO_MEMORY "memory=0x100M", WANT() },
	{ "hexadecimal memory that ends with e",
	  NO_MEMORY "memory=0x1e", WANT(.memory = 0x1e) },
	{ "memory that just fits", NO_MEMORY "memory=15E", WANT(.memory = 15ULL << 60) },
	{ "memory that just fits in G", NO_MEMORY "memory=17179869183G",
	  WANT(.memory = U64_MAX - SZ_1G + 1) },
	{ "memory that just fits in bytes", NO_MEMORY "memory=18446744073709551615",
	  WANT(.memory = U64_MAX) },
};

KUNIT_ARRAY_PARAM_DESC(mk_good_lines, mk_good_lines, desc);

static void mk_request_good(struct kunit *test)
{
	const struct mk_good *g = test->param_value;
	const struct mk_request *want = &g->want;
	struct mk_complaint *c;
	struct mk_request req;

	memset(&req, MK_POISON, sizeof(req));
	KUNIT_ASSERT_EQ_MSG(test, mk_parse(test, g->line, &req, &c), 0, "%s", c->text);
	KUNIT_EXPECT_STREQ(test, req.name, want->name[0] ? want->name : "web");
	KUNIT_EXPECT_STREQ(test, req.cpus, want->cpus ?: "2-3");
	KUNIT_EXPECT_EQ(test, req.memory, want->memory ?: SZ_256M);
	KUNIT_EXPECT_EQ(test, req.id, want->id);
	KUNIT_EXPECT_EQ(test, req.split_core, want->split_core);
}

struct mk_bad {
	const char *desc;
	const char *line;
	const char *complaint;
};

#define EMPTY_LINE	"'' is empty, give name= cpus= memory="

static const struct mk_bad mk_bad_lines[] = {
	{ "empty", "", EMPTY_LINE },
	{ "a newline", "\n", EMPTY_LINE },
	{ "blanks", "\n  \t", EMPTY_LINE },

	/* Words */
	{ "no value", "web", "'web' is not key=value" },
	{ "no value after good ones", FINE "bogus", "'bogus' is not key=value" },
	{ "blank around =", "name = web", "'name' is not key=value" },
	{ "blank in the name", NO_NAME "name=a b", "'b' is not key=value" },
	{ "unknown key", "colour=red " FINE, "unknown key 'colour'" },
	{ "unknown key after good ones", FINE "colour=red", "unknown key 'colour'" },
	{ "no key", FINE "=x", "unknown key ''" },
	{ "= alone", "=", "unknown key ''" },
	{ "key in capitals", "Name=web " NO_NAME, "unknown key 'Name'" },
	{ "start of a key", "nam=web " NO_NAME, "unknown key 'nam'" },
	{ "more than a key", "names=web " NO_NAME, "unknown key 'names'" },
	{ "the first offence counts", "a=1 b name=/", "unknown key 'a'" },
	{ "long key is cut", "k123456789k123456789k123456789k123456789XYZ=1",
	  "unknown key 'k123456789k123456789k123456789k123456789'" },
	{ "long word is cut", "w123456789w123456789w123456789w123456789XYZ",
	  "'w123456789w123456789w123456789w123456789' is not key=value" },

	/* Twice */
	{ "name twice", FINE "name=db", "key 'name' stands twice" },
	{ "same name twice", FINE "name=web", "key 'name' stands twice" },
	{ "cpus twice", FINE "cpus=4", "key 'cpus' stands twice" },
	{ "memory twice", FINE "memory=256M", "key 'memory' stands twice" },
	{ "id twice", FINE "id=1 id=2", "key 'id' stands twice" },
	{ "split_core twice", FINE "split_core=1 split_core=1",
	  "key 'split_core' stands twice" },

	/* Missing */
	{ "no name", NO_NAME, "missing key 'name'" },
	{ "no cpus", NO_CPUS, "missing key 'cpus'" },
	{ "no memory", NO_MEMORY, "missing key 'memory'" },
	{ "only id", "id=4", "missing key 'name'" },

	/* Names */
	{ "empty name", NO_NAME "name=", "name '' is empty" },
	{ "name of 32 bytes", NO_NAME "name=" NAME31 "5",
	  "name '" NAME31 "5...' is longer than 31 bytes" },
	{ "name of 62 bytes", NO_NAME "name=" NAME31 NAME31,
	  "name '" NAME31 "abcdefghi...' is longer than 31 bytes" },
	{ "slash", NO_NAME "name=a/b", "name 'a/b'" RULE },
	{ "slash alone", NO_NAME "name=/", "name '/'" RULE },
	{ "dot", NO_NAME "name=.", "name '.'" RULE },
	{ "dot-dot", NO_NAME "name=..", "name '..'" RULE },
	{ "dot-dot-slash", NO_NAME "name=../x", "name '../x'" RULE },
	{ "dot-dot inside", NO_NAME "name=a..b", "name 'a..b'" RULE },
	{ "dot-dot at the end", NO_NAME "name=a..", "name 'a..'" RULE },
	{ "hidden", NO_NAME "name=.a", "name '.a'" RULE },
	{ "like an option", NO_NAME "name=-a", "name '-a'" RULE },
	{ "underscore first", NO_NAME "name=_a", "name '_a'" RULE },
	{ "second =", NO_NAME "name=a=b", "name 'a=b'" RULE },
	{ "comma", NO_NAME "name=a,b", "name 'a,b'" RULE },
	{ "star", NO_NAME "name=a*", "name 'a*'" RULE },
	{ "colon", NO_NAME "name=a:b", "name 'a:b'" RULE },
	{ "quotes", NO_NAME "name='a'", "name ''a''" RULE },
	{ "a format is no format", NO_NAME "name=%s%n%p", "name '%s%n%p'" RULE },

	/* Nothing that moves the cursor of whoever reads the log */
	{ "control byte", NO_NAME "name=a\001b", "name 'a\\001b'" RULE },
	{ "escape", NO_NAME "name=\033[31m", "name '\\e[31m'" RULE },
	{ "carriage return", NO_NAME "name=a\rb", "name 'a\\rb'" RULE },
	{ "vertical tab", NO_NAME "name=a\vb", "name 'a\\vb'" RULE },
	{ "delete", NO_NAME "name=a\177", "name 'a\\177'" RULE },
	{ "C1 control byte", NO_NAME "name=a\233m", "name 'a\\233m'" RULE },
	{ "control byte in a key", FINE "k\001y=1", "unknown key 'k\\001y'" },
	{ "control byte in a word", FINE "\a\b", "'\\a\\010' is not key=value" },
	{ "control byte in memory", NO_MEMORY "memory=\033c",
	  "memory '\\ec' is not a size" },
	{ "control byte in id", FINE "id=1\r", "id '1\\r' is not in 1..65535" },
	{ "control byte in split_core", FINE "split_core=\001",
	  "split_core '\\001' is not 0 or 1" },

	/* CPUs */
	{ "empty cpus", NO_CPUS "cpus=", "cpus '' is empty" },

	/* Memory */
	{ "empty memory", NO_MEMORY "memory=", "memory '' is not a size" },
	{ "no memory at all", NO_MEMORY "memory=0", "memory '0' is nothing" },
	{ "none in M", NO_MEMORY "memory=0M", "memory '0M' is nothing" },
	{ "none in hexadecimal", NO_MEMORY "memory=0x0", "memory '0x0' is nothing" },
	{ "memory is a word", NO_MEMORY "memory=lots", "memory 'lots' is not a size" },
	{ "only a suffix", NO_MEMORY "memory=M", "memory 'M' is not a size" },
	{ "negative memory", NO_MEMORY "memory=-1", "memory '-1' is not a size" },
	{ "negative memory in M", NO_MEMORY "memory=-256M",
	  "memory '-256M' is not a size" },
	{ "plus", NO_MEMORY "memory=+256M", "memory '+256M' is not a size" },
	{ "fraction", NO_MEMORY "memory=1.5G", "memory '1.5G' is not a size" },
	{ "unknown suffix", NO_MEMORY "memory=256Q", "memory '256Q' is not a size" },
	{ "two suffixes", NO_MEMORY "memory=256MB", "memory '256MB' is not a size" },
	{ "suffix twice", NO_MEMORY "memory=1MM", "memory '1MM' is not a size" },
	{ "percent", NO_MEMORY "memory=50%", "memory '50%' is not a size" },
	{ "half a number", NO_MEMORY "memory=0x", "memory '0x' is not a size" },
	{ "half a number in M", NO_MEMORY "memory=0xM", "memory '0xM' is not a size" },
	{ "two in one", NO_MEMORY "memory=1M@2M", "memory '1M@2M' is not a size" },
	/* 2^64 and beyond, where a shift or a sum would come out small */
	{ "2^64", NO_MEMORY "memory=18446744073709551616",
	  "memory '18446744073709551616' is not a size" },
	{ "2^64 + 1G", NO_MEMORY "memory=18446744074783293440",
	  "memory '18446744074783293440' is not a size" },
	{ "2^64 in E", NO_MEMORY "memory=16E", "memory '16E' is not a size" },
	{ "2^64 + 1E", NO_MEMORY "memory=17E", "memory '17E' is not a size" },
	{ "2^64 + 1G in G", NO_MEMORY "memory=17179869185G",
	  "memory '17179869185G' is not a size" },
	{ "2^64 + 2M in M", NO_MEMORY "memory=17592186044418M",
	  "memory '17592186044418M' is not a size" },
	{ "2^64 + 1K in K", NO_MEMORY "memory=18014398509481985K",
	  "memory '18014398509481985K' is not a size" },
	{ "hexadecimal overflow", NO_MEMORY "memory=0x10000000000000001",
	  "memory '0x10000000000000001' is not a size" },
	{ "many digits", NO_MEMORY "memory=99999999999999999999999999999999999999999999",
	  "memory '9999999999999999999999999999999999999999' is not a size" },

	/* Ids */
	{ "empty id", FINE "id=", "id '' is not in 1..65535" },
	{ "id 0", FINE "id=0", "id '0' is not in 1..65535" },
	{ "id 65536", FINE "id=65536", "id '65536' is not in 1..65535" },
	{ "id 2^32 + 1", FINE "id=4294967297", "id '4294967297' is not in 1..65535" },
	{ "id 2^64 + 1", FINE "id=18446744073709551617",
	  "id '18446744073709551617' is not in 1..65535" },
	{ "negative id", FINE "id=-1", "id '-1' is not in 1..65535" },
	{ "id is a word", FINE "id=one", "id 'one' is not in 1..65535" },
	{ "id and more", FINE "id=1x", "id '1x' is not in 1..65535" },
	{ "two ids", FINE "id=1,2", "id '1,2' is not in 1..65535" },

	/* Switches */
	{ "empty split_core", FINE "split_core=", "split_core '' is not 0 or 1" },
	{ "split_core 2", FINE "split_core=2", "split_core '2' is not 0 or 1" },
	{ "split_core 10", FINE "split_core=10", "split_core '10' is not 0 or 1" },
	{ "split_core -1", FINE "split_core=-1", "split_core '-1' is not 0 or 1" },
	{ "split_core nonsense", FINE "split_core=nonsense",
	  "split_core 'nonsense' is not 0 or 1" },
};

KUNIT_ARRAY_PARAM_DESC(mk_bad_lines, mk_bad_lines, desc);

static void mk_request_bad(struct kunit *test)
{
	const struct mk_bad *b = test->param_value;
	struct mk_complaint *c;
	struct mk_request req;

	KUNIT_EXPECT_EQ(test, mk_parse(test, b->line, &req, &c), -EINVAL);
	KUNIT_EXPECT_STREQ(test, c->text, b->complaint);
}

/* One line, terminated, and nothing in it that a terminal would obey */
static void mk_check_complaint(struct kunit *test, const struct mk_complaint *c)
{
	size_t len = strnlen(c->text, sizeof(c->text)), i;

	KUNIT_ASSERT_GT(test, len, 0);
	KUNIT_ASSERT_LT(test, len, sizeof(c->text));
	for (i = 0; i < len; i++) {
		u8 byte = c->text[i];

		KUNIT_ASSERT_GE(test, byte, 0x20);
		KUNIT_ASSERT_FALSE(test, byte >= 0x7f && byte < 0xa0);
	}
}

/* Each byte there is, as first and as later one of a name */
static void mk_request_name_bytes(struct kunit *test)
{
	static const char later[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	struct mk_complaint *c = (struct mk_complaint *)mk_guarded(test, sizeof(*c));
	char first[2] = { }, second[3] = "a";
	int byte, err;

	for (byte = 1; byte < 256; byte++) {
		const char *known = strchr(later, byte);

		first[0] = byte;
		err = mk_name_check(first, c);
		KUNIT_ASSERT_EQ_MSG(test, err, known && known - later < 62 ? 0 : -EINVAL,
				    "byte %#x", byte);
		if (err)
			mk_check_complaint(test, c);

		second[1] = byte;
		err = mk_name_check(second, c);
		KUNIT_ASSERT_EQ_MSG(test, err, known ? 0 : -EINVAL, "byte %#x", byte);
		if (err)
			mk_check_complaint(test, c);
	}
}

static void mk_request_name_lengths(struct kunit *test)
{
	struct mk_complaint *c = (struct mk_complaint *)mk_guarded(test, sizeof(*c));
	char *end = (char *)mk_guarded(test, 1024) + 1023;
	int len;

	/* The longest that fits ends right at the guard page as all others do */
	*end = '\0';
	for (len = 0; len < 1024; len++) {
		memset(end - len, 'n', len);
		KUNIT_ASSERT_EQ_MSG(test, mk_name_check(end - len, c),
				    len >= 1 && len <= 31 ? 0 : -EINVAL, "%d bytes", len);
	}
}

/* The worst that can be shown: four characters for each byte */
static void mk_request_long_escapes(struct kunit *test)
{
	static const char * const before[] = {
		"", "name=", "memory=", "id=", "split_core=",
	};
	char line[256];
	struct mk_complaint *c;
	struct mk_request req;
	int i;

	for (i = 0; i < ARRAY_SIZE(before); i++) {
		size_t len = strlen(before[i]);

		memcpy(line, before[i], len);
		memset(line + len, '\001', 200);
		line[len + 200] = '\0';
		KUNIT_ASSERT_EQ(test, mk_parse(test, line, &req, &c), -EINVAL);
		mk_check_complaint(test, c);
		KUNIT_EXPECT_NOT_NULL(test, strstr(c->text, "'\\001\\001\\001"));
		/* Which key it was is said first, so that it isn't cut */
		if (len)
			KUNIT_EXPECT_EQ(test, strncmp(c->text, before[i], len - 1), 0);
	}
}

/* The longest line that "create" passes on, of one word and of many */
static void mk_request_long_line(struct kunit *test)
{
	char *line = kunit_kzalloc(test, MK_REQUEST_MAX + 1, GFP_KERNEL);
	struct mk_complaint *c;
	struct mk_request req;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, line);

	memset(line, 'x', MK_REQUEST_MAX);
	KUNIT_EXPECT_EQ(test, mk_parse(test, line, &req, &c), -EINVAL);
	mk_check_complaint(test, c);

	memset(line, '=', MK_REQUEST_MAX);
	KUNIT_EXPECT_EQ(test, mk_parse(test, line, &req, &c), -EINVAL);
	KUNIT_EXPECT_STREQ(test, c->text, "unknown key ''");

	memset(line, ' ', MK_REQUEST_MAX);
	KUNIT_EXPECT_EQ(test, mk_parse(test, line, &req, &c), -EINVAL);
	KUNIT_EXPECT_STREQ(test, c->text, EMPTY_LINE);

	len = strlen(FINE);
	memcpy(line + MK_REQUEST_MAX - len, FINE, len);
	KUNIT_EXPECT_EQ(test, mk_parse(test, line, &req, &c), 0);

	/* A CPU list takes what is left */
	memset(line, '2', MK_REQUEST_MAX);
	memcpy(line, NO_CPUS "cpus=", strlen(NO_CPUS "cpus="));
	KUNIT_ASSERT_EQ(test, mk_parse(test, line, &req, &c), 0);
	KUNIT_EXPECT_EQ(test, strlen(req.cpus), MK_REQUEST_MAX - strlen(NO_CPUS "cpus="));
}

/* Nothing of an earlier line stays in the request */
static void mk_request_starts_clean(struct kunit *test)
{
	struct mk_complaint *c;
	struct mk_request req;

	KUNIT_ASSERT_EQ(test, mk_parse(test, FINE "id=9 split_core=1", &req, &c), 0);
	KUNIT_ASSERT_EQ(test, mk_parse(test, "name=b cpus=1 memory=2M", &req, &c), 0);
	KUNIT_EXPECT_STREQ(test, req.name, "b");
	KUNIT_EXPECT_EQ(test, req.id, 0);
	KUNIT_EXPECT_FALSE(test, req.split_core);
}

/* What the rest of create relies on */
static void mk_check_request(struct kunit *test, const struct mk_request *req,
			     const char *line, size_t size)
{
	struct mk_complaint c;

	KUNIT_ASSERT_LE(test, strnlen(req->name, sizeof(req->name)), MK_NAME_MAX);
	KUNIT_ASSERT_EQ(test, mk_name_check(req->name, &c), 0);
	KUNIT_ASSERT_TRUE(test, req->cpus > line && req->cpus < line + size);
	KUNIT_ASSERT_NE(test, *req->cpus, '\0');
	KUNIT_ASSERT_NE(test, req->memory, 0);
	KUNIT_ASSERT_LE(test, req->id, MK_ID_MAX);
}

static void mk_request_random(struct kunit *test)
{
	/* Enough that is right for a line to be right now and then */
	static const char * const pieces[] = {
		"name=", "cpus=", "memory=", "id=", "split_core=", "name=a", "cpus=1",
		"memory=2M", "id=3", "split_core=1", " ", " ", " ", " ", "\t", "\n", "=",
		"..", "/", "0", "1", "0x", "M", "E", "-", "a", "\001", "\377", "%s",
	};
	struct mk_complaint *c = (struct mk_complaint *)mk_guarded(test, sizeof(*c));
	char *end = (char *)mk_guarded(test, 512) + 512;
	u32 i, k, good = 0, bad = 0;
	struct rnd_state rnd;
	char line[256];

	prandom_seed_state(&rnd, 0x6d6b6c696e65ULL);

	for (i = 0; i < 30000; i++) {
		struct mk_request req;
		size_t len = 0;

		if (i % 3 == 0) {
			/* Noise alone */
			len = prandom_u32_state(&rnd) % 100;
			for (k = 0; k < len; k++)
				line[k] = 1 + prandom_u32_state(&rnd) % 255;
		} else {
			if (i % 3 == 1)
				len = strscpy(line, FINE);
			for (k = prandom_u32_state(&rnd) % 8; k; k--)
				len += scnprintf(line + len, sizeof(line) - len, "%s",
						 pieces[prandom_u32_state(&rnd) %
							ARRAY_SIZE(pieces)]);
		}
		/* Bytes that are wrong at a place where they were right */
		if (len && i % 5 == 0)
			line[prandom_u32_state(&rnd) % len] =
				1 + prandom_u32_state(&rnd) % 255;
		line[len++] = '\0';

		memcpy(end - len, line, len);
		memset(c, 0, sizeof(*c));
		switch (mk_request_parse(end - len, &req, c)) {
		case 0:
			mk_check_request(test, &req, end - len, len);
			good++;
			break;
		case -EINVAL:
			mk_check_complaint(test, c);
			bad++;
			break;
		default:
			KUNIT_FAIL_AND_ABORT(test, "neither 0 nor -EINVAL");
		}
	}

	/* Both must come up often, or this tests less than it claims */
	KUNIT_EXPECT_GT(test, good, 1000);
	KUNIT_EXPECT_GT(test, bad, 1000);
}

static void mk_request_complain(struct kunit *test)
{
	struct mk_complaint *c = (struct mk_complaint *)mk_guarded(test, sizeof(*c));
	size_t len;

	mk_complain(c, "%s %d", "cpu", 3);
	KUNIT_EXPECT_STREQ(test, c->text, "cpu 3");

	for (len = 150; len < 170; len++) {
		mk_complain(c, "%0*d", (int)len, 0);
		KUNIT_EXPECT_EQ(test, strnlen(c->text, sizeof(c->text)),
				min(len, sizeof(c->text) - 1));
	}
}

static struct kunit_case mk_request_cases[] = {
	KUNIT_CASE_PARAM(mk_request_good, mk_good_lines_gen_params),
	KUNIT_CASE_PARAM(mk_request_bad, mk_bad_lines_gen_params),
	KUNIT_CASE(mk_request_name_bytes),
	KUNIT_CASE(mk_request_name_lengths),
	KUNIT_CASE(mk_request_long_escapes),
	KUNIT_CASE(mk_request_long_line),
	KUNIT_CASE(mk_request_starts_clean),
	KUNIT_CASE(mk_request_random),
	KUNIT_CASE(mk_request_complain),
	{}
};

static struct kunit_suite mk_request_suite = {
	.name = "multikernel_request",
	.test_cases = mk_request_cases,
};

kunit_test_suite(mk_request_suite);
