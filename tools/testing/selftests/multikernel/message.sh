#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Messages between real kernels: floods and full rings, the death of a peer, new starts,
# and doorbells that move to another CPU while messages flow. Lies are in lie.sh.
. "$(dirname "$0")/lib.sh"

starts=${MK_STARTS:-20}
plan 53

# What ends at once is not a time-out of 10 s
ONCE_MS=5000
GONE_MS=5000

need $DBG "debugfs of multikernel"
exec 4>&1

stat() { # NAME KEY
	key "$2" "$(tr '\n' ' ' <"$DBG/$1/stats")"
}
uptime_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
pinged() { # NAME COUNT
	mkwrite "$DBG/$1/ping" "$2" && has "$DBG/$1/ping" "count=$2 lost=0"
}

# until_it COMMAND...: as long as a spawn may boot
until_it() {
	local end=$(($(uptime_ms) + BOOT_MS))
	until "$@" >/dev/null 2>&1; do
		if [ "$(uptime_ms)" -gt $end ]; then
			echo "never: $*"
			return 1
		fi
		usleep 10000
	done
}

# --- traffic: pings of the host without an end -----------------------------------------

traffic() { # NAME
	rm -f "$T/quiet"
	while [ ! -e "$T/quiet" ]; do
		mkwrite "$DBG/$1/ping" "50 1000" 2>>"$T/$1.errors"
		cat "$DBG/$1/ping" >>"$T/$1.pings"
	done
}
traffic_begin() {
	rm -f "$T/$1.errors" "$T/$1.pings"
	: >"$T/$1.pings"
	traffic "$1" &
	until_it test -s "$T/$1.pings"
}
flows() { # NAME: more pings are answered than now, by two runs of them
	local was
	was=$(sum "$1" count)
	until_it eval "[ \$(sum $1 count) -ge $((was + 100)) ]"
}
sum() { # NAME KEY
	awk -v k="$2=" '{ for (f = 1; f <= NF; f++) if (index($f, k) == 1)
		n += substr($f, length(k) + 1) } END { print n + 0 }' "$T/$1.pings"
}

# An echo that took longer than the half second that a ping waits is late, and then a stray
# reply; lost is what never comes
traffic_end() { # NAME
	local count lost late
	touch "$T/quiet"
	wait
	count=$(sum "$1" count) lost=$(sum "$1" lost) late=$(stat "$1" stray_replies)
	echo "# $1: $count pings answered, $((lost - late)) lost, $late late" >&4
	between "pings answered" "$count" 50 100000000 && equal lost "$lost" "$late" &&
		equal errors "$(grep -v ETIMEDOUT "$T/$1.errors")" ""
}

# --- two spawns: one floods, the other loses nothing ---------------------------------------

check "create" eval 'mk_create name=red cpus=2 memory=128M split_core=1 &&
	mk_create name=blue cpus=3 memory=128M split_core=1'
check "blue runs" eval 'mk_load blue && mk_start blue && pinged blue 100'
check "blue has traffic" traffic_begin blue
check "red runs, and floods the host with messages of all sizes" eval '
	mk_load red mk.spawn=bench:0:20000,bench:64:20000,bench:65536:200 && mk_start red'
check "the doorbells of the two are heard at different CPUs, who did not choose" \
	not equal doorbell_cpu "$(val red doorbell_cpu)" "$(val blue doorbell_cpu)"
flooded() { # SIZE COUNT: the answer to the last one says that all before it are read
	said red "bench $1 $2:" && matches "red's bench" "$(told red "bench $1 $2: ")" "msgs=$2 "
}
check "20000 of 0 bytes arrive" flooded 0 20000
check "20000 of 64 bytes arrive" flooded 64 20000
check "200 of 64 KiB arrive" flooded 65536 200
check "each is counted once" between rx "$(stat red rx)" 40203 41000
check "and so are the bytes" between rx_bytes "$(stat red rx_bytes)" \
	$((20000 * 64 + 200 * 65536 + 3 * 8)) $((20000 * 64 + 200 * 65536 + 65536))
flood_red() { mkwrite "$DBG/red/bench" "$1" && has "$DBG/red/bench" "msgs=${1#* } "; }
check "the host floods red: 64 KiB" flood_red "65536 200"
check "the ring was full, and the host waited" not equal tx_full "$(stat red tx_full)" 0
check "the host floods red: 64 bytes" flood_red "64 20000"
check "the largest one" flood_red "65792 3"
check "a larger one is refused" \
	matches result "$(mkwrite "$DBG/red/bench" "65793 1" 2>&1)" "ERANGE|EMSGSIZE"
check "red answers" pinged red 100
check "blue has lost nothing" traffic_end blue
check "nothing was refused, unanswered or astray" \
	equal counters "$(stat red refused) $(stat red unanswered) $(stat red stray_replies)" "0 0 0"
check "kill red" mk_kill red

# --- a peer that does nothing any more -----------------------------------------------------

# in_flight BENCH RECORDS: a write that waits, for room or for an answer; then red is killed
in_flight() {
	local begin tx
	tx=$(stat red tx)
	{
		mkwrite "$DBG/red/bench" "$1" 2>&1
		echo "done"
	} >"$T/flight" &
	until_it eval "[ \$(stat red tx) -ge $((tx + $2)) ]" || return
	equal "what it says so far" "$(cat "$T/flight")" "" || return
	begin=$(uptime_ms)
	mk_kill red || return
	wait $!
	echo "# ended after $(($(uptime_ms) - begin)) ms" >&4
	matches result "$(cat "$T/flight")" "EPIPE" &&
		between "ms until it ended" $(($(uptime_ms) - begin)) 0 "$ONCE_MS"
}
# killed BENCH COUNTER: a write whose waiting shows in that counter ends by SIGKILL, and not
# by its time-out
killed() {
	local was pid begin rc=0
	was=$(stat red "$2")
	mkwrite "$DBG/red/bench" "$1" &
	pid=$!
	until_it eval "[ \$(stat red $2) -gt $was ]" || return
	begin=$(uptime_ms)
	kill -9 $pid
	wait $pid || rc=$?
	equal "exit status" $rc 137 &&
		between "ms until it was gone" $(($(uptime_ms) - begin)) 0 "$GONE_MS"
}
hang_red() {
	mk_start red && said red "hang now" && until_it not pinged red 1
}
mk_set red hang_timeout 0
mk_load red mk.spawn=hang
if grep -q MULTIKERNEL_FAULT_INJECTION=y /proc/config 2>/dev/null || zcat /proc/config.gz | grep -q MULTIKERNEL_FAULT_INJECTION=y; then
	check "red hangs" hang_red
	# In this order: 64 KiB have no room any more, 64 bytes do
	check "who waits for room can be killed" killed "65536 50" tx_full
	check "who waits for an answer can be killed" killed "64 1" tx
	check "who waits for an answer is told EPIPE at once as it dies" in_flight "64 1" 1
	check "red hangs again" hang_red
	check "who waits for room is told EPIPE at once as it dies" in_flight "65536 50" 1
	check "the dead don't answer" matches ping "$(mkwrite "$DBG/red/ping" 1 2>&1)" "EPIPE"
else
	for n in 1 2 3 4 5 6 7; do
		skip "a peer that hangs" "CONFIG_MULTIKERNEL_FAULT_INJECTION in the kernel"
	done
fi

# --- start after start ---------------------------------------------------------------------

mk_load red "x=1"
again() {
	local n=0
	while [ $n -lt "$starts" ]; do
		n=$((n + 1))
		mk_start red && pinged red 20 || return
		equal "epoch" "$(sed -n 's/^spawn.epoch=//p' "$DBG/red/window")" \
			"$(stat red starts)" || return
		between "records sent since the start" "$(stat red tx)" 20 60 || return
		equal "strays" "$(stat red stray_replies)" 0 || return
		mk_kill red || return
	done
}
check "$starts starts: each begins anew, and all pings are answered" again
restarted() {
	local n
	mk_start red || return
	n=$(stat red starts)
	control red restart && until_it eval "[ \$(stat red starts) = $((n + 1)) ]" &&
		wait_state red running && pinged red 20
}
check "a restart in order" restarted
check "destroy both" eval 'mk_kill red && mk_kill blue && mk_destroy red && mk_destroy blue'

# --- doorbells that move -------------------------------------------------------------------

CPU=$INST/web/doorbell_cpu
mk_create name=web cpus=2-3 memory=128M
check "a doorbell_cpu that is set before the start" eval 'mkwrite $CPU 1 &&
	mk_load web mk.spawn=roam:100 && mk_start web && equal doorbell_cpu "$(cat $CPU)" 1'
check "traffic" traffic_begin web
roamed() {
	local n=0
	while [ $n -lt 100 ]; do
		n=$((n + 1))
		mkwrite "$CPU" $((n % 2)) && equal doorbell_cpu "$(cat "$CPU")" $((n % 2)) || return
		usleep 20000
	done
	flows web
}
check "it moves 100 times at the host, and the traffic goes on" roamed
spawn_roamed() {
	local said
	said web "roam end" || return
	said=$(told web "roam end ")
	echo "# the spawn: $said" >&4
	equal moves "$(key moves "$said")" 100 && equal lost "$(key lost "$said")" "$(key late "$said")" &&
		between pings "$(key pings "$said")" 100 1000000
}
check "and 100 times in the spawn, whose pings lose nothing" spawn_roamed
check "no move was refused there" not has "$INST/web/console" "roam: refused"

# Without a poll each answer finds a host that sleeps, and rings; pauses are longer than
# the one between two softirqs that read. A CPU that is offline has no column.
POLL=$PARAM/poll_us
was=$(cat $POLL)
by_default() {
	local us=200
	! grep -q "^flags.* hypervisor" /proc/cpuinfo || us=1000
	equal poll_us "$was" $us
}
if grep -q multikernel.poll_us= /proc/cmdline; then
	skip "poll_us, by default" "it is on the command line"
else
	check "poll_us, by default" by_default
fi
echo 0 >$POLL
rung_at() { # CPU
	awk -v cpu="CPU$1" 'NR == 1 { for (f = 1; f <= NF; f++) if ($f == cpu) at = f + 1 }
		$1 == "MKD:" { print at ? $at : 0 }' /proc/interrupts
}
# The traffic's doorbells ring at a CPU: its answers alone don't say so, as the heartbeat
# brings them, too. What was just being rung at the other one may be heard there.
rings_at() { # CPU
	local other=$((1 - $1)) here there
	here=$(rung_at "$1") there=$(rung_at $other)
	flows web || return
	between "doorbells on CPU $1" $(($(rung_at "$1") - here)) 50 100000 &&
		between "doorbells on CPU $other" $(($(rung_at $other) - there)) 0 2
}
reads_at() { # CPU: the thread that reads may run there, and there alone
	local task
	for task in /proc/[0-9]*; do
		[ "$(cat "$task/comm" 2>/dev/null)" != mk/web ] || break
	done
	equal "its thread" "$(cat "$task/comm")" mk/web &&
		matches "mask of its CPUs" "$(taskset -p "${task##*/}")" ": $(cpu_mask "$1")\$"
}
check "it moves to CPU 1" mkwrite $CPU 1
check "CPU 1 goes offline" mkwrite $CPUS/cpu1/online 0
check "CPU 0 is to hear the doorbell" equal doorbell_cpu "$(cat $CPU)" 0
check "it does, and the traffic goes on" eval 'rings_at 0 && reads_at 0'
expect_errno "CPU 1 is refused while it is offline" ENODEV $CPU 1 "doorbell_cpu: '1' is no CPU"
check "CPU 1 comes back, takes it, and hears it" eval 'mkwrite $CPUS/cpu1/online 1 &&
	mkwrite $CPU 1 && rings_at 1'
expect_errno "CPU 2, which is lent, is refused" ENODEV $CPU 2 "doorbell_cpu: '2' is no CPU"
expect_errno "CPU 99 is refused" ENODEV $CPU 99 "doorbell_cpu: '99' is no CPU"
expect_errno "CPU -1 is refused" EINVAL $CPU hex:2d31 "doorbell_cpu: '-1' is no CPU"
expect_errno "no number is refused" EINVAL $CPU "1x" "doorbell_cpu: '1x' is no CPU"
check "none of them moved it" equal doorbell_cpu "$(cat $CPU)" 1
check "nothing was lost" traffic_end web

heard_at() { # CPU
	local other=$((1 - $1)) here there
	mkwrite "$CPU" "$1" && reads_at "$1" || return
	here=$(rung_at "$1") there=$(rung_at $other)
	mkwrite "$DBG/web/ping" "20 2000" && has "$DBG/web/ping" "count=20 lost=0" || return
	between "doorbells on CPU $1" $(($(rung_at "$1") - here)) 10 25 &&
		equal "doorbells on CPU $other" $(($(rung_at $other) - there)) 0
}
for c in 0 1 0 1; do
	check "moved to CPU $c, the doorbell is heard and read there, and there alone" heard_at $c
done
echo "$was" >$POLL

# --- what is traced ------------------------------------------------------------------------

# records EVENT: those of pings to web, which are requests and their answers
records() {
	grep -Ec "multikernel_$1: peer=$(val web id) service=1 flags=$2 id=[1-9][0-9]* len=64" "$T/trace"
}
traced() {
	mkwrite "$DBG/web/ping" 5 && trace_off multikernel_send && trace_off multikernel_receive &&
		equal "requests sent" "$(records send 0x2)" 5 &&
		equal "answers received" "$(records receive 0x4)" 5
}
if trace_on multikernel_send 2>/dev/null && trace_on multikernel_receive; then
	check "each record that is sent and received is traced" traced
else
	skip "each record that is sent and received is traced" "tracefs is missing"
fi
check "kill and destroy web" eval 'mk_kill web && mk_destroy web'
