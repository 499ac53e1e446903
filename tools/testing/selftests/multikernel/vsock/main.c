// SPDX-License-Identifier: GPL-2.0
/*
 * Both ends of the vsock tests and of their bench.
 *
 * mkvsock server PORT [unix|tcp]
 *	Serve what the others ask for: streams on PORT, seqpackets on PORT + 1.
 *	"mkvsock: serves N" when it listens at N.
 * mkvsock run CID PORT COMMAND
 *	Run a shell command at the server; its output and its exit status.
 * mkvsock deaf PORT
 *	Listen like the server, but never accept; "mkvsock: deaf N".
 * mkvsock stall PORT FILE
 *	Accept one stream at PORT, with a buffer of 16 MiB, and read it so that the
 *	socket's lock is kept until FILE exists: "stalled".  Then read to the end:
 *	"bytes=N end=ERRNO", 0 for a good end.
 * mkvsock drip PORT
 *	Accept streams at PORT, one after the other, with such a buffer, and keep the
 *	lock for 0.9 s with each read, of a page: "COUNT: bytes=N end=ERRNO" for each.
 * mkvsock pour CID PORT BYTES
 *	Send so many, no matter to whom: "poured" or "error=ERRNO".  Who is poured
 *	into may take its time before it answers: the connection has 20 s.
 * mkvsock [-s] connect CID PORT [SECONDS]
 *	"connected" or the errno's name, and how long it took; the time-out.
 * mkvsock [-s] send CID PORT BYTES [SIZE]
 *	Send a pattern in pieces of SIZE; the server compares.
 * mkvsock [-s] both CID PORT BYTES [SIZE]
 *	The same in both directions at once.
 * mkvsock [-s] fill CID PORT BYTES FILE
 *	Send to a server that does not read before FILE exists there, and say
 *	where it stopped us: "stopped=N".  Go on when there is room.
 * mkvsock shrink CID PORT BYTES
 *	Send half of them, make our own buffer small, send the rest.
 * mkvsock [-s] hold CID PORT
 *	Connect, say so, and say how it ends.
 * mkvsock seq CID PORT COUNT
 *	Messages of many lengths; the server compares each.
 * mkvsock [-s] rtt ADDR PORT COUNT SIZE
 * mkvsock [-s] tput ADDR PORT BYTES SIZE
 *	Figures, as key=value.  ADDR is a CID, "unix" or "tcp", or written
 *	--vsock CID, --unix, --tcp.  For unix, tcp and CID 1 it forks its own
 *	server.
 *
 * -s: seqpackets.  Everything ends after two minutes.
 * MKVSOCK_READ: how data is read: "small" pieces, "all" that was asked for, or
 * "peek" first.
 */
#define _GNU_SOURCE
#include "mkvsock.h"

#include <sys/wait.h>

#define POUR_CONNECT_S	20

static int usage(void)
{
	fprintf(stderr, "see the head of vsock/main.c\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *cmd, *addr, *arg3, *arg4;
	unsigned long long start, n3;
	unsigned int port;
	size_t size;
	pid_t pid = 0;
	int fd, rc;

	if (argc > 1 && !strcmp(argv[1], "-s")) {
		type = SOCK_SEQPACKET;
		argv++;
		argc--;
	}
	if (argc < 3)
		return usage();
	cmd = argv[1];
	if (!strcmp(cmd, "server"))
		return cmd_server(argc > 3 ? argv[3] : "vsock", atoi(argv[2]));
	if (!strcmp(cmd, "deaf"))
		return cmd_deaf(atoi(argv[2]));
	if (!strcmp(cmd, "stall") && argc > 3) {
		alarm(LIMIT_S);
		return cmd_stall(atoi(argv[2]), argv[3]);
	}

	if (!strcmp(cmd, "drip")) {
		alarm(LIMIT_S);
		return cmd_drip(atoi(argv[2]));
	}

	if (!strcmp(argv[2], "--vsock")) {
		argv++;
		argc--;
	}
	if (argc < 4)
		return usage();
	addr = argv[2] + (strncmp(argv[2], "--", 2) ? 0 : 2);
	big = !strcmp(cmd, "pour");
	port = atoi(argv[3]);
	arg3 = argc > 4 ? argv[4] : "0";
	arg4 = argc > 5 ? argv[5] : "65536";
	n3 = strtoull(arg3, NULL, 0);
	size = strtoull(arg4, NULL, 0);
	if (!size || size > PIECE_MAX)
		size = PIECE_MAX;
	if (!strcmp(cmd, "seq"))
		type = SOCK_SEQPACKET;

	alarm(LIMIT_S);
	if ((!strcmp(cmd, "rtt") || !strcmp(cmd, "tput")) &&
	    (!strcmp(addr, "unix") || !strcmp(addr, "tcp") || !strcmp(addr, "1"))) {
		pid = fork_server(addr, port);
		if (pid < 0)
			return say_errno("error", errno);
	}
	if (!strcmp(cmd, "connect"))
		connect_s = n3;
	else if (!strcmp(cmd, "pour"))
		connect_s = POUR_CONNECT_S;
	start = mk_now_ns();
	fd = dial(addr, port);
	if (!strcmp(cmd, "connect")) {
		printf("%s ms=%llu\n", fd < 0 ? mk_errname(-fd) : "connected",
		       (mk_now_ns() - start) / 1000000);
		return fd < 0;
	}
	if (fd < 0)
		return say_errno("connect", -fd);

	if (!strcmp(cmd, "run"))
		rc = cmd_run(fd, arg3);
	else if (!strcmp(cmd, "send"))
		rc = finish(fd, n3, give_order(fd, 'c', n3, "") ?:
				    send_pattern(fd, 0, n3, size, SEED_UP));
	else if (!strcmp(cmd, "both"))
		rc = cmd_both(fd, n3, size);
	else if (!strcmp(cmd, "fill"))
		rc = cmd_fill(fd, n3, arg4);
	else if (!strcmp(cmd, "shrink"))
		rc = cmd_shrink(fd, n3);
	else if (!strcmp(cmd, "pour"))
		rc = cmd_pour(fd, n3);
	else if (!strcmp(cmd, "hold"))
		rc = cmd_hold(fd);
	else if (!strcmp(cmd, "seq"))
		rc = cmd_seq(fd, n3);
	else if (!strcmp(cmd, "rtt"))
		rc = cmd_rtt(fd, addr, n3, size);
	else if (!strcmp(cmd, "tput"))
		rc = cmd_tput(fd, addr, n3, size);
	else
		rc = usage();
	close(fd);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return rc;
}
