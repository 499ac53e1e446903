#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# series.sh [DIR]: the patch series for review, as dev/series/manifest has it, into
# build/series (or O=/series). SIGNOFF="Name <mail>" makes it the poster's.
. "$(dirname "$0")/lib.sh"

dir=${1:-${O:-$TOP/build}/series}
who='^[^<>]+ <[^<>@[:space:]]+@[^<>@[:space:]]+>$'
if [ -n "${SIGNOFF:-}" ] && { [[ ! $SIGNOFF =~ $who ]] || [[ $SIGNOFF = *$'\n'* ]]; }; then
	die "SIGNOFF='$SIGNOFF': is not 'Name <mail>'"
fi
command -v python3 >/dev/null || die "python3 is missing"
command -v git >/dev/null || die "git is missing"
take_lock "series"
"$TOP/dev/prepare.sh"
TREE=$(sed -n 1p "$OUT/tree")
exec python3 "$TOP/dev/series/series.py" "$TREE" "$dir" ${SIGNOFF:+--signoff "$SIGNOFF"}
