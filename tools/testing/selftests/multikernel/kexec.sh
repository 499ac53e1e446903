#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2154 # lib.sh is beside us
# kexec-tools with --multikernel=NAME (tools/multikernel/kexec-tools): load, unload, and
# what it says where the kernel refuses.
. "$(dirname "$0")/lib.sh"
plan 13

K=
for k in kexec-mk kexec; do
	if command -v $k >/dev/null && $k --help 2>/dev/null | grep -q -- --multikernel; then
		K=$k
		break
	fi
done
[ -n "$K" ] || skip_rest "no kexec-tools with --multikernel"

# refuses REGEX OPTIONS
refuses() {
	re=$1
	shift
	$K "$@" >"$T/out" 2>&1
	rc=$?
	cat "$T/out"
	[ $rc != 0 ] && has "$T/out" "$re"
}
# shellcheck disable=SC2086 # words
load() { $K --multikernel=one -s -l $KERNEL --initrd=$INITRD --append="kunit.enable=0 mk.spawn=view"; }

check "no such instance" refuses "there is no instance 'one'" --multikernel=one -s -l "$KERNEL"
check "an instance" mk_create name=one id=77 cpus=3 memory=128M split_core=1
check "it is found by its name" load
check "it is loaded" equal state "$(state one)" loaded
check "with that command line" matches cmdline "$(cat $INST/one/cmdline)" "^kunit.enable=0 mk.spawn=view$"
check "the reboot's image is not touched" equal kexec_loaded "$(cat /sys/kernel/kexec_loaded)" 0
check "-u unloads" eval '$K --multikernel=one -s -u && equal state "$(state one)" empty'
check "not a bzImage" refuses "Cannot determine the file type|Exec format error" --multikernel=one -s -l "$INITRD"
check "it loads again" load
check "and starts" mk_start one
check "the spawn's init sees what was appended" said one "self id=77 name=one"
check "no load into what runs" refuses "instance 77 failed: .*it runs: stop it first" --multikernel=one -s -l "$KERNEL"
check "stop, destroy" eval 'mk_stop one && mk_destroy one'
