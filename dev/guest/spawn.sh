#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a spawn of the tests and the demo does once its init runs. Its kernel command
# line says it: mk.spawn=WORD[,WORD...], done in that order. All it says goes to its
# kernel log, and so to the console that the host keeps: lines "spawn: ...".
#	view		who it is, its CPUs, memory, kernel, clock
#	report		view, and: timers and idle of each CPU, resources, interrupts
#	watch		every half second its NMI counts
#	pulse		every half second: age of the host's heartbeat, and the clock
#	latesync	5 s after the host's clock went ahead, the clock may follow
#	idle		what the link to the host costs while nothing is said
#	flood		more log than the host keeps, lines numbered
#	nostop		from now on the ordinary poweroff does nothing
#	poweroff, halt, reboot		the ordinary commands
#	panic		a panic, at once
#	oops		a write to address 0 in the kernel
#	hang		all CPUs loop with interrupts off
SELF=/sys/kernel/multikernel/self
CRASH=/sys/kernel/debug/provoke-crash/DIRECT

# Each line opens the log anew: its rate limit counts for one open file
say() { echo "spawn: $*" >/dev/kmsg; }

lines() {
	while read -r line; do
		say "$1| $line"
	done <"$2"
}

cpus() {
	for c in /sys/devices/system/cpu/cpu[0-9]*; do
		echo "${c##*cpu}"
	done
}

mask() { printf '%x' $((1 << $1)); }

# timer_irqs CPU: local timer interrupts so far
timer_irqs() { awk -v f=$(($1 + 2)) '$1 == "LOC:" { print $f }' /proc/interrupts; }

# idle_ticks CPU
idle_ticks() { awk -v c="cpu$1" '$1 == c { print $5 }' /proc/stat; }

uptime_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }

# The TSC takes over from its early self within a second or two of the boot
settled_clocksource() {
	tries=50
	while [ $tries -gt 0 ]; do
		name=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)
		[ "$name" = tsc ] && break
		tries=$((tries - 1))
		usleep 100000
	done
	echo "$name"
}

view() {
	say "self id=$(cat $SELF/id) name=$(cat $SELF/name) cpus=$(cat $SELF/cpus)"
	say "view online=$(cat /sys/devices/system/cpu/online)" \
		"memory_kb=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)" \
		"kernel=$(uname -r) uptime_ms=$(uptime_ms)" \
		"text=$(grep -m 1 ' _text$' /proc/kallsyms | cut -d' ' -f1)"
	say "clock $(date +%s)"
}

report() {
	view
	say "clocksource $(settled_clocksource)"

	for c in $(cpus); do
		eval "idle$c=$(idle_ticks "$c")"
	done
	from=$(uptime_ms)
	sleep 1
	say "sleep asked_ms=1000 took_ms=$(($(uptime_ms) - from))"
	for c in $(cpus); do
		eval "was=\$idle$c"
		idle=$(($(idle_ticks "$c") - was))
		was=$(timer_irqs "$c")
		taskset "$(mask "$c")" usleep 200000
		on=$(taskset "$(mask "$c")" cat /proc/self/stat | cut -d' ' -f39)
		say "cpu $c ran_on=$on idle=$idle timer=$(($(timer_irqs "$c") - was))"
	done

	lines cmdline /proc/cmdline
	lines iomem /proc/iomem
	lines ioports /proc/ioports
	lines interrupts /proc/interrupts
	say "report end"
}

nmis() {
	awk '$1 == "NMI:" { for (f = 2; $f ~ /^[0-9]+$/; f++) n += $f }
		END { print n + 0 }' /proc/interrupts
}

watch() {
	n=0
	while :; do
		n=$((n + 1))
		say "watch $n nmi=$(nmis) end"
		usleep 500000
	done
}

pulse() {
	n=0
	while :; do
		n=$((n + 1))
		say "pulse $n age=$(cat $SELF/heartbeat_age_ms)" \
			"offset=$(cat $SELF/clock_offset_ns) sync=$(cat $SELF/clock_sync)" \
			"clock=$(date +%s) end"
		usleep 500000
	done
}

latesync() {
	n=0
	while [ $n -lt 10 ]; do
		[ "$(cat $SELF/clock_offset_ns)" -gt -1000000000 ] || n=$((n + 1))
		usleep 500000
	done
	say "latesync now"
	echo 1 >$SELF/clock_sync
}

# Doorbells heard, doorbells rung, how often the reader was woken, beats, timer interrupts
link_counters() {
	awk '$1 == "MKD:" || $1 == "LOC:" {
			for (f = 2; $f ~ /^[0-9]+$/; f++)
				n[$1] += $f
		}
		/ctxt_switches/ { woken += $2 }
		split($0, s, "=") == 2 { v[s[1]] = s[2] }
		END { print n["MKD:"] + 0, v["doorbells_tx"], woken, v["beats"], n["LOC:"] }' \
		/proc/interrupts "$1/status" /sys/kernel/debug/multikernel/host/stats
}

idle() {
	for reader in /proc/[0-9]*; do
		[ "$(cat "$reader/comm")" != mk/host ] || break
	done
	say "idle begin"
	sleep 1
	before=$(link_counters "$reader")
	from=$(uptime_ms)
	sleep 14
	took=$(($(uptime_ms) - from))
	# shellcheck disable=SC2046,SC2086 # words
	set -- $before $(link_counters "$reader")
	say "idle took_ms=$took heard=$(($6 - $1)) rung=$(($7 - $2)) woken=$(($8 - $3))" \
		"beats=$(($9 - $4)) timer=$((${10} - $5)) heard_ever=$6 end"
}

flood() {
	n=0
	while [ $n -lt 1500 ]; do
		n=$((n + 1))
		say "flood $n of 1500, and some text so that the lines fill the kept log soon"
	done
	say "flood end"
}

hang() {
	if [ ! -e $CRASH ]; then
		say "hang: no LKDTM"
		return
	fi
	say "hang now"
	for c in $(cpus); do
		[ "$c" = 0 ] || taskset "$(mask "$c")" sh -c "echo HARDLOCKUP >$CRASH" &
	done
	taskset 1 sh -c "echo HARDLOCKUP >$CRASH" &
}

run() {
	case $1 in
	view) view ;;
	report) report ;;
	watch) watch & ;;
	pulse) pulse & ;;
	latesync) latesync & ;;
	idle) idle ;;
	flood) flood ;;
	nostop)
		echo /bin/true >/proc/sys/kernel/poweroff_cmd
		say "nostop done"
		;;
	poweroff | halt | reboot) $1 ;;
	panic) echo c >/proc/sysrq-trigger ;;
	oops) echo EXCEPTION >$CRASH ;;
	hang) hang ;;
	*) say "unknown word '$1'" ;;
	esac
}

# shellcheck disable=SC2013 # words, not lines
for word in $(cat /proc/cmdline); do
	case $word in
	mk.spawn=*)
		for what in $(echo "${word#mk.spawn=}" | tr , ' '); do
			run "$what"
		done
		;;
	esac
done
exit 0
