// SPDX-License-Identifier: GPL-2.0
/*
 * mktail FILE PREFIX [SKIP] - print the lines of a kept console as they come
 *
 * The file is a window on the end of a longer text: it grows, and when it is
 * full it moves on.  What was printed last is looked up again in each reading.
 * Lines are written whole, with PREFIX; the first SKIP bytes are left out.
 * Runs until it gets SIGTERM, and prints what is left, or FILE is gone.
 */
#define _GNU_SOURCE
#include <signal.h>
#include "mk.h"

#define MAX_BYTES	(256 * 1024)
#define KEY_BYTES	512

static ssize_t slurp(const char *path, char *buf)
{
	size_t len = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	while (len < MAX_BYTES) {
		n = read(fd, buf + len, MAX_BYTES - len);
		if (n < 0) {
			close(fd);
			return -1;
		}
		if (!n)
			break;
		len += n;
	}
	close(fd);
	return len;
}

/* Where the text after the last printed line begins */
static const char *resume(const char *buf, size_t len, const char *key,
			  size_t key_len)
{
	const char *p = buf, *found = buf;

	while (key_len && (p = memmem(p, len - (p - buf), key, key_len))) {
		p += key_len;
		found = p;
	}
	return found;
}

int main(int argc, char **argv)
{
	static const struct timespec period = { .tv_nsec = 50000000 };
	static char buf[MAX_BYTES], key[KEY_BYTES];
	const char *p, *eol;
	size_t key_len = 0;
	ssize_t len, skip;
	bool last = false;
	sigset_t end;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: mktail FILE PREFIX [SKIP]\n");
		return 2;
	}
	skip = argc == 4 ? atol(argv[3]) : 0;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);

	for (;;) {
		len = slurp(argv[1], buf);
		if (len < 0)
			break;
		p = skip && skip <= len ? buf + skip :
					 resume(buf, len, key, key_len);
		skip = 0;
		while ((eol = memchr(p, '\n', buf + len - p))) {
			printf("%s%.*s\n", argv[2], (int)(eol - p), p);
			fflush(stdout);
			p = eol + 1;
		}
		key_len = p - buf < KEY_BYTES ? p - buf : KEY_BYTES;
		memcpy(key, p - key_len, key_len);
		if (last)
			break;
		/* One more reading after the signal */
		last = sigtimedwait(&end, NULL, &period) == SIGTERM;
	}
	return 0;
}
