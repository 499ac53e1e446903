# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2016,SC2086,SC2154
# The command line, create to destroy, and what failures say

usage_ok() {
	ok help && mv "$T/out" "$T/help" || return
	for c in run create load set start stop kill restart destroy list show top console log wait \
		vmcore apply check help; do
		has "$T/help" "^  $c " && ok help $c && has "$T/out" "^usage: mkctl $c" || return
	done
}
it "help names every command, and has each" usage_ok
it "no command is a usage error" eval 'mkctl; status 2'
it "unknown command" no 2 "no command 'frob'" frob
it "help of one has all its options" eval 'ok help run && has "$T/out" "^Also: --id N  --split-core  --keep  --timeout SECONDS  --json$" "on-crash" && ok help kill && lacks "$T/out" Also'
it "unknown option" no 2 "no option '--frob'" list --frob
it "an option of another command" no 2 "stop takes no --cpus" stop web --cpus 2
it "a value is missing" no 2 "'--cpus' takes a value" create web --cpus
it "an argument is missing" no 2 "usage: mkctl show NAME" show
it "one too many" no 2 "usage: mkctl show NAME" show a b
it "a number that is none" no 2 "give a number" top --count x
it "a name that is a path" no 2 "is no name" show ../pool
it "a name that is a path, to create" no 2 "is no name" create a/b $web
it "a blank can't bring in a key" no 2 "no blanks" create web --cpus "2 id=7" --memory 2M
it "create wants CPUs and memory" no 2 "give --cpus" create web --cpus 2

created() {
	ok create web $web --id 7 --on-crash restart --restart-max 5 &&
		has "$T/out" "^web: created: id 7, CPUs 2-3, memory 256M" && state web empty &&
		equal on_crash "$(cat "$INST/web/on_crash")" restart &&
		equal restart_max "$(cat "$INST/web/restart_max")" 5
}
it "create, with what follows a crash" created
it "no such instance" no 5 "no instance 'wep'; 'mkctl list'" start wep
it "the kernel's reason, and what to do: name" no 6 "name 'web' is taken; take another" create web --cpus 4 --memory 2M
it "... a lent CPU" no 6 "db: create: CPU 2 is lent to 'web'; take another CPU" create db --cpus 2 --memory 2M
it "... CPU 0" no 4 "CPU 0 is the boot CPU .*; take another CPU" create db --cpus 0 --memory 2M
it "... memory" no 7 "has 512 MiB, 256 free.*; ask for less" create db --cpus 4 --memory 1G
it "... no image" no 6 "web: start: no image is loaded; 'mkctl load web " start web
it "... nothing runs" no 6 "web: stop: is empty, not running" stop web
it "... an image that is none" no 8 "web: load: image was built without MULTIKERNEL; build it" load web --kernel "$T/other"
echo bzImage9 >"$T/abi9"
it "... one that no hint is for: what the errno says" no 8 "image speaks ABI version 9, this host 4; it takes a bzImage .*same ABI" load web --kernel "$T/abi9"
it "a kernel that is not there" no 5 "kernel '/nonexistent'.*give a file" load web --kernel /nonexistent
it "an initrd that is not there" no 5 "initrd '/nonexistent'" load web $K --initrd /nonexistent
it "a bad policy leaves no instance" eval 'no 2 "unknown word .boo., use keep" create db --cpus 4 --memory 2M --on-crash boo && gone db'

without_kmsg() {
	rm "$T/root/dev/kmsg"
	no 6 "web: start: No data available; 'mkctl load web --kernel FILE' first" start web
	r=$?
	: >"$T/root/dev/kmsg"
	return $r
}
it "without the kernel's log: the errno, and what to do" without_kmsg
it "without CAP_SYS_BOOT" eval 'export FAKE_EPERM=1; no 4 "Operation not permitted; it takes root" start web; r=$?; unset FAKE_EPERM; [ $r = 0 ]'
old_reason() {
	echo "3,1,1,-;multikernel: web: start: an old one" >>"$T/root/dev/kmsg"
	no 6 "no image is loaded" start web
}
it "a reason from before is not taken" old_reason

loaded() {
	ok load web $K --initrd "$T/rd" --append "a b=c" && state web loaded &&
		equal cmdline "$(cat "$INST/web/cmdline")" "a b=c" &&
		equal call "$(cat "$INST/web/.load")" "flags=0x70010 initrd=1"
}
it "load: flag, id, initrd, command line" loaded
it "load without an initrd says so to the kernel" eval 'ok load web $K && equal call "$(cat "$INST/web/.load")" "flags=0x70014 initrd=0"'
it "unload" eval 'ok load web --unload && state web empty && ok load web $K'
it "start waits until its init runs" eval 'ok start web && state web running && has "$T/out" "^web: running, init started after 1.23 s"'
it "starting it twice" no 6 "web: start: is running; 'mkctl stop web' first" start web
it "destroying what runs" no 6 "stop or kill it first; 'mkctl destroy --stop web'" destroy web
it "wait for a state that it is in" eval 'ok wait web loaded,running && equal out "$(cat "$T/out")" running'
it "wait for no state" no 2 "use one or more of empty" wait web up
it "wait has an end" no 10 "not done within 0 s" wait web stopped --timeout 0
it "restart waits through the end of the first run" eval 'ok restart web && state web running && lacks "$T/out" stopped'
as_json() { # STATE COMMAND LINE: it says the instance instead
	want=$1
	shift
	ok "$@" --json && has "$T/out" '"name": "web"' "\"state\": \"$want\"" &&
		equal "first byte" "$(head -c 1 "$T/out")" "{"
}
it "--json of what changes something" eval 'as_json stopped stop web && as_json running start web && as_json running restart web && as_json running wait web running'
it "stop waits for the end" eval 'ok stop web && state web stopped && has "$T/out" "^web: stopped: poweroff"'
it "wait ends when the instance has" no 9 "web: wait: it stopped: poweroff" wait web running
it "set" eval 'ok set web --hang-timeout 5 && equal hang_timeout "$(cat "$INST/web/hang_timeout")" 5'
it "set nothing" no 2 "nothing to set" set web
it "set what the kernel refuses" no 2 "web: on_crash: unknown word 'x', use keep" set web --on-crash x
it "start --no-wait" eval 'ok start web --no-wait && state web booting'
it "kill" eval 'ok kill web && state web stopped'
it "destroy gives all back" eval 'ok destroy web && gone web && pool_full'
it "destroy of nothing" no 5 "no instance 'web'" destroy web
it "destroy --missing-ok of nothing" ok destroy web --missing-ok
it "destroy --stop" eval 'up web 2 && ok destroy web --stop && gone web'
it "destroy --kill" eval 'up web 2 && ok destroy web --kill && gone web'
it "destroy --stop of what does not power off" eval 'up web 2 fake=nostop && ok destroy web --stop && gone web'
it "stop of what crashes meanwhile" eval 'up web 2 fake=dies && no 9 "web: stop: it crashed: panic: at" stop web && ok destroy web'
it "destroy --stop of it" eval 'up web 2 fake=dies; mkctl destroy web --stop; status 0 && gone web'

no_host() {
	mv "$MK" "$MK.away"
	for c in list "show web" "create web $web" apply top "run web $web $K"; do
		no 3 "no multikernel .*; see 'mkctl check'" $c || return
	done
	mkdir -p "$MK/self"
	no 3 "is a spawn; instances are made on its host" list
	r=$?
	rm -r "$MK"
	mv "$MK.away" "$MK"
	return $r
}
it "a kernel without multikernel, and a spawn" no_host
