#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015 # fail does not come back
# The guest's part of `make cost` for a spawn that idles: how far a loop on CPU 0 comes
# with CPU 1 lent and waiting for a SIPI, then with a spawn on it that does nothing. Under
# -icount all CPUs share one clock, which counts instructions: what the loop lost in the
# second case is what host and spawn executed besides, to the instruction.
# shellcheck source=dev/guest/benchlib.sh
. /mk/benchlib.sh
I=$MK/instances/i
MS=4000

count() { echo "idle: $1 $(taskset 1 mkcount $MS)"; }
stats() { sed -n "s/^$1=//p" /sys/kernel/debug/multikernel/i/stats; }

mkwrite $MK/create "name=i cpus=1 memory=64M split_core=1" &&
	mkload -i "$(cat $I/id)" -r $INITRD -c quiet $KERNEL || fail load
sleep 5
count lent
mkwrite $I/control start || fail start
[ "$(mkwait i running,crashed,stopped 60000)" = running ] || fail "it does not run"
# Who polls has stopped by then, and its boot is over
sleep 10
before="$(stats beats) $(stats doorbells_rx) $(stats slept)"
count spawn
echo "# beats, doorbells, wake-ups of the reader meanwhile: from $before to $(stats beats) $(stats doorbells_rx) $(stats slept)"
[ "$(cat $I/state)" = running ] || fail "it does not run any more"
