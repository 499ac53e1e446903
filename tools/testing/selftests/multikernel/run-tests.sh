#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# All tests as one TAP stream. Runs in the host guest, busybox ash.
# mk.tests=create,kill on the kernel command line (or as argument) chooses some.
DIR=$(cd "$(dirname "$0")" && pwd)
[ -f "$DIR/lib.sh" ] || DIR=/mk/tests
. "$DIR/end_all.sh"
MK=/sys/kernel/multikernel

# Cheap ones first; lockdown cannot be undone
tests="create smt microcode vhost destroy perms cpu load kexec poll lifecycle mkctl console"
tests="$tests tty ping bench pulse idle message vsock sample"
tests="$tests two isolation guard hang watchdog ends policy hostpaths kill vmcore contain_crash"
tests="$tests contain_hang contain_peer lie vsock_lie oom leak fuzz lockdown"
limit() {	# seconds for one file; some start many spawns
	case $1 in
	message | lie | vsock_lie | contain_*) echo 900 ;;
	policy | watchdog | ends | hostpaths | fuzz) echo 600 ;;
	*) echo 300 ;;
	esac
}

chosen=$1
# shellcheck disable=SC2013 # words, not lines
for word in $(cat /proc/cmdline); do
	case $word in
	mk.tests=*) chosen=${word#mk.tests=} ;;
	esac
done
[ -z "$chosen" ] || tests=$(echo "$chosen" | tr , ' ')

plan_of() { MK_PLAN_ONLY=1 sh "$DIR/$1.sh"; }

total=3
for t in $tests; do
	n=$(plan_of "$t")
	total=$((total + ${n:-1}))
done
echo "TAP version 13"
echo "1..$total"

base=0
failed=0
result() { # NAME COMMAND...: one of run-tests' own
	local name=$1
	shift
	base=$((base + 1))
	if "$@"; then
		echo "ok $base host: $name"
	else
		echo "not ok $base host: $name"
		failed=$((failed + 1))
		return 1
	fi
}

result "the kernel has MULTIKERNEL" [ -d $MK/instances ] || exit 1
result "the pool is not empty" [ "$(cat $MK/pool/memory_total)" -gt 0 ] || exit 1
result "4 CPUs are online" [ "$(cat /sys/devices/system/cpu/online)" = 0-3 ] || exit 1

# The file's lines with numbers of the whole stream and the file's name; what it planned
# and did not run has failed
renumber() {
	awk -v base="$base" -v name="$1" -v planned="$2" -v out="/tmp/run-tests.count" '
	/^TAP version/ || /^1\.\.[0-9]+$/ { next }
	/^(not )?ok [0-9]+/ {
		n++
		bad += /^not/
		ok = /^not/ ? "not ok" : "ok"
		sub(/^(not )?ok [0-9]+ /, "")
		print ok, base + n, name ": " $0
		fflush()
		next
	}
	{ print; fflush() }
	END {
		while (n < planned) {
			n++
			bad++
			print "not ok", base + n, name ": not reached, the file ended before"
		}
		print n, bad + 0 >out
	}'
}

# When a file is stuck: what the kernel knows about it; when it is stuck for good: end
watchdog() {
	sleep $(($(limit "$1") - 5))
	echo "# $1 takes too long: blocked tasks and held locks are in the kernel log"
	echo w >/proc/sysrq-trigger
	echo d >/proc/sysrq-trigger
	sleep 60
	echo "Bail out! $1 cannot be ended"
	poweroff -f
}

start=$(date +%s)
for t in $tests; do
	from=$(date +%s)
	echo "# === $t"
	echo "mk-test: === $t" >/dev/kmsg
	n=$(plan_of "$t")
	watchdog "$t" &
	dog=$!
	{
		timeout -k 20 "$(limit "$t")" sh "$DIR/$t.sh"
		# Had it to be killed, then what it started has the pipe still
		end_all MK_RUN=
	} 2>&1 | renumber "$t" "${n:-1}"
	kill $dog
	read -r n bad </tmp/run-tests.count
	base=$((base + n))
	failed=$((failed + bad))
	echo "# $t: $bad of $n failed, $(($(date +%s) - from)) s"
done
echo "# all: $failed of $base failed, $(($(date +%s) - start)) s"
[ $failed = 0 ]
