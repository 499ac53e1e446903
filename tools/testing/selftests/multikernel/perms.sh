#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Who may: root only, and files that are not for writing cannot be written.
. "$(dirname "$0")/lib.sh"
plan 31

mk_create name=web cpus=3 memory=128M split_core=1
id=$(val web id)
W=$INST/web
before=$(snapshot)

denied() { # COMMAND...
	local got
	got=$("$@" 2>&1) && got=success
	matches result "$got" "(EACCES|EPERM)$"
}
check "create, by an ordinary user" \
	denied mkwrite -U $NOBODY $MK/create "name=b cpus=2 memory=64M"
check "destroy, by an ordinary user" denied mkwrite -U $NOBODY $MK/destroy web
for verb in start stop kill restart; do
	check "$verb, by an ordinary user" denied mkwrite -U $NOBODY "$W/control" $verb
done
check "load, by an ordinary user" denied mkload -U $NOBODY -i "$id" -r "$INITRD" "$KERNEL"
check "unload, by an ordinary user" denied mkload -U $NOBODY -u -i "$id"
if [ -e "$DBG/web/ping" ]; then
	check "ping, by an ordinary user" denied mkwrite -U $NOBODY "$DBG/web/ping" 1
else
	skip "ping, by an ordinary user" "debugfs is missing"
fi
for f in hang_timeout boot_timeout stop_timeout on_crash restart_max restart_interval; do
	check "$f, by an ordinary user" denied mkwrite -U $NOBODY "$W/$f" "$(cat "$W/$f")"
done
check "the parameters, by an ordinary user" denied mkwrite -U $NOBODY $PARAM/stop_timeout 1

for f in id cpus memory state reason lost restarts console cmdline boot_time_us; do
	check "$f cannot be written, not even by root" denied mkwrite "$W/$f" 1
done
check "pool/memory_free cannot be written" denied mkwrite $MK/pool/memory_free 1
check "pool/lost cannot be written" denied mkwrite $MK/pool/lost 1
check "create cannot be read" not cat $MK/create
check "control cannot be read" not cat "$W/control"
check "nothing of all that changed anything" equal everything "$(snapshot)" "$before"
