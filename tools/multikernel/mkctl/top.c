// SPDX-License-Identifier: GPL-2.0
/*
 * top: all instances in a table that is drawn anew every second.  Messages a
 * second are from debugfs, where it can be read.
 *
 * What a spawn does now is of no interest once it has ended: then the reason
 * stands in the place of these columns, and has room on 80.
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

#define BEAT_MS	2500	/* a spawn tells its CPU time once a second, if it is alive */

/* What was counted when the table was drawn last */
struct count {
	char name[MK_NAME_MAX + 1];
	long long messages;
	uint64_t at_ms;
	long long cpu_us;	/* when it was another one last */
	uint64_t cpu_at_ms;
	double cpu_percent;
};

/* What is drawn of an instance, and what follows of the last look; below 0: not known */
struct sample {
	char name[MK_NAME_MAX + 1];
	char state[MK_TEXT], cpus[MK_TEXT], reason[MK_TEXT];
	uint64_t bytes;
	long long age_ms, cpu_us, restarts;
	double cpu_percent, message_rate;
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

static struct count *count_of(const char *name)
{
	struct count *more;
	int i;

	for (i = 0; i < nr_counts; i++)
		if (!strcmp(counts[i].name, name))
			return &counts[i];
	more = realloc(counts, (nr_counts + 1) * sizeof(*counts));
	if (!more)
		return NULL;
	counts = more;
	more += nr_counts++;
	*more = (struct count){ .messages = -1, .cpu_us = -1, .cpu_percent = -1 };
	snprintf(more->name, sizeof(more->name), "%s", name);
	return more;
}

/* A millisecond, since the last look; below 0 without one, or after a new start */
static double rate(long long was, long long now, uint64_t ms)
{
	return was < 0 || now < was || !ms ? -1 : (double)(now - was) / ms;
}

/*
 * The CPU time that is told grows once a second, and so do looks come: one may
 * see no step and the next one two.  What counts is from step to step.
 */
static double cpu_percent(struct count *c, const struct sample *s, uint64_t now)
{
	struct cpuset set;
	double most;

	if (s->cpu_us == c->cpu_us && now - c->cpu_at_ms < BEAT_MS)
		return c->cpu_percent;
	most = cpus_parse(s->cpus, &set) ? cpus_count(&set) * 100 : 0;
	c->cpu_percent = rate(c->cpu_us, s->cpu_us, now - c->cpu_at_ms) / 10;
	if (c->cpu_percent > most)
		c->cpu_percent = most;
	c->cpu_us = s->cpu_us;
	c->cpu_at_ms = now;
	return c->cpu_percent;
}

static bool take(struct sample *s, const char *name)
{
	char text[MK_TEXT];
	struct count *c = count_of(name);
	long long sent;
	uint64_t at;

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", name);
	if (mk_read(name, "state", s->state) < 0)
		return false;
	mk_read(name, "cpus", s->cpus);
	mk_read(name, "reason", s->reason);
	mk_read(name, "memory", text);
	s->bytes = ranges_bytes(text);
	s->age_ms = mk_number(name, "heartbeat_age_ms", -1);
	s->restarts = mk_number(name, "restarts", -1);
	s->cpu_us = mk_number(name, "cpu_time_us", -1);
	s->cpu_percent = -1;
	s->message_rate = -1;
	sent = messages(name);
	at = now_ms();
	if (!c || !state_active(s->state))
		return true;
	s->cpu_percent = cpu_percent(c, s, at);
	s->message_rate = rate(c->messages, sent, at - c->at_ms) * 1000;
	c->messages = sent;
	c->at_ms = at;
	return true;
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

static void age_print(long long ms, char *to, size_t size)
{
	if (ms < 0)
		snprintf(to, size, "-");
	else if (ms < 100000)
		snprintf(to, size, "%.1fs", ms / 1000.0);
	else
		snprintf(to, size, "%lldm", ms / 60000);
}

/* Like 0:07, 59:59, 27h46m, 41d03h */
static void time_print(long long us, char *to, size_t size)
{
	long long s = us / 1000000;

	if (us < 0)
		snprintf(to, size, "-");
	else if (s < 100 * 60)
		snprintf(to, size, "%lld:%02lld", s / 60, s % 60);
	else if (s < 100 * 3600)
		snprintf(to, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(to, size, "%lldd%02lldh", s / 86400, s / 3600 % 24);
}

static void rate_print(const char *fmt, double v, char *to, size_t size)
{
	if (v < 0)
		snprintf(to, size, "-");
	else
		snprintf(to, size, fmt, v);
}

static void one_line(struct screen *to, const struct sample *s)
{
	char size[32], age[32], busy[32], percent[32], sent[32], restarts[32];
	char name[MK_NAME_MAX + 1], cpus[MK_TEXT];

	snprintf(name, sizeof(name), "%s", s->name);
	fit(name, 15);
	snprintf(cpus, sizeof(cpus), "%s", s->cpus);
	fit(cpus, 9);
	size_print(s->bytes, size, sizeof(size));
	if (!state_active(s->state)) {
		line(to, "%-15s %-8s %-9s %6s  %s", name, s->state, cpus, size, s->reason);
		return;
	}
	age_print(s->age_ms, age, sizeof(age));
	time_print(s->cpu_us, busy, sizeof(busy));
	rate_print("%.1f", s->cpu_percent, percent, sizeof(percent));
	rate_print("%.0f", s->message_rate, sent, sizeof(sent));
	rate_print("%.0f", s->restarts, restarts, sizeof(restarts));
	line(to, "%-15s %-8s %-9s %6s %6s %6s %6s %7s %4s", name, s->state, cpus, size, percent,
	     busy, age, sent, restarts);
}

static void one_json(const struct sample *s)
{
	char text[32];

	json_key(NULL);
	json_open('{');
	json_string("name", s->name);
	json_string("state", s->state);
	json_string("reason", s->reason);
	json_string("cpus", s->cpus);
	json_number("memory_bytes", s->bytes);
	/* What is not known: a rate at the first look, all of it of an older kernel */
	if (s->cpu_us < 0)
		json_raw("cpu_time_us", "null");
	else
		json_number("cpu_time_us", s->cpu_us);
	snprintf(text, sizeof(text), "%.1f", s->cpu_percent);
	json_raw("cpu_percent", s->cpu_percent < 0 ? "null" : text);
	snprintf(text, sizeof(text), "%lld", s->age_ms);
	json_raw("heartbeat_age_ms", s->age_ms < 0 ? "null" : text);
	snprintf(text, sizeof(text), "%.0f", s->message_rate);
	json_raw("messages_per_second", s->message_rate < 0 ? "null" : text);
	snprintf(text, sizeof(text), "%lld", s->restarts);
	json_raw("restarts", s->restarts < 0 ? "null" : text);
	json_close('}');
}

static void one_instance(struct screen *to, const char *name, struct cpuset *lent)
{
	struct cpuset set;
	struct sample s;
	int i;

	if (!take(&s, name))
		return;
	if (cpus_parse(s.cpus, &set))
		for (i = 0; i < MK_CPUS_MAX / 64; i++)
			lent->bit[i] |= set.bit[i];
	if (to)
		one_line(to, &s);
}

/* The rows that are left for instances; what does not fit is counted */
static int rows_for(const struct screen *s, int nr)
{
	int rows = s->rows - 3;

	if (!s->terminal || nr <= rows)
		return nr;
	return rows > 1 ? rows - 1 : 0;
}

static void draw(struct screen *s, const struct names *n)
{
	char clock[32], total[32], free_[32], text[MK_TEXT], list[256];
	struct cpuset lent = { };
	struct screen body = *s;
	time_t now = time(NULL);
	int rows = rows_for(s, n->nr), i;

	memset(&body.text, 0, sizeof(body.text));
	body.row = 3;
	for (i = 0; i < n->nr; i++)
		one_instance(i < rows ? &body : NULL, n->name[i], &lent);
	if (rows < n->nr)
		line(&body, "... and %d more, which a higher window shows", n->nr - rows);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	mk_read(NULL, "pool/memory_total", text);
	size_print(strtoull(text, NULL, 10), total, sizeof(total));
	mk_read(NULL, "pool/memory_free", text);
	size_print(strtoull(text, NULL, 10), free_, sizeof(free_));
	cpus_print(&lent, list, sizeof(list));
	line(s, "%s  instances %d  pool %s, %s free  CPUs lent: %s", clock, n->nr, total, free_,
	     *list ? list : "none");
	line(s, "%s", s->terminal ? "q ends" : "");
	line(s, "%-15s %-8s %-9s %6s %6s %6s %6s %7s %4s", "NAME", "STATE", "CPUS", "MEMORY",
	     "%CPU", "TIME", "BEAT", "MSG/S", "RST");
	if (body.text.len)
		buf_add(&s->text, body.text.p, body.text.len);
	free(body.text.p);
}

/* One array for each look */
static int show_all_json(void)
{
	struct sample s;
	struct names n;
	int err = mk_names(&n), i;

	if (err)
		return err;
	json_open('[');
	for (i = 0; i < n.nr; i++)
		if (take(&s, n.name[i]))
			one_json(&s);
	json_close(']');
	json_end();
	free(n.name);
	fflush(stdout);
	return ferror(stdout) ? -EPIPE : 0;
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
	struct screen s = { .terminal = isatty(STDOUT_FILENO) && !o->json };
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
		err = o->json ? show_all_json() : show(&s);
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
