#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# N lives of several instances at once, a random mix of shapes, faults and kills; then all
# must be as before.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/judge.sh"

flavour=${FLAVOUR:-plain}
export N=${N:-1000}
"$TOP/dev/kernel.sh" "$flavour"
say "soak, $N cycles on the $flavour kernel"
rc=0
"$TOP/dev/run.sh" "$flavour" soak --show story --timeout "${TIMEOUT:-$((120 + N * 30))}" || rc=$?
[ "$rc" != 130 ] || exit 130
judge soak "$LOGS/$flavour-soak" "$rc" -v tap=1
total
