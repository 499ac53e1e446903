// SPDX-License-Identifier: GPL-2.0
/* The running kernel's configuration, from where kernels leave it */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mkctl.h"

/* gzip is everywhere, busybox included; we have no libz */
static int gunzip(const char *path, struct buf *b)
{
	int in = sys_open(path, O_RDONLY), out[2], status;
	char part[4096];
	ssize_t n;
	pid_t pid;

	if (in < 0)
		return in;
	if (pipe2(out, O_CLOEXEC)) {
		close(in);
		return -errno;
	}
	pid = fork();
	if (!pid) {
		dup2(in, STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execlp("gzip", "gzip", "-dc", NULL);
		_exit(127);
	}
	close(in);
	close(out[1]);
	b->len = 0;
	while (pid > 0 && (n = read(out[0], part, sizeof(part))) > 0)
		buf_add(b, part, n);
	close(out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !b->len)
		return -EIO;
	return 0;
}

/* 0, and @from says where it is from; or a negative errno */
int kconfig_read(struct buf *b, char *from, size_t size)
{
	static const char * const places[] = {
		"/boot/config-%s", "/lib/modules/%s/config", "/usr/lib/modules/%s/config",
		"/lib/modules/%s/build/.config",
	};
	struct utsname u;
	size_t i;

	snprintf(from, size, "/proc/config.gz");
	if (!gunzip(from, b))
		return 0;
	if (uname(&u))
		return -errno;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(from, size, places[i], u.release);
		if (sys_slurp(from, b) > 0)
			return 0;
	}
	return -ENOENT;
}

/* 'y', 'm', 'v' for another value, or 'n' */
char kconfig_value(const struct buf *b, const char *option)
{
	size_t len = strlen(option);
	const char *at = b->p;

	while (at && (at = strstr(at, option))) {
		if ((at == b->p || at[-1] == '\n') && at[len] == '=')
			return strchr("ym", at[len + 1]) && strchr("\r\n", at[len + 2]) ?
			       at[len + 1] : 'v';
		at += len;
	}
	return 'n';
}
