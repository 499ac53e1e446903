#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us; the spawn expands
# The terminal line: a shell of the spawn in a tty of the host.
. "$(dirname "$0")/lib.sh"
plan 34

BYTES=262144

dev() { echo "/dev/$(val "$1" tty)"; }
tty() { # NAME STEP...: text that is waited for is typed in two halves, so no echo has it
	local name=$1
	shift
	mktty -t "$BOOT_MS" "$(dev "$name")" "$@"
}
shell() { # NAME: there is a prompt
	tty "$1" -s '' -w '# ' -s 'echo pro""mpt' -w prompt
}

mk_create name=web cpus=2-3 memory=192M
[ -e "$INST/web/tty" ] || skip_rest "no $INST/web/tty: a kernel without HVC_MULTIKERNEL"
first=$(val web tty)
check "it has a name" matches tty "$first" '^hvc[0-9]+$'
check "a device of that name is there" [ -c "$(dev web)" ]
mk_load web mk.spawn=unheard,getty

# Opened before there is anything at the other end: a serial line, too, waits
tty web -w 'console [hvc0] enabled' -w 'Run /init' >"$T/boot" 2>&1 &
boot=$!
check "start" mk_start web
booted() {
	wait $boot || { cat "$T/boot"; return 1; }
}
check "who had it open sees the kernel boot" booted
check "1 MiB for nobody does not block the writer" said web "unheard end"

check "a shell answers" shell web
check "it is the spawn's" tty web -s 'cat /sys/kernel/multikernel/self/name; echo e""nd' \
	-w web -w end
check "hvc0 is its console" tty web -s 'cat /sys/class/tty/console/active' -w hvc0
check "the shell's terminal is hvc0" tty web -s 'tty' -w /dev/hvc0
by_microcom() { # what a user does, Ctrl-X at the end
	# shellcheck disable=SC2094 # it looks while that is written
	{
		printf 'echo mi""cro\r'
		mkwait -f "$T/micro" micro "$BOOT_MS"
		printf '\030'
	} | microcom "$(dev web)" >"$T/micro" 2>&1
	has "$T/micro" micro
}
check "microcom works with it" by_microcom
check "its kernel's lines are shown" tty web -s 'echo "<1>kernel sp""eaks" >/dev/kmsg' \
	-w 'kernel speaks'
check "... and kept" has "$INST/web/console" "kernel speaks"

check "the window's size gets there" tty web -z 33x101 -s 'stty size' -w '33 101'
check "... set by another program" eval 'stty -F "$(dev web)" rows 44 cols 77 &&
	tty web -s "stty size" -w "44 77"'
check "a change is a SIGWINCH" tty web \
	-s 'sh -c "trap \"echo win\"\"ch\" WINCH; echo rea\"\"dy; while :; do usleep 50000; done"' \
	-w ready -z 25x80 -w winch -s "$(printf '\003')" -s 'echo ba""ck' -w back

head -c $BYTES /dev/urandom >"$T/sent"
sum=$(md5sum <"$T/sent")
sum=${sum%% *}
raw='stty raw -echo; '
sane='stty sane; '
check "256 KiB of any bytes to the spawn" tty web \
	-s "$raw echo rea''dy; head -c $BYTES >/tmp/got; $sane md5sum /tmp/got" \
	-w ready -f "$T/sent" -w "$sum"
check "... and back" tty web \
	-s "$raw printf 'beg''in'; cat /tmp/got; $sane" -w begin -r $BYTES "$T/back" \
	-s 'echo sa""ne' -w sane
check "they are the same" cmp "$T/sent" "$T/back"
rm -f "$T/back"
check "the same to one who reads slowly" tty web -d \
	-s "$raw printf 'beg''in'; cat /tmp/got; $sane" -w begin -r $BYTES "$T/back" \
	-s 'echo sa""ne' -w sane
check "they are the same" cmp "$T/sent" "$T/back"

# Another instance at the same time
check "a second instance, with a tty of its own" eval \
	'mk_kill web && mk_destroy web && mk_up red 2 128M mk.spawn=getty &&
	mk_up blue 3 128M "console=hvc0 mk.spawn=getty" &&
	not equal ttys "$(val red tty)" "$(val blue tty)"'
many() { # NAME: 5000 times its name
	tty "$1" -s "$raw printf 'beg''in'; yes $1 | head -n 5000; $sane" \
		-w begin -r $((5000 * (${#1} + 1))) "$T/$1"
}
check "both have a shell" eval 'shell red && shell blue'
both() {
	many red >"$T/red.log" 2>&1 &
	many blue && wait $! || { cat "$T/red.log"; return 1; }
	equal "lines of red" "$(sort "$T/red" | uniq -c | xargs)" "5000 red" &&
		equal "lines of blue" "$(sort "$T/blue" | uniq -c | xargs)" "5000 blue"
}
check "their output does not mix" both

hangup() { # NAME COMMAND...: who reads its tty notices what the command does
	local name=$1 reader
	shift
	tty "$name" -s 'echo he""re' -w here -h >"$T/hangup" 2>&1 &
	reader=$!
	mkwait -f "$T/hangup" "seen here" "$BOOT_MS" && "$@" && wait $reader && return
	cat "$T/hangup"
	return 1
}
check "kill hangs up who reads" hangup red mk_kill red
check "... and nobody else" shell blue
check "a stop hangs up, too" hangup blue mk_stop blue
check "it works again after a start" eval 'mk_start blue && shell blue'
panic_begin
crash() { # NAME: typed by somebody else
	printf 'echo c >/proc/sysrq-trigger\r' >"$(dev "$1")" &&
		ended "$1" crashed '^panic: sysrq triggered crash$'
}
check "so does a crash" hangup blue crash blue
panic_end blue
check "it works again after that, too" eval 'mk_start blue && shell blue'

# A listener that does not read: when no more goes through the spawn panics, and its
# console, which is on this line, must not wait
panic_begin
fill='while timeout 2 head -c 65536 /dev/zero >/dev/hvc0; do :; done'
die='echo spawn: full >/dev/kmsg; echo c >/proc/sysrq-trigger'
# in the background: the shell itself would say something, and wait like others
tty blue -s "echo fi''ll; ($fill; $die) 2>/tmp/x &" -w fill -n >"$T/full" 2>&1 &
full=$!
check "a line that is not read gets full" said blue full
check "a panic does not wait for it" ended blue crashed '^panic: sysrq triggered crash$'
kill $full
panic_end blue

rounds() {
	local i=0
	while [ $i -lt 10 ]; do
		i=$((i + 1))
		mk_create name=more cpus=2 memory=128M split_core=1 || return
		equal "tty in round $i" "$(val more tty)" "$1" || return
		mk_destroy more || return
	done
}
check "the numbers are used again" eval 'mk_destroy red && rounds "$first"'
gone() {
	local was
	was=$(dev blue)
	mk_destroy blue || return
	klog_mark
	matches open "$(mktty "$was" -n 2>&1)" ENODEV
}
check "without an instance it can't be opened" gone
unsaid() { equal "host's log" "$(klog "$MARK" | grep -E 'hvc|tty|multikernel')" ""; }
check "... and the log says nothing of it" unsaid
