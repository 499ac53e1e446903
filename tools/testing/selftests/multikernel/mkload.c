// SPDX-License-Identifier: GPL-2.0
/*
 * mkload [-u] [-k] [-i ID] [-f FLAGS] [-U UID] [-r INITRD] [-c CMDLINE] [KERNEL]
 *
 * kexec_file_load(2) into instance ID, with -u: unload its image.  -f gives
 * the whole flags word instead, for ordinary images and for bad flags.  -k: by
 * kexec_load(2), a segment of nothing: for who is to be refused before that is
 * looked at.  -U drops to an ordinary user first.  On failure the errno's name goes to
 * stderr and the exit status is 1; if it is a file that can't be opened, the
 * file's name, too.
 */
#define _GNU_SOURCE
#include "mk.h"

static int print_usage(void)
{
	fprintf(stderr,
		"usage: mkload -i ID [-r INITRD] [-c CMDLINE] KERNEL\n"
		"       mkload -u -i ID\n"
		"ID is the number in /sys/kernel/multikernel/instances/NAME/id\n");
	return 2;
}

static int unreadable(const char *file)
{
	int err;

	if (!file || !access(file, R_OK))
		return 0;
	err = errno;
	fprintf(stderr, "mkload: ");
	return mk_fail(file, err);
}

static int old_load(unsigned long flags)
{
	struct {
		const void *buf;
		size_t bufsz;
		const void *mem;
		size_t memsz;
	} segment = { };

	return syscall(SYS_kexec_load, 0ul, 1ul, &segment, flags) ? errno : 0;
}

int main(int argc, char **argv)
{
	const char *kernel = NULL, *initrd = NULL, *cmdline = "";
	unsigned long flags = 0, id = 0;
	bool unload = false, target = false, raw = false, old = false;
	uid_t uid = 0;
	char *end;
	int opt, err;

	while ((opt = getopt(argc, argv, "uki:f:U:r:c:")) != -1) {
		switch (opt) {
		case 'u':
			unload = true;
			break;
		case 'k':
			old = true;
			break;
		case 'i':
			id = strtoul(optarg, &end, 0);
			if (end == optarg || *end) {
				fprintf(stderr, "mkload: id '%s' is not a number\n",
					optarg);
				return print_usage();
			}
			target = true;
			break;
		case 'f':
			flags = strtoul(optarg, NULL, 0);
			raw = true;
			break;
		case 'U':
			uid = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			initrd = optarg;
			break;
		case 'c':
			cmdline = optarg;
			break;
		default:
			return print_usage();
		}
	}
	if (!raw && !target) {
		fprintf(stderr, "mkload: no id given\n");
		return print_usage();
	}
	if (!raw) {
		flags = KEXEC_FILE_MULTIKERNEL | id << MK_KEXEC_ID_SHIFT;
		if (unload)
			flags |= KEXEC_FILE_UNLOAD;
		else if (!initrd)
			flags |= KEXEC_FILE_NO_INITRAMFS;
	}
	if (!unload && !(flags & KEXEC_FILE_UNLOAD) && optind >= argc) {
		fprintf(stderr, "mkload: no kernel given\n");
		return print_usage();
	}
	if (uid && (setgid(uid) || setuid(uid)))
		return mk_fail("mkload: setuid", errno);

	if (optind < argc)
		kernel = argv[optind];
	if (unreadable(kernel) || unreadable(initrd))
		return 1;
	err = old ? old_load(flags) : mk_kexec_file_load(kernel, initrd, cmdline, flags);
	return err ? mk_fail("mkload", err) : 0;
}
