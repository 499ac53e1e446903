#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us
# What follows a crash: on_crash, its limit, who is told; and CPUs that are lost.
. "$(dirname "$0")/lib.sh"
plan 72

# Every uevent of ours, a line each, as it comes
EVENTS=$T/events
cat >"$T/event.sh" <<END
[ "\$SUBSYSTEM" = multikernel ] &&
	echo "\$ACTION \$MULTIKERNEL_NAME \$MULTIKERNEL_STATE: \$MULTIKERNEL_REASON" >>$EVENTS
exit 0
END
: >"$EVENTS"
listener=
if uevent --help 2>&1 | grep -q Usage && zcat /proc/config.gz | grep -q CONFIG_NET=y; then
	uevent sh "$T/event.sh" &
	listener=$!
	# It listens when it hears one
	n=0
	until grep -q . "$EVENTS" || [ $n -gt 100 ]; do
		n=$((n + 1))
		mk_create name=bell cpus=3 memory=64M split_core=1 && mkwrite $MK/destroy bell
	done
fi
told_so() { # REGEX
	mkwait -f "$EVENTS" "$1" 10000 >/dev/null || { cat "$EVENTS"; return 1; }
}
event() { # NAME TEXT
	if [ -n "$listener" ]; then
		check "uevent: $1" told_so "$2"
	else
		skip "uevent: $1" "busybox uevent, or CONFIG_NET"
	fi
}

# --- the files ---

mk_create name=web cpus=2-3 memory=192M
W=$INST/web
event "it is there" "add web"
check "by default a crash is kept" equal "policy" \
	"$(val web on_crash) $(val web restart_max) $(val web restart_interval) $(val web restarts)" \
	"keep 3 60 0"
check "no CPU is lost" equal lost "$(val web lost)" ""
expect_errno "no such policy" EINVAL "$W/on_crash" panic "web: on_crash: unknown word 'panic'"
expect_errno "a zero byte" EINVAL "$W/on_crash" hex:6b65657000 "web: on_crash"
expect_errno "too many restarts" ERANGE "$W/restart_max" 65 "web: restart_max: '65'"
expect_errno "no interval" ERANGE "$W/restart_interval" 0 "web: restart_interval: '0'"
expect_errno "no number" EINVAL "$W/restart_max" many "web: restart_max: 'many'"
check "the interval is a day at most" eval 'mk_set web restart_interval 86400'

# --- keep ---

panic_begin
mk_load web mk.spawn=panic
control web start
check "keep: it stays crashed" ended web crashed '^panic: .*sysrq triggered crash$'
check "... and was not started again" equal restarts "$(val web restarts)" 0
event "loaded" "change web loaded: "
event "running" "change web running: "
event "crashed, and why" "change web crashed: panic: sysrq triggered crash"

# --- restart ---

check "on_crash restart" mk_set web on_crash restart
check "it takes effect at the next crash" equal state "$(state web)" crashed
check "start it; it panics in this start and the next" eval 'mk_load web mk.spawn=panic:3,view &&
	control web start'
check "the third one lasts" said web "clock "
check "it runs" wait_state web running
check "twice it was started" equal restarts "$(val web restarts)" 2
check "the log has both reasons" equal crashes \
	"$(klog "$START_MARK" | mk_lines | grep -c 'web: running -> crashed: panic:')" 3
check "no reason any more" equal reason "$(reason web)" ""
check "kill is no crash" eval 'mk_kill web && ended web stopped "^killed$"'
check "... and starts nothing" equal restarts "$(val web restarts)" 2
check "nor is a stop" eval 'mk_load web && mk_start web && mk_stop web &&
	ended web stopped "^poweroff$"'
check "nor is a poweroff of its own" eval 'mk_load web mk.spawn=poweroff && control web start &&
	ended web stopped "^poweroff$" && equal restarts "$(val web restarts)" 2'

# --- restart, and its limit: 2 there were ---

check "restart_max 4" mk_set web restart_max 4
mk_load web mk.spawn=panic
control web start
kept() {
	mkwait -f "$W/reason" "kept" "$((BOOT_MS * 3))" >/dev/null || return
	ended web crashed '^panic: .*; restarted 4 times in 86400 s, kept$'
}
check "it panics in each start: the limit ends that" kept
check "restarts says how often" equal restarts "$(val web restarts)" 4
event "crashed, and kept" "sysrq triggered crash; restarted 4 times in 86400 s, kept"
check "restart_max 0 is never" eval 'mk_set web restart_max 0 && control web start &&
	ended web crashed "; restarted 0 times in 86400 s, kept$"'
check "a start by hand is always possible" eval 'mk_load web && mk_start web && mk_kill web'

# --- CPUs that are lost ---

# beats N: does its first CPU beat within N tenths of a second?  It does so each second
beats() {
	local was n=0
	was=$(sed -n 's/^spawn\.beat=//p' $DBG/web/window)
	until [ "$(sed -n 's/^spawn\.beat=//p' $DBG/web/window)" != "$was" ]; do
		n=$((n + 1))
		[ $n -lt "$1" ] || { echo "its beat stands still at $was"; return 1; }
		usleep 100000
	done
}

if [ -w $DBG/lose_cpu ]; then
	mk_set web restart_max 10
	mk_load web
	mk_start web
	echo 3 >$DBG/lose_cpu
	check "kill says that a CPU did not leave" \
		matches result "$(mkwrite "$W/control" kill 2>&1)" "EIO$"
	check "state and reason say so" ended web crashed '^killed; CPUs 3 did not leave the spawn$'
	check "lost has it" equal lost "$(val web lost)" 3
	check "no policy follows" equal restarts "$(val web restarts)" 4
	check "start is refused" matches result "$(mkwrite "$W/control" start 2>&1)" "EIO$"
	check "destroy is refused" matches result "$(mkwrite $MK/destroy web 2>&1)" "EBUSY$"
	check "CPUs and memory are kept" equal all "$(online) $(pool_free)" \
		"0-1 $((START_FREE - (192 << 20)))"
	check "another kill fails, too" \
		matches result "$(mkwrite "$W/control" kill 2>&1)" "EIO$"
	echo 0 >$DBG/lose_cpu
	check "a kill that succeeds ends it" eval 'mk_kill web && equal lost "$(val web lost)" ""'
	check "the same CPUs boot" mk_start web
	echo 2 >$DBG/lose_cpu
	mkwrite "$W/control" kill 2>/dev/null
	check "what did not leave runs on" beats 300
	echo 0 >$DBG/lose_cpu
	mk_kill web
	check "until it left" not beats 30
	mk_start web
	echo 2 >$DBG/lose_cpu
	mkwrite "$W/control" kill 2>/dev/null
	echo 0 >$DBG/lose_cpu
	check "so does a start that succeeds" eval 'mk_start web && equal lost "$(val web lost)" ""'
	echo 3 >$DBG/lose_cpu
	mkwrite "$W/control" kill 2>/dev/null
	check "another CPU is lost" equal lost "$(val web lost)" 3
	echo 0 >$DBG/lose_cpu
	check "so does a destroy that succeeds: all is given back" eval 'mk_destroy web &&
		equal all "$(online) $(pool_free)" "$START_ONLINE $START_FREE" && cpus_work'

	# --- CPUs that are lost before anybody has them ---

	lost() { cat $MK/pool/lost; }
	wants() { mkwrite $MK/create "name=web cpus=2-3 memory=192M" 2>&1; }
	check "the pool has no lost CPU" equal lost "$(lost)" ""
	echo 3 >$DBG/lose_cpu
	klog_mark
	check "create says that a CPU does not answer" matches result "$(wants)" "EIO$"
	check "the log says which" eval 'klog "$MARK" | mk_lines | grep -q "create: CPU 3 does not answer"'
	check "it is shown as lost, the others and the memory are back" equal all \
		"$(lost) $(online) $(pool_free) $(ls $INST)" "3 0-2 $START_FREE "
	check "the host can't have it either" \
		matches result "$(mkwrite $CPUS/cpu3/online 1 2>&1)" "EBUSY$"
	check "another instance can be had without it" eval \
		'mk_create name=bell cpus=2 memory=64M split_core=1 && mkwrite $MK/destroy bell'
	check "a create that names it asks once more" matches result "$(wants)" "EIO$"
	check "it is lost as before" equal all "$(lost) $(online) $(pool_free)" "3 0-2 $START_FREE"
	echo 2 >$DBG/lose_cpu
	check "another one does not answer" matches result "$(wants)" "EIO$"
	echo 3 >$DBG/lose_cpu
	check "one that does is the host's again where the other does not" eval \
		'matches result "$(wants)" "EIO$" && equal all "$(lost) $(online)" "3 0-2"'
	check "the log says that it answers" eval \
		'klog "$MARK" | mk_lines | grep -q "CPU 2 answers again"'
	check "the host can't sleep meanwhile" matches result \
		"$(mkwrite /sys/power/state freeze 2>&1)" "EBUSY$"
	echo 0 >$DBG/lose_cpu
	check "one that is answered ends it" eval 'wants && equal all "$(lost) $(val web cpus)" " 2-3"'
	check "both boot" eval 'mk_load web mk.spawn=view && mk_start web && said web "view " &&
		matches view "$(told web "view ")" "online=0-1 " && mk_kill web'
	check "in the end all is given back" eval 'mk_destroy web && equal lost "$(lost)" "" &&
		equal all "$(online) $(pool_free)" "$START_ONLINE $START_FREE" && cpus_work'
	mk_create name=web cpus=2-3 memory=192M

	# --- a hang ---

	mk_set web hang_timeout 4
	mk_set web on_crash restart
	klog_mark
	mk_load web mk.spawn=freeze:1,view
	control web start
	check "a hang is a crash: it is started again" said web "clock " $((BOOT_MS * 2))
	check "the log says why" eval 'equal restarts "$(val web restarts)" 1 &&
		klog "$MARK" | mk_lines | grep -q "web: running -> crashed: hang: "'
	mk_kill web
else
	skip_some 32 "a lost CPU" "MULTIKERNEL_FAULT_INJECTION"
fi

# --- destroy ---

: >"$EVENTS"
check "on_crash destroy" mk_set web on_crash destroy
check "kill is no crash" eval 'mk_load web && mk_start web && mk_kill web &&
	ended web stopped "^killed$"'
mk_load web mk.spawn=panic
klog_mark
control web start
check "it is gone" mkwait web gone "$BOOT_MS"
# Its folder goes first, its CPUs and memory follow
given_back() {
	local n=0
	until [ "$(online) $(pool_free)" = "$START_ONLINE $START_FREE" ]; do
		n=$((n + 1))
		[ $n -lt 300 ] || return
		usleep 100000
	done
}
check "CPUs and memory are back" given_back
check "one line says why" equal lines \
	"$(klog "$MARK" | mk_lines | grep -c 'web: destroyed by on_crash: panic: .*sysrq triggered crash$')" 1
event "it is gone" "remove web"
panic_end web
check "the name can be had again" eval 'mk_create name=web cpus=2-3 memory=192M && mk_destroy web'
check "every CPU works" cpus_work
[ -z "$listener" ] || kill "$listener" 2>/dev/null
