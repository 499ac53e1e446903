#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us
# A spawn whose CPUs do not beat any more has crashed; one that idles has not.
. "$(dirname "$0")/lib.sh"
plan 26

HANG_S=3	# hang_timeout; a CPU that does not schedule gets twice that

uptime_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }

mk_create name=web cpus=2-3 memory=192M
W=$INST/web

# --- the file ---

check "hang_timeout is that of the module" equal hang_timeout "$(val web hang_timeout)" \
	"$(param_get hang_timeout)"
param_set hang_timeout 20
check "... also when that changes" equal hang_timeout "$(val web hang_timeout)" 20
cat "$T/hang_timeout" >$PARAM/hang_timeout
check "it takes a value of its own" eval 'mk_set web hang_timeout $HANG_S &&
	equal hang_timeout "$(val web hang_timeout)" $HANG_S'
expect_errno "fewer seconds than a late beat takes" ERANGE "$W/hang_timeout" 2 "web: hang_timeout: '2'"
expect_errno "more than a day" ERANGE "$W/hang_timeout" 86401 "web: hang_timeout: '86401'"
expect_errno "no number" EINVAL "$W/hang_timeout" soon "web: hang_timeout: 'soon'"
expect_errno "no time to boot" ERANGE "$W/boot_timeout" 0 "web: boot_timeout: '0'"
check "the module's takes no 2 either" not eval 'echo 2 >$PARAM/hang_timeout'

# --- what is no hang ---

# Its CPU 1 goes, stays away for longer than 3 time-outs, comes, goes and comes; then
# both idle for as long
check "CPUs that come and go, then idle" eval 'mk_load web mk.spawn=replug,idle && mk_start web'
check "one is away" said web "replug away online=0 end"
check "they do" said web "replug online=0-1 end"
check "... and idle" said web "idle took_ms="
echo "# spawn: $(told web "replug ")"
echo "# spawn: $(told web "idle ")"
check "it runs" equal "state and reason" "$(state web) $(reason web)" "running "
mk_kill web

if ! zcat /proc/config.gz 2>/dev/null | grep -q MULTIKERNEL_FAULT_INJECTION=y; then
	skip_rest "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
fi

# --- what is one ---

# found WORD REASON SECONDS: mk.spawn=WORD ends with this reason, not before SECONDS and soon
# after, both by the kernels' own clocks, which agree
found() {
	local from at took
	mk_load web "mk.spawn=$1" && mk_start web && ended web crashed "$2" 120000 || return
	from=$(val web console | sed -n 's/.*multikernel: inject.* at_ms=//p' | tail -n 1)
	at=$(val web fault/time | sed 's/[.]\(...\).*/\1/')
	took=$((at - from))
	echo "# $1: after $took ms: $(reason web)" >&4
	# A beat was up to a second old; a look of a loaded machine may come late
	between "ms until it was found" $took $(($3 * 1000 - 1200)) $(($3 * 1000 + 15000))
}
exec 4>&1
hard='has not taken a timer interrupt for [0-9]+ s \(interrupts off\?\)$'
check "one CPU loops with interrupts off: the host says which" \
	found hang:1 "^hang: CPU 3 $hard" $HANG_S
check "every one has proven that it left" equal lost "$(val web lost)" ""
check "the boot CPU does" found hang:0 "^hang: CPU 2 $hard" $HANG_S
check "all do" found hang \
	"^hang: none of its 2 CPUs has taken a timer interrupt lately, CPU [23] not for [0-9]+ s \(" \
	$HANG_S
check "one takes interrupts and does not schedule" \
	found softhang:1 "^hang: CPU 3 has not scheduled for [0-9]+ s$" $((HANG_S * 2))
check "no restart, nothing was said" equal restarts "$(val web restarts)" 0

# The module that hangs does so in its initcall
mk_load web "lkdtm.cpoint_name=DIRECT lkdtm.cpoint_type=HARDLOCKUP"
control web start
check "it hangs before its init is started" \
	ended web crashed "^hang: CPU [23] $hard" "$BOOT_MS"
echo "# reason: $(reason web)"
check "that is not the boot's time-out" equal boot_time_us "$(val web boot_time_us)" 0

# --- nobody watches ---

check "hang_timeout 0" mk_set web hang_timeout 0
old() { # until the heartbeat is as old as a hang would be
	local a tries=0
	while a=$(val web heartbeat_age_ms) && [ "$a" != - ] && [ "$a" -lt $((HANG_S * 3000)) ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "the heartbeat is $a ms old"; return 1; }
		usleep 200000
	done
	[ "$a" != - ]
}
check "it hangs for 3 time-outs, and runs" eval 'mk_load web mk.spawn=hang && mk_start web &&
	hangs web && old && equal state "$(state web)" running'
check "who sets hang_timeout then ends it" eval 'mk_set web hang_timeout $HANG_S &&
	ended web crashed "^hang: none of its 2 CPUs" 20000'
check "the same CPUs boot again, and answer" eval 'mk_load web && mk_start web &&
	mkwrite "$DBG/web/ping" 100'
check "kill and destroy" eval 'mk_kill web && mk_destroy web'
