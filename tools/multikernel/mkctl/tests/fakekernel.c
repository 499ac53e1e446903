// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's part of the sysfs files, for the tests: preloaded into mkctl, it
 * answers writes to files below MKCTL_ROOT, and kexec_file_load(2).  What takes
 * time in the kernel happens here at each poll(2) for a state.  So the tests
 * wait for nothing.
 *
 * The word fake= in a loaded command line says how the spawn behaves: "crash"
 * while it boots, "slow" never gets to its init, "nostop" does not power off,
 * "dies" panics when it is to, "gone" is destroyed while it boots.
 * FAKE_EPERM=1 in the environment refuses all writes, as without CAP_SYS_BOOT.
 * FAKE_BUSY=1 refuses to destroy.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TEXT	4096
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define ROOM	(3 * PATH_MAX)

static const char *root(void)
{
	return getenv("MKCTL_ROOT") ? getenv("MKCTL_ROOT") : "/nowhere";
}

/* Files of an instance (@name may be NULL), written in place: who has them open sees it */
static void path_of(char *to, const char *name, const char *file)
{
	if (name)
		snprintf(to, ROOM, "%s/sys/kernel/multikernel/instances/%s/%s", root(), name,
			 file);
	else
		snprintf(to, ROOM, "%s/sys/kernel/multikernel/%s", root(), file);
}

static void get(const char *name, const char *file, char *to)
{
	char path[ROOM];
	ssize_t n = 0;
	int fd;

	path_of(path, name, file);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, to, TEXT - 1);
		close(fd);
	}
	to[n > 0 ? n : 0] = '\0';
	to[strcspn(to, "\n")] = '\0';
}

__printf(3, 4)
static void put(const char *name, const char *file, const char *fmt, ...)
{
	char path[ROOM], text[TEXT];
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	path_of(path, name, file);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || syscall(SYS_write, fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

__printf(2, 3)
static int refuse(int err, const char *fmt, ...)
{
	char path[ROOM];
	va_list ap;
	FILE *f;

	snprintf(path, sizeof(path), "%s/dev/kmsg", root());
	f = fopen(path, "r+");
	if (f) {
		fseek(f, 0, SEEK_END);
		fprintf(f, "6,1,1,-;multikernel: other: start: is no business of yours\n");
		fprintf(f, "3,2,1,-;multikernel: ");
		va_start(ap, fmt);
		vfprintf(f, fmt, ap);
		va_end(ap);
		fprintf(f, "\n SUBSYSTEM=none\n");
		fclose(f);
	}
	return err;
}

static int destroy(const char *name);

/* --- what comes by itself, at the next poll(2): "state:reason", one a line ------- */

static void step(const char *name)
{
	char path[ROOM], next[TEXT] = "", *line = next, *rest, *reason;
	ssize_t n;
	int fd;

	path_of(path, name, ".next");
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
	if (fd < 0)
		return;
	n = read(fd, next, sizeof(next) - 1);
	close(fd);
	if (n <= 0)
		return;
	next[n] = '\0';
	rest = strchr(next, '\n');
	*rest++ = '\0';
	put(name, ".next", "%s", rest);
	if (*line == '!')
		line++;
	reason = strchr(line, ':');
	if (reason)
		*reason++ = '\0';
	put(name, "reason", "%s\n", reason ? reason : "");
	put(name, "state", "%s\n", line);
	if (!strcmp(line, "gone"))
		destroy(name);
	if (!strcmp(line, "running"))
		put(name, "boot_time_us", "1234567\n");
}

static const char *behaviour(const char *name, char *cmdline)
{
	const char *at;

	get(name, "cmdline", cmdline);
	at = strstr(cmdline, "fake=");
	return at ? at + 5 : "";
}

static const char *boots_to(const char *name)
{
	char cmdline[TEXT];
	const char *how = behaviour(name, cmdline);

	return !strncmp(how, "crash", 5) ? "crashed:panic: fake \033[31mpanic" :
	       !strncmp(how, "slow", 4) ? "booting" : !strncmp(how, "gone", 4) ? "gone" :
	       "running";
}

static const char *stops_to(const char *name)
{
	char cmdline[TEXT];

	const char *how = behaviour(name, cmdline);

	return !strncmp(how, "nostop", 6) ? "stopped:stop timed out after 30 s, killed" :
	       !strncmp(how, "dies", 4) ? "crashed:panic: at the last moment" : "stopped:poweroff";
}

/* --- the files --------------------------------------------------------------------- */

static int active(const char *state)
{
	return !strcmp(state, "booting") || !strcmp(state, "running") || !strcmp(state, "stopping");
}

static int control(const char *name, const char *verb)
{
	char state[TEXT];

	get(name, "state", state);
	if (!strcmp(verb, "restart") && active(state)) {
		put(name, "state", "stopping\n");
		/* What comes after the ! happens under the instance's lock */
		put(name, ".next", "%s\n!booting\n%s\n", stops_to(name), boots_to(name));
		return 0;
	}
	if (!strcmp(verb, "start") || !strcmp(verb, "restart")) {
		if (!strcmp(state, "empty"))
			return refuse(ENODATA, "%s: %s: no image is loaded", name, verb);
		if (active(state))
			return refuse(EBUSY, "%s: %s: is %s", name, verb, state);
		put(name, "state", "booting\n");
		put(name, "reason", "\n");
		put(name, "console", "Linux version fake\nsecond line\nlast line\n");
		put(name, ".next", "%s\n", boots_to(name));
		return 0;
	}
	if (strcmp(verb, "stop") && strcmp(verb, "kill"))
		return refuse(EINVAL, "%s: control: unknown word '%s'", name, verb);
	if (!active(state))
		return refuse(ESRCH, "%s: %s: is %s, not running", name, verb, state);
	if (!strcmp(verb, "stop")) {
		put(name, "state", "stopping\n");
		put(name, ".next", "%s\n", stops_to(name));
	} else {
		put(name, ".next", "%s", "");
		put(name, "reason", "killed\n");
		put(name, "state", "stopped\n");
	}
	return 0;
}

static void each(void (*look)(const char *name, void *arg), void *arg)
{
	char path[ROOM];
	struct dirent *e;
	DIR *d;

	path_of(path, NULL, "instances");
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			look(e->d_name, arg);
	if (d)
		closedir(d);
}

struct lent {
	char name[64];
	unsigned long cpus;	/* those that are asked for, then those that are lent */
	unsigned long id;
	unsigned long highest;
};

static unsigned long cpu_mask(const char *list)
{
	unsigned long mask = 0, from, to;
	char *end;

	for (;; list = end + 1) {
		from = strtoul(list, &end, 10);
		to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < 64; from++)
			mask |= 1ul << from;
		if (*end != ',')
			return mask;
	}
}

/* As the kernel writes it, whatever way it was asked for */
static void put_cpus(const char *name, unsigned long mask)
{
	char list[256] = "";
	int i, last, len = 0;

	for (i = 0; i < 64; i = last + 1) {
		last = i;
		if (!(mask >> i & 1))
			continue;
		while (last < 63 && mask >> (last + 1) & 1)
			last++;
		len += sprintf(list + len, last > i ? "%s%d-%d" : "%s%d", len ? "," : "", i, last);
	}
	put(name, "cpus", "%s\n", list);
}

static void look_lent(const char *name, void *arg)
{
	struct lent *l = arg;
	char text[TEXT];

	get(name, "cpus", text);
	if (cpu_mask(text) & l->cpus)
		snprintf(l->name, sizeof(l->name), "%s", name);
	get(name, "id", text);
	if (strtoul(text, NULL, 10) > l->highest)
		l->highest = strtoul(text, NULL, 10);
}

static unsigned long long memory_size(const char *text)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 0);

	v <<= *end == 'G' ? 30 : *end == 'M' ? 20 : *end == 'K' ? 10 : 0;
	return (v + (2 << 20) - 1) >> 21 << 21;
}

static void add_free(long long bytes)
{
	char text[TEXT];

	get(NULL, "pool/memory_free", text);
	put(NULL, "pool/memory_free", "%lld\n", atoll(text) + bytes);
}

static int create(char *line)
{
	char name[64] = "", cpus[256] = "", memory[64] = "", left[TEXT], *word, *rest;
	char path[ROOM];
	struct lent l = { };
	unsigned long long bytes;

	for (word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (sscanf(word, "name=%63s", name) == 1 || sscanf(word, "cpus=%255s", cpus) == 1 ||
		    sscanf(word,
			   "memory=%63s",
			   memory) == 1 || sscanf(word, "id=%lu", &l.id) == 1 ||
		    !strcmp(word, "split_core=1"))
			continue;
		return refuse(EINVAL, "create: unknown key '%s'", word);
	}
	l.cpus = cpu_mask(cpus);
	bytes = memory_size(memory);
	each(look_lent, &l);
	path_of(path, name, "");
	if (!access(path, F_OK))
		return refuse(EEXIST, "create: name '%s' is taken", name);
	if (l.cpus & 1)
		return refuse(EPERM, "create: CPU 0 is the boot CPU and stays with the host");
	if (*l.name)
		return refuse(EBUSY,
			      "create: CPU %d is lent to '%s'",
			      __builtin_ctzl(l.cpus), l.name);
	get(NULL, "pool/memory_free", left);
	if (bytes > strtoull(left, NULL, 10))
		return refuse(ENOMEM,
			      "create: memory %llu MiB: the pool has 512 MiB, %llu free, %llu of it in one piece",
			      bytes >> 20, strtoull(left, NULL, 10) >> 20,
			      strtoull(left, NULL, 10) >> 20);
	add_free(-bytes);
	mkdir(path, 0755);
	put(name, "id", "%lu\n", l.id ? l.id : l.highest + 1);
	put(name, "cid", "%lu\n", (l.id ? l.id : l.highest + 1) + 2);
	put_cpus(name, l.cpus);
	put(name, "memory", "0x40000000-%#llx\n", 0x40000000 + bytes - 1);
	put(name, "state", "empty\n");
	put(name, "heartbeat_age_ms", "-\n");
	put(name, "boot_time_us", "0\n");
	if (!getenv("FAKE_OLD"))
		put(name, "cpu_time_us", "0\n");
	put(name, "tty", "hvc1\n");
	put(name, "reason", "\n");
	put(name, "cmdline", "\n");
	put(name, "console", "%s", "");
	put(name, "control", "%s", "");
	put(name, "links", "%s", "");
	if (!getenv("FAKE_OLD")) {
		put(name, "on_crash", "keep\n");
		put(name, "restart_max", "3\n");
		put(name, "restarts", "0\n");
		put(name, "hang_timeout", "10\n");
	}
	put(name, "boot_timeout", "1\n");
	put(name, "stop_timeout", "1\n");
	put(name, "doorbell_cpu", "0\n");
	return 0;
}

static int destroy(const char *name)
{
	char path[ROOM], text[TEXT];
	unsigned long long from, to;
	struct dirent *e;
	DIR *d;

	path_of(path, name, "");
	d = opendir(path);
	if (!d)
		return refuse(ENOENT, "destroy: there is no '%s'", name);
	get(name, "state", text);
	if (active(text) || getenv("FAKE_BUSY")) {
		closedir(d);
		return refuse(EBUSY, "destroy: '%s' is %s, stop or kill it first", name, text);
	}
	get(name, "memory", text);
	if (sscanf(text, "%llx-%llx", &from, &to) == 2)
		add_free(to - from + 1);
	while ((e = readdir(d))) {
		path_of(path, name, e->d_name);
		unlink(path);
	}
	closedir(d);
	path_of(path, name, "");
	return rmdir(path) ? errno : 0;
}

static int links(const char *name, const char *word)
{
	char path[ROOM], now[TEXT];

	path_of(path, word + 1, "");
	if (access(path, F_OK))
		return refuse(ENOENT, "%s: links: there is no '%s'", name, word + 1);
	/* One link at most, here */
	get(name, "links", now);
	put(name, "links", "%s%s", *word == '+' ? word + 1 : "", *word == '+' ? "\n" : "");
	put(word + 1, "links", "%s%s", *word == '+' ? name : "", *word == '+' ? "\n" : "");
	return 0;
}

static int setting(const char *name, const char *file, const char *text)
{
	if (!strcmp(file, "on_crash") && strcmp(text, "keep") && strcmp(text, "restart") &&
	    strcmp(text, "destroy"))
		return refuse(EINVAL,
			      "%s: on_crash: unknown word '%s', use keep, restart or destroy",
			      name, text);
	put(name, file, "%s\n", text);
	return 0;
}

/* --- in the place of libc's ---------------------------------------------------------- */

/* The path of an open file below our root, or an empty one */
static char *ours(int fd, char *path)
{
	char link[64];
	ssize_t n;
	size_t len = strlen(root());

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	if (strncmp(path, root(), len) || strncmp(path + len, "/sys/kernel/multikernel/", 24))
		path[0] = '\0';
	return path[0] ? path + len + 24 : path;
}

ssize_t write(int fd, const void *buf, size_t count)
{
	char path[ROOM], line[TEXT], name[64], file[64];
	char *at = ours(fd, path);
	int err;

	if (!*at || count >= sizeof(line))
		return syscall(SYS_write, fd, buf, count);
	memcpy(line, buf, count);
	line[count] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (getenv("FAKE_EPERM"))
		err = EPERM;
	else if (!strcmp(at, "create"))
		err = create(line);
	else if (!strcmp(at, "destroy"))
		err = destroy(line);
	else if (sscanf(at, "instances/%63[^/]/%63s", name, file) != 2)
		err = EIO;
	else if (!strcmp(file, "control"))
		err = control(name, line);
	else if (!strcmp(file, "links"))
		err = links(name, line);
	else
		err = setting(name, file, line);
	errno = err;
	return err ? -1 : (ssize_t)count;
}

static void state_of(int fd, char *name)
{
	char path[ROOM], *at = ours(fd, path), file[64];

	if (sscanf(at, "instances/%63[^/]/%63s", name, file) != 2 || strcmp(file, "state"))
		name[0] = '\0';
}

/* A file of an instance that is gone */
ssize_t pread(int fd, void *buf, size_t count, off_t at)
{
	char path[ROOM];

	if (strstr(ours(fd, path), " (deleted)")) {
		errno = ENODEV;
		return -1;
	}
	return syscall(SYS_pread64, fd, buf, count, at);
}

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	static int (*real)(struct pollfd *, nfds_t, int);
	char name[64] = "";

	if (!real)
		real = dlsym(RTLD_NEXT, "poll");
	if (nr == 1 && fds[0].events == POLLPRI)
		state_of(fds[0].fd, name);
	if (!*name)
		return real(fds, nr, timeout);
	step(name);
	usleep(1000);
	fds[0].revents = POLLPRI | POLLERR;
	return 1;
}

int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	char next[TEXT], name[64];
	const char *at = strstr(path, "/instances/");
	va_list ap;
	int mode;

	if (!real)
		real = dlsym(RTLD_NEXT, "open");
	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	/* "reason" waits for who holds the instance's lock */
	if (at && sscanf(at, "/instances/%63[^/]", name) == 1 && strstr(at, "/reason")) {
		get(name, ".next", next);
		if (*next == '!')
			step(name);
	}
	return real(path, flags, mode);
}

struct by_id {
	unsigned long id;
	char name[64];
};

static void look_id(const char *name, void *arg)
{
	struct by_id *b = arg;
	char text[TEXT];

	get(name, "id", text);
	if (strtoul(text, NULL, 10) == b->id)
		snprintf(b->name, sizeof(b->name), "%s", name);
}

static int load(int kernel, int initrd, const char *cmdline, unsigned long flags)
{
	struct by_id b = { .id = flags >> 16 };
	char head[8] = "", state[TEXT];

	if (getenv("FAKE_EPERM"))
		return EPERM;
	each(look_id, &b);
	if (!*b.name)
		return refuse(ENODEV, "load: there is no instance with id %lu", b.id);
	get(b.name, "state", state);
	if (active(state))
		return refuse(EBUSY, "%s: load: is %s", b.name, state);
	if (flags & 1) {
		put(b.name, "state", "empty\n");
		put(b.name, "cmdline", "\n");
		return 0;
	}
	if (pread(kernel, head, sizeof(head) - 1, 0) < 0 || strncmp(head, "bzImage", 7))
		return refuse(ENOEXEC, "%s: load: image was built without MULTIKERNEL", b.name);
	if (pread(kernel, head, 1, 7) == 1 && *head == '9')
		return refuse(ENOEXEC, "%s: load: image speaks ABI version 9, this host 4", b.name);
	put(b.name, "cmdline", "%s\n", cmdline);
	put(b.name, "reason", "\n");
	put(b.name, "state", "loaded\n");
	put(b.name, ".load", "flags=%#lx initrd=%d\n", flags, initrd >= 0);
	return 0;
}

long syscall(long nr, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list ap;
	int i;

	if (!real)
		real = dlsym(RTLD_NEXT, "syscall");
	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr != SYS_kexec_file_load)
		return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (a[3] && a[2] != (long)strlen((const char *)a[3]) + 1)
		errno = EINVAL;
	else
		errno = load(a[0], a[1], (const char *)a[3], a[4]);
	return errno ? -1 : 0;
}
