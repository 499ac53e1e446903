#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Get Debian's kernel source package into $CACHE/dl; prints nothing when it is there.
#
# Tried in this order: DEB=file, the machine's own apt, then suites that carry
# the package but that the machine does not list, through a private apt.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/apt.sh"

PKG=linux-source-6.12

if [ -n "$DEB" ]; then
	[ -f "$DEB" ] || die "DEB=$DEB: no such file"
	[ "$(dpkg-deb -f "$DEB" Package)" = "$PKG" ] || die "DEB=$DEB is not a $PKG package"
	cp "$DEB" "$CACHE/dl/.deb.tmp"
	mv "$CACHE/dl/.deb.tmp" "$CACHE/dl/${PKG}_$(dpkg-deb -f "$DEB" Version)_all.deb"
	exit 0
fi

ls "$CACHE/dl/$PKG"_*.deb >/dev/null 2>&1 && exit 0

rm -rf "$CACHE"/dl/.fetch.*	# left by an interrupted download
tmp=$(mktemp -d "$CACHE/dl/.fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# apt verifies sizes and hashes; only a complete file comes out of the temporary folder.
keep() {
	mv "$tmp/$PKG"_*.deb "$CACHE/dl/"
	say "kernel source: $(basename "$CACHE/dl/$PKG"_*.deb)"
	exit 0
}

say "fetching $PKG (about 150 MB)"
if [ -z "$MIRROR" ] && (cd "$tmp" && apt-get download -q "$PKG" 2>/dev/null); then
	keep
fi

# What else to try: the machine's own suites (its lists may be absent), then the others.
candidates() {
	local uri suite suites
	if [ -n "$MIRROR" ]; then
		for suite in trixie bookworm-backports trixie-security bookworm-security; do
			echo "${MIRROR%/} $suite"
		done
		return
	fi
	apt_sources | grep -v -- '-updates$' || :
	apt_sources | while read -r uri suite; do
		case $suite in
		*-security) suites="trixie-security bookworm-security" ;;
		*) suites="trixie bookworm-backports" ;;
		esac
		for suite in $suites; do echo "$uri $suite"; done
	done
}

mapfile -t list < <(candidates | awk '!seen[$0]++')
[ "${#list[@]}" -gt 0 ] || die "no Debian archive in this machine's apt sources; give MIRROR=http://.../debian"

for line in "${list[@]}"; do
	say "looking in suite ${line#* }"
	apt_private_sources "$line"
	private_apt update -q -o APT::Update::Error-Mode=any >"$LOGS/apt.log" 2>&1 || continue
	if (cd "$tmp" && private_apt download -q "$PKG" 2>>"$LOGS/apt.log"); then
		keep
	fi
done
die "$PKG is in none of the suites tried; see $LOGS/apt.log, or give MIRROR= or DEB="
