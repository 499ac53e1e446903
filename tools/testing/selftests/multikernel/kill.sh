#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Kill at any moment, early boot included; afterwards everything is as before.
. "$(dirname "$0")/lib.sh"
CYCLES=${MK_CYCLES:-20}
plan $((CYCLES + 6))

seed=${MK_SEED:-$(($(date +%s) % 100000))}
echo "# seed $seed (mk.seed=$seed repeats it)"
rnd() { # BELOW
	seed=$(((seed * 1103515245 + 12345) & 0x7fffffff))
	rnd=$(((seed >> 8) % $1))
}

mk_create name=web cpus=2-3 memory=192M
mk_load web
check "a whole boot first" mk_start web
boot_ms=$(($(val web boot_time_us) / 1000))
echo "# a boot lasts $boot_ms ms"
check "kill it while it runs" mk_kill web
check "state and reason say so" ended web stopped '^killed$'

# The first moments one by one, then anywhere in a boot and a little beyond
life() { # MS
	local from
	control web start || return
	[ "$1" = 0 ] || usleep $(($1 * 1000))
	from=$(state web)
	mk_kill web || return
	equal state "$(state web)" stopped && equal reason "$(reason web)" killed &&
		equal "CPUs online" "$(online)" 0-1 && echo "$from" >"$T/from"
}
n=0
while [ $n -lt "$CYCLES" ]; do
	case $n in
	0) ms=0 ;;
	1) ms=2 ;;
	2) ms=20 ;;
	*)
		rnd $((boot_ms + boot_ms / 5 + 1))
		ms=$rnd
		;;
	esac
	n=$((n + 1))
	check "start and kill after $ms ms" life "$ms"
	echo "# it was $(cat "$T/from" 2>/dev/null)"
done

check "after all that it boots" mk_start web
check "kill and destroy" eval 'mk_kill web && mk_destroy web'
check "every CPU is back and works, the pool is whole" \
	eval 'cpus_work && equal free "$(pool_free)" "$START_FREE"'
