#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC3043 # busybox ash
# Lives of an instance, each to another end, between two marks on the console; what its
# CPUs touched meanwhile is looked up in QEMU's trace, see ports.awk and dev/check.sh.
# The words of "reboot=" are ways in which a kernel of its own machine resets it by a port.
PATH=/mk/bin:$PATH
I=/sys/kernel/multikernel/instances/web
. /mk/tap.sh
reaches() { [ "$(mkwait web "$1,crashed" 60000)" = "$1" ]; }
ended() { # STATE REASON
	[ "$(mkwait web stopped,crashed 90000)" = "$1" ] && grep -qE "$2" $I/reason && return
	cat $I/state $I/reason
	return 1
}
load() { mkload -i "$(cat $I/id)" -r /mk/base.cpio.gz -c "$1" /mk/bzImage; }

# life NAME STATE REASON WORDS: it ends by itself
life() {
	result "$1: load" load "$4"
	result "$1: start" mkwrite $I/control start
	result "$1: it ends so" ended "$2" "$3"
}

echo "TAP version 13"
echo "1..26"
result "create" mkwrite /sys/kernel/multikernel/create "name=web cpus=2-3 memory=256M"
echo "ports: begin" >/dev/kmsg
result "stop: load" load "mk.spawn=view acpi=force pci=conf1"
result "stop: start" mkwrite $I/control start
result "stop: it runs" reaches running
result "stop: it is pinged" mkwrite /sys/kernel/debug/multikernel/web/ping 10
mkwrite $I/control stop
result "stop: it powers off" ended stopped '^poweroff$'
life reboot stopped '^reboot$' "mk.spawn=reboot reboot=pci"
life halt stopped '^halt$' mk.spawn=halt
life panic crashed '^panic: ' "mk.spawn=panic panic=-1 reboot=kbd"
# An Oops in an interrupt: emergency_restart() follows at once
life emergency crashed '^panic: ' "mk.spawn=inject:null-irq panic=-1 reboot=bios,force"
life hang crashed '^hang: ' mk.spawn=hotplug:3,hang
result "kill: load" load mk.spawn=view
result "kill: start" mkwrite $I/control start
result "kill: it runs" reaches running
mkwrite $I/control kill
result "kill: it ends so" ended stopped '^killed$'
echo "ports: end" >/dev/kmsg
result "destroy" mkwrite /sys/kernel/multikernel/destroy web
