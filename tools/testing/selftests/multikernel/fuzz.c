// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz SEED COUNT FILE WORD... - bounded, seeded writer of rubbish
 *
 * COUNT writes to FILE: random bytes, random text, lines put together from the
 * WORDs with mistakes in them, long lines, empty ones.  The same seed gives the
 * same writes.  No write is ever exactly a WORD or a well-formed create line:
 * each has a mistake.  Prints how many were refused, exit 1 if one was not.
 */
#define _GNU_SOURCE
#include "mk.h"

#define LINE_MAX_BYTES	8192

static size_t bytes(char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = mk_rnd(256);
	return len;
}

static size_t text(char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = ' ' + mk_rnd(95);
	return len;
}

/* Some of the words, then at least one that nobody knows */
static size_t sentence(char *buf, char **words, int nr)
{
	static const char * const mistakes[] = {
		"=", "==", "=x", "x=", "%s%n", "\x7f", "\xff\xfe", "name",
		"cpus=,", "cpus=-", "cpus=1-", "cpus=4294967296", "memory=-0",
		"memory=1Z", "id=-1", "id=0x", "name=../..", "name=/", "a=b=c",
		"memory=99999999999999999999", "\x1b[2J", "NAME=a", "\"",
	};
	size_t pos = 0;
	int n = mk_rnd(6);

	while (n--)
		pos += sprintf(buf + pos, "%s ", words[mk_rnd(nr)]);
	n = 1 + mk_rnd(3);
	while (n--)
		pos += sprintf(buf + pos, "%s ",
			       mistakes[mk_rnd(sizeof(mistakes) / sizeof(*mistakes))]);
	return pos;
}

/* A word with one byte changed to one that no word has */
static size_t mutate(char *buf, const char *word)
{
	static const char odd[] = "\x01\x7f\x80\xff!*/?";
	size_t len = strlen(word);

	memcpy(buf, word, len);
	buf[mk_rnd(len)] = odd[mk_rnd(sizeof(odd) - 1)];
	return len;
}

static size_t make(char *buf, char **words, int nr)
{
	switch (mk_rnd(8)) {
	case 0:
		return bytes(buf, 1 + mk_rnd(200));
	case 1:
		return text(buf, 1 + mk_rnd(200));
	case 2:
		return text(buf, 4096);
	case 3:
		return bytes(buf, 1024 + mk_rnd(LINE_MAX_BYTES - 1024));
	case 4:
		memset(buf, "\n \t"[mk_rnd(3)], LINE_MAX_BYTES);
		return 1 + mk_rnd(64);
	case 5:
		return mutate(buf, words[mk_rnd(nr)]);
	default:
		return sentence(buf, words, nr);
	}
}

static void show(const char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fputc(buf[i] >= ' ' && buf[i] <= '~' ? buf[i] : '.', stderr);
	fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	static char buf[LINE_MAX_BYTES + 1];
	unsigned int i, count, refused = 0;
	size_t len;
	int fd, nr;
	ssize_t n;

	if (argc < 5) {
		fprintf(stderr, "usage: fuzz SEED COUNT FILE WORD...\n");
		return 2;
	}
	mk_seed(argv[1]);
	count = strtoul(argv[2], NULL, 0);
	nr = argc - 4;

	for (i = 0; i < count; i++) {
		len = make(buf, argv + 4, nr);
		fd = open(argv[3], O_WRONLY);
		if (fd < 0)
			return mk_fail("fuzz: open", errno);
		n = write(fd, buf, len);
		close(fd);
		if (n < 0) {
			refused++;
			continue;
		}
		fprintf(stderr, "fuzz: write %u was taken (%zd of %zu): ", i, n,
			len);
		show(buf, len > 60 ? 60 : len);
	}
	printf("%u of %u refused\n", refused, count);
	return refused != count;
}
