// SPDX-License-Identifier: GPL-2.0
/*
 * mkcount MS: count for so many milliseconds, and say how far that came:
 * "count=N us=TIME". The work of a host that a fault of a spawn may disturb.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	uint64_t start = now_us(), end, n = 0;
	volatile uint64_t sum = 0;
	char *rest;
	long ms;
	int i;

	ms = argc == 2 ? strtol(argv[1], &rest, 10) : 0;
	if (ms <= 0 || *rest) {
		fprintf(stderr, "usage: mkcount MS\n");
		return 2;
	}
	do {
		for (i = 0; i < 10000; i++)
			sum += i;
		n++;
		end = now_us();
	} while (end - start < (uint64_t)ms * 1000);
	printf("count=%llu us=%llu\n", (unsigned long long)n, (unsigned long long)(end - start));

	return 0;
}
