#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A spawn that lies: red's init writes into its half of the window what no kernel would,
# see mkliar.c. The host says what was wrong, ends it, and starts it again; blue's pings,
# which go on all the time, lose nothing.
. "$(dirname "$0")/lib.sh"

# NAME REASON [WHAT THE HOST DOES]: these break the rules; a reason has . for a blank
breaches='head-misaligned ^fault:.impossible.head
head-far ^fault:.impossible.head
head-back ^fault:.impossible.head
tail-beyond ^fault:.impossible.tail fill
tail-misaligned ^fault:.impossible.tail fill
len-huge ^fault:.impossible.record:.*length.4294967295
len-max ^fault:.impossible.record:.*length.65793
len-beyond ^fault:.impossible.record:.*length.4096
len-wraps ^fault:.impossible.record:.*length.4080
flags-unknown ^fault:.message.against.the.rules:.*flags.0x40
flags-two ^fault:.message.against.the.rules:.*flags.0x6
service-0 ^fault:.message.against.the.rules:.service.0,
service-65535 ^fault:.message.against.the.rules:.service.65535,
id-none ^fault:.message.against.the.rules:.*flags.0x2,.id.0
id-stray ^fault:.message.against.the.rules:.*flags.0x0,.id.5
error-size ^fault:.message.against.the.rules:.*flags.0x8.*length.8
error-0 ^fault:.message.against.the.rules:.*flags.0x8
error-huge ^fault:.message.against.the.rules:.*flags.0x8
pad-first ^fault:.impossible.record:.*flags.0x1
pad-short ^fault:.impossible.record:.*flags.0x1
offer-0 ^fault:.message.against.the.rules:.*flags.0x10
tty-short ^fault:.message.against.the.rules:.service.3,.*length.15$
tty-flags ^fault:.message.against.the.rules:.service.3,.*length.16$
tty-credit ^fault:.message.against.the.rules:.service.3,.*length.32785$
tty-taken ^fault:.message.against.the.rules:.service.3,.*length.16$
offers ^fault:.message.against.the.rules:.*flags.0x10
phase-unknown ^fault:.impossible.phase.77
phase-back ^fault:.impossible.phase.1.after.3
phase-dying ^ended.without.saying.how$
doorbell-foreign ^fault:.doorbell.at.APIC.0,.*is.not.its.own ring
doorbell-all ^fault:.doorbell.at.APIC.4294967295,.*is.not.its.own ring
doorbell-vector ^fault:.doorbell.at.*vector.2.is.not.its.own ring
cpu-state ^fault:.impossible.state.77.of.CPU.2$
beat-jump ^hang:.CPU.2.has.not.taken.a.timer.interrupt
exit-text ^panic:.[?]+$
exit-kind ^ended.without.saying.how$'

rounds=${MK_LIES:-${MK_N:-6}}
plan $((1 + 5 + $(echo "$breaches" | grep -c '') + 14 + rounds + 7))

# Log lines of the host that one lie may cost: the rate limit lets 10 in 5 s through
LINES_MAX=60
# What may differ at the end: caches of the CPUs and of the spawns' start and end
SLAB_KB=300
FREE_KB=4096

seed=${MK_SEED:-1}
echo "# seed $seed (SEED=$seed repeats it), $rounds rounds (N=)"
need $DBG "debugfs of multikernel"
command -v mkliar >/dev/null || skip_rest "mkliar is missing"

# That of red alone
liar_initrd() {
	mkdir -p "$T/root/mk" && cp "$(command -v mkliar)" "$T/root/mk/" &&
		initrd_with "$T/root" >"$T/liar.cpio"
}

load_red() { INITRD=$T/liar.cpio mk_load red "mk.spawn=$1" "$QUICK"; }

stat() { # NAME KEY
	key "$2" "$(tr '\n' ' ' <"$DBG/$1/stats")"
}

# --- blue --------------------------------------------------------------------

traffic() {
	while [ ! -e "$T/quiet" ]; do
		mkwrite "$DBG/blue/ping" "50 2000" 2>>"$T/blue.errors"
		cat "$DBG/blue/ping" >>"$T/blue.pings" 2>>"$T/blue.errors"
	done
}
blue_sum() { awk -v k="$1=" '{ for (f = 1; f <= NF; f++) if (index($f, k) == 1)
	n += substr($f, length(k) + 1) } END { print n + 0 }' "$T/blue.pings"; }

# A ping whose echo took longer than the half second that it waits is late, and a stray
# reply; lost is what never comes
nothing_lost() {
	local count lost late
	count=$(blue_sum count) lost=$(blue_sum lost) late=$(stat blue stray_replies)
	echo "# blue: $count pings answered, $((lost - late)) lost, $late late" >&4
	between "pings answered" "$count" 200 100000000 && equal lost "$lost" "$late" &&
		equal errors "$(grep -v ETIMEDOUT "$T/blue.errors")" "" &&
		equal state "$(state blue)" running
}

# --- red ---------------------------------------------------------------------

# The host sends until it notices, a second of an ordinary life of 64 KiB messages
fill() { mkwrite "$DBG/red/bench" "65536 50"; }
ring() {
	local n=0
	while [ $n -lt 100 ] && mkwrite "$DBG/red/ping" 1; do
		n=$((n + 1))
		usleep 20000
	done
}

few_lines() { between "log lines" "$(klog "$MARK" | mk_lines | grep -c '')" 1 "$LINES_MAX"; }

# What fault/kind says beside such a reason
kind_of() { # REASON
	case $1 in
	^fault:*) echo protocol ;;
	^hang:*) echo hang ;;
	^panic:*) echo panic ;;
	*) echo unsaid ;;
	esac
}

found_out() { # NAME REASON [WHAT THE HOST DOES]
	klog_mark
	load_red "lie:$1" && control red start && said red "lie $1 now" || return
	[ -z "$3" ] || $3
	ended red crashed "$2" && few_lines && not mkwrite "$DBG/red/ping" 1 &&
		equal "kind of the fault" "$(val red fault/kind)" "$(kind_of "$2")"
}


exec 4>&1
: >"$T/blue.errors"
check "create, and an initramfs with a liar in it" eval 'liar_initrd &&
	mk_create name=red cpus=2 memory=128M split_core=1 &&
	mk_create name=blue cpus=3 memory=128M split_core=1'
check "blue runs and answers" eval 'mk_load blue && mk_start blue &&
	mkwrite "$DBG/blue/ping" 100'
check "red runs, has a window of its own, and answers" eval 'load_red view && mk_start red &&
	said red "clock " && mkwrite "$DBG/red/ping" 100'
check "kill it" mk_kill red
check "no such lie" eval 'load_red lie:no-such && mk_start red &&
	said red "lie no-such is not one" && mk_kill red'
note before
traffic &

echo "$breaches" >"$T/breaches"
while read -r name reason how <&5; do
	check "$name: found out, ended, and started again" found_out "$name" "$reason" "$how"
done 5<"$T/breaches"

# --- its rings are not opened for a kernel of another start -------------------------------

other_start() {
	load_red "view multikernel.inject=other-start" && control red start &&
		ended red crashed '^fault: it says that this is start [0-9]+, not [0-9]+$' &&
		not mkwrite "$DBG/red/ping" 1 && return
	[ "$(state red)" = crashed ] || mk_kill red
	return 1
}
if zcat /proc/config.gz | grep -q MULTIKERNEL_FAULT_INJECTION=y; then
	check "the number of another start: found out" other_start
else
	skip "the number of another start" "CONFIG_MULTIKERNEL_FAULT_INJECTION in the kernel"
fi

# --- lies that are nobody's business but its own ---------------------------------------

harmless="header,lie:host-vector,lie:pulse,lie:bells,lie:console,lie:replies,lie:flood,lie:unread,lie:withdraw"
klog_mark
check "red starts again" eval 'load_red "lie:$harmless" && mk_start red'
check "the host reads a log whose index is wild" eval 'said red "lie console now" &&
	until said red "lie console done" 100; do
		[ "$(val red console | wc -c)" -le 65536 ] || break
	done 2>/dev/null; said red "lie console done" 1000'
check "it has told them all" said red "lie withdraw done"
check "each CPU of the host works" eval 'cpu_works 0 && cpu_works 1'
check "red runs" equal state "$(state red)" running
check "nothing is wrong with it" equal reason "$(reason red)" ""
check "1000 answers that nobody asked for are strays" \
	between stray_replies "$(stat red stray_replies)" 1000 1010
check "messages for nobody are counted" between refused "$(stat red refused)" 1000 200001
check "and the log has some of them" eval 'klog "$MARK" |
	grep "multikernel: red: message for service [0-9]* refused"'
check "answers that red does not read wait, or are dropped" \
	between late "$(($(stat red late_replies) + $(stat red unanswered)))" 1 100
check "the log does not fill" few_lines
check "a service that was withdrawn is not there" \
	matches ping "$(mkwrite "$DBG/red/ping" 1 2>&1)" "ENOTCONN"
check "its window can be read" test -n "$(cat "$DBG/red/window")"
check "kill" eval 'mk_kill red && ended red stopped "^killed$"'

# --- seeded ----------------------------------------------------------------------------

kind=
shuffled() { # N
	local s=$((seed + $1)) end
	case $(($1 % 4)) in
	0) kind=flight ;;
	1) kind=random ;;
	2) kind=control ;;
	3) kind=records ;;
	esac
	klog_mark
	load_red "lie:$kind:$s:3000,poweroff" && control red start || return
	# What is written at random may be where its log begins, and then nobody reads this
	[ $kind = random ] || said red "lie $kind now" || return
	# It hangs only if it told a lie that keeps its kernel from its end
	end=$(mkwait red stopped,crashed 60000) || { end=hung && mk_kill red; } || return
	echo "# seed $s: $kind ends as $end: $(reason red)" >&4
	between "log lines" "$(klog "$MARK" | mk_lines | grep -c '')" 1 "$LINES_MAX"
}
n=0
while [ $n -lt "$rounds" ]; do
	check "round $n of random lies ends, and starts again" shuffled $n
	n=$((n + 1))
done

# --- afterwards ------------------------------------------------------------------------

check "red starts once more" eval 'load_red view && mk_start red'
check "and answers" eval 'mkwrite "$DBG/red/ping" 100 && has "$DBG/red/ping" "count=100 lost=0"'
check "kill it for good" mk_kill red
: >"$T/quiet"
wait
note after
check "blue lost nothing all the time" nothing_lost
check "slab is as before" grew Slab "$slab_before" "$slab_after" $SLAB_KB
check "free memory is as before" grew "used memory" "-$free_before" "-$free_after" $FREE_KB
check "stop and destroy both" eval 'mk_stop blue && mk_destroy red && mk_destroy blue'
