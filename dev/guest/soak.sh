#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# mk.n=N lives of an instance, each killed, stopped or made anew at a random moment;
# mk.seed=SEED gives the same moments again. Last line: "soak: PASS n=... seed=...".
N=${MK_N:-1000}
SEED=${MK_SEED:-$(($(date +%s) % 100000))}

if [ -z "${SOAK_INNER:-}" ]; then
	export SOAK_INNER=1 MK_N="$N" MK_SEED="$SEED"
	if sh "$0"; then
		echo "soak: PASS n=$N seed=$SEED"
		exit 0
	fi
	echo "soak: FAIL n=$N seed=$SEED"
	exit 1
fi

# shellcheck disable=SC1091
. /mk/tests/lib.sh
plan 5

rng=$SEED
rnd() { # BELOW
	rng=$(((rng * 1103515245 + 12345) & 0x7fffffff))
	rnd=$(((rng >> 8) % $1))
}
slab() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "Slab:" { print $2 }' /proc/meminfo
}

echo "# n=$N seed=$SEED"
shape="cpus=2-3 memory=192M"
fresh() {
	# shellcheck disable=SC2086 # words
	mk_create name=s $shape split_core=1 && mk_load s
}
check "create and load" fresh
check "a whole boot first" mk_start s
boot_ms=$(($(val s boot_time_us) / 1000))
check "kill" mk_kill s

# One life. What is killed at a random moment is the most; a tenth each is stopped in
# order, or destroyed and made anew in another shape.
life() {
	local ms
	rnd $((boot_ms + boot_ms / 5 + 1))
	ms=$rnd
	rnd 10
	case $rnd in
	0)
		what="boot, stop"
		mk_start s && mk_stop s && equal reason "$(reason s)" poweroff
		return
		;;
	1)
		what="make anew"
		mk_destroy s || return
		equal free "$(pool_free)" "$START_FREE" && cpus_work || return
		rnd 3
		case $rnd in
		0) shape="cpus=2-3 memory=192M" ;;
		1) shape="cpus=3 memory=128M" ;;
		2) shape="cpus=1,3 memory=256M" ;;
		esac
		fresh
		return
		;;
	esac
	what="kill after $ms ms"
	control s start || return
	[ "$ms" = 0 ] || usleep $((ms * 1000))
	mk_kill s && equal state "$(state s)" stopped && equal reason "$(reason s)" killed
}

all_lives() {
	local n=0
	while [ $n -lt "$N" ]; do
		n=$((n + 1))
		if ! life; then
			echo "life $n ($what) of $N, seed $SEED"
			return 1
		fi
		[ $n != 10 ] || slab_before=$(slab)
		# the consoles' logs are scanned at the end: keep what they may fill bounded
		if [ $((n % 20)) = 0 ]; then
			save_console s
			log_clean || return
			: >"$T/console/s"
			echo "# $n of $N, $what" >&4
		fi
	done
}
exec 4>&1
slab_before=
check "$N lives" all_lives
mk_reset >/dev/null 2>&1

# Tolerance: caches that grow once. A leak of 1 KiB a life is seen from 512 lives on.
slab_same() {
	local after
	after=$(slab)
	echo "# slab: ${slab_before:=$after} kB after 10 lives, $after kB now" >&4
	[ $((after - slab_before)) -le 512 ]
}
check "slab is as before" slab_same
