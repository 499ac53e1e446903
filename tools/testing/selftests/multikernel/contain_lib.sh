# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034,SC2154 # of lib.sh, sourced before
# Sourced by contain_*.sh after lib.sh: red breaks down, one fault after the other, while
# blue, which has nothing to do with it, has work all the time and may lose nothing.
#
#	contain_begin [RED'S CPUS]
#	fault NAME KIND REASON CONSOLE WORD [MS]	4 tests; boot_fault the same
#	harmless NAME CONSOLE WORD		2 tests
#	endless NAME CONSOLE WORD		4 tests
#	contain_end				4 with contain_begin
#
# red's server of vsock runs the words of dev/guest/spawn.sh.

# The host is the one that is tested
KERNEL=$QUICK

INJECT_CONFIG=CONFIG_MULTIKERNEL_FAULT_INJECTION

# What both need besides the base, and kexec_all of spawn.sh
contain_initrd() {
	local d=$T/root
	mkdir -p "$d/mk/bin" &&
		cp "$(command -v mkvsock)" "$(command -v mkload)" "$d/mk/bin/" || return
	initrd_with "$d" >"$T/initrd"
	rm -rf "$d"
	INITRD=$T/initrd
}

# --- blue, and the host ------------------------------------------------------

# A line for each round that went well; what did not goes to errors, of pings to ping_errors.  Between two there
# is a pause, for who boots where an emulator shares few CPUs among all
pings() {
	while [ ! -e "$T/quiet" ]; do
		mkwrite "$DBG/blue/ping" "20 1000" 2>>"$T/ping_errors"
		cat "$DBG/blue/ping" >>"$T/pings" 2>>"$T/ping_errors"
		mkwrite "$DBG/blue/bench" "64 200" 2>>"$T/errors"
		usleep 100000
	done
}
streams() {
	while [ ! -e "$T/quiet" ]; do
		if timeout 120 mkvsock both "$1" 1024 262144 8192 >"$T/stream" 2>&1 &&
			timeout 120 mkvsock seq "$1" 1024 16 >"$T/stream" 2>&1; then
			echo whole >>"$T/streams"
		else
			echo "status $?: $(cat "$T/stream")" >>"$T/errors"
		fi
		usleep 100000
	done
}
counting() {
	local n=0
	while [ ! -e "$T/quiet" ]; do
		n=$((n + 1))
		echo $n >>"$T/counts"
		usleep 20000
	done
}

sum() { # KEY FILE
	awk -v k="$1=" '{ for (f = 1; f <= NF; f++) if (index($f, k) == 1)
		n += substr($f, length(k) + 1) } END { print n + 0 }' "$2"
}
lines() { grep -c '' "$1"; }
figure() { key "$2" "$(tr '\n' ' ' <"$DBG/$1/stats")"; } # NAME KEY

# A ping that took longer than the half second it has is late, and its answer a stray
# reply.  Lost is what never comes; one may just be on its way
none_lost() { # NAME FILE
	local tries=0 lost late
	until lost=$(sum lost "$2") && late=$(figure "$1" stray_replies) && [ "$lost" = "$late" ]; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { echo "$lost pings of $1 without an answer, $late late"; return 1; }
		usleep 100000
	done
}
nothing_lost() {
	# three late ones end a round of pings
	not grep -v ETIMEDOUT "$T/ping_errors" && equal errors "$(cat "$T/errors")" "" && none_lost blue "$T/pings"
}

# Each kind of work goes on: more of it is done than there was when this began
goes_on() {
	local f was tries
	for f in pings streams counts; do
		was=$(lines "$T/$f")
		tries=0
		until [ "$(lines "$T/$f")" -ge $((was + 2)) ]; do
			tries=$((tries + 1))
			[ $tries -lt 600 ] || { echo "$f stand still at $was"; return 1; }
			usleep 50000
		done
	done
}

# Nor did anybody stand still while it lasted: the host counts to 50 in a second, and blue
# is pinged 5 times, where nobody else wants a CPU.  What is endless lasts on: there
# goes_on sees it
work_begin() {
	work_ms=$(now_ms) counted=$(lines "$T/counts") pinged=$(lines "$T/pings")
}
work_end() {
	work_ms=$(($(now_ms) - work_ms))
	counted=$(($(lines "$T/counts") - counted)) pinged=$(($(lines "$T/pings") - pinged))
	echo "# $fault_name: in $work_ms ms the host counted to $counted, blue answered $pinged times" >&4
}
went_on() {
	[ "$counted" -ge $((work_ms / 1000)) ] && [ "$pinged" -ge $((work_ms / 4000)) ] && return
	echo "in $work_ms ms the host counted to $counted, blue answered $pinged times"
	return 1
}

others_fine() {
	went_on && equal "state of blue" "$(state blue)" running && equal "reason of blue" "$(reason blue)" "" &&
		equal "boot time of blue" "$(val blue boot_time_us)" "$blue_boot" &&
		equal "starts of blue" "$(figure blue starts)" 1 &&
		goes_on && nothing_lost &&
		equal boot_id "$(cat /proc/sys/kernel/random/boot_id)" "$boot_id" &&
		for c in $host_cpus; do
			cpu_works "$c" || return
		done
}

# --- red ---------------------------------------------------------------------

served() { mkwait -b "$INST/$1/console" "mkvsock: serves 1025" "$BOOT_MS"; }

# The slowest of its boots so far, in us
red_slowest=0
red_up() {
	mk_load red mk.spawn=vsock && mk_start red && served red || return
	[ "$(val red boot_time_us)" -le "$red_slowest" ] || red_slowest=$(val red boot_time_us)
}

# ask WORD: red does it; nobody waits for an answer of who may be dying
ask() {
	timeout 30 mkvsock run "$(val red cid)" 1024 \
		"setsid /mk/spawn.sh $1 >/dev/null 2>&1 </dev/null &" >/dev/null 2>&1
	return 0
}

# The time of day in ms, whatever state it is in
now_ms() {
	mkwait -t red empty,loaded,booting,running,stopping,stopped,crashed 1000 | cut -d' ' -f2
}
# By red's clock, which follows the host's, its kernel said when it began.  Where it
# says nothing, or the log is scribbled over and begins with an earlier start, that was
# after it was asked, or started
began_ms() {
	local at
	at=$(last_start | sed -n -E 's/.*multikernel: inject.* at_ms=([0-9]+)$/\1/p' | tail -n 1)
	[ "${at:-0}" -ge "$asked" ] || at=$asked
	echo "$at"
}
# Within what time it is to be noticed: a panic at once, a hang by what is set.  The rest
# is for an emulator that has few CPUs for all
within_ms() { # REASON
	case $1 in
	hang:*) echo $((2 * $(val red hang_timeout) * 1000 + 15000)) ;;
	"no READY"*) echo $(($(param_get boot_timeout) * 1000 + 15000)) ;;
	*) echo 5000 ;;
	esac
}

# What ended in order has no fault
state_of() { # KIND
	[ "$1" = none ] && echo stopped || echo crashed
}
ended_so() { # KIND REASON
	local got why after limit
	got=$(mkwait -t red stopped,crashed "$BOOT_MS") || return
	work_end
	why=$(reason red)
	after=$((${got#* } - $(began_ms)))
	limit=${within:-$(within_ms "$why")}
	echo "# $fault_name: noticed after $after ms of $limit, ${got% *}: $why" >&4
	equal state "${got% *}" "$(state_of "$1")" && matches reason "$why" "$2" || return
	[ $after -le "$limit" ] || { echo "noticed after $after ms, wanted $limit at most"; return 1; }
}

# What is kept of it: from the line that the host writes before each start
last_start() {
	val red console | awk '/^---- start [0-9]+ of red ----$/ { n = 0 }
		{ line[++n] = $0 } END { for (i = 1; i <= n; i++) print line[i] }'
}
# Of who never said a word that line is all
MARK_ONLY=mark
only_mark() {
	equal "kept log" "$(cat "$T/last")" "---- start $(figure red starts) of red ----"
}
# ... and the record of the fault, where there was one, and its memory as a core file
evidence() { # KIND REGEX
	local cpu
	last_start >"$T/last"
	if [ "$2" = $MARK_ONLY ]; then
		only_mark || return
	else
		has "$T/last" "$2" || return
	fi
	matches "kind of the fault" "$(val red fault/kind)" "^($1)\$" || return
	# A hang of one CPU: the reason names it, too
	cpu=$(reason red | sed -n 's/^hang: CPU \([0-9]*\) .*/\1/p')
	[ -z "$cpu" ] || equal "CPU of the fault" "$(val red fault/cpu)" "$cpu" || return
	[ "$(state red)" = running ] || mkcore "$INST/red/vmcore"
}

again() {
	red_up && mkwrite "$DBG/red/ping" 20 && none_lost red "$DBG/red/ping"
}

# broke KIND REASON COMMAND...: red ends like that
broke() {
	local kind=$1 reason=$2
	shift 2
	asked=$(now_ms)
	work_begin
	"$@" && ended_so "$kind" "$reason"
}

afterwards() { # NAME KIND CONSOLE
	check "$1: the console has it, and the record its kind" evidence "$2" "$3"
	check "$1: host and blue lost nothing" others_fine
	check "$1: red starts again" again
}

# fault NAME KIND REASON CONSOLE WORD [MS]: red runs, is asked for WORD, and breaks down,
# which is noticed within MS, with that in fault/kind; in the end it runs again
fault() {
	fault_name=$1 within=$6
	check "$1: $(state_of "$2"), and the reason" broke "$2" "$3" ask "$5"
	afterwards "$1" "$2" "$4"
	within=
}

# boot_fault NAME KIND REASON CONSOLE SECONDS: the same, in a boot that has
# multikernel.inject=NAME and may last so long
boot_fault() {
	fault_name=$1
	# A panic: from its start on
	case $3 in
	^panic*) within=$((red_slowest / 1000 + 5000)) ;;
	esac
	mk_kill red >/dev/null 2>&1
	mk_load red "multikernel.inject=$1"
	param_set boot_timeout "$5"
	check "$1: $(state_of "$2"), and the reason" broke "$2" "$3" control red start
	cat "$T/boot_timeout" >$PARAM/boot_timeout
	afterwards "$1" "$2" "$4"
	within=
}

# does CONSOLE WORD: red says that it does it
does() {
	work_begin
	ask "$2" && mkwait -b "$INST/red/console" "$1" "$BOOT_MS" || return
	work_end
}
runs_on() {
	does "$@" && equal state "$(state red)" running && equal reason "$(reason red)" ""
}

# harmless NAME CONSOLE WORD: red does it, says so, and runs on, and so does everybody
harmless() {
	fault_name=$1
	check "$1: red runs on" runs_on "$2" "$3"
	check "$1: host and blue lost nothing" others_fine
}

# endless NAME CONSOLE WORD [TEST]: red goes on with it until it is killed
endless() {
	fault_name=$1
	check "$1: red does it" does "$2" "$3"
	[ -z "$4" ] || check "$1: $4" "$4"
	check "$1: host and blue lost nothing" others_fine
	check "$1: it can be killed" killed
	check "$1: red starts again" again
}
killed() { mk_kill red && ended red stopped '^killed$'; }

# --- begin and end -----------------------------------------------------------

contain_begin() {
	exec 4>&1
	need $DBG "debugfs of multikernel"
	need /sys/kernel/debug/multikernel_vsock CONFIG_MULTIKERNEL_VSOCKETS
	boot_id=$(cat /proc/sys/kernel/random/boot_id)
	: >"$T/errors"
	: >"$T/ping_errors"
	: >"$T/oopsed.red"
	panic_begin
	check "blue runs and has work" eval 'contain_initrd &&
		mk_create name=blue cpus=3 memory=128M split_core=1 &&
		mk_load blue mk.spawn=vsock && mk_start blue && served blue'
	blue_boot=$(val blue boot_time_us)
	mk_create name=red cpus="$1" memory=128M split_core=1
	check "red runs" again
	host_cpus=$(for c in "$CPUS"/cpu[0-9]*; do
		[ "$(cat "$c/online" 2>/dev/null || echo 1)" != 1 ] || echo "${c##*cpu}"
	done)
	mkvsock run "$(val red cid)" 1024 "test -e $DBG/inject" ||
		skip_rest "$INJECT_CONFIG in the spawn's kernel"
	pings &
	counting &
	streams "$(val blue cid)" &
}

contain_end() {
	: >"$T/quiet"
	wait
	echo "# blue: $(sum count "$T/pings") pings, $(sum lost "$T/pings") late," \
		"$(lines "$T/streams") streams; the host counted to $(tail -n 1 "$T/counts")"
	[ "$(state red)" != running ] || mk_kill red
	panic_end red
	check "blue lost nothing to the end" nothing_lost
	check "stop and destroy both" eval 'mk_stop blue && mk_destroy blue && mk_destroy red'
}
