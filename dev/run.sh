#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh FLAVOUR MODE [qemu.sh options]: boot the host guest, which runs MODE.
# Logs: $OUT/logs/FLAVOUR-MODE.* (after $LOG_PREFIX); in $MK_APPEND more kernel parameters,
# in $MK_POOL what multikernel= says, in $MK_CPU QEMU's CPU.
. "$(dirname "$0")/lib.sh"

flavour=$1
mode=$2
shift 2
exec "$QEMU_SH" --kernel "$OUT/$flavour/bzImage" --initrd "$OUT/$flavour/host.cpio" \
	--log "$LOGS/${LOG_PREFIX:-}$flavour-$mode" --cpu "${MK_CPU:-max}" --smp "$SMP" --mem "$MEM" --accel "$ACCEL" \
	--append "multikernel=${MK_POOL:-512M} mk.run=$mode ${N:+mk.n=$N }${SEED:+mk.seed=$SEED }${TESTS:+mk.tests=$TESTS }${MK_APPEND:-}" "$@"
