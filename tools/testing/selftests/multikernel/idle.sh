#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A link over which nothing is said costs nothing but the heartbeat; and what an idle
# and a busy spawn tell of their CPU time.
. "$(dirname "$0")/lib.sh"
plan 19

now_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
doorbells() {
	awk '$1 == "MKD:" { for (f = 2; $f ~ /^[0-9]+$/; f++) n += $f } END { print n + 0 }' \
		/proc/interrupts
}
cpu_us() { val web cpu_time_us; }
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
heard=$(doorbells) woken=$(reader_woken) beats=$(stat beats) busy=$(cpu_us)
rung=$(stat doorbells_tx) slept=$(stat slept)
sleep 10	# this is what is measured
took=$(($(now_ms) - from))
heard=$(($(doorbells) - heard)) woken=$(($(reader_woken) - woken)) beats=$(($(stat beats) - beats))
rung=$(($(stat doorbells_tx) - rung)) slept=$(($(stat slept) - slept)) busy=$(($(cpu_us) - busy))
echo "# host: took_ms=$took heard=$heard rung=$rung woken=$woken beats=$beats busy_us=$busy"

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
# Two CPUs for 10 s: a tenth of one is what the tick may charge to who happens to run
check "host: the spawn's CPUs were idle, it says" between busy_us "$busy" 0 2000000
check "stop" mk_stop web

spins() { mk_load web mk.spawn=spin && mk_start web && said web "spin now"; }
# grown US: since it began to spin
grown() {
	local from tries=600
	from=$(cpu_us)
	until [ $(($(cpu_us) - from)) -ge "$1" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "$from us, then $(cpu_us)"; return 1; }
		usleep 100000
	done
	echo "# spawn: busy $(($(cpu_us) - from)) us within $(((600 - tries) / 10)) s" >&4
}
exec 4>&1
check "a spawn that is busy" spins
check "... says so, second by second" grown 3000000
check "... and its end takes nothing back" eval 'mk_kill web && between cpu_time_us "$(cpu_us)" 3000000 600000000'
# What it was is gone: so early no CPU has been busy for so long
last=$(cpu_us)
check "a new start begins at 0" eval 'mk_load web && control web start && between cpu_time_us "$(cpu_us)" 0 $((last - 1))'
