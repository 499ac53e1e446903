#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Two instances at the same time: each with its own CPU, memory, console, fate.
. "$(dirname "$0")/lib.sh"
plan 18

check "create both" eval 'mk_create name=red cpus=2 memory=128M split_core=1 &&
	mk_create name=blue cpus=3 memory=128M split_core=1'
check "they have different ids" not equal ids "$(val red id)" "$(val blue id)"
check "they have different memory" not equal memory "$(val red memory)" "$(val blue memory)"
check "load both" eval 'mk_load red mk.spawn=view && mk_load blue mk.spawn=view'
check "start both" eval 'control red start && control blue start'
check "both run" eval 'wait_state red running && wait_state blue running'

itself() { # NAME
	local self
	said "$1" "clock " || return
	self=$(told "$1" "self ")
	equal name "$(key name "$self")" "$1" && equal id "$(key id "$self")" "$(val "$1" id)" &&
		equal online "$(key online "$(told "$1" "view ")")" 0
}
check "red is red, with one CPU" itself red
check "blue is blue, with one CPU" itself blue
pinged() { # NAME
	mkwrite "$DBG/$1/ping" 20 && has "$DBG/$1/ping" "count=20 .*lost=0"
}
check "red answers" pinged red
check "blue answers" pinged blue
both_at_once() {
	pinged red >"$T/red" &
	pinged blue && wait $!
}
check "both answer at the same time" both_at_once

check "kill red" mk_kill red
check "red is stopped" ended red stopped '^killed$'
check "blue runs and answers" eval 'equal state "$(state blue)" running && pinged blue'
check "destroy red, start it anew beside blue" eval 'mk_destroy red &&
	mk_up red 2 128M mk.spawn=view && pinged red'
check "blue saw nothing of it" eval 'equal state "$(state blue)" running && pinged blue &&
	equal "boots in the console" "$(val blue console | grep -c "Linux version")" 1'
check "stop both" eval 'control red stop && control blue stop &&
	ended red stopped poweroff && ended blue stopped poweroff'
check "destroy both" eval 'mk_destroy red && mk_destroy blue && cpus_work'
