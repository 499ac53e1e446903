#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a message costs, in instructions: of the sender and of the receiver, 64 bytes,
# the reader awake. QEMU counts them: with -icount the guest's clock is the number of
# instructions, so every run gives the same number, on whatever machine. The number is
# that of the compiler and the configuration, too: icount.expected has what it was made with.
# Exit 1 if one is more than 20 % over what is kept there.
. "$(dirname "$0")/lib.sh"

EXPECTED=$TOP/tools/testing/selftests/multikernel/icount.expected
"$TOP/dev/kernel.sh" plain

run() {
	local log=${LOG_PREFIX:-}plain-icount rc=0
	SMP=1 MEM=1G MK_APPEND=nokaslr "$TOP/dev/run.sh" plain icount --icount --show none \
		--timeout "${TIMEOUT:-300}" || rc=$?
	[ "$rc" = 0 ] || die "the guest ended with $rc; see $LOGS/$log.log"
	sed -n 's/\r//; s/^icount: //p' "$LOGS/$log.out"
}

first=$(run)
[ -n "$first" ] || die "the guest counted nothing; see $LOGS/${LOG_PREFIX:-}plain-icount.log"
second=$(run)
[ "$first" = "$second" ] || die "two runs, two results: '$first', '$second'"

awk -v compiler="$(gcc --version | head -n 1)" '
	FILENAME == ARGV[1] { if (/^[a-z]/) expected[$1] = $2; next }
	{
		got[$1] = 1
		over = expected[$1] ? ($2 / expected[$1] - 1) * 100 : 0
		printf "%-8s %5d instructions (kept: %d, %+.1f %%)\n", $1, $2, expected[$1], over
		bad += !expected[$1] || over > 20
	}
	END {
		print "counted twice, the same; " compiler
		exit bad || !got["send"] || !got["receive"]
	}' "$EXPECTED" - <<<"$first"
