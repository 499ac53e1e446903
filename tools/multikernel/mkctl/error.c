// SPDX-License-Identifier: GPL-2.0
/*
 * One line for each failure: who, what, why, and what to do next.  Why is the
 * kernel's own word where it gave one.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "mkctl.h"

/* What to do when the kernel's reason has these words */
static const struct {
	const char *words;
	const char *hint;
} hints[] = {
	{ "the pool is empty", "see 'mkctl check'" },
	{ "the pool has", "ask for less, or destroy another instance" },
	{ "slots are taken", "destroy another instance" },
	{ "is the boot CPU", "take another CPU, see 'mkctl check'" },
	{ "is lent to", "take another CPU, or destroy that instance" },
	{ "shares a core", "with mkctl: --split-core" },
	{ "can't be offlined", "the lines before in dmesg say more" },
	{ "does not answer", "create it again, which asks it once more, or take another CPU" },
	{ "does not exist", "'mkctl check' shows the CPUs that can be lent" },
	{ "no such CPU", "'mkctl check' shows the CPUs that can be lent" },
	{ "is offline", "online it: echo 1 >/sys/devices/system/cpu/cpuN/online" },
	{ "is taken", "take another one; 'mkctl list' shows what there is" },
	{ "this machine can't be a host", "see 'mkctl check'" },
	{ "no image is loaded", "'mkctl load NAME --kernel FILE' first" },
	{ "stop or kill it first", "'mkctl destroy --stop NAME' does both" },
	{ "is running", "'mkctl stop NAME' first" },
	{ "is booting", "'mkctl wait NAME running', or 'mkctl kill NAME'" },
	{ "is stopping", "'mkctl wait NAME stopped', or 'mkctl kill NAME'" },
	{ "not running", "'mkctl show NAME' says why, 'mkctl start NAME' starts it" },
	{ "did not leave", "'mkctl destroy NAME' asks the CPUs once more; see the admin guide" },
	{ "built without MULTIKERNEL", "build it with kernel/configs/multikernel.config" },
	{ "does not fit", "give the instance more memory, or a smaller initrd" },
	{ "command line has", "shorten --append" },
	{ "there is no", "'mkctl list' shows what there is" },
	{ "is linked already", "'mkctl show NAME' has its links" },
	{ "is not linked", "'mkctl show NAME' has its links" },
	{ "out of memory", "free some of the host's own, the pool is not what is short" },
	{ "can't be mapped", "free some of the host's own, the pool is not what is short" },
	{ "can't be written", "free some of the host's own, the pool is not what is short" },
	{ "going down", "nothing is made or started before it has booted again" },
	{ "is being destroyed", "create it anew when that is done" },
};

/* Of no use behind that reason */
static const char in_dmesg[] = "dmesg has the kernel's reason";

/* What to do, and the exit status, where only the errno tells */
static const struct {
	int err;
	int status;
	const char *hint;
} errnos[] = {
	{ EPERM, RC_PERMISSION, "it takes root with CAP_SYS_BOOT, or the host is locked down" },
	{ EACCES, RC_PERMISSION, "it takes root" },
	{ ENOENT, RC_NOT_THERE, "'mkctl list' shows what there is" },
	{ ENODEV, RC_NOT_THERE, "'mkctl list' shows what there is" },
	{ EEXIST, RC_STATE, "'mkctl list' shows what there is" },
	{ EBUSY, RC_STATE, "'mkctl list' shows the states" },
	{ ESRCH, RC_STATE, "nothing runs in it; 'mkctl start NAME' starts it" },
	{ ENODATA, RC_STATE, "'mkctl load NAME --kernel FILE' first" },
	{ ENOMEM, RC_RESOURCES, "'mkctl check' shows the pool" },
	{ ENOSPC, RC_RESOURCES, "destroy another instance" },
	{ ENOEXEC, RC_IMAGE, "it takes a bzImage with MULTIKERNEL, of the same ABI version" },
	{ EKEYREJECTED, RC_IMAGE, "the image's signature is not trusted by this kernel" },
	{ ENOKEY, RC_IMAGE, "the image is not signed with a key that this kernel trusts" },
	{ EBADMSG, RC_IMAGE, "the image's signature is damaged" },
	{ ELIBBAD, RC_IMAGE, "the image is damaged" },
	{ ETIMEDOUT, RC_TIMEOUT, "'mkctl show NAME' and 'mkctl log NAME' say more" },
	{ EOPNOTSUPP, RC_UNFIT, "see 'mkctl check'" },
	{ ESHUTDOWN, RC_STATE, "the host goes down; nothing is made or started any more" },
	{ EINVAL, RC_USAGE, in_dmesg },
	{ E2BIG, RC_USAGE, in_dmesg },
	{ ERANGE, RC_USAGE, in_dmesg },
	{ EIO, RC_FAILED, in_dmesg },
};

static const char *hint_of(const char *reason)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hints); i++)
		if (strstr(reason, hints[i].words))
			return hints[i].hint;
	return NULL;
}

/* The hint, with the instance's name in the place of NAME */
static void print_hint(const char *hint, const char *name)
{
	const char *at;

	while (name && (at = strstr(hint, "NAME"))) {
		fprintf(stderr, "%.*s%s", (int)(at - hint), hint, name);
		hint = at + 4;
	}
	fprintf(stderr, "%s\n", hint);
}

/* @err is a negative errno, @name may be NULL.  Returns the exit status */
int fail(const char *name, const char *verb, int err)
{
	const char *hint = NULL, *better, *reason = mk_reason();
	int status = RC_FAILED;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errnos); i++) {
		if (errnos[i].err != -err)
			continue;
		status = errnos[i].status;
		hint = errnos[i].hint;
	}
	better = hint_of(reason);
	if (better)
		hint = better;
	else if (*reason && hint == in_dmesg)
		hint = NULL;

	fprintf(stderr, "mkctl: ");
	if (name)
		fprintf(stderr, "%s: ", name);
	fprintf(stderr, "%s: ", verb);
	if (*reason)
		clean_print(stderr, reason, strlen(reason));
	else
		fprintf(stderr, "%s", strerror(-err));
	if (hint) {
		fprintf(stderr, "; ");
		print_hint(hint, name);
	} else {
		fprintf(stderr, "\n");
	}
	return status;
}

int complain(int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mkctl: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return status;
}

int need_host(void)
{
	if (sys_exists(MK_SYSFS "/instances"))
		return RC_OK;
	if (sys_exists(MK_SYSFS "/self"))
		return complain(RC_NO_HOST,
				"this kernel is a spawn; instances are made on its host");
	return complain(RC_NO_HOST,
			"this kernel has no multikernel (no " MK_SYSFS "); see 'mkctl check'");
}

int need_name(const char *name)
{
	if (name_ok(name))
		return RC_OK;
	return complain(RC_USAGE,
			"'%s' is no name: a letter or digit, then letters, digits, '_', '-', '.', at most %d",
			name, MK_NAME_MAX);
}

int need_instance(const char *name)
{
	int rc = need_host();

	if (!rc)
		rc = need_name(name);
	if (rc)
		return rc;
	if (!mk_has(name, "state"))
		return complain(RC_NOT_THERE, "no instance '%s'; 'mkctl list' shows what there is",
				name);
	return RC_OK;
}
