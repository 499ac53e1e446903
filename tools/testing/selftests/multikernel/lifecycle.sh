#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# An instance from its start to every way in which it can end, as both kernels see it.
. "$(dirname "$0")/lib.sh"
plan 66

mk_create name=web cpus=2-3 memory=256M
id=$(val web id)
boot_id=$(cat /proc/sys/kernel/random/boot_id)

# --- the first boot, looked at closely ---

mk_load web mk.spawn=report
check "start returns, the state is booting" control web start
check "... or running already" matches state "$(state web)" "^(booting|running)$"
check "it reaches its init" wait_state web running
check "reason is empty" equal reason "$(reason web)" ""
said web "clock "
now=$(date +%s)
clock=$(told web "clock ")
said web "report end"

boot_us=$(val web boot_time_us)
check "boot_time_us is what it took" between boot_time_us "$boot_us" 1000 $((BOOT_MS * 1000))
self=$(told web "self ")
view=$(told web "view ")
echo "# spawn says: $self $view"
check "self/id is the instance's" equal id "$(key id "$self")" "$id"
check "self/name is the instance's" equal name "$(key name "$self")" web
check "self/cpus lists two CPUs" matches cpus "$(key cpus "$self")" "^[0-9]+[-,][0-9]+$"
check "both CPUs are up in the spawn" equal online "$(key online "$view")" 0-1
check "its memory is its own 256 MiB at most" \
	between MemTotal_kB "$(key memory_kb "$view")" $((128 << 10)) $((256 << 10))
check "its kernel is the one that was loaded" equal kernel "$(key kernel "$view")" "$(uname -r)"
check "its wall clock is the host's" between seconds "$clock" $((now - 2)) $((now + 2))
check "its clocksource is the TSC" equal clocksource "$(told web "clocksource ")" tsc
check "its command line is the one given" \
	matches cmdline "$(told web "cmdline. ")" "mk.spawn=report"
slept=$(told web "sleep ")
check "a sleep of a second lasts a second" between took_ms "$(key took_ms "$slept")" 950 2500
for c in 0 1; do
	line=$(told web "cpu $c ")
	echo "# spawn's CPU $c: $line"
	check "tasks run on its CPU $c" equal ran_on "$(key ran_on "$line")" $c
	check "timers fire on its CPU $c" between timer "$(key timer "$line")" 1 100000
	check "its CPU $c idles" between idle_ticks "$(key idle "$line")" 20 100000
done
check "host: CPUs 2-3 are away, the rest works" equal online "$(online)" 0-1
check "host: CPU 1 works beside it" cpu_works 1

# --- what cannot be done to one that runs ---

expect_errno "start of a running one" EBUSY "$INST/web/control" start "web: "
refused "load into a running one" EBUSY "web" mkload -i "$id" -r "$INITRD" "$KERNEL"
refused "unload of a running one" EBUSY "web" mkload -u -i "$id"
expect_errno "destroy of a running one" EBUSY $MK/destroy web "web"
expect_errno "unknown verb" EINVAL "$INST/web/control" dance dance
expect_errno "verb in capitals" EINVAL "$INST/web/control" STOP STOP
expect_errno "a lone newline" EINVAL "$INST/web/control" "
" "web: "
expect_errno "binary" EINVAL "$INST/web/control" hex:00ff01fe80 "web: "
expect_errno "a line of 4 KiB" "E2BIG|EINVAL" "$INST/web/control" \
	"$(printf '%4096s' '' | tr ' ' x)" "web: "
check "it still runs" equal state "$(state web)" running

# --- stop: its init gets the ordinary poweroff ---

check "stop is accepted" control web stop
check "it stops, the reason is poweroff" ended web stopped '^poweroff$' "$STOP_MS"
check "its init was told: it ran the shutdown" has "$INST/web/console" "Power down"
check "its CPUs stay with the instance" equal online "$(online)" 0-1
expect_errno "stop of a stopped one" ESRCH "$INST/web/control" stop "web: "
expect_errno "kill of a stopped one" ESRCH "$INST/web/control" kill "web: "

# --- start again, restart ---

text=$(key text "$view")
check "start again, from the same image" mk_start web
check "reason of the last end is gone" equal reason "$(reason web)" ""
second_self() {
	said web "report end" && equal id "$(key id "$(told web "self ")")" "$id"
}
check "the second boot works as the first" second_self
moved() {
	local second
	second=$(key text "$(told web "view ")")
	echo "text at $text, then $second"
	[ -n "$text" ] && [ "$text $second" != "ffffffff81000000 ffffffff81000000" ]
}
check "KASLR moves its kernel" moved

poll_state web booting "$STOP_MS" >"$T/states" 2>&1 &
follower=$!
mkwait -f "$T/states" running 5000
check "restart is accepted" control web restart
restarted() {
	mkwait web booting "$STOP_MS" && wait_state web running
}
check "it runs again" restarted
wait $follower
check "restart stopped it first" \
	matches states "$(tr '\n' ' ' <"$T/states")" "^running stopping (stopped )?booting $"

# --- a stop that it does not follow ---

check "kill a running one" mk_kill web
check "state and reason say so" ended web stopped '^killed$'
mk_load web mk.spawn=nostop
mk_start web
said web "nostop done"
param_set stop_timeout 4
control web stop
check "state is stopping" equal state "$(state web)" stopping
expect_errno "start during stop" EBUSY "$INST/web/control" start "web: "
check "after stop_timeout it is killed and the reason says both" \
	ended web stopped "^stop timed out after 4 s, killed" 20000
cat "$T/stop_timeout" >$PARAM/stop_timeout

# --- it ends by itself ---

end_by_itself() { # CMDLINE STATE REASON
	mk_load web "$1" && control web start && ended web "$2" "$3"
}
check "poweroff in the spawn" end_by_itself mk.spawn=poweroff stopped '^poweroff$'
check "halt in the spawn" end_by_itself mk.spawn=halt stopped '^halt$'
check "reboot in the spawn" end_by_itself mk.spawn=reboot stopped '^reboot$'

panic_begin
check "panic in the spawn" end_by_itself mk.spawn=panic crashed '^panic: .*sysrq'
check "panic: the console has it" has "$INST/web/console" "Kernel panic - not syncing: sysrq"
check "panic late in the boot, without an init" \
	end_by_itself "rdinit=/none init=/none" crashed '^panic: '
# All RAM above 1 MiB is taken from it: no memory for its page tables
check "panic before there is memory" end_by_itself mem=1M crashed '^panic: '
check "early panic: its first line was kept" has "$INST/web/console" "Linux version"
panic_end web

check "a crashed one can be loaded and started again" mk_load web
check "it runs" mk_start web
check "kill it" mk_kill web

# --- and the host? ---

check "the machine was not reset" \
	equal boot_id "$(cat /proc/sys/kernel/random/boot_id)" "$boot_id"
check "destroy" mk_destroy web
check "CPUs and memory are back" equal all "$(online) $(pool_free)" "$START_ONLINE $START_FREE"
check "every CPU works" cpus_work
