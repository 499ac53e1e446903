#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# What the host does to itself while spawns run: sleep, CPU hotplug. What ends the host is
# in dev/check.sh: parts kexec, down, kdump.
. "$(dirname "$0")/lib.sh"
plan 16

POWER=/sys/power
boot_id=$(cat /proc/sys/kernel/random/boot_id)
slept() { dmesg | grep -c 'PM: suspend entry'; }

mk_create name=web cpus=2 memory=128M split_core=1
mk_create name=idle cpus=3 memory=64M split_core=1
mk_load web mk.spawn=view
check "a spawn runs" mk_start web

# --- sleep -----------------------------------------------------------------------

# Both are named: the one that runs, and the one that only has its CPU
no_sleep() {
	local got
	klog_mark
	got=$(mkwrite $POWER/state "$1" 2>&1) && got=success
	matches result "$got" 'EBUSY$' && klog "$MARK" | mk_lines >"$T/lines" &&
		has "$T/lines" "multikernel: web: the host can't sleep while it exists" &&
		has "$T/lines" "multikernel: idle: the host can't sleep while it exists"
}
answers() { mkwrite "$DBG/web/ping" 5 && has "$DBG/web/ping" "count=5 lost=0"; }
if grep -qw freeze $POWER/state 2>/dev/null && [ -w $POWER/pm_test ]; then
	# Were it not refused, the sleep would end by itself
	echo freezer >$POWER/pm_test
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	check "suspend is refused: EBUSY, and a line for each instance" no_sleep freeze
	check "it still runs, and answers" answers
	check "kill it" mk_kill web
	check "suspend is refused while it only exists" no_sleep freeze
	check "destroy both" eval 'mk_destroy web && mk_destroy idle'
	check "without an instance the host sleeps" mkwrite $POWER/state freeze
	echo none >$POWER/pm_test
else
	skip "suspend is refused: EBUSY, and a line for each instance" "the kernel has no SUSPEND, or no PM_DEBUG"
	check "it still runs, and answers" answers
	check "kill it" mk_kill web
	skip "suspend is refused while it only exists" "the kernel has no SUSPEND, or no PM_DEBUG"
	check "destroy both" eval 'mk_destroy web && mk_destroy idle'
	skip "without an instance the host sleeps" "the kernel has no SUSPEND, or no PM_DEBUG"
fi

# --- CPU hotplug of the host, while messages flow ------------------------------------

STORM=${MK_STORM:-12}
mk_create name=web cpus=2 memory=128M split_core=1
mk_create name=db cpus=3 memory=128M split_core=1
mk_load web mk.spawn=view
mk_load db mk.spawn=view
check "two spawns run" eval 'control db start && mk_start web && wait_state db running'
check "the host's CPU 1 hears the doorbells of both" eval 'mkwrite $INST/web/doorbell_cpu 1 &&
	mkwrite $INST/db/doorbell_cpu 1'

# Every message is counted by who gets it: no one is lost on the way from CPU to CPU
traffic() { # NAME
	while [ ! -e "$T/quiet" ]; do
		mkwrite "$DBG/$1/bench" "256 400" || echo "$1: refused"
		echo "$1" >>"$T/benches"
	done >>"$T/errors" 2>&1
}
storm() {
	local n=0
	while [ $n -lt "$STORM" ]; do
		n=$((n + 1))
		mkwrite $CPUS/cpu1/online 0 && equal online "$(online)" 0 &&
			equal "web's doorbell" "$(val web doorbell_cpu)" 0 &&
			mkwrite $CPUS/cpu1/online 1 && cpu_works 1 &&
			mkwrite "$INST/web/doorbell_cpu" 1 && mkwrite "$INST/db/doorbell_cpu" 1 || return
	done
}
: >"$T/errors"
: >"$T/benches"
traffic web &
one=$!
traffic db &
two=$!
check "its CPU 1 goes off and on $STORM times, and the doorbells with it" storm
: >"$T/quiet"
wait $one $two
echo "# $(grep -c web "$T/benches") and $(grep -c db "$T/benches") times 400 messages meanwhile"
check "no message was refused or lost" equal errors "$(cat "$T/errors")" ""
check "messages flowed meanwhile, to both" eval '
	between "of web" "$(grep -c web "$T/benches")" 2 100000 &&
	between "of db" "$(grep -c db "$T/benches")" 2 100000'
check "both still run, and answer" eval 'answers && equal db "$(state db)" running'

# --- a lent CPU is not the host's, whatever it tries -----------------------------------

expect_errno "a lent CPU cannot be onlined meanwhile" EBUSY $CPUS/cpu2/online 1 "CPU 2.*web"
check "stop one, kill the other, destroy both" \
	eval 'mk_stop web && mk_kill db && mk_destroy web && mk_destroy db'
check "the machine was not reset" \
	equal boot_id "$(cat /proc/sys/kernel/random/boot_id)" "$boot_id"
