#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us
# Ends of a run that are rare: a heart that stops, a first CPU that executes nothing,
# on_crash=destroy that comes too late, and NMIs while a spawn's CPUs come and go.
. "$(dirname "$0")/lib.sh"
KILLS=${MK_KILLS:-6}
plan $((26 + KILLS))

HANG_S=3
CORE=$INST/web/vmcore
command -v mkliar >/dev/null || skip_rest "mkliar is missing"
[ -w $DBG/lose_cpu ] || skip_rest "CONFIG_MULTIKERNEL_FAULT_INJECTION"
KERNEL=$QUICK

mkdir -p "$T/root/mk" && cp "$(command -v mkliar)" "$T/root/mk/" &&
	initrd_with "$T/root" >"$T/initrd" && INITRD=$T/initrd

# logged REGEX: the host's log has it since the mark, or will have
logged() {
	local n=0
	until klog "$MARK" | mk_lines | grep -Eq -- "$1"; do
		n=$((n + 1))
		[ $n -lt 300 ] || { klog "$MARK" | mk_lines; return 1; }
		usleep 100000
	done
}
no_core() { equal error "$(mkcore "$CORE" 2>&1 | sed 's/^mkcore: //')" "$1"; }
kind() { equal "kind of the fault" "$(val web fault/kind)" "$1"; }

mk_create name=web cpus=2-3 memory=192M
mk_set web hang_timeout $HANG_S

# --- the heart is what is left ----------------------------------------------------

# All CPUs are said to be off, so no beat is missed; then they hang
mk_load web mk.spawn=lie:cpus-off,hang
control web start
check "without a heartbeat it hangs" ended web crashed '^hang: no heartbeat for [0-9]+ s$'
echo "# reason: $(reason web)"
check "the record says so, and names no CPU" eval 'kind hang &&
	equal cpu "$(val web fault/cpu)" -'
check "a second" between s "$(reason web | sed 's/[^0-9]//g')" $HANG_S $((HANG_S + 15))
check "it starts again, and answers" eval 'mk_load web mk.spawn=lie:cpus-off && mk_start web &&
	said web "lie cpus-off done" && mkwrite "$DBG/web/ping" 20'
# The host looks once a second
beats() { key beats_heard "$(tr '\n' ' ' <"$DBG/web/stats")"; }
lives() {
	local until n=0
	until=$(($(beats) + HANG_S * 3)) || return
	while [ "$(beats)" -lt $until ]; do
		n=$((n + 1))
		[ $n -lt 600 ] || { echo "$(beats) beats, wanted $until"; return 1; }
		usleep 100000
	done
	equal state "$(state web)" running
}
check "with one it runs, though its CPUs are off" lives
check "kill it" mk_kill web

# --- a first CPU that executes nothing -------------------------------------------------

check "what was killed has a core" eval 'mkcore "$CORE" >/dev/null'
mk_set web on_crash restart
echo 2 >$DBG/lose_cpu
check "start says that the CPU does not start" \
	matches result "$(mkwrite "$INST/web/control" start 2>&1)" "ETIMEDOUT$"
check "state and reason say so" ended web crashed '^CPU 2 does not start: .*CPUs 2 did not leave'
check "the record says so" kind no-start
check "it was not started again" equal restarts "$(val web restarts)" 0
check "there is no core of what never ran" no_core ENODATA
echo 0 >$DBG/lose_cpu
check "a kill gets the CPU back" eval 'mk_kill web && equal lost "$(val web lost)" ""'
check "there is still no core" no_core ENODATA
check "it starts, and answers" eval 'mk_load web && mk_start web && mkwrite "$DBG/web/ping" 20'
check "kill it again" mk_kill web

# --- on_crash=destroy that comes too late ----------------------------------------------

late_crash() {
	mk_set web on_crash destroy && echo Y >$DBG/hold_destroy && klog_mark &&
		mk_load web mk.spawn=panic && control web start && ended web crashed '^panic: '
}
let_go() { echo N >$DBG/hold_destroy; }
stale='web: on_crash: not destroyed, it was changed meanwhile$'
panic_begin
check "it panics, and is to be destroyed" late_crash
check "on_crash is changed before: it stays, crashed" eval 'mk_set web on_crash keep && let_go &&
	logged "$stale" && equal state "$(state web)" crashed'
check "the core is there" eval 'mkcore "$CORE" >/dev/null'
check "it panics again" late_crash
check "it is started before: it goes on running" eval 'mk_load web && mk_start web && let_go &&
	logged "$stale" && equal state "$(state web)" running && mkwrite "$DBG/web/ping" 20'
check "kill it once more" mk_kill web
check "it panics, and nobody comes between" late_crash
panic_end web
check "it is destroyed" eval 'let_go && mkwait web gone 60000'

# --- an NMI is not sent to a CPU on its way up ------------------------------------------

gone_for_good() { [ "$(pool_free)" = "$START_FREE" ] && [ "$(online)" = "$START_ONLINE" ]; }
n=0
until gone_for_good || [ $n -gt 300 ]; do
	n=$((n + 1))
	usleep 100000
done
mk_create name=web cpus=2-3 memory=192M
plugs() {
	mk_load web mk.spawn=plug:0,lie:dump-on,plug:1,lie:dump-off,plug:1 && mk_start web &&
		mkwait -b "$INST/web/console" "spawn: plug 1 went" "$BOOT_MS" || return
	val web console | sed -n 's/.*spawn: plug /# plug /p' >&4
	has "$INST/web/console" 'plug 0 went well, online=0 end' &&
		has "$INST/web/console" 'plug 1 .*busy, online=0 end' &&
		has "$INST/web/console" 'plug 1 went well, online=0-1 end'
}
exec 4>&1
check "while the host wants registers, no CPU of the spawn is brought up" plugs
check "kill it, its CPUs are back" mk_kill web

mk_load web mk.spawn=hotplug:100000
amid() { # US
	mk_start web && said web "hotplug now" || return
	usleep "$1"
	mk_kill web && ended web stopped '^killed$' && mkcore "$CORE" >"$T/core" &&
		between registers "$(key registers "$(cat "$T/core")")" 0 2
}
n=0
while [ $n -lt "$KILLS" ]; do
	n=$((n + 1))
	check "kill while its CPU 1 goes and comes, $n" amid $((n * 37000))
	echo "# registers of $(key registers "$(cat "$T/core")") CPUs"
done
mk_destroy web
