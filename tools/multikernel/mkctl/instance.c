// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to an instance, one write each, and waiting for a state.  The
 * functions that return an exit status have said what is wrong.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkctl.h"

#define SECOND		1000
#define LOOK_AGAIN	500	/* ms; poll(2) wakes for a change, this is for its absence */
#define LOOK_MOVES	100	/* ms; for who watches the time go by */
#define SLACK		15	/* seconds that the kernel gets beyond its own time-outs */

const char * const policy_file[POL_NR] = {
	[POL_ON_CRASH]		= "on_crash",
	[POL_RESTART_MAX]	= "restart_max",
	[POL_RESTART_INTERVAL]	= "restart_interval",
	[POL_HANG_TIMEOUT]	= "hang_timeout",
	[POL_BOOT_TIMEOUT]	= "boot_timeout",
	[POL_STOP_TIMEOUT]	= "stop_timeout",
	[POL_DOORBELL_CPU]	= "doorbell_cpu",
};

/* The kernel's rule; it keeps paths in their folder, too */
bool name_ok(const char *name)
{
	const char *p;

	if (!isalnum((unsigned char)*name) || strlen(name) > MK_NAME_MAX || strstr(name, ".."))
		return false;
	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			return false;
	return true;
}

bool state_active(const char *state)
{
	return !strcmp(state, "booting") || !strcmp(state, "running") ||
	       !strcmp(state, "stopping");
}

bool state_ended(const char *state)
{
	return !strcmp(state, "stopped") || !strcmp(state, "crashed");
}

/* @state has MK_TEXT bytes */
int inst_state(const char *name, char *state)
{
	int n = mk_read(name, "state", state);

	return n < 0 ? n : 0;
}

int inst_create(const struct want *w)
{
	char line[1100];
	size_t len;
	int err;

	len = snprintf(line, sizeof(line), "name=%s cpus=%s memory=%s", w->name, w->cpus,
		       w->memory);
	if (w->id && len < sizeof(line))
		len += snprintf(line + len, sizeof(line) - len, " id=%s", w->id);
	if (w->split_core && len < sizeof(line))
		len += snprintf(line + len, sizeof(line) - len, " split_core=1");
	if (len >= sizeof(line))
		return complain(RC_USAGE,
				"%s: create: the line is longer than 1023 bytes; shorten the list of CPUs",
				w->name);
	err = mk_write(NULL, "create", "create", line);
	return err ? fail(w->name, "create", err) : RC_OK;
}

/* What @w says about time-outs and crashes, and is not so yet */
int inst_policy(const struct want *w)
{
	char now[MK_TEXT];
	int i, err;

	for (i = 0; i < POL_NR; i++) {
		if (!w->policy[i])
			continue;
		if (!mk_has(w->name, policy_file[i]))
			return complain(RC_NO_HOST,
					"%s: %s: this kernel can't do that; leave it out",
					w->name, policy_file[i]);
		if (mk_read(w->name, policy_file[i], now) >= 0 && !strcmp(now, w->policy[i]))
			continue;
		err = mk_write(w->name, policy_file[i], policy_file[i], w->policy[i]);
		if (err)
			return fail(w->name, policy_file[i], err);
	}
	return RC_OK;
}

int inst_control(const char *name, const char *verb)
{
	int err = mk_write(name, "control", verb, verb);

	return err ? fail(name, verb, err) : RC_OK;
}

int inst_destroy(const char *name)
{
	int err = mk_write(NULL, "destroy", "destroy", name);

	return err ? fail(name, "destroy", err) : RC_OK;
}

/* --- waiting --------------------------------------------------------------- */

bool state_among(const char *state, const char *states)
{
	size_t len = strlen(state);

	while (*states) {
		size_t n = strcspn(states, ",");

		if (n == len && !strncmp(states, state, n))
			return true;
		states += n;
		states += *states == ',';
	}
	return false;
}

static int read_state(int fd, char *state)
{
	ssize_t n = pread(fd, state, 63, 0);

	if (n < 0)
		return -errno;
	while (n && state[n - 1] == '\n')
		n--;
	state[n] = '\0';
	return 0;
}

/*
 * An instance that is to start again passes through "stopped" or "crashed"
 * while the kernel holds its lock.  "reason" waits for that lock: what the
 * state is after it has been read is the end of it.
 */
static int settled_state(int fd, const char *name, char *state)
{
	char reason[MK_TEXT];
	int err = read_state(fd, state);

	if (err || !state_ended(state))
		return err;
	mk_read(name, "reason", reason);
	return read_state(fd, state);
}

/*
 * Waits until the state is one of @states, or stopped or crashed: 0, and
 * @state is it.  -ETIMEDOUT after @timeout seconds, -EINTR after a signal,
 * -ENODEV when it was destroyed.  @progress is called now and then.
 */
int inst_wait(const char *name, const char *states, int timeout, progress_fn progress,
	      char *state)
{
	uint64_t end = now_ms() + (uint64_t)timeout * SECOND, now;
	char path[PATH_MAX];
	struct pollfd p = { .events = POLLPRI };
	uint64_t again = progress ? LOOK_MOVES : LOOK_AGAIN;
	int err;

	mk_reason_forget();
	mk_file(path, name, "state");
	p.fd = sys_open(path, O_RDONLY);
	if (p.fd < 0)
		return p.fd == -ENOENT ? -ENODEV : p.fd;
	for (;;) {
		err = settled_state(p.fd, name, state);
		if (err)
			break;
		if (progress)
			progress(name, state);
		if (state_among(state, states) || state_ended(state))
			break;
		if (interrupted) {
			err = -EINTR;
			break;
		}
		now = now_ms();
		if (now >= end) {
			err = -ETIMEDOUT;
			break;
		}
		poll(&p, 1, end - now < again ? end - now : again);
	}
	close(p.fd);
	return err;
}

static int seconds(const char *name, const char *which, int otherwise)
{
	char path[PATH_MAX], text[MK_TEXT];
	long long v = mk_number(name, which, -1);

	if (v < 0) {
		snprintf(path, sizeof(path), MK_PARAMS "/%s", which);
		v = sys_read(path, text, sizeof(text)) > 0 ? atoll(text) : otherwise;
	}
	return v < 0 || v > 86400 ? otherwise : v;
}

/* How long @verb may take by the kernel's own time-outs, unless the user says */
int inst_timeout(const char *name, const char *verb, int timeout)
{
	if (timeout >= 0)
		return timeout;
	timeout = SLACK;
	if (strcmp(verb, "stop"))
		timeout += seconds(name, "boot_timeout", 60);
	if (strcmp(verb, "start"))
		timeout += seconds(name, "stop_timeout", 30);
	return timeout;
}
