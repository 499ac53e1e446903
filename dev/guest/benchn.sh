#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2086,SC3043 # no blanks; busybox ash
# The guest's part of `make bench` for 1, 2 and 4 instances: what a ping to one costs
# while others flood the host, or only burn a CPU each.  8 CPUs: 4 of the host, which
# read for one instance each, and one for each instance.
# shellcheck source=dev/guest/benchlib.sh
. /mk/benchlib.sh
D=/sys/kernel/debug/multikernel
OUT=/tmp/benchn

# up NUMBER WORD: instance iNUMBER on CPU 4 + NUMBER, whose spawn does WORD; the host's
# CPU NUMBER reads for it
up() {
	mkwrite $MK/create "name=i$1 cpus=$((4 + $1)) memory=112M split_core=1" &&
		mkload -i "$(cat $MK/instances/i$1/id)" -r $INITRD -c "quiet mk.spawn=$2" $KERNEL &&
		mkwrite $MK/instances/i$1/control start &&
		[ "$(mkwait "i$1" running,crashed,stopped 120000)" = running ] &&
		mkwrite $MK/instances/i$1/doorbell_cpu "$1" &&
		mkwait -b $MK/instances/i$1/console "spawn: $3" 60000
}

down() {
	mkwrite $MK/instances/i$1/control kill && mkwrite $MK/destroy "i$1"
}

# pings NAME: medians of some rounds
pings() {
	local i=0
	: >$OUT
	taskset 1 mkwrite $D/i0/ping 200 || fail "ping"
	while [ $i -lt $((ROUNDS * 2)) ]; do
		i=$((i + 1))
		taskset 1 mkwrite $D/i0/ping 500 || fail "ping"
		cat $D/i0/ping >>$OUT
	done
	sed "s/^/# $1: /" $OUT
	for key in avg median min; do
		echo "bench: $1_${key}_ns=$(sed -n -E "s/.*${key}_ns=([0-9]+).*/\1/p" $OUT | median) ns"
	done
}

up 0 view clock || fail "the instance does not run"
pings ping_of_1
for what in spin floodhost; do
	up 1 $what "$what now" || fail "$what"
	rx=$(sed -n 's/^rx=//p' $D/i1/stats)
	pings ping_of_2_$what
	echo "# received from it meanwhile: $(($(sed -n 's/^rx=//p' $D/i1/stats) - rx))"
	up 2 $what "$what now" || fail "$what"
	up 3 $what "$what now" || fail "$what"
	pings ping_of_4_$what
	for i in 1 2 3; do
		down $i || fail "down"
	done
done
echo "bench: done"
