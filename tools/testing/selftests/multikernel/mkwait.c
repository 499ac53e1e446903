// SPDX-License-Identifier: GPL-2.0
/*
 * mkwait [-t] NAME STATE[,STATE...] TIMEOUT_MS
 *	Wait by poll(2) until instance NAME is in one of the states, print the
 *	state.  "gone" is the state of an instance that does not exist.  -t: and
 *	the time of day then, in milliseconds since the epoch.
 * mkwait -f|-b FILE STRING TIMEOUT_MS
 *	Wait until STRING stands in FILE (the kept console cannot be polled, it
 *	is read again and again).  -b: after the beginning of the last boot, for
 *	a console that has the log of several.
 *
 * Exit 1 and the last state on stderr when the time is over.
 */
#define _GNU_SOURCE
#include "mk.h"

#define GONE	"gone"

static int remaining_ms(unsigned long long deadline)
{
	unsigned long long now = mk_now_ns();

	return now >= deadline ? 0 : (deadline - now) / 1000000 + 1;
}

static long long wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static int wait_state(const char *name, const char *states, int timeout_ms, bool time)
{
	unsigned long long deadline = mk_now_ns() + timeout_ms * 1000000ull;
	struct pollfd pfd = { .events = POLLPRI };
	char path[512], state[64];
	int left;

	snprintf(path, sizeof(path), MK_SYSFS "/instances/%s/state", name);
	pfd.fd = open(path, O_RDONLY);
	for (;;) {
		if (pfd.fd < 0 || mk_read_fd(pfd.fd, state, sizeof(state)))
			snprintf(state, sizeof(state), GONE);
		if (mk_in_list(state, states)) {
			if (time)
				printf("%s %lld\n", state, wall_ms());
			else
				puts(state);
			return 0;
		}
		left = remaining_ms(deadline);
		if (!left || !strcmp(state, GONE))
			break;
		poll(&pfd, 1, left);
	}
	fprintf(stderr, "mkwait: %s is %s, not %s after %d ms\n", name, state,
		states, timeout_ms);
	return 1;
}

/* Does the string stand in the file?  Text with NUL bytes is no matter. */
static bool file_has(const char *path, const char *string, bool last_boot)
{
	static const char boot[] = "Linux version ";
	static char buf[1024 * 1024];
	const char *from = buf, *p;
	size_t len = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	while (len < sizeof(buf)) {
		n = read(fd, buf + len, sizeof(buf) - len);
		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	while (last_boot &&
	       (p = memmem(from, buf + len - from, boot, strlen(boot))))
		from = p + strlen(boot);
	return memmem(from, buf + len - from, string, strlen(string));
}

static int wait_file(const char *path, const char *string, int timeout_ms,
		     bool last_boot)
{
	unsigned long long deadline = mk_now_ns() + timeout_ms * 1000000ull;

	while (!file_has(path, string, last_boot)) {
		if (!remaining_ms(deadline)) {
			fprintf(stderr, "mkwait: no '%s' in %s after %d ms\n",
				string, path, timeout_ms);
			return 1;
		}
		usleep(10000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && (!strcmp(argv[1], "-f") || !strcmp(argv[1], "-b")))
		return wait_file(argv[2], argv[3], atoi(argv[4]),
				 argv[1][1] == 'b');
	if (argc == 5 && !strcmp(argv[1], "-t"))
		return wait_state(argv[2], argv[3], atoi(argv[4]), true);
	if (argc == 4)
		return wait_state(argv[1], argv[2], atoi(argv[3]), false);
	fprintf(stderr, "usage: mkwait [-t] NAME STATE[,STATE] MS | -f|-b FILE STRING MS\n");
	return 2;
}
