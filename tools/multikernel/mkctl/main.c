// SPDX-License-Identifier: GPL-2.0
/* mkctl: the table of commands, their options, help */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

#ifndef MKCTL_VERSION
#define MKCTL_VERSION	"unknown"
#endif

#define POLICY	" on-crash restart-max restart-interval hang-timeout boot-timeout" \
		" stop-timeout doorbell-cpu "
#define NEW	" cpus memory id split-core " POLICY
#define IMAGE	" kernel initrd append "

static int cmd_help(const struct opts *o, int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(const struct opts *o, int argc, char **argv);
	int min, max;		/* arguments */
	bool names;		/* the first one is the name of a new or wanted instance */
	const char *options;	/* those it takes, each between blanks */
	const char *args;
	const char *help;
} commands[] = {
	{ "run", cmd_run, 1, 1, true, NEW IMAGE " keep timeout json ",
	  "NAME --cpus LIST --memory SIZE --kernel FILE [--initrd FILE] [--append TEXT]",
	  "create, load and start; taken back if one of them fails" },
	{ "create", cmd_create, 1, 1, true, NEW " json ",
	  "NAME --cpus LIST --memory SIZE [--id N] [--split-core]",
	  "take CPUs and memory from this kernel" },
	{ "load", cmd_load, 1, 1, true, IMAGE " unload ",
	  "NAME --kernel FILE [--initrd FILE] [--append TEXT] | NAME --unload",
	  "load a kernel image, or unload it" },
	{ "set", cmd_set, 1, 1, true, POLICY, "NAME [--on-crash WHAT] ...",
	  "change what follows a crash, and time-outs" },
	{ "start", cmd_start, 1, 1, false, " no-wait timeout json ", "NAME [--no-wait]",
	  "start the image, and wait until its init runs" },
	{ "stop", cmd_stop, 1, 1, false, " no-wait timeout json ", "NAME [--no-wait]",
	  "ask it to power off, and wait until it has" },
	{ "kill", cmd_kill, 1, 1, false, "", "NAME",
	  "take its CPUs away, whatever it does" },
	{ "restart", cmd_restart, 1, 1, false, " no-wait timeout json ", "NAME [--no-wait]",
	  "stop, and start the same image again" },
	{ "destroy", cmd_destroy, 1, 1, false, " stop kill missing-ok timeout ",
	  "NAME [--stop | --kill] [--missing-ok]",
	  "give CPUs and memory back" },
	{ "list", cmd_list, 0, 0, false, " json ", "[--json]", "all instances, a line each" },
	{ "show", cmd_show, 1, 1, false, " json ", "NAME [--json]",
	  "everything about one" },
	{ "top", cmd_top, 0, 0, false, " delay count json ",
	  "[--delay SECONDS] [--count N] [--json]",
	  "a table that is drawn anew each second; q ends" },
	{ "console", cmd_console, 1, 1, false, "", "NAME",
	  "its terminal; Enter ~. leaves" },
	{ "log", cmd_log, 1, 1, false, " follow lines ", "NAME [-f] [-n LINES]",
	  "what its kernel logged, of the runs before, too" },
	{ "wait", cmd_wait, 2, 2, false, " timeout json ",
	  "NAME STATE[,STATE...] [--timeout SECONDS]",
	  "until it is in one of these states, or has ended" },
	{ "vmcore", cmd_vmcore, 2, 2, false, " force ", "NAME FILE [--force]",
	  "save its memory, after a crash" },
	{ "apply", cmd_apply, 0, 1000, false, " dry-run force json config no-wait timeout ",
	  "[--dry-run] [--force] [--json] [NAME...]",
	  "make it so as /etc/multikernel/*.conf say" },
	{ "check", cmd_check, 0, 0, false, " json ", "[--json]",
	  "can this machine run instances, and what is to change?" },
	{ "help", cmd_help, 0, 1, false, "", "[COMMAND]", "this, or more about one" },
};

#define NR_COMMANDS	(ARRAY_SIZE(commands))

/* Long options; below 256 the value is a short one, too */
enum {
	OPT_CPUS = 256, OPT_MEMORY, OPT_ID, OPT_SPLIT, OPT_KERNEL, OPT_INITRD, OPT_APPEND,
	OPT_KEEP, OPT_UNLOAD, OPT_NO_WAIT, OPT_TIMEOUT, OPT_STOP, OPT_KILL, OPT_MISSING,
	OPT_DELAY, OPT_COUNT, OPT_FORCE, OPT_DRY, OPT_CONFIG, OPT_JSON, OPT_VERSION,
	OPT_POLICY,	/* and the others of enum policy: the last */
};

static const struct option options[] = {
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "id", required_argument, NULL, OPT_ID },
	{ "split-core", no_argument, NULL, OPT_SPLIT },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "on-crash", required_argument, NULL, OPT_POLICY + POL_ON_CRASH },
	{ "restart-max", required_argument, NULL, OPT_POLICY + POL_RESTART_MAX },
	{ "restart-interval", required_argument, NULL, OPT_POLICY + POL_RESTART_INTERVAL },
	{ "hang-timeout", required_argument, NULL, OPT_POLICY + POL_HANG_TIMEOUT },
	{ "boot-timeout", required_argument, NULL, OPT_POLICY + POL_BOOT_TIMEOUT },
	{ "stop-timeout", required_argument, NULL, OPT_POLICY + POL_STOP_TIMEOUT },
	{ "doorbell-cpu", required_argument, NULL, OPT_POLICY + POL_DOORBELL_CPU },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "unload", no_argument, NULL, OPT_UNLOAD },
	{ "no-wait", no_argument, NULL, OPT_NO_WAIT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ "kill", no_argument, NULL, OPT_KILL },
	{ "missing-ok", no_argument, NULL, OPT_MISSING },
	{ "follow", no_argument, NULL, 'f' },
	{ "lines", required_argument, NULL, 'n' },
	{ "delay", required_argument, NULL, OPT_DELAY },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "dry-run", no_argument, NULL, OPT_DRY },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ }
};

static const char *option_name(int value)
{
	const struct option *o;

	for (o = options; o->name; o++)
		if (o->val == value)
			return o->name;
	return "";
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Those options that the line of arguments does not have */
static void more_options(const struct command *c)
{
	const char *at = c->options, *before = "\nAlso: ";
	char word[32], form[40];
	size_t n;

	for (;;) {
		at += strspn(at, " ");
		n = strcspn(at, " ");
		if (!n)
			break;
		snprintf(word, sizeof(word), "%.*s", (int)n, at);
		snprintf(form, sizeof(form), " %s ", word);
		at += n;
		if (strstr(POLICY, form))
			continue;
		snprintf(form, sizeof(form), "--%s", word);
		if (strstr(c->args, form) || !strcmp(word, "follow") || !strcmp(word, "lines"))
			continue;
		printf("%s%s%s", before, form, !strcmp(word, "timeout") ? " SECONDS" :
		       !strcmp(word, "config") ? " DIR" : !strcmp(word, "id") ? " N" : "");
		before = "  ";
	}
	if (*before == ' ')
		printf("\n");
}

static void usage(const struct command *c)
{
	size_t i;

	if (c) {
		printf("usage: mkctl %s %s\n\n%s\n", c->name, c->args, c->help);
		more_options(c);
		if (strstr(c->options, POLICY))
			printf("\nAlso, in seconds or numbers:\n"
			       "  --on-crash keep|restart|destroy  --restart-max N  --restart-interval S\n"
			       "  --hang-timeout S  --boot-timeout S  --stop-timeout S  --doorbell-cpu N\n");
		return;
	}
	printf("usage: mkctl COMMAND ...\n\n"
	       "Other kernels beside this one, on CPUs and memory that it lends them.\n\n");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	printf("\n'mkctl help COMMAND' tells its options, mkctl(8) all, with the exit statuses.\n");
}

static int cmd_help(const struct opts *o, int argc, char **argv)
{
	const struct command *c = NULL;

	(void)o;
	if (argc) {
		c = find_command(argv[0]);
		if (!c)
			return complain(RC_USAGE, "there is no command '%s'; see 'mkctl help'",
					argv[0]);
	}
	usage(c);
	return RC_OK;
}

static int take_number(const char *what, const char *text, double min, double max, double *v)
{
	char *end;

	*v = strtod(text, &end);
	if (end == text || *end || !(*v >= min && *v <= max))
		return complain(RC_USAGE, "--%s '%s': give a number from %g to %g", what, text, min,
				max);
	return RC_OK;
}

/* Where a text goes, and a flag that is set */
static const struct {
	int opt;
	size_t at;
} texts[] = {
	{ OPT_CPUS, offsetof(struct opts, want.cpus) },
	{ OPT_MEMORY, offsetof(struct opts, want.memory) },
	{ OPT_ID, offsetof(struct opts, want.id) },
	{ OPT_KERNEL, offsetof(struct opts, want.kernel) },
	{ OPT_INITRD, offsetof(struct opts, want.initrd) },
	{ OPT_APPEND, offsetof(struct opts, want.append) },
	{ OPT_CONFIG, offsetof(struct opts, config) },
}, flags[] = {
	{ OPT_SPLIT, offsetof(struct opts, want.split_core) },
	{ OPT_KEEP, offsetof(struct opts, keep) },
	{ OPT_UNLOAD, offsetof(struct opts, unload) },
	{ OPT_NO_WAIT, offsetof(struct opts, no_wait) },
	{ OPT_STOP, offsetof(struct opts, stop) },
	{ OPT_KILL, offsetof(struct opts, kill) },
	{ OPT_MISSING, offsetof(struct opts, missing_ok) },
	{ OPT_FORCE, offsetof(struct opts, force) },
	{ OPT_DRY, offsetof(struct opts, dry_run) },
	{ OPT_JSON, offsetof(struct opts, json) },
	{ 'f', offsetof(struct opts, follow) },
};

static int take_option(struct opts *o, int opt, const char *arg)
{
	double v;
	size_t i;
	int rc;

	if (opt >= OPT_POLICY) {
		o->want.policy[opt - OPT_POLICY] = arg;
		return RC_OK;
	}
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].opt == opt)
			*(const char **)((char *)o + texts[i].at) = arg;
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].opt == opt)
			*(bool *)((char *)o + flags[i].at) = true;
	switch (opt) {
	case OPT_TIMEOUT:
		rc = take_number("timeout", arg, 0, 1e6, &v);
		o->timeout = v;
		return rc;
	case 'n':
		rc = take_number("lines", arg, 0, 1e6, &v);
		o->lines = v;
		return rc;
	case OPT_COUNT:
		rc = take_number("count", arg, 1, 1e9, &v);
		o->count = v;
		return rc;
	case OPT_DELAY:
		return take_number("delay", arg, 0.1, 3600, &o->delay);
	default:
		return RC_OK;
	}
}

static bool takes(const struct command *c, int opt)
{
	char word[64];

	snprintf(word, sizeof(word), " %s ", option_name(opt));
	return strstr(c->options, word);
}

static int parse(const struct command *c, struct opts *o, int argc, char **argv)
{
	int opt, rc;

	while ((opt = getopt_long(argc, argv, ":fn:h", options, NULL)) != -1) {
		if (opt == 'h') {
			usage(c);
			exit(RC_OK);
		}
		if (opt == '?')
			return complain(RC_USAGE,
					"%s: there is no option '%s'; see 'mkctl help %s'",
					c->name, argv[optind - 1], c->name);
		if (opt == ':')
			return complain(RC_USAGE, "%s: '%s' takes a value; see 'mkctl help %s'",
					c->name, argv[optind - 1], c->name);
		if (!takes(c, opt))
			return complain(RC_USAGE, "%s takes no --%s; see 'mkctl help %s'", c->name,
					option_name(opt), c->name);
		rc = take_option(o, opt, optarg);
		if (rc)
			return rc;
	}
	if (argc - optind < c->min || argc - optind > c->max)
		return complain(RC_USAGE, "usage: mkctl %s %s", c->name, c->args);
	return RC_OK;
}

static int take_name(struct want *w, const char *name)
{
	int rc = need_name(name);

	if (!rc)
		snprintf(w->name, sizeof(w->name), "%s", name);
	return rc;
}

int main(int argc, char **argv)
{
	struct opts o = { .timeout = -1, .lines = -1, .delay = 1 };
	const struct command *c;
	int rc;

	/* mkctl --json list is mkctl list --json */
	while (argc > 1 && !strcmp(argv[1], "--json")) {
		o.json = true;
		argc--;
		argv++;
	}
	if (argc < 2) {
		usage(NULL);
		return RC_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(NULL);
		return RC_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("mkctl %s\n", MKCTL_VERSION);
		return RC_OK;
	}
	c = find_command(argv[1]);
	if (!c)
		return complain(RC_USAGE, "there is no command '%s'; see 'mkctl help'", argv[1]);
	if (o.json && !takes(c, OPT_JSON))
		return complain(RC_USAGE,
				"%s takes no --json; see 'mkctl help %s'",
				c->name, c->name);
	rc = parse(c, &o, argc - 1, argv + 1);
	argc -= optind + 1;
	argv += optind + 1;
	if (!rc && c->names)
		rc = take_name(&o.want, argv[0]);
	if (!rc)
		rc = c->run(&o, argc, argv);
	if (!rc && (fflush(stdout) || ferror(stdout)) && errno != EPIPE)
		rc = complain(RC_FAILED, "standard output: %s", strerror(errno));
	return rc;
}
