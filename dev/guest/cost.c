// SPDX-License-Identifier: GPL-2.0
/*
 * The init of `make cost`: when it was reached, and what some ways through the kernel
 * take. With -icount shift=1 one instruction is 2 ns, and the TSC counts ns.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS	100000
#define TURNS	5000

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static double instructions(unsigned long long from, int count)
{
	return (__builtin_ia32_rdtsc() - from) / 2.0 / count;
}

static double calls(void)
{
	unsigned long long from;
	int i;

	from = __builtin_ia32_rdtsc();
	for (i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return instructions(from, CALLS);
}

/* A byte to a process on @cpu and back; the first turns are not counted */
static double turns(int cpu)
{
	unsigned long long from = 0;
	int to[2], back[2], i;
	char c = 0;

	if (pipe(to) || pipe(back))
		return -1;
	if (!fork()) {
		run_on(cpu);
		while (read(to[0], &c, 1) == 1 && c != 'q')
			if (write(back[1], &c, 1) != 1)
				break;
		_exit(0);
	}
	for (i = -100; i < TURNS; i++) {
		if (!i)
			from = __builtin_ia32_rdtsc();
		if (write(to[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			return -1;
	}
	c = 'q';
	return write(to[1], &c, 1) == 1 ? instructions(from, TURNS) : -1;
}

int main(void)
{
	unsigned long long boot = __builtin_ia32_rdtsc() / 2;
	double call, here, there;
	FILE *f;

	there = run_on(1);	/* is there such a CPU? */
	run_on(0);
	call = calls();
	here = turns(0);
	if (!there)
		there = turns(1);
	f = fopen("/dev/ttyS1", "w");
	if (f) {
		fprintf(f, "cost: boot %llu call %.1f switch %.1f ipi %.1f\n", boot, call, here,
			there);
		fclose(f);
	}
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
