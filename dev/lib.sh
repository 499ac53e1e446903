# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced by every script here: where things lie, and how we talk.

set -eEu -o pipefail
# Never end without a word. A script of ours that failed has said why.
# shellcheck disable=SC2016 # the command as it is written in the script
broken() {
	case $2 in
	'"$TOP/dev/'*) ;;
	*) printf 'error: %s, line %s: failed (%s)\n' "$0" "$1" "$2" >&2 ;;
	esac
}
trap 'broken "$LINENO" "$BASH_COMMAND"' ERR
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

: "${SMP:=4}" "${MEM:=2G}" "${ACCEL:=}" "${LINUX:=}" "${MIRROR:=}" "${DEB:=}" "${TESTS:=}"
# shellcheck disable=SC2034 # for those who source us
QEMU_SH=$TOP/tools/testing/selftests/multikernel/qemu.sh

say() { printf '== %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A wrong value is found now, not after minutes of building.
case $ACCEL in
'' | kvm | tcg | tcg,*) ;;
*) die "ACCEL is kvm or tcg, not '$ACCEL'" ;;
esac
for var in N SEED BOOTS TIMEOUT FROM TO; do
	case ${!var:-1} in
	*[!0-9]*) die "$var=${!var}: not a number" ;;
	esac
done
unset var

# take_lock WHAT: one build at a time for one cache. The lock goes with the process that
# holds it, and what it wrote into the file tells others whom they wait for.
take_lock() {
	local holder
	exec 9>>"$CACHE/lock"
	if ! flock -n 9; then
		holder=$(cat "$CACHE/lock")
		say "$1 waits: $CACHE is in use by ${holder:-another run}"
		flock 9
	fi
	echo "$1, process $$ in $TOP, since $(date +%T)" >"$CACHE/lock"
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
