#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# After many lives of instances the host has the memory it had.
. "$(dirname "$0")/lib.sh"
plan 8

CHEAP=30
LIVES=8
# What may differ: per-CPU caches of pages and objects. A leak of a page of slab in each of
# the cheap cycles is 120 KiB, one of an image some MiB.
SLAB_KB=100
FREE_KB=2048
VMALLOC_KB=64

cheap() {
	mk_create name=web cpus=3 memory=128M split_core=1 && mk_load web x=1 &&
		mkwrite $MK/destroy web
}
life() {
	mk_create name=web cpus=2-3 memory=128M && mk_load web && control web start &&
		usleep "$1" && mk_kill web && mkwrite $MK/destroy web
}
repeat() { # COUNT COMMAND...
	local i=0 n=$1
	shift
	while [ $i -lt "$n" ]; do
		i=$((i + 1))
		"$@" || return
	done
}
exec 4>&1

# the first lives fill caches
repeat 4 cheap
repeat 2 life 50000

note a
check "$CHEAP times create, load, destroy" repeat $CHEAP cheap
note b
check "slab is as before" grew Slab "$slab_a" "$slab_b" $SLAB_KB
check "free memory is as before" grew "used memory" "-$free_a" "-$free_b" $FREE_KB
check "vmalloc is as before" grew VmallocUsed "$vmalloc_a" "$vmalloc_b" $VMALLOC_KB

check "$LIVES times create, load, start, kill, destroy" repeat $LIVES life 300000
note c
check "slab is as before" grew Slab "$slab_b" "$slab_c" $SLAB_KB
check "free memory is as before" grew "used memory" "-$free_b" "-$free_c" $FREE_KB
check "pool and CPUs are as before" \
	equal all "$(pool_free) $(online)" "$START_FREE $START_ONLINE"
