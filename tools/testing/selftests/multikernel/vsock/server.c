// SPDX-License-Identifier: GPL-2.0
/*
 * mkvsock: who serves what the others ask for, or only listens.
 */
#define _GNU_SOURCE
#include "mkvsock.h"

#include <signal.h>
#include <sys/wait.h>

static void serve_run(int fd, const struct order *order)
{
	char end[32];
	int status;
	pid_t pid;

	pid = fork_along();
	if (!pid) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		alarm(0);
		execl("/bin/sh", "sh", "-c", order->text, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	snprintf(end, sizeof(end), "\nstatus %3d\n",
		 WIFEXITED(status) ? WEXITSTATUS(status) : 255);
	put_all(fd, end, strlen(end));
}

static void serve_messages(int fd, uint64_t count)
{
	struct result res = { };
	uint64_t i;

	for (i = 0; i < count; i++) {
		unsigned int len = message_len(i);
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n < 0)
			return;
		pattern(want, 0, len, i);
		if (n != len || memcmp(want, piece, len)) {
			res.bad = i + 1;
			break;
		}
		res.bytes += n;
	}
	put_all(fd, &res, sizeof(res));
	recv(fd, piece, 1, 0);
}

static void serve(int fd)
{
	struct result res = { };
	struct order order;
	int status;
	ssize_t n;

	alarm(LIMIT_S);
	if (get_all(fd, &order, sizeof(order)))
		return;
	order.text[sizeof(order.text) - 1] = '\0';

	switch (order.mode) {
	case 'x':
		serve_run(fd, &order);
		break;
	case 'e':
		while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
			if (put_all(fd, piece, n))
				break;
		break;
	case 'd':	/* throw it away */
		receive_pattern(fd, order.bytes, false, 0, &res);
		put_all(fd, &res, sizeof(res));
		recv(fd, piece, 1, 0);
		break;
	case 'w':	/* compare, when a file is there */
		alarm(0);
		while (access(order.text, F_OK))
			usleep(10000);
		alarm(LIMIT_S);
		/* fall through */
	case 'c':	/* compare */
		receive_pattern(fd, order.bytes, true, SEED_UP, &res);
		put_all(fd, &res, sizeof(res));
		recv(fd, piece, 1, 0);
		break;
	case 'b':
		if (!fork_along())
			_exit(!!send_pattern(fd, 0, order.bytes, atoi(order.text), SEED_DOWN));
		receive_pattern(fd, order.bytes, true, SEED_UP, &res);
		wait(&status);
		put_all(fd, &res, sizeof(res));
		recv(fd, piece, 1, 0);
		break;
	case 'm':
		serve_messages(fd, order.bytes);
		break;
	default:	/* hold */
		alarm(0);
		recv(fd, piece, 1, 0);
	}
}

static int listen_and_say(const char *addr, unsigned int port)
{
	int fd = listen_on(addr, port);

	if (fd < 0) {
		mk_fail("mkvsock: listen", errno);
		return fd;
	}
	printf("mkvsock: serves %u\n", port);
	fflush(stdout);
	return fd;
}

static int serve_all(int fd)
{
	int c;

	for (;;) {
		c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (c < 0)
			return mk_fail("mkvsock: accept", errno);
		if (!fork_along()) {
			close(fd);
			signal(SIGCHLD, SIG_DFL);
			serve(c);
			_exit(0);
		}
		close(c);
	}
}

/* One process says all: of two that write to /dev/kmsg at once, one is not heard */
int cmd_server(const char *addr, unsigned int port)
{
	int fd = listen_and_say(addr, port), packets;

	if (fd < 0)
		return 1;
	signal(SIGCHLD, SIG_IGN);
	if (!strcmp(addr, "tcp"))
		return serve_all(fd);

	type = SOCK_SEQPACKET;
	packets = listen_and_say(addr, port + 1);
	if (packets < 0)
		return 1;
	if (!fork_along()) {
		close(fd);
		return serve_all(packets);
	}
	type = SOCK_STREAM;
	close(packets);
	return serve_all(fd);
}

int cmd_deaf(unsigned int port)
{
	int fd = listen_on("vsock", port);

	type = SOCK_SEQPACKET;
	if (fd < 0 || listen_on("vsock", port + 1) < 0)
		return mk_fail("mkvsock: listen", errno);
	printf("mkvsock: deaf %u\n", port + 1);
	fflush(stdout);
	for (;;)
		pause();
}

/* A server of our own for addresses in this kernel */
pid_t fork_server(const char *addr, unsigned int port)
{
	unsigned int at = port + (type == SOCK_SEQPACKET);
	pid_t pid;
	int fd, c;

	fd = listen_on(addr, at);
	if (fd < 0)
		return -1;
	pid = fork_along();
	if (!pid) {
		c = accept(fd, NULL, NULL);
		if (c >= 0)
			serve(c);
		_exit(0);
	}
	close(fd);
	return pid;
}
