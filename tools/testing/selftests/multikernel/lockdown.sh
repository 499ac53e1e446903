#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Lockdown applies as for kexec. It cannot be undone: the last file of a run.
. "$(dirname "$0")/lib.sh"
plan 4

LOCK=/sys/kernel/security/lockdown
[ -e $LOCK ] || mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
need $LOCK "lockdown (CONFIG_SECURITY_LOCKDOWN_LSM, in lsm=)"

mk_create name=web cpus=3 memory=128M split_core=1
id=$(val web id)
check "an unsigned kernel loads without lockdown" mk_load web
check "unload" mkload -u -i "$id"
check "lockdown to integrity" mkwrite $LOCK integrity
locked() {
	matches result "$(mkload -i "$id" -r "$INITRD" "$KERNEL" 2>&1)" EPERM &&
		equal state "$(state web)" empty
}
check "an unsigned kernel is refused with EPERM" locked
