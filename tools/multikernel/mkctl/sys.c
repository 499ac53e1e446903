// SPDX-License-Identifier: GPL-2.0
/*
 * Files of the system.  MKCTL_ROOT, for the tests, is put in front of each path
 * of ours, not of those that the user names.
 *
 * When the kernel refuses a write it says why in one line of its log.  That
 * line is read from /dev/kmsg, from where the log ended before the write; who
 * may not read the log gets the errno's text.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mkctl.h"

static int kmsg_fd = -1;
static char reason[MK_TEXT];

const char *sys_path(const char *path)
{
	static char full[PATH_MAX];
	const char *root = getenv("MKCTL_ROOT");

	snprintf(full, sizeof(full), "%s%s", root ? root : "", path);
	return full;
}

int sys_open(const char *path, int flags)
{
	int fd = open(sys_path(path), flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool sys_exists(const char *path)
{
	return !access(sys_path(path), F_OK);
}

void buf_add(struct buf *b, const void *p, size_t len)
{
	if (b->len + len + 1 > b->room) {
		size_t room = (b->len + len + 1) * 2;
		char *bigger = realloc(b->p, room);

		if (!bigger) {
			fprintf(stderr, "mkctl: out of memory\n");
			exit(RC_FAILED);
		}
		b->p = bigger;
		b->room = room;
	}
	memcpy(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = '\0';
}

/* All of a file, whose size sysfs does not tell: bytes, or a negative errno */
int sys_slurp(const char *path, struct buf *b)
{
	char part[4096];
	ssize_t n;
	int fd;

	b->len = 0;
	buf_add(b, "", 0);
	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(b, part, n);
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (int)b->len;
}

/* A short file without its last newline: bytes, or a negative errno */
int sys_read(const char *path, char *to, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd;

	to[0] = '\0';
	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	while (len < size - 1 && (n = read(fd, to + len, size - 1 - len)) != 0) {
		if (n < 0) {
			n = -errno;
			close(fd);
			to[0] = '\0';
			return n;
		}
		len += n;
	}
	close(fd);
	if (len && to[len - 1] == '\n')
		len--;
	to[len] = '\0';
	return len;
}

/* @to has PATH_MAX bytes; without @name it is a file of the top folder */
void mk_file(char *to, const char *name, const char *file)
{
	if (name)
		snprintf(to, PATH_MAX, MK_SYSFS "/instances/%s/%s", name, file);
	else
		snprintf(to, PATH_MAX, MK_SYSFS "/%s", file);
}

/* @to has MK_TEXT bytes, and is empty on failure */
int mk_read(const char *name, const char *file, char *to)
{
	char path[PATH_MAX];

	mk_file(path, name, file);
	return sys_read(path, to, MK_TEXT);
}

bool mk_has(const char *name, const char *file)
{
	char path[PATH_MAX];

	mk_file(path, name, file);
	return sys_exists(path);
}

long long mk_number(const char *name, const char *file, long long otherwise)
{
	char text[MK_TEXT], *end;
	long long v;

	if (mk_read(name, file, text) <= 0)
		return otherwise;
	v = strtoll(text, &end, 10);
	return *end ? otherwise : v;
}

/* --- the kernel's reason --------------------------------------------------- */

const char *mk_reason(void)
{
	return reason;
}

void mk_reason_forget(void)
{
	reason[0] = '\0';
}

/* What the kernel logs from now on is of interest */
void kmsg_mark(void)
{
	mk_reason_forget();
	if (kmsg_fd < 0)
		kmsg_fd = sys_open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg_fd >= 0)
		lseek(kmsg_fd, 0, SEEK_END);
}

/* One record of /dev/kmsg: "prio,seq,time,flags;text\n KEY=value\n" */
static char *kmsg_text(char *line)
{
	char *text = strchr(line, ';');

	return line[0] == ' ' || !text ? NULL : text + 1;
}

/* Calls @look with the text of each record; it returns true to end */
static bool kmsg_each(int fd, bool (*look)(const char *text, void *arg), void *arg)
{
	char record[8192], *line, *rest, *text;
	ssize_t n;

	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)	/* older ones were overwritten */
			continue;
		if (n <= 0)
			return false;
		record[n] = '\0';
		for (line = strtok_r(record, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest)) {
			text = kmsg_text(line);
			if (text && look(text, arg))
				return true;
		}
	}
}

struct wanted_line {
	char prefix[2][128];
};

static bool is_reason(const char *text, void *arg)
{
	const struct wanted_line *w = arg;
	size_t len;
	int i;

	for (i = 0; i < 2; i++) {
		len = strlen(w->prefix[i]);
		if (strncmp(text, w->prefix[i], len))
			continue;
		snprintf(reason, sizeof(reason), "%s", text + len);
		return true;
	}
	return false;
}

/* The line "multikernel: NAME: VERB: reason", or without a name, since the mark */
void kmsg_reason(const char *name, const char *verb)
{
	struct wanted_line w;

	mk_reason_forget();
	if (kmsg_fd < 0)
		return;
	snprintf(w.prefix[0], sizeof(w.prefix[0]), "multikernel: %s: %s: ",
		 name ? name : "", verb);
	snprintf(w.prefix[1], sizeof(w.prefix[1]), "multikernel: %s: ", verb);
	kmsg_each(kmsg_fd, is_reason, &w);
}

struct search {
	const char *text;
	char *line;
	size_t size;
};

static bool has_text(const char *text, void *arg)
{
	struct search *s = arg;

	if (!strcasestr(text, s->text))
		return false;
	snprintf(s->line, s->size, "%s", text);
	return true;
}

/* The first line of the whole log that has @text: 1, 0, or a negative errno */
int kmsg_find(const char *text, char *line, size_t size)
{
	struct search s = { text, line, size };
	int fd = sys_open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	bool found;

	if (fd < 0)
		return fd;
	found = kmsg_each(fd, has_text, &s);
	close(fd);
	return found;
}

/*
 * One write(2), as sysfs wants it.  @verb is how the kernel calls it in its
 * log.  0, or a negative errno, and mk_reason() if the kernel gave one.
 */
int mk_write(const char *name, const char *file, const char *verb, const char *text)
{
	char path[PATH_MAX];
	size_t len = strlen(text);
	int fd, err = 0;
	ssize_t n;

	mk_reason_forget();
	mk_file(path, name, file);
	fd = sys_open(path, O_WRONLY);
	if (fd < 0)
		return fd;
	kmsg_mark();
	n = write(fd, text, len);
	if (n < 0)
		err = -errno;
	else if ((size_t)n != len)
		err = -EIO;
	if (err)
		kmsg_reason(name, verb);
	close(fd);
	return err;
}

/* --- the instances --------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/*
 * The names of what is in @dir and ends in @suffix, without that, sorted; the
 * caller frees n->name.  0 or a negative errno
 */
int sys_names(const char *dir, const char *suffix, struct names *n)
{
	struct dirent *e;
	size_t len;
	void *more;
	DIR *d;

	n->name = NULL;
	n->nr = 0;
	d = opendir(dir);
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		len = strlen(e->d_name);
		if (e->d_name[0] == '.' || len <= strlen(suffix) ||
		    strcmp(e->d_name + len - strlen(suffix), suffix))
			continue;
		len -= strlen(suffix);
		if (len > MK_NAME_MAX) {
			complain(0, "%s/%s: the name is too long for an instance, left out", dir,
				 e->d_name);
			continue;
		}
		more = realloc(n->name, (n->nr + 1) * sizeof(*n->name));
		if (!more) {
			closedir(d);
			free(n->name);
			n->name = NULL;
			n->nr = 0;
			return -ENOMEM;
		}
		n->name = more;
		snprintf(n->name[n->nr++], sizeof(*n->name), "%.*s", (int)len, e->d_name);
	}
	closedir(d);
	if (n->nr)
		qsort(n->name, n->nr, sizeof(*n->name), by_name);
	return 0;
}

int mk_names(struct names *n)
{
	return sys_names(sys_path(MK_SYSFS "/instances"), "", n);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}
