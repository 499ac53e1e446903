// SPDX-License-Identifier: GPL-2.0
/*
 * mkwrite [-x] [-U UID] FILE STRING
 *
 * One write(2) of exactly STRING, no newline added; -x: STRING is hexadecimal;
 * -U: as an ordinary user.  On failure the errno's name goes to stderr, exit 1.
 */
#define _GNU_SOURCE
#include "mk.h"

static int unhex(const char *hex, char *out)
{
	unsigned int byte;
	int len = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		if (sscanf(hex, "%2x", &byte) != 1)
			break;
		out[len++] = byte;
	}
	return len;
}

int main(int argc, char **argv)
{
	bool hex = false;
	uid_t uid = 0;
	size_t len;
	char *data;
	int opt, err;

	while ((opt = getopt(argc, argv, "xU:")) != -1) {
		switch (opt) {
		case 'x':
			hex = true;
			break;
		case 'U':
			uid = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: mkwrite [-x] [-U UID] FILE STRING\n");
		return 2;
	}
	data = argv[optind + 1];
	len = hex ? (size_t)unhex(data, data) : strlen(data);

	if (uid && (setgid(uid) || setuid(uid)))
		return mk_fail("mkwrite: setuid", errno);

	err = mk_write(argv[optind], data, len);
	return err ? mk_fail("mkwrite", err) : 0;
}
