#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A spawn that does nothing any more: taken back by force, and said so.
. "$(dirname "$0")/lib.sh"
plan 20

mk_create name=web cpus=2-3 memory=192M
param_set boot_timeout 4

# --- its first instruction is an endless loop ---

check "an image that hangs at its entry" badimage hang "$KERNEL" "$T/hang"
check "it loads" mk_load web "" "$T/hang"
check "it starts" control web start
check "and boots" equal state "$(state web)" booting
check "after boot_timeout it is crashed, and the reason says why" \
	ended web crashed '^no READY within 4 s' 30000
echo "# reason: $(reason web)"
check "the fault's record says so" equal kind "$(cat "$INST/web/fault/kind")" boot-timeout
check "start it again" control web start
check "kill it" mk_kill web
check "state and reason say so" ended web stopped '^killed$'
cat "$T/boot_timeout" >$PARAM/boot_timeout
param_set stop_timeout 2
check "start it once more, stop it" eval 'control web start && control web stop'
check "a stop that it cannot hear ends as well" \
	ended web stopped '^stop timed out after 2 s, killed' 20000
rm -f "$T/hang"

mk_set web hang_timeout 0
check "the same CPUs boot a sound image" eval 'mk_load web mk.spawn=hang && mk_start web'

# --- all its CPUs loop with interrupts off, and nobody watches ---

hung() {
	mkwait -f "$INST/web/console" "spawn: hang" "$BOOT_MS" || return
	has "$INST/web/console" "spawn: hang now"
}
if val web console | grep -q 'hang: no fault injection' || ! hung >"$T/why" 2>&1; then
	skip_rest "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
fi
pass "it hangs with interrupts off"
# a ping that is lost comes back all the same: the hang is there, and the host does not wait for it
lost_ping() {
	local i r
	for i in 1 2 3 4 5 6 7 8 9 10; do
		timeout 20 mkwrite "$DBG/web/ping" 1 || return 0
		r=$(cat "$DBG/web/ping")
		[ "$(key lost "$r")" = 0 ] || return 0
		usleep 100000
	done
	echo "ping $i is still answered: $r"
	return 1
}
check "pings are lost, and the host does not wait for ever" lost_ping
check "the host works" cpu_works 1
check "stop is accepted" control web stop
check "it is taken by force after stop_timeout" \
	ended web stopped '^stop timed out after 2 s, killed' 20000
cat "$T/stop_timeout" >$PARAM/stop_timeout
check "the same CPUs boot again" eval 'mk_load web && mk_start web'
check "kill and destroy" eval 'mk_kill web && mk_destroy web'
check "every CPU is back and works" cpus_work
