// SPDX-License-Identifier: GPL-2.0
/* CPU lists and sizes, as the kernel writes them and people do */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mkctl.h"

#define MIB	(1ull << 20)

bool cpus_has(const struct cpuset *set, int cpu)
{
	return cpu >= 0 && cpu < MK_CPUS_MAX && (set->bit[cpu / 64] >> cpu % 64 & 1);
}

void cpus_add(struct cpuset *set, int cpu)
{
	set->bit[cpu / 64] |= 1ull << cpu % 64;
}

int cpus_count(const struct cpuset *set)
{
	int n = 0, i;

	for (i = 0; i < MK_CPUS_MAX; i++)
		n += cpus_has(set, i);
	return n;
}

static bool cpu_number(const char **p, int *cpu)
{
	char *end;
	unsigned long v;

	if (!isdigit((unsigned char)**p))
		return false;
	v = strtoul(*p, &end, 10);
	if (v >= MK_CPUS_MAX)
		return false;
	*p = end;
	*cpu = v;
	return true;
}

/* "2-3,6"; an empty list is one, too */
bool cpus_parse(const char *list, struct cpuset *set)
{
	int from, to;

	memset(set, 0, sizeof(*set));
	if (!*list)
		return true;
	for (;;) {
		if (!cpu_number(&list, &from))
			return false;
		to = from;
		if (*list == '-') {
			list++;
			if (!cpu_number(&list, &to) || to < from)
				return false;
		}
		while (from <= to)
			cpus_add(set, from++);
		if (!*list)
			return true;
		if (*list++ != ',')
			return false;
	}
}

void cpus_print(const struct cpuset *set, char *to, size_t size)
{
	size_t len = 0;
	int i, last;

	to[0] = '\0';
	for (i = 0; i < MK_CPUS_MAX && len < size; i++) {
		if (!cpus_has(set, i))
			continue;
		for (last = i; cpus_has(set, last + 1); last++)
			;
		len += snprintf(to + len, size - len, last > i ? "%s%d-%d" : "%s%d",
				len ? "," : "", i, last);
		i = last;
	}
}

/* Bytes, or with K, M, G, T, P or E, as the kernel's memparse() takes them */
bool size_parse(const char *text, uint64_t *bytes)
{
	static const char suffix[] = "KMGTPE";
	unsigned long long v;
	const char *s;
	char *end;
	int shift;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno)
		return false;
	if (*end) {
		s = strchr(suffix, toupper((unsigned char)*end));
		if (!s || end[1])
			return false;
		shift = 10 * (s - suffix + 1);
		if (v > UINT64_MAX >> shift)
			return false;
		v <<= shift;
	}
	*bytes = v;
	return v > 0;
}

void size_print(uint64_t bytes, char *to, size_t size)
{
	if (bytes >= 10240 * MIB && !(bytes % (1024 * MIB)))
		snprintf(to, size, "%lluG", (unsigned long long)(bytes / MIB / 1024));
	else if (bytes >= MIB)
		snprintf(to, size, "%lluM", (unsigned long long)(bytes / MIB));
	else
		snprintf(to, size, "%lluK", (unsigned long long)(bytes / 1024));
}

/* Sum of the lines "0xSTART-0xEND" */
uint64_t ranges_bytes(const char *text)
{
	unsigned long long from, to;
	uint64_t sum = 0;
	int len;

	while (sscanf(text, " %llx-%llx%n", &from, &to, &len) == 2) {
		sum += to - from + 1;
		text += len;
	}
	return sum;
}
