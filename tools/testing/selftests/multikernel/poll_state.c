// SPDX-License-Identifier: GPL-2.0
/*
 * poll_state NAME LAST TIMEOUT_MS
 *	Print the state of NAME, then the state after each wake-up of poll(2),
 *	until it is LAST ("gone": the instance was destroyed).
 * poll_state -q NAME MS
 *	Nothing changes for MS milliseconds: exit 1 if poll(2) wakes all the
 *	same.
 *
 * The file stays open and no state is read without a wake-up before it, so a
 * change that does not wake is seen as a time-out (exit 1).
 */
#define _GNU_SOURCE
#include "mk.h"

static int quiet(struct pollfd *pfd, int ms)
{
	char state[64];
	int n;

	n = mk_read_fd(pfd->fd, state, sizeof(state));
	if (n)
		return mk_fail("poll_state: read", n);
	n = poll(pfd, 1, ms);
	if (!n)
		return 0;
	fprintf(stderr, "poll_state: woke in state %s with nothing changed\n",
		state);
	return 1;
}

static int follow(struct pollfd *pfd, const char *last, int timeout_ms)
{
	unsigned long long deadline = mk_now_ns() + timeout_ms * 1000000ull;
	char state[64];
	unsigned long long now;

	for (;;) {
		if (mk_read_fd(pfd->fd, state, sizeof(state)))
			snprintf(state, sizeof(state), "gone");
		puts(state);
		fflush(stdout);
		if (!strcmp(state, last))
			return 0;
		now = mk_now_ns();
		if (!strcmp(state, "gone") || now >= deadline ||
		    poll(pfd, 1, (deadline - now) / 1000000 + 1) <= 0) {
			fprintf(stderr, "poll_state: last state %s, not %s\n",
				state, last);
			return 1;
		}
	}
}

int main(int argc, char **argv)
{
	struct pollfd pfd = { .events = POLLPRI };
	bool q = argc == 4 && !strcmp(argv[1], "-q");
	char path[512];

	if (argc != 4) {
		fprintf(stderr, "usage: poll_state NAME LAST MS | -q NAME MS\n");
		return 2;
	}
	snprintf(path, sizeof(path), MK_SYSFS "/instances/%s/state",
		 argv[q ? 2 : 1]);
	pfd.fd = open(path, O_RDONLY);
	if (pfd.fd < 0)
		return mk_fail("poll_state", errno);
	return q ? quiet(&pfd, atoi(argv[3])) :
		   follow(&pfd, argv[2], atoi(argv[3]));
}
