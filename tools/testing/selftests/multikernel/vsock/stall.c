// SPDX-License-Identifier: GPL-2.0
/*
 * mkvsock: readers that keep the socket's lock over a page fault, or over each.
 */
#define _GNU_SOURCE
#include "mkvsock.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Pages that are not there before somebody says so */
static char *make_hole(int *uffd, size_t bytes)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (*uffd < 0 || page == MAP_FAILED)
		return NULL;
	reg.range.start = (unsigned long)page;
	reg.range.len = bytes;
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

int cmd_stall(unsigned int port, const char *file)
{
	struct uffdio_zeropage zero = { .range.len = 4096 };
	struct stall stall;
	struct uffd_msg msg;
	pthread_t reader;
	int uffd, fd;

	big = true;	/* What is accepted inherits it */
	fd = listen_on("vsock", port);
	stall.page = make_hole(&uffd, 4096);
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

/* How long a page takes to come */
#define DRIP_US 900000

/* More than come in the time that there is */
#define DRIP_PAGES 256

static void *slow_pages(void *arg)
{
	struct uffdio_zeropage zero = { .range.len = 4096 };
	const int *uffd = arg;
	struct uffd_msg msg;

	while (read(*uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		usleep(DRIP_US);
		zero.range.start = msg.arg.pagefault.address & ~4095ull;
		if (ioctl(*uffd, UFFDIO_ZEROPAGE, &zero))
			break;
	}
	mk_fail("mkvsock: pages", errno);
	exit(1);
}

int cmd_drip(unsigned int port)
{
	unsigned long long bytes;
	socklen_t len = sizeof(int);
	int fd, conn, err, uffd, done = 0;
	pthread_t pages;
	ssize_t n = 0;
	char *page;

	big = true;	/* What is accepted inherits it */
	fd = listen_on("vsock", port);
	page = make_hole(&uffd, DRIP_PAGES * 4096);
	if (!page)
		return mk_fail("mkvsock: userfaultfd", errno);
	if (fd < 0 || pthread_create(&pages, NULL, slow_pages, &uffd))
		return mk_fail("mkvsock: listen", errno);
	printf("mkvsock: serves %u\n", port);
	fflush(stdout);

	while ((conn = accept(fd, NULL, NULL)) >= 0) {
		bytes = 0;
		err = 0;
		/* A reset is seen at once, not behind all that came before it */
		while (!err && (n = recv(conn, page, 4096, 0)) > 0) {
			bytes += n;
			page += 4096;
			/* Whoever waits for the lock has it now, for as long */
			usleep(100);
			if (getsockopt(conn, SOL_SOCKET, SO_ERROR, &err, &len))
				err = errno;
		}
		if (!err && n < 0)
			err = errno;
		printf("%d: bytes=%llu end=%s\n", ++done, bytes, err ? mk_errname(err) : "0");
		fflush(stdout);
		close(conn);
	}
	return mk_fail("mkvsock: accept", errno);
}
