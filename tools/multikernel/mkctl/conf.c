// SPDX-License-Identifier: GPL-2.0
/*
 * /etc/multikernel/NAME.conf: an instance as it is to be.  Lines "key = value",
 * comments begin with # or ;, a header [instance] may stand over them.  A value
 * goes to the end of its line, as a kernel command line may have any character.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

#define SUFFIX	".conf"

struct place {
	const char *path;
	int line;
};

static int wrong(const struct place *at, const char *key, const char *value, const char *hint)
{
	return complain(RC_USAGE, "%s:%d: %s%s'%s': %s", at->path, at->line, key ? key : "",
			key ? " = " : "", value, hint);
}

static char *trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

static bool number_ok(const char *value, long max)
{
	char *end;
	long v = strtol(value, &end, 10);

	return isdigit((unsigned char)*value) && !*end && v <= max;
}

static int take_goal(const struct place *at, struct want *w, const char *value)
{
	static const char * const words[] = {
		[GOAL_EMPTY] = "empty", [GOAL_LOADED] = "loaded", [GOAL_RUNNING] = "running",
	};
	int i;

	for (i = GOAL_EMPTY; i <= GOAL_RUNNING; i++) {
		if (strcmp(value, words[i]))
			continue;
		w->goal = i;
		w->has_goal = true;
		return RC_OK;
	}
	return wrong(at, "state", value, "use empty, loaded or running");
}

static int take_split_core(const struct place *at, struct want *w, const char *value)
{
	if (strcmp(value, "0") && strcmp(value, "1") && strcmp(value, "no") && strcmp(value, "yes"))
		return wrong(at, "split_core", value, "use yes or no");
	w->split_core = *value == '1' || *value == 'y';
	return RC_OK;
}

/* NULL, or what is wrong.  The kernel has the last word; this is what apply compares */
static const char *check_value(const char *key, const char *value)
{
	struct cpuset set;
	uint64_t bytes;

	if (!strcmp(key, "cpus") && (!*value || !cpus_parse(value, &set)))
		return "use a list like 2-3,6";
	if (!strcmp(key, "memory") && !size_parse(value, &bytes))
		return "use a size like 256M";
	if (!strcmp(key, "id") && (!number_ok(value, 65535) || !atoi(value)))
		return "use a number from 1 to 65535";
	if (!strcmp(key, "on_crash") && strcmp(value, "keep") && strcmp(value, "restart") &&
	    strcmp(value, "destroy"))
		return "use keep, restart or destroy";
	if ((!strncmp(key, "restart_", 8) || strstr(key, "_timeout") ||
	     !strcmp(key, "doorbell_cpu")) && !number_ok(value, INT_MAX))
		return "use a number";
	return NULL;
}

static const char **place_of(struct want *w, const char *key)
{
	int i;

	if (!strcmp(key, "cpus"))
		return &w->cpus;
	if (!strcmp(key, "memory"))
		return &w->memory;
	if (!strcmp(key, "id"))
		return &w->id;
	if (!strcmp(key, "kernel"))
		return &w->kernel;
	if (!strcmp(key, "initrd"))
		return &w->initrd;
	if (!strcmp(key, "append"))
		return &w->append;
	if (!strcmp(key, "links"))
		return &w->links;
	for (i = 0; i < POL_NR; i++)
		if (!strcmp(key, policy_file[i]))
			return &w->policy[i];
	return NULL;
}

static int take(const struct place *at, struct want *w, const char *key, const char *value)
{
	const char **to, *hint;

	if (!strcmp(key, "state"))
		return w->has_goal ? wrong(at, NULL, key, "stands twice") :
				     take_goal(at, w, value);
	if (!strcmp(key, "split_core"))
		return take_split_core(at, w, value);
	to = place_of(w, key);
	if (!to)
		return wrong(at, NULL, key, "unknown key, see mkctl(8)");
	if (*to)
		return wrong(at, NULL, key, "stands twice");
	hint = check_value(key, value);
	if (hint)
		return wrong(at, key, value, hint);
	*to = strdup(value);
	return *to ? RC_OK : complain(RC_FAILED, "out of memory");
}

static int take_line(const struct place *at, struct want *w, char *line)
{
	char *value;

	line = trim(line);
	if (!*line || *line == '#' || *line == ';' || !strcmp(line, "[instance]"))
		return RC_OK;
	if (*line == '[')
		return wrong(at, NULL, line, "there is no section but [instance]");
	value = strchr(line, '=');
	if (!value)
		return wrong(at, NULL, line, "is not 'key = value'");
	*value++ = '\0';
	return take(at, w, trim(line), trim(value));
}

static int take_name(const char *path, struct want *w)
{
	const char *name = strrchr(path, '/');
	size_t len;

	name = name ? name + 1 : path;
	len = strlen(name);
	if (len > strlen(SUFFIX) && !strcmp(name + len - strlen(SUFFIX), SUFFIX))
		len -= strlen(SUFFIX);
	snprintf(w->name, sizeof(w->name), "%.*s", (int)(len < sizeof(w->name) ? len : 0), name);
	if (!name_ok(w->name))
		return complain(RC_USAGE, "%s: its name is no name for an instance", path);
	return RC_OK;
}

/* @path is opened as it is.  Says what is wrong; returns the exit status */
int conf_read(const char *path, struct want *w)
{
	struct place at = { .path = path };
	char *line = NULL;
	size_t room = 0;
	int rc;
	FILE *f;

	memset(w, 0, sizeof(*w));
	rc = take_name(path, w);
	if (rc)
		return rc;
	f = fopen(path, "re");
	if (!f)
		return complain(errno == EACCES ? RC_PERMISSION : RC_NOT_THERE, "%s: %s", path,
				strerror(errno));
	while (!rc && getline(&line, &room, f) >= 0) {
		at.line++;
		rc = take_line(&at, w, line);
	}
	free(line);
	fclose(f);
	if (rc)
		return rc;
	if (!w->cpus || !w->memory)
		return complain(RC_USAGE, "%s: has no '%s ='", path, w->cpus ? "memory" : "cpus");
	if (!w->has_goal)
		w->goal = w->kernel ? GOAL_RUNNING : GOAL_EMPTY;
	if (w->goal >= GOAL_LOADED && !w->kernel)
		return complain(RC_USAGE, "%s: has no 'kernel =', which its state needs", path);
	return RC_OK;
}

/* The names that have a file in @dir.  As sys_names() */
int conf_list(const char *dir, struct names *n)
{
	return sys_names(dir, SUFFIX, n);
}
