// SPDX-License-Identifier: GPL-2.0
/*
 * mkload [-u] [-i ID] [-f FLAGS] [-U UID] [-r INITRD] [-c CMDLINE] [KERNEL]
 *
 * kexec_file_load(2) into instance ID, with -u: unload its image.  -f gives
 * the whole flags word instead, for ordinary images and for bad flags.  -U
 * drops to an ordinary user first.  On failure the errno's name goes to
 * stderr and the exit status is 1.
 */
#define _GNU_SOURCE
#include "mk.h"

int main(int argc, char **argv)
{
	const char *initrd = NULL, *cmdline = "";
	unsigned long flags = 0, id = 0;
	bool unload = false, raw = false;
	uid_t uid = 0;
	int opt, err;

	while ((opt = getopt(argc, argv, "ui:f:U:r:c:")) != -1) {
		switch (opt) {
		case 'u':
			unload = true;
			break;
		case 'i':
			id = strtoul(optarg, NULL, 0);
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
			return 2;
		}
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
		return 2;
	}
	if (uid && (setgid(uid) || setuid(uid)))
		return mk_fail("mkload: setuid", errno);

	err = mk_kexec_file_load(optind < argc ? argv[optind] : NULL, initrd,
				 cmdline, flags);
	return err ? mk_fail("mkload", err) : 0;
}
