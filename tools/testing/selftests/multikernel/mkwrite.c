// SPDX-License-Identifier: GPL-2.0
/*
 * mkwrite [-x] [-U UID] [-n N] FILE STRING
 *
 * One write(2) of exactly STRING, no newline added; -x: STRING is hexadecimal;
 * -U: as an ordinary user; -n: the kernel's N-th allocation in it fails
 * (CONFIG_FAILSLAB), and exit 3 says that the write had fewer than N.  On
 * failure the errno's name goes to stderr, exit 1.
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

static int write_failing(const char *path, const char *data, size_t len, int nth)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int fail = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	char left[16] = "";
	int err = 0;

	if (fd < 0 || fail < 0)
		return mk_fail("mkwrite: open", errno);
	snprintf(left, sizeof(left), "%d", nth);
	if (write(fail, left, strlen(left)) < 0)
		return mk_fail("mkwrite: fail-nth", errno);
	if (write(fd, data, len) < 0)
		err = errno;
	if (pread(fail, left, sizeof(left) - 1, 0) <= 0)
		return mk_fail("mkwrite: fail-nth", errno);
	if (write(fail, "0", 1) < 0)
		return mk_fail("mkwrite: fail-nth", errno);
	if (err)
		return mk_fail("mkwrite", err);
	return atoi(left) ? 3 : 0;
}

int main(int argc, char **argv)
{
	bool hex = false;
	int nth = 0;
	uid_t uid = 0;
	size_t len;
	char *data;
	int opt, err;

	while ((opt = getopt(argc, argv, "xU:n:")) != -1) {
		switch (opt) {
		case 'x':
			hex = true;
			break;
		case 'U':
			uid = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			nth = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: mkwrite [-x] [-U UID] [-n N] FILE STRING\n");
		return 2;
	}
	data = argv[optind + 1];
	len = hex ? (size_t)unhex(data, data) : strlen(data);

	if (uid && (setgid(uid) || setuid(uid)))
		return mk_fail("mkwrite: setuid", errno);

	if (nth)
		return write_failing(argv[optind], data, len, nth);
	err = mk_write(argv[optind], data, len);
	return err ? mk_fail("mkwrite", err) : 0;
}
