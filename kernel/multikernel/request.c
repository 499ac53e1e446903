// SPDX-License-Identifier: GPL-2.0
/*
 * multikernel: the line that is written to "create"
 *
 * Pure: takes the line apart and checks what can be checked without looking at
 * the machine.  Every refusal leaves one line that names the offending word.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "request.h"

/**
 * mk_complain - say what is wrong with a request
 * @c: where to
 * @fmt: printf format, no newline
 *
 * Words of the user come in through %\*pE, so that what is not printable can't
 * get into the log as it is.
 */
void mk_complain(struct mk_complaint *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(c->text, sizeof(c->text), fmt, args);
	va_end(args);
}

/**
 * mk_shown - as much of a user's word as fits into a log line
 * @word: NUL-terminated, as what is written to sysfs is
 *
 * Return: its bytes, for %\*pE.
 */
int mk_shown(const char *word)
{
	return strnlen(word, 40);
}

/**
 * mk_name_check - may an instance be called that?
 * @name: wanted name
 * @c: gets what is wrong
 *
 * A name becomes a folder in sysfs and debugfs and a prefix in the log.
 *
 * Return: 0 or -EINVAL.
 */
int mk_name_check(const char *name, struct mk_complaint *c)
{
	const char *p;

	if (!*name) {
		mk_complain(c, "name '' is empty");
		return -EINVAL;
	}
	if (strlen(name) > MK_NAME_MAX) {
		mk_complain(c, "name '%*pE...' is longer than %d bytes",
			    mk_shown(name), name, MK_NAME_MAX);
		return -EINVAL;
	}
	for (p = name; *p; p++) {
		if (isascii(*p) && (isalnum(*p) || strchr("_.-", *p)))
			continue;
		goto bad;
	}
	if (isalnum(name[0]) && !strstr(name, ".."))
		return 0;
bad:
	mk_complain(c, "name '%*pE': a letter or digit, then letters, digits, '_', '-', '.', no '..'",
		    mk_shown(name), name);
	return -EINVAL;
}

static int mk_parse_name(const char *value, struct mk_request *req,
			 struct mk_complaint *c)
{
	int err = mk_name_check(value, c);

	if (!err)
		strscpy(req->name, value);

	return err;
}

static int mk_parse_cpus(const char *value, struct mk_request *req,
			 struct mk_complaint *c)
{
	if (!*value) {
		mk_complain(c, "cpus '' is empty");
		return -EINVAL;
	}
	req->cpus = value;

	return 0;
}

/* memparse() takes a sign, and loses the bits that a suffix shifts out */
static int mk_parse_size(const char *value, u64 *size)
{
	static const char suffixes[] = "kmgtpe";
	const char *suffix;
	char number[24];
	int len, shift = 0;
	u64 n;

	len = strscpy(number, value);
	if (len < 0 || !isdigit(*value))
		return -EINVAL;

	/* In a hexadecimal number, E is a digit */
	suffix = strchr(suffixes, tolower(number[len - 1]));
	if (suffix && !(tolower(number[1]) == 'x' && isxdigit(number[len - 1]))) {
		shift = 10 * (suffix - suffixes + 1);
		number[len - 1] = '\0';
	}
	if (kstrtou64(number, 0, &n) || n > U64_MAX >> shift)
		return -EINVAL;
	*size = n << shift;

	return 0;
}

static int mk_parse_memory(const char *value, struct mk_request *req,
			   struct mk_complaint *c)
{
	if (mk_parse_size(value, &req->memory)) {
		mk_complain(c, "memory '%*pE' is not a size", mk_shown(value), value);
		return -EINVAL;
	}
	if (!req->memory) {
		mk_complain(c, "memory '%*pE' is nothing", mk_shown(value), value);
		return -EINVAL;
	}

	return 0;
}

static int mk_parse_id(const char *value, struct mk_request *req,
		       struct mk_complaint *c)
{
	if (kstrtou32(value, 0, &req->id) || !req->id || req->id > MK_ID_MAX) {
		mk_complain(c, "id '%*pE' is not in 1..%d", mk_shown(value), value,
			    MK_ID_MAX);
		return -EINVAL;
	}

	return 0;
}

static int mk_parse_split_core(const char *value, struct mk_request *req,
			       struct mk_complaint *c)
{
	/* kstrtobool() looks at the first letter only */
	if (strlen(value) != 1 || kstrtobool(value, &req->split_core)) {
		mk_complain(c, "split_core '%*pE' is not 0 or 1", mk_shown(value),
			    value);
		return -EINVAL;
	}

	return 0;
}

static const struct {
	const char *key;
	bool required;
	int (*parse)(const char *value, struct mk_request *req,
		     struct mk_complaint *c);
} mk_keys[] = {
	{ "name",	true,	mk_parse_name },
	{ "cpus",	true,	mk_parse_cpus },
	{ "memory",	true,	mk_parse_memory },
	{ "id",		false,	mk_parse_id },
	{ "split_core",	false,	mk_parse_split_core },
};

static int mk_parse_word(char *word, struct mk_request *req, u32 *seen,
			 struct mk_complaint *c)
{
	char *value = strchr(word, '=');
	int i;

	if (!value) {
		mk_complain(c, "'%*pE' is not key=value", mk_shown(word), word);
		return -EINVAL;
	}
	*value++ = '\0';

	for (i = 0; i < ARRAY_SIZE(mk_keys); i++) {
		if (strcmp(word, mk_keys[i].key))
			continue;
		if (*seen & BIT(i)) {
			mk_complain(c, "key '%s' stands twice", word);
			return -EINVAL;
		}
		*seen |= BIT(i);
		return mk_keys[i].parse(value, req, c);
	}
	mk_complain(c, "unknown key '%*pE'", mk_shown(word), word);

	return -EINVAL;
}

/**
 * mk_request_parse - take a create line apart
 * @line: the line, NUL-terminated; it is cut up, and @req points into it
 * @req: gets what was asked for
 * @c: gets what is wrong
 *
 * Return: 0 or -EINVAL.
 */
int mk_request_parse(char *line, struct mk_request *req, struct mk_complaint *c)
{
	u32 seen = 0;
	char *word;
	int i, err;

	memset(req, 0, sizeof(*req));

	while ((word = strsep(&line, " \t\n")) != NULL) {
		if (!*word)
			continue;
		err = mk_parse_word(word, req, &seen, c);
		if (err)
			return err;
	}
	if (!seen) {
		mk_complain(c, "'' is empty, give name= cpus= memory=");
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(mk_keys); i++) {
		if (mk_keys[i].required && !(seen & BIT(i))) {
			mk_complain(c, "missing key '%s'", mk_keys[i].key);
			return -EINVAL;
		}
	}

	return 0;
}
