#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# What the host does to itself while spawns run: sleep, memory offline, CPU hotplug. What
# ends the host is in dev/check.sh: parts kexec, down, kdump; microcode is in microcode.sh.
. "$(dirname "$0")/lib.sh"
plan 32

POWER=/sys/power
boot_id=$(cat /proc/sys/kernel/random/boot_id)

mk_create name=web cpus=2 memory=128M split_core=1
mk_create name=idle cpus=3 memory=64M split_core=1
mk_load web mk.spawn=view
check "a spawn runs" mk_start web

# --- sleep -----------------------------------------------------------------------

# Both are named: the one that runs, and the one that only has its CPU
both_named() {
	klog "$MARK" | mk_lines >"$T/lines"
	has "$T/lines" "multikernel: web: the host can't sleep while it exists" &&
		has "$T/lines" "multikernel: idle: the host can't sleep while it exists"
}
no_sleep() { # STATE
	local got
	klog_mark
	got=$(mkwrite $POWER/state "$1" 2>&1) && got=success
	matches result "$got" 'EBUSY$' && both_named
}
answers() { mkwrite "$DBG/web/ping" 5 && has "$DBG/web/ping" "count=5 lost=0"; }

# How a resume ended is in the log only. Of an image that is none nothing is looked at
# before but the mark at the end of its first page, which goes by that
resumes() { # ERRNO
	{ head -c 4086 /dev/zero && printf 'S1SUSPEND\0'; } >"$T/image" &&
		dd if="$T/image" of=/dev/ram0 bs=4096 conv=fsync 2>/dev/null || return
	klog_mark
	mkwrite $POWER/resume "$(cat /sys/class/block/ram0/dev)" || return
	klog "$MARK" >"$T/resume"
	has "$T/resume" "PM: hibernation: resume failed \\($1\\)"
}
no_resume() { resumes -16 && both_named; }

# A kexec that is to return: asked for by kexec_load(2) alone
no_jump() {
	local got
	kexec -c --load-preserve-context --mem-max=0x10000000 -l "$KERNEL" --command-line=x || return
	klog_mark
	got=$(kexec -e 2>&1) && got=success
	kexec -c -u
	klog "$MARK" >"$T/jump"
	matches result "$got" 'Device or resource busy' &&
		has "$T/jump" "multikernel: no kexec that is to return while CPUs 2-3 are lent"
}
may_jump() { # NAME
	if ! zcat /proc/config.gz | grep -q '^CONFIG_KEXEC_JUMP=y'; then
		skip "$1" "the kernel has no KEXEC_JUMP"
	elif ! command -v kexec >/dev/null; then
		skip "$1" "kexec-tools is missing"
	else
		check "$1" no_jump
	fi
}

# Were it not refused, the sleep would end by itself
can() { grep -qw "$1" $POWER/state 2>/dev/null && [ -w $POWER/pm_test ]; }
if [ -w $POWER/pm_test ]; then
	echo freezer >$POWER/pm_test
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
fi
# may WORD NAME COMMAND...: a check, where the host knows this kind of sleep
may() {
	local word=$1
	shift
	if ! can "$word"; then
		skip "$1" "the kernel has no PM_DEBUG, or no '$word'"
	elif [ "$word" = disk ] && [ ! -b /dev/ram0 ]; then
		skip "$1" "the kernel has no BLK_DEV_RAM"
	else
		check "$@"
	fi
}
may freeze "suspend is refused: EBUSY, and a line for each instance" no_sleep freeze
may disk "so is hibernation" no_sleep disk
may disk "so is the resume from an image" no_resume
may_jump "so is a kexec that is to return"
check "it still runs, and answers" answers
check "kill it" mk_kill web
may freeze "suspend is refused while it only exists" no_sleep freeze
may disk "so is hibernation, while it does" no_sleep disk
may disk "so is the resume, while it does" no_resume
may_jump "so is the kexec, while it does"
check "destroy both" eval 'mk_destroy web && mk_destroy idle'
may freeze "without an instance the host sleeps" mkwrite $POWER/state freeze
may disk "... or begins to hibernate, all that is asked for" mkwrite $POWER/state disk
may disk "... or looks further at the image, which is none" resumes -22
[ ! -w $POWER/pm_test ] || echo none >$POWER/pm_test

# --- memory that the host gives away, or gets ----------------------------------------

MEM=/sys/devices/system/memory
mk_create name=web cpus=2 memory=128M split_core=1
mk_load web mk.spawn=view
check "a spawn runs again" mk_start web
pool=$(sed -n 's/ *\([0-9a-f]*\)-\([0-9a-f]*\) : Multikernel pool$/0x\1 0x\2/p' /proc/iomem)
first=$((${pool% *}))
last=$((${pool#* }))

# blocks WHERE: numbers of the blocks that are the host's beside the pool, or in part;
# addresses of those that are the pool's alone
blocks() {
	local d n from to
	if [ "$1" = pool ]; then
		n=$(((first + size - 1) / size))
		while [ $(((n + 1) * size - 1)) -le $last ]; do
			printf '%#x\n' $((n * size))
			n=$((n + 1))
		done
		return
	fi
	for d in $MEM/memory[0-9]*; do
		n=${d##*memory}
		from=$((n * size)) to=$(((n + 1) * size - 1))
		if [ $to -lt $first ] || [ $from -gt $last ]; then
			d=beside
		else
			d=partly
		fi
		[ $d != "$1" ] || echo "$n"
	done
}
all_online() { equal "blocks not online" "$(grep -L online $MEM/memory[0-9]*/state)" ""; }
memory_kb() { awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo; }

if [ -d $MEM ] && [ -w $MEM/probe ]; then
	size=$((0x$(cat $MEM/block_size_bytes)))
	partly=$(blocks partly)
	total=$(memory_kb)
	echo "# pool $pool, blocks of $size bytes; in part the pool's: $(echo $partly); the pool's:" \
		"$(blocks pool | wc -l)"
	none_of_pool() {
		local at
		for at in $(blocks pool); do
			[ ! -e $MEM/memory$((at / size)) ] ||
				{ echo "memory$((at / size)) is at $at"; return 1; }
		done
	}
	check "no block of memory is the pool's" none_of_pool
	parts_stay() {
		local n got
		for n in $partly; do
			got=$(mkwrite $MEM/memory"$n"/state offline 2>&1) && got=success
			matches "offline of block $n" "$got" 'EINVAL$' &&
				equal "state of block $n" "$(cat $MEM/memory"$n"/state)" online || return
		done
		[ -n "$partly" ]
	}
	check "a block that has some of the pool can't be taken offline" parts_stay
	# What the kernel itself has there can't be moved: not every block can go
	others_go() {
		local n went=
		for n in $(blocks beside | sort -rn); do
			timeout 20 mkwrite $MEM/memory"$n"/state offline || continue
			went="$went $n"
			mkwrite $MEM/memory"$n"/state online || return
		done
		echo "# these blocks went offline and came back:$went" >&4
		[ -n "$went" ]
	}
	exec 4>&1
	check "others go offline, and come back" others_go
	pool_stays() {
		local at
		for at in $(blocks pool); do
			matches "adding $at" "$(mkwrite $MEM/probe "$at" 2>&1)" 'EEXIST$' || return
		done
		[ -n "$(blocks pool)" ] && none_of_pool
	}
	check "the pool's memory can't be added to the host's" pool_stays
	check "the host's memory is as before" eval 'all_online && equal kB "$(memory_kb)" "$total"'
else
	for n in "no block of memory is the pool's" \
		"a block that has some of the pool can't be taken offline" \
		"others go offline, and come back" \
		"the pool's memory can't be added to the host's" \
		"the host's memory is as before"; do
		skip "$n" "the kernel has no MEMORY_HOTREMOVE, or no ARCH_MEMORY_PROBE"
	done
fi
check "the spawn answers" answers
check "kill and destroy it" eval 'mk_kill web && mk_destroy web'

# --- CPU hotplug of the host, while messages flow ------------------------------------

STORM=${MK_STORM:-12}
mk_create name=web cpus=2 memory=128M split_core=1
mk_create name=db cpus=3 memory=128M split_core=1
mk_load web mk.spawn=view
mk_load db mk.spawn=view
check "two spawns run" eval 'control db start && mk_start web && wait_state db running'
check "the host's CPU 1 hears the doorbells of both" eval 'mkwrite $INST/web/doorbell_cpu 1 &&
	mkwrite $INST/db/doorbell_cpu 1'

# Every message is counted by who gets it: no one is lost on the way from CPU to CPU
traffic() { # NAME
	while [ ! -e "$T/quiet" ]; do
		mkwrite "$DBG/$1/bench" "256 400" || echo "$1: refused"
		echo "$1" >>"$T/benches"
	done >>"$T/errors" 2>&1
}
storm() {
	local n=0
	while [ $n -lt "$STORM" ]; do
		n=$((n + 1))
		mkwrite $CPUS/cpu1/online 0 && equal online "$(online)" 0 &&
			equal "web's doorbell" "$(val web doorbell_cpu)" 0 &&
			mkwrite $CPUS/cpu1/online 1 && cpu_works 1 &&
			mkwrite "$INST/web/doorbell_cpu" 1 && mkwrite "$INST/db/doorbell_cpu" 1 || return
	done
}
: >"$T/errors"
: >"$T/benches"
traffic web &
one=$!
traffic db &
two=$!
check "its CPU 1 goes off and on $STORM times, and the doorbells with it" storm
: >"$T/quiet"
wait $one $two
echo "# $(grep -c web "$T/benches") and $(grep -c db "$T/benches") times 400 messages meanwhile"
check "no message was refused or lost" equal errors "$(cat "$T/errors")" ""
check "messages flowed meanwhile, to both" eval '
	between "of web" "$(grep -c web "$T/benches")" 2 100000 &&
	between "of db" "$(grep -c db "$T/benches")" 2 100000'
check "both still run, and answer" eval 'answers && equal db "$(state db)" running'

# --- a lent CPU is not the host's, whatever it tries -----------------------------------

expect_errno "a lent CPU cannot be onlined meanwhile" EBUSY $CPUS/cpu2/online 1 "CPU 2.*web"
check "stop one, kill the other, destroy both" \
	eval 'mk_stop web && mk_kill db && mk_destroy web && mk_destroy db'
check "the machine was not reset" \
	equal boot_id "$(cat /proc/sys/kernel/random/boot_id)" "$boot_id"
