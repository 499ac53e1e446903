# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# Sourced by every multikernel test: TAP, and the ways to an instance.
# Made for busybox ash; no step waits by sleeping where a state can be waited for.
#
# A test file:	. "$(dirname "$0")/lib.sh"
#		plan 3
#		check "name of the assertion" command...
# The file's last test comes by itself: all planned tests ran, the pool, the CPUs
# and the logs of all kernels are as they should be.

MK_TEST=$(basename "$0" .sh)
MK_DIR=$(cd "$(dirname "$0")" && pwd)
# A script of the guest's own sources us from there
[ -f "$MK_DIR/end_all.sh" ] || MK_DIR=/mk/tests
. "$MK_DIR/end_all.sh"
PATH=$MK_DIR:/mk/bin:$PATH
export PATH

MK=/sys/kernel/multikernel
INST=$MK/instances
DBG=/sys/kernel/debug/multikernel
PARAM=/sys/module/multikernel/parameters
CPUS=/sys/devices/system/cpu
KERNEL=${MK_KERNEL:-/mk/bzImage}
# For a spawn that only has to be there: without checkers it boots in a third of the time
QUICK=$KERNEL
[ ! -f /mk/bzImage.plain ] || QUICK=/mk/bzImage.plain
INITRD=${MK_INITRD:-/mk/base.cpio.gz}	# busybox, dev/guest/rcS and spawn.sh
BOOT_MS=${MK_BOOT_MS:-90000}	# longest honest boot: a debug kernel under emulation
STOP_MS=${MK_STOP_MS:-40000}
NOBODY=65534
KSFT_SKIP=4

T=${TMPDIR:-/tmp}/mk.$$

# --- TAP ---------------------------------------------------------------------

planned=0
ran=0
failed=0
panic_open=

# plan N: the file's own assertions; one more is ours
plan() {
	planned=$1
	if [ -n "${MK_PLAN_ONLY:-}" ]; then
		echo $((planned + 1))
		exit 0
	fi
	echo "TAP version 13"
	echo "1..$((planned + 1))"
}

diag() { sed 's/^/# /'; }

pass() {
	ran=$((ran + 1))
	echo "ok $ran $*"
}

# fail NAME: the diagnosis is in $T/why
fail() {
	ran=$((ran + 1))
	failed=$((failed + 1))
	echo "not ok $ran $*"
	tail -n 40 "$T/why" | diag
}

skip() {
	local name=$1
	shift
	ran=$((ran + 1))
	echo "ok $ran $name # SKIP $*"
}

# skip_some N NAME REASON
skip_some() {
	local n=$1
	shift
	while [ "$n" -gt 0 ]; do
		skip "$@"
		n=$((n - 1))
	done
}

# skip_rest REASON: everything that is still planned
skip_rest() {
	while [ "$ran" -lt "$planned" ]; do
		skip "not run" "$@"
	done
	exit 0
}

# check NAME COMMAND...: passes when the command does; what it printed is the diagnosis
check() {
	local name=$1
	shift
	if "$@" >"$T/why" 2>&1; then
		pass "$name"
	else
		echo "failed: $*" >>"$T/why"
		fail "$name"
		return 1
	fi
}

not() { ! "$@"; }

# equal WHAT GOT WANTED
equal() {
	[ "$2" = "$3" ] && return
	echo "$1 is '$2', wanted '$3'"
	return 1
}

# matches WHAT GOT EXTENDED_REGEX
matches() {
	printf '%s\n' "$2" | grep -Eq -- "$3" && return
	echo "$1 is '$2', wanted /$3/"
	return 1
}

# between WHAT GOT MIN MAX
between() {
	case $2 in
	'' | *[!0-9]*) ;;
	*) [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] && return ;;
	esac
	echo "$1 is '$2', wanted $3..$4"
	return 1
}

# has FILE EXTENDED_REGEX
has() {
	grep -Eq -- "$2" "$1" && return
	echo "no /$2/ in $1; its end:"
	tail -n 15 "$1"
	return 1
}

# until_says FILE REGEX: a background job says it (what it does is bounded by itself)
until_says() {
	local tries=0
	while ! grep -Eq "$2" "$1" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || { echo "no /$2/ in $1:"; cat "$1"; return 1; }
		usleep 50000
	done
}

# --- tracepoints ---------------------------------------------------------------

TRACING=/sys/kernel/tracing

# trace_on EVENT: from here on; fails where there is no tracefs
trace_on() {
	grep -q " $TRACING tracefs " /proc/mounts ||
		mount -t tracefs tracefs $TRACING 2>/dev/null || return
	echo >$TRACING/trace && echo 1 >"$TRACING/events/multikernel/$1/enable"
}
# trace_off EVENT: its lines are in $T/trace
trace_off() {
	echo 0 >"$TRACING/events/multikernel/$1/enable"
	cat $TRACING/trace >"$T/trace"
}

# --- the host's log ----------------------------------------------------------

marks=0

# From here on klog shows; the marker is a line in the log itself
klog_mark() {
	marks=$((marks + 1))
	MARK="mk-test: $MK_TEST.$$ mark $marks"
	echo "$MARK" >/dev/kmsg
}

# klog MARK: the host's log since then (all of it when the marker has been overwritten)
klog() {
	dmesg >"$T/dmesg"
	awk -v mark="$1" '
	{ line[NR] = $0 }
	index($0, mark) { from = NR }
	END { for (i = from + 1; i <= NR; i++) print line[i] }' "$T/dmesg"
}

# The lines of the kernel's multikernel part, without time stamps
mk_lines() { sed -n -E 's/^(<[0-9]+>)?(\[[^]]*\] ?)*multikernel: /multikernel: /p'; }

TROUBLE='BUG:|\] WARNING: |UBSAN|KASAN|Oops|rcu: INFO|rcu_.*(self-detected|detected) stall'
TROUBLE="$TROUBLE|blocked for more than|possible circular|possible recursive|inconsistent lock"
TROUBLE="$TROUBLE|suspicious RCU|nvalid wait context|sleeping function called|general protection"
TROUBLE="$TROUBLE|unable to handle|list_(add|del) corruption|nobody cared|Uhhuh|ODEBUG"

# --- instances ---------------------------------------------------------------

val() { cat "$INST/$1/$2" 2>/dev/null; }
state() { val "$1" state; }
reason() { val "$1" reason; }
online() { cat $CPUS/online; }
pool_free() { cat $MK/pool/memory_free; }
pool_total() { cat $MK/pool/memory_total; }

# mk_create key=value...
mk_create() { mkwrite $MK/create "$*"; }
mk_destroy() {
	save_console "$1"
	mkwrite $MK/destroy "$1"
}
control() { mkwrite "$INST/$1/control" "$2"; }

# initrd_with DIR: to stdout, the spawns' initramfs and what lies below DIR
initrd_with() {
	cat "$INITRD"
	# Archive after archive; a plain one begins at a multiple of 4
	head -c $((-$(wc -c <"$INITRD") & 3)) /dev/zero
	(cd "$1" && find . | cpio -o -H newc 2>/dev/null)
}

# mk_load NAME [CMDLINE] [KERNEL]: the spawn does what mk.spawn= says, see dev/guest/spawn.sh
# A debug kernel would run its unit tests in every spawn, too: seconds each time.
mk_load() {
	mkload -i "$(val "$1" id)" -r "$INITRD" -c "kunit.enable=0 ${2:-}" "${3:-$KERNEL}"
}

# wait_state NAME STATE [MS]: ends early, and fails, when the instance ended otherwise
wait_state() {
	local got
	got=$(mkwait "$1" "$2,stopped,crashed" "${3:-$BOOT_MS}") || return
	[ "$got" = "$2" ] && return
	echo "$1 is $got, not $2; reason: $(reason "$1")"
	return 1
}

# mk_start NAME: until its init runs
mk_start() {
	control "$1" start && wait_state "$1" running
}

mk_stop() {
	control "$1" stop && wait_state "$1" stopped "$STOP_MS"
}

mk_kill() { control "$1" kill; }

# mk_set NAME FILE VALUE: one of the files of an instance that take a value
mk_set() { mkwrite "$INST/$1/$2" "$3"; }

# mk_up NAME CPUS MEMORY [CMDLINE]: from nothing to running
mk_up() {
	mk_create name="$1" cpus="$2" memory="$3" split_core=1 &&
		mk_load "$1" "${4:-}" && mk_start "$1"
}

# ended NAME STATE REASON_REGEX [MS]
ended() {
	wait_state "$1" "$2" "${4:-$BOOT_MS}" &&
		matches "reason of $1" "$(reason "$1")" "$3"
}

# The lines of dev/guest/spawn.sh in the log of an instance that has been running since
# its last start: said NAME TEXT [MS] waits for one, told NAME REGEX is the rest of the last
said() { mkwait -b "$INST/$1/console" "spawn: $2" "${3:-$BOOT_MS}"; }
told() { val "$1" console | sed -n -E "s/^.*spawn: $2//p" | tail -n 1; }

# watched NAME: a spawn that runs mk.spawn=watch has written a line that is newer than now
watched() {
	local n
	n=$(told "$1" "watch ")
	n=${n%% *}
	said "$1" "watch $((${n:-0} + 2)) " 20000
}

# hangs NAME: started with mk.spawn=...,hang, it answers no more
hangs() {
	local tries=0
	mkwait -f "$INST/$1/console" "spawn: hang" "$BOOT_MS" >/dev/null || return
	has "$INST/$1/console" "spawn: hang now" || return
	while mkwrite "$DBG/$1/ping" 1 && has "$DBG/$1/ping" "lost=0"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return
		usleep 100000
	done >/dev/null 2>&1
}

# key WORD LINE: value of "WORD=value" in a line
key() {
	local word
	for word in $2; do
		case $word in
		"$1="*)
			echo "${word#*=}"
			return
			;;
		esac
	done
}

# Everything a refused request must leave alone
snapshot() {
	local d f
	echo "online $(online) free $(pool_free)"
	for d in "$INST"/*/; do
		[ -d "$d" ] || continue
		echo "$d"
		for f in id cpus memory state reason cmdline; do
			sed "s/^/$f /" "$d$f"
		done
	done
}

# refused NAME ERRNO REGEX COMMAND...: the command says ERRNO, one log line has the
# offending word, nothing changed
refused() {
	local name=$1 err=$2 re=$3 before after got lines
	shift 3
	before=$(snapshot)
	klog_mark
	got=$("$@" 2>&1) && got=success
	lines=$(klog "$MARK" | mk_lines)
	after=$(snapshot)
	{
		matches "result" "$got" "(^|[: ])($err)\$" &&
			equal "number of log lines" "$(printf '%s' "$lines" | grep -c '')" 1 &&
			matches "log line" "$lines" "$re" &&
			equal "everything else" "$after" "$before"
	} >"$T/why" 2>&1 && pass "$name" && return
	{
		echo "result '$got', wanted $err; log, wanted /$re/:"
		echo "$lines"
	} >>"$T/why"
	fail "$name"
	return 1
}

# expect_errno NAME ERRNO FILE STRING REGEX: the same for one write; STRING may be hex:...
expect_errno() {
	case $4 in
	hex:*) refused "$1" "$2" "$5" mkwrite -x "$3" "${4#hex:}" ;;
	*) refused "$1" "$2" "$5" mkwrite -- "$3" "$4" ;;
	esac
}

# cpu_mask N: as taskset wants it
cpu_mask() { printf '%x' $((1 << $1)); }

# cpu_works N: the host runs something there
cpu_works() {
	local on
	# field 39 is the CPU it ran on last; the name of the command has no blanks
	on=$(taskset "$(cpu_mask "$1")" cat /proc/self/stat | cut -d' ' -f39)
	equal "CPU of a task bound to CPU $1" "$on" "$1"
}

# cpus_work: so does every CPU that was online when the test began
cpus_work() {
	local c
	equal "CPUs online" "$(online)" "$START_ONLINE" || return
	for c in "$CPUS"/cpu[0-9]*; do
		[ "$(cat "$c/online" 2>/dev/null || echo 1)" = 1 ] || continue
		cpu_works "${c##*cpu}" || return
	done
}

# --- deliberate panics -------------------------------------------------------

# Also into the log: the runner reads both
panic_begin() {
	panic_open=1
	echo "# expect-panic begin"
	echo "# expect-panic begin" >/dev/kmsg
}

# panic_end NAME: shows the console of the dead within the brackets
panic_end() {
	show_console "$1" | tail -n 200
	: >"$T/panicked.$1"
	echo "# expect-panic end"
	echo "# expect-panic end" >/dev/kmsg
	panic_open=
}

show_console() {
	local n=$1
	if [ -r "$INST/$n/console" ]; then
		sed "s/^/$n| /" "$INST/$n/console"
	elif [ -r "$T/console/$n" ]; then
		sed "s/^/$n| /" "$T/console/$n"
	fi
}

save_console() {
	[ -r "$INST/$1/console" ] && cat "$INST/$1/console" >>"$T/console/$1"
}

# --- setting up and cleaning up ----------------------------------------------

# kill and destroy whatever there is
mk_reset() {
	local d n rc=0
	for d in "$INST"/*/; do
		[ -d "$d" ] || continue
		n=${d%/}
		n=${n##*/}
		case $(state "$n") in
		booting | running | stopping) mk_kill "$n" || rc=1 ;;
		esac
		mk_destroy "$n" || rc=1
	done
	return $rc
}

param_get() { cat "$PARAM/$1" 2>/dev/null; }
param_set() { echo "$2" >"$PARAM/$1"; }

log_clean() {
	local f found rc=0
	found=$(klog "$START_MARK" | mk_foreign | grep -E "$TROUBLE|Kernel panic") && {
		echo "host:"
		echo "$found"
		rc=1
	}
	for f in "$T"/console/*; do
		[ -f "$f" ] && [ ! -f "$T/oopsed.${f##*/}" ] || continue
		found=$TROUBLE
		[ -f "$T/panicked.${f##*/}" ] || found="$found|Kernel panic"
		found=$(grep -E "$found" "$f") && {
			echo "${f##*/}:"
			echo "$found"
			rc=1
		}
	done
	return $rc
}

# What multikernel itself says may quote a spawn's panic. KCSAN looks at the whole kernel:
# of its reports only those with a function of ours in the headline
mk_foreign() {
	grep -Ev '^(<[0-9]+>)?(\[[^]]*\] ?)*(multikernel|mk-test): ' |
		awk '/KCSAN/ && !/[ \/]((hvc|arch|sysvec)_)?(mk|multikernel)_/ { next } { print }'
}

as_before() {
	equal "number of tests" "$ran" "$planned" || return
	equal "instances left" "$(ls "$INST")" "" || return
	equal "free pool" "$(pool_free)" "$START_FREE" || return
	cpus_work && log_clean
}

mk_exit() {
	local rc=$? f
	trap - EXIT TERM INT
	[ -z "$panic_open" ] || { echo "# expect-panic end" | tee /dev/kmsg; }
	end_all "MK_RUN=$MK_RUN"
	[ "$planned" -gt 0 ] || planned=$ran
	while [ "$ran" -lt "$planned" ]; do
		echo "the file stopped before, with status $rc" >"$T/why"
		fail "not reached"
	done
	mk_reset >"$T/reset" 2>&1 || { echo "cleaning up:"; cat "$T/reset"; } | diag
	for f in boot_timeout stop_timeout hang_timeout reboot_timeout dump_wait_ms; do
		[ ! -w "$PARAM/$f" ] || cat "$T/$f" >"$PARAM/$f"
	done
	check "all $planned ran, pool, CPUs and logs as before" as_before
	if [ "$failed" -gt 0 ]; then
		for f in "$T"/console/*; do
			[ -f "$f" ] || continue
			f=${f##*/}
			[ ! -f "$T/panicked.$f" ] || echo "# expect-panic begin"
			show_console "$f" | tail -n 120
			[ ! -f "$T/panicked.$f" ] || echo "# expect-panic end"
		done
		klog "$START_MARK" | tail -n 60 | sed 's/^/host| /'
	fi
	rm -rf "$T"
	exit $((failed > 0))
}

# need FILE WHAT: without it every test of the file is a SKIP that names it
need() {
	[ -e "$1" ] || skip_rest "$2 is missing"
}

skip_file() {
	echo "TAP version 13"
	echo "1..0 # SKIP $*"
	exit $KSFT_SKIP
}

# run-tests.sh asks for the plan alone: nothing is set up
[ -z "${MK_PLAN_ONLY:-}" ] || return 0

[ "$(id -u)" = 0 ] || skip_file "must run as root"
[ -d $INST ] || skip_file "no $INST: a kernel without MULTIKERNEL"
for p in "$KERNEL" "$INITRD"; do
	[ -f "$p" ] || skip_file "no $p: set MK_KERNEL and MK_INITRD"
done
# By this end_all knows whatever is started from here on, forks of this shell too
if [ "${MK_RUN:-}" != $$. ]; then
	MK_RUN=$$. exec sh "$0" "$@"
fi
mkdir -p "$T/console" || exit 1
mk_reset >/dev/null 2>&1
rm -f "$T"/console/*
for p in boot_timeout stop_timeout hang_timeout reboot_timeout dump_wait_ms; do
	param_get $p >"$T/$p"
done
START_ONLINE=$(online)
START_FREE=$(pool_free)
klog_mark
START_MARK=$MARK
trap mk_exit EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# --- memory, before and after ---

meminfo() { awk -v k="$1:" '$1 == k { print $2 }' /proc/meminfo; }
settle() {
	local c
	sync
	echo 3 >/proc/sys/vm/drop_caches
	echo 3 >/proc/sys/vm/drop_caches
	# Each slab cache keeps some empty slabs, once it had them: a cold one has none
	for c in /sys/kernel/slab/*/shrink; do
		[ ! -w "$c" ] || echo 1 >"$c"
	done
}
# Free pages that a CPU keeps at hand are free, but MemFree does not count them: some MiB
at_hand() {
	awk '$1 == "cpu:" { cpu = 1 }
		cpu && $1 == "count:" { n += $2; cpu = 0 }
		END { print n * 4 }' /proc/zoneinfo
}
# With KASAN an eighth of what was freed by vfree() is its shadow, until some 100 MiB of
# addresses are purged at once
shadow() {
	grep -qw kasan_report /proc/kallsyms || {
		echo 0
		return
	}
	awk '$3 == "unpurged" { n += $2 } END { print int(n / 8 / 1024) }' /proc/vmallocinfo
}
# five_pings NAME: five more in $n, in $late those that had no answer within half a second,
# in $line the figures; three of them end a run
five_pings() {
	n=$((n + 5))
	if mkwrite "$DBG/$1/ping" "5 20000" 2>"$T/five"; then
		line=$(cat "$DBG/$1/ping")
		late=$((late + $(key lost "$line")))
		return
	fi
	late=$((late + 3))
	grep -q ETIMEDOUT "$T/five" || { cat "$T/five"; return 1; }
}
# note WHEN: slab_WHEN, free_WHEN and vmalloc_WHEN are the kB of now
note() {
	settle
	awk 'NR > 2 { print $1, $2 * $4 / 1024 }' /proc/slabinfo >"$T/slab.now"
	[ -f "$T/slab.first" ] || cp "$T/slab.now" "$T/slab.first"
	eval "slab_$1=$(meminfo Slab) free_$1=$(($(meminfo MemFree) + $(at_hand) + $(shadow)))" \
		"vmalloc_$1=$(meminfo VmallocUsed)"
}
grew() { # WHAT BEFORE AFTER ALLOWED
	echo "# $1: $2 kB before, $3 kB after" >&4
	[ $(($3 - $2)) -le "$4" ] && return
	echo "$1 grew by $(($3 - $2)) kB, allowed are $4"
	echo "the objects of these slab caches grew most since the first look (kB):"
	awk 'NR == FNR { was[$1] = $2; next } $2 - was[$1] >= 8 { print $1, was[$1], $2 }' \
		"$T/slab.first" "$T/slab.now" | sort -k 3 -n | tail -n 12
	return 1
}
