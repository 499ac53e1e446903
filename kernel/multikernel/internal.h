/* SPDX-License-Identifier: GPL-2.0 */
/*
 * multikernel: what the files of kernel/multikernel/ share
 */

/**
 * DOC: multikernel internals
 *
 * Which file to change
 * ====================
 *
 * Pure parts, no locks, covered by KUnit (tests/):
 *
 * - state.c: the states of an instance and which may follow which
 * - mem_pool.c: range allocator of the pool
 * - bootdesc.c: codec of what a spawn is told about itself
 * - core_elf.c: headers of a core file, and notes in it
 * - ring.h, ring.c: record ring between two kernels
 * - request.c: the line written to "create"
 * - pulse.c: signs of life
 * - ranges.c: whether some memory lies in, or touches, what somebody has
 * - judge.c: does a spawn hang, and may it be started once more?
 *
 * On top of them:
 *
 * - cpu_pool.c: lends CPUs, and gets them back
 * - loader.c: kexec_file_load() with KEXEC_FILE_MULTIKERNEL
 * - channel.c: rings plus doorbell to a peer: attached, open, closed
 * - reader.c: the thread that reads them, and the softirq before it
 * - poll.c: who waits, and reads in its place
 * - message.c: sending, and answering
 * - ask.c: asking, and waiting for the answer
 * - service.c: which services there are, and who gets a record
 * - console.c: a spawn's printk lines in the window, both ends
 * - heartbeat.c: says that this kernel is alive, and hears it of the peers
 * - clock.c: a spawn's wall clock follows the host's
 * - tty.c: tells a driver of terminal lines which instances there are
 * - fault.c: the one door for an instance's faults
 * - evidence.c: what is kept of a run that crashed
 * - vmcore.c: the memory of an instance as a core file
 * - lastwords.c: the spawn's side of both
 * - watchdog.c: a spawn whose CPUs don't beat any more has crashed
 * - policy.c: what is set for an instance, and what follows a crash
 * - lifecycle.c: start, stop, kill, and what a spawn reports
 * - link.c: which instances may talk to each other
 * - instance.c: makes instances, finds them, and destroys them
 * - power.c: the host restarts, powers off, or wants to sleep
 * - spawn.c: the spawn's side of all that
 * - map.c: maps memory of an instance
 * - denied.c: counts and logs what was refused
 * - beat.c: each CPU of a spawn says that it is alive
 * - sysfs.c, debugfs.c, trace.h: the surfaces
 * - bench.c: figures of the messages
 * - inject.c: faults of a spawn on request, for tests
 *
 * What has to do with a channel is declared in channel.h, the rest here.
 *
 * The pure parts use none of the others.  What depends on the
 * processor is in arch/x86/kernel/multikernel/ behind arch_mk_*().
 *
 * Locks
 * =====
 *
 * The order in which they nest is in Documentation/multikernel/design.rst,
 * "Locks".
 */
#ifndef _MK_INTERNAL_H
#define _MK_INTERNAL_H

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/multikernel.h>
#include <linux/multikernel_abi.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "bootdesc.h"
#include "channel.h"
#include "judge.h"
#include "mem_pool.h"
#include "pulse.h"
#include "request.h"
#include "ring.h"
#include "state.h"

struct dentry;
struct kernfs_node;
struct kimage;
struct mk_instance;
struct pt_regs;

#define MK_REASON_MAX	(MK_EXIT_TEXT + 64)

/* Name of a tty */
#define MK_TTY_MAX	16

/* Pool: what boot reserved (arch), what instances have of it (instance.c) */

/* Memory below 1 MiB is handed out in slots of this size, one an instance */
#define MK_LOW_SLOT_SIZE	SZ_64K
#define MK_LOW_SLOTS_MAX	6

/**
 * struct mk_reserved - what boot reserved for instances
 * @start: first byte of the pool
 * @size: bytes of the pool, 0 if there is none
 * @stub: page below 1 MiB that stays with the host, 0 if there is none
 * @low: addresses of the slots below 1 MiB
 * @nr_low: how many
 */
struct mk_reserved {
	u64 start;
	u64 size;
	u32 stub;
	u32 low[MK_LOW_SLOTS_MAX];
	u32 nr_low;
};

/* Console: the spawn's printk lines, in the window */

#ifdef CONFIG_PRINTK
void mk_console_start(void *window, u64 console_start);
void mk_console_move(void *window);
#else
static inline void mk_console_start(void *window, u64 console_start) { }
static inline void mk_console_move(void *window) { }
#endif
u64 mk_console_head(const void *window);
ssize_t mk_console_read(const void *window, u64 head, char *buf, loff_t off,
			size_t count);
u64 mk_console_write(void *window, u64 head, const char *text, size_t len);

/* tty.c */
void mk_tty_add(struct mk_instance *inst);
void mk_tty_hangup(struct mk_instance *inst);
void mk_tty_remove(struct mk_instance *inst);

/* Fault: first claim wins, the rest is deferred */

enum mk_fault_state {
	MK_FAULT_NONE,
	MK_FAULT_CLAIMED,
	MK_FAULT_VALID,
};

/**
 * struct mk_fault - what broke first in an instance
 * @state: enum mk_fault_state; who moves it from NONE to CLAIMED writes @text
 * @text: one line
 * @work: carries the news out of whatever context the fault was found in
 */
struct mk_fault {
	atomic_t state;
	char text[MK_EXIT_TEXT];
	struct irq_work work;
};

void mk_fault_init(struct mk_fault *fault);
__printf(2, 3)
void mk_fault_report(struct mk_instance *inst, const char *fmt, ...);
bool mk_fault_take(struct mk_fault *fault, char *text, size_t size);

/* Evidence: what is kept of a run that crashed, until the next start */

/**
 * enum mk_end_kind - how a run ended
 * @MK_END_ORDER: stopped in order, or killed: no fault
 * @MK_END_PANIC: its kernel panicked
 * @MK_END_OOPS: because of an exception
 * @MK_END_HANG: it gave no sign of life
 * @MK_END_PROTOCOL: it broke the rules of the window or the rings
 * @MK_END_REFUSED: its kernel said that it can't run here
 * @MK_END_BOOT_TIMEOUT: it was not READY in time
 * @MK_END_NO_START: its first CPU executed nothing
 * @MK_END_UNSAID: it ended without saying how
 * @MK_END_CPU_LOST: a CPU did not leave
 * @MK_NR_ENDS: not a kind
 */
enum mk_end_kind {
	MK_END_ORDER,
	MK_END_PANIC,
	MK_END_OOPS,
	MK_END_HANG,
	MK_END_PROTOCOL,
	MK_END_REFUSED,
	MK_END_BOOT_TIMEOUT,
	MK_END_NO_START,
	MK_END_UNSAID,
	MK_END_CPU_LOST,
	MK_NR_ENDS
};

/**
 * struct mk_evidence - what is known of how a run ended
 * @kind: enum mk_end_kind; the rest is set if it is not %MK_END_ORDER
 * @cpu: the host's number of the CPU, -1 if it is not known
 * @wall_ns: when: the host's UTC, ns since the epoch
 * @ip: where, 0 if it is not known
 * @text: what the spawn said, printable, one line
 * @trace: its backtrace, printable, a line for each function
 */
struct mk_evidence {
	enum mk_end_kind kind;
	int cpu;
	u64 wall_ns;
	u64 ip;
	char text[MK_CRASH_TEXT];
	char trace[MK_CRASH_TRACE];
};

/**
 * struct mk_core - an instance's memory as a core file
 * @attr: the file, with its size
 * @head: what stands before the memory, NULL until somebody reads
 * @head_len: its bytes, constant
 * @valid: the memory is what a run has left
 */
struct mk_core {
	struct bin_attribute attr;
	void *head;
	size_t head_len;
	bool valid;
};

/* Image */

/**
 * struct mk_image - what start needs to know of a loaded image
 * @load: physical address of the kernel
 * @init_size: bytes that the kernel needs there before it has page tables
 * @entry: physical address of its 64-bit entry
 * @initrd: physical address of the initrd, 0 if there is none
 * @kernel: bytes to place at @load, in the file
 * @kernel_len: how many
 */
struct mk_image {
	u64 load;
	u64 init_size;
	u64 entry;
	u64 initrd;
	const void *kernel;
	size_t kernel_len;
};

/* Settings: files of an instance, each with a default for all */

enum mk_setting_nr {
	MK_BOOT_TIMEOUT,	/* seconds */
	MK_STOP_TIMEOUT,	/* seconds */
	MK_HANG_TIMEOUT,	/* seconds, 0 for none */
	MK_RESTART_MAX,
	MK_RESTART_INTERVAL,	/* seconds */
	MK_NR_SETTINGS,
};

/* It was not written: the default counts */
#define MK_SETTING_DEFAULT	U32_MAX

enum mk_on_crash {
	MK_ON_CRASH_KEEP,
	MK_ON_CRASH_RESTART,
	MK_ON_CRASH_DESTROY,
};

/* Room for what mk_policy_crashed() adds to a reason */
#define MK_POLICY_WORDS	48

/* Instance */

/**
 * struct mk_instance - CPUs, memory and what runs there
 * @kobj: the folder in sysfs, and the reference count
 * @rcu: frees it when nobody looks at @channel any more
 * @node: in mk_instances; mk_lock
 * @id: instance id, constant
 * @name: constant
 * @nr_cpus: entries of @cpus, constant
 * @cpus: the host's numbers of the lent CPUs, constant
 * @apic_ids: their local APIC ids, constant; the first one boots
 * @mem: main memory, constant
 * @low: address of the slot below 1 MiB, constant
 * @window: the shared window, mapped as long as the instance exists
 * @tty: name of its tty, empty for none; constant
 * @settings: what the operator set, or %MK_SETTING_DEFAULT
 * @on_crash: what follows a crash
 * @destroy_work: if that is the end of the instance
 * @destroy_epoch: number of the start that it is queued for
 * @lock: everything below
 * @destroyed: no new operation may begin
 * @state: only mk_instance_set_state() writes it
 * @reason: why it stopped or crashed
 * @kimage: the loaded image, or NULL
 * @image: where its parts go
 * @placed: they are there, untouched
 * @epoch: number of starts
 * @started: when the last one began
 * @seen_phase: the spawn's phase when it was last looked at
 * @timeout: seconds that booting or stopping may take
 * @deadline: when that is over
 * @stop_sent: the spawn was asked to power off
 * @dying_since: when the spawn said that it panics, 0 if it did not
 * @first_instruction_us: start to the first instruction of the boot CPU
 * @boot_time_us: start to READY, 0 if it was not reached
 * @kill_time_us: how long the last take-back of all CPUs lasted
 * @restart: start again once stopped
 * @hung_cpu: the host's number of the first CPU that hangs, -1 if none was told
 * @keep_evidence: the next start follows the crash by itself
 * @evidence: how the last run crashed
 * @core: the memory of the last run
 * @ran: the last start got as far as to the first instruction
 * @restarts: those that followed a crash
 * @watched: what is known of the CPUs' beats, for each
 * @watched_at: TSC value when they were looked at last
 * @lost: CPUs that did not prove to have left the spawn; never reused
 * @channel: rings and doorbells
 * @fault: what broke first
 * @event_work: looks at what the spawn reports; also the poll while active
 * @state_kn: to wake poll(2) on state
 * @link_node: in mk_link_members, under a lock of link.c
 */
struct mk_instance {
	struct kobject kobj;
	struct rcu_head rcu;
	struct list_head node;
	u32 id;
	char name[MK_NAME_MAX + 1];
	u32 nr_cpus;
	u32 *cpus;
	u32 *apic_ids;
	struct mk_range mem;
	u32 low;
	void *window;
	char tty[MK_TTY_MAX];
	u32 settings[MK_NR_SETTINGS];
	enum mk_on_crash on_crash;
	struct work_struct destroy_work;
	u32 destroy_epoch;

	struct mutex lock; /* the fields below */
	bool destroyed;
	enum mk_state state;
	char reason[MK_REASON_MAX];
	struct kimage *kimage;
	struct mk_image image;
	bool placed;
	u32 epoch;
	ktime_t started;
	u32 seen_phase;
	unsigned int timeout;
	ktime_t deadline;
	bool stop_sent;
	ktime_t dying_since;
	u64 first_instruction_us;
	u64 boot_time_us;
	u64 kill_time_us;
	bool restart;
	int hung_cpu;
	bool keep_evidence;
	struct mk_evidence evidence;
	struct mk_core core;
	bool ran;
	struct mk_restarts restarts;
	struct mk_watched *watched;
	u64 watched_at;
	struct cpumask lost;

	struct mk_channel channel;
	struct mk_fault fault;
	struct delayed_work event_work;
	struct kernfs_node *state_kn;
	struct list_head link_node;
};

#define mk_err(inst, fmt, ...)	pr_err("%s: " fmt, (inst)->name, ##__VA_ARGS__)
#define mk_warn(inst, fmt, ...)	pr_warn("%s: " fmt, (inst)->name, ##__VA_ARGS__)
#define mk_info(inst, fmt, ...)	pr_info("%s: " fmt, (inst)->name, ##__VA_ARGS__)

static inline u64 mk_window_phys(const struct mk_instance *inst)
{
	return inst->mem.start + inst->mem.size - MK_WINDOW_SIZE;
}

static inline struct mk_host_page *mk_host_page(void *window)
{
	return window + MK_WINDOW_HOST;
}

static inline struct mk_spawn_page *mk_spawn_page(void *window)
{
	return window + MK_WINDOW_SPAWN;
}

/* map.c */
void *mk_map(u64 phys, size_t size);
void mk_unmap(void *p);

/* denied.c */

/**
 * enum mk_denied - what this kernel refuses to whoever tries
 * @MK_DENIED_MAP: to map what is not its own
 * @MK_DENIED_IPI: to send an interrupt to a CPU that is not its own
 * @MK_DENIED_PORT: to use I/O ports from user space of a spawn
 * @MK_DENIED_MSR: to write an MSR from user space that reaches other kernels
 * @MK_DENIED_KINDS: how many there are
 */
enum mk_denied {
	MK_DENIED_MAP,
	MK_DENIED_IPI,
	MK_DENIED_PORT,
	MK_DENIED_MSR,
	MK_DENIED_KINDS
};

void mk_deny(enum mk_denied kind, u64 where, u64 what, const void *caller);
const char *mk_denied_name(enum mk_denied kind);
unsigned long mk_denied_count(enum mk_denied kind);

/* Of the spawn's CPU @index, by the order of the boot description */
static inline struct mk_cpu_page *mk_cpu_page(void *window, u32 index)
{
	return window + MK_WINDOW_CPUS + index * sizeof(struct mk_cpu_page);
}

static inline struct mk_crash_page *mk_crash_page(void *window)
{
	return window + MK_WINDOW_CRASH;
}

static inline struct mk_instance *mk_to_instance(struct kobject *kobj)
{
	return container_of(kobj, struct mk_instance, kobj);
}

/* instance.c */
extern struct mutex mk_lock;
extern struct list_head mk_instances;
extern struct mk_mem_pool mk_pool;
extern struct workqueue_struct *mk_wq;

int mk_instance_create(char *line, struct mk_complaint *c);
int mk_instance_destroy(const char *name, struct mk_complaint *c);
int mk_instance_destroy_crashed(struct mk_instance *inst, struct mk_complaint *c);
void mk_instance_free(struct mk_instance *inst);
struct mk_instance *mk_instance_get(u32 id);
void mk_instance_put(struct mk_instance *inst);

/* power.c */
extern bool mk_going_down;

void mk_power_init(void);

/*
 * The host restarts or powers off: nothing is created or started any more.
 * Whoever holds mk_lock or the instance's lock, and sees false, is waited for.
 */
static inline bool mk_is_going_down(void)
{
	return READ_ONCE(mk_going_down);
}

/* lifecycle.c */
void mk_instance_init_run(struct mk_instance *inst);
int mk_instance_start(struct mk_instance *inst, struct mk_complaint *c);
int mk_instance_stop(struct mk_instance *inst, struct mk_complaint *c);
int mk_instance_kill(struct mk_instance *inst, struct mk_complaint *c);
int mk_instance_restart(struct mk_instance *inst, struct mk_complaint *c);
void mk_take_back_cpus(struct mk_instance *inst);
void mk_instance_set_state(struct mk_instance *inst, enum mk_state to,
			   const char *reason);
void mk_instance_kick(struct mk_instance *inst);

/* evidence.c */
extern const struct attribute_group mk_evidence_group;

void mk_dump_cpus(struct mk_instance *inst);
bool mk_dumped(const struct mk_instance *inst, unsigned int index);
void mk_printable(char *text, size_t size, bool lines);
bool mk_evidence_oops(const struct mk_instance *inst, char *text, size_t size);
void mk_evidence_take(struct mk_instance *inst, enum mk_end_kind kind);
void mk_evidence_drop(struct mk_instance *inst);
const char *mk_end_name(enum mk_end_kind kind);

/* vmcore.c */
int mk_core_add(struct mk_instance *inst);
void mk_core_drop(struct mk_instance *inst);
/* watchdog.c */
int mk_watchdog_alloc(struct mk_instance *inst);
void mk_watchdog_free(struct mk_instance *inst);
void mk_watchdog_start(struct mk_instance *inst);
u64 mk_watchdog_cpu_time_us(struct mk_instance *inst);
bool mk_watchdog_hangs(struct mk_instance *inst, u32 phase, char *reason, size_t size);

/* policy.c */
extern const struct attribute_group mk_policy_group;

void mk_policy_init(struct mk_instance *inst);
u32 mk_setting(const struct mk_instance *inst, enum mk_setting_nr nr);
bool mk_policy_crashed(struct mk_instance *inst, char *reason, size_t size);

/* beat.c */
void mk_beat_start_self(void);

/* loader.c */
int mk_image_place(struct mk_instance *inst, struct mk_complaint *c);
void mk_image_drop(struct mk_instance *inst);

/* link.c */
void mk_link_add_instance(struct mk_instance *inst);
void mk_link_del_instance(struct mk_instance *inst);
int mk_link_change(struct mk_instance *inst, char *word, struct mk_complaint *c);
ssize_t mk_link_show(struct mk_instance *inst, char *buf);

/* cpu_pool.c */
extern struct cpumask mk_cpus_foreign;
extern struct kobj_attribute mk_pool_lost_attr;

int mk_cpu_pool_init(void);
unsigned int mk_cpus_nobodys(void);
int mk_cpus_check(const struct cpumask *cpus, bool split_core,
		  struct mk_complaint *c);
int mk_cpus_lend(const struct cpumask *cpus, const char *owner,
		 struct mk_complaint *c);
void mk_cpus_return(const struct cpumask *cpus);

/* sysfs.c, debugfs.c */
int mk_sysfs_init(void);
int mk_sysfs_spawn_init(void);
int mk_sysfs_add(struct mk_instance *inst);
void mk_sysfs_remove(struct mk_instance *inst);
void mk_sysfs_changed(struct mk_instance *inst);

/* CPU that no INIT, SIPI or NMI of ours gets to, for tests, 0 for none: CPU 0 is never lent */
extern u32 mk_lose_cpu;

/* The tests want on_crash=destroy to wait, so that something can happen meanwhile */
extern bool mk_hold_destroy;

#ifdef CONFIG_DEBUG_FS
void mk_debugfs_init(void);
void mk_debugfs_add(struct mk_channel *ch);
void mk_debugfs_remove(struct mk_channel *ch);
int mk_debugfs_numbers(const char __user *ubuf, size_t len, u32 *v, int min, int max);
void mk_bench_init(struct dentry *root);
void mk_bench_add(struct mk_channel *ch);
#else
static inline void mk_debugfs_init(void) { }
static inline void mk_debugfs_add(struct mk_channel *ch) { }
static inline void mk_debugfs_remove(struct mk_channel *ch) { }
#endif

/* inject.c */
#ifdef CONFIG_MULTIKERNEL_FAULT_INJECTION
void mk_inject_init(struct dentry *root);
void mk_inject_early(bool console);
u32 mk_inject_epoch(u32 epoch);
void mk_inject_not_ready(void);
#else
static inline void mk_inject_init(struct dentry *root) { }
static inline void mk_inject_early(bool console) { }
static inline u32 mk_inject_epoch(u32 epoch) { return epoch; }
static inline void mk_inject_not_ready(void) { }
#endif

/* spawn.c: called by the architecture */
extern bool mk_self_is_spawn;
extern struct mk_boot_desc mk_self;
extern u32 mk_self_host_vector;
extern struct mk_channel mk_self_channel;
extern void *mk_self_window;

void mk_spawn_early(const struct mk_boot_desc *desc, void *host_page,
		    void *spawn_half);
void __noreturn mk_spawn_exit(u32 kind, const char *text);

/* lastwords.c */
void mk_words_start(void *window);
void mk_words_move(void *window);
void mk_words_panic(const char *message);
void mk_words_registers(struct pt_regs *regs);

/* What the architecture provides: see arch/x86/kernel/multikernel/ */
const struct mk_reserved *arch_mk_reserved(void);
const char *arch_mk_host_unfit(void);
void arch_mk_ownership_changed(void);
u32 arch_mk_cpu_id(unsigned int cpu);
int arch_mk_self_index(unsigned int cpu);
bool arch_mk_same_core(unsigned int a, unsigned int b);
void arch_mk_set_foreign(unsigned int cpu, bool foreign);
void arch_mk_cpu_reset(u32 id);
void arch_mk_cpu_nmi(u32 id);
void arch_mk_cpu_reset_crash(u32 id);
/*
 * What a CPU gets to answer a start-up IPI: on hardware that takes microseconds,
 * an emulated CPU may not be scheduled
 */
#define MK_PROOF_MS	2000

int arch_mk_cpu_take_back(u32 id, unsigned int timeout_ms);
int arch_mk_cpu_start(struct mk_instance *inst);
void arch_mk_doorbell_address(unsigned int cpu, u32 *dest, u32 *vector);
bool arch_mk_doorbell_valid(u32 vector);
void arch_mk_doorbell_ring(u32 dest, u32 vector);
bool arch_mk_is_virtual(void);
u64 arch_mk_tsc(void);
u32 arch_mk_tsc_khz(void);
void arch_mk_wall_clock(u64 *tsc, u64 *wall_ns);
void arch_mk_words_init(void);
unsigned int arch_mk_backtrace(struct pt_regs *regs, unsigned long *trace,
			       unsigned int max);
void __noreturn arch_mk_stop_self(void);
int arch_mk_image_check(const void *file, size_t len, const char **why);
int arch_mk_image_plan(struct mk_instance *inst, const struct kimage *kimage,
		       struct mk_image *image, struct mk_complaint *c);

int arch_mk_boot_params(struct mk_instance *inst);

/* With CONFIG_MULTIKERNEL_FAULT_INJECTION */
void __noreturn arch_mk_inject_double_fault(void);
void __noreturn arch_mk_inject_triple_fault(void);
int arch_mk_inject_nmis(u32 ms, u64 *sent, u64 *heard);
int arch_mk_inject_param(char *buf, int size);

#endif /* _MK_INTERNAL_H */
