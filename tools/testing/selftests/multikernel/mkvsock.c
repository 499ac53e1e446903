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
 * mkvsock pour CID PORT BYTES
 *	Send so many, no matter to whom: "poured" or "error=ERRNO".
 * mkvsock [-s] connect CID PORT [SECONDS]
 *	"connected" or the errno's name, and how long it took; the time-out.
 * mkvsock [-s] send CID PORT BYTES [SIZE]
 *	Send a pattern in pieces of SIZE; the server compares.
 * mkvsock [-s] both CID PORT BYTES [SIZE]
 *	The same in both directions at once.
 * mkvsock [-s] fill CID PORT BYTES FILE
 *	Send to a server that does not read before FILE exists there, and say
 *	where it stopped us: "stopped=N".  Go on when there is room.
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
#include "mk.h"

#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define LIMIT_S		120
#define PIECE_MAX	(256 << 10)
#define SEED_UP		0x1234567ull
#define SEED_DOWN	0x89abcdeull

/* The first message of a connection: what it is for */
struct order {
	char mode;
	char text[247];
	uint64_t bytes;
};

struct result {
	uint64_t bytes;
	uint64_t bad;		/* offset of the first wrong byte + 1 */
};

static const char *addr_arg;
static int type = SOCK_STREAM;
static int connect_s;
static char piece[PIECE_MAX], want[PIECE_MAX];

static int say_errno(const char *what, int err)
{
	printf("%s=%s\n", what, mk_errname(err));
	fflush(stdout);
	return 1;
}

/* The pattern depends on the place alone, in words of 8 bytes */
static void pattern(char *buf, uint64_t at, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++, at++) {
		uint64_t word = (at / 8 + seed) * 0x9e3779b97f4a7c15ull;

		if (!(at % 8) && len - i >= 8) {
			memcpy(buf + i, &word, 8);
			i += 7;
			at += 7;
		} else {
			buf[i] = ((char *)&word)[at % 8];
		}
	}
}

/* Much credit: as much as the smaller of the buffers at both ends */
static bool big;

/* MKVSOCK_BUFFER=BYTES in the environment is the buffer of whoever connects */
static unsigned long long buffer_size(void)
{
	const char *bytes = getenv("MKVSOCK_BUFFER");

	return bytes ? strtoull(bytes, NULL, 0) : big ? 16 << 20 : 0;
}

static int make_socket(const char *addr)
{
	unsigned long long size = buffer_size();
	int fd;

	if (!strcmp(addr, "unix"))
		return socket(AF_UNIX, type, 0);
	if (!strcmp(addr, "tcp"))
		return socket(AF_INET, SOCK_STREAM, 0);
	fd = socket(AF_VSOCK, type, 0);
	if (size && fd >= 0) {
		setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof(size));
		setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size));
	}
	return fd;
}

static socklen_t make_addr(const char *addr, unsigned int port, bool listens,
			   struct sockaddr_storage *ss)
{
	struct sockaddr_vm *vm = (void *)ss;
	struct sockaddr_un *un = (void *)ss;
	struct sockaddr_in *in = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (!strcmp(addr, "unix")) {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path + 1, sizeof(un->sun_path) - 1, "mkvsock-%u", port);
		return sizeof(*un);
	}
	if (!strcmp(addr, "tcp")) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	vm->svm_family = AF_VSOCK;
	vm->svm_port = port;
	vm->svm_cid = listens ? VMADDR_CID_ANY : strtoul(addr, NULL, 0);
	return sizeof(*vm);
}

/* The descriptor, or minus the errno */
static int dial(const char *addr, unsigned int port)
{
	struct sockaddr_storage ss;
	socklen_t len = make_addr(addr, port + (type == SOCK_SEQPACKET), false, &ss);
	int fd = make_socket(addr), one = 1;

	if (fd < 0)
		return -errno;
	if (connect_s) {
		struct timeval tv = { .tv_sec = connect_s };

		setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv));
	}
	if (connect(fd, (struct sockaddr *)&ss, len)) {
		int err = errno;

		close(fd);
		return -err;
	}
	if (!strcmp(addr, "tcp"))
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int listen_on(const char *addr, unsigned int port)
{
	struct sockaddr_storage ss;
	socklen_t len = make_addr(addr, port, true, &ss);
	int fd = make_socket(addr), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 64))
		return -1;
	return fd;
}

/* All of it; 0 or the errno, ENODATA for an end before */
static int put_all(int fd, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0)
			return errno;
		buf += n;
		len -= n;
	}
	return 0;
}

static int get_all(int fd, void *buf, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n < 0)
			return errno;
		if (!n)
			return ENODATA;
		buf += n;
		len -= n;
	}
	return 0;
}

static int give_order(int fd, char mode, uint64_t bytes, const char *text)
{
	struct order order = { .mode = mode, .bytes = bytes };

	strncpy(order.text, text, sizeof(order.text) - 1);
	return put_all(fd, &order, sizeof(order));
}

static int send_pattern(int fd, uint64_t from, uint64_t bytes, size_t size, uint64_t seed)
{
	static char buf[PIECE_MAX];
	uint64_t at;
	int err = 0;

	for (at = from; at < bytes && !err; at += size) {
		if (size > bytes - at)
			size = bytes - at;
		pattern(buf, at, size, seed);
		err = put_all(fd, buf, size);
	}
	return err;
}

/* Until the end, or @bytes have come */
static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* As recv() does, in one of the ways that there are: $MKVSOCK_READ */
static ssize_t receive_some(int fd, size_t room)
{
	const char *how = getenv("MKVSOCK_READ") ?: "";
	static unsigned int turn;
	ssize_t seen, n;

	if (!strcmp(how, "small"))
		return recv(fd, piece, min_size(room, ++turn * 997 % 5000 + 1), 0);
	if (!strcmp(how, "all"))
		return recv(fd, piece, min_size(room, 100000), MSG_WAITALL);
	if (strcmp(how, "peek"))
		return recv(fd, piece, room, 0);

	seen = recv(fd, want, room, MSG_PEEK);
	if (seen <= 0)
		return seen;
	n = recv(fd, piece, seen, 0);
	if (n == seen && memcmp(want, piece, n)) {
		errno = EBADMSG;
		return -1;
	}
	return n;
}

static int receive_pattern(int fd, uint64_t bytes, bool compare, uint64_t seed,
			   struct result *res)
{
	memset(res, 0, sizeof(*res));
	while (!bytes || res->bytes < bytes) {
		size_t room = bytes && bytes - res->bytes < PIECE_MAX ?
			      bytes - res->bytes : PIECE_MAX;
		ssize_t n = receive_some(fd, room);

		if (n < 0)
			return errno;
		if (!n)
			return bytes ? ENODATA : 0;
		if (compare && !res->bad) {
			pattern(want, res->bytes, n, seed);
			if (memcmp(want, piece, n))
				res->bad = res->bytes + 1;
		}
		res->bytes += n;
	}
	return 0;
}

static unsigned int message_len(unsigned int i)
{
	static const unsigned int lens[] = {
		1, 2, 15, 16, 17, 127, 128, 129, 4095, 4096, 4097, 65535, 65536, 65537,
		100000, 200000,
	};

	return lens[i % (sizeof(lens) / sizeof(lens[0]))];
}

/* --- server -------------------------------------------------------------- */

/* A child that ends with its parent: who kills the one means both */
static pid_t fork_along(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

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
		while (access(order.text, F_OK))
			usleep(10000);
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
static int cmd_server(const char *addr, unsigned int port)
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

static int cmd_deaf(unsigned int port)
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

/* A page that is not there before somebody says so */
static char *make_hole(int *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (*uffd < 0 || page == MAP_FAILED)
		return NULL;
	reg.range.start = (unsigned long)page;
	reg.range.len = 4096;
	if (ioctl(*uffd, UFFDIO_API, &api) || ioctl(*uffd, UFFDIO_REGISTER, &reg))
		return NULL;
	return page;
}

struct stall {
	int fd;
	char *page;
};

static void *stalled_reader(void *arg)
{
	struct stall *stall = arg;
	unsigned long long bytes = 0;
	ssize_t n = recv(stall->fd, stall->page, 4096, 0);

	while (n > 0) {
		bytes += n;
		n = recv(stall->fd, piece, sizeof(piece), 0);
	}
	printf("bytes=%llu end=%s\n", bytes, n ? mk_errname(errno) : "0");
	fflush(stdout);
	return NULL;
}

static int cmd_stall(unsigned int port, const char *file)
{
	struct uffdio_zeropage zero = { .range.len = 4096 };
	struct stall stall;
	struct uffd_msg msg;
	pthread_t reader;
	int uffd, fd;

	big = true;	/* What is accepted inherits it */
	fd = listen_on("vsock", port);
	stall.page = make_hole(&uffd);
	if (!stall.page)
		return mk_fail("mkvsock: userfaultfd", errno);
	if (fd < 0)
		return mk_fail("mkvsock: listen", errno);
	printf("mkvsock: serves %u\n", port);
	fflush(stdout);
	stall.fd = accept(fd, NULL, NULL);
	if (stall.fd < 0 || pthread_create(&reader, NULL, stalled_reader, &stall))
		return mk_fail("mkvsock: accept", errno);

	/* The fault, of who holds the socket's lock */
	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		return mk_fail("mkvsock: fault", errno);
	puts("stalled");
	fflush(stdout);
	while (access(file, F_OK))
		usleep(10000);
	zero.range.start = (unsigned long)stall.page;
	if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero))
		return mk_fail("mkvsock: zeropage", errno);
	pthread_join(reader, NULL);
	return 0;
}

/* --- the asking side ------------------------------------------------------ */

static int finish(int fd, uint64_t bytes, int err)
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

static int cmd_run(int fd, const char *command)
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

static int cmd_both(int fd, uint64_t bytes, size_t size)
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

static int cmd_fill(int fd, uint64_t bytes, const char *file)
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
	fcntl(fd, F_SETFL, 0);
	return finish(fd, bytes, send_pattern(fd, at, bytes, 16 << 10, SEED_UP));
}

static int cmd_hold(int fd)
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

static int cmd_seq(int fd, unsigned int count)
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

static int cmd_pour(int fd, uint64_t bytes)
{
	int err = send_pattern(fd, 0, bytes, PIECE_MAX, SEED_UP);

	if (err)
		return say_errno("error", err);
	puts("poured");
	return 0;
}

static int cmd_rtt(int fd, unsigned int count, size_t size)
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
	printf("addr=%s count=%u size=%zu min_ns=%llu avg_ns=%llu max_ns=%llu\n", addr_arg,
	       count, size, (unsigned long long)min, (unsigned long long)(sum / count),
	       (unsigned long long)max);
	return 0;
}

static int cmd_tput(int fd, uint64_t bytes, size_t size)
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
	printf("addr=%s bytes=%llu size=%zu ns=%llu kib_s=%llu\n", addr_arg,
	       (unsigned long long)res.bytes, size, (unsigned long long)ns,
	       (unsigned long long)(res.bytes * 1000000000.0 / 1024 / ns));
	return res.bytes != bytes;
}

/* A server of our own for addresses in this kernel */
static pid_t fork_server(const char *addr, unsigned int port)
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

static int usage(void)
{
	fprintf(stderr, "see the head of mkvsock.c\n");
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

	if (!strcmp(argv[2], "--vsock")) {
		argv++;
		argc--;
	}
	if (argc < 4)
		return usage();
	addr = argv[2] + (strncmp(argv[2], "--", 2) ? 0 : 2);
	addr_arg = addr;
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
	else if (!strcmp(cmd, "pour"))
		rc = cmd_pour(fd, n3);
	else if (!strcmp(cmd, "hold"))
		rc = cmd_hold(fd);
	else if (!strcmp(cmd, "seq"))
		rc = cmd_seq(fd, n3);
	else if (!strcmp(cmd, "rtt"))
		rc = cmd_rtt(fd, n3, size);
	else if (!strcmp(cmd, "tput"))
		rc = cmd_tput(fd, n3, size);
	else
		rc = usage();
	close(fd);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return rc;
}
