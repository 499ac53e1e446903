/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mkctl: instances of multikernel from a command line
 *
 * Who has which duty:
 *	main.c		options, the table of commands, help
 *	sys.c		files of sysfs and the rest of the system; the kernel's own
 *			reason for a write that it refused
 *	error.c		one line for each failure, and the exit status
 *	image.c		kexec_file_load(2)
 *	instance.c	what is done to an instance; waiting for a state
 *	run.c		create ... run: the commands, progress
 *	conf.c		/etc/multikernel/NAME.conf
 *	apply.c		makes reality match these files
 *	cpus.c		CPU lists and sizes
 *	show.c		list, show
 *	json.c		JSON, and text of others that is shown on a terminal
 *	log.c		log, vmcore: what an instance leaves behind
 *	term.c		the terminal, and that it is left as it was
 *	console.c	console
 *	top.c		top
 *	check.c		check; kconfig.c reads the kernel's configuration for it
 */
#ifndef _MKCTL_H
#define _MKCTL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(a, b)	__attribute__((format(printf, a, b)))

#define MK_SYSFS	"/sys/kernel/multikernel"
#define MK_DEBUGFS	"/sys/kernel/debug/multikernel"
#define MK_CONF_DIR	"/etc/multikernel"
#define MK_PARAMS	"/sys/module/multikernel/parameters"

#define MK_NAME_MAX	31
#define MK_TEXT		4096	/* any one value in sysfs */
#define MK_CPUS_MAX	8192

/* Exit status, as in mkctl(8) */
enum {
	RC_OK		= 0,
	RC_FAILED	= 1,	/* what has no status of its own */
	RC_USAGE		= 2,	/* command line, or a file in /etc/multikernel */
	RC_NO_HOST	= 3,	/* no multikernel in this kernel, or it is a spawn */
	RC_PERMISSION	= 4,
	RC_NOT_THERE	= 5,	/* no such instance, CPU or file */
	RC_STATE		= 6,	/* exists already, busy, or in another state */
	RC_RESOURCES	= 7,	/* memory, slots, ids */
	RC_IMAGE		= 8,	/* the kernel image was refused */
	RC_ENDED		= 9,	/* the instance ended, and was not asked to */
	RC_TIMEOUT	= 10,
	RC_UNFIT		= 11,	/* this machine can't be a host */
	RC_INTERRUPTED	= 130,
};

enum policy {
	POL_ON_CRASH,
	POL_RESTART_MAX,
	POL_RESTART_INTERVAL,
	POL_HANG_TIMEOUT,
	POL_BOOT_TIMEOUT,
	POL_STOP_TIMEOUT,
	POL_DOORBELL_CPU,
	POL_NR
};

extern const char * const policy_file[POL_NR];

enum goal { GOAL_EMPTY, GOAL_LOADED, GOAL_RUNNING };

/* An instance as somebody wants it: from the command line or from a file */
struct want {
	char name[MK_NAME_MAX + 1];
	const char *cpus;
	const char *memory;
	const char *id;
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *policy[POL_NR];
	const char *links;
	bool split_core;
	bool has_goal;
	enum goal goal;
};

struct opts {
	struct want want;
	bool json, dry_run, force, follow, no_wait, keep, unload;
	bool stop, kill, missing_ok;
	int timeout;		/* seconds, -1: the kernel's own and some more */
	long lines;		/* -1: all */
	long count;		/* 0: no end */
	double delay;		/* seconds */
	const char *config;
};

struct names {
	char (*name)[MK_NAME_MAX + 1];
	int nr;
};

struct buf {
	char *p;
	size_t len;
	size_t room;
};

extern volatile sig_atomic_t interrupted;	/* the signal that asked us to end */

/* sys.c */
int sys_open(const char *path, int flags);
int sys_read(const char *path, char *to, size_t size);
int sys_slurp(const char *path, struct buf *b);
bool sys_exists(const char *path);
const char *sys_path(const char *path);
void mk_file(char *to, const char *name, const char *file);
int mk_read(const char *name, const char *file, char *to);
long long mk_number(const char *name, const char *file, long long otherwise);
int mk_write(const char *name, const char *file, const char *verb, const char *text);
bool mk_has(const char *name, const char *file);
int sys_names(const char *dir, const char *suffix, struct names *n);
int mk_names(struct names *n);
const char *mk_reason(void);
void mk_reason_forget(void);
void kmsg_mark(void);
void kmsg_reason(const char *name, const char *verb);
int kmsg_find(const char *text, char *line, size_t size);
void buf_add(struct buf *b, const void *p, size_t len);
uint64_t now_ms(void);

/* error.c */
int fail(const char *name, const char *verb, int err);
int complain(int status, const char *fmt, ...) __printf(2, 3);
int need_host(void);
int need_name(const char *name);
int need_instance(const char *name);

/* image.c */
int image_load(const struct want *w);
int image_unload(const char *name);

/* instance.c */
bool name_ok(const char *name);
bool state_active(const char *state);
bool state_ended(const char *state);
bool state_among(const char *state, const char *states);
int inst_state(const char *name, char *state);
int inst_create(const struct want *w);
int inst_policy(const struct want *w);
int inst_control(const char *name, const char *verb);
int inst_destroy(const char *name);
typedef void (*progress_fn)(const char *name, const char *state);
int inst_wait(const char *name, const char *states, int timeout, progress_fn progress,
	      char *state);
int inst_timeout(const char *name, const char *verb, int timeout);

/* run.c */
int start_and_wait(const char *name, const char *verb, int timeout, progress_fn progress);
int stop_and_wait(const char *name, int timeout);
int cmd_create(const struct opts *o, int argc, char **argv);
int cmd_load(const struct opts *o, int argc, char **argv);
int cmd_set(const struct opts *o, int argc, char **argv);
int cmd_start(const struct opts *o, int argc, char **argv);
int cmd_stop(const struct opts *o, int argc, char **argv);
int cmd_kill(const struct opts *o, int argc, char **argv);
int cmd_restart(const struct opts *o, int argc, char **argv);
int cmd_destroy(const struct opts *o, int argc, char **argv);
int cmd_wait(const struct opts *o, int argc, char **argv);
int cmd_run(const struct opts *o, int argc, char **argv);

/* conf.c */
int conf_read(const char *path, struct want *w);
int conf_list(const char *dir, struct names *n);

/* apply.c */
int cmd_apply(const struct opts *o, int argc, char **argv);

/* cpus.c */
struct cpuset {
	uint64_t bit[MK_CPUS_MAX / 64];
};

bool cpus_parse(const char *list, struct cpuset *set);
void cpus_print(const struct cpuset *set, char *to, size_t size);
bool cpus_has(const struct cpuset *set, int cpu);
void cpus_add(struct cpuset *set, int cpu);
int cpus_count(const struct cpuset *set);
bool size_parse(const char *text, uint64_t *bytes);
void size_print(uint64_t bytes, char *to, size_t size);
uint64_t ranges_bytes(const char *text);

/* show.c */
int cmd_list(const struct opts *o, int argc, char **argv);
int cmd_show(const struct opts *o, int argc, char **argv);
void show_json(const char *name);

/* json.c */
void json_open(char bracket);
void json_close(char bracket);
void json_key(const char *key);
void json_string(const char *key, const char *value);
void json_raw(const char *key, const char *value);
void json_number(const char *key, long long value);
void json_end(void);
void clean_print(FILE *f, const char *text, size_t len);

/* log.c */
int cmd_log(const struct opts *o, int argc, char **argv);
int cmd_vmcore(const struct opts *o, int argc, char **argv);
int console_text(const char *name, struct buf *b);
void console_tail(const char *name, long lines, FILE *f);

/* term.c */
bool term_raw(bool keep_signals);
void term_restore(void);
void term_size(int *rows, int *cols);
void term_on_leave(const char *text);
void catch_signals(void);

/* console.c, top.c, check.c */
int cmd_console(const struct opts *o, int argc, char **argv);
int cmd_top(const struct opts *o, int argc, char **argv);
int cmd_check(const struct opts *o, int argc, char **argv);

/* kconfig.c */
int kconfig_read(struct buf *b, char *from, size_t size);
char kconfig_value(const struct buf *b, const char *option);

#endif
