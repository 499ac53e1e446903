#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317,SC2034 # functions and values that the parts use
# run.sh DIR: tests of the mkctl in DIR, as TAP. They need neither root nor the kernel:
# fakekernel.so answers in its place, with files below a folder of our own.
DIR=$(cd "${1:-.}" && pwd) || exit 1
HERE=$(cd "$(dirname "$0")" && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/mkctl.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
export LC_ALL=C
MK=$T/root/sys/kernel/multikernel
INST=$MK/instances
CONF=$T/root/etc/multikernel

# --- TAP ----------------------------------------------------------------------

ran=0
failed=0

# it NAME COMMAND...: passes when the command does; what it printed is the diagnosis
it() {
	name=$1
	shift
	ran=$((ran + 1))
	if "$@" >"$T/why" 2>&1; then
		echo "ok $ran $name"
	else
		echo "not ok $ran $name"
		failed=$((failed + 1))
		{
			echo "failed: $*"
			cat "$T/why"
			echo "status $rc, stdout:"
			cat "$T/out"
			echo "stderr:"
			cat "$T/err"
		} | sed 's/^/# /'
	fi
}

skip() {
	ran=$((ran + 1))
	echo "ok $ran $1 # SKIP $2"
}

# mkctl ARGUMENTS: rc, $T/out and $T/err are what came of it
mkctl() {
	MKCTL_ROOT=$T/root LD_PRELOAD=$DIR/fakekernel.so timeout 10 "$DIR/mkctl" "$@" \
		>"$T/out" 2>"$T/err" </dev/null
	rc=$?
}

equal() {
	[ "$2" = "$3" ] && return
	echo "$1 is '$2', wanted '$3'"
	return 1
}

has() { # FILE REGEX...: each in a line of the file
	file=$1
	shift
	for re; do
		grep -Eq -- "$re" "$file" && continue
		echo "no /$re/ in $file"
		return 1
	done
}

lacks() {
	! grep -E -- "$2" "$1"
}

status() { equal "exit status" "$rc" "$1"; }
lines() { equal "lines in $1" "$(wc -l <"$1")" "$2"; }
state() { equal "state of $1" "$(cat "$INST/$1/state" 2>&1)" "$2"; }
gone() { [ ! -e "$INST/$1" ]; }
pool_full() { equal "free pool" "$(cat "$MK/pool/memory_free")" 536870912; }

# ok COMMAND LINE: and nothing on stderr
ok() {
	mkctl "$@"
	status 0 && lines "$T/err" 0
}

# no STATUS REGEX COMMAND LINE: one line on stderr, with the regex in it
no() {
	want=$1
	re=$2
	shift 2
	mkctl "$@"
	status "$want" && lines "$T/err" 1 && has "$T/err" "^mkctl: .*$re"
}

both() { "$1" && shift && "$@"; }

# --- a machine: 8 CPUs of which 2 and 3 share a core ----------------------------

file() { # PATH TEXT
	mkdir -p "$T/root/${1%/*}"
	printf '%s\n' "$2" >"$T/root/$1"
}

machine() {
	rm -rf "$T/root"
	mkdir -p "$INST" "$CONF" "$T/root/dev"
	: >"$T/root/dev/kmsg"
	file sys/kernel/multikernel/create ""
	file sys/kernel/multikernel/destroy ""
	file sys/kernel/multikernel/pool/memory_total 536870912
	file sys/kernel/multikernel/pool/memory_free 536870912
	file sys/devices/system/cpu/online 0-7
	file sys/devices/system/cpu/present 0-7
	for c in 0 1 4 5 6 7; do
		file sys/devices/system/cpu/cpu$c/topology/thread_siblings_list $c
	done
	for c in 2 3; do
		file sys/devices/system/cpu/cpu$c/topology/thread_siblings_list 2-3
	done
	file sys/devices/system/clocksource/clocksource0/current_clocksource tsc
	file sys/devices/system/clocksource/clocksource0/available_clocksource "tsc hpet"
	file proc/cpuinfo "processor	: 0
flags		: fpu tsc apic constant_tsc nonstop_tsc"
	file proc/cmdline "ro quiet multikernel=512M"
	file "boot/config-$(uname -r)" "CONFIG_MULTIKERNEL=y
CONFIG_KEXEC_FILE=y
CONFIG_HOTPLUG_CPU=y
CONFIG_HVC_MULTIKERNEL=y
CONFIG_MULTIKERNEL_VSOCKETS=m
CONFIG_DEBUG_FS=y"
	echo bzImage >"$T/bzImage"
	echo nothing >"$T/other"
	echo initrd >"$T/rd"
}

web="--cpus 2-3 --memory 256M"
K="--kernel $T/bzImage"

# shellcheck disable=SC2086 # words
up() { # NAME CPUS [fake=...]
	mkctl run "$1" --cpus "$2" --memory 64M $K --append "${3:-}"
	status 0
}

for part in "$HERE"/t-*.sh; do
	machine
	# shellcheck disable=SC1090
	. "$part"
done

echo "1..$ran"
[ $failed = 0 ] || echo "# $failed of $ran failed"
[ $failed = 0 ]
