// SPDX-License-Identifier: GPL-2.0
/*
 * Copy stdin to stdout and put before each line the time at which its first
 * byte came, in microseconds of the monotonic clock. Reads as it comes.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	char buf[4096];
	int fresh = 1;
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		for (ssize_t i = 0; i < n; i++) {
			if (fresh)
				printf("%lld ", t.tv_sec * 1000000LL + t.tv_nsec / 1000);
			putchar(buf[i]);
			fresh = buf[i] == '\n';
		}
		fflush(stdout);
	}
	return 0;
}
