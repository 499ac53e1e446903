#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Bounded, seeded rubbish into every file that takes a write, and into kexec_file_load();
# whatever comes of it, no instance makes a step that is not in the table of states. Then
# valid verbs, several at a time, that race each other. What was taken is given back.
. "$(dirname "$0")/lib.sh"
plan 28

seed=${MK_SEED:-$(($(date +%s) % 100000))}
count=${MK_FUZZ:-200}
echo "# seed $seed (mk.seed=$seed repeats it)"

mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkstates >"$T/states" &
follower=$!
check "somebody follows the states" mkwait -f "$T/states" following 10000

exec 4>&1
# A whole life first, and a look at each file: what fills caches
warm_up() {
	local f
	mk_up web 2-3 128M && mk_kill web || return
	find $MK $DBG $PARAM -type f | while read -r f; do
		dd if="$f" bs=4096 count=1 >/dev/null 2>&1
	done
	mk_destroy web
}
check "a whole life first" warm_up
note a

mk_create name=web cpus=2-3 memory=128M
mk_load web
before=$(snapshot)

rubbish() { # SEED FILE WORD...
	local s=$1 file=$2
	shift 2
	fuzz "$s" "$count" "$file" "$@" && equal everything "$(snapshot)" "$before"
}
check "$count writes to create are refused and change nothing" \
	rubbish "$seed" $MK/create name=fz cpus=1 memory=64M id=9 split_core=1 \
	name=web cpus=2-3 memory=0
check "$count writes to destroy are refused and change nothing" \
	rubbish $((seed + 1)) $MK/destroy web fz instances
check "$count writes to control are refused and change nothing" \
	rubbish $((seed + 2)) "$INST/web/control" start stop kill restart
check "the same while it boots and runs" eval 'control web start &&
	! fuzz $((seed + 3)) "$count" "$INST/web/control" start stop kill restart 2>&1 |
	grep "was taken"'
check "it boots all the same" wait_state web running
check "ping takes rubbish as well" eval '
	fuzz $((seed + 4)) 50 "$DBG/web/ping" "1 1" "0x" "-" >/dev/null 2>&1
	mkwrite "$DBG/web/ping" 3 && has "$DBG/web/ping" "count=3.*lost=0"'
check "it still runs" equal state "$(state web)" running

# --- every file there is -----------------------------------------------------------

# fuzz says by its status whether all was refused: here some may be taken
every() { # WRITES
	local f n=0
	find $MK $DBG $PARAM -type f | sort >"$T/files"
	while read -r f; do
		n=$((n + 1))
		case $f in
		"$MK/create" | "$MK/destroy") continue ;;	# those of above
		esac
		fuzz $((seed + 10 + n)) "$1" "$f" 0 1 "64 2" "1 1" web destroy start keep restart \
			"on_crash" "5 60" >/dev/null 2>&1
		# Read in odd pieces, and beyond the end
		dd if="$f" bs=7 count=5 skip=1 >/dev/null 2>&1
		dd if="$f" bs=4096 count=1 skip=100000 >/dev/null 2>&1
	done <"$T/files"
	echo "# $n files, $1 writes to each" >&4
	between files "$n" 15 1000
}
for f in "$PARAM"/*; do
	[ ! -w "$f" ] || cat "$f" >"$T/param.${f##*/}"
done
check "every file below sysfs and debugfs takes rubbish" every 25
for f in "$T"/param.*; do
	cat "$f" >"$PARAM/${f##*.}" 2>/dev/null
done
works() { # it may have been asked to stop by then: not by a mistake
	equal state "$(state web)" running && mkwrite "$DBG/web/ping" 3 &&
		has "$DBG/web/ping" "count=3.*lost=0"
}
check "it still runs, and answers" works
check "the machine is asked for nothing else" equal sizes \
	"$(pool_free) $(online)" "$((START_FREE - (128 << 20))) 0-1"

# --- kexec_file_load() ----------------------------------------------------------------

calls() { # SEED COUNT ID
	fuzzload "$1" "$2" "$KERNEL" "$INITRD" "$3" 2>&1 | tee "$T/calls"
	sed 's/^/# /' "$T/calls" >&4
	has "$T/calls" ' 0 wrongly$'
}
check "none of 60 calls loads into one that runs" eval 'calls $((seed + 5)) 60 "$(val web id)" &&
	has "$T/calls" "^0 of 60 taken"'
check "it still runs, and answers" works
mk_create name=fz cpus=1 memory=64M split_core=1
check "of 120 calls for another only right ones are taken" calls $((seed + 6)) 120 "$(val fz id)"
check "a right one is taken afterwards" eval 'mk_load fz && equal state "$(state fz)" loaded'
check "destroy it" mk_destroy fz
check "no ordinary image came in" equal kexec_loaded \
	"$(cat /sys/kernel/kexec_loaded) $(cat /sys/kernel/kexec_crash_loaded)" "0 0"
check "kill and destroy" eval 'mk_kill web && mk_destroy web'
check "what came out of it works as before: create, destroy" \
	eval 'mk_create name=web cpus=2-3 memory=128M && mk_destroy web'

# --- what is right, but several at a time ------------------------------------------------

RACE_S=20
rnd() { # BELOW
	rng=$(((rng * 1103515245 + 12345) & 0x7fffffff))
	rnd=$(((rng >> 8) % $1))
}
# race KIND SEED: one after the other, as the seed draws them; what is refused is refused.
# At the end how many were taken
race() {
	local n=0 end name word
	rng=$2
	end=$(($(date +%s) + RACE_S))
	while [ "$(date +%s)" -lt $end ]; do
		rnd 2
		[ $rnd = 0 ] && name=web || name=fz
		rnd 8
		case $1-$rnd in
		control-[01]) control $name start ;;
		control-2) control $name stop ;;
		# Most of the time, as only who does not run can be destroyed
		control-[3456]) control $name kill ;;
		control-7) control $name restart ;;
		load-[01]) mkload -u -i "$(val $name id)" ;;
		load-*) mk_load $name "" "$QUICK" ;;
		room-[012]) mkwrite $MK/destroy $name ;;
		room-*) made $name ;;
		esac 2>/dev/null && n=$((n + 1))
		# The others are to have a moment for what takes theirs
		[ "$1" = load ] || usleep 50000
	done
	echo $n >"$T/race.$1"
}
made() {
	if [ "$1" = web ]; then
		mk_create name=web cpus=2 memory=96M split_core=1
	else
		mk_create name=fz cpus=3 memory=96M split_core=1
	fi
}
races() {
	local kind pids="" n=0
	for kind in control load room; do
		n=$((n + 1))
		race $kind $((seed + 1000 * n)) >"$T/race.log.$kind" 2>&1 &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # words
	wait $pids
	for kind in control load room; do
		n=$(cat "$T/race.$kind")
		echo "# races: $kind: $n were taken" >&4
		between "$kind, taken" "$n" 1 100000 || return
	done
}
check "for $RACE_S s start, stop, kill, restart, load, unload, create, destroy race" races
# One may end between a look at it and the kill
check "everything can be ended and destroyed" eval '{ mk_reset || mk_reset; } && equal instances "$(ls "$INST")" "" &&
	equal pool "$(pool_free)" "$START_FREE"'
check "what comes after it works: a whole life" eval \
	'mk_up web 2-3 128M && mk_stop web && mk_destroy web'
note b
check "slab is as before" grew Slab "$slab_a" "$slab_b" 600
check "free memory is as before" grew "used memory" "-$free_a" "-$free_b" 6144
check "vmalloc is as before" grew VmallocUsed "$vmalloc_a" "$vmalloc_b" 64
followed() {
	kill $follower
	wait $follower
	rc=$?
	sed 's/^/# /' "$T/states" >&4
	has "$T/states" "steps=[0-9]* kinds=([5-9]|1[0-9])" && return $rc
}
check "no instance made a step that is not in the table" followed

# Such a step, made up: it is found
made_up() {
	mkstates >"$T/states" &
	follower=$!
	mkwait -f "$T/states" following 10000 || return
	if [ -w /sys/kernel/tracing/trace_marker ]; then
		echo "multikernel_state: id=9 name=nobody from=empty to=running" \
			>/sys/kernel/tracing/trace_marker
	else
		echo "multikernel: nobody: empty -> running" >/dev/kmsg
	fi
	kill $follower
	not wait $follower && has "$T/states" "illegal: nobody: empty -> running" &&
		has "$T/states" "illegal=1 lost=0"
}
check "a step that is not in the table would be found" made_up
