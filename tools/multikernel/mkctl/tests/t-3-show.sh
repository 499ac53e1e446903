# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2016,SC2086,SC2154
# list, show, log, vmcore, top, console

it "list of nothing" eval 'ok list && lines "$T/out" 0'
it "list --json of nothing" eval 'ok list --json && equal out "$(cat "$T/out")" "[]"'
up web 2-3 'q="\a' && up db 4

it "list" eval 'ok list && lines "$T/out" 3 && has "$T/out" "^web +1 running +2-3 +64M$" "^db +2 running +4 +64M$"'
it "show" eval 'ok show web && has "$T/out" "^state +running$" "^memory +64M$" "^boot time +1234567 us$" "^on crash +keep$"'
json() {
	mkdir -p "$INST/web/fault"
	echo 5 >"$INST/web/fault/drop"
	printf 'bad \033[31m "quoted" \\ \303\251 \377\n' >"$INST/web/reason"
	ok list --json && mv "$T/out" "$T/list" && ok show web --json || return
	rm -r "$INST/web/fault"
	command -v python3 >/dev/null || return 0
	python3 - "$T/list" "$T/out" <<-END
		import json, sys
		all, web = (json.load(open(f)) for f in sys.argv[1:])
		assert [i["name"] for i in all] == ["db", "web"], all
		assert all[1] == web
		assert web["id"] == 1 and web["cpus"] == "2-3" and web["memory_bytes"] == 64 << 20
		assert web["memory"] == ["0x40000000-0x43ffffff"] and web["links"] == []
		assert web["heartbeat_age_ms"] is None and web["cmdline"] == 'q="\\\\a'
		assert web["reason"] == 'bad \x1b[31m "quoted" \\\\ \u00e9 \ufffd', web["reason"]
		assert web["fault"] == {"drop": 5} and web["on_crash"] == "keep"
	END
}
it "list and show --json, with text that needs care" json
it "what a spawn says can't command the terminal" eval 'ok show web && has "$T/out" "bad .x1b.31m" && lacks "$T/out" "$(printf "\033")"; r=$?; echo >"$INST/web/reason"; [ $r = 0 ]'
it "files that this kernel does not have are left out" eval 'rm "$INST/web/on_crash" && ok show web && lacks "$T/out" "on crash" && ok show web --json && lacks "$T/out" on_crash'

printf 'one\ntwo\nthree\n' >"$INST/web/console"
it "log, byte for byte" eval 'ok log web && cmp "$T/out" "$INST/web/console"'
it "log -n" eval 'ok log web -n 2 && equal out "$(cat "$T/out")" "two
three"'
it "log -n 0" eval 'ok log web -n 0 && lines "$T/out" 0'

# wait_for FILE TEXT
wait_for() {
	tries=500
	until grep -Eq -- "$2" "$1"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || { echo "no '$2' in $1"; return 1; }
		sleep 0.01
	done
}
follows() {
	: >"$T/out"
	MKCTL_ROOT=$T/root "$DIR/mkctl" log -f web >"$T/out" 2>"$T/err" &
	pid=$!
	wait_for "$T/out" three || return
	echo four >>"$INST/web/console"
	wait_for "$T/out" four || return
	# The oldest line goes, as when 64 KiB are exceeded
	printf 'two\nthree\nfour\nfive\n' >"$T/new" && cat "$T/new" >"$T/console.new"
	mv "$T/console.new" "$INST/web/console"
	wait_for "$T/out" five || return
	kill -INT $pid 2>/dev/null || return
	kill -TERM $pid
	wait $pid
	equal out "$(cat "$T/out")" "one
two
three
four
five"
}
it "log -f follows, also when the oldest text goes" follows

it "no vmcore in this kernel" no 3 "keeps none" vmcore web "$T/core"
head -c 3000000 /dev/urandom >"$INST/web/vmcore"
it "vmcore" eval 'ok vmcore web "$T/core" && cmp "$T/core" "$INST/web/vmcore" && equal mode "$(stat -c %a "$T/core")" 600'
it "vmcore overwrites nothing" no 6 "--force overwrites it" vmcore web "$T/core"
it "vmcore --force" ok vmcore web "$T/core" --force
it "vmcore to a pipe" eval 'ok vmcore web - && cmp "$T/out" "$INST/web/vmcore"'
: >"$INST/web/vmcore"
it "an empty vmcore leaves no file" eval 'no 6 "from the end of a run" vmcore web "$T/core2" && [ ! -e "$T/core2" ]'
echo x >"$INST/web/vmcore"
ln -s /dev/full "$T/full"
it "a full disk is said, and what is not ours is not removed" eval 'no 1 "full.: No space left" vmcore web "$T/full" --force && [ -c "$T/full" ]'

D=$T/root/sys/kernel/debug/multikernel/web
mkdir -p "$D"
printf 'tx=10\nrx=20\nother=5\n' >"$D/stats"
echo 1500 >"$INST/web/heartbeat_age_ms"
it "top in a pipe: once, 80 columns" eval 'ok top && has "$T/out" "^web +running +2-3 +64M +- +0:00 +1.5s +- +0$" "pool 512M, 384M free +CPUs lent: 2-4$" && ! grep -E ".{81}" "$T/out"'
# 2000 more, seen after 0.2 s and, on a busy machine, some more
rate() {
	: >"$T/out"	# of the test before
	MKCTL_ROOT=$T/root "$DIR/mkctl" top --count 100 --delay 0.2 >"$T/out" &
	pid=$!
	wait_for "$T/out" "^web" && printf 'tx=1010\nrx=1020\n' >"$D/stats"
	wait_for "$T/out" "^web.* [1-9][0-9]* +0$"
	r=$?
	kill $pid
	wait $pid
	[ $r = 0 ] || return
	got=$(awk '$1 == "web" && $8 > 0 { print $8; exit }' "$T/out")
	[ "$got" -gt 2000 ] && [ "$got" -le 10000 ] || { echo "$got a second"; return 1; }
}
it "messages a second" rate
# 100 s more of 2 CPUs, within a second: no more than 200 % is believed, nor less seen
busy() {
	: >"$T/out"
	MKCTL_ROOT=$T/root "$DIR/mkctl" top --count 100 --delay 0.2 >"$T/out" &
	pid=$!
	wait_for "$T/out" "^web" && echo 100000000 >"$INST/web/cpu_time_us"
	wait_for "$T/out" "^web +running.* 200[.]0 +1:40 "
	r=$?
	kill $pid
	wait $pid
	return $r
}
it "CPU time, and how much of it is now" busy
long_times() {
	for t in 59000000=0:59 5999000000=99:59 6000000000=1h40m 359999000000=99h59m 3600000000000=41d16h; do
		echo "${t%=*}" >"$INST/web/cpu_time_us"
		ok top && has "$T/out" "^web .* ${t#*=} +1.5s" || return
	done
}
it "short and long times" long_times
ended_row() {
	echo "panic: an initrd is missing, of all things" >"$INST/db/reason"
	echo crashed >"$INST/db/state"
	ok top && has "$T/out" "^db +crashed +4 +64M +panic: an initrd is missing, of all" &&
		! grep -E ".{90}" "$T/out"
	r=$?
	echo running >"$INST/db/state"
	echo >"$INST/db/reason"
	return $r
}
it "of one that has ended the reason stands there" ended_row
top_json() {
	ok top --json --count 2 --delay 0.1 || return
	command -v python3 >/dev/null || return 0
	python3 - "$T/out" <<-END
		import json, sys
		text, looks = open(sys.argv[1]).read(), []
		while text:
		    look, end = json.JSONDecoder().raw_decode(text)
		    looks.append(look)
		    text = text[end:].lstrip()
		assert len(looks) == 2, looks
		web = [i for i in looks[1] if i["name"] == "web"][0]
		assert looks[0][1]["cpu_percent"] is None, looks[0]
		assert web["state"] == "running" and web["cpu_time_us"] == 3600000000000
		assert web["heartbeat_age_ms"] == 1500 and web["messages_per_second"] == 0, web
	END
}
it "top --json" top_json
topped() {
	"$DIR/pty" env MKCTL_ROOT="$T/root" "$DIR/mkctl" top >"$T/out" 2>&1 <<-END
		see web
		size 10 40
		see web
		key q
	END
	has "$T/out" "^exit 0" "^terminal kept" "1049l"
}
it "top on a terminal ends with q, which is left as it was" topped

low() {
	"$DIR/pty" env MKCTL_ROOT="$T/root" "$DIR/mkctl" top >"$T/out" 2>&1 <<-END
		see web
		size 4 60
		see ... and 2 more
		key q
	END
	has "$T/out" "^exit 0" "^terminal kept"
}
it "top in a low window counts what does not fit" low

# console_is NAME REGEX... <steps
attached() {
	"$DIR/pty" -l "$T/root/dev/hvc1" env MKCTL_ROOT="$T/root" "$DIR/mkctl" console web >"$T/out" 2>&1
	has "$T/out" "^terminal kept" "$@"
}
it "console: both directions, ~. leaves" attached "^exit 0" "hello from the spawn" <<-'END'
	see Enter ~. leaves
	tell hello from the spawn
	see hello from the spawn
	key ls\x03\r
	hear ls\x03\r
	key ~~a\r~x
	hear ~a\r~x
	key \r~?
	see ~.  leave
	key ~.
END
it "console: ~ in a line is a ~" attached "^exit 0" <<-'END'
	see leaves
	key a~.b
	hear a~.b
	key \r~.
END
it "console: the window's size is passed on" attached "^exit 0" <<-'END'
	see leaves
	linesize
	size 50 132
	linesize
	key ~.
END
it "console: modes that the spawn turned on are turned off" attached "1049l.*25h" <<-'END'
	see leaves
	tell \e[?1049h\e[?25l
	see \e[?25l
	key ~.
END
it "console: a signal leaves the terminal as it was" attached "^exit 130" <<-'END'
	see leaves
	tell x
	see x
	signal 15
END
it "console: so does a fault of ours" attached "^signal 11" <<-'END'
	see leaves
	tell x
	see x
	signal 11
END
it "console: hung up" attached "^exit 0" "hung up, it is running" <<-'END'
	see leaves
	tell x
	see x
	hangup
	see hung up
END
it "console: no terminal for it" eval 'rm "$INST/web/tty"; no 3 "CONFIG_HVC_MULTIKERNEL" console web'
