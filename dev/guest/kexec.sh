#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC3043 # busybox ash
# The ordinary kexec and kdump of a kernel with MULTIKERNEL, by Debian's kexec-tools, while
# a spawn runs.
#	kexec   load in all ways, then go to a second kernel, which runs kexec2
#	kdump   load a crash kernel, then crash; the crash kernel runs kdump2
#	crash   crash without one, and say where to look whether the spawn goes on
# The spawn counts on its console, and so in its window: mk.head=ADDRESS,COUNT tells the
# crash kernel where, and how far it was; mk.ram=BYTES,FROM-TO what the dump has to have of
# the host, and where the pool is, of which it has nothing.
# The plan is printed by the first kernel; a second one that never comes leaves it open.

. /mk/tap.sh

is() { echo "$1 is $(cat "$1"), wanted $2"; [ "$(cat "$1")" = "$2" ]; }

K=/mk/bzImage
I="--initrd=/mk/base.cpio.gz"
LOADED=/sys/kernel/kexec_loaded
CRASH=/sys/kernel/kexec_crash_loaded
# As qemu.sh has it: a late emulated timer is no broken one
ARGS="console=ttyS0 no_timer_check $(grep -o tsc=nowatchdog /proc/cmdline) loglevel=7"

MK=/sys/kernel/multikernel
WEB=$MK/instances/web
spawn_runs() {
	mkwrite $MK/create "name=web cpus=3 memory=128M split_core=1" &&
		mkload -i "$(cat $WEB/id)" -r /mk/base.cpio.gz -c "kunit.enable=0 mk.spawn=count" $K &&
		mkwrite $WEB/control start && mkwait -f $WEB/console "spawn: count 5" 90000
}

# head ADDRESS: the free-running count of the console's bytes, its lower half
head_at() { echo $(($(devmem "$1" 32))); }

# Where it is: see struct mk_spawn_page, in the last 2 MiB of the instance's memory
head_address() {
	local end
	end=$(cut -d- -f2 $WEB/memory)
	printf '0x%x' $((end + 1 - 0x200000 + 0x100000 + 0xe0))
}

# A lower bound, that no kernel but this spawn's has put there
console_bytes() { wc -c <$WEB/console; }

# Who comes next would cut what is still on its way on this serial line: setting a line
# waits until all of it was sent
drained() { stty 115200 <&1; }

# An initrd for the crash kernel: that of the spawns, and makedumpfile
dump_initrd() {
	cat /mk/base.cpio.gz
	LD_TRACE_LOADED_OBJECTS=1 /usr/bin/makedumpfile |
		awk '$2 == "=>" { print $3 } $1 ~ "^/" { print $1 }' >/tmp/list
	echo /usr/bin/makedumpfile >>/tmp/list
	awk -F/ '{ p = ""; for (f = 2; f < NF; f++) { p = p (p == "" ? "" : "/") $f; print p } }
		{ print substr($0, 2) }' /tmp/list | awk '!seen[$0]++' |
		(cd / && cpio -o -H newc 2>/dev/null) | gzip
}

# bytes NAME: of all such ranges of /proc/iomem.  Of the first MiB x86 dumps nothing
bytes() {
	local sum=0 from to
	sed -n -E "s/^ *([0-9a-f]+)-([0-9a-f]+) : $1\$/\1 \2/p" /proc/iomem >/tmp/ranges
	while read -r from to; do
		[ $((0x$from)) -lt 1048576 ] || sum=$((sum + 0x$to - 0x$from + 1))
	done </tmp/ranges
	echo $sum
}

# The crash kernel's own memory is not in its dump
ram() {
	echo "$(($(bytes "System RAM") - $(bytes "Crash kernel"))),$(sed -n -E \
		's/^ *([0-9a-f]+-[0-9a-f]+) : Multikernel pool$/\1/p' /proc/iomem)"
}

# The segments of the dump: address and bytes, a line each.  Without the kernel's image,
# which is in its memory, too
segments() {
	local at nr
	at=$(od -A n -t u8 -j 32 -N 8 /proc/vmcore)
	nr=$(od -A n -t u2 -j 56 -N 2 /proc/vmcore)
	od -A n -v -t u8 -w56 -j $((at)) -N $((nr * 56)) /proc/vmcore |
		awk '$1 % 4294967296 == 1 && $3 < 18446744071000000000 { printf "%.0f %.0f\n", $4, $6 }'
}

# complete BYTES,FROM-TO: the dump has all of the host's memory, and none of the pool
complete() {
	local want=${1%,*} pool=${1#*,} sum=0 at size
	segments >/tmp/segments
	cat /tmp/segments
	echo "the host had $want bytes, the pool was at $pool"
	[ -n "$pool" ] && [ "$want" -gt 0 ] || return
	while read -r at size; do
		sum=$((sum + size))
		if [ "$at" -le $((0x${pool#*-})) ] && [ $((at + size)) -gt $((0x${pool%-*})) ]; then
			echo "$at and $size bytes are of the pool"
			return 1
		fi
	done </tmp/segments
	echo "its segments have $sum bytes, the file has $(stat -c %s /proc/vmcore)"
	[ $sum -ge "$want" ] && [ "$(stat -c %s /proc/vmcore)" -ge "$want" ]
}

# As an operator would take it; to nowhere, there is no room for it here
whole_dump() {
	local size
	size=$(makedumpfile -F -d 31 /proc/vmcore 2>/tmp/mdf | wc -c)
	tail -n 3 /tmp/mdf
	echo "$size bytes"
	grep -q 'dumpfile is saved\|dumping complete' /tmp/mdf && [ "$size" -gt 1000000 ]
}

word() { sed -n -E "s/.*$1=([^ ]*).*/\1/p" /proc/cmdline; }

stands_still() {
	local from to at=${1%,*} least=${1#*,}
	from=$(head_at "$at")
	sleep 2
	to=$(head_at "$at")
	echo "$from, 2 s later $to; it was $least at least"
	[ "$least" -gt 0 ] && [ "$from" -ge "$least" ] && [ "$from" = "$to" ]
}

dump_has() { rm -f /tmp/dmesg; makedumpfile --dump-dmesg /proc/vmcore /tmp/dmesg >/tmp/mdf 2>&1 && grep -q "$1" /tmp/dmesg ||
	{ tail -n 5 /tmp/mdf /tmp/dmesg; return 1; }; }

if [ "${1#*2}" = "$1" ] && ! command -v kexec >/dev/null; then
	echo "TAP version 13"
	echo "1..1"
	echo "ok 1 $1 # SKIP kexec-tools is missing"
	exit 0
fi

case $1 in
kexec)
	echo "TAP version 13"
	echo "1..9"
	result "a spawn runs" spawn_runs
	result "kexec_load loads" kexec -c -l $K "$I" --command-line="$ARGS"
	result "kexec_load is loaded" is $LOADED 1
	result "kexec -u unloads" kexec -u
	result "nothing is loaded" is $LOADED 0
	result "kdump image loads" kexec -p $K "$I" --command-line="$ARGS"
	result "kdump image is loaded" is $CRASH 1
	result "kexec_file_load loads beside it" kexec -s -l $K "$I" --command-line="$ARGS mk.run=kexec2"
	drained
	kexec -e -x
	echo "not ok 9 kexec -e reaches the second kernel"
	;;
kexec2)
	echo "kexec2: second kernel up"
	echo "ok 9 kexec -e reaches the second kernel"
	;;
kdump)
	echo "TAP version 13"
	echo "1..9"
	result "a spawn runs" spawn_runs
	head=$(head_address),$(console_bytes)
	I=--initrd=/mk/base.cpio.gz
	if [ -x /usr/bin/makedumpfile ]; then
		dump_initrd >/tmp/initrd
		I=--initrd=/tmp/initrd
	fi
	result "kdump image loads by kexec_file_load" kexec -s -p $K "$I" --command-line="$ARGS multikernel=64M mk.run=kdump2 mk.head=$head mk.ram=$(ram) maxcpus=1"
	echo "mk-test: the host is about to crash" >/dev/kmsg
	drained
	echo c >/proc/sysrq-trigger
	;;
crash)
	echo "TAP version 13"
	echo "1..1"
	result "a spawn runs" spawn_runs
	echo "crash: head=$(head_address) bytes=$(console_bytes)"
	drained
	echo c >/proc/sysrq-trigger
	;;
kdump2)
	echo "kdump2: crash kernel up"
	n=2
	result "crash kernel has a vmcore" [ -s /proc/vmcore ]
	result "the spawn runs no more" stands_still "$(word 'mk\.head')"
	result "it has all of the host's memory, and none of the pool" complete "$(word 'mk\.ram')"
	if [ -x /usr/bin/makedumpfile ]; then
		result "makedumpfile finds the host's log in it" dump_has "mk-test: the host is about to crash"
		result "it says that the spawn's CPU was taken" dump_has "multikernel: .*CPUs 3 were taken away"
		result "makedumpfile -d 31 runs to its end" whole_dump
	else
		for n in 6 7 8; do
			echo "ok $n makedumpfile # SKIP makedumpfile is missing"
		done
	fi
	result "it has no pool, whatever its command line inherited" is /sys/kernel/multikernel/pool/memory_total 0
	;;
esac
