#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# clean.sh [clean|distclean]
#	clean      removes what was built
#	distclean  also source, prepared trees and caches
. "$(dirname "$0")/lib.sh"

usage() { sed -n '3,5s/^# \{0,1\}//p' "$0"; }

[ $# -le 1 ] || { usage >&2; exit 2; }
case ${1:-clean} in
clean | distclean) ;;
-h | --help)
	usage
	exit
	;;
*)
	usage >&2
	exit 2
	;;
esac

take_lock "make ${1:-clean}"
# By name: O= may be a folder that holds other things too.
for f in plain debug kcsan kasan logs guest-bin guest-bin.key mkctl mkctl-check kexec-tools cost tree gen_init_cpio reached stamp bench.json crash.ram; do
	rm -rf "${OUT:?}/$f"
done
rm -rf "${OUT:?}"/series{,-check,-build} "${TOP:?}/build/series"
rmdir "$TOP/build" 2>/dev/null || :
rm -f "$OUT"/base.* "$OUT"/kexec.list
rmdir "$OUT" 2>/dev/null || :
if [ "${1:-clean}" = distclean ]; then
	for f in apt dl src guest-tools host-tools signing ccache qemu qemu.new; do
		rm -rf "${CACHE:?}/$f"
	done
	rm -f "$CACHE/lock" "$CACHE/cc"
	rmdir "$CACHE" 2>/dev/null || :
fi
