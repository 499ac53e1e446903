#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The figures: a table on the screen, the same in $OUT/bench.json.
#
# In the guest, bench.sh prints "bench: NAME=VALUE UNIT" lines. Here the same bzImage
# and initramfs are also booted straight by QEMU, with as many CPUs and as much memory
# as the instance has, to compare. That boot is timed from outside, by stamping the lines
# as they come: from the firmware's "Booting from ROM", after which it jumps to the
# kernel (between lie the copy of the images and the 16-bit setup code, some ms), to
# the line that init writes. It is quiet, so that no serial output slows it.
#
# Ratios come from one run on one machine; absolute figures under TCG are for
# orientation only, and nothing here fails for being slow.
. "$(dirname "$0")/lib.sh"

: "${BOOTS:=5}" "${SPAWN_SMP:=2}" "${SPAWN_MEM:=256M}"

"$TOP/dev/kernel.sh" plain
if [ ! -x "$OUT/stamp" ] || [ "$TOP/dev/stamp.c" -nt "$OUT/stamp" ]; then
	gcc -O2 -o "$OUT/stamp" "$TOP/dev/stamp.c"
fi

# One straight boot: its time in microseconds.
direct_boot() {
	local log=$LOGS/plain-direct
	"$QEMU_SH" --kernel "$OUT/plain/bzImage" --initrd "$OUT/base.cpio.gz" --log "$log" \
		--smp "$SPAWN_SMP" --mem "$SPAWN_MEM" --accel "$ACCEL" --timeout 60 \
		--show none --stamp "$OUT/stamp" \
		--append "quiet rdinit=/mk/reached" >/dev/null || return 1
	awk '$1 !~ /^[0-9]+$/ { next }
		!start && /Booting from ROM/ { start = $1 }
		/init: reached/ { print $1 - start; exit }' "$log.console"
}

say "booting kernel and initramfs straight in QEMU, $BOOTS times"
direct=()
for ((i = 0; i < BOOTS; i++)); do
	us=$(direct_boot)
	[ -n "$us" ] || die "the straight boot did not reach its init; see $LOGS/plain-direct.console"
	direct+=("$us")
	echo "   $us us"
done

say "booting the host, which measures the rest"
rc=0
"$TOP/dev/run.sh" plain bench --show story --timeout "${TIMEOUT:-600}" || rc=$?
[ "$rc" = 0 ] || die "the bench guest ended with $rc; see $LOGS/plain-bench.log"
grep -q '^bench: done' "$LOGS/plain-bench.out" || die "bench broke off; see $LOGS/plain-bench.log"

say "booting the host with 8 CPUs, for 1, 2 and 4 instances"
rc=0
SMP=8 "$TOP/dev/run.sh" plain benchn --show story --timeout "${TIMEOUT:-600}" || rc=$?
[ "$rc" = 0 ] || die "the bench guest ended with $rc; see $LOGS/plain-benchn.log"
grep -q '^bench: done' "$LOGS/plain-benchn.out" || die "bench broke off; see $LOGS/plain-benchn.log"

say "booting the host, for what faults of a spawn cost others"
rc=0
"$TOP/dev/run.sh" plain benchfault --show story --timeout "${TIMEOUT:-600}" || rc=$?
[ "$rc" = 0 ] || die "the bench guest ended with $rc; see $LOGS/plain-benchfault.log"
grep -q '^bench: done' "$LOGS/plain-benchfault.out" || die "bench broke off; see $LOGS/plain-benchfault.log"

figures=$LOGS/bench.figures
{
	printf '%s\n' "${direct[@]}" | sort -n |
		awk '{ v[NR] = $1 } END { printf "direct_boot_us=%d us\n", v[int((NR + 1) / 2)] }'
	sed -n 's/\r//; s/^bench: \([A-Za-z0-9_]*=.*\)/\1/p' "$LOGS"/plain-bench{,n,fault}.out
} >"$figures"

echo
awk -f "$TOP/dev/figures.awk" -v json="$OUT/bench.json" "$figures"
echo
say "the same as JSON: $OUT/bench.json"
