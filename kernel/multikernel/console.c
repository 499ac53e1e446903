// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: a spawn's printk lines in the window, both ends
 *
 * A circle of the last MK_CONSOLE_SIZE bytes and a count of all bytes ever
 * written.  The spawn never waits for a reader, and what it wrote outlives it.
 */
#include <linux/console.h>
#include <linux/minmax.h>

#include "internal.h"

/**
 * mk_console_head - bytes ever written to the console
 * @window: shared window
 *
 * Context: any.
 * Return: the count.  Any value is safe to pass to the functions below.
 */
u64 mk_console_head(const void *window)
{
	const struct mk_spawn_page *page = window + MK_WINDOW_SPAWN;

	/* Pairs with the release in mk_console_put() */
	return smp_load_acquire(&page->console_head);
}

/**
 * mk_console_read - read from the kept log
 * @window: shared window
 * @head: what mk_console_head() returned
 * @buf: where to
 * @off: bytes after the oldest one that is kept
 * @count: bytes wanted
 *
 * Context: any.
 * Return: bytes read, 0 at the end.
 */
ssize_t mk_console_read(const void *window, u64 head, char *buf, loff_t off,
			size_t count)
{
	u64 kept = min_t(u64, head, MK_CONSOLE_SIZE);
	const char *data = window + MK_WINDOW_CONSOLE;
	u64 pos;
	size_t i;

	if (off < 0 || off >= kept)
		return 0;
	count = min_t(u64, count, kept - off);
	pos = head - kept + off;

	for (i = 0; i < count; i++)
		buf[i] = data[(pos + i) % MK_CONSOLE_SIZE];

	return count;
}

/**
 * mk_console_write - append text, without publishing it
 * @window: shared window
 * @head: present count
 * @text: what to write
 * @len: its bytes
 *
 * Context: any; one writer at a time.
 * Return: the new count.
 */
u64 mk_console_write(void *window, u64 head, const char *text, size_t len)
{
	char *data = window + MK_WINDOW_CONSOLE;
	size_t i;

	for (i = 0; i < len; i++)
		data[head++ % MK_CONSOLE_SIZE] = text[i];

	return head;
}

#ifdef CONFIG_PRINTK
static void *mk_console_window;
static u64 mk_console_pos;

/* printk serializes the writers of a console */
static void mk_console_put(struct console *con, const char *text, unsigned int len)
{
	void *window = READ_ONCE(mk_console_window);
	struct mk_spawn_page *page = mk_spawn_page(window);

	mk_console_pos = mk_console_write(window, mk_console_pos, text, len);
	/* Pairs with the acquire in mk_console_head(): the text is there */
	smp_store_release(&page->console_head, mk_console_pos);
}

static struct console mk_console = {
	.name	= "mk",
	.write	= mk_console_put,
	.flags	= CON_PRINTBUFFER | CON_ANYTIME | CON_ENABLED,
	.index	= -1,
};

/**
 * mk_console_start - from now on every printk line goes to the host
 * @window: shared window, mapped early; only the spawn's half is touched
 * @console_start: count at which this start begins
 *
 * What was printed before is written as well.
 *
 * Context: early boot of a spawn.
 */
void __init mk_console_start(void *window, u64 console_start)
{
	mk_console_window = window;
	mk_console_pos = console_start;
	register_console(&mk_console);
}

/**
 * mk_console_move - the window is mapped elsewhere now
 * @window: its address from now on
 *
 * Context: process.  The old mapping may go on return.
 */
void __init mk_console_move(void *window)
{
	console_lock();
	WRITE_ONCE(mk_console_window, window);
	console_unlock();
}
#endif /* CONFIG_PRINTK */
