// SPDX-License-Identifier: GPL-2.0
/*
 * JSON, two blanks deeper at each level.  And text that a spawn wrote: it must
 * command neither the terminal nor who reads the JSON.
 */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "mkctl.h"

static int depth;
static bool first = true;

static void next(void)
{
	if (!first)
		printf(",");
	if (depth || !first)
		printf("\n%*s", 2 * depth, "");
	first = false;
}

void json_open(char bracket)
{
	printf("%c", bracket);
	depth++;
	first = true;
}

void json_close(char bracket)
{
	depth--;
	if (!first)
		printf("\n%*s", 2 * depth, "");
	printf("%c", bracket);
	first = false;
}

/* Bytes of one character of UTF-8 at @p, 0 if it is none */
static int utf8(const unsigned char *p)
{
	int len, i;

	if (p[0] < 0x80)
		return 1;
	len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than it need be, a surrogate, or beyond the last one */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static void quoted(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int len;

	putchar('"');
	while (*p) {
		len = utf8(p);
		if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			printf("\\u%04x", *p);
		else if (len)
			fwrite(p, 1, len, stdout);
		else
			printf("\\ufffd");
		p += len ? len : 1;
	}
	putchar('"');
}

/* An element of an array has no key */
void json_key(const char *key)
{
	next();
	if (!key)
		return;
	quoted(key);
	printf(": ");
}

void json_string(const char *key, const char *value)
{
	json_key(key);
	quoted(value);
}

void json_raw(const char *key, const char *value)
{
	json_key(key);
	printf("%s", value);
}

void json_number(const char *key, long long value)
{
	json_key(key);
	printf("%lld", value);
}

void json_end(void)
{
	printf("\n");
	first = true;
	depth = 0;
}

/* Text of a spawn: as it is, but for what would command a terminal */
void clean_print(FILE *f, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	unsigned char one[4];
	bool plain;
	int n, i;

	for (; p < end; p += n) {
		/* The bytes may end in the middle of a character */
		for (i = 0; i < 4; i++)
			one[i] = p + i < end ? p[i] : 0;
		n = utf8(one);
		if (n == 1)
			plain = (*p >= 0x20 && *p != 0x7f) || *p == '\n' || *p == '\t';
		else	/* U+0080 to U+009F command a terminal, too */
			plain = n && !(one[0] == 0xc2 && one[1] < 0xa0);
		if (plain) {
			fwrite(p, 1, n, f);
		} else {
			fprintf(f, "\\x%02x", *p);
			n = 1;
		}
	}
}
