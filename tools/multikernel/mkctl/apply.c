// SPDX-License-Identifier: GPL-2.0
/*
 * apply: what the files in /etc/multikernel say, compared with what there is,
 * and the difference done.  Done twice it changes nothing.  What would end a
 * kernel that runs is done with --force only.  Instances without a file are
 * left alone.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

#define GRANULE	(2ull << 20)	/* the kernel rounds memory up to it */

enum step { STOP, DESTROY, CREATE, SET, UNLOAD, LOAD, START, NR_STEPS };

static const char * const step_name[NR_STEPS] = {
	"stop", "destroy", "create", "set", "unload", "load", "start",
};

struct plan {
	bool step[NR_STEPS];
	bool ends;		/* a kernel that runs would end */
	char why[NR_STEPS][600];
};

static int changes;

__printf(3, 4)
static void add(struct plan *p, enum step what, const char *fmt, ...)
{
	size_t room = sizeof(p->why[what]), len = strlen(p->why[what]);
	va_list ap;

	p->step[what] = true;
	if (len && len < room - 3)
		len += snprintf(p->why[what] + len, room - len, ", ");
	va_start(ap, fmt);
	vsnprintf(p->why[what] + len, room - len, fmt, ap);
	va_end(ap);
}

/* --- what differs ----------------------------------------------------------- */

static void compare_resources(const struct want *w, struct plan *p)
{
	char now[MK_TEXT], from[32], to[32];
	struct cpuset have, want;
	uint64_t bytes, lent;

	mk_read(w->name, "cpus", now);
	cpus_parse(w->cpus, &want);
	if (!cpus_parse(now, &have) || memcmp(&have, &want, sizeof(have)))
		add(p, DESTROY, "cpus %s -> %s", now, w->cpus);
	mk_read(w->name, "memory", now);
	lent = ranges_bytes(now);
	size_parse(w->memory, &bytes);
	if ((bytes + GRANULE - 1) / GRANULE * GRANULE != lent) {
		size_print(lent, from, sizeof(from));
		size_print(bytes, to, sizeof(to));
		add(p, DESTROY, "memory %s -> %s", from, to);
	}
	if (w->id && mk_number(w->name, "id", 0) != atoi(w->id))
		add(p, DESTROY, "id %lld -> %s", mk_number(w->name, "id", 0), w->id);
}

static void compare_settings(const struct want *w, struct plan *p, bool exists)
{
	char now[MK_TEXT];
	int i;

	for (i = 0; i < POL_NR; i++) {
		if (!w->policy[i])
			continue;
		if (!exists)
			add(p, SET, "%s %s", policy_file[i], w->policy[i]);
		else if (mk_read(w->name, policy_file[i], now) < 0)
			add(p, SET, "%s -> %s", policy_file[i], w->policy[i]);
		else if (strcmp(now, w->policy[i]))
			add(p, SET, "%s %s -> %s", policy_file[i], now, w->policy[i]);
	}
}

/* Is another image to be loaded?  Of that which is, sysfs has the command line only */
static void compare_image(const struct want *w, struct plan *p, const char *state)
{
	const char *append = w->append ? w->append : "";
	char now[MK_TEXT];

	if (w->goal == GOAL_EMPTY) {
		if (strcmp(state, "empty"))
			add(p, UNLOAD, "state = empty");
	} else if (!strcmp(state, "empty")) {
		add(p, LOAD, "%s", w->kernel);
	} else if (mk_read(w->name, "cmdline", now) >= 0 && strcmp(now, append)) {
		add(p, LOAD, "%s, append '%s' -> '%s'", w->kernel, now, append);
	}
}

static void make_plan(const struct want *w, struct plan *p)
{
	bool exists = mk_has(w->name, "state");
	char state[MK_TEXT] = "empty";

	if (exists) {
		inst_state(w->name, state);
		compare_resources(w, p);
	}
	if (!exists || p->step[DESTROY]) {
		add(p, CREATE, "cpus %s, memory %s", w->cpus, w->memory);
		compare_settings(w, p, false);
		if (w->goal >= GOAL_LOADED)
			add(p, LOAD, "%s", w->kernel);
	} else {
		compare_settings(w, p, true);
		compare_image(w, p, state);
	}
	if (state_active(state)) {
		if (p->step[DESTROY] || p->step[UNLOAD] || p->step[LOAD])
			add(p, STOP, "it is %s", state);
		else if (w->goal < GOAL_RUNNING)
			add(p, STOP, "it is %s", state);
		else if (!strcmp(state, "stopping"))
			add(p, STOP, "it is stopping");
		p->ends = p->step[STOP] && strcmp(state, "stopping");
	}
	if (w->goal == GOAL_RUNNING && (!state_active(state) || p->step[STOP]))
		add(p, START, "it is %s", p->step[CREATE] ? "new" : state);
}

/* --- saying and doing it ------------------------------------------------------ */

static void say_step(const struct opts *o, const char *name, const char *step, const char *why,
		     bool force)
{
	changes++;
	if (o->json) {
		json_key(NULL);
		json_open('{');
		json_string("name", name);
		json_string("action", step);
		json_string("why", why);
		json_raw("needs_force", force ? "true" : "false");
		json_close('}');
		return;
	}
	printf("%s: %s: ", name, step);
	clean_print(stdout, why, strlen(why));
	printf("%s\n", force ? " (takes --force)" : "");
	fflush(stdout);
}

static int do_step(const struct opts *o, const struct want *w, enum step step)
{
	char state[MK_TEXT];
	int rc;

	switch (step) {
	case STOP:
		rc = stop_and_wait(w->name, o->timeout);
		/* It may have ended by itself meanwhile; ended is what counts */
		if (rc && !inst_state(w->name, state) && state_ended(state))
			rc = RC_OK;
		return rc;
	case DESTROY:
		return inst_destroy(w->name);
	case CREATE:
		return inst_create(w);
	case SET:
		return inst_policy(w);
	case UNLOAD:
		return image_unload(w->name);
	case LOAD:
		return image_load(w);
	case START:
		return o->no_wait ? inst_control(w->name, "start") :
				    start_and_wait(w->name, "start", o->timeout, NULL);
	default:
		return RC_OK;
	}
}

static int apply_one(const struct opts *o, const struct want *w)
{
	struct plan p = { };
	bool refused, held;
	int i, rc;

	make_plan(w, &p);
	refused = p.ends && !o->force;
	for (i = 0; i < NR_STEPS; i++) {
		/* Settings can change while it runs, unless they are those of a new one */
		held = refused && (i != SET || p.step[CREATE]);
		if (!p.step[i] || (held && !o->dry_run))
			continue;
		say_step(o, w->name, step_name[i], p.why[i], held);
		if (o->dry_run)
			continue;
		rc = do_step(o, w, i);
		if (rc)
			return rc;
	}
	if (!refused || o->dry_run)
		return RC_OK;
	for (i = DESTROY; i < START; i++)
		if (i != SET && p.step[i])
			break;
	return complain(RC_STATE,
			"%s: apply: its kernel runs and would be stopped (%s); --force does it",
			w->name, i < START ? p.why[i] : "its file wants another state");
}

/* --- links: a file of either end is enough ------------------------------------- */

static bool word_in(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	while (list && *list) {
		list += strspn(list, ", \t\n");
		n = strcspn(list, ", \t\n");
		if (n == len && n && !strncmp(list, word, n))
			return true;
		list += n;
	}
	return false;
}

static const struct want *find(const struct want *all, int nr, const char *name)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

static int change_link(const struct opts *o, const char *name, char sign, const char *other)
{
	char word[MK_NAME_MAX + 3];
	int err;

	snprintf(word, sizeof(word), "%c%s", sign, other);
	say_step(o, name, "links", word, false);
	if (o->dry_run)
		return RC_OK;
	err = mk_write(name, "links", "links", word);
	return err ? fail(name, "links", err) : RC_OK;
}

/* With @other, which either of the files wants */
static int add_link(const struct opts *o, const struct want *w, const char *other, bool has_file)
{
	char now[MK_TEXT];

	mk_read(w->name, "links", now);
	if (word_in(now, other))
		return RC_OK;
	/* One that has a file, and is not there yet, will have its links when it is */
	if (!o->dry_run && has_file && !mk_has(other, "state"))
		return RC_OK;
	return change_link(o, w->name, '+', other);
}

static int apply_links(const struct opts *o, const struct want *w, const struct want *all, int nr)
{
	char now[MK_TEXT], copy[MK_TEXT], *word, *rest;
	const struct want *other;
	int rc = RC_OK, i;

	snprintf(copy, sizeof(copy), "%s", w->links ? w->links : "");
	for (word = strtok_r(copy, ", \t", &rest); word && !rc;
	     word = strtok_r(NULL, ", \t", &rest)) {
		if (!name_ok(word))
			return complain(RC_USAGE, "%s: links: '%s' is no name", w->name, word);
		rc = add_link(o, w, word, find(all, nr, word));
	}
	for (i = 0; i < nr && !rc; i++)
		if (word_in(all[i].links, w->name) && !word_in(w->links, all[i].name) &&
		    mk_has(all[i].name, "state"))
			rc = add_link(o, w, all[i].name, true);
	mk_read(w->name, "links", now);
	for (word = strtok_r(now, "\n", &rest); word && w->links && !rc;
	     word = strtok_r(NULL, "\n", &rest)) {
		other = find(all, nr, word);
		if (!word_in(w->links, word) && !(other && word_in(other->links, w->name)))
			rc = change_link(o, w->name, '-', word);
	}
	return rc;
}

/* --- the command ---------------------------------------------------------------- */

static int read_all(const char *dir, struct want **all, int *nr)
{
	char path[PATH_MAX + MK_NAME_MAX + 8];
	struct names n;
	int err, rc = RC_OK, i;

	*nr = 0;
	*all = NULL;
	err = conf_list(dir, &n);
	if (err)
		return complain(err == -EACCES ? RC_PERMISSION : RC_NOT_THERE,
				"%s: %s; put a file NAME.conf there, see mkctl(8)", dir,
				strerror(-err));
	*all = calloc(n.nr + 1, sizeof(**all));
	for (i = 0; *all && i < n.nr && !rc; i++) {
		snprintf(path, sizeof(path), "%s/%s.conf", dir, n.name[i]);
		rc = conf_read(path, &(*all)[i]);
	}
	*nr = n.nr;
	free(n.name);
	return *all ? rc : complain(RC_FAILED, "out of memory");
}

static bool chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return !argc;
}

int cmd_apply(const struct opts *o, int argc, char **argv)
{
	char dir[PATH_MAX];
	struct want *all;
	int rc = need_host(), worst, nr, i;

	if (rc)
		return rc;
	snprintf(dir, sizeof(dir), "%s", o->config ? o->config : sys_path(MK_CONF_DIR));
	/* All of them are read before anything is done: a typo changes nothing */
	worst = read_all(dir, &all, &nr);
	for (i = 0; i < argc && !worst; i++)
		if (!find(all, nr, argv[i]))
			worst = complain(RC_NOT_THERE, "%s: there is no %s/%s.conf", argv[i], dir,
					 argv[i]);
	if (worst)
		goto out;
	catch_signals();
	if (o->json)
		json_open('[');
	for (i = 0; i < nr && !interrupted; i++) {
		rc = chosen(all[i].name, argc, argv) ? apply_one(o, &all[i]) : RC_OK;
		if (rc && !worst)
			worst = rc;
	}
	for (i = 0; i < nr && !interrupted; i++) {
		rc = RC_OK;
		if (chosen(all[i].name, argc, argv) &&
		    (o->dry_run || mk_has(all[i].name, "links")))
			rc = apply_links(o, &all[i], all, nr);
		if (rc && !worst)
			worst = rc;
	}
	if (o->json) {
		json_close(']');
		json_end();
	} else if (!changes && !worst) {
		printf("nothing to do\n");
	}
	if (interrupted)
		worst = RC_INTERRUPTED;
out:
	free(all);
	return worst;
}
