#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# host-tools.sh: groff and systemd-analyze for the tests of mkctl, where this machine has not
# got them: Debian's packages, extracted into the cache; nothing is installed. Prints the
# folder that belongs into PATH, or nothing. What can't be had is skipped by the tests.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/apt.sh"

ROOT=$CACHE/host-tools
BIN=$ROOT/path

# get PACKAGE...: unpack these into $ROOT, each once
get() {
	local pkg tmp
	for pkg; do
		[ ! -e "$ROOT/.have/$pkg" ] || continue
		say "fetching $pkg for the tests of mkctl" >&2
		rm -rf "$ROOT"/.new.*
		tmp=$(mktemp -d "$ROOT/.new.XXXXXX")
		apt_fetch "$tmp" "$pkg" >&2 && dpkg-deb -x "$tmp"/*.deb "$ROOT" && touch "$ROOT/.have/$pkg"
		rm -rf "$tmp"
		[ -e "$ROOT/.have/$pkg" ] || return
	done
}

lib_path() {
	find "$ROOT" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:
}

# tool NAME PACKAGE... -- [VARIABLE=VALUE...]: what it is linked to and this machine lacks
# comes, too
tool() {
	local name=$1 program=$ROOT/usr/bin/$1 packages=() pkg
	shift
	while [ "$1" != -- ]; do
		packages+=("$1")
		shift
	done
	shift
	rm -f "$BIN/$name"
	get "${packages[@]}" || { warn "cannot get Debian's ${packages[*]}"; return 0; }
	# All of ldd's output first: it would die of a reader that leaves early
	if grep -q 'not found' <<<"$(LD_LIBRARY_PATH=$(lib_path) ldd "$program" 2>&1)"; then
		for pkg in $(apt_closure "${packages[0]}" | grep '^lib'); do
			[ -z "$(missing_packages "$pkg")" ] || get "$pkg" || :
		done
	fi
	{
		echo '#!/bin/sh'
		# shellcheck disable=SC2016 # $PATH is for the script
		printf 'export PATH="%s:$PATH" LD_LIBRARY_PATH="%s"\n' "$ROOT/usr/bin" "$(lib_path)"
		[ $# = 0 ] || printf 'export %s\n' "$@"
		printf 'exec "%s" "$@"\n' "$program"
	} >"$BIN/$name"
	chmod +x "$BIN/$name"
	# One that does not run is none, and its tests are skipped
	"$BIN/$name" --version >/dev/null 2>&1 || {
		rm -f "$BIN/$name"
		warn "Debian's ${packages[*]}: $name does not run here"
	}
}

command -v dpkg-deb >/dev/null || exit 0
wanted=
for t in groff systemd-analyze; do
	[ -z "${ALL:-}" ] && command -v "$t" >/dev/null || wanted="$wanted $t"
done
[ -n "$wanted" ] || exit 0

take_lock "fetching of host tools" >&2
mkdir -p "$BIN" "$ROOT/.have"
for t in $wanted; do
	case $t in
	groff)
		tool groff groff-base -- "GROFF_FONT_PATH=$ROOT/usr/share/groff/current/font" \
			"GROFF_TMAC_PATH=$ROOT/usr/share/groff/current/tmac:$ROOT/etc/groff"
		;;
	systemd-analyze)
		tool systemd-analyze systemd libsystemd-shared -- \
			"SYSTEMD_UNIT_PATH=$ROOT/usr/lib/systemd/system:$ROOT/lib/systemd/system:"
		;;
	esac
done
echo "$BIN"
