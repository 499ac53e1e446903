#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2317 # it() calls the functions
# The patch is a .diff, as the kernel's .gitignore leaves out what ends in .patch.
#
# check.sh SOURCE DIR: apply the patch to Debian's kexec-tools source, unpacked in
# SOURCE (which stays as it is), build that in DIR, and try what needs no kernel. TAP.
# The program is DIR/kexec then.
#
#	apt-get source kexec-tools	# of Debian 12; takes a deb-src line
#	./check.sh kexec-tools-2.0.25 /tmp/kexec-mk
SRC=$(cd "${1:?source}" && pwd) || exit 1
mkdir -p "${2:?folder}" || exit 1
DIR=$(cd "$2" && pwd)
HERE=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C
LOG=$DIR/log

n=0
bad=0
it() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >"$LOG" 2>&1; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		tail -n 20 "$LOG" | sed 's/^/# /'
		bad=1
	fi
}

applies() {
	rm -rf "$DIR/src" "$DIR/kexec" && cp -r "$SRC" "$DIR/src" &&
		for p in "$HERE"/*.diff; do
			patch -d "$DIR/src" -p1 --fuzz=0 --no-backup-if-mismatch <"$p" || return
		done
}
builds() {
	(cd "$DIR/src" && ./configure --prefix=/usr --sbindir=/sbin --without-xen &&
		make build/sbin/kexec) >"$DIR/build.log" 2>&1 || { tail -n 20 "$DIR/build.log"; return 1; }
	if grep 'multikernel.*warning:' "$DIR/build.log"; then return 1; fi
	cp "$DIR/src/build/sbin/kexec" "$DIR/kexec"
}
# refuses REGEX OPTIONS: one line, and not 0
refuses() {
	re=$1
	shift
	if out=$("$DIR/kexec" "$@" 2>&1); then echo "accepted: $out"; return 1; fi
	echo "$out"
	[ "$(printf '%s\n' "$out" | wc -l)" = 1 ] && printf '%s\n' "$out" | grep -Eq -- "$re"
}
helps() { "$DIR/kexec" --help | grep -F -A 2 -- --multikernel=; }
man_page() {
	grep -F 'multikernel= name' "$DIR/src/kexec/kexec.8" || return
	command -v man >/dev/null || return 0
	[ -z "$(man --warnings -E UTF-8 -l "$DIR/src/kexec/kexec.8" 2>&1 >/dev/null | grep -i multikernel)" ]
}

echo "TAP version 13"
echo "1..10"
it "the patch applies, without fuzz" applies
it "it builds, without a warning of ours" builds
it "--help knows it" helps
it "so does the manual page" man_page
it "not without -s" refuses "needs -s" --multikernel=web -l /x
it "nor with -a, which may do without" refuses "needs -s" --multikernel=web -a -l /x
it "neither -l nor -u is no operation" refuses "either -l or -u" --multikernel=web -s /x
it "nor both" refuses "either -l or -u" --multikernel=web -s -l -u /x
it "no crash image" refuses "either -l or -u" --multikernel=web -s -p /x
it "a name is no path" refuses "'[.][.]/web' is not the name" --multikernel=../web -s -u
echo "# $n tests"
exit $bad
