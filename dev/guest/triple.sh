#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A triple fault of a spawn: where a CPU can't reset alone the machine does, and this
# script does not come to its end, see dev/check.sh. With mk.triple=entry the kernel's first
# instruction is none: an exception while nobody handles one.
PATH=/mk/bin:$PATH
I=/sys/kernel/multikernel/instances/web
. /mk/tap.sh
K=/mk/bzImage
if grep -q 'mk\.triple=entry' /proc/cmdline; then
	# The 64-bit entry is 0x200 behind what is for real mode, which has setup_sects sectors
	# and one: boot.rst
	cp $K /tmp/bad
	K=/tmp/bad
	at=$((($(od -A n -t u1 -j 497 -N 1 $K) + 1) * 512 + 512))
	printf '\017\013' | dd of=$K bs=1 seek=$at conv=notrunc 2>/dev/null
fi

echo "TAP version 13"
echo "1..2"
result "create" mkwrite /sys/kernel/multikernel/create "name=web cpus=3 memory=128M split_core=1"
result "load" mkload -i "$(cat $I/id)" -r /mk/base.cpio.gz -c mk.spawn=inject:triple-fault $K
echo "triple: now"
stty 115200 <&1	# waits until all of it was sent
mkwrite $I/control start
mkwait web stopped,crashed 60000
echo "triple: the machine goes on"
