// SPDX-License-Identifier: GPL-2.0
/*
 * mkvsock: who asks a server for something, and says what came of it.
 */
#define _GNU_SOURCE
#include "mkvsock.h"

#include <linux/vm_sockets.h>
#include <sys/wait.h>

int finish(int fd, uint64_t bytes, int err)
{
	struct result res = { };

	if (!err)
		err = get_all(fd, &res, sizeof(res));
	if (err)
		return say_errno("error", err);
	printf("bytes=%llu bad=%llu\n", (unsigned long long)res.bytes,
	       (unsigned long long)res.bad);
	return res.bad || res.bytes != bytes;
}

int cmd_run(int fd, const char *command)
{
	size_t have = 0, keep;
	char buf[4096];
	ssize_t n;
	int err = give_order(fd, 'x', 0, command);

	if (err)
		return say_errno("error", err) + 124;
	/* The last 12 bytes are the status; what can't be it is shown at once */
	while ((n = recv(fd, buf + have, sizeof(buf) - have, 0)) > 0) {
		have += n;
		for (keep = have < 12 ? have : 12; keep; keep--)
			if (!memcmp(buf + have - keep, "\nstatus ", keep < 8 ? keep : 8))
				break;
		fwrite(buf, 1, have - keep, stdout);
		fflush(stdout);
		memmove(buf, buf + have - keep, keep);
		have = keep;
	}
	fflush(stdout);
	if (have != 12 || sscanf(buf, "\nstatus %d", &err) != 1)
		return 125;
	return err;
}

int cmd_both(int fd, uint64_t bytes, size_t size)
{
	struct result mine = { }, res = { };
	char text[16];
	int err, status = 0;

	snprintf(text, sizeof(text), "%zu", size);
	err = give_order(fd, 'b', bytes, text);
	if (err)
		return say_errno("error", err);
	if (!fork_along())
		_exit(send_pattern(fd, 0, bytes, size, SEED_UP));
	err = receive_pattern(fd, bytes, true, SEED_DOWN, &mine);
	wait(&status);
	if (!err)
		err = WEXITSTATUS(status);
	if (!err)
		err = get_all(fd, &res, sizeof(res));
	if (err)
		return say_errno("error", err);
	printf("up=%llu up_bad=%llu down=%llu down_bad=%llu\n",
	       (unsigned long long)res.bytes, (unsigned long long)res.bad,
	       (unsigned long long)mine.bytes, (unsigned long long)mine.bad);
	return res.bad || mine.bad || res.bytes != bytes || mine.bytes != bytes;
}

int cmd_fill(int fd, uint64_t bytes, const char *file)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t at = 0;
	size_t size = 16 << 10;
	int err = give_order(fd, 'w', bytes, file);

	if (err)
		return say_errno("error", err);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	/* Nothing is read there: no room for a second is no room */
	while (at < bytes && poll(&p, 1, 1000) > 0) {
		ssize_t n;

		if (size > bytes - at)
			size = bytes - at;
		pattern(piece, at, size, SEED_UP);
		n = send(fd, piece, size, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return say_errno("error", errno);
		if (n > 0)
			at += n;
	}
	printf("stopped=%llu\n", (unsigned long long)at);
	fflush(stdout);
	/* Who asked for it says when it goes on */
	alarm(0);
	fcntl(fd, F_SETFL, 0);
	return finish(fd, bytes, send_pattern(fd, at, bytes, 16 << 10, SEED_UP));
}

int cmd_hold(int fd)
{
	ssize_t n;
	int err = give_order(fd, 'h', 0, "");

	if (err)
		return say_errno("error", err);
	puts("connected");
	fflush(stdout);
	alarm(0);
	n = recv(fd, piece, 1, 0);
	if (n < 0)
		say_errno("recv", errno);
	else
		puts(n ? "recv=data" : "recv=end");
	if (send(fd, piece, 1, MSG_NOSIGNAL) < 0)
		say_errno("send", errno);
	else
		puts("send=done");
	return 0;
}

int cmd_seq(int fd, unsigned int count)
{
	uint64_t bytes = 0;
	unsigned int i;
	int err = give_order(fd, 'm', count, "");

	for (i = 0; i < count && !err; i++) {
		unsigned int len = message_len(i);
		ssize_t n;

		pattern(piece, 0, len, i);
		n = send(fd, piece, len, MSG_NOSIGNAL);
		if (n < 0)
			err = errno;
		else if (n != len)
			err = EMSGSIZE;
		bytes += len;
	}
	return finish(fd, bytes, err);
}

/* The peer has counted on the larger buffer by then */
int cmd_shrink(int fd, uint64_t bytes)
{
	unsigned long long size = 32 << 10;
	int err = give_order(fd, 'c', bytes, "");

	if (!err)
		err = send_pattern(fd, 0, bytes / 2, 64 << 10, SEED_UP);
	if (!err && setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size)))
		err = errno;
	if (!err)
		err = send_pattern(fd, bytes / 2, bytes, 64 << 10, SEED_UP);

	return finish(fd, bytes, err);
}

int cmd_pour(int fd, uint64_t bytes)
{
	int err = send_pattern(fd, 0, bytes, PIECE_MAX, SEED_UP);

	if (err)
		return say_errno("error", err);
	puts("poured");
	return 0;
}
