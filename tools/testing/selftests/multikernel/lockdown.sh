#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Lockdown and signatures apply as for kexec. Lockdown cannot be undone: the last file of a run.
. "$(dirname "$0")/lib.sh"
plan 15

LOCK=/sys/kernel/security/lockdown
SIGNED=${MK_SIGNED:-/mk/bzImage.signed}	# by a key that this kernel has built in
[ -e $LOCK ] || mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
need $LOCK "lockdown (CONFIG_SECURITY_LOCKDOWN_LSM, in lsm=)"

mk_create name=web cpus=3 memory=128M split_core=1
id=$(val web id)
check "an unsigned kernel loads without lockdown" mk_load web
check "unload" mkload -u -i "$id"
check "lockdown to integrity" mkwrite $LOCK integrity
locked_out() { # IMAGE: EPERM, and what is loaded stays
	local before
	before="$(state web) $(val web cmdline)"
	matches result "$(mkload -i "$id" -r "$INITRD" "$1" 2>&1)" EPERM &&
		equal "state and cmdline" "$(state web) $(val web cmdline)" "$before"
}
check "an unsigned kernel is refused with EPERM" locked_out "$KERNEL"

[ -f "$SIGNED" ] || skip_rest "no $SIGNED: sbsigntool was missing when the initramfs was made"
spoilt() { # KIND
	badimage "$1" "$SIGNED" "$T/spoilt" && locked_out "$T/spoilt"
}
check "one that was changed after it was signed is refused with EPERM" spoilt changed
check "one whose signature is broken is refused with EPERM" spoilt signature
check "nothing is loaded" equal state "$(state web)" empty
check "the signed kernel loads" mk_load web mk.spawn=view "$SIGNED"
check "one that was changed does not replace it" spoilt changed
check "the signed kernel starts" mk_start web
check "it is locked down, as its host is" \
	matches "lockdown" "$(val web console)" "Kernel is locked down from command line"
check "kill it" mk_kill web
core_denied() { equal error "$(mkcore "$INST/web/vmcore" 2>&1 | sed 's/^mkcore: //')" EPERM; }
check "its memory can be read" mkcore "$INST/web/vmcore"
check "lockdown to confidentiality" mkwrite $LOCK confidentiality
check "its memory can't be read any more" core_denied
