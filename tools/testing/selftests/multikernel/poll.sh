#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# poll(2) on "state" wakes on every change, and on nothing else.
. "$(dirname "$0")/lib.sh"
plan 9

mk_create name=web cpus=2-3 memory=192M

follow() { # LAST: in the background
	poll_state web "$1" $((BOOT_MS + STOP_MS)) >"$T/states" 2>"$T/err" &
	follower=$!
	# it has read the first state, and polls
	mkwait -f "$T/states" "$(state web)" 5000
}
# Not one reading without a wake-up: a change that does not wake is missing here
followed() {
	wait "$follower" || cat "$T/err"
	equal states "$(tr '\n' ' ' <"$T/states")" "$1"
}

follow loaded
mk_load web
check "load wakes" followed "empty loaded "

follow empty
mkload -u -i "$(val web id)"
check "unload wakes" followed "loaded empty "

check "nothing wakes when nothing changes" poll_state -q web 500

mk_load web
follow stopped
mk_start web
check "a running one does not wake" poll_state -q web 500
control web stop
check "start, READY, stop and end all wake" \
	followed "loaded booting running stopping stopped "

follow booting
control web start
check "start again wakes" followed "stopped booting "
follow stopped
mk_kill web
check "kill wakes" followed "booting stopped "
panic_begin
mk_load web mk.spawn=panic
follow crashed
control web start
check "a crash wakes" followed "loaded booting running crashed "
panic_end web
follow gone
mk_destroy web
check "destroy wakes, the file is gone" followed "crashed gone "
