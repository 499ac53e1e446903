#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# What is left of a run that crashed or was killed: the fault's record, and the memory as
# a core file with the registers of each CPU.
. "$(dirname "$0")/lib.sh"
plan 56

CORE=$INST/web/vmcore
fault() { cat "$INST/web/fault/$1"; }
# no_core ERRNO
no_core() { equal error "$(mkcore "$CORE" 2>&1 | sed 's/^mkcore: //')" "$1"; }
# core [TEXT]: its description in $T/core
core() {
	mkcore "$CORE" "$@" >"$T/core" || { cat "$T/core"; return 1; }
	sed 's/^/# core: /' "$T/core" >&4
}
of_core() { key "$1" "$(cat "$T/core")"; }
exec 4>&1

mk_create name=web cpus=2-3 memory=128M
size=$(stat -c %s "$CORE")
check "before the first start there is no core" no_core ENODATA
check "and no fault" equal "kind, cpu, time, ip" \
	"$(fault kind) $(fault cpu) $(fault time) $(fault ip)" "none - - -"
check "its size is that of the memory and a little more" \
	between size "$size" $((128 << 20)) $((130 << 20))
check "nobody but root may open it" equal "mode and owner" "$(stat -c "%a %u" "$CORE")" "400 0"

# --- a panic ---

panic_begin
mk_load web mk.spawn=panic
check "a loaded image is no core" no_core ENODATA
traced=1
trace_on multikernel_fault || traced=
before=$(date +%s)
control web start
check "it panics" ended web crashed '^panic: sysrq triggered crash$'
after=$(date +%s)
panic_end web
if [ -n "$traced" ]; then
	trace_off multikernel_fault
	check "the tracepoint has the fault" has "$T/trace" "multikernel_fault: id=$(val web id) name=web kind=panic cpu=$(
		fault cpu) reason=panic: sysrq triggered crash\$"
else
	skip "the tracepoint has the fault" "tracefs is missing"
fi
check "fault/kind" equal kind "$(fault kind)" panic
check "fault/cpu is one of its own, by the host's number" matches cpu "$(fault cpu)" '^[23]$'
when=$(fault time)
check "fault/time is when it was" between time "${when%.*}" "$before" "$after"
check "fault/text is what it said" equal text "$(fault text)" "sysrq triggered crash"
check "fault/ip is an address" matches ip "$(fault ip)" '^0xffff[0-9a-f]{12}$'
fault trace | sed 's/^/# trace: /'
check "fault/trace begins at who called panic" \
	matches "first line" "$(fault trace | head -n 1)" "^sysrq_handle_crash"
check "and goes on to who wanted it" matches trace "$(fault trace)" "write_sysrq_trigger"

check "the core is sound, and has the log where VMCOREINFO says" \
	core "Kernel panic - not syncing: sysrq triggered crash"
check "it has the registers of both CPUs" equal registers "$(of_core registers)" 2
check "it is of the kernel that ran" equal osrelease "$(of_core osrelease)" "$(uname -r)"
check "its size is the file's" equal size "$(of_core size)" "$size"
# near ADDRESS SYMBOL: is it in that function of the spawn's kernel, which is the host's?
near() {
	local sym text
	sym=$(awk -v s="$2" '$3 == s { print $1 }' /proc/kallsyms)
	text=$(awk '$3 == "_text" { print $1 }' /proc/kallsyms)
	[ -n "$sym" ] || { echo "no symbol $2"; return 1; }
	between "bytes behind $2" $(($1 - $(of_core text) - 0x$sym + 0x$text)) 0 4096
}
check "fault/ip is in that kernel's text" near "$(fault ip)" sysrq_handle_crash
whole() { equal bytes "$(dd if="$CORE" bs=1M 2>/dev/null | wc -c)" "$size"; }
from=$(date +%s)
check "it can be read from end to end" whole
echo "# reading all of it took $(($(date +%s) - from)) s"
dmesg_of() {
	rm -f "$T/dmesg.core"
	makedumpfile --dump-dmesg "$CORE" "$T/dmesg.core" || return
	has "$T/dmesg.core" "$1"
}
finds() { # WHAT REGEX
	if command -v makedumpfile >/dev/null; then
		check "makedumpfile finds $1" dmesg_of "$2"
	else
		skip "makedumpfile finds $1" "makedumpfile is missing"
	fi
}
finds "the spawn's log, its first line" 'Linux version'
finds "the panic" 'Kernel panic - not syncing: sysrq triggered crash'
exec 5<"$CORE"
check "somebody begins to read" dd bs=4096 count=1 of=/dev/null <&5

# --- one that runs ---

check "it boots again" eval 'mk_load web && mk_start web'
check "the fault is forgotten" equal "kind, text" "$(fault kind) $(fault text)" "none "
refused "a running one has no core" EBUSY 'web: vmcore: is running, kill it first' \
	mkcore "$CORE"
check "kill it" mk_kill web
check "it is no fault" equal kind "$(fault kind)" none
check "its core is sound" core "Run /init as init process"
check "it has the registers of both CPUs" equal registers "$(of_core registers)" 2
finds "its log after the forced stop" 'Run /init as init process'
stale() {
	dd bs=4096 count=1 of=/dev/null <&5 2>"$T/stale" && return 1
	has "$T/stale" "Stale"
}
check "who began with the last run gets no mixture" stale
exec 5<&-
check "unload" mkload -u -i "$(val web id)"
check "without an image there is no core" no_core ENODATA

# --- an ordinary end ---

check "it boots, and is stopped" eval 'mk_load web && mk_start web && mk_stop web &&
	ended web stopped "^poweroff$"'
check "it is no fault" equal kind "$(fault kind)" none
check "its core is sound, to its last line" core "reboot: Power down"
finds "that line" 'reboot: Power down'

# --- nobody asks the CPUs ---

wait_ms=$(param_get dump_wait_ms)
check "it boots" eval 'mk_load web && mk_start web'
param_set dump_wait_ms 0
check "kill it without a dump" mk_kill web
param_set dump_wait_ms "$wait_ms"
check "the core is sound" core "Run /init as init process"
check "it has no registers" equal registers "$(of_core registers)" 0

# --- before its kernel has the window ---

panic_begin
check "a panic before there is memory" eval \
	'mk_load web mem=1M && control web start && ended web crashed "^panic: "'
panic_end web
check "has a record" equal kind "$(fault kind)" panic
check "and what it said" matches text "$(fault text)" .
check "its core has no VMCOREINFO, and can be read" core
check "none at all" equal "registers, vmcoreinfo" \
	"$(of_core registers) $(of_core vmcoreinfo)" "0 0"

# --- a start that follows by itself ---

panic_begin
mk_load web mk.spawn=panic
mkwrite "$INST/web/on_crash" restart
mkwrite "$INST/web/restart_max" 1
n=$(val web console | sed -n 's/^---- start \([0-9]*\) of web ----$/\1/p' | tail -n 1)
control web start
twice() { # its next start, and the one after it
	mkwait -f "$INST/web/console" "---- start $((n + 2)) of web" "$BOOT_MS" || return
	equal "kind of a $(state web) one" "$(fault kind)" panic
}
check "a start by on_crash keeps the fault's record" twice
check "until the next crash" ended web crashed '; restarted 1 times'
panic_end web
mkwrite "$INST/web/on_crash" keep

# --- a hang, and an Oops ---

mk_load web mk.spawn=hang
control web start
if ! mkwait -f "$INST/web/console" "spawn: hang" "$BOOT_MS" >/dev/null ||
	val web console | grep -q 'hang: no fault injection'; then
	mk_kill web
	skip_rest "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
fi
check "it hangs with interrupts off" ended web crashed '^hang: '
check "fault/kind" equal kind "$(fault kind)" hang
check "fault/cpu is one of its own" matches cpu "$(fault cpu)" '^[23]$'
# The one that called the other, and itself, may have the loop inlined
spins() { near "$1" mk_inject_spin || near "$1" mk_inject_lockup; }
both_hung() {
	core "spawn: hang now" && equal registers "$(of_core registers)" 2 &&
		spins "$(of_core cpu0_rip)" && spins "$(of_core cpu1_rip)"
}
check "its core has the registers of both CPUs, where they hung" both_hung
panic_begin
mk_load web mk.spawn=oops
control web start
check "it has an Oops" ended web crashed \
	'^panic: Fatal exception: (Oops|general protection fault.*) at mk_inject_oops'
panic_end web
: >"$T/oopsed.web"
check "fault/kind" equal kind "$(fault kind)" oops
check "fault/text says where" matches text "$(fault text)" '^(Oops|general protection fault.*) at mk_inject_oops'
