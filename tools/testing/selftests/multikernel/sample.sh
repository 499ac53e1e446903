#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# samples/multikernel/mk_sample.ko in both kernels: a service in a module, loaded and
# unloaded while its peers run.
. "$(dirname "$0")/lib.sh"
plan 17

KO=${MK_MODULES:-/mk/modules}/mk_sample.ko
P=/sys/module/mk_sample/parameters
need "$KO" "the sample module (SAMPLE_MULTIKERNEL)"

# The spawn's initramfs, and the module
mkdir -p "$T/root/mk/modules"
cp "$KO" "$T/root/mk/modules"
initrd_with "$T/root" >"$T/initrd"
INITRD=$T/initrd
trap 'rmmod mk_sample 2>/dev/null; mk_exit' EXIT

# What an answer may be when the peer goes away meanwhile; without
# CONFIG_SYMBOLIC_ERRNAME a number
gone() {
	case $1 in
	"" | "web: -ENOTCONN" | "web: -107" | "web: -EPIPE" | "web: -32") ;;
	*)
		echo "answer '$1'"
		return 1
		;;
	esac
}
heard() { mkwait -f $P/heard "$1" "$BOOT_MS"; }
ask() { # NUMBERS: prints the answers
	mkwrite $P/ask "$1" && cat $P/ask
}
answers() { # NUMBERS REGEX
	matches "answers to '$1'" "$(ask "$1")" "$2"
}

check "load it on the host" insmod "$KO"
check "nobody is there, nobody answers" eval 'equal answers "$(ask "1 2")" "" &&
	equal heard "$(cat $P/heard)" ""'
check "a spawn that does not have it runs" mk_up web 2-3 192M mk.spawn=view
check "and is no peer" equal answers "$(ask "1 2")" ""
mk_stop web >/dev/null
check "start it with the module" eval 'mk_load web mk.spawn=sample && mk_start web'
check "it says hello" heard "web: hello from the spawn"
check "the spawn heard the host, and got its answer" eval 'said web "sample answer " &&
	matches heard "$(told web "sample heard ")" "^host: hello from the host$" &&
	matches answer "$(told web "sample answer ")" "^host: sum 7, up for [0-9]+ s, was asked 1 times$"'
check "the host gets the sum from the spawn" answers "1 2 39" '^web: sum 42, .* was asked 1 times$'
check "none is none" answers " " '^web: sum 0, .* was asked 2 times$'
check "more numbers than it takes are refused" not mkwrite $P/ask "$(seq -s ' ' 1 17)"

reload() {
	rmmod mk_sample && equal state "$(state web)" running &&
		insmod "$KO" && heard "web: hello" && answers "5 6" '^web: sum 11, '
}
check "unload it on the host while the spawn runs, and load it again" reload

# While the host asks on and on, the peer comes and goes
coming_and_going() {
	local all=0 good=0 line
	mk_stop web && mk_load web mk.spawn=sample,resample && mk_start web || return
	while ! val web console | grep -q "spawn: resample end"; do
		line=$(ask "20 22") || { echo "asking failed"; return 1; }
		all=$((all + 1))
		case $line in
		"web: sum 42, "*) good=$((good + 1)) ;;
		*) gone "$line" || return ;;
		esac
	done
	echo "# asked $all times, answered $good times" >&4
	[ $good -gt 0 ] && answers "20 22" '^web: sum 42, '
}
exec 4>&1
check "it comes and goes in the spawn while the host asks" coming_and_going
check "all its questions were answered meanwhile" equal "answers" \
	"$(val web console | grep -c 'spawn: resample [1-8] answer host: sum 10[1-8], ')" 8

asked_while_killed() {
	local line
	(sleep 1; mkwrite "$INST/web/control" kill) &
	while line=$(ask "1"); do
		case $line in
		"web: sum 1, "*) ;;
		*) break ;;
		esac
	done
	gone "$line" && wait $! && ended web stopped '^killed$' && equal heard "$(cat $P/heard)" ""
}
check "a kill ends a question at once" asked_while_killed
check "start it again, it is there again" eval 'mk_load web mk.spawn=sample && mk_start web &&
	heard "web: hello" && answers "2 2" "^web: sum 4, .* was asked 1 times$"'
check "unload it for good, the spawn runs on" eval 'rmmod mk_sample &&
	equal state "$(state web)" running'
check "stop" mk_stop web
