/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * multikernel: everything that crosses between two kernels
 *
 * Host and spawn may be different builds.  Whatever one of them writes for the
 * other to read is laid out here, with fixed-width fields and explicit
 * offsets, and described in Documentation/multikernel/boot-protocol.rst.
 * The boot description grows at its end only; any other change of what stands
 * here already is a new MK_ABI_VERSION.
 */
#ifndef _LINUX_MULTIKERNEL_ABI_H
#define _LINUX_MULTIKERNEL_ABI_H

#define MK_ABI_VERSION		4

/* Longest instance name, without the terminating NUL */
#define MK_NAME_MAX		31

/* Instance ids are 1..MK_ID_MAX: 16 bits of the kexec_file_load() flags */
#define MK_ID_MAX		65535

/* Most CPUs that one boot description can list */
#define MK_DESC_MAX_CPUS	256

/*
 * Chunk in the variable part of a bzImage's kernel_info, by which a loader
 * sees what a kernel speaks before anything is started.
 * See arch/x86/boot/compressed/kernel_info.S.
 */
#define MK_KINFO_MAGIC		0x6e724b4d	/* "MKrn" */
#define MK_KINFO_SIZE		16

/* What stands above is used by assembler code, too */
#ifndef __ASSEMBLY__

#include <linux/types.h>

struct mk_kinfo {
	__u32 magic;
	__u32 size;
	__u32 abi_version;
	__u32 reserved;
};

/* struct setup_data.type of the boot description */
#define MK_SETUP_DATA_TYPE	0x4d4b

#define MK_DESC_MAGIC		0x64624b4d	/* "MKbd" */

/* struct mk_boot_desc.flags: the host runs its local APICs in x2APIC mode */
#define MK_DESC_X2APIC		0x1

/**
 * struct mk_boot_desc - what a spawn is told about itself
 * @magic:		%MK_DESC_MAGIC
 * @abi_version:	%MK_ABI_VERSION of the host
 * @size:		bytes of this structure, @apic_ids included
 * @flags:		MK_DESC_*; unknown bits are refused
 * @id:			instance id
 * @epoch:		number of this start of the instance, from 1
 * @name:		instance name, NUL-terminated and padded
 * @window_phys:	physical address of the shared window
 * @window_size:	bytes of the shared window
 * @tsc_khz:		TSC frequency in kHz
 * @apic_timer_khz:	local APIC timer input clock in kHz, 0 if the host does
 *			not know it (it uses the TSC deadline timer)
 * @wall_ns:		UTC, ns since the epoch, when the TSC read @wall_tsc
 * @wall_tsc:		TSC value that belongs to @wall_ns
 * @nr_cpus:		entries of @apic_ids
 * @reserved:		0
 * @apic_ids:		local APIC ids of the instance; the first one boots
 */
struct mk_boot_desc {
	__u32 magic;
	__u32 abi_version;
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 epoch;
	char  name[MK_NAME_MAX + 1];
	__u64 window_phys;
	__u64 window_size;
	__u32 tsc_khz;
	__u32 apic_timer_khz;
	__u64 wall_ns;
	__u64 wall_tsc;
	__u32 nr_cpus;
	__u32 reserved;
	__u32 apic_ids[];
};

/*
 * The shared window: MK_WINDOW_SIZE bytes at the end of the instance's memory.
 * Each half is written by one kernel only, so that hardware can enforce it.
 *
 *	host half				spawn half
 *	0x00000  struct mk_host_page		0x100000  struct mk_spawn_page
 *						0x101000  struct mk_cpu_page, for each CPU
 *						0x105000  struct mk_crash_page
 *						0x110000  console
 *						0x120000  registers, for each CPU
 *	0x80000  ring host to spawn		0x180000  ring spawn to host
 */
#define MK_WINDOW_SIZE		0x200000
#define MK_WINDOW_HOST		0x000000
#define MK_WINDOW_TX_RING	0x080000	/* seen from the host */
#define MK_WINDOW_SPAWN		0x100000
#define MK_WINDOW_CPUS		0x101000
#define MK_WINDOW_CRASH		0x105000
#define MK_WINDOW_CONSOLE	0x110000
#define MK_WINDOW_NOTES		0x120000
#define MK_WINDOW_RX_RING	0x180000	/* seen from the host */
#define MK_RING_SIZE		0x80000
#define MK_CONSOLE_SIZE		0x10000

/* Bytes of one CPU's registers: an ELF note, NT_PRSTATUS, as in a core file */
#define MK_NOTE_SIZE		0x200

#define MK_HOST_MAGIC		0x68574b4d	/* "MKWh" */
#define MK_SPAWN_MAGIC		0x73574b4d	/* "MKWs" */

/* In an index in want_room or armed: so it is not 0 */
#define MK_INDEX_SET		0x1

/**
 * struct mk_ring_ctl - one kernel's control words of the two rings
 * @head:	producer index of the ring this kernel writes: bytes, free-running
 * @want_room:	not 0: the ring this kernel writes had no room when you had read
 *		up to here, your @tail with %MK_INDEX_SET: ring my doorbell,
 *		once for each value, when you have read on
 * @pad0:	keeps the words of producer and consumer in lines of their own
 * @tail:	consumer index of the ring this kernel reads: bytes, free-running
 * @armed:	not 0: this kernel sleeps, and has read up to here, @tail with
 *		%MK_INDEX_SET: ring my doorbell, once for each value, when you
 *		have written more
 * @pad1:	as @pad0
 */
struct mk_ring_ctl {
	__u32 head;
	__u32 want_room;
	__u32 pad0[14];
	__u32 tail;
	__u32 armed;
	__u32 pad1[14];
};

/**
 * struct mk_pulse - a sign of life, and the time
 * @beat:	grows by one with each, about once a second
 * @seq:	odd while the other fields are written
 * @tsc:	TSC value at the last beat
 * @wall_ns:	host only: UTC at @tsc, ns since the epoch
 * @pad:	0
 */
struct mk_pulse {
	__u32 beat;
	__u32 seq;
	__u64 tsc;
	__u64 wall_ns;
	__u64 pad[5];
};

/**
 * struct mk_host_page - what the host says
 * @magic:		%MK_HOST_MAGIC
 * @abi_version:	%MK_ABI_VERSION of the host
 * @window_size:	%MK_WINDOW_SIZE
 * @ring_size:		%MK_RING_SIZE
 * @console_size:	%MK_CONSOLE_SIZE
 * @id:			instance id
 * @epoch:		number of this start, as in &struct mk_boot_desc
 * @doorbell_dest:	APIC id that the spawn's doorbell goes to
 * @doorbell_vector:	interrupt vector of the host's doorbell
 * @reserved:		0
 * @console_start:	free-running console index at which this start begins;
 *			what lies before it is the log of earlier starts
 * @ctl:		ring control words
 * @pulse:		the host's sign of life, and its clock
 * @dump:		not 0: a CPU that gets an NMI writes its registers to its
 *			note and stops
 */
struct mk_host_page {
	__u32 magic;
	__u32 abi_version;
	__u32 window_size;
	__u32 ring_size;
	__u32 console_size;
	__u32 id;
	__u32 epoch;
	__u32 doorbell_dest;
	__u32 doorbell_vector;
	__u32 reserved[5];
	__u64 console_start;
	struct mk_ring_ctl ctl;
	struct mk_pulse pulse;
	__u32 dump;
};

/* How far a spawn has come: struct mk_spawn_page.phase only ever grows */
#define MK_PHASE_NONE		0	/* nothing heard yet */
#define MK_PHASE_EARLY		1	/* found its boot description and window */
#define MK_PHASE_CHANNEL	2	/* rings and doorbell work */
#define MK_PHASE_READY		3	/* init is being started */
#define MK_PHASE_DYING		4	/* panicking; the last lines may follow */
#define MK_PHASE_GONE		5	/* will not touch anything any more */

/* Why a spawn ended: struct mk_spawn_page.exit_kind */
#define MK_EXIT_NONE		0
#define MK_EXIT_POWEROFF	1
#define MK_EXIT_HALT		2
#define MK_EXIT_REBOOT		3
#define MK_EXIT_PANIC		4	/* exit_text has the message */
#define MK_EXIT_REFUSED		5	/* cannot run here; exit_text says why */

#define MK_EXIT_TEXT		192

/**
 * struct mk_spawn_page - what the spawn says
 * @magic:		%MK_SPAWN_MAGIC, written last
 * @abi_version:	%MK_ABI_VERSION of the spawn.  These first two fields
 *			and @phase, @exit_kind, @exit_text keep their place in
 *			every version: a spawn that must refuse says so there
 * @phase:		MK_PHASE_*
 * @exit_kind:		MK_EXIT_*, valid from %MK_PHASE_DYING on
 * @exit_text:		NUL-terminated text to @exit_kind
 * @doorbell_dest:	APIC id that the host's doorbell goes to, valid from
 *			%MK_PHASE_CHANNEL on; one of the instance's own
 * @doorbell_vector:	interrupt vector of the spawn's doorbell
 * @epoch:		echoes &struct mk_host_page.epoch
 * @nr_cpus_online:	CPUs up when init was started
 * @console_head:	free-running count of bytes ever written to the console
 * @reserved:		0
 * @ctl:		ring control words
 * @pulse:		the spawn's sign of life
 */
struct mk_spawn_page {
	__u32 magic;
	__u32 abi_version;
	__u32 phase;
	__u32 exit_kind;
	char  exit_text[MK_EXIT_TEXT];
	__u32 doorbell_dest;
	__u32 doorbell_vector;
	__u32 epoch;
	__u32 nr_cpus_online;
	__u64 console_head;
	__u32 reserved[22];
	struct mk_ring_ctl ctl;
	struct mk_pulse pulse;
};

/* struct mk_cpu_page.state */
#define MK_CPU_OFF		0	/* never came up, or went offline */
#define MK_CPU_ON		1	/* beats, and takes NMIs */
#define MK_CPU_DUMPED		2	/* stopped; its note is complete */

/**
 * struct mk_cpu_page - what one CPU of the spawn says; by the order of
 *	&struct mk_boot_desc.apic_ids
 * @state:	MK_CPU_*
 * @beat:	grows by one with each timer interrupt that says so, about once
 *		a second
 * @ran:	grows by one when, after such an interrupt, the scheduler ran
 *		what it was asked to run on this CPU
 * @reserved:	0
 * @beat_tsc:	TSC value at the last @beat
 * @ran_tsc:	TSC value at the last @ran
 * @busy_ns:	ns that it was not idle since it came up first, as of the last
 *		@beat; 0 also if the kernel does not say
 * @pad:	0; the next CPU's is in a line of its own
 */
struct mk_cpu_page {
	__u32 state;
	__u32 beat;
	__u32 ran;
	__u32 reserved;
	__u64 beat_tsc;
	__u64 ran_tsc;
	__u64 busy_ns;
	__u64 pad[3];
};

/* struct mk_crash_page.kind */
#define MK_CRASH_NONE		0
#define MK_CRASH_PANIC		1
#define MK_CRASH_OOPS		2	/* an exception: Oops, double fault */

#define MK_CRASH_TEXT		192
#define MK_CRASH_TRACE		3072

/**
 * struct mk_crash_page - the last words of a kernel that crashed, and where in
 *	its memory a debugger begins
 * @kind:		MK_CRASH_*, written when the rest is
 * @cpu:		which entry of &struct mk_boot_desc.apic_ids
 * @tsc:		TSC value then
 * @ip:			instruction
 * @text:		what the kernel said, one line, NUL-terminated
 * @trace:		backtrace: a line for each function, NUL-terminated
 * @vmcoreinfo:		physical address of the VMCOREINFO note, 0 for none, or
 *			none yet
 * @vmcoreinfo_size:	bytes there, the note may be shorter
 * @reserved:		0
 * @direct_map:		virtual address of physical address 0; valid from
 *			%MK_PHASE_CHANNEL on, as what follows
 * @kernel_virt:	virtual address of the kernel's image
 * @kernel_phys:	its physical address
 * @kernel_size:	its bytes
 */
struct mk_crash_page {
	__u32 kind;
	__u32 cpu;
	__u64 tsc;
	__u64 ip;
	char  text[MK_CRASH_TEXT];
	char  trace[MK_CRASH_TRACE];
	__u64 vmcoreinfo;
	__u32 vmcoreinfo_size;
	__u32 reserved;
	__u64 direct_map;
	__u64 kernel_virt;
	__u64 kernel_phys;
	__u64 kernel_size;
};

/*
 * Ring records: a header, the payload, and padding to MK_RECORD_ALIGN.  A
 * record lies in one piece.  Where the next one does not fit before the end of
 * the ring, a record with MK_RECORD_PAD takes up the rest.
 */
#define MK_RECORD_ALIGN		16

/* Room for 64 KiB of data behind a header of the service's own */
#define MK_PAYLOAD_MAX		0x10100

/* struct mk_record.flags: at most one of them, none for a plain message */
#define MK_RECORD_PAD		0x01	/* nothing; reaches to the end of the ring */
#define MK_RECORD_REQUEST	0x02	/* wants an answer with the same id */
#define MK_RECORD_REPLY		0x04	/* the answer */
#define MK_RECORD_ERROR		0x08	/* the answer is an errno: __u32, positive */
#define MK_RECORD_OFFER		0x10	/* the sender offers this service now */
#define MK_RECORD_WITHDRAW	0x20	/* and does not any more */

/*
 * struct mk_record.id of an offer: its number, never 0, in the lower half; in the
 * upper that of the peer's offer which the sender has read of, 0 for none
 */
#define MK_OFFER_ID(mine, yours)	((__u64)(yours) << 32 | (mine))
#define MK_OFFER_MINE(id)		((__u32)(id))
#define MK_OFFER_YOURS(id)		((__u32)((id) >> 32))

/* struct mk_record.service: 1 to MK_SERVICE_MAX; meaning and payload of each
 * are in Documentation/multikernel/messages.rst
 */
#define MK_SERVICE_ECHO		1	/* both ways: sends the payload back */
#define MK_SERVICE_SHUTDOWN	2	/* host to spawn: power off in order */
#define MK_SERVICE_TTY		3	/* both ways: terminal input and output */
#define MK_SERVICE_VSOCK	4	/* both ways: packets of AF_VSOCK */
#define MK_SERVICE_PRIVATE	48	/* from here on: not ours to assign */
#define MK_SERVICE_MAX		63

/* CID of an instance; the host's is VMADDR_CID_HOST, 2 */
#define MK_VSOCK_CID(id)	((id) + 2)

/*
 * Flag of VIRTIO_VSOCK_OP_RST: data of the connection was thrown away, so it
 * ends with an error, not as if the peer had closed it
 */
#define MK_VSOCK_RST_CUT	0x1

/* A kernel waits for the answers to this many requests of a peer at most */
#define MK_REQUESTS_MAX		64

/**
 * struct mk_record - header of a record in a ring
 * @len:	bytes of payload that follow, 0..%MK_PAYLOAD_MAX
 * @service:	MK_SERVICE_*
 * @flags:	MK_RECORD_*
 * @id:		of a request, never 0, comes back in the reply; of an offer,
 *		see MK_OFFER_ID(); else 0
 */
struct mk_record {
	__u32 len;
	__u16 service;
	__u16 flags;
	__u64 id;
};

/*
 * MK_SERVICE_TTY: bytes that were sent and not reported as taken, at most.  A
 * power of two.
 */
#define MK_TTY_CREDIT		0x8000

/* struct mk_tty_msg.flags */
#define MK_TTY_LISTENING	0x1	/* the sender's tty is open */

/**
 * struct mk_tty_msg - begins each message of MK_SERVICE_TTY; what follows it are
 *	the terminal's bytes, none or some
 * @taken:	bytes that the sender of this took so far, or dropped while nobody
 *		listened: free-running, from 0 when the endpoint was opened
 * @flags:	MK_TTY_*; unknown bits are refused
 * @rows:	window size of the host's tty, all four 0 if it has none; a
 *		spawn's are not looked at
 * @cols:	columns
 * @xpixels:	width in pixels
 * @ypixels:	height in pixels
 */
struct mk_tty_msg {
	__u32 taken;
	__u32 flags;
	__u16 rows;
	__u16 cols;
	__u16 xpixels;
	__u16 ypixels;
};

#endif /* __ASSEMBLY__ */

#endif /* _LINUX_MULTIKERNEL_ABI_H */
