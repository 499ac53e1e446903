// SPDX-License-Identifier: GPL-2.0
/*
 * mkbench NAME CPUS MEMORY KERNEL INITRD CMDLINE - time one life of an instance
 *
 * create, load, start, wait for running, kill, destroy; prints one line of
 * key=microseconds.  kill_online_us is from the write of "kill" until the CPUs
 * are online on the host again.  Exit 1 with what failed on stderr.
 */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "mk.h"

#define BOOT_MS		60000

static char dir[256];

static int step_write(const char *what, const char *path, const char *text)
{
	int err = mk_write(path, text, strlen(text));

	return err ? mk_fail(what, err) : 0;
}

static int do_verb(const char *verb)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/control", dir);
	return step_write(verb, path, verb);
}

static int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY), err;

	if (fd < 0)
		return errno;
	err = mk_read_fd(fd, buf, size);
	close(fd);
	return err;
}

static int wait_running(void)
{
	unsigned long long deadline = mk_now_ns() + BOOT_MS * 1000000ull, now;
	struct pollfd pfd = { .events = POLLPRI };
	char path[512], state[64] = "";

	snprintf(path, sizeof(path), "%s/state", dir);
	pfd.fd = open(path, O_RDONLY);
	if (pfd.fd < 0)
		return mk_fail("state", errno);
	for (;;) {
		if (mk_read_fd(pfd.fd, state, sizeof(state)) ||
		    strcmp(state, "booting"))
			break;
		now = mk_now_ns();
		if (now >= deadline)
			break;
		poll(&pfd, 1, (deadline - now) / 1000000 + 1);
	}
	close(pfd.fd);
	if (!strcmp(state, "running"))
		return 0;
	fprintf(stderr, "mkbench: state %s, not running\n", state);
	return 1;
}

/*
 * The CPUs are online again before destroy returns, which clears the memory
 * first: a child watches for the moment, and tells it through a pipe.
 */
static int watch_online(const char *online, const char *wanted, pid_t *child)
{
	unsigned long long now;
	char line[256];
	int fds[2], i;

	if (pipe(fds))
		return -1;
	*child = fork();
	if (*child < 0)
		return -1;
	if (*child > 0) {
		close(fds[1]);
		return fds[0];
	}
	for (i = 0; i < 60000; i++) {
		if (!read_file(online, line, sizeof(line)) &&
		    !strcmp(line, wanted)) {
			now = mk_now_ns();
			_exit(write(fds[1], &now, sizeof(now)) != sizeof(now));
		}
		usleep(1000);
	}
	_exit(1);
}

int main(int argc, char **argv)
{
	static const char online[] = "/sys/devices/system/cpu/online";
	char line[512], path[512], before[256];
	unsigned long long t[8];
	int err, watch;
	pid_t child;

	if (argc != 7) {
		fprintf(stderr,
			"usage: mkbench NAME CPUS MEMORY KERNEL INITRD CMDLINE\n");
		return 2;
	}
	snprintf(dir, sizeof(dir), MK_SYSFS "/instances/%s", argv[1]);
	snprintf(line, sizeof(line), "name=%s cpus=%s memory=%s", argv[1],
		 argv[2], argv[3]);
	if (read_file(online, before, sizeof(before)))
		return mk_fail("online", errno);

	t[0] = mk_now_ns();
	if (step_write("create", MK_SYSFS "/create", line))
		return 1;
	t[1] = mk_now_ns();

	snprintf(path, sizeof(path), "%s/id", dir);
	if (read_file(path, line, sizeof(line)))
		return mk_fail("id", errno);
	t[2] = mk_now_ns();
	err = mk_kexec_file_load(argv[4], argv[5], argv[6],
				 KEXEC_FILE_MULTIKERNEL |
				 strtoul(line, NULL, 0) << MK_KEXEC_ID_SHIFT);
	if (err)
		return mk_fail("load", err);
	t[3] = mk_now_ns();
	if (do_verb("start"))
		return 1;
	t[4] = mk_now_ns();
	if (wait_running())
		return 1;
	printf("create_us=%llu load_us=%llu start_us=%llu",
	       (unsigned long long)(t[1] - t[0]) / 1000,
	       (unsigned long long)(t[3] - t[2]) / 1000,
	       (unsigned long long)(t[4] - t[3]) / 1000);

	snprintf(path, sizeof(path), "%s/boot_time_us", dir);
	if (!read_file(path, line, sizeof(line)))
		printf(" boot_time_us=%s", line);
	snprintf(path, sizeof(path), "/sys/kernel/debug/multikernel/%s/stats",
		 argv[1]);
	if (!read_file(path, line, sizeof(line)) &&
	    strstr(line, "first_instruction_us="))
		printf(" first_instruction_us=%llu",
		       strtoull(strstr(line, "first_instruction_us=") + 21,
				NULL, 0));

	watch = watch_online(online, before, &child);
	if (watch < 0)
		return mk_fail("watching the CPUs", errno);
	t[4] = mk_now_ns();
	if (do_verb("kill"))
		return 1;
	t[5] = mk_now_ns();
	if (step_write("destroy", MK_SYSFS "/destroy", argv[1]))
		return 1;
	t[7] = mk_now_ns();
	if (read(watch, &t[6], sizeof(t[6])) != sizeof(t[6])) {
		fprintf(stderr, "mkbench: the CPUs are not back: %s\n", before);
		return 1;
	}
	waitpid(child, NULL, 0);
	printf(" kill_us=%llu kill_online_us=%llu kill_destroyed_us=%llu\n",
	       (unsigned long long)(t[5] - t[4]) / 1000,
	       (unsigned long long)(t[6] - t[4]) / 1000,
	       (unsigned long long)(t[7] - t[4]) / 1000);
	return 0;
}
