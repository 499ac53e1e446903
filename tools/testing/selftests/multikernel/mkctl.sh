#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2154 # lib.sh is beside us
# mkctl, the tool, with a real kernel. Its own tests, on a fake tree, are in
# tools/multikernel/mkctl/tests.
. "$(dirname "$0")/lib.sh"
plan 34

command -v mkctl >/dev/null || skip_rest "no mkctl"

# ctl ARGUMENTS: rc, $T/out, $T/err; stands for a user who looks at what he is told
ctl() {
	mkctl "$@" >"$T/out" 2>"$T/err" </dev/null
	rc=$?
}
both() { cat "$T/out" "$T/err"; }
does() { ctl "$@"; both; equal "exit status" "$rc" 0; }
# refuses STATUS REGEX ARGUMENTS: one line on stderr
refuses() {
	want=$1
	re=$2
	shift 2
	ctl "$@"
	both
	equal "exit status" "$rc" "$want" && equal "lines of stderr" "$(grep -c '' "$T/err")" 1 &&
		has "$T/err" "$re"
}
boots="--kernel $KERNEL --initrd $INITRD"
one="--cpus 2 --memory 128M --split-core"

check "this machine can run instances, it says" does check
check "... with this pool" has "$T/out" "^ok +pool +"
# shellcheck disable=SC2086 # words
check "run: from nothing to running" does run one $one $boots --append "kunit.enable=0 mk.spawn=view,getty"
check "... a line for each step" eval 'has "$T/out" "^one: created: id [0-9]+, CPUs 2, memory 128M" &&
	has "$T/out" "^one: running, init started after"'
check "it is running" equal state "$(state one)" running
check "list --json knows it" eval 'does list --json && has "$T/out" "\"name\": \"one\"" &&
	has "$T/out" "\"state\": \"running\"" && has "$T/out" "\"memory_bytes\": 134217728"'
# shellcheck disable=SC2086
check "the kernel's own reason: a lent CPU" refuses 6 \
	"^mkctl: two: create: CPU 2 is lent to 'one'; take another" create two $one
check "... and of a load into what runs" refuses 6 "^mkctl: one: load: .*is running" load one \
	--kernel "$KERNEL"
check "the log, from its first line" eval 'does log one && has "$T/out" "Linux version"'
check "top" eval 'does top && has "$T/out" "^one +running +2 +128M +- +[0-9]+:[0-9]+ +[0-9.]+s"'
check "show" eval 'does show one && has "$T/out" "^state +running$" && has "$T/out" "^CPUs +2$" &&
	has "$T/out" "^memory +128M$"'
check "show --json: as list" eval 'does show one --json && has "$T/out" "\"boot_time_us\": [1-9]" &&
	has "$T/out" "\"reason\": \"\""'
check "wait for what it is" eval 'does wait one stopped,running && equal output "$(cat "$T/out")" running'
check "... has an end" refuses 10 "^mkctl: one: wait: " wait one stopped --timeout 0
check "set" eval 'does set one --hang-timeout 60 --on-crash keep &&
	equal hang_timeout "$(val one hang_timeout)" 60'
check "... what the kernel refuses, in its words" refuses 2 \
	"^mkctl: one: boot_timeout: .0. is not 1 to " set one --boot-timeout 0
by_console() { # what is typed comes from a pipe; its end leaves
	# shellcheck disable=SC2094 # it looks while that is written
	{
		printf '\r'
		mkwait -f "$T/con" '# ' "$BOOT_MS" >/dev/null
		printf 'echo con""sole\r'
		mkwait -f "$T/con" console "$BOOT_MS" >/dev/null
	} | mkctl console one >"$T/con" 2>"$T/err"
	rc=$?
	cat "$T/err"
	equal "exit status" "$rc" 0 && has "$T/con" '^console'
}
if [ -e "$INST/one/tty" ]; then
	: >"$T/con"
	check "console: a shell of the spawn answers" by_console
else
	skip "console: a shell of the spawn answers" "no HVC_MULTIKERNEL"
fi
: >"$T/log"
mkctl log -f one >"$T/log" 2>"$T/logerr" &
follower=$!
check "restart: it runs again" eval 'does restart one && equal state "$(state one)" running &&
	has "$INST/one/console" "start 2 of one"'
until_both() { # FILE: both runs came to their init
	local tries=0
	until [ "$(grep -c "spawn: init running" "$1")" = 2 ]; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || { cat "$1"; return 1; }
		usleep 50000
	done
}
followed() { # the end of that run, and the beginning of this one
	mkwait -f "$T/log" "start 2 of one" "$BOOT_MS" &&
		until_both "$T/log" || return
	kill "$follower" || return
	wait "$follower"
	cat "$T/logerr"
	equal "first lines" "$(grep -c "Linux version" "$T/log")" 2 &&
		equal "marks between" "$(grep -c "start 2 of one" "$T/log")" 1
}
check "log -f has followed it, each line once" followed
check "stop: it powered off" eval 'does stop one && has "$T/out" "^one: stopped: poweroff" &&
	equal state "$(state one)" stopped'
# shellcheck disable=SC2086
check "load: another command line" eval 'does load one $boots --append "kunit.enable=0 mk.spawn=hang" &&
	equal state "$(state one)" loaded && equal cmdline "$(val one cmdline)" "kunit.enable=0 mk.spawn=hang"'
check "load --unload" eval 'does load one --unload && equal state "$(state one)" empty'
# shellcheck disable=SC2086
check "... there is nothing to start" refuses 6 "^mkctl: one: start: no image is loaded" start one
# shellcheck disable=SC2086
check "start --no-wait, and wait" eval 'does load one $boots --append kunit.enable=0 && does start one --no-wait &&
	does wait one running && equal state "$(state one)" running'
check "kill: it has ended" eval 'does kill one && equal state "$(state one)" stopped'
check "... and runs no more" refuses 9 "^mkctl: one: wait: it stopped: killed" wait one running
saved() {
	does vmcore one "$T/core" || return
	equal magic "$(head -c 4 "$T/core" | tail -c 3)" ELF &&
		between size "$(stat -c %s "$T/core")" 130000000 150000000
	r=$?
	rm -f "$T/core"
	return $r
}
check "vmcore: a core file of its memory" saved
check "destroy" eval 'does destroy one && [ ! -e "$INST/one" ]'

free=$(pool_free)
# shellcheck disable=SC2086
refused_image() {
	ctl run one $one --kernel "$INITRD"
	both
	equal "exit status" "$rc" 8 && equal "instances" "$(ls "$INST")" "" &&
		equal "free pool" "$(pool_free)" "$free"
}
check "run of what is no kernel: all is taken back" refused_image

mkdir -p "$T/conf"
printf 'cpus = 3\nmemory = 128M\nsplit_core = yes\nkernel = %s\ninitrd = %s\nappend = kunit.enable=0\n' \
	"$KERNEL" "$INITRD" >"$T/conf/web.conf"
check "apply --dry-run says what it would do" eval 'does apply --dry-run --config "$T/conf" &&
	has "$T/out" "^web: create: cpus 3, memory 128M" && [ ! -e "$INST/web" ]'
check "apply does it" eval 'does apply --config "$T/conf" && equal state "$(state web)" running'
check "twice: nothing to do" eval 'does apply --config "$T/conf" &&
	equal output "$(cat "$T/out")" "nothing to do"'
mk_kill web
check "what was killed is started again" eval 'does apply --config "$T/conf" &&
	equal output "$(cat "$T/out")" "web: start: it is stopped" && equal state "$(state web)" running'
check "destroy --stop" eval 'does destroy --stop web && [ ! -e "$INST/web" ]'
