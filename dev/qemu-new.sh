#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qemu-new.sh: prints a qemu-system-x86_64 whose TCG has x2APIC, which came with QEMU 9: the
# machine's own, or Debian 12's backport, which is fetched once and unpacked beside it.
# Exit 4 if neither can be had, with the reason as the last line.
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/apt.sh"

mine=$(command -v qemu-system-x86_64) || { echo "no qemu-system-x86_64"; exit 4; }
version=$("$mine" --version | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p')
if [ "${version:-0}" -ge 9 ]; then
	echo "$mine"
	exit
fi

dir=$CACHE/qemu
if [ ! -x "$dir/qemu-system-x86_64" ]; then
	say "fetching a QEMU with x2APIC (13 MB), beside version $version" >&2
	rm -rf "$dir" "$dir.new"
	mkdir -p "$dir.new"
	for uri in $(apt_sources | cut -d' ' -f1 | grep -v security | sort -u) ${MIRROR:+"$MIRROR"}; do
		apt_private_sources "${uri%/} bookworm-backports"
		private_apt update -q -o APT::Update::Error-Mode=any >/dev/null 2>&1 || continue
		(cd "$dir.new" && private_apt download -qq qemu-system-x86 qemu-system-data \
			qemu-system-common seabios 2>/dev/null) && break
	done
	for deb in "$dir.new"/*.deb; do
		[ -f "$deb" ] || { echo "QEMU $version has no x2APIC with TCG, and bookworm-backports can't be had"; exit 4; }
		dpkg-deb -x "$deb" "$dir.new"
		rm "$deb"
	done
	cat >"$dir.new/qemu-system-x86_64" <<-WRAP
	#!/bin/sh
	export QEMU_MODULE_DIR=$dir/usr/lib/x86_64-linux-gnu/qemu
	exec $dir/usr/bin/qemu-system-x86_64 -L $dir/usr/share/qemu -L $dir/usr/share/seabios -L /usr/lib/ipxe/qemu "\$@"
	WRAP
	chmod +x "$dir.new/qemu-system-x86_64"
	mv "$dir.new" "$dir"
fi
# A library that the older one did without
if ! said=$("$dir/qemu-system-x86_64" --version 2>&1); then
	echo "QEMU of bookworm-backports does not run: ${said##*$'\n'}"
	exit 4
fi
echo "$dir/qemu-system-x86_64"
