#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A triple fault of a spawn: where a CPU can't reset alone the machine does, and this
# script does not come to its end, see dev/check.sh.
PATH=/mk/bin:$PATH
I=/sys/kernel/multikernel/instances/web
. /mk/tap.sh

echo "TAP version 13"
echo "1..2"
result "create" mkwrite /sys/kernel/multikernel/create "name=web cpus=3 memory=128M split_core=1"
result "load" mkload -i "$(cat $I/id)" -r /mk/base.cpio.gz -c mk.spawn=inject:triple-fault /mk/bzImage
echo "triple: now"
stty 115200 <&1	# waits until all of it was sent
mkwrite $I/control start
mkwait web stopped,crashed 60000
echo "triple: the machine goes on"
