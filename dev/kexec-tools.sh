#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Debian 12's kexec-tools with our patch, built in $OUT/kexec-tools: prints the TAP of
# its check. The verdict is the exit code; 4: skipped, and the last line says why.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/apt.sh"

PKG=kexec-tools
SUITE=bookworm	# the version that the patch is against
dl=$CACHE/dl/$PKG
take_lock "build of $PKG" >&2

skip() {
	rm -rf "${OUT:?}/$PKG"
	echo "$*"
	exit 4
}

for p in dpkg-source patch make gcc xz; do
	command -v $p >/dev/null || skip "$p is missing"
done
if ! ls "$dl"/*.dsc >/dev/null 2>&1; then
	rm -rf "$CACHE/dl/.$PKG".*
	tmp=$(mktemp -d "$CACHE/dl/.$PKG.XXXXXX")
	if ! apt_source "$tmp" "$PKG" "$SUITE" || ! ls "$tmp"/*.dsc >/dev/null 2>&1; then
		rm -rf "$tmp"
		skip "the source package $PKG of $SUITE can't be had"
	fi
	rm -rf "$dl"
	mv "$tmp" "$dl"
fi

# apt has verified what it fetched, by the archive's signature
rm -rf "${OUT:?}/$PKG"
mkdir -p "$OUT/$PKG"
dpkg-source --no-check -x "$dl"/*.dsc "$OUT/$PKG/pristine" >"$OUT/$PKG/unpack.log" 2>&1 || {
	tail -n 5 "$OUT/$PKG/unpack.log" >&2
	rm -rf "$dl"
	die "$PKG does not unpack; it is fetched anew the next time"
}
"$TOP/tools/multikernel/kexec-tools/check.sh" "$OUT/$PKG/pristine" "$OUT/$PKG"
