// SPDX-License-Identifier: GPL-2.0
/* log and vmcore: what an instance leaves behind, the kept log and its memory */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mkctl.h"

#define FOLLOW_MS	200	/* the file has no poll(2) */
#define HEAD		512

/* --- log ------------------------------------------------------------------- */

static bool head_is(const char *path, const struct buf *b)
{
	char head[HEAD];
	size_t len = b->len < HEAD ? b->len : HEAD;
	int fd = sys_open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, head, len);
	close(fd);
	return n == (ssize_t)len && !memcmp(head, b->p, len);
}

/*
 * The kept log.  While the spawn writes on, the text moves between two reads:
 * if its first bytes have changed in the end, it is read again.  Some tries
 * only, as a spawn may do nothing but write.
 */
int console_text(const char *name, struct buf *b)
{
	char path[PATH_MAX];
	int n, tries = 5;

	mk_file(path, name, "console");
	do {
		n = sys_slurp(path, b);
	} while (n > 0 && !head_is(path, b) && --tries);
	return n;
}

/* To a terminal without what would command it; elsewhere byte for byte */
static void log_print(FILE *f, const char *text, size_t len)
{
	if (isatty(fileno(f)))
		clean_print(f, text, len);
	else
		fwrite(text, 1, len, f);
	fflush(f);
}

/* Where the last @lines lines begin; all of it for less than 0 */
static size_t tail_of(const struct buf *b, long lines)
{
	size_t at = b->len;

	if (lines < 0)
		return 0;
	if (at && b->p[at - 1] == '\n')
		at--;
	while (at && lines) {
		if (b->p[at - 1] == '\n' && !--lines)
			return at;
		at--;
	}
	return lines ? at : b->len;
}

/* Nothing if it has logged nothing */
void console_tail(const char *name, long lines, FILE *f)
{
	struct buf b = { };
	size_t at;

	if (console_text(name, &b) > 0) {
		at = tail_of(&b, lines);
		fprintf(f, "--- the last lines of %s:\n", name);
		clean_print(f, b.p + at, b.len - at);
		fprintf(f, "%s---\n", b.p[b.len - 1] != '\n' ? "\n" : "");
	}
	free(b.p);
}

/*
 * Where in @b begins what was not in @old?  The oldest text may have gone: the
 * least number of bytes that have, so that the rest of @old is the start of @b.
 * -1 if nothing of @old is left.
 */
static ssize_t new_text(const struct buf *old, const struct buf *b)
{
	size_t gone, left;

	for (gone = 0; gone < old->len; gone++) {
		left = old->len - gone;
		if (left <= b->len && old->p[gone] == b->p[0] && !memcmp(old->p + gone, b->p, left))
			return left;
	}
	return old->len ? -1 : 0;
}

static int follow(const char *name, struct buf *old)
{
	struct buf b = { };
	ssize_t at;

	catch_signals();
	while (!interrupted && mk_has(name, "state")) {
		if (console_text(name, &b) < 0)
			break;
		at = new_text(old, &b);
		if (at < 0) {
			fprintf(stderr,
				"mkctl: %s: some lines were overwritten before they were read\n",
				name);
			at = 0;
		}
		log_print(stdout, b.p + at, b.len - at);
		old->len = 0;
		buf_add(old, b.p, b.len);
		if (ferror(stdout))
			break;
		poll(NULL, 0, FOLLOW_MS);
	}
	free(b.p);
	return interrupted ? RC_INTERRUPTED : RC_OK;
}

int cmd_log(const struct opts *o, int argc, char **argv)
{
	struct buf b = { };
	int rc = need_instance(argv[0]), n;
	size_t at;

	(void)argc;
	if (rc)
		return rc;
	n = console_text(argv[0], &b);
	if (n < 0) {
		rc = fail(argv[0], "log", n);
	} else {
		at = tail_of(&b, o->lines);
		log_print(stdout, b.p + at, b.len - at);
		if (o->follow)
			rc = follow(argv[0], &b);
	}
	free(b.p);
	return rc;
}

/* --- vmcore ---------------------------------------------------------------- */

static void copy_progress(const char *file, uint64_t done, uint64_t all, bool end)
{
	static uint64_t last;
	uint64_t now = now_ms();

	if (!isatty(STDERR_FILENO) || (!end && now - last < 200))
		return;
	last = now;
	fprintf(stderr, "\r\033[K%s: %llu MiB", file, (unsigned long long)done >> 20);
	if (all)
		fprintf(stderr, " of %llu, %d %%", (unsigned long long)all >> 20,
			(int)(done * 100 / all));
	if (end)
		fprintf(stderr, "\n");
}

static int write_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR && !interrupted)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= n;
	}
	return 0;
}

/* @who gets the name of the side that failed */
static int copy(int from, int to, const char *file, uint64_t *done, const char **who)
{
	static char part[1 << 18];
	struct stat st;
	uint64_t all;
	ssize_t n;
	int err;

	all = fstat(from, &st) ? 0 : st.st_size;
	*done = 0;
	for (;;) {
		*who = "vmcore";
		n = interrupted ? (errno = EINTR, -1) : read(from, part, sizeof(part));
		if (n < 0)
			return -errno;
		if (!n)
			break;
		*who = file;
		err = write_all(to, part, n);
		if (err)
			return err;
		*done += n;
		copy_progress(file, *done, all, false);
	}
	copy_progress(file, *done, all, true);
	return 0;
}

static int vmcore_failed(const char *name, const char *who, const char *file, int err)
{
	mk_reason_forget();
	if (err == -EINTR)
		return complain(RC_INTERRUPTED, "%s: vmcore: interrupted, nothing is kept", name);
	if (who == file)
		return complain(RC_FAILED, "%s: vmcore: '%s': %s; nothing is kept", name, file,
				strerror(-err));
	if (err == -ENODATA || err == -EBUSY)
		return complain(RC_STATE,
				"%s: vmcore: %s; there is one from the end of a run until the next load, start or destroy",
				name, strerror(-err));
	return fail(name, "vmcore", err);
}

int cmd_vmcore(const struct opts *o, int argc, char **argv)
{
	const char *name = argv[0], *file = argv[1], *who = file;
	bool out = !strcmp(file, "-");
	int rc = need_instance(name), from, to, err;
	char path[PATH_MAX];
	uint64_t done;

	(void)argc;
	if (rc)
		return rc;
	if (!mk_has(name, "vmcore"))
		return complain(RC_NO_HOST, "%s: vmcore: this kernel keeps none", name);
	mk_file(path, name, "vmcore");
	from = sys_open(path, O_RDONLY);
	if (from < 0)
		return vmcore_failed(name, "vmcore", file, from);
	to = out ? dup(STDOUT_FILENO) :
		   open(file, O_WRONLY | O_CREAT | O_CLOEXEC | (o->force ? O_TRUNC : O_EXCL), 0600);
	if (to < 0) {
		if (errno == EEXIST)
			rc = complain(RC_STATE, "%s: vmcore: '%s' is there; --force overwrites it",
				      name, file);
		else
			rc = complain(RC_FAILED, "%s: vmcore: '%s': %s", name, file,
				      strerror(errno));
		close(from);
		return rc;
	}
	catch_signals();
	err = copy(from, to, file, &done, &who);
	if (!err && !done) {
		err = -ENODATA;
		who = "vmcore";
	}
	if (err && o->force && ftruncate(to, 0) && errno != EINVAL)
		complain(0, "%s: vmcore: '%s' can't be emptied", name, file);
	if (close(to) && !err) {
		err = -errno;
		who = file;
	}
	close(from);
	if (err) {
		/* Only what is ours: FILE may be a device, or a link */
		if (!out && !o->force)
			unlink(file);
		return vmcore_failed(name, who, file, err);
	}
	return RC_OK;
}
