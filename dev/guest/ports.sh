#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# One whole life of an instance, between two marks on the console; what its CPUs touched
# meanwhile is looked up in QEMU's trace, see ports.awk and dev/check.sh.
PATH=/mk/bin:$PATH
I=/sys/kernel/multikernel/instances/web
. /mk/tap.sh
reaches() { [ "$(mkwait web "$1,crashed" 60000)" = "$1" ]; }

echo "TAP version 13"
echo "1..5"
result "create" mkwrite /sys/kernel/multikernel/create "name=web cpus=2-3 memory=256M"
result "load" mkload -i "$(cat $I/id)" -r /mk/base.cpio.gz -c mk.spawn=view /mk/bzImage
echo "ports: begin" >/dev/kmsg
mkwrite $I/control start
result "it runs" reaches running
mkwrite /sys/kernel/debug/multikernel/web/ping 10
mkwrite $I/control stop
result "it powers off" reaches stopped
echo "ports: end" >/dev/kmsg
result "destroy" mkwrite /sys/kernel/multikernel/destroy web
