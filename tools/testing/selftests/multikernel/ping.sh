#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Pings, counters and the decoded window header.
. "$(dirname "$0")/lib.sh"
plan 22

D=$DBG/web
need $DBG "debugfs of multikernel"
mk_create name=web cpus=2-3 memory=192M
mk_load web

failing_ping() { not mkwrite "$D/ping" 1; }
check "a ping before the start is refused" failing_ping
check "it boots" mk_start web

ping() { # COUNT
	mkwrite "$D/ping" "$1" && cat "$D/ping"
}
pinged() { # COUNT, or "COUNT PAUSE"
	local r
	r=$(ping "$1") || { echo "$r"; return 1; }
	echo "# ping: $r" >&4
	equal count "$(key count "$r")" "${1%% *}" && equal lost "$(key lost "$r")" 0 &&
		between min_ns "$(key min_ns "$r")" 1 10000000000 &&
		between median_ns "$(key median_ns "$r")" "$(key min_ns "$r")" "$(key max_ns "$r")" &&
		between avg_ns "$(key avg_ns "$r")" "$(key min_ns "$r")" "$(key max_ns "$r")"
}
exec 4>&1
check "one ping" pinged 1
check "a hundred pings" pinged 100
check "a thousand pings" pinged 1000
counters() { tr ' ' '\n' <"$D/stats" | sed 's/[: ]*$//'; }
counters >"$T/before"
check "stats can be read" has "$D/stats" "[a-z_]+[=:] *[0-9]"
ping 10 >/dev/null
check "stats count the pings" not cmp -s "$T/before" "$D/stats"
check "stats have first_instruction_us" has "$D/stats" "first_instruction_us=[0-9]+"
check "window shows a decoded header" has "$D/window" "abi|ABI"
check "window has no garbage" not grep -q '[^[:print:][:blank:]]' "$D/window"

check "ten pings with pauses" pinged "10 2000"
for bad in 0 -1 x "-" "1 2 3" "1 2000000" 99999999999999999999; do
	check "ping count '$bad' is refused" not mkwrite "$D/ping" "$bad"
done
check "pings still work" pinged 10
check "stop" mk_stop web
check "a ping after its end is refused" failing_ping
check "stats can be read after its end" test -n "$(cat "$D/stats")"
