#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A link over which nothing is said costs nothing but the heartbeat.
. "$(dirname "$0")/lib.sh"
plan 14

now_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
doorbells() {
	awk '$1 == "MKD:" { for (f = 2; $f ~ /^[0-9]+$/; f++) n += $f } END { print n + 0 }' \
		/proc/interrupts
}
stat() { sed -n "s/^$1=//p" "$DBG/web/stats"; }
# Every time that it was put on a CPU, counted by the scheduler
reader_woken() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "$READER/status"
}

need "$DBG" "debugfs of multikernel"
check "it boots" mk_up web 2-3 192M mk.spawn=idle
for READER in /proc/[0-9]*; do
	[ "$(cat "$READER/comm" 2>/dev/null)" != mk/web ] || break
done
check "it comes to rest" said web "idle begin"
sleep 1	# of the 14 s for which it says nothing

from=$(now_ms)
heard=$(doorbells) woken=$(reader_woken) beats=$(stat beats)
rung=$(stat doorbells_tx) slept=$(stat slept)
sleep 10	# this is what is measured
took=$(($(now_ms) - from))
heard=$(($(doorbells) - heard)) woken=$(($(reader_woken) - woken)) beats=$(($(stat beats) - beats))
rung=$(($(stat doorbells_tx) - rung)) slept=$(($(stat slept) - slept))
echo "# host: took_ms=$took heard=$heard rung=$rung woken=$woken beats=$beats"

check "host: no doorbell interrupt in 10 s" equal heard "$heard" 0
check "host: it rang none" equal rung "$rung" 0
check "host: its reader was never woken" equal woken "$woken" 0
check "host: says the reader itself" equal slept "$slept" 0
# A look at an instance is a beat, so this is how often it was looked at
check "host: it looked at the spawn once a second at most" \
	between beats "$beats" $((took / 2000)) $((took / 1000 + 1))

said web "idle took_ms="
line=$(told web "idle ")
echo "# spawn: $line"
took=$(key took_ms "$line")
check "spawn: no doorbell interrupt" equal heard "$(key heard "$line")" 0
check "spawn: it rang none" equal rung "$(key rung "$line")" 0
check "spawn: its reader was never woken" equal woken "$(key woken "$line")" 0
check "spawn: it beat once a second at most" \
	between beats "$(key beats "$line")" $((took / 2000)) $((took / 1000 + 1))

# And these counters do count
check "spawn: it heard doorbells before" between heard_ever "$(key heard_ever "$line")" 1 1000000
counted() {
	local rung0 heard0
	rung0=$(stat doorbells_tx) heard0=$(doorbells)
	mkwrite "$DBG/web/ping" 1
	echo "rung $rung0, $(stat doorbells_tx) after a ping; heard $heard0, $(doorbells)"
	[ "$(stat doorbells_tx)" -gt "$rung0" ] && [ "$(doorbells)" -gt 0 ]
}
check "host: a ping rings" counted
check "stop" mk_stop web
