#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The ordinary kexec and kdump of a kernel with MULTIKERNEL, by Debian's kexec-tools.
#	kexec   load in all ways, then go to a second kernel, which runs kexec2
#	kdump   load a crash kernel, then crash; the crash kernel runs kdump2
# The plan is printed by the first kernel; a second one that never comes leaves it open.

n=0
check() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >/tmp/log 2>&1; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		sed 's/^/# /' /tmp/log
	fi
}

is() { echo "$1 is $(cat "$1"), wanted $2"; [ "$(cat "$1")" = "$2" ]; }

K=/mk/bzImage
I="--initrd=/mk/base.cpio.gz"
LOADED=/sys/kernel/kexec_loaded
CRASH=/sys/kernel/kexec_crash_loaded
ARGS="console=ttyS0 loglevel=7"

if [ "${1#*2}" = "$1" ] && ! command -v kexec >/dev/null; then
	echo "TAP version 13"
	echo "1..1"
	echo "ok 1 $1 # SKIP kexec-tools is missing"
	exit 0
fi

case $1 in
kexec)
	echo "TAP version 13"
	echo "1..8"
	check "kexec_load loads" kexec -c -l $K "$I" --command-line="$ARGS"
	check "kexec_load is loaded" is $LOADED 1
	check "kexec -u unloads" kexec -u
	check "nothing is loaded" is $LOADED 0
	check "kdump image loads" kexec -p $K "$I" --command-line="$ARGS"
	check "kdump image is loaded" is $CRASH 1
	check "kexec_file_load loads beside it" kexec -s -l $K "$I" --command-line="$ARGS mk.run=kexec2"
	sleep 0.2
	kexec -e -x
	echo "not ok 8 kexec -e reaches the second kernel"
	;;
kexec2)
	echo "kexec2: second kernel up"
	echo "ok 8 kexec -e reaches the second kernel"
	;;
kdump)
	echo "TAP version 13"
	echo "1..2"
	check "kdump image loads by kexec_file_load" kexec -s -p $K "$I" --command-line="$ARGS mk.run=kdump2 maxcpus=1"
	sleep 0.2
	echo c >/proc/sysrq-trigger
	;;
kdump2)
	echo "kdump2: crash kernel up"
	if [ -s /proc/vmcore ]; then
		echo "ok 2 crash kernel has a vmcore"
	else
		echo "not ok 2 crash kernel has a vmcore"
	fi
	;;
esac
