#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The main job, told as it happens. Exit 0 if and only if the guest said "demo: PASS".
. "$(dirname "$0")/lib.sh"

"$TOP/dev/kernel.sh" plain
log=$LOGS/plain-demo
say "booting the host in QEMU: $SMP CPUs, $MEM (whole log: $log.log)"
rc=0
"$TOP/dev/run.sh" plain demo --show story --timeout "${TIMEOUT:-180}" || rc=$?
[ "$rc" != 130 ] || exit 130
if [ "$rc" = 0 ] && grep -q '^demo: PASS' "$log.out"; then
	exit 0
fi
echo
if grep '^demo: FAIL' "$log.out" | tr -d '\r'; then
	:
elif [ "$rc" = 124 ]; then
	echo "demo: FAIL: the guest did not end in time"
else
	echo "demo: FAIL: the guest ended before its verdict; the last it said:"
	tail -n 15 "$log.log"
fi
echo "See $log.log (all), $log.console (kernel), $log.out (story)."
exit 1
