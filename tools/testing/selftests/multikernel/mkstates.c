// SPDX-License-Identifier: GPL-2.0
/*
 * mkstates - follow the states of all instances, and check each step
 *
 * Reads the tracepoint multikernel_state where tracefs is mounted and has it,
 * else the log's lines "NAME: FROM -> TO", from the moment at which it says
 * "following" on.  Each step must be in the table of
 * Documentation/multikernel/design.rst, "States", and begin where the last one
 * of that instance ended; an instance that was destroyed in between begins at
 * "empty".  Ends by SIGTERM, when all that was said by then is read:
 *	"steps=N kinds=N illegal=N lost=N source=trace|log"
 * Exit 1 if a step was illegal, or some were not seen.
 */
#define _GNU_SOURCE
#include "mk.h"

#include <signal.h>

#define TRACING		"/sys/kernel/tracing"
#define EVENT		TRACING "/events/multikernel/multikernel_state/enable"
#define NR_STATES	7
#define NR_INSTANCES	64

static const char * const states[NR_STATES] = {
	"empty", "loaded", "booting", "running", "stopping", "stopped", "crashed",
};

/* By the diagram, not by the kernel's table */
static const char * const next[NR_STATES] = {
	"loaded",				/* empty: load */
	"loaded,empty,booting",			/* loaded: load, unload, start */
	"running,stopping,stopped,crashed",	/* booting: READY, stop, off or kill, ... */
	"stopping,stopped,crashed",		/* running */
	"stopped,crashed",			/* stopping */
	"booting,loaded,empty",			/* stopped: start, load, unload */
	"booting,loaded,empty",			/* crashed: the same */
};

static struct {
	char name[64];
	int state;
} last[NR_INSTANCES];

static unsigned int steps, illegal, lost;
static bool seen[NR_STATES][NR_STATES];
static volatile sig_atomic_t ended;

static void on_term(int sig)
{
	ended = sig;
}

static int state_of(const char *word)
{
	int i;

	for (i = 0; i < NR_STATES; i++)
		if (!strcmp(states[i], word))
			return i;
	return -1;
}

static bool active(int state)
{
	return state >= 2 && state <= 4;
}

static void bad(const char *name, const char *from, const char *to, const char *why)
{
	illegal++;
	printf("illegal: %s: %s -> %s: %s\n", name, from, to, why);
	fflush(stdout);
}

static void step(const char *name, const char *from, const char *to)
{
	int f = state_of(from), t = state_of(to), i;

	steps++;
	if (f < 0 || t < 0) {
		bad(name, from, to, "no such state");
		return;
	}
	seen[f][t] = true;
	if (!mk_in_list(to, next[f]))
		bad(name, from, to, "not in the table");

	for (i = 0; i < NR_INSTANCES - 1 && last[i].name[0]; i++)
		if (!strcmp(last[i].name, name))
			break;
	if (last[i].name[0] && last[i].state != f &&
	    (f != 0 || active(last[i].state)))
		bad(name, from, to, states[last[i].state]);
	snprintf(last[i].name, sizeof(last[i].name), "%s", name);
	last[i].state = t;
}

/* "... multikernel_state: id=1 name=web from=empty to=loaded reason=" */
static void trace_line(const char *line)
{
	char name[64], from[16], to[16];
	const char *p;

	if (strstr(line, "LOST"))
		lost++;
	p = strstr(line, "multikernel_state: id=");
	if (p && sscanf(p, "multikernel_state: id=%*u name=%63s from=%15s to=%15s",
			name, from, to) == 3)
		step(name, from, to);
}

/* "6,123,456789,-;multikernel: web: empty -> loaded" */
static void log_line(const char *line)
{
	char name[64], from[16], to[16];
	const char *p = strchr(line, ';');

	if (p && sscanf(p, ";multikernel: %63[^:]: %15[a-z] -> %15[a-z]",
			name, from, to) == 3)
		step(name, from, to);
}

/* What the pipe has by now; a line may come in two reads */
static void read_trace(int fd)
{
	static char buf[65536];
	static size_t len;
	char *line, *nl;
	ssize_t n;

	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0) {
		len += n;
		buf[len] = '\0';
		line = buf;
		while ((nl = strchr(line, '\n'))) {
			*nl = '\0';
			trace_line(line);
			line = nl + 1;
		}
		len -= line - buf;
		memmove(buf, line, len);
		if (len == sizeof(buf) - 1)
			len = 0;
	}
}

/* One record a read */
static void read_log(int fd)
{
	char buf[8192];
	ssize_t n;

	for (;;) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && errno == EPIPE) {
			lost++;
			continue;
		}
		if (n <= 0)
			return;
		buf[n] = '\0';
		log_line(buf);
	}
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_term };
	struct pollfd pfd = { .events = POLLIN };
	int i, j, kinds = 0;
	bool trace;

	sigaction(SIGTERM, &sa, NULL);
	trace = !mk_write(EVENT, "1", 1);
	if (trace) {
		pfd.fd = open(TRACING "/trace_pipe", O_RDONLY | O_NONBLOCK);
	} else {
		pfd.fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
		if (pfd.fd >= 0)
			lseek(pfd.fd, 0, SEEK_END);
	}
	if (pfd.fd < 0)
		return mk_fail("mkstates", errno);
	printf("following\n");
	fflush(stdout);

	while (!ended) {
		poll(&pfd, 1, 200);
		if (trace)
			read_trace(pfd.fd);
		else
			read_log(pfd.fd);
	}
	if (trace) {
		mk_write(EVENT, "0", 1);
		read_trace(pfd.fd);
	} else {
		read_log(pfd.fd);
	}

	for (i = 0; i < NR_STATES; i++)
		for (j = 0; j < NR_STATES; j++)
			kinds += seen[i][j];
	printf("steps=%u kinds=%d illegal=%u lost=%u source=%s\n", steps, kinds, illegal,
	       lost, trace ? "trace" : "log");
	return illegal || lost;
}
