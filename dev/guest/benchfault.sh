#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's part of `make bench` for faults: how soon a panic is known, and what work of
# the host and of another instance lose while one breaks down again and again.  4 CPUs:
# 0 and 1 of the host, 2 of the instance f that breaks, 3 of the instance o that serves.
# shellcheck disable=SC2015,SC2086,SC3043 # fail does not come back; no blanks; busybox ash
# shellcheck source=dev/guest/benchlib.sh
. /mk/benchlib.sh
OUT=/tmp/benchfault

state_of() { mkwait "$1" "$2,crashed,stopped" 60000; }
load() { mkload -i "$(cat "$MK/instances/$1/id")" -r "$2" -c "quiet $3" $KERNEL; }

# With the other's end of the sockets
initrd_with mkvsock $OUT.initrd

mkwrite $MK/create "name=o cpus=3 memory=128M split_core=1" && load o $OUT.initrd mk.spawn=vsock &&
	mkwrite $MK/instances/o/control start && [ "$(state_of o running)" = running ] &&
	mkwait -b $MK/instances/o/console "mkvsock: serves 1025" 20000 || fail "the other does not run"
cid=$(cat $MK/instances/o/cid)
mkwrite $MK/create "name=f cpus=2 memory=128M split_core=1" || fail create

# work NAME: a loop that counts on CPU 1, and meanwhile a stream to the other from CPU 0
errors=0
work() {
	local i=0
	: >$OUT.count
	: >$OUT.stream
	while [ $i -lt "$ROUNDS" ]; do
		i=$((i + 1))
		taskset 2 mkcount 2000 >>$OUT.count &
		taskset 1 mkvsock tput "$cid" 1024 8388608 65536 >>$OUT.stream || errors=$((errors + 1))
		wait $!
	done
	sed "s/^/# $1: /" $OUT.count $OUT.stream
	echo "bench: host_count_$1_per_s=$(awk -F '[= ]' '{ printf "%d\n", $2 * 1000000 / $4 }' $OUT.count | median) 1/s"
	echo "bench: other_stream_$1_kib_per_s=$(sed -n -E 's/.*kib_s=([0-9]+).*/\1/p' $OUT.stream | median) KiB/s"
}

work quiet

load f $INITRD mk.spawn=spin && mkwrite $MK/instances/f/control start &&
	mkwait -b $MK/instances/f/console "spawn: spin now" 60000 || fail spin
work spin
mkwrite $MK/instances/f/control kill || fail kill

# It is started again by its policy each time
mkwrite $MK/instances/f/on_crash restart && mkwrite $MK/instances/f/restart_max 64 &&
	mkwrite $MK/instances/f/restart_interval 1 && mkwrite $MK/instances/f/hang_timeout 3 || fail policy
for fault in panic lockup; do
	load f $INITRD "mk.spawn=inject:$fault" || fail "$fault: load"
	before=$(cat $MK/instances/f/restarts)
	mkwrite $MK/instances/f/control start || fail "$fault: start"
	work $fault
	echo "bench: restarts_in_${fault}=$(($(cat $MK/instances/f/restarts) - before))"
	mkwrite $MK/instances/f/on_crash keep
	mkwrite $MK/instances/f/control kill || :
	mkwrite $MK/instances/f/on_crash restart
done
echo "bench: fault_work_errors=$errors"
[ "$errors" = 0 ] || fail "$errors streams of the other failed"
[ "$(cat $MK/instances/o/state)" = running ] || fail "the other is $(cat $MK/instances/o/state)"

# The spawn says by its own clock, which follows the host's, when it begins to panic
mkwrite $MK/instances/f/on_crash keep
load f $INITRD mk.spawn=inject:panic || fail load
: >$OUT.panic
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	mkwrite $MK/instances/f/control start || fail "panic $i"
	at=$(mkwait -t f crashed,stopped 60000) || fail "panic $i: it is $(cat $MK/instances/f/state)"
	began=$(sed -n 's/.*multikernel: inject.* at_ms=//p' $MK/instances/f/console | tail -n 1)
	echo $((${at#* } - began)) >>$OUT.panic
done
sed 's/^/# panic_ms: /' $OUT.panic
echo "bench: panic_to_crashed_ms=$(median <$OUT.panic) ms"
for i in f o; do
	mkwrite $MK/instances/$i/control kill 2>/dev/null
	mkwrite $MK/destroy $i || fail "destroy"
done
echo "bench: done"
