/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: memory that shows an access beyond its end
 */
#ifndef _MK_TESTS_GUARDED_H
#define _MK_TESTS_GUARDED_H

#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

/* What guarded memory holds at first; not a value that the tests write */
#define MK_POISON	0xa5

KUNIT_DEFINE_ACTION_WRAPPER(mk_guarded_free, vfree, const void *);

/**
 * mk_guarded - allocate memory that ends where nothing is mapped
 * @test: test that it belongs to
 * @size: bytes
 *
 * The page behind every vmalloc area is left unmapped, so that the first byte
 * read or written beyond the end faults, also on a kernel without KASAN.  The
 * same holds for the byte before the start if @size is a multiple of the page
 * size; if it is not, there is %MK_POISON down to the start of the page.
 *
 * For a buffer of each length up to @size, use the last bytes.
 *
 * Return: the memory, filled with %MK_POISON.
 */
static inline u8 *mk_guarded(struct kunit *test, size_t size)
{
	size_t whole = PAGE_ALIGN(size);
	u8 *area = vmalloc(whole);

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mk_guarded_free, area));
	memset(area, MK_POISON, whole);

	return area + whole - size;
}

/**
 * mk_untouched - does memory still hold what mk_guarded() filled it with?
 * @mem: first byte
 * @len: bytes
 *
 * Return: true if it does.
 */
static inline bool mk_untouched(const void *mem, size_t len)
{
	return !memchr_inv(mem, MK_POISON, len);
}

#endif /* _MK_TESTS_GUARDED_H */
