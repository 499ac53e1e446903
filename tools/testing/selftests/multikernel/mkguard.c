// SPDX-License-Identifier: GPL-2.0
/*
 * mkguard WHAT [ADDR [SIZE]]: try to reach something, from user space
 *
 *	mem ADDR	read 16 bytes of /dev/mem
 *	memw ADDR	write a zero byte there
 *	map ADDR	map a page of /dev/mem, and read it
 *	port, portw	read, write port 0x80 by /dev/port
 *	iopl, ioperm	the system calls
 *	msr NR		write to /dev/cpu/0/msr what is there
 *	kcore ADDR SIZE	does /proc/kcore have this physical memory?
 *	kcoreat VIRT	read 4096 bytes of kernel memory by /proc/kcore
 *	pages ADDR SIZE	what is in /proc/kpageflags?
 *
 * Prints "done", or the errno's name; for kcoreat "zeros" or "data"; for pages
 * "none" if there are no such pages, "reserved" if some have a struct page that
 * says that it is nobody's, "used" if at least one is the kernel's.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/kernel-page-flags.h>
#include <stdint.h>
#include <sys/io.h>
#include <sys/mman.h>
#include "mk.h"

static const char *result(long ret)
{
	return ret < 0 ? mk_errname(errno) : "done";
}

static const char *at(const char *path, int flags, off_t where, size_t len)
{
	static char buf[16];
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return mk_errname(errno);
	return result(flags == O_RDONLY ? pread(fd, buf, len, where) :
					  pwrite(fd, buf, len, where));
}

static const char *map(off_t where)
{
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	volatile char *p;

	if (fd < 0)
		return mk_errname(errno);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, where);
	if (p == MAP_FAILED)
		return mk_errname(errno);
	(void)*p;
	return "done";
}

static const char *msr(off_t nr)
{
	int fd = open("/dev/cpu/0/msr", O_RDWR | O_CLOEXEC);
	unsigned long long v;

	if (fd < 0)
		return mk_errname(errno);
	/* One that can't be read is tried all the same, with 0 */
	if (pread(fd, &v, sizeof(v), nr) != sizeof(v))
		v = 0;
	return result(pwrite(fd, &v, sizeof(v), nr));
}

/* The next PT_LOAD of /proc/kcore, from header *@i on: 1, 0 at the end, -1 with errno */
static int next_load(int fd, int *i, Elf64_Phdr *ph)
{
	Elf64_Ehdr eh;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		return -1;
	while (*i < eh.e_phnum) {
		if (pread(fd, ph, sizeof(*ph), eh.e_phoff + (*i)++ * sizeof(*ph)) != sizeof(*ph))
			return -1;
		if (ph->p_type == PT_LOAD)
			return 1;
	}
	return 0;
}

/* Each PT_LOAD that has a physical address: "done" if one overlaps */
static const char *kcore(unsigned long long from, unsigned long long size)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	int i = 0, more, loads = 0;
	Elf64_Phdr ph;

	while ((more = next_load(fd, &i, &ph)) > 0) {
		if (ph.p_paddr == (Elf64_Addr)-1)
			continue;
		loads++;
		if (ph.p_paddr < from + size && from < ph.p_paddr + ph.p_memsz)
			return "done";
	}
	if (more < 0)
		return mk_errname(errno);
	return loads ? "none" : "empty";
}

static const char *kcoreat(unsigned long long virt)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	static char buf[4096], zeros[4096];
	Elf64_Phdr ph;
	int i = 0, more;

	while ((more = next_load(fd, &i, &ph)) > 0) {
		if (virt < ph.p_vaddr || virt - ph.p_vaddr >= ph.p_memsz)
			continue;
		if (pread(fd, buf, sizeof(buf), ph.p_offset + (virt - ph.p_vaddr)) < 0)
			return mk_errname(errno);
		return memcmp(buf, zeros, sizeof(buf)) ? "data" : "zeros";
	}
	return more < 0 ? mk_errname(errno) : "none";
}

static const char *pages(unsigned long long from, unsigned long long size)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	const char *got = "none";
	unsigned long long pfn;
	uint64_t flags;
	ssize_t n;

	if (fd < 0)
		return mk_errname(errno);
	for (pfn = from / 4096; pfn < (from + size + 4095) / 4096; pfn++) {
		n = pread(fd, &flags, sizeof(flags), pfn * sizeof(flags));
		if (n < 0)
			return mk_errname(errno);
		/* Beyond the last page that there is */
		if (n != sizeof(flags) || flags & 1ull << KPF_NOPAGE)
			continue;
		/* KPF_RESERVED is for kernel hackers, and not in the header */
		if (flags != 1ull << 32)
			return "used";
		got = "reserved";
	}
	return got;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *got;
	unsigned long long a = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	unsigned long long b = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;

	if (!strcmp(what, "mem"))
		got = at("/dev/mem", O_RDONLY, a, 16);
	else if (!strcmp(what, "memw"))
		got = at("/dev/mem", O_WRONLY, a, 1);
	else if (!strcmp(what, "map"))
		got = map(a);
	else if (!strcmp(what, "port"))
		got = at("/dev/port", O_RDONLY, 0x80, 1);
	else if (!strcmp(what, "portw"))
		got = at("/dev/port", O_WRONLY, 0x80, 1);
	else if (!strcmp(what, "iopl"))
		got = result(iopl(3));
	else if (!strcmp(what, "ioperm"))
		got = result(ioperm(0x80, 1, 1));
	else if (!strcmp(what, "msr"))
		got = msr(a);
	else if (!strcmp(what, "kcore"))
		got = kcore(a, b);
	else if (!strcmp(what, "kcoreat"))
		got = kcoreat(a);
	else if (!strcmp(what, "pages"))
		got = pages(a, b);
	else
		return mk_fail("mkguard", EINVAL);
	puts(got);
	return 0;
}
