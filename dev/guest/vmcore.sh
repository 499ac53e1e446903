#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A spawn panics; the core of it, made smaller by makedumpfile, is left in memory that
# this kernel does not use, at the address that mk.core= says. See dev/vmcore.sh.
PATH=/mk/bin:$PATH
I=/sys/kernel/multikernel/instances/web
. /mk/tap.sh
crashes() { mkwait web crashed 60000; }

# shellcheck disable=SC2013 # words, not lines
for word in $(cat /proc/cmdline); do
	case $word in
	mk.core=*) at=$((${word#mk.core=})) ;;
	esac
done
echo "TAP version 13"
if ! command -v makedumpfile >/dev/null; then
	echo "1..1"
	echo "ok 1 vmcore # SKIP makedumpfile is missing"
	exit 0
fi
echo "1..6"
result "create" mkwrite /sys/kernel/multikernel/create "name=web cpus=2-3 memory=128M"
result "load" mkload -i "$(cat $I/id)" -r /mk/base.cpio.gz -c mk.spawn=panic /mk/bzImage
echo "# expect-panic begin" >/dev/kmsg
mkwrite $I/control start
result "it panics" crashes
echo "# expect-panic end" >/dev/kmsg
result "makedumpfile copies the core" makedumpfile -c -d 31 $I/vmcore /tmp/core
result "the copy is left in memory" \
	dd if=/tmp/core of=/dev/mem bs=4096 seek=$((at / 4096)) conv=notrunc
# Its CPUs 0 and 1 are 2 and 3 of the host
echo "core: size $(stat -c %s /tmp/core) ip $(cat $I/fault/ip) cpu $(($(cat $I/fault/cpu) - 2))"
result "destroy" mkwrite /sys/kernel/multikernel/destroy web
