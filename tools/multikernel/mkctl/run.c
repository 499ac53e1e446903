// SPDX-License-Identifier: GPL-2.0
/*
 * The commands that change something.  "run" does all of create, load and
 * start, shows how far it is, and takes back what it did if one of them fails.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkctl.h"

/* --- progress: a line that changes on a terminal, a line each elsewhere ---- */

static bool quiet;
static uint64_t since;
static char shown[64];

static void progress_done(void)
{
	if (!quiet && isatty(STDOUT_FILENO)) {
		printf("\r\033[K");
		fflush(stdout);
	}
}

/* Of the spawn's log, what fits behind "web: booting, 12.3 s  " on 80 columns */
static void last_line(const char *name, char *to, size_t size)
{
	struct buf b = { };
	const char *line;

	to[0] = '\0';
	if (console_text(name, &b) > 0) {
		while (b.len && b.p[b.len - 1] == '\n')
			b.p[--b.len] = '\0';
		line = strrchr(b.p, '\n');
		snprintf(to, size, "%s", line ? line + 1 : b.p);
	}
	free(b.p);
}

static void progress_run(const char *name, const char *state)
{
	char line[200] = "";
	int left;

	if (quiet)
		return;
	if (isatty(STDOUT_FILENO)) {
		if (state_active(state))
			last_line(name, line, sizeof(line));
		left = printf("\r\033[K%s: %s, %.1f s  ", name, state, (now_ms() - since) / 1000.0);
		left = 82 - left;
		if (left > 0)
			clean_print(stdout, line, strnlen(line, left));
	} else if (strcmp(shown, state) && strcmp(state, "running")) {
		/* That it runs is said by a line of its own */
		printf("%s: %s\n", name, state);
	}
	snprintf(shown, sizeof(shown), "%s", state);
	fflush(stdout);
}

static void progress_begin(bool json)
{
	quiet = json;
	since = now_ms();
	shown[0] = '\0';
}

__printf(2, 3)
static void say(const char *name, const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	progress_done();
	printf("%s: ", name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

/* --- what several commands do ----------------------------------------------- */

static int ended(const char *name, const char *verb, const char *state)
{
	char reason[MK_TEXT];

	progress_done();
	mk_read(name, "reason", reason);
	fprintf(stderr, "mkctl: %s: %s: it %s: ", name, verb, state);
	clean_print(stderr, reason, strlen(reason));
	fprintf(stderr, "; 'mkctl log %s' has its last lines\n", name);
	return RC_ENDED;
}

/* A wait that failed with @err */
static int wait_failed(const char *name, const char *verb, int err, int timeout)
{
	progress_done();
	if (err == -EINTR)
		return complain(RC_INTERRUPTED, "%s: %s: interrupted", name, verb);
	if (err == -ETIMEDOUT)
		return complain(RC_TIMEOUT,
				"%s: %s: not done within %d s; 'mkctl log %s' says how far it is",
				name, verb, timeout, name);
	if (err == -ENODEV)
		return complain(RC_NOT_THERE, "%s: %s: it was destroyed meanwhile", name, verb);
	return fail(name, verb, err);
}

/* @verb is start or restart.  Until its init runs */
int start_and_wait(const char *name, const char *verb, int timeout, progress_fn progress)
{
	char state[MK_TEXT];
	int err, rc;

	rc = inst_control(name, verb);
	if (rc)
		return rc;
	timeout = inst_timeout(name, verb, timeout);
	err = inst_wait(name, "running", timeout, progress, state);
	if (err)
		return wait_failed(name, verb, err, timeout);
	return strcmp(state, "running") ? ended(name, verb, state) : RC_OK;
}

static int until_stopped(const char *name, const char *verb, int timeout)
{
	char state[MK_TEXT];
	int err;

	timeout = inst_timeout(name, "stop", timeout);
	err = inst_wait(name, "stopped", timeout, progress_run, state);
	if (err)
		return wait_failed(name, verb, err, timeout);
	return strcmp(state, "stopped") ? ended(name, verb, state) : RC_OK;
}

int stop_and_wait(const char *name, int timeout)
{
	char state[MK_TEXT];
	int rc;

	/* Who asked before us has not been answered yet: wait with him */
	if (inst_state(name, state) || strcmp(state, "stopping")) {
		rc = inst_control(name, "stop");
		if (rc)
			return rc;
	}
	return until_stopped(name, "stop", timeout);
}

/* destroy, and before it what its options say */
static int take_apart(const char *name, const struct opts *o)
{
	char state[MK_TEXT];
	int rc = RC_OK;

	if (inst_state(name, state))
		state[0] = '\0';
	if (state_active(state)) {
		if (o->stop)
			rc = stop_and_wait(name, o->timeout);
		else if (o->kill)
			rc = inst_control(name, "kill");
		/* However it ended, it can be destroyed now */
		if (rc == RC_ENDED)
			rc = RC_OK;
	}
	return rc ? rc : inst_destroy(name);
}

static void say_running(const char *name)
{
	long long us = mk_number(name, "boot_time_us", 0);

	say(name, "running, init started after %lld.%02lld s", us / 1000000, us / 10000 % 100);
}

static void say_ended(const char *name)
{
	char state[MK_TEXT], reason[MK_TEXT];

	mk_read(name, "state", state);
	mk_read(name, "reason", reason);
	say(name, "%s: %s", state, reason);
}

/* --- the commands ------------------------------------------------------------- */

static int create(const struct want *w)
{
	int rc = inst_create(w), worse;

	if (rc)
		return rc;
	rc = inst_policy(w);
	if (rc) {
		worse = inst_destroy(w->name);
		return worse ? worse : rc;
	}
	return RC_OK;
}

static void say_created(const char *name)
{
	char cpus[MK_TEXT], memory[MK_TEXT], size[32];

	mk_read(name, "cpus", cpus);
	mk_read(name, "memory", memory);
	size_print(ranges_bytes(memory), size, sizeof(size));
	say(name, "created: id %lld, CPUs %s, memory %s", mk_number(name, "id", 0), cpus, size);
}

static int need_new(const struct want *w)
{
	int rc = need_host();

	if (rc)
		return rc;
	if (!name_ok(w->name))
		return need_instance(w->name);
	if (!w->cpus || !w->memory)
		return complain(RC_USAGE, "%s: give --cpus LIST and --memory SIZE", w->name);
	/* Else a blank would bring in keys of its own */
	if (strpbrk(w->cpus, " \t\n") || strpbrk(w->memory, " \t\n") ||
	    (w->id && strpbrk(w->id, " \t\n")))
		return complain(RC_USAGE, "%s: no blanks in --cpus, --memory and --id", w->name);
	return RC_OK;
}

/* Instead of the line that says how it went: the instance as it is now */
static void json_of(const struct opts *o, const char *name)
{
	if (!o->json)
		return;
	show_json(name);
	json_end();
}

int cmd_create(const struct opts *o, int argc, char **argv)
{
	int rc = need_new(&o->want);

	(void)argc;
	(void)argv;
	progress_begin(o->json);
	if (!rc)
		rc = create(&o->want);
	if (rc)
		return rc;
	say_created(o->want.name);
	json_of(o, o->want.name);
	return RC_OK;
}

int cmd_load(const struct opts *o, int argc, char **argv)
{
	int rc = need_instance(argv[0]);

	(void)argc;
	if (rc)
		return rc;
	if (o->unload)
		return image_unload(argv[0]);
	if (!o->want.kernel)
		return complain(RC_USAGE, "%s: give --kernel FILE, or --unload", argv[0]);
	return image_load(&o->want);
}

int cmd_set(const struct opts *o, int argc, char **argv)
{
	int rc = need_instance(argv[0]), i;

	(void)argc;
	for (i = 0; i < POL_NR && !o->want.policy[i]; i++)
		;
	if (!rc && i == POL_NR)
		return complain(RC_USAGE, "%s: nothing to set; see 'mkctl help set'", argv[0]);
	return rc ? rc : inst_policy(&o->want);
}

static int start(const struct opts *o, const char *name, const char *verb)
{
	int rc = need_instance(name);

	if (rc)
		return rc;
	progress_begin(o->json);
	if (o->no_wait)
		rc = inst_control(name, verb);
	else
		rc = start_and_wait(name, verb, o->timeout, progress_run);
	if (rc)
		return rc;
	if (!o->no_wait)
		say_running(name);
	json_of(o, name);
	return RC_OK;
}

int cmd_start(const struct opts *o, int argc, char **argv)
{
	(void)argc;
	return start(o, argv[0], "start");
}

int cmd_restart(const struct opts *o, int argc, char **argv)
{
	(void)argc;
	return start(o, argv[0], "restart");
}

int cmd_stop(const struct opts *o, int argc, char **argv)
{
	int rc = need_instance(argv[0]);

	(void)argc;
	if (rc)
		return rc;
	progress_begin(o->json);
	rc = o->no_wait ? inst_control(argv[0], "stop") : stop_and_wait(argv[0], o->timeout);
	if (rc)
		return rc;
	if (!o->no_wait)
		say_ended(argv[0]);
	json_of(o, argv[0]);
	return RC_OK;
}

int cmd_kill(const struct opts *o, int argc, char **argv)
{
	int rc = need_instance(argv[0]);

	(void)o;
	(void)argc;
	return rc ? rc : inst_control(argv[0], "kill");
}

int cmd_destroy(const struct opts *o, int argc, char **argv)
{
	int rc;

	(void)argc;
	rc = need_host();
	if (!rc && o->missing_ok && name_ok(argv[0]) && !mk_has(argv[0], "state"))
		return RC_OK;
	if (!rc)
		rc = need_instance(argv[0]);
	if (rc)
		return rc;
	progress_begin(true);
	return take_apart(argv[0], o);
}

static bool states_ok(const char *states)
{
	static const char all[] = ",empty,loaded,booting,running,stopping,stopped,crashed,";
	char word[32];
	size_t n;

	do {
		n = strcspn(states, ",");
		snprintf(word, sizeof(word), ",%.*s,", (int)(n < 20 ? n : 20), states);
		if (!n || !strstr(all, word))
			return false;
		states += n;
	} while (*states++);
	return true;
}

int cmd_wait(const struct opts *o, int argc, char **argv)
{
	int timeout = o->timeout < 0 ? INT_MAX / 1000 : o->timeout;
	char state[MK_TEXT];
	int rc = need_instance(argv[0]), err;

	(void)argc;
	if (rc)
		return rc;
	if (!states_ok(argv[1]))
		return complain(RC_USAGE,
				"'%s': use one or more of empty, loaded, booting, running, stopping, stopped, crashed, with commas",
				argv[1]);
	progress_begin(true);
	err = inst_wait(argv[0], argv[1], timeout, NULL, state);
	if (err)
		return wait_failed(argv[0], "wait", err, timeout);
	if (o->json)
		json_of(o, argv[0]);
	else
		printf("%s\n", state);
	/* It may have ended, and that not be among those waited for */
	return state_among(state, argv[1]) ? RC_OK : ended(argv[0], "wait", state);
}

/* Everything that "run" did.  What can't be taken back is said */
static void undo(const char *name)
{
	const struct opts o = { .kill = true };

	if (!mk_has(name, "state")) {	/* on_crash may have been destroy */
		complain(0, "%s: it is gone", name);
		return;
	}
	console_tail(name, 10, stderr);
	if (take_apart(name, &o))
		complain(0, "%s: it is still there; 'mkctl destroy --kill %s'", name, name);
	else
		complain(0, "%s: taken back; with --keep it would be there to be looked at", name);
}

int cmd_run(const struct opts *o, int argc, char **argv)
{
	const struct want *w = &o->want;
	int rc = need_new(w);

	(void)argc;
	(void)argv;
	if (rc)
		return rc;
	if (!w->kernel)
		return complain(RC_USAGE, "%s: give --kernel FILE", w->name);
	progress_begin(o->json);
	catch_signals();
	rc = create(w);
	if (rc)
		return rc;
	say_created(w->name);
	rc = image_load(w);
	if (!rc && interrupted)
		rc = complain(RC_INTERRUPTED, "%s: run: interrupted", w->name);
	if (!rc) {
		say(w->name, "loaded: %s", w->kernel);
		since = now_ms();
		rc = start_and_wait(w->name, "start", o->timeout, progress_run);
	}
	if (rc) {
		if (!o->keep)
			undo(w->name);
		return rc;
	}
	say_running(w->name);
	json_of(o, w->name);
	return RC_OK;
}
