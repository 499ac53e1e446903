#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Create while out of memory: each of its allocations fails once. It says ENOMEM and
# nothing has changed, or it copes and the instance is whole.
. "$(dirname "$0")/lib.sh"
plan 5

FAIL=/sys/kernel/debug/failslab
MOST=200
[ -w /proc/self/fail-nth ] && [ -d $FAIL ] ||
	skip_rest "no FAILSLAB and FAULT_INJECTION_DEBUG_FS in this kernel"

# No backtrace of each failure, and those that may wait fail too
echo 0 >$FAIL/verbose
echo N >$FAIL/ignore-gfp-wait

nomem=0 coped=0 end=0 n=0
before=$(snapshot)
each() {
	local got rc
	while [ $n -lt $MOST ]; do
		n=$((n + 1))
		got=$(mkwrite -n $n $MK/create "name=web cpus=2-3 memory=128M" 2>&1)
		rc=$?
		case $rc:$got in
		1:*ENOMEM)
			nomem=$((nomem + 1))
			equal "everything, after failure $n" "$(snapshot)" "$before" || return
			;;
		0:)
			coped=$((coped + 1))
			equal "state, after failure $n" "$(state web)" empty &&
				mkwrite $MK/destroy web || return
			;;
		3:)
			end=$n
			mkwrite $MK/destroy web
			return
			;;
		*)
			echo "allocation $n: exit $rc, $got"
			return 1
			;;
		esac
	done
	echo "no end after $MOST allocations"
	return 1
}
check "each allocation of create fails once" each
echo "# $nomem times ENOMEM, $coped times it coped, $end would be the next"
check "some of them are needed" [ "$nomem" -gt 0 ]
check "all were reached" [ "$end" -gt 1 ]
check "everything is as before" equal everything "$(snapshot)" "$before"
whole() {
	mk_create name=web cpus=2-3 memory=128M && mk_load web && mk_start web && mk_kill web &&
		mk_destroy web
}
check "an instance lives a whole life afterwards" whole
