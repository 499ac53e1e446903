#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Lent CPUs stay away from the host while they are lent, and come back whole.
. "$(dirname "$0")/lib.sh"
plan 15

O2=$CPUS/cpu2/online
O3=$CPUS/cpu3/online

mk_create name=web cpus=2-3 memory=192M
expect_errno "onlining a lent CPU" EBUSY $O3 1 "CPU 3.*web|web.*CPU 3"
expect_errno "onlining the other one" EBUSY $O2 1 "CPU 2.*web|web.*CPU 2"
check "they are still offline" equal online "$(online)" 0-1

cpu1_cycle() {
	mkwrite $CPUS/cpu1/online 0 && equal online "$(online)" 0 &&
		mkwrite $CPUS/cpu1/online 1 && cpu_works 1
}
check "a CPU of the host still goes offline and online" cpu1_cycle

mk_load web mk.spawn=view
check "it runs on them" mk_start web
expect_errno "onlining a CPU on which a spawn runs" EBUSY $O2 1 "CPU 2.*web|web.*CPU 2"
check "a CPU of the host goes offline and online beside it" cpu1_cycle
check "it still runs" equal state "$(state web)" running
check "it answers" eval 'mkwrite $DBG/web/ping 3 && has $DBG/web/ping lost=0'
check "kill it" mk_kill web
expect_errno "onlining a CPU of a killed one" EBUSY $O3 1 "CPU 3.*web|web.*CPU 3"
check "destroy brings the CPUs online" \
	eval 'mk_destroy web && equal online "$(online)" "$START_ONLINE"'
check "tasks run on every CPU" cpus_work

ticks() { awk -v f=$(($1 + 2)) '$1 == "LOC:" { print $f }' /proc/interrupts; }
timers() {
	local c before
	for c in 2 3; do
		before=$(ticks $c)
		taskset "$(cpu_mask $c)" usleep 50000
		[ "$(ticks $c)" -gt "$before" ] || { echo "CPU $c: $before"; return 1; }
	done
}
check "their timers fire" timers
off_on() {
	mkwrite "$O3" 0 && equal online "$(online)" 0-2 && mkwrite "$O3" 1 && cpu_works 3
}
check "the host can take them offline and online as before" off_on
