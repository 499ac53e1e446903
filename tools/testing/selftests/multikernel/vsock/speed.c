// SPDX-License-Identifier: GPL-2.0
/*
 * mkvsock: how long a round trip takes, and how fast a stream is.
 */
#define _GNU_SOURCE
#include "mkvsock.h"

int cmd_rtt(int fd, const char *addr, unsigned int count, size_t size)
{
	uint64_t start, took, min = UINT64_MAX, sum = 0, max = 0;
	unsigned int i;
	int err = give_order(fd, 'e', 0, "");

	for (i = 0; i < count && !err; i++) {
		start = mk_now_ns();
		err = put_all(fd, piece, size);
		if (!err)
			err = get_all(fd, piece, size);
		took = mk_now_ns() - start;
		sum += took;
		if (took < min)
			min = took;
		if (took > max)
			max = took;
	}
	if (err)
		return say_errno("error", err);
	printf("addr=%s count=%u size=%zu min_ns=%llu avg_ns=%llu max_ns=%llu\n", addr,
	       count, size, (unsigned long long)min, (unsigned long long)(sum / count),
	       (unsigned long long)max);
	return 0;
}

int cmd_tput(int fd, const char *addr, uint64_t bytes, size_t size)
{
	struct result res;
	uint64_t start, at, ns;
	int err = give_order(fd, 'd', bytes, "");

	start = mk_now_ns();
	for (at = 0; at < bytes && !err; at += size)
		err = put_all(fd, piece, bytes - at < size ? bytes - at : size);
	if (!err)
		err = get_all(fd, &res, sizeof(res));
	ns = mk_now_ns() - start;
	if (err)
		return say_errno("error", err);
	printf("addr=%s bytes=%llu size=%zu ns=%llu kib_s=%llu\n", addr,
	       (unsigned long long)res.bytes, size, (unsigned long long)ns,
	       (unsigned long long)(res.bytes * 1000000000.0 / 1024 / ns));
	return res.bytes != bytes;
}
