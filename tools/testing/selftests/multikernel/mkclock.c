// SPDX-License-Identifier: GPL-2.0
/*
 * mkclock MS: set the wall clock ahead by so many milliseconds, at once.
 * busybox's date knows whole seconds only.
 */
#define _GNU_SOURCE
#include <sys/timex.h>

#include "mk.h"

int main(int argc, char **argv)
{
	struct timex tx = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	char *rest;
	long ms;

	ms = argc == 2 ? strtol(argv[1], &rest, 10) : 0;
	if (ms <= 0 || *rest) {
		fprintf(stderr, "usage: mkclock MS\n");
		return 2;
	}
	tx.time.tv_sec = ms / 1000;
	tx.time.tv_usec = ms % 1000 * 1000000;

	return adjtimex(&tx) < 0 ? mk_fail("mkclock", errno) : 0;
}
