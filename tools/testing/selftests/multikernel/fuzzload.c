// SPDX-License-Identifier: GPL-2.0
/*
 * fuzzload SEED COUNT KERNEL INITRD ID - bounded, seeded kexec_file_load(2)
 *
 * COUNT calls with MULTIKERNEL among the flags: flags known and unknown, ids
 * that exist and do not, files that are a kernel, are none, cannot be read or
 * are not open, command lines of all lengths, at addresses that are none.  The
 * same seed gives the same calls.  ID is that of an instance without a running
 * kernel, so a call that is right from end to end may be taken: one that is
 * not must not.  Prints how many were, exit 1 if a wrong one was.
 */
#define _GNU_SOURCE
#include "mk.h"

#include <sys/mman.h>

/* On crash, unknown, beyond the id */
static const int odd_bits[] = { 1, 5, 7, 12, 15, 32, 40, 63 };

static const unsigned long lens[] = {
	0, 1, 2, 100, 2047, 2048, 4096, 65536, 1ul << 40
};

#define pick(array)	((array)[mk_rnd(sizeof(array) / sizeof(*(array)))])

int main(int argc, char **argv)
{
	static char cmdline[70000];
	unsigned int i, count, id, taken = 0, wrong = 0;
	unsigned long flags, len;
	bool right, unload, initramfs;
	int fds[8], nr_fds = 0, kernel, initrd, kfd, ifd;
	const char *text;
	void *hole;

	if (argc != 6) {
		fprintf(stderr, "usage: fuzzload SEED COUNT KERNEL INITRD ID\n");
		return 2;
	}
	mk_seed(argv[1]);
	count = strtoul(argv[2], NULL, 0);
	id = strtoul(argv[5], NULL, 0);
	kernel = open(argv[3], O_RDONLY);
	initrd = open(argv[4], O_RDONLY);
	if (kernel < 0 || initrd < 0)
		return mk_fail("fuzzload: open", errno);
	fds[nr_fds++] = -1;
	fds[nr_fds++] = 1000;
	fds[nr_fds++] = open("/dev/null", O_RDONLY);
	fds[nr_fds++] = open("/proc", O_RDONLY | O_DIRECTORY);
	fds[nr_fds++] = open(MK_SYSFS "/create", O_WRONLY);
	fds[nr_fds++] = open("/proc/self/exe", O_RDONLY);
	fds[nr_fds++] = initrd;
	hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(cmdline, 'x', sizeof(cmdline));

	for (i = 0; i < count; i++) {
		right = true;
		flags = KEXEC_FILE_MULTIKERNEL;
		unload = mk_rnd(6) == 0;
		initramfs = mk_rnd(2);
		if (unload)
			flags |= KEXEC_FILE_UNLOAD;
		if (!initramfs)
			flags |= KEXEC_FILE_NO_INITRAMFS;
		if (mk_rnd(8) == 0)	/* KEXEC_FILE_DEBUG is as good as none */
			flags |= 0x8;
		switch (mk_rnd(6)) {
		case 0:		/* some instance that is not there */
			flags |= (id + 1ul + mk_rnd(60000)) % 65536 << MK_KEXEC_ID_SHIFT;
			right = flags >> MK_KEXEC_ID_SHIFT == id;
			break;
		case 1:		/* none */
			right = false;
			break;
		default:
			flags |= (unsigned long)id << MK_KEXEC_ID_SHIFT;
		}
		if (mk_rnd(4) == 0) {
			flags |= 1ul << pick(odd_bits);
			right = false;
		}
		kfd = kernel;
		if (mk_rnd(3) == 0) {
			kfd = fds[mk_rnd(nr_fds)];
			right = right && unload;
		}
		ifd = initrd;
		if (mk_rnd(4) == 0)
			ifd = fds[mk_rnd(nr_fds)];
		/* What an initrd may be is not the kernel's to judge, but a file it is */
		text = cmdline;
		len = pick(lens);
		memset(cmdline, 'x', sizeof(cmdline));
		if (len && len < sizeof(cmdline) && mk_rnd(4))
			cmdline[len - 1] = '\0';
		else if (len)
			right = right && unload;
		if (mk_rnd(8) == 0) {
			text = mk_rnd(2) ? hole : (const char *)-4096l;
			right = right && (unload || !len);
		}
		if (syscall(SYS_kexec_file_load, kfd, ifd, len, text, flags))
			continue;
		taken++;
		if (right)
			continue;
		wrong++;
		fprintf(stderr, "fuzzload: call %u was taken: flags %#lx, files %d %d, cmdline %lu\n",
			i, flags, kfd, ifd, len);
	}
	printf("%u of %u taken, %u wrongly\n", taken, count, wrong);
	return wrong != 0;
}
