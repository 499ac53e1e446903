// SPDX-License-Identifier: GPL-2.0
/*
 * top: all instances in a table that is drawn anew every second.  Messages a
 * second are from debugfs, where it can be read.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mkctl.h"

#define ENTER	"\033[?1049h\033[?25l"	/* the alternate screen, no cursor */
#define LEAVE	"\033[?25h\033[?1049l"

/* What was counted when the table was drawn last */
struct count {
	char name[MK_NAME_MAX + 1];
	long long messages;
	uint64_t at_ms;
};

static struct count *counts;
static int nr_counts;

/* tx and rx of "stats" together; -1 if there is none */
static long long messages(const char *name)
{
	char path[PATH_MAX], text[MK_TEXT], *line, *rest;
	long long sum = 0;
	int found = 0;

	snprintf(path, sizeof(path), MK_DEBUGFS "/%s/stats", name);
	if (sys_read(path, text, sizeof(text)) <= 0)
		return -1;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "tx=", 3) && strncmp(line, "rx=", 3))
			continue;
		sum += atoll(line + 3);
		found++;
	}
	return found == 2 ? sum : -1;
}

/* A second, since the last look; "-" without one, or after a new start */
static void message_rate(const char *name, char *to, size_t size)
{
	long long now = messages(name), was = -1;
	uint64_t at = now_ms(), then = 0;
	struct count *c = NULL, *more;
	int i;

	for (i = 0; i < nr_counts; i++)
		if (!strcmp(counts[i].name, name))
			c = &counts[i];
	if (!c) {
		more = realloc(counts, (nr_counts + 1) * sizeof(*counts));
		if (!more)
			return;
		counts = more;
		c = &counts[nr_counts++];
		snprintf(c->name, sizeof(c->name), "%s", name);
	} else {
		was = c->messages;
		then = c->at_ms;
	}
	c->messages = now;
	c->at_ms = at;
	if (now < 0 || was < 0 || now < was || at <= then)
		snprintf(to, size, "-");
	else
		snprintf(to, size, "%.0f", (now - was) * 1000.0 / (at - then));
}

/* A line that ends where the terminal does */
struct screen {
	struct buf text;
	int rows, cols, row;
	bool terminal;
};

__printf(2, 3)
static void line(struct screen *s, const char *fmt, ...)
{
	char text[1024], *p;
	va_list ap;
	int len;

	if (s->terminal && s->row >= s->rows)
		return;
	s->row++;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	if (s->terminal && len > s->cols)
		len = s->cols;
	while (len && text[len - 1] == ' ')
		len--;
	text[len] = '\0';
	/* A reason may quote a panic of the spawn's */
	for (p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	buf_add(&s->text, text, len);
	if (s->terminal)
		buf_add(&s->text, "\033[K", 3);
	if (!s->terminal || s->row < s->rows)
		buf_add(&s->text, "\n", 1);
}

/* What does not fit is cut, and the cut is seen */
static void fit(char *text, size_t width)
{
	if (strlen(text) > width) {
		text[width - 1] = '+';
		text[width] = '\0';
	}
}

static void age_print(const char *ms, char *to, size_t size)
{
	char *end;
	double v = strtod(ms, &end);

	if (end == ms || *end)
		snprintf(to, size, "-");
	else if (v < 100000)
		snprintf(to, size, "%.1fs", v / 1000);
	else
		snprintf(to, size, "%.0fm", v / 60000);
}

static void one_instance(struct screen *s, const char *name, struct cpuset *lent)
{
	char state[MK_TEXT], cpus[MK_TEXT], text[MK_TEXT], reason[MK_TEXT], restarts[MK_TEXT];
	char size[32], age[32], rate[32] = "-", shown[MK_NAME_MAX + 1];
	struct cpuset set;
	int i;

	if (mk_read(name, "state", state) < 0)
		return;
	mk_read(name, "cpus", cpus);
	if (cpus_parse(cpus, &set))
		for (i = 0; i < MK_CPUS_MAX / 64; i++)
			lent->bit[i] |= set.bit[i];
	mk_read(name, "memory", text);
	size_print(ranges_bytes(text), size, sizeof(size));
	mk_read(name, "heartbeat_age_ms", text);
	age_print(text, age, sizeof(age));
	message_rate(name, rate, sizeof(rate));
	if (mk_read(name, "restarts", restarts) <= 0)
		snprintf(restarts, sizeof(restarts), "-");
	mk_read(name, "reason", reason);
	snprintf(shown, sizeof(shown), "%s", name);
	fit(shown, 15);
	fit(cpus, 10);
	line(s, "%-15s %-8s %-10s %6s %6s %7s %4s  %s", shown, state, cpus, size, age, rate,
	     restarts, reason);
}

static void draw(struct screen *s, const struct names *n)
{
	char clock[32], total[32], free_[32], text[MK_TEXT], list[256];
	struct cpuset lent = { };
	struct screen body = *s;
	time_t now = time(NULL);
	int i;

	memset(&body.text, 0, sizeof(body.text));
	body.row = 3;
	for (i = 0; i < n->nr; i++)
		one_instance(&body, n->name[i], &lent);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	mk_read(NULL, "pool/memory_total", text);
	size_print(strtoull(text, NULL, 10), total, sizeof(total));
	mk_read(NULL, "pool/memory_free", text);
	size_print(strtoull(text, NULL, 10), free_, sizeof(free_));
	cpus_print(&lent, list, sizeof(list));
	line(s, "%s  instances %d  pool %s, %s free  CPUs lent: %s", clock, n->nr, total, free_,
	     *list ? list : "none");
	line(s, "%s", s->terminal ? "q ends" : "");
	line(s, "%-15s %-8s %-10s %6s %6s %7s %4s  %s", "NAME", "STATE", "CPUS", "MEMORY", "BEAT",
	     "MSG/S", "RST", "REASON");
	if (body.text.len)
		buf_add(&s->text, body.text.p, body.text.len);
	free(body.text.p);
}

static int show(struct screen *s)
{
	struct names n;
	int err = mk_names(&n);

	if (err)
		return err;
	s->text.len = 0;
	s->row = 0;
	if (s->terminal) {
		term_size(&s->rows, &s->cols);
		buf_add(&s->text, "\033[H", 3);
	}
	draw(s, &n);
	free(n.name);
	if (s->terminal)
		buf_add(&s->text, "\033[J", 3);
	fwrite(s->text.p, 1, s->text.len, stdout);
	fflush(stdout);
	return ferror(stdout) ? -EPIPE : 0;
}

/* Until the next look.  True if a key or a signal ends it */
static bool pause_ends(bool keys, double seconds)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t end = now_ms() + (uint64_t)(seconds * 1000), now;
	char key;

	while (!interrupted && (now = now_ms()) < end) {
		if (poll(&p, keys, end - now) < 0)
			return interrupted;	/* another size: draw at once */
		if (!keys || !p.revents)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
			return true;
		if (key == ' ')
			return false;
	}
	return interrupted;
}

static void on_resize(int sig)
{
	(void)sig;
}

int cmd_top(const struct opts *o, int argc, char **argv)
{
	struct screen s = { .terminal = isatty(STDOUT_FILENO) };
	bool keys = s.terminal && isatty(STDIN_FILENO);
	struct sigaction sa = { .sa_handler = on_resize };
	long left = o->count ? o->count : s.terminal ? 0 : 1;
	int rc = need_host(), err;

	(void)argc;
	(void)argv;
	if (rc)
		return rc;
	catch_signals();
	if (s.terminal) {
		sigaction(SIGWINCH, &sa, NULL);
		term_on_leave(LEAVE);
		keys = keys && term_raw(true);
		printf(ENTER);
	}
	do {
		err = show(&s);
	} while (!err && --left && !pause_ends(keys, o->delay));
	if (keys)
		term_restore();
	else if (s.terminal)
		printf(LEAVE);
	free(s.text.p);
	free(counts);
	if (err && err != -EPIPE)
		return fail(NULL, "top", err);
	return RC_OK;
}
