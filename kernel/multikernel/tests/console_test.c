// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the console in the window
 *
 * The host reads it while the spawn writes what it likes, its count included:
 * whatever the count says, a reader stays inside the console.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../internal.h"
#include "guarded.h"

#define SIZE	((u64)MK_CONSOLE_SIZE)

/* What lies before the console in the window; none of the texts has it */
#define OUTSIDE	MK_POISON

/*
 * A window that ends with the console, which it does not in earnest, so that
 * the byte behind it faults.  @buf is where the tests read to, and ends the
 * same way.
 */
struct mk_console_fixture {
	u8 *window;
	u8 *data;
	u8 *buf;
};

static struct mk_console_fixture *mk_console_fixture(struct kunit *test)
{
	struct mk_console_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->window = mk_guarded(test, MK_WINDOW_CONSOLE + SIZE);
	f->data = f->window + MK_WINDOW_CONSOLE;
	f->buf = mk_guarded(test, SIZE);

	return f;
}

/* The byte that stands for count @pos: no period that divides the size */
static u8 mk_text(u64 pos)
{
	return 'A' + pos % 57;
}

/* Fill the console as a spawn does that has written @head bytes in all */
static void mk_fill_console(struct mk_console_fixture *f, u64 head)
{
	u64 pos = head > SIZE ? head - SIZE : 0;

	memset(f->data, '.', SIZE);
	for (; pos < head; pos++)
		f->data[pos % SIZE] = mk_text(pos);
}

/*
 * Read @count bytes from @off into exactly as much memory as there must be,
 * and compare with what stood there.
 */
static void mk_read_and_check(struct kunit *test, struct mk_console_fixture *f,
			      u64 head, loff_t off, size_t count)
{
	u64 kept = head < SIZE ? head : SIZE, want = 0, i;
	ssize_t got;
	u8 *buf;

	if (off >= 0 && (u64)off < kept)
		want = min_t(u64, count, kept - off);
	buf = f->buf + SIZE - want;
	memset(f->buf, OUTSIDE, SIZE);

	got = mk_console_read(f->window, head, buf, off, count);

	KUNIT_ASSERT_EQ_MSG(test, got, want, "head %#llx, %zu bytes from %lld", head,
			    count, off);
	for (i = 0; i < want; i++)
		if (buf[i] != mk_text(head - kept + off + i))
			break;
	KUNIT_ASSERT_EQ_MSG(test, i, want, "head %#llx, %zu bytes from %lld", head, count,
			    off);
	KUNIT_ASSERT_TRUE(test, mk_untouched(f->buf, SIZE - want));
}

static const u64 mk_heads[] = {
	0, 1, 2, 57, 4095, 4096,
	SIZE - 1, SIZE, SIZE + 1, 2 * SIZE - 1, 2 * SIZE, 2 * SIZE + 1, 3 * SIZE + 12345,
	S32_MAX, 1ULL << 31, U32_MAX, 1ULL << 32, (1ULL << 32) + 1,
	S64_MAX, 1ULL << 63, (1ULL << 63) + 17,
	U64_MAX - SIZE, U64_MAX - SIZE + 1, U64_MAX - 1, U64_MAX,
};

static void mk_console_layout(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	u64 head = 0x1122334455667788ULL;

	/* ABI: these never change, see boot-protocol.rst */
	KUNIT_EXPECT_EQ(test, MK_WINDOW_SPAWN, 0x100000);
	KUNIT_EXPECT_EQ(test, MK_WINDOW_CONSOLE, 0x110000);
	KUNIT_EXPECT_EQ(test, MK_CONSOLE_SIZE, 0x10000);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_spawn_page, console_head), 224);

	memcpy(f->window + MK_WINDOW_SPAWN + 224, &head, sizeof(head));
	KUNIT_EXPECT_EQ(test, mk_console_head(f->window), head);
}

static void mk_console_empty(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);

	/* What an earlier start of the machine left there is nobody's log */
	memset(f->data, 'x', SIZE);
	mk_read_and_check(test, f, 0, 0, 0);
	mk_read_and_check(test, f, 0, 0, 1);
	mk_read_and_check(test, f, 0, 0, SIZE);
	mk_read_and_check(test, f, 0, 1, SIZE);
}

static void mk_console_short(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	static const char text[] = "Linux version 6.12\n";
	u64 head;

	head = mk_console_write(f->window, 0, text, strlen(text));
	KUNIT_EXPECT_EQ(test, head, strlen(text));
	KUNIT_ASSERT_EQ(test, mk_console_read(f->window, head, f->buf, 0, SIZE),
			strlen(text));
	KUNIT_EXPECT_MEMEQ(test, f->buf, text, strlen(text));
	KUNIT_EXPECT_TRUE(test, mk_untouched(f->buf + head, SIZE - head));

	/* As cat does it: the end is a read of nothing */
	KUNIT_EXPECT_EQ(test, mk_console_read(f->window, head, f->buf, head, SIZE), 0);
}

static void mk_console_offsets(struct kunit *test)
{
	static const loff_t offs[] = {
		0, 1, 57, 4095, SIZE / 2, SIZE - 2, SIZE - 1, SIZE, SIZE + 1,
		-1, -2, -(loff_t)SIZE, S64_MIN, S64_MIN + 1,
		S32_MAX, 1LL << 32, S64_MAX - 1, S64_MAX,
	};
	static const size_t counts[] = {
		0, 1, 2, 4095, SIZE - 1, SIZE, SIZE + 1, S32_MAX, 1UL << 32,
		S64_MAX, 1UL << 63, SIZE_MAX,
	};
	static const u64 heads[] = { 0, 1, 100, SIZE, SIZE + 100, U64_MAX };
	struct mk_console_fixture *f = mk_console_fixture(test);
	int h, o, c;

	for (h = 0; h < ARRAY_SIZE(heads); h++) {
		mk_fill_console(f, heads[h]);
		for (o = 0; o < ARRAY_SIZE(offs); o++)
			for (c = 0; c < ARRAY_SIZE(counts); c++)
				mk_read_and_check(test, f, heads[h], offs[o], counts[c]);
	}
}

static void mk_console_heads(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	u64 head;
	int i;

	for (i = 0; i < ARRAY_SIZE(mk_heads); i++) {
		head = mk_heads[i];
		mk_fill_console(f, head);
		mk_read_and_check(test, f, head, 0, SIZE);
		mk_read_and_check(test, f, head, 0, SIZE_MAX);
		mk_read_and_check(test, f, head, 1, 1);
		/* From just before the place where the circle closes */
		mk_read_and_check(test, f, head, SIZE - head % SIZE - 1, 2);
		mk_read_and_check(test, f, head, SIZE - 1, 2);
	}
}

/* A spawn's count is no promise: it may have written nothing at all */
static void mk_console_any_head(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	struct rnd_state rnd;
	ssize_t got;
	u32 i;

	prandom_seed_state(&rnd, 0x6d6b636f6e73ULL);
	memset(f->data, '.', SIZE);

	for (i = 0; i < 2000; i++) {
		u64 head = ((u64)prandom_u32_state(&rnd) << 32) | prandom_u32_state(&rnd);
		u64 off = ((u64)prandom_u32_state(&rnd) << 32) | prandom_u32_state(&rnd);
		u32 count = prandom_u32_state(&rnd) % 512;
		u8 *buf = f->buf + SIZE - count;

		head >>= prandom_u32_state(&rnd) % 64;
		off >>= prandom_u32_state(&rnd) % 64;
		memset(buf, OUTSIDE, count);
		got = mk_console_read(f->window, head, buf, off, count);
		KUNIT_ASSERT_GE(test, got, 0);
		KUNIT_ASSERT_LE(test, got, count);
		/* All of it from the console, none from before it */
		KUNIT_ASSERT_NULL(test, memchr_inv(buf, '.', got));
		KUNIT_ASSERT_TRUE(test, mk_untouched(buf + got, count - got));
	}
}

/* Reading in pieces of any size gives the same as reading at once */
static void mk_console_in_pieces(struct kunit *test)
{
	static const size_t pieces[] = { 1, 7, 4095, 4096, 5000, SIZE - 1 };
	static const u64 heads[] = { 1000, SIZE, 3 * SIZE + 777 };
	struct mk_console_fixture *f = mk_console_fixture(test);
	u64 kept, off;
	ssize_t got;
	int h, p, i;

	for (h = 0; h < ARRAY_SIZE(heads); h++) {
		mk_fill_console(f, heads[h]);
		kept = min_t(u64, heads[h], SIZE);
		for (p = 0; p < ARRAY_SIZE(pieces); p++) {
			for (off = 0; ; off += got) {
				got = mk_console_read(f->window, heads[h], f->buf, off,
						      pieces[p]);
				KUNIT_ASSERT_GE(test, got, 0);
				for (i = 0; i < got; i++)
					if (f->buf[i] != mk_text(heads[h] - kept + off + i))
						break;
				KUNIT_ASSERT_EQ(test, i, got);
				if (!got)
					break;
			}
			KUNIT_ASSERT_EQ(test, off, kept);
		}
	}
}

/* Write @len bytes of the text that belongs to @head, ending at a guard page */
static u64 mk_write(struct mk_console_fixture *f, u64 head, size_t len)
{
	u8 *text = f->buf + SIZE - len;
	size_t i;

	for (i = 0; i < len; i++)
		text[i] = mk_text(head + i);

	return mk_console_write(f->window, head, text, len);
}

static void mk_console_write_lines(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	struct rnd_state rnd;
	u64 head = 0;
	u32 i, len;

	prandom_seed_state(&rnd, 0x6d6b6c696e65ULL);

	for (i = 0; i < 3000; i++) {
		len = prandom_u32_state(&rnd) % 200;
		KUNIT_ASSERT_EQ(test, mk_write(f, head, len), head + len);
		head += len;
		if (i % 100 == 0)
			mk_read_and_check(test, f, head, 0, SIZE);
	}
	KUNIT_EXPECT_GT(test, head, 3 * SIZE);
	mk_read_and_check(test, f, head, 0, SIZE);
}

/* More at once than the console holds: the last of it stays */
static void mk_console_write_long(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	size_t len = 2 * SIZE + 321, i;
	u8 *text = mk_guarded(test, len);

	for (i = 0; i < len; i++)
		text[i] = mk_text(5 + i);

	KUNIT_ASSERT_EQ(test, mk_console_write(f->window, 5, text, len), 5 + len);
	mk_read_and_check(test, f, 5 + len, 0, SIZE);
}

/* The start count comes from the host's page: any value must do */
static void mk_console_write_anywhere(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);
	u8 *before = f->window + MK_WINDOW_CONSOLE - SIZE;
	u64 head, i;
	int k;

	for (k = 0; k < ARRAY_SIZE(mk_heads); k++) {
		head = mk_heads[k];
		memset(f->data, '.', SIZE);
		KUNIT_ASSERT_EQ(test, mk_write(f, head, 100), head + 100);
		for (i = 0; i < SIZE; i++) {
			/* Bytes from the first one written, round the circle */
			u64 after = (i - head) % SIZE;

			if (f->data[i] != (after < 100 ? mk_text(head + after) : '.'))
				break;
		}
		KUNIT_ASSERT_EQ_MSG(test, i, SIZE, "head %#llx", head);
	}

	/* Nothing of the window but the console */
	KUNIT_EXPECT_TRUE(test, mk_untouched(before, SIZE));
	KUNIT_EXPECT_TRUE(test, mk_untouched(f->window, MK_WINDOW_CONSOLE));
}

static void mk_console_write_nothing(struct kunit *test)
{
	struct mk_console_fixture *f = mk_console_fixture(test);

	KUNIT_EXPECT_EQ(test, mk_console_write(f->window, 77, f->buf + SIZE, 0), 77);
	KUNIT_EXPECT_TRUE(test, mk_untouched(f->window, MK_WINDOW_CONSOLE + SIZE));
}

static struct kunit_case mk_console_cases[] = {
	KUNIT_CASE(mk_console_layout),
	KUNIT_CASE(mk_console_empty),
	KUNIT_CASE(mk_console_short),
	KUNIT_CASE(mk_console_offsets),
	KUNIT_CASE(mk_console_heads),
	KUNIT_CASE(mk_console_any_head),
	KUNIT_CASE(mk_console_in_pieces),
	KUNIT_CASE(mk_console_write_lines),
	KUNIT_CASE(mk_console_write_long),
	KUNIT_CASE(mk_console_write_anywhere),
	KUNIT_CASE(mk_console_write_nothing),
	{}
};

static struct kunit_suite mk_console_suite = {
	.name = "multikernel_console",
	.test_cases = mk_console_cases,
};

kunit_test_suite(mk_console_suite);
