/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: the line that is written to "create"
 */
#ifndef _MK_REQUEST_H
#define _MK_REQUEST_H

#include <linux/multikernel_abi.h>
#include <linux/types.h>

/* Longest line that "create" takes, without the newline */
#define MK_REQUEST_MAX	1023

/**
 * struct mk_request - a create line, taken apart
 * @name: instance name
 * @cpus: CPU list as it was written, in the caller's line
 * @memory: bytes
 * @id: instance id, 0 if none was asked for
 * @split_core: half of a core may be taken
 */
struct mk_request {
	char name[MK_NAME_MAX + 1];
	const char *cpus;
	u64 memory;
	u32 id;
	bool split_core;
};

/**
 * struct mk_complaint - what is wrong with a request, in one line
 * @text: the line, without a newline
 */
struct mk_complaint {
	char text[160];
};

__printf(2, 3) void mk_complain(struct mk_complaint *c, const char *fmt, ...);
int mk_shown(const char *word);
int mk_request_parse(char *line, struct mk_request *req, struct mk_complaint *c);
int mk_name_check(const char *name, struct mk_complaint *c);

#endif /* _MK_REQUEST_H */
