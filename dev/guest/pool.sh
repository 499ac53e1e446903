#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What became of multikernel= on this kernel's command line. mk.pool=BYTES says what
# the pool must have; 0 is a pool that could not be had: a line in the log, no more.
MK=/sys/kernel/multikernel
want=$(sed -n -E 's/.*mk\.pool=([0-9]+).*/\1/p' /proc/cmdline)
. /mk/tap.sh

refused() { ! echo "name=web cpus=3 memory=64M" 2>/dev/null >$MK/create; }
in_iomem() { grep -q "$1 : Multikernel pool" /proc/iomem; }
at=$(sed -n -E 's/.*multikernel=[^ ]*@0x([0-9a-f]+).*/\1/p' /proc/cmdline)

echo "TAP version 13"
if [ "$want" = 0 ]; then
	echo "1..4"
	result "the log says that the pool stays empty" \
		sh -c "dmesg | grep -q 'multikernel.*the pool stays empty'"
	result "memory_total is 0" [ "$(cat $MK/pool/memory_total)" = 0 ]
	result "create is refused" refused
	result "and the log says why" sh -c "dmesg | grep -q 'create: .*the pool is empty'"
else
	echo "1..3"
	result "memory_total" [ "$(cat $MK/pool/memory_total)" = "$want" ]
	result "memory_free" [ "$(cat $MK/pool/memory_free)" = "$want" ]
	result "/proc/iomem has it, where it was asked for" in_iomem "$at.*"
fi
