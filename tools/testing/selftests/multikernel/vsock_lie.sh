#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us; the spawn expands
# A spawn that lies in vsock packets: red's kernel has no vsock transport, and its init
# writes packets in its place, see mkvliar.c. The host ends it where the rules say so, and
# keeps everything in bounds where they do not; blue's connections lose nothing. Then who
# is honest, but holds up others: a reader that keeps its socket locked, a spawn that
# does not read.
. "$(dirname "$0")/lib.sh"

breaches='src-other src-host src-local src-any src-wide dst-wide type-0 type-3 op-0 op-8 op-99
rw-empty rw-flags rw-huge request-full seq-flags shutdown-flags rst-all len-larger len-smaller
record-short record-empty'

rounds=${MK_LIES:-${MK_N:-4}}
# shellcheck disable=SC2086 # words
plan $((3 + $(echo $breaches | wc -w) + 11 + rounds + 3 + 8 + 7 + 4 + 8))

# Log lines of the host that one lie may cost: the rate limit lets 10 in 5 s through
LINES_MAX=60
# What may differ at the end: caches of the CPUs and of the spawns' start and end
SLAB_KB=600
# While a lie lasts: 1 MiB that waits for red, 256 KiB of each of its connections, resets
WHILE_KB=20480

STATS=/sys/kernel/debug/multikernel_vsock
seed=${MK_SEED:-1}
echo "# seed $seed (SEED=$seed repeats it), $rounds rounds (N=)"
need $STATS CONFIG_MULTIKERNEL_VSOCKETS
command -v mkvliar >/dev/null || skip_rest "mkvliar is missing"

# Both may lie, and serve
liar_initrd() {
	mkdir -p "$T/root/mk/bin" && cp "$(command -v mkvliar)" "$T/root/mk/" &&
		cp "$(command -v mkvsock)" "$T/root/mk/bin/" || return
	initrd_with "$T/root" >"$T/liar.cpio"
	INITRD=$T/liar.cpio
}

load_liar() { mk_load red "initcall_blacklist=mk_vsock_init mk.spawn=$1" "$QUICK"; }
served() { mkwait -b "$INST/$1/console" "mkvsock: serves 1025" "$BOOT_MS" >/dev/null; }
serve() { mk_load "$1" "mk.spawn=${2:-vsock}" && mk_start "$1" && served "$1"; }
on() { mkvsock run "$(val "$1" cid)" 1024 "$2"; }

# count NAME KEY: the host's counter of its packets
count() { key "$2" "$(grep " name=$1 " $STATS)"; }
sockets() { awk '/^sockets: used/ { print $3 }' /proc/net/sockstat; }

until_cut() { # NAME
	local tries=0
	while [ "$(count "$1" cut)" = 0 ]; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || { echo "no connection of $1 was cut"; return 1; }
		usleep 50000
	done
}

until_poured() { # NAME PACKETS
	local tries=0 sum=-1
	while [ "$sum" != "$2" ]; do
		sum=$(($(count "$1" cut) + $(count "$1" forwarded)))
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { equal "cut and forwarded" "$sum" "$2"; return; }
		usleep 50000
	done
}

# --- blue --------------------------------------------------------------------

traffic() {
	while [ ! -e "$T/quiet" ]; do
		if mkvsock both "$blue" 1024 100000 >"$T/blue.last" 2>&1; then
			echo good >>"$T/blue.good"
		else
			echo "status $?: $(cat "$T/blue.last")" >>"$T/blue.bad"
		fi
	done
}
nothing_lost() {
	local good
	good=$(grep -c '' "$T/blue.good")
	echo "# blue: $good connections, 100000 bytes each way, $(grep -c '' "$T/blue.bad") failed" >&4
	between connections "$good" 20 100000000 && equal failed "$(cat "$T/blue.bad")" "" &&
		equal state "$(state blue)" running
}

# --- red ---------------------------------------------------------------------

few_lines() { between "log lines" "$(klog "$MARK" | mk_lines | grep -c '')" "$1" "$LINES_MAX"; }
found_out() { # NAME
	klog_mark
	load_liar "vlie:$1" && control red start && said red "lie $1 now" || return
	ended red crashed '^fault: message against the rules: service 4, flags 0(x0)?, id 0, ' &&
		few_lines 1
}

exec 4>&1
: >"$T/blue.good"
: >"$T/blue.bad"
check "create, and an initramfs with a liar in it" eval 'liar_initrd &&
	mk_create name=red cpus=2 memory=128M split_core=1 &&
	mk_create name=blue cpus=3 memory=128M split_core=1'
check "blue serves" serve blue
blue=$(val blue cid)
red=$(val red cid)
mkvsock server 2000 >"$T/server" &
server=$!
mkvsock deaf 2010 >"$T/deaf" &
deaf=$!
check "the host serves, and has a port where nobody accepts" eval \
	'until_says "$T/server" "serves 2001" && until_says "$T/deaf" "deaf 2011"'
note before
sockets_before=$(sockets)
traffic &

for name in $breaches; do
	check "$name: found out, ended" found_out "$name"
done

# --- by the rules, but too much, or for nobody ------------------------------------------

klog_mark
check "a liar that keeps to the rules" eval '
	load_liar "vlie:nobody:$blue+stray+rsts+unread+requests+over+seqpackets+credit" && mk_start red'
check "has told all of them" said red "lie credit done" 300000
check "it runs, and nothing is wrong with it" eval 'equal state "$(state red)" running &&
	equal reason "$(reason red)" ""'
check "the host refused what was for nobody, and for whom it is not linked to" \
	between refused "$(count red refused)" 6 200
check "answers that it did not read were dropped" \
	between dropped "$(count red dropped)" 1 100000
check "what waits for it is bounded" between waiting "$(count red waiting)" 0 2500000
check "so are its connections" between sockets "$(sockets)" 1 $((sockets_before + 300))
note while
check "and the memory for all that" grew "used memory" "-$free_before" "-$free_while" $WHILE_KB
check "the log does not fill" few_lines 0
check "kill" eval 'mk_kill red && ended red stopped "^killed$"'
# What had been accepted goes with its process, the rest with the reset
sockets_gone() {
	local tries=0
	until [ "$(sockets)" -le $((sockets_before + 80)) ]; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "$(sockets) sockets, $sockets_before before"; return 1; }
		usleep 100000
	done
}
check "its connections go with it" sockets_gone

# --- seeded ----------------------------------------------------------------------------

shuffled() { # N
	local s=$((seed + $1)) end
	klog_mark
	load_liar "vlie:random:$s:5000" && control red start && said red "lie random now" || return
	# Ended for it, or got away with it
	while :; do
		end=$(state red)
		case $end in
		crashed | stopped) break ;;
		esac
		! said red "lie random done" 1000 >/dev/null 2>&1 || break
	done
	[ "$(state red)" = crashed ] || { end=away && mk_kill red; } || return
	echo "# seed $s: $end: $(reason red)" >&4
	matches reason "$(reason red)" '^(killed|fault: message against the rules: service 4, .*)$' &&
		few_lines 1
}
n=0
while [ $n -lt "$rounds" ]; do
	check "round $n of random packets" shuffled $n
	n=$((n + 1))
done

check "red starts without a lie, and has working sockets" eval 'serve red &&
	mkvsock both "$red" 1024 1000000 && on red "mkvsock both 2 2000 1000000"'
: >"$T/quiet"
wait_traffic() { until_says "$T/blue.good" good && nothing_lost; }
check "blue lost nothing all the time" wait_traffic
check "kill red" mk_kill red

# --- a reader that keeps its socket's lock -------------------------------------------------

mkvsock stall 2030 "$T/go" >"$T/stall" 2>&1 &
if until_says "$T/stall" "serves 2030|userfaultfd" && grep -q userfaultfd "$T/stall"; then
	skip_some 8 "a reader that keeps its socket's lock" "CONFIG_USERFAULTFD is missing"
else
	check "red serves, blue's connection is not read, and its socket is locked" eval 'serve red &&
		{ on blue "mkvsock pour 2 2030 33554432" >"$T/pour" 2>&1 & } &&
		until_says "$T/stall" "^stalled"'
	check "red's sockets work meanwhile" mkvsock both "$red" 1024 1000000
	check "after 4 MiB it is cut, and counted" until_cut blue
	check "red's sockets still work" mkvsock both "$red" 1024 1000000
	check "the reader goes on, and its end is no good one" eval '>"$T/go" &&
		until_says "$T/stall" "^bytes=[0-9]+ end=ECONNRESET"'
	check "the writer hears of it" until_says "$T/pour" '^error=(ECONNRESET|EPIPE)'
	check "it got no more than 4 MiB and a ring" between bytes \
		"$(sed -n "s/^bytes=\([0-9]*\) .*/\1/p" "$T/stall")" 1 5000000
	check "blue's sockets work again" mkvsock both "$blue" 1024 1000000
fi

mkvsock stall 2040 "$T/go2" >"$T/stall2" 2>&1 &
if until_says "$T/stall2" "serves 2040|userfaultfd" && grep -q userfaultfd "$T/stall2"; then
	skip_some 7 "the peer dies meanwhile" "CONFIG_USERFAULTFD is missing"
else
	check "again, with little data" eval '{ on blue "mkvsock pour 2 2040 2000000" >"$T/pour2" 2>&1 & } &&
		until_says "$T/stall2" "^stalled"'
	check "blue dies of it within 20 s" eval 'mk_kill blue && ended blue stopped "^killed$" 20000'
	check "it starts again beside what is still locked" eval 'mk_load blue mk.spawn=vsock &&
		mk_start blue'
	check "red's sockets work meanwhile" mkvsock both "$red" 1024 1000000
	check "the reader goes on, and its end is no good one" eval '>"$T/go2" &&
		until_says "$T/stall2" "^bytes=[0-9]+ end=ECONNRESET"'
	check "the new blue serves" served blue
	check "and its sockets work" mkvsock both "$blue" 1024 1000000
fi

# --- a reader that gives its socket's lock back for a moment, now and then ------------------

# pings_while FILE: until somebody writes "over" there each ping of blue is answered in time
pings_while() {
	local n=0 late=0 line=
	until grep -q '^over' "$1"; do
		five_pings blue || return
	done
	echo "# $n pings, $late of them late, the last ones: $line" >&4
	# A machine without a free CPU may hold one up, too
	between pings $n 5 1000000 && between late $late 0 $((n / 10))
}
cut_three() { # FILE WHAT
	equal "$2" "$(grep -cE '(error|end)=(ECONNRESET|EPIPE)' "$1")" 3 || { cat "$1"; return 1; }
}

mkvsock drip 2050 >"$T/drip" 2>&1 &
drip=$!
if until_says "$T/drip" "serves 2050|userfaultfd" && grep -q userfaultfd "$T/drip"; then
	skip_some 4 "a reader that gives its socket's lock back now and then" \
		"CONFIG_USERFAULTFD is missing"
else
	: >"$T/pour3"
	{
		on blue 'for i in 1 2 3; do mkvsock pour 2 2050 33554432; done' >"$T/pour3" 2>&1
		echo over >>"$T/pour3"
	} &
	check "blue answers pings while its connections are read that way" \
		pings_while "$T/pour3"
	check "each of them is cut" eval 'until_says "$T/drip" "^3: " &&
		cut_three "$T/drip" readers'
	check "the writers hear of it" cut_three "$T/pour3" writers
	check "blue's sockets work again" mkvsock both "$blue" 1024 1000000
	kill $drip
fi

# --- a spawn that does not read -----------------------------------------------------------

for name in red blue; do
	[ "$(state $name)" != running ] || mk_kill $name
done
klog_mark
mk_set blue hang_timeout 0
mk_load blue mk.spawn=vsock,hang && mk_start blue
if ! hangs blue >"$T/why" 2>&1; then
	n=0
	while [ $n -lt 5 ]; do
		skip "a spawn that does not read" "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
		n=$((n + 1))
	done
else
	check "red is linked to blue, which hangs, and pours 4 MiB into it" eval '
		mkwrite "$INST/red/links" +blue && load_liar "vlie:pour:$blue" && mk_start red &&
		said red "lie pour done"'
	# 1 MiB waits at most. A connection that is cut gives back what waited of it.
	check "each packet waits, or its connection is cut" until_poured red 64
	# And the packet that was one too many
	check "what waits for it is 1 MiB, and no more" \
		between routed "$(count blue routed)" 65536 1200000
	check "some were cut" between cut "$(count red cut)" 1 40
	check "red runs, and nothing is wrong with it" eval 'equal state "$(state red)" running &&
		equal reason "$(reason red)" ""'
	mk_kill red
fi
mk_kill blue
# With what still waits in the one, and for the other to accept it
kill $server $deaf
wait $server $deaf
note after
check "slab is as before" grew Slab "$slab_before" "$slab_after" $SLAB_KB
check "free memory is as before" grew "used memory" "-$free_before" "-$free_after" 8192
check "stop and destroy both" eval 'mk_destroy red && mk_destroy blue'
