// SPDX-License-Identifier: GPL-2.0
/*
 * check: can this machine run instances, and what is to change for it?  It
 * only looks, and works on a kernel without multikernel, too.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "mkctl.h"

#define CPU_DIR	"/sys/devices/system/cpu"
#define CLOCK	"/sys/devices/system/clocksource/clocksource0"

enum result { OK, NOTE, WARN, BAD };

static const char * const result_name[] = { "ok", "note", "warn", "FAIL" };

static bool json;
static int nr_results[BAD + 1];
static struct buf config;
static bool have_config;
static char cpuinfo[MK_TEXT];		/* the first CPU's */
static char cmdline[MK_TEXT];

/* @hint is what to do about it, or NULL */
__printf(4, 5)
static void say(enum result result, const char *what, const char *hint, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	nr_results[result]++;
	if (json) {
		json_key(NULL);
		json_open('{');
		json_string("what", what);
		json_string("result", result == BAD ? "fail" : result_name[result]);
		json_string("text", text);
		if (hint)
			json_string("hint", hint);
		json_close('}');
		return;
	}
	printf("%-4s  %-17s ", result_name[result], what);
	clean_print(stdout, text, strlen(text));
	putchar('\n');
	if (hint)
		printf("%-24s-> %s\n", "", hint);
}

static bool cpu_flag(const char *flag)
{
	const char *line = strstr(cpuinfo, "\nflags");
	size_t len = strlen(flag), n;

	line = line ? strchr(line + 1, ':') : NULL;
	while (line && *line && *line != '\n') {
		line++;
		n = strcspn(line, " \n");
		if (n == len && !strncmp(line, flag, n))
			return true;
		line += n;
	}
	return false;
}

static bool boot_word(const char *word)
{
	const char *at = cmdline;

	while ((at = strstr(at, word))) {
		if (at == cmdline || at[-1] == ' ')
			return true;
		at++;
	}
	return false;
}

/* --- the kernel ------------------------------------------------------------------ */

static void check_kernel(void)
{
	struct utsname u;
	char from[PATH_MAX];

	if (uname(&u))
		memset(&u, 0, sizeof(u));
	have_config = !kconfig_read(&config, from, sizeof(from));
	if (sys_exists(MK_SYSFS "/instances"))
		say(OK, "kernel", NULL, "%s has multikernel", u.release);
	else if (sys_exists(MK_SYSFS "/self"))
		say(BAD, "kernel", "run mkctl on its host", "%s is a spawn itself", u.release);
	else if (have_config && kconfig_value(&config, "CONFIG_MULTIKERNEL") == 'y')
		say(BAD, "kernel", "mount sysfs on /sys, and see dmesg",
		    "%s is built with multikernel (%s), but has no " MK_SYSFS,
		    u.release, from);
	else
		say(BAD, "kernel",
		    "build one with CONFIG_MULTIKERNEL=y, see kernel/configs/multikernel.config",
		    "%s has no multikernel%s",
		    u.release, have_config ? "" : ", and its configuration is not to be found");
	if (strcmp(u.machine, "x86_64"))
		say(BAD, "architecture", "only x86_64 can be a host", "%s", u.machine);
}

/* What an instance can do without, and people miss */
static void check_options(void)
{
	static const struct {
		const char *option;
		enum result missing;
		const char *use;
	} options[] = {
		{ "CONFIG_KEXEC_FILE", BAD, "turn it on, it loads the images" },
		{ "CONFIG_HOTPLUG_CPU", BAD, "turn it on, it takes CPUs off the host" },
		{ "CONFIG_HVC_MULTIKERNEL", WARN, "turn it on, for 'mkctl console'" },
		{ "CONFIG_MULTIKERNEL_VSOCKETS", NOTE, "turn it on, for AF_VSOCK sockets" },
		{ "CONFIG_DEBUG_FS", NOTE, "turn it on, for messages/s in 'mkctl top'" },
	};
	size_t i;

	if (!have_config) {
		say(NOTE, "configuration", NULL,
		    "neither /proc/config.gz nor /boot/config-... can be read");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (kconfig_value(&config, options[i].option) == 'n')
			say(options[i].missing, "configuration", options[i].use, "%s is off",
			    options[i].option);
}

/* --- memory and CPUs ------------------------------------------------------------- */

static void check_pool(void)
{
	char all[32], left[32], text[MK_TEXT];
	unsigned long long total, unused;

	if (!mk_has(NULL, "pool")) {
		if (boot_word("multikernel="))
			say(NOTE, "pool", NULL,
			    "none, though multikernel= was given: it takes a kernel with multikernel");
		else
			say(NOTE, "pool",
			    "boot with multikernel=SIZE, for example multikernel=1G",
			    "none");
		return;
	}
	mk_read(NULL, "pool/memory_total", text);
	total = strtoull(text, NULL, 10);
	mk_read(NULL, "pool/memory_free", text);
	unused = strtoull(text, NULL, 10);
	size_print(total, all, sizeof(all));
	size_print(unused, left, sizeof(left));
	if (!total && boot_word("multikernel="))
		say(BAD, "pool",
		    "see \"dmesg | grep multikernel:\" for why; a smaller one, or nokaslr, may do",
		    "empty, though multikernel= was given");
	else if (!total)
		say(BAD, "pool", "boot with multikernel=SIZE, for example multikernel=1G", "empty");
	else if (unused < 32ull << 20)
		say(WARN, "pool",
		    "destroy an instance, or boot with more",
		    "%s, %s free", all, left);
	else
		say(OK, "pool", NULL, "%s, %s free", all, left);
}

static void read_set(const char *path, struct cpuset *set)
{
	char text[MK_TEXT];

	sys_read(path, text, sizeof(text));
	if (!cpus_parse(text, set))
		memset(set, 0, sizeof(*set));
}

/* The threads of @cpu's core that are online; sysfs tells no others */
static void read_core(int cpu, struct cpuset *core)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CPU_DIR "/cpu%d/topology/thread_siblings_list", cpu);
	read_set(path, core);
	cpus_add(core, cpu);
}

/*
 * How many threads a core has, so that it can be told when one is missing. Where
 * all are halves, it is at least two if there is anything to turn on and off.
 */
static int core_width(const struct cpuset *online)
{
	struct cpuset core;
	char text[MK_TEXT];
	int i, n, width = 1;

	if (sys_read(CPU_DIR "/smt/control", text, sizeof(text)) > 0 && strncmp(text, "not", 3))
		width = 2;
	for (i = 0; i < MK_CPUS_MAX; i++) {
		if (!cpus_has(online, i))
			continue;
		read_core(i, &core);
		n = cpus_count(&core);
		if (n > width)
			width = n;
	}
	return width;
}

static void lent_cpus(struct cpuset *lent)
{
	char text[MK_TEXT];
	struct cpuset set;
	struct names n;
	int i, k;

	memset(lent, 0, sizeof(*lent));
	if (mk_names(&n))
		return;
	for (i = 0; i < n.nr; i++) {
		mk_read(n.name[i], "cpus", text);
		if (!cpus_parse(text, &set))
			continue;
		for (k = 0; k < MK_CPUS_MAX / 64; k++)
			lent->bit[k] |= set.bit[k];
	}
	free(n.name);
}

/* Went offline for an instance, and did not answer: neither lent nor the host's */
static void lost_cpus(struct cpuset *lost)
{
	char text[MK_TEXT];

	memset(lost, 0, sizeof(*lost));
	if (mk_has(NULL, "pool/lost")) {
		mk_read(NULL, "pool/lost", text);
		cpus_parse(text, lost);
	}
}

static void check_cpus(void)
{
	struct cpuset online, present, lent, lost, core;
	struct cpuset whole = { }, part = { }, half = { }, off = { };
	char list[512], more[512], some[512], text[MK_TEXT];
	int i, width, missing;

	read_set(CPU_DIR "/online", &online);
	read_set(CPU_DIR "/present", &present);
	lent_cpus(&lent);
	lost_cpus(&lost);
	width = core_width(&online);
	missing = cpus_count(&present) - cpus_count(&online);
	for (i = 1; i < MK_CPUS_MAX; i++) {
		if (!cpus_has(&present, i) || cpus_has(&lent, i) || cpus_has(&lost, i))
			continue;
		read_core(i, &core);
		if (!cpus_has(&online, i))
			cpus_add(&off, i);
		else if (cpus_has(&core, 0))
			cpus_add(&half, i);
		else if (missing && cpus_count(&core) < width)
			cpus_add(&part, i);
		else
			cpus_add(&whole, i);
	}
	cpus_print(&whole, list, sizeof(list));
	cpus_print(&part, some, sizeof(some));
	cpus_print(&half, more, sizeof(more));
	if (*list)
		say(OK, "CPUs", NULL, "%s can be lent", list);
	else if (*more || *some)
		say(WARN, "CPUs",
		    "use --split-core, or online the other threads",
		    "no core that can be lent is known to be whole");
	else
		say(cpus_count(&lent) ? WARN : BAD, "CPUs", "online more, or destroy an instance",
		    "none is left to be lent; CPU 0 stays with the host");
	if (*more)
		say(NOTE, "CPUs", NULL,
		    "%s only with --split-core: CPU 0 is a thread of that core",
		    more);
	if (*some)
		say(NOTE, "CPUs", NULL,
		    "%s may take --split-core: a thread of that core seems to be lent or offline",
		    some);
	cpus_print(&off, list, sizeof(list));
	if (*list)
		say(NOTE, "CPUs", "online them, or use --split-core",
		    "%s are offline; a core with such a thread can't be lent whole", list);
	cpus_print(&lost, list, sizeof(list));
	if (*list)
		say(WARN, "CPUs", "a create that names them asks once more",
		    "%s did not answer, and are lost", list);
	cpus_print(&lent, list, sizeof(list));
	if (*list)
		say(NOTE, "CPUs", NULL, "%s are lent already", list);
	/* Threads share caches and buffers */
	sys_read(CPU_DIR "/smt/control", text, sizeof(text));
	if (!strcmp(text, "off") || !strcmp(text, "forceoff"))
		say(WARN, "SMT", "turn it on, or use --split-core",
		    "is off: threads that are offline keep their cores from being lent whole");
	else if (sys_read(CPU_DIR "/smt/active", text, sizeof(text)) > 0)
		say(OK, "SMT", NULL, "%s", !strcmp(text, "1") ?
		    "active: cores are lent whole, with all their threads" :
		    "not active");
}

/* --- clock and interrupts ---------------------------------------------------------- */

static void check_clock(void)
{
	char now[MK_TEXT], all[MK_TEXT];

	if (!cpu_flag("tsc")) {
		say(BAD, "clock", NULL, "no TSC, which is the only clock that an instance has");
		return;
	}
	sys_read(CLOCK "/current_clocksource", now, sizeof(now));
	sys_read(CLOCK "/available_clocksource", all, sizeof(all));
	if (!strncmp(now, "tsc", 3))
		say(OK, "clock", NULL, "tsc");
	else if (strstr(all, "tsc"))
		say(WARN, "clock",
		    "boot with clocksource=tsc if a create says that the TSC is unstable",
		    "%s is used, tsc is there",
		    now);
	else
		say(BAD, "clock",
		    "see \"dmesg | grep -i tsc\"; in a virtual machine, pass it on",
		    "%s: the TSC is unstable or not there",
		    *now ? now : "unknown");
	if (!cpu_flag("nonstop_tsc") || !cpu_flag("constant_tsc"))
		say(NOTE, "clock", NULL,
		    "the CPU does not promise that its TSC never stops or changes its speed");
}

static void check_apic(void)
{
	char line[256];
	int found;

	if (!cpu_flag("apic")) {
		say(BAD, "APIC",
		    "turn it on in the firmware, boot without nolapic",
		    "no local APIC");
		return;
	}
	found = cpu_flag("x2apic") ? kmsg_find("x2apic enabled", line, sizeof(line)) : 0;
	if (!found && cpu_flag("x2apic"))
		found = kmsg_find("x2apic: enabled by BIOS", line, sizeof(line));
	if (found > 0)
		say(WARN, "APIC", "boot with nox2apic if they fail",
		    "x2APIC mode: instances never ran in it so far");
	else if (found < 0)
		say(NOTE, "APIC", "run this as root",
		    "its mode can't be told, as the log can't be read");
	else
		say(OK, "APIC", NULL, "xAPIC mode");
}

/* --- what stands in the way --------------------------------------------------------- */

static void check_lockdown(void)
{
	char text[MK_TEXT], *at, *end;

	sys_read("/sys/kernel/security/lockdown", text, sizeof(text));
	at = strchr(text, '[');
	end = at ? strchr(at, ']') : NULL;
	if (end) {
		*end = '\0';
		if (strcmp(at + 1, "none"))
			say(WARN, "lockdown",
			    "sign the image with a key that this kernel trusts",
			    "%s: only images that are signed can be loaded",
			    at + 1);
		else
			say(OK, "lockdown", NULL, "none");
	} else {
		say(OK, "lockdown", NULL, "not seen");
	}
	if (sys_read("/proc/sys/kernel/kexec_load_disabled", text, sizeof(text)) > 0 &&
	    strcmp(text, "0"))
		say(BAD, "kexec",
		    "it can't be unset; reboot, and see sysctl.d for who sets it",
		    "kernel.kexec_load_disabled is set: no image can be loaded");
}

static void check_encryption(void)
{
	char line[256];
	int found = kmsg_find("Memory Encryption Features active", line, sizeof(line));

	if (found > 0)
		say(BAD, "memory encryption",
		    "boot with mem_encrypt=off; a confidential guest can't be a host",
		    "%s",
		    line);
	else if (boot_word("mem_encrypt=on"))
		say(BAD, "memory encryption", "boot with mem_encrypt=off", "is on");
	else if (cpu_flag("tdx_guest") || cpu_flag("sev_snp_guest"))
		say(BAD, "memory encryption", NULL,
		    "this is a confidential guest, which can't be a host");
	else if (found < 0)
		say(NOTE, "memory encryption", "run this as root",
		    "can't be told, as the log can't be read");
	else
		say(OK, "memory encryption", NULL, "not seen");
}

static int module_users(const char *module)
{
	char path[PATH_MAX], text[MK_TEXT];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	if (!sys_exists(path))
		return -1;
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	return sys_read(path, text, sizeof(text)) > 0 ? atoi(text) : 0;
}

static void check_hazards(void)
{
	const char *kvm = sys_exists("/sys/module/kvm_intel") ? "kvm_intel" : "kvm_amd";
	int users = module_users(kvm);

	if (users >= 0)
		say(users ? WARN : NOTE, "VMX, SVM", "stop such an instance in order, never kill it",
		    "%s is loaded%s; an instance that uses KVM itself may keep its CPUs when it is killed",
		    kvm, users ? " and used" : "");
	else
		say(OK, "VMX, SVM", NULL, "no KVM module is loaded");
	if (sys_exists("/sys/module/vhost_vsock") && sys_exists(MK_SYSFS "/instances"))
		say(NOTE, "vsock", NULL,
		    "vhost_vsock is loaded: of it and multikernel the first one has the sockets of this host");
	if (have_config && kconfig_value(&config,
					 "CONFIG_X86_MCE") == 'y' && !cpu_flag("hypervisor"))
		say(NOTE, "machine checks", NULL,
		    "one that is broadcast while a lent CPU runs no kernel shuts the machine down, see design.rst");
	if (cpu_flag("hypervisor"))
		say(NOTE, "virtual machine", NULL,
		    "the time-outs of instances count the hypervisor's pauses, too");
	if (geteuid())
		say(NOTE, "user", NULL, "not root: instances can be looked at, not changed");
}

static void look(void)
{
	sys_read("/proc/cpuinfo", cpuinfo, sizeof(cpuinfo));
	sys_read("/proc/cmdline", cmdline, sizeof(cmdline));
	check_kernel();
	check_options();
	check_pool();
	check_cpus();
	check_clock();
	check_apic();
	check_lockdown();
	check_encryption();
	check_hazards();
}

int cmd_check(const struct opts *o, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	json = o->json;
	if (json) {
		json_open('{');
		json_key("items");
		json_open('[');
	}
	look();
	free(config.p);
	if (json) {
		json_close(']');
		json_raw("fit", nr_results[BAD] ? "false" : "true");
		json_close('}');
		json_end();
	} else if (nr_results[BAD]) {
		printf("\nThis machine can't run instances as it is: %d to change, %d to know.\n",
		       nr_results[BAD], nr_results[WARN] + nr_results[NOTE]);
	} else {
		printf("\nThis machine can run instances: %d to know.\n",
		       nr_results[WARN] + nr_results[NOTE]);
	}
	return nr_results[BAD] ? RC_UNFIT : RC_OK;
}
