# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by every script here: where things lie, and how we talk.

set -eEu -o pipefail
# Never end without a word.
trap 'printf "error: %s, line %s: failed (%s)\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR
export LC_ALL=C

# Our make's variables must not reach the kernel's make (O= would move its build).
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES ARCH CROSS_COMPILE \
	KBUILD_OUTPUT KCONFIG_CONFIG V W C M CDPATH || :

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
: "${HOME:=/root}"
CACHE=${MK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/multikernel}
mkdir -p "$CACHE"
CACHE=$(cd "$CACHE" && pwd -P)

OUT=${O:-$CACHE/out}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd -P)
LOGS=$OUT/logs
mkdir -p "$LOGS" "$CACHE/dl" "$CACHE/src"

: "${SMP:=4}" "${MEM:=2G}" "${ACCEL:=}" "${LINUX:=}" "${MIRROR:=}" "${DEB:=}"
# shellcheck disable=SC2034 # for those who source us
QEMU_SH=$TOP/tools/testing/selftests/multikernel/qemu.sh

say() { printf '== %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# One build at a time for one cache. The lock goes with the process that holds it.
take_lock() {
	exec 9>"$CACHE/lock"
	flock -n 9 && return
	say "another run is using $CACHE, waiting for it"
	flock 9
}

# Run a command as root, or fail if that cannot be done without asking.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_be_root() {
	[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Which of our packages are not installed here.
missing_packages() {
	local have pkg
	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || :)
	for pkg; do
		grep -qx "$pkg installed" <<<"$have" || printf '%s ' "$pkg"
	done
}

# Install $2 as $1 only when the content differs, so that make sees real changes only.
install_if_changed() {
	if [ -f "$1" ] && cmp -s "$1" "$2"; then
		return
	fi
	mkdir -p "$(dirname "$1")"
	cp -f "$2" "$1.mk-new"
	chmod --reference="$2" "$1.mk-new"
	mv -f "$1.mk-new" "$1"
}
