#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# N lives of several instances at once, a random mix of shapes, faults and kills; then all
# must be as before. FLAVOUR is the host's kernel: plain, debug (lockdep and others), kasan
# (with a scan of kmemleak in the end, and DEBUG_OBJECTS) or kcsan. Spawns boot the same,
# beside kasan and kcsan the plain one: it is the host that is looked at.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/judge.sh"

flavour=${FLAVOUR:-plain}
export N=${N:-1000}
life=30
case $flavour in
plain | debug) "$TOP/dev/kernel.sh" "$flavour" ;;
kasan | kcsan)
	"$TOP/dev/kernel.sh" plain "$flavour"
	MK_APPEND="mk.kernel=plain ${MK_APPEND:-}"
	life=90
	;;
*) die "the soak's FLAVOUR is plain, debug, kasan or kcsan, not '$flavour'" ;;
esac
# no5lvl: see kunit.sh
[ "$flavour" != kasan ] || MK_APPEND="kmemleak=on no5lvl $MK_APPEND"
export MK_APPEND="kunit.enable=0 ${MK_APPEND:-}"

# Three of 64 to 128 MiB come and go above "steady"; between two others, any has to fit
[ "$SMP" -le 4 ] || export MK_POOL=${MK_POOL:-768M}

say "soak, $N cycles on the $flavour kernel"
rc=0
"$TOP/dev/run.sh" "$flavour" soak --show story --timeout "${TIMEOUT:-$((300 + N * life))}" || rc=$?
[ "$rc" != 130 ] || exit 130
judge soak "$LOGS/$flavour-soak" "$rc" -v tap=1
total
