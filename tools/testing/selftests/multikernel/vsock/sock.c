// SPDX-License-Identifier: GPL-2.0
/*
 * mkvsock: make sockets of each kind, and send, receive and compare data.
 */
#define _GNU_SOURCE
#include "mkvsock.h"

#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/un.h>

int type = SOCK_STREAM;
int connect_s;
bool big;
char piece[PIECE_MAX], want[PIECE_MAX];

int say_errno(const char *what, int err)
{
	printf("%s=%s\n", what, mk_errname(err));
	fflush(stdout);
	return 1;
}

/* The pattern depends on the place alone, in words of 8 bytes */
void pattern(char *buf, uint64_t at, size_t len, uint64_t seed)
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
int dial(const char *addr, unsigned int port)
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

int listen_on(const char *addr, unsigned int port)
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
int put_all(int fd, const void *buf, size_t len)
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

int get_all(int fd, void *buf, size_t len)
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

int give_order(int fd, char mode, uint64_t bytes, const char *text)
{
	struct order order = { .mode = mode, .bytes = bytes };

	strncpy(order.text, text, sizeof(order.text) - 1);
	return put_all(fd, &order, sizeof(order));
}

int send_pattern(int fd, uint64_t from, uint64_t bytes, size_t size, uint64_t seed)
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

/* Until the end, or @bytes have come */
int receive_pattern(int fd, uint64_t bytes, bool compare, uint64_t seed, struct result *res)
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

/* Of message number i */
unsigned int message_len(unsigned int i)
{
	static const unsigned int lens[] = {
		1, 2, 15, 16, 17, 127, 128, 129, 4095, 4096, 4097, 65535, 65536, 65537,
		100000, 200000,
	};

	return lens[i % (sizeof(lens) / sizeof(lens[0]))];
}

/* A child that ends with its parent: who kills the one means both */
pid_t fork_along(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}
