#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Bounded, seeded rubbish into every file that takes a write.
. "$(dirname "$0")/lib.sh"
plan 9

seed=${MK_SEED:-$(($(date +%s) % 100000))}
count=${MK_FUZZ:-200}
echo "# seed $seed (mk.seed=$seed repeats it)"

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
check "kill and destroy" eval 'mk_kill web && mk_destroy web'
check "what came out of it works as before: create, destroy" \
	eval 'mk_create name=web cpus=2-3 memory=128M && mk_destroy web'
