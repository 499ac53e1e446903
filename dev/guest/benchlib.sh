# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034 # for those who source it
# Sourced by the scripts of `make bench`, and by the one of `make cost`.
PATH=/mk/bin:$PATH
MK=/sys/kernel/multikernel
KERNEL=/mk/bzImage
INITRD=/mk/base.cpio.gz
ROUNDS=${MK_N:-5}

fail() {
	echo "bench: FAIL $*"
	dmesg | grep 'multikernel: ' | tail -n 5
	exit 1
}

# median of the numbers on stdin
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# initrd_with PROGRAM FILE: the spawns' initramfs with the program in /mk/bin, to FILE
initrd_with() {
	mkdir -p "$2.root/mk/bin"
	cp "$(command -v "$1")" "$2.root/mk/bin/"
	{
		cat $INITRD
		# Archive after archive; a plain one begins at a multiple of 4
		head -c $((-$(stat -c %s $INITRD) & 3)) /dev/zero
		(cd "$2.root" && find . | cpio -o -H newc 2>/dev/null)
	} >"$2"
}
