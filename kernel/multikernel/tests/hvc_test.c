// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: tests of the terminal line
 *
 * They are of what its messages begin with, and of a line that leads nowhere when
 * it is opened.
 *
 * hvc asks the backend for the first user of a line only.  Who is refused counts
 * as one until the tty layer closes for him, and who opens the line in that
 * moment comes second.  Both are made here by hand, one after the other.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kdev_t.h>
#include <linux/multikernel_abi.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_port.h>

#include "hvc_console.h"

/* "hvc" in Documentation/admin-guide/devices.txt; its minors are from 0 */
#define MK_HVC_MAJOR	229

/* No backend has this terminal */
#define MK_HVC_TERMINAL	0x6d6b

/* The other end of the line, and what it heard */
static struct {
	bool there;
	int opens;
	int closes;
} mk_far;

static ssize_t mk_far_get_chars(u32 vtermno, u8 *buf, size_t count)
{
	return 0;
}

static ssize_t mk_far_put_chars(u32 vtermno, const u8 *buf, size_t count)
{
	return count;
}

static int mk_far_opened(struct hvc_struct *hp, int data)
{
	mk_far.opens++;

	return mk_far.there ? 0 : -ENODEV;
}

static void mk_far_closed(struct hvc_struct *hp, int data)
{
	mk_far.closes++;
}

static const struct hv_ops mk_far_ops = {
	.get_chars	= mk_far_get_chars,
	.put_chars	= mk_far_put_chars,
	.notifier_add	= mk_far_opened,
	.notifier_del	= mk_far_closed,
	.no_console	= true,
};

static void mk_hvc_refused(struct kunit *test)
{
	struct tty_struct *tty;
	struct hvc_struct *hp;

	memset(&mk_far, 0, sizeof(mk_far));
	hp = hvc_alloc(MK_HVC_TERMINAL, 0, &mk_far_ops, 16);
	KUNIT_ASSERT_FALSE(test, IS_ERR(hp));
	if (hp->index >= HVC_ALLOC_TTY_ADAPTERS) {
		hvc_remove(hp);
		kunit_skip(test, "all ttys of hvc are taken");
	}
	tty = tty_kopen_exclusive(MKDEV(MK_HVC_MAJOR, hp->index));
	if (IS_ERR(tty)) {
		hvc_remove(hp);
		KUNIT_FAIL(test, "no tty: %pe", tty);
		return;
	}

	KUNIT_EXPECT_EQ(test, tty->ops->open(tty, NULL), -ENODEV);
	KUNIT_EXPECT_EQ(test, mk_far.opens, 1);
	KUNIT_EXPECT_FALSE(test, tty_port_initialized(&hp->port));

	/* Before the first one is closed */
	mk_far.there = true;
	KUNIT_EXPECT_EQ(test, tty->ops->open(tty, NULL), 0);
	KUNIT_EXPECT_EQ(test, mk_far.opens, 2);
	KUNIT_EXPECT_TRUE(test, tty_port_initialized(&hp->port));

	/* That of the first one takes nothing away from the second */
	tty->ops->close(tty, NULL);
	KUNIT_EXPECT_EQ(test, mk_far.closes, 0);
	KUNIT_EXPECT_TRUE(test, tty_port_initialized(&hp->port));
	tty->ops->close(tty, NULL);
	KUNIT_EXPECT_EQ(test, mk_far.closes, 1);
	KUNIT_EXPECT_FALSE(test, tty_port_initialized(&hp->port));

	tty_unlock(tty);
	tty_kclose(tty);
	hvc_remove(hp);
}

/* The other kernel may be another build: a change is a new MK_ABI_VERSION */
static void mk_tty_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct mk_tty_msg), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_tty_msg, taken), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_tty_msg, flags), 4);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_tty_msg, rows), 8);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_tty_msg, cols), 10);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_tty_msg, xpixels), 12);
	KUNIT_EXPECT_EQ(test, offsetof(struct mk_tty_msg, ypixels), 14);
	KUNIT_EXPECT_EQ(test, MK_TTY_LISTENING, 1);
	KUNIT_EXPECT_EQ(test, MK_TTY_CREDIT, 32768);
	KUNIT_EXPECT_EQ(test, MK_SERVICE_TTY, 3);
}

static struct kunit_case mk_hvc_cases[] = {
	KUNIT_CASE(mk_tty_layout),
	KUNIT_CASE(mk_hvc_refused),
	{}
};

static struct kunit_suite mk_hvc_suite = {
	.name = "multikernel_hvc",
	.test_cases = mk_hvc_cases,
};

kunit_test_suite(mk_hvc_suite);
