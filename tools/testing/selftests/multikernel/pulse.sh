#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us
# Each kernel knows that the other one is alive; the spawn's clock stays with the host's.
. "$(dirname "$0")/lib.sh"
plan 32

YOUNG_MS=2500	# once a second, and what an emulated machine under load adds
FOLLOW_MS=15000
SLEW_MS=90000	# 16 ms at 0.5 ms a second, as often again, and what a machine under load adds

now_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
age() { val web heartbeat_age_ms; }

# within MS COMMAND...: it is true in the end; what it said last is the diagnosis
within() {
	local end=$(($(now_ms) + $1))
	shift
	while ! "$@" >"$T/within" 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || { cat "$T/within"; return 1; }
		usleep 100000
	done
}

# beating COUNT: so many times a new beat makes the age smaller; it is never old meanwhile
beating() {
	local left=$1 last=0 max=0 a end=$(($(now_ms) + $1 * 10000))
	while [ "$left" -gt 0 ]; do
		a=$(age)
		between age "$a" 0 "$YOUNG_MS" || return
		[ "$a" -ge "$last" ] || left=$((left - 1))
		last=$a
		[ "$a" -le "$max" ] || max=$a
		[ "$(now_ms)" -lt $end ] || { echo "no beat, age $a"; return 1; }
		usleep 20000
	done
	echo "# host: $1 beats, the age was $max ms at most" >&4
}
exec 4>&1

# The last line of the spawn's word "pulse"
pulse() { told web "pulse "; }
offset_ms() { echo $(($(key offset "$(pulse)") / 1000000)); }

# ages_young: in all its lines of this boot
ages_young() {
	val web console | awk -v max="$YOUNG_MS" '
	/Linux version/ { n = 0; old = "" }
	match($0, /spawn: pulse [0-9]+ age=[0-9]+/) {
		age = substr($0, RSTART, RLENGTH)
		sub(/.*=/, "", age)
		n++
		if (age + 0 > top + 0)
			top = age
	}
	END {
		print "# spawn: " n " looks, the host was heard " top " ms ago at most"
		exit !(n >= 5 && top + 0 <= max)
	}' >&4
}

set_clock() { date -s "@$(($(date +%s) + $1))" >/dev/null; }

# What date says in both, and what the spawn knows of the difference
same_clock() {
	local line diff
	line=$(pulse)
	diff=$(($(date +%s) - $(key clock "$line")))
	echo "host is ahead by $diff s; $line"
	[ $diff -ge -2 ] && [ $diff -le 2 ] && [ "$(offset_ms)" -gt -30 ] && [ "$(offset_ms)" -lt 30 ]
}
followed() { # SECONDS
	local from
	from=$(now_ms)
	set_clock "$1"
	within "$FOLLOW_MS" same_clock && echo "# a step of about $1 s: seen $(($(now_ms) - from)) ms later" >&4
}
behind() {
	local line
	line=$(pulse)
	echo "$line"
	[ "$(offset_ms)" -ge -6100 ] && [ "$(offset_ms)" -le -3900 ]
}

mk_create name=web cpus=2-3 memory=192M
mk_load web mk.spawn=pulse
check "an instance that never ran has no age" equal age "$(age)" -
check "it cannot be written" not mkwrite "$INST/web/heartbeat_age_ms" 1
check "it boots" mk_start web
check "the host hears it beat" beating 5
check "the spawn looks at its host" said web "pulse 6 "
check "the spawn hears the host beat" ages_young

# --- the clock ---

# What comes of the correction before init shows at the next look, a second later
clock_right() {
	local n offset
	for n in 4 5 6; do
		offset=$(key offset "$(val web console | grep "spawn: pulse $n ")")
		echo "look $n: offset $offset ns"
		[ "$offset" -gt -5000000 ] && [ "$offset" -lt 5000000 ] || return
	done
	echo "# spawn: its clock was ahead by $offset ns" >&4
}
check "from the boot on its clock is the host's, to 5 ms" clock_right
check "the clock follows by default" equal sync "$(key sync "$(pulse)")" 1
check "the host's clock goes 5 s ahead: the spawn's follows" followed 5
check "the host's clock goes 5 s back: the spawn's follows" followed -5
check "the spawn says that its clock was set" has "$INST/web/console" \
	"multikernel: clock set by -?[0-9]+ ms"
check "neither of that is a pause of the heart" beating 2

# For less than 30 ms the clock is not set, but goes slower or faster, by 0.5 ms a second
times_set() { val web console | grep -c "multikernel: clock set by"; }
offset_within() { # MIN MAX, ms
	local line
	line=$(pulse)
	echo "$line"
	[ "$(offset_ms)" -ge "$1" ] && [ "$(offset_ms)" -le "$2" ]
}
slewed() {
	local from
	from=$(now_ms)
	within "$SLEW_MS" offset_within -4 4 &&
		echo "# 20 ms were made up for in $(($(now_ms) - from)) ms" >&4
}
check "the host's clock goes 20 ms ahead: the spawn sees it" eval '
	within "$FOLLOW_MS" offset_within -4 4 && set_before=$(times_set) && mkclock 20 &&
	within "$FOLLOW_MS" offset_within -25 -10'
check "... and makes up for it" slewed
check "... without being set" equal "how often its clock was set" "$(times_set)" "$set_before"

check "stop" mk_stop web
check "one that was stopped has no age" equal age "$(age)" -

mk_load web "multikernel.clock_sync=0 mk.spawn=pulse,latesync"
check "start it again, its clock on its own" mk_start web
check "it beats again" beating 2
said web "pulse 1 "
check "clock_sync is off" equal sync "$(key sync "$(pulse)")" 0
set_clock 5
check "the host's clock goes ahead: the spawn sees it" within $FOLLOW_MS behind
# latesync: 5 s later it lets the clock follow, and not before
stayed_behind() {
	said web "latesync now" && val web console | awk '
	/Linux version/ { n = 0 }
	/spawn: pulse 1 / { set = 0 }	# before init it begins with the right time
	/multikernel: clock set by/ { set++ }
	/spawn: pulse .* offset=-[3-6][0-9]+ sync=0/ { n += match($0, /offset=-[0-9]* /) && RLENGTH == 19 }
	/spawn: latesync now/ { exit }
	END {
		print n " looks showed the offset; the clock was set " set " times"
		exit !(n >= 6 && !set)
	}'
}
check "... and stays behind" stayed_behind
check "once it may, it follows" within $FOLLOW_MS same_clock
set_clock -5
check "kill" mk_kill web
check "one that was killed has no age" equal age "$(age)" -

# --- the CPU of its heart goes away ---

mk_load web mk.spawn=unplug
check "start it again" mk_start web
check "the CPU that beats goes offline" \
	eval 'said web "unplug doorbell_cpu=" && has "$INST/web/console" "unplug doorbell_cpu=0 online=0 "'
check "it beats on" beating 3
mk_kill web

# --- all its CPUs loop with interrupts off ---

mk_set web hang_timeout 0
mk_load web mk.spawn=hang
mk_start web
if ! mkwait -b "$INST/web/console" "spawn: hang" "$BOOT_MS" || val web console | grep -q 'hang: no fault injection'; then
	skip_rest "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
fi
old() { between age "$(age)" 5000 1000000; }
check "it hangs: the age grows" within 60000 old
check "... and the state is as it was" equal state "$(state web)" running
mk_kill web
mk_load web
check "start it once more" mk_start web
check "it beats again, as if nothing had been" beating 2
