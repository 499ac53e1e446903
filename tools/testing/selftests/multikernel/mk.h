/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the multikernel helpers share.  Static programs, libc only: they run in
 * a guest that has nothing but busybox.
 */
#ifndef _SELFTEST_MK_H
#define _SELFTEST_MK_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef KEXEC_FILE_UNLOAD
#define KEXEC_FILE_UNLOAD		0x00000001
#endif
#ifndef KEXEC_FILE_NO_INITRAMFS
#define KEXEC_FILE_NO_INITRAMFS		0x00000004
#endif
#ifndef KEXEC_FILE_MULTIKERNEL
#define KEXEC_FILE_MULTIKERNEL		0x00000010
#endif
#define MK_KEXEC_ID_SHIFT		16

#define MK_SYSFS			"/sys/kernel/multikernel"

static inline unsigned long long mk_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static inline const char *mk_errname(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "EUNKNOWN";
}

/* Say the errno's name on stderr, as the tests compare it; returns 1 */
static inline int mk_fail(const char *who, int err)
{
	fprintf(stderr, "%s: %s\n", who, mk_errname(err));
	return 1;
}

/* One write(2); 0 or the errno, a short write is EIO */
static inline int mk_write(const char *path, const void *buf, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err = 0;

	if (fd < 0)
		return errno;
	n = write(fd, buf, len);
	if (n < 0)
		err = errno;
	else if ((size_t)n != len)
		err = EIO;
	close(fd);
	return err;
}

static inline int mk_kexec_file_load(const char *kernel, const char *initrd,
				     const char *cmdline, unsigned long flags)
{
	int kfd = -1, ifd = -1, err = 0;

	if (kernel) {
		kfd = open(kernel, O_RDONLY | O_CLOEXEC);
		if (kfd < 0)
			return errno;
	}
	if (initrd) {
		ifd = open(initrd, O_RDONLY | O_CLOEXEC);
		if (ifd < 0) {
			err = errno;
			goto out;
		}
	}
	if (syscall(SYS_kexec_file_load, kfd, ifd, strlen(cmdline) + 1,
		    cmdline, flags))
		err = errno;
	if (ifd >= 0)
		close(ifd);
out:
	if (kfd >= 0)
		close(kfd);
	return err;
}

/* Read a small file into buf, NUL-terminated, without the last newline */
static inline int mk_read_fd(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	if (n < 0)
		return errno;
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return 0;
}

static inline bool mk_in_list(const char *word, const char *list)
{
	size_t len = strlen(word);
	const char *p = list;

	while (p) {
		if (!strncmp(p, word, len) && (p[len] == ',' || !p[len]))
			return true;
		p = strchr(p, ',');
		if (p)
			p++;
	}
	return false;
}

/* The same numbers for the same seed, whatever the libc */
static inline unsigned long long *mk_rng(void)
{
	static unsigned long long rng;

	return &rng;
}

static inline void mk_seed(const char *number)
{
	*mk_rng() = strtoull(number, NULL, 0) * 2654435761u + 88172645463325252ull;
}

static inline unsigned int mk_rnd(unsigned int below)
{
	unsigned long long *rng = mk_rng();

	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return (*rng >> 16) % below;
}

#endif /* _SELFTEST_MK_H */
