#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A real crash of a spawn, looked at with Debian's drgn: the core comes out of the guest
# through its memory, which is a file meanwhile. The verdict is the exit code; 4: skipped.
. "$(dirname "$0")/lib.sh"

AT=0x60000000	# of the guest's 2 GiB, kept free for the core
ROOM=64		# MiB
log=$LOGS/${LOG_PREFIX:-}plain-vmcore

if ! command -v drgn >/dev/null; then
	echo "drgn is missing (Debian's python3-drgn)"
	exit 4
fi
"$TOP/dev/kernel.sh" plain
ram=$(mktemp "$LOGS/ram.XXXXXX")
trap 'rm -f "$ram" "$log.core"' EXIT
rc=0
SMP=4 MEM=2G MK_APPEND="memmap=${ROOM}M\$$AT mk.core=$AT" "$TOP/dev/run.sh" plain vmcore \
	--ram "$ram" --show "${SHOW:-none}" --timeout "${TIMEOUT:-180}" || rc=$?
if [ "$rc" != 0 ] || grep -q '^not ok' "$log.out"; then
	echo "the guest ended with $rc; see $log.log"
	grep -A 5 '^not ok' "$log.out" || :
	exit 1
fi
if ! read -r _ _ size _ ip _ cpu < <(grep '^core: ' "$log.out" | tr -d '\r'); then
	echo "there is no core: $(grep SKIP "$log.out" | tr -d '\r')"
	exit 4
fi
dd if="$ram" of="$log.core" bs=1M skip=$((AT >> 20)) count=$ROOM 2>/dev/null
truncate -s "$size" "$log.core"
rm -f "$ram"
drgn -q -c "$log.core" -s "$OUT/plain/vmlinux" "$TOP/dev/core.py" "$ip" "$cpu"
