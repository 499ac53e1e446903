#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The unit tests alone, on a kernel with FLAVOUR's checkers: debug (lockdep and others),
# kcsan (data races) or kasan (accesses out of bounds and after free). They run while the
# kernel boots, which then ends: there is no user space, and no pool.
# The last line is "N passed, N failed".
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/judge.sh"

flavour=${FLAVOUR:-debug}
case $flavour in
debug | kcsan | kasan) ;;
*) die "the unit tests' FLAVOUR is debug, kcsan or kasan, not '$flavour'" ;;
esac

"$TOP/dev/deps.sh"
"$TOP/dev/build.sh" "$flavour"

# KASAN's shadow of 5-level paging moves while the first CPU is being identified, which
# forgets that it has it (identify_cpu()): an interrupt then is a report without end
[ "$flavour" != kasan ] || MK_APPEND="no5lvl ${MK_APPEND:-}"
log=$LOGS/$flavour-kunit
say "unit tests, on the $flavour kernel"
rc=0
"$QEMU_SH" --kernel "$OUT/$flavour/bzImage" --log "$log" --smp "$SMP" --mem "$MEM" \
	--accel "$ACCEL" --show "${SHOW:-none}" --timeout "${TIMEOUT:-1800}" \
	--append "kunit.filter_glob=multikernel* kunit_shutdown=reboot kasan_multi_shot ${MK_APPEND:-}" ||
	rc=$?
[ "$rc" != 130 ] || exit 130
judge kunit "$log" "$rc" -v kunit=1
total
