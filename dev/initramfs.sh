#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh plain|debug: make
#	$OUT/base.cpio.gz           busybox and init: what a spawn boots with
#	$OUT/FLAVOUR/host.cpio      base + /mk (kernel, base, modules, tools, tests): for the host
# By the kernel's gen_init_cpio, so no root is needed and the same input gives the
# same bytes.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/apt.sh"

flavour=${1:-plain}
take_lock "making of the $flavour initramfs"
TREE=$(sed -n 1p "$OUT/tree")
BUILD=$OUT/$flavour
TESTS=$TOP/tools/testing/selftests/multikernel
MKCTL=$TOP/tools/multikernel/mkctl
TOOLS=$CACHE/guest-tools	# packages for the guest only, extracted
mkdir -p "$TOOLS"

# --- programs that only the guest needs -------------------------------------

# extract_package PACKAGE: download and unpack it below $TOOLS, once.
extract_package() {
	local dir=$TOOLS/$1 tmp
	[ -d "$dir" ] && return
	say "fetching $1 for the guest"
	mkdir -p "$TOOLS"
	rm -rf "$TOOLS"/.new.*
	tmp=$(mktemp -d "$TOOLS/.new.XXXXXX")
	apt_fetch "$tmp" "$1" || { rm -rf "$tmp"; return 1; }
	dpkg-deb -x "$tmp"/*.deb "$tmp/root"
	mv "$tmp/root" "$dir"
	rm -rf "$tmp"
}

is_static() {
	[ -x "$1" ] && ! ldd "$1" 2>/dev/null | grep -qE '=>|ld-linux'
}

find_busybox() {
	local b
	for b in "$(command -v busybox || :)" "$TOOLS/busybox-static/bin/busybox" \
		"$TOOLS/busybox-static/usr/bin/busybox"; do
		if [ -n "$b" ] && is_static "$b"; then
			echo "$b"
			return
		fi
	done
	return 1
}

# find_program PATH...: the first that there is
find_program() {
	local p
	for p; do
		if [ -x "$p" ]; then
			echo "$p"
			return
		fi
	done
	return 1
}

# A program and what it is linked to
add_program() {
	local name lib
	add_file "$1" "$2" 755
	guest_libs "$2" | while read -r name lib; do
		case $name in
		/*) add_file "$name" "$lib" 755 ;;
		*) add_file "/lib/x86_64-linux-gnu/$name" "$lib" 755 ;;
		esac
	done
}

# kexec-tools and the others are linked to libraries that this machine may not have: "NAME FILE" a line.
guest_libs() {
	local path
	path=$(find "$TOOLS" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)
	LD_LIBRARY_PATH=$path ldd "$1" | awk '
	/=> not found/ { print "MISSING", $1 }
	/=> \// { print $1, $3 }
	$1 ~ /^\/.*ld-linux/ { print $1, $1 }'
}

# --- lists for gen_init_cpio -------------------------------------------------

base_list() {
	local d a f
	for d in /bin /sbin /usr /usr/bin /usr/sbin /dev /etc /proc /sys /tmp /run /root; do
		echo "dir $d 755 0 0"
	done
	echo "nod /dev/console 600 0 0 c 5 1"
	echo "nod /dev/null 666 0 0 c 1 3"
	echo "nod /dev/kmsg 644 0 0 c 1 11"
	echo "file /bin/busybox $busybox 755 0 0"
	echo "slink /init /bin/busybox 777 0 0"
	"$busybox" --list-full | sort | while read -r a; do
		case $a in
		bin/busybox | init) ;;
		bin/* | sbin/* | usr/bin/* | usr/sbin/*) echo "slink /$a /bin/busybox 777 0 0" ;;
		esac
	done
	echo "slink /sbin/init /bin/busybox 777 0 0"
	echo "file /etc/inittab $TOP/dev/guest/inittab 644 0 0"
	echo "file /etc/rcS $TOP/dev/guest/rcS 755 0 0"
	# What a spawn runs, and a kernel after an ordinary kexec: both boot with this archive.
	for f in spawn kexec tap; do
		[ ! -f "$TOP/dev/guest/$f.sh" ] || add_file "/mk/$f.sh" "$TOP/dev/guest/$f.sh" 755
	done
	add_file /mk/reached "$OUT/reached" 755
}

# add_file GUESTPATH FILE MODE: with the folders above it (one_each drops the repeats)
add_file() {
	local d=${1%/*} above=""
	while [ -n "$d" ]; do
		above="dir $d 755 0 0"$'\n'$above
		d=${d%/*}
	done
	printf '%sfile %s %s %s 0 0\n' "$above" "$1" "$2" "$3"
}

one_each() { awk '!seen[$0]++'; }

host_list() {
	local f
	add_file /mk/bzImage "$BUILD/bzImage" 644
	if [ -f "$BUILD/bzImage.signed" ]; then
		add_file /mk/bzImage.signed "$BUILD/bzImage.signed" 644
	fi
	# Of another build, and quicker; make check builds it first
	if [ "$flavour" != plain ] && [ -f "$OUT/plain/bzImage" ]; then
		add_file /mk/bzImage.plain "$OUT/plain/bzImage" 644
	fi
	add_file /mk/base.cpio.gz "$OUT/base.cpio.gz" 644
	for f in "$TOP"/dev/guest/*.sh; do
		case $f in */spawn.sh | */kexec.sh | */tap.sh) continue ;; esac
		add_file "/mk/${f##*/}" "$f" 755
	done
	for f in "$TESTS"/*.sh; do
		case $f in */qemu.sh | */'*.sh') continue ;; esac
		add_file "/mk/tests/${f##*/}" "$f" 755
		case $f in */run-tests.sh) add_file /mk/run-tests.sh "$f" 755 ;; esac
	done
	for f in "$BIN"/*; do
		[ -f "$f" ] && add_file "/mk/bin/${f##*/}" "$f" 755
	done
	for f in "$BUILD"/modules/*.ko; do
		[ ! -f "$f" ] || add_file "/mk/modules/${f##*/}" "$f" 644
	done
	[ -z "$kexec" ] || add_program /sbin/kexec "$kexec"
	# Debian's with our patch, where dev/kexec-tools.sh could make it
	[ ! -x "$OUT/kexec-tools/kexec" ] || add_program /mk/bin/kexec-mk "$OUT/kexec-tools/kexec"
	[ -z "$socat" ] || add_program /usr/bin/socat "$(readlink -f "$socat")"
	[ -z "$makedumpfile" ] || add_program /usr/bin/makedumpfile "$makedumpfile"
	if [ -n "$dropbear" ]; then
		add_program /usr/sbin/dropbear "$dropbear"
		for f in dbclient dropbearkey; do
			add_program /usr/bin/$f "${dropbear%/sbin/*}/bin/$f"
		done
		# Who is nobody can't be a client
		add_file /etc/passwd "$TOP/dev/guest/passwd" 644
	fi
}

# --- go ------------------------------------------------------------------------

busybox=$(find_busybox) || {
	extract_package busybox-static || die "cannot get Debian's busybox-static"
	busybox=$(find_busybox) || die "busybox-static came, but holds no static busybox"
}
# debians_program PACKAGE REGEX PATH...: the path of a program that the guest has if it can
# be had. The libraries of it that match are fetched if this machine has not got them all.
debians_program() {
	local path pkg
	path=$(find_program "${@:3}") || {
		extract_package "$1" >&2 || warn "cannot get Debian's $1: its tests will be skipped"
		path=$(find_program "${@:3}") || return 0
	}
	if guest_libs "$path" | grep -q ^MISSING; then
		apt_closure "$1" | grep -E "$2" | while read -r pkg; do
			extract_package "$pkg" >&2 || :
		done
		if guest_libs "$path" | grep ^MISSING >&2; then
			warn "$1 lacks these libraries here: its tests will be skipped"
			return 0
		fi
	fi
	echo "$path"
}

kexec=$(debians_program kexec-tools '^libxen' \
	{,/usr,"$TOOLS"/kexec-tools,"$TOOLS"/kexec-tools/usr}/sbin/kexec)
socat=$(debians_program socat '^lib(wrap|nsl|tirpc|ssl)' {,"$TOOLS"/socat}/usr/bin/socat{,1})
makedumpfile=$(debians_program makedumpfile '^lib(bz2|dw|elf|lzma|lzo2|snappy|zstd)|^zlib' \
	{,"$TOOLS"/makedumpfile}/usr/bin/makedumpfile)
dropbear=$(debians_program dropbear-bin '^lib(gmp|tomcrypt|tommath)' \
	{,"$TOOLS"/dropbear-bin}/usr/sbin/dropbear)
for f in dbclient dropbearkey; do
	[ -z "$dropbear" ] || [ -x "${dropbear%/sbin/*}/bin/$f" ] || {
		warn "there is a dropbear without $f: its tests will be skipped"
		dropbear=
	}
done

# C helpers and tests: static, for a guest without a libc. By content, not by time:
# several checkouts may share one cache.
BIN=$OUT/guest-bin
key=$(cat "$TESTS"/*.[ch] "$TESTS"/vsock/*.[ch] "$MKCTL"/*.[ch] "$MKCTL/Makefile" \
	"$TOP/dev/guest/reached.c" "$TOP/include/linux/multikernel_abi.h" "$0" 2>/dev/null |
	sha256sum)
if [ "$(cat "$OUT/guest-bin.key" 2>/dev/null)" != "$key" ]; then
	rm -rf "$BIN"
	mkdir -p "$BIN"
	cc=(gcc -O2 -static -pthread -Wall -Wextra)
	for src in "$TESTS"/*.c; do
		"${cc[@]}" -o "$BIN/$(basename "$src" .c)" "$src" || die "$src does not compile"
	done
	"${cc[@]}" -o "$BIN/mkvsock" "$TESTS"/vsock/*.c || die "mkvsock does not compile"
	rm -rf "$OUT/mkctl"
	mkdir -p "$OUT/mkctl"
	make -s -C "$MKCTL" CC=gcc LDFLAGS="-static -s" OUTPUT="$OUT/mkctl/" || die "mkctl does not compile"
	cp "$OUT/mkctl/mkctl" "$BIN/"
	gcc -Os -static -nostdlib -fno-asynchronous-unwind-tables -fno-ident -fno-stack-protector \
		-s -Wl,-z,noseparate-code,--build-id=none \
		-include "$TREE/tools/include/nolibc/nolibc.h" -o "$OUT/reached" "$TOP/dev/guest/reached.c"
	echo "$key" >"$OUT/guest-bin.key"
fi

# The debug kernel trusts the cache's key: a copy of it that it accepts under lockdown.
signed=$BUILD/bzImage.signed
if [ "$flavour" != debug ]; then
	:
elif ! command -v sbsign >/dev/null; then
	rm -f "$signed"
	warn "sbsign (Debian's sbsigntool) is missing: the tests with a signed kernel will be skipped"
elif [ ! -f "$signed" ] || [ "$BUILD/bzImage" -nt "$signed" ]; then
	sbsign --key "$CACHE/signing/key.pem" --cert "$CACHE/signing/cert.pem" \
		--output "$signed.tmp" "$BUILD/bzImage" 2>"$LOGS/sbsign.log" ||
		die "sbsign failed, see $LOGS/sbsign.log"
	mv "$signed.tmp" "$signed"
fi

gen=$OUT/gen_init_cpio
if [ ! -x "$gen" ]; then
	gcc -O2 -o "$gen.tmp" "$TREE/usr/gen_init_cpio.c"
	mv "$gen.tmp" "$gen"
fi

# archive OUTPUT LIST: made again only when what it lists changed
archive() {
	local out=$1 key
	key=$(awk '$1 == "file" { print $3 }' "$2" | xargs -d '\n' sha256sum | cat - "$2" "$0" | sha256sum)
	[ -f "$out" ] && [ "$(cat "$out.key" 2>/dev/null)" = "$key" ] && return
	rm -f "$out.key"
	"$gen" -t 1767225600 "$2" >"$out.tmp"
	mv "$out.tmp" "$out"
	echo "$key" >"$out.key"
	changed=1
}

changed=0
base_list | one_each >"$OUT/base.list"
archive "$OUT/base.cpio" "$OUT/base.list"
if [ "$changed" = 1 ] || [ ! -f "$OUT/base.cpio.gz" ]; then
	gzip -n -9 <"$OUT/base.cpio" >"$OUT/base.cpio.gz.tmp"
	mv "$OUT/base.cpio.gz.tmp" "$OUT/base.cpio.gz"
fi


# The kernel unpacks archive after archive; a plain one must begin at a multiple of 4.
changed=0
host_list | one_each >"$BUILD/host.list"
archive "$BUILD/extra.cpio" "$BUILD/host.list"
if [ "$changed" = 1 ] || [ ! -f "$BUILD/host.cpio" ]; then
	{
		cat "$OUT/base.cpio.gz"
		head -c $((-$(stat -c %s "$OUT/base.cpio.gz") & 3)) /dev/zero
		cat "$BUILD/extra.cpio"
	} >"$BUILD/host.cpio.tmp"
	mv "$BUILD/host.cpio.tmp" "$BUILD/host.cpio"
	say "initramfs: base $(($(stat -c %s "$OUT/base.cpio.gz") / 1024)) KiB, host $(($(stat -c %s "$BUILD/host.cpio") / 1024)) KiB"
fi
