#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2015,SC2086,SC3043 # fail does not come back; no blanks; busybox ash
# The guest's part of `make bench`: lines "bench: NAME=VALUE UNIT", medians of several
# rounds. Times are taken by mkbench and by the kernel, not by this script.
# shellcheck source=dev/guest/benchlib.sh
. /mk/benchlib.sh
I=$MK/instances/b
D=/sys/kernel/debug/multikernel
LIVES=/tmp/bench.lives

out() { echo "bench: $1=$2 $3"; }

# values KEY FILE: of "KEY=value" in each line
values() { sed -n -E "s/(^|.* )$1=([0-9]+).*/\2/p" "$2"; }

# report NAME KEY FILE UNIT
report() {
	local v
	v=$(values "$2" "$3" | median)
	if [ -n "$v" ]; then
		out "$1" "$v" "$4"
	else
		echo "# $1 was not measured: no $2"
	fi
}

# --- lives of an instance, as large as the straight boot it is compared with ---

: >$LIVES
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	life=$(mkbench b 2-3 256M $KERNEL $INITRD quiet 2>&1) || fail "life $i: $life"
	echo "# life $i: $life"
	echo "$life" >>$LIVES
done
report spawn_boot_us boot_time_us $LIVES us
report create_us create_us $LIVES us
report load_us load_us $LIVES us
report start_to_first_instruction_us first_instruction_us $LIVES us
awk '{
	sum = 0
	for (f = 1; f <= NF; f++) {
		split($f, kv, "=")
		if (kv[1] == "create_us" || kv[1] == "load_us" || kv[1] == "first_instruction_us") {
			sum += kv[2]
			n++
		}
	}
	if (n == 3)
		print "all=" sum
	n = 0
}' $LIVES >$LIVES.all
report create_load_start_us all $LIVES.all us
report kill_us kill_us $LIVES us
report kill_to_cpus_online_us kill_online_us $LIVES us
report kill_to_destroyed_us kill_destroyed_us $LIVES us

# As the kernels poll by default
POLL=/sys/module/multikernel/parameters/poll_us

# --- messages: everything on CPU 0, the yardstick's other CPU is CPU 1 ---

# With the spawn's end of the sockets
VSOCK_INITRD=/tmp/bench.initrd
initrd_with mkvsock $VSOCK_INITRD

up() {
	mkwrite $MK/create "name=b cpus=2-3 memory=256M" &&
		mkload -i "$(cat $I/id)" -r $VSOCK_INITRD -c "quiet mk.spawn=vsock" $KERNEL &&
		mkwrite $I/control start &&
		[ "$(mkwait b running,crashed,stopped 60000)" = running ] &&
		mkwait -b $I/console "mkvsock: serves 1025" 20000
}
count() { sed -n "s/^$1=//p" $D/b/stats; }
cpu0() { taskset 1 mkwrite "$@"; }

up || { tail -n 15 $I/console; fail "messages: the instance does not run"; }
mkwrite $I/doorbell_cpu 0 || fail "doorbell_cpu"
cpu0 $D/b/ping 200 || fail "ping"

# Nobody says anything for 10 s.  The first 2 s are for who still polls.
sleep 2
counts() {
	echo "$(count doorbells_tx) $(count doorbells_rx) $(count slept) $(count tx) $(count rx)"
}
before=$(counts)
sleep 10
after=$(counts)
# shellcheck disable=SC2086 # words
set -- $before $after
out idle_10s_doorbells $(($6 - $1 + $7 - $2)) ""
out idle_10s_wakeups $(($8 - $3)) ""
out idle_10s_records $(($9 - $4 + ${10} - $5)) ""

# Awake: one after the other, nobody gets to sleep.  Idle: 10 ms between two, so that
# whoever is called has gone to sleep, and its CPU idles.  In turns with the yardstick.
# The yardstick is not to share the machine with a spawn that polls on
quiet() {
	local n=0
	while grep -q '\.armed=0$' $D/b/window; do
		n=$((n + 1))
		[ $n -lt 1000 ] || fail "one end does not go to sleep"
		usleep 10000
	done
}
for f in ping ipi pingidle ipiidle small large; do
	: >$LIVES.$f
done
i=0
while [ $i -lt $((ROUNDS * 3)) ]; do
	i=$((i + 1))
	cpu0 $D/b/ping 1000 || fail "ping"
	cat $D/b/ping >>$LIVES.ping
	quiet
	cpu0 $D/ipi_bench 1000 || fail "ipi_bench"
	cat $D/ipi_bench >>$LIVES.ipi
	cpu0 $D/b/ping "50 10000" || fail "ping"
	cat $D/b/ping >>$LIVES.pingidle
	quiet
	cpu0 $D/ipi_bench "50 10000" || fail "ipi_bench"
	cat $D/ipi_bench >>$LIVES.ipiidle
	cpu0 $D/b/bench "64 20000" || fail "bench 64"
	cat $D/b/bench >>$LIVES.small
	cpu0 $D/b/bench "65536 5000" || fail "bench 65536"
	cat $D/b/bench >>$LIVES.large
done
for f in ping ipi pingidle ipiidle small large; do
	sed "s/^/# $f: /" $LIVES.$f
done
out pings_lost "$(cat $LIVES.ping $LIVES.pingidle | sed -n 's/.*lost=\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n + 0 }')" ""
report ping_avg_ns avg_ns $LIVES.ping ns
report ping_median_ns median_ns $LIVES.ping ns
report ping_min_ns min_ns $LIVES.ping ns
report ipi_avg_ns avg_ns $LIVES.ipi ns
report ipi_median_ns median_ns $LIVES.ipi ns
report ipi_min_ns min_ns $LIVES.ipi ns
report ping_idle_avg_ns avg_ns $LIVES.pingidle ns
report ping_idle_median_ns median_ns $LIVES.pingidle ns
report ping_idle_min_ns min_ns $LIVES.pingidle ns
report ipi_idle_avg_ns avg_ns $LIVES.ipiidle ns
report ipi_idle_median_ns median_ns $LIVES.ipiidle ns
report ipi_idle_min_ns min_ns $LIVES.ipiidle ns
report msgs_64_per_s msgs_per_s $LIVES.small 1/s
report bytes_64k_per_s bytes_per_s $LIVES.large B/s
report memcpy_64k_per_s memcpy_bytes_per_s $LIVES.large B/s

# --- sockets: to the spawn, and within the host, in turns ---

ifconfig lo 127.0.0.1 up || fail "ifconfig lo"
cid=$(cat $I/cid)

# sockets PREFIX "NAME ADDR PORT"...
sockets() {
	local prefix=$1 how i=0
	shift
	rm -f $LIVES.rtt.* $LIVES.tput.*
	while [ $i -lt $((ROUNDS * 3)) ]; do
		i=$((i + 1))
		for how; do
			part_of $how
			mkvsock rtt "$addr" "$port" 300 64 >>$LIVES.rtt.$name || fail "mkvsock rtt $how"
			mkvsock tput "$addr" "$port" 67108864 65536 >>$LIVES.tput.$name ||
				fail "mkvsock tput $how"
		done
	done
	for how; do
		part_of $how
		sed "s/^/# $prefix: /" $LIVES.rtt.$name $LIVES.tput.$name
		report ${prefix}_${name}_avg_ns avg_ns $LIVES.rtt.$name ns
		report ${prefix}_${name}_kib_per_s kib_s $LIVES.tput.$name KiB/s
	done
}
# part_of NAME ADDR PORT
part_of() {
	name=$1 addr=$2 port=$3
}
sockets socket "spawn $cid 1024" "loopback 1 3000" "unix unix 3000" "tcp tcp 3000"

# And as they do where no hypervisor is seen
echo 200 >$POLL
mkvsock run "$cid" 1024 "echo 200 >$POLL" || fail "poll_us of the spawn"
sockets socket_200us "spawn $cid 1024" "loopback 1 3000"
mkwrite $I/control kill
mkwrite $MK/destroy b || fail "destroy"

# --- faults: when they are found, and what follows; by the stamps of the kernel's log ---

stamps_us() { # TEXT: of the lines that have it
	dmesg | grep -F "$1" | sed -n 's/^\[ *\([0-9]*\)\.\([0-9]*\)\].*/\1\2/p'
}
HANG_S=3

mkwrite $MK/create "name=b cpus=2-3 memory=256M" && mkwrite $I/hang_timeout $HANG_S &&
	mkload -i "$(cat $I/id)" -r $INITRD -c "quiet mk.spawn=hang:1" $KERNEL || fail "hang: create"
: >$LIVES.hang
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	# What it says before it hangs is seen 10 ms later at most
	mkwrite $I/control start && [ "$(mkwait b running,crashed 60000)" = running ] &&
		mkwait -b $I/console "spawn: hang now" 20000 && echo "mk-bench: hang $i" >/dev/kmsg &&
		[ "$(mkwait b crashed,stopped 60000)" = crashed ] || fail "hang $i: $(cat $I/reason)"
	echo "found=$(($(stamps_us "b: running -> crashed: hang" | tail -n 1) - \
		$(stamps_us "mk-bench: hang $i")))" >>$LIVES.hang
done
sed 's/^/# hang: /' $LIVES.hang
out hang_timeout_us $((HANG_S * 1000000)) us
report hang_found_us found $LIVES.hang us
mkwrite $MK/destroy b || fail "hang: destroy"

# It panics in so many starts, the one after them lasts
mkwrite $MK/create "name=b cpus=2-3 memory=256M" && mkwrite $I/on_crash restart &&
	mkwrite $I/restart_max 64 && mkload -i "$(cat $I/id)" -r $INITRD \
	-c "quiet mk.spawn=panic:$ROUNDS,view" $KERNEL || fail "restart: create"
echo "mk-bench: restarts" >/dev/kmsg
mkwrite $I/control start || fail "restart: start"
mkwait -f $I/console "spawn: clock" $((60000 * ROUNDS)) || fail "restart: $(cat $I/state $I/reason)"
# Of the pairs that this instance made
dmesg | sed '1,/mk-bench: restarts/d' | awk '
	{ t = $0; sub(/^\[ */, "", t); sub(/\].*/, "", t) }
	/ b: running -> crashed: panic/ { crashed = t }
	/ b: booting -> running/ && crashed {
		printf "ready=%d\n", (t - crashed) * 1000000
		crashed = 0
	}' >$LIVES.restart
sed 's/^/# restart: /' $LIVES.restart
report crash_to_ready_us ready $LIVES.restart us
mkwrite $I/control kill
mkwrite $MK/destroy b || fail "restart: destroy"

# --- what the host keeps for one instance of 256 MiB ---

settle() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}
meminfo() { awk -v k="$1:" '$1 == k { print $2 }' /proc/meminfo; }
# With the free pages that CPUs keep at hand, which MemFree does not count
free_kb() {
	awk '$1 == "cpu:" { cpu = 1 }
		cpu && $1 == "count:" { n += $2; cpu = 0 }
		$1 == "nr_free_pages" { n += $2 }
		END { print n * 4 }' /proc/zoneinfo
}

: >$LIVES.mem
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	settle
	free0=$(free_kb) slab0=$(meminfo Slab)
	mkwrite $MK/create "name=b cpus=2-3 memory=256M" || fail "create"
	settle
	free1=$(free_kb) slab1=$(meminfo Slab)
	mkload -i "$(cat $I/id)" -r $INITRD -c quiet $KERNEL || fail "load"
	settle
	free2=$(free_kb) slab2=$(meminfo Slab)
	mkwrite $MK/destroy b || fail "destroy"
	# offlined CPUs give back some per-CPU memory: less than nothing counts as nothing
	echo "created=$((free0 > free1 ? free0 - free1 : 0))" \
		"loaded=$((free0 > free2 ? free0 - free2 : 0))" \
		"slab=$((slab2 > slab0 ? slab2 - slab0 : 0))" >>$LIVES.mem
	echo "# memory: free $free0, created $free1, loaded $free2; slab $slab0 $slab1 $slab2 kB"
done
report host_memory_created_kb created $LIVES.mem kB
report host_memory_loaded_kb loaded $LIVES.mem kB
report host_slab_loaded_kb slab $LIVES.mem kB
echo "bench: done"
