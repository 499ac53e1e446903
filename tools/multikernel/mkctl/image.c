// SPDX-License-Identifier: GPL-2.0
/*
 * kexec_file_load(2) into an instance: KEXEC_FILE_MULTIKERNEL, and the
 * instance's id in bits 16-31 of the flags.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mkctl.h"

/* include/uapi/linux/kexec.h, which may be older here than the kernel */
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

static long image_call(const char *name, int kernel, int initrd, const char *cmdline,
		       unsigned long flags)
{
	long long id = mk_number(name, "id", -1);
	long rc;

	if (id < 1 || id > 65535)
		return -ENOENT;
	kmsg_mark();
	rc = syscall(SYS_kexec_file_load, kernel, initrd,
		     (unsigned long)(cmdline ? strlen(cmdline) + 1 : 0), cmdline,
		     flags | KEXEC_FILE_MULTIKERNEL | (unsigned long)id << MK_KEXEC_ID_SHIFT);
	if (rc < 0) {
		rc = -errno;
		kmsg_reason(name, "load");
	}
	return rc;
}

static int image_open(const char *name, const char *what, const char *file, int *fd)
{
	*fd = open(file, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return RC_OK;
	return complain(errno == EACCES ? RC_PERMISSION : RC_NOT_THERE,
			"%s: load: %s '%s': %s; give a file that can be read", name, what, file,
			strerror(errno));
}

/* Says what is wrong.  Returns the exit status */
int image_load(const struct want *w)
{
	const char *append = w->append ? w->append : "";
	unsigned long flags = 0;
	int kernel, initrd = -1, rc;
	long err;

	rc = image_open(w->name, "kernel", w->kernel, &kernel);
	if (rc)
		return rc;
	if (w->initrd) {
		rc = image_open(w->name, "initrd", w->initrd, &initrd);
		if (rc)
			goto out;
	} else {
		flags |= KEXEC_FILE_NO_INITRAMFS;
	}
	err = image_call(w->name, kernel, initrd, append, flags);
	if (err == -ENOSYS)
		rc = complain(RC_NO_HOST,
			      "%s: load: this kernel has no kexec_file_load(2); see 'mkctl check'",
			      w->name);
	else if (err)
		rc = fail(w->name, "load", err);
	if (initrd >= 0)
		close(initrd);
out:
	close(kernel);
	return rc;
}

int image_unload(const char *name)
{
	long err = image_call(name, -1, -1, NULL, KEXEC_FILE_UNLOAD);

	return err ? fail(name, "load", err) : RC_OK;
}
