// SPDX-License-Identifier: GPL-2.0
/* list and show: what sysfs has about instances, for people and as JSON */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

enum kind { TEXT, NUMBER, LIST, BYTES };

/* The files of an instance; who has one less leaves it out */
static const struct {
	const char *file;
	enum kind kind;
	const char *label;
	const char *unit;
} fields[] = {
	{ "state", TEXT, "state", "" },
	{ "reason", TEXT, "reason", "" },
	{ "id", NUMBER, "id", "" },
	{ "cid", NUMBER, "vsock CID", "" },
	{ "cpus", TEXT, "CPUs", "" },
	{ "lost", TEXT, "lost CPUs", "" },
	{ "memory", BYTES, "memory", "" },
	{ "cmdline", TEXT, "command line", "" },
	{ "boot_time_us", NUMBER, "boot time", " us" },
	{ "cpu_time_us", NUMBER, "CPU time", " us" },
	{ "heartbeat_age_ms", NUMBER, "heartbeat age", " ms" },
	{ "tty", TEXT, "tty", "" },
	{ "doorbell_cpu", NUMBER, "doorbell CPU", "" },
	{ "links", LIST, "links", "" },
	{ "on_crash", TEXT, "on crash", "" },
	{ "restarts", NUMBER, "restarts", "" },
	{ "restart_max", NUMBER, "restart max", "" },
	{ "restart_interval", NUMBER, "restart interval", " s" },
	{ "hang_timeout", NUMBER, "hang time-out", " s" },
	{ "boot_timeout", NUMBER, "boot time-out", " s" },
	{ "stop_timeout", NUMBER, "stop time-out", " s" },
};

#define NR_FIELDS	(ARRAY_SIZE(fields))

static bool is_number(const char *text)
{
	char *end;

	strtoll(text, &end, 10);
	return *text && !*end;
}

static void json_list(const char *key, char *lines)
{
	char *line, *rest;

	json_key(key);
	json_open('[');
	for (line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		json_string(NULL, line);
	json_close(']');
}

/* The files of a folder of an instance, whatever they are called */
static void each_file(const char *name, const char *folder,
		      void (*use)(const char *file, const char *value))
{
	char path[PATH_MAX], text[MK_TEXT];
	struct dirent **e;
	int n, i;

	mk_file(path, name, folder);
	n = scandir(sys_path(path), &e, NULL, alphasort);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, e[i]->d_name);
		if (e[i]->d_name[0] != '.' && mk_read(name, path, text) >= 0)
			use(e[i]->d_name, text);
		free(e[i]);
	}
	if (n >= 0)
		free(e);
}

static void json_file(const char *file, const char *value)
{
	if (is_number(value))
		json_raw(file, value);
	else
		json_string(file, value);
}

void show_json(const char *name)
{
	char text[MK_TEXT];
	size_t i;

	json_open('{');
	json_string("name", name);
	for (i = 0; i < NR_FIELDS; i++) {
		if (mk_read(name, fields[i].file, text) < 0)
			continue;
		if (fields[i].kind == LIST) {
			json_list(fields[i].file, text);
		} else if (fields[i].kind == BYTES) {
			json_number("memory_bytes", ranges_bytes(text));
			json_list(fields[i].file, text);
		} else if (fields[i].kind == TEXT) {
			json_string(fields[i].file, text);
		} else {
			json_raw(fields[i].file, is_number(text) ? text : "null");
		}
	}
	if (mk_has(name, "fault")) {
		json_key("fault");
		json_open('{');
		each_file(name, "fault", json_file);
		json_close('}');
	}
	json_close('}');
}

static void print_text(const char *label, const char *value, const char *unit)
{
	printf("%-17s ", label);
	while (*value) {
		size_t n = strcspn(value, "\n");

		clean_print(stdout, value, n);
		value += n;
		if (*value && *++value)
			printf("\n%-17s ", "");
	}
	printf("%s\n", unit);
}

static void print_fault(const char *file, const char *value)
{
	char label[64];

	/* What is not known, and that there was none */
	if (!*value || !strcmp(value, "-") || !strcmp(value, "none"))
		return;
	snprintf(label, sizeof(label), "fault/%.50s", file);
	print_text(label, value, "");
}

static void show_text(const char *name)
{
	char text[MK_TEXT], size[32];
	size_t i;

	print_text("name", name, "");
	for (i = 0; i < NR_FIELDS; i++) {
		if (mk_read(name, fields[i].file, text) <= 0)
			continue;
		if (fields[i].kind == BYTES) {
			size_print(ranges_bytes(text), size, sizeof(size));
			print_text(fields[i].label, size, "");
			print_text("", text, "");
		} else {
			print_text(fields[i].label, text, is_number(text) ? fields[i].unit : "");
		}
	}
	each_file(name, "fault", print_fault);
}

int cmd_show(const struct opts *o, int argc, char **argv)
{
	int rc = need_instance(argv[0]);

	(void)argc;
	if (rc)
		return rc;
	if (o->json) {
		show_json(argv[0]);
		json_end();
	} else {
		show_text(argv[0]);
	}
	return RC_OK;
}

/* As wide as the longest one: names and lists are what people copy from here */
static void widths(const struct names *n, int *name, int *cpus)
{
	char text[MK_TEXT];
	int i, len;

	*name = strlen("NAME");
	*cpus = strlen("CPUS");
	for (i = 0; i < n->nr; i++) {
		len = strlen(n->name[i]);
		*name = len > *name ? len : *name;
		len = mk_read(n->name[i], "cpus", text);
		*cpus = len > *cpus ? len : *cpus;
	}
}

static void list_line(const char *name, int name_width, int cpus_width)
{
	char id[MK_TEXT], state[MK_TEXT], cpus[MK_TEXT], memory[MK_TEXT], reason[MK_TEXT], size[32];

	if (mk_read(name, "state", state) < 0)
		return;
	mk_read(name, "id", id);
	mk_read(name, "cpus", cpus);
	mk_read(name, "memory", memory);
	mk_read(name, "reason", reason);
	size_print(ranges_bytes(memory), size, sizeof(size));
	printf("%-*s %5s %-8s %-*s %7s%s", name_width, name, id, state, cpus_width, cpus, size,
	       *reason ? "  " : "");
	clean_print(stdout, reason, strlen(reason));
	printf("\n");
}

int cmd_list(const struct opts *o, int argc, char **argv)
{
	struct names n;
	int rc = need_host(), err, i, name, cpus;

	(void)argc;
	(void)argv;
	if (rc)
		return rc;
	err = mk_names(&n);
	if (err)
		return fail(NULL, "list", err);
	widths(&n, &name, &cpus);
	if (o->json)
		json_open('[');
	else if (n.nr)
		printf("%-*s %5s %-8s %-*s %7s  %s\n", name, "NAME", "ID", "STATE", cpus, "CPUS",
		       "MEMORY", "REASON");
	for (i = 0; i < n.nr; i++) {
		if (!o->json) {
			list_line(n.name[i], name, cpus);
		} else if (mk_has(n.name[i], "state")) {
			json_key(NULL);
			show_json(n.name[i]);
		}
	}
	if (o->json) {
		json_close(']');
		json_end();
	}
	free(n.name);
	return RC_OK;
}
