#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a spawn of the tests and the demo does once its init runs. Its kernel command
# line says it: mk.spawn=WORD[,WORD...], done in that order. All it says goes to its
# kernel log, and so to the console that the host keeps: lines "spawn: ...".
#	view		who it is, its CPUs, memory, kernel, clock
#	report		view, and: timers and idle of each CPU, resources, interrupts
#	watch		every half second its counts of NMIs and spurious interrupts
#	count		a line every 50 ms, numbered
#	pulse		every half second: age of the host's heartbeat, and the clock
#	latesync	5 s after the host's clock went ahead, the clock may follow
#	unplug		its CPU 1 hears the host for some beats, then goes offline
#	replug		its CPU 1 goes offline for 10 s, comes back, and again for a moment
#	idle		what the link to the host costs while nothing is said
#	flood		more log than the host keeps, lines numbered
#	getty		a shell on /dev/hvc0, again and again
#	unheard		writes 1 MiB to /dev/hvc0, for nobody if nobody listens
#	nostop		from now on the ordinary poweroff does nothing
#	vsock		serves at vsock ports 1024 and 1025, see mkvsock.c
#	poweroff, halt, reboot		the ordinary commands
#	panic		a panic, at once
#	panic:N		the same up to start N of the instance
#	freeze:N	all CPUs loop with interrupts off, up to start N
#	oops		a write to address 0 in the kernel
#	lie:NAME...	mkliar NAME..., where the initramfs has it
#	vlie:NAME...	mkvliar NAME..., the same; its kernel must not have vsock
#	bench:SIZE:COUNT	so many messages to the host
#	roam:COUNT	pings the host, while the CPU that hears its doorbell changes
#	busy		messages of 64 KiB to the host, meanwhile the next word
#	floodhost	messages to the host without an end, 64 bytes each
#	spin		a CPU that does nothing else
#	sample		loads the sample module and asks the host
#	resample	loads and unloads it, 8 times, and leaves it loaded
#	guard:HOST:NEIGHBOUR:DEVICE:HOSTAPIC:OTHERAPIC:LOW	tries to reach these addresses
#			and local APICs, where the initramfs has mkguard
#	hang		all CPUs loop with interrupts off
#	inject:WORD[:N]...	the kernel's own faults, see kernel/multikernel/inject.c
#	survive		an Oops that is no panic
#	forkbomb	processes without an end
#	deadinit	its init ends
#	hotplug:COUNT	its CPU 1 goes offline and comes back
#	plug:0|1	its CPU 1 goes offline, or comes
#	kexec		tries to load a kernel in each of the ways that there are
#	hang:CPU	one does
#	softhang:CPU	one takes interrupts, and schedules nothing
# Given as arguments, words are done at once: mkvsock's server runs them so.
SELF=/sys/kernel/multikernel/self

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
	say "firmware $(echo $(ls /sys/firmware)) end"
	lines interrupts /proc/interrupts
	say "report end"
}

HOST=/sys/kernel/debug/multikernel/host

bench() {
	if echo "$1 $2" >$HOST/bench; then
		say "bench $1 $2: $(cat $HOST/bench)"
	else
		say "bench $1 $2: failed"
	fi
}

roam() {
	rm -f /tmp/roamed /tmp/pings
	while [ ! -e /tmp/roamed ]; do
		echo "100 1000" >$HOST/ping
		cat $HOST/ping >>/tmp/pings
	done &
	n=0
	while [ $n -lt "$1" ]; do
		n=$((n + 1))
		echo $((n % $(cpus | wc -l))) >$SELF/doorbell_cpu || say "roam: refused"
		usleep 20000
	done
	touch /tmp/roamed
	wait $!
	say "roam end moves=$n" \
		"$(awk '{ split($1, c, "="); split($2, l, "="); pings += c[2]; lost += l[2] }
			END { print "pings=" pings, "lost=" lost }' /tmp/pings)" \
		"late=$(sed -n 's/^stray_replies=//p' $HOST/stats)"
}

floodhost() {
	say "floodhost now"
	while :; do
		echo 64 100000 >/sys/kernel/debug/multikernel/host/bench
	done
}

spin() {
	say "spin now"
	while :; do :; done
}

SAMPLE=/sys/module/mk_sample/parameters

# Whoever waits for us has a time limit of his own
sample_heard() {
	until grep -q hello $SAMPLE/heard; do
		usleep 50000
	done
}

sample() {
	insmod /mk/modules/mk_sample.ko || return
	sample_heard
	say "sample heard $(cat $SAMPLE/heard)"
	echo 3 4 >$SAMPLE/ask
	say "sample answer $(cat $SAMPLE/ask)"
}

resample() {
	n=0
	while [ $n -lt 8 ]; do
		n=$((n + 1))
		rmmod mk_sample
		insmod /mk/modules/mk_sample.ko
		sample_heard
		echo $n 100 >$SAMPLE/ask
		say "resample $n answer $(cat $SAMPLE/ask)"
	done
	say "resample end"
}

# nmis [ROW]
nmis() {
	awk -v row="${1:-NMI}:" '$1 == row { for (f = 2; $f ~ /^[0-9]+$/; f++) n += $f }
		END { print n + 0 }' /proc/interrupts
}

watch() {
	n=0
	while :; do
		n=$((n + 1))
		say "watch $n nmi=$(nmis) spurious=$(nmis SPU) bells=$(nmis MKD) end"
		usleep 500000
	done
}

count() {
	n=0
	while :; do
		n=$((n + 1))
		say "count $n"
		usleep 50000
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

beats() { sed -n 's/^beats=//p' $HOST/stats; }

unplug() {
	echo 1 >$SELF/doorbell_cpu
	# The next one may still be on the CPU of before; those after it are not
	until=$(($(beats) + 3))
	tries=600
	while [ "$(beats)" -lt $until ]; do
		tries=$((tries - 1))
		if [ $tries = 0 ]; then
			say "unplug: no beats"
			return
		fi
		usleep 100000
	done
	echo 0 >/sys/devices/system/cpu/cpu1/online
	say "unplug doorbell_cpu=$(cat $SELF/doorbell_cpu)" \
		"online=$(cat /sys/devices/system/cpu/online) end"
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

try() {
	echo "$*" >/sys/kernel/debug/multikernel/try
	cat /sys/kernel/debug/multikernel/try
}

guard() {
	window=$(sed -n 's/^address=//p' $HOST/window)
	own=$(awk '$1 == "apicid" { print $3; exit }' /proc/cpuinfo)
	say "guard mem-host $(mkguard mem "$1")"
	say "guard map-host $(mkguard map "$1")"
	say "guard map-neighbour $(mkguard map "$2")"
	say "guard map-device $(mkguard map "$3")"
	say "guard map-low $(mkguard map "$6")"
	say "guard map-window $(mkguard map "$window")"
	say "guard port $(mkguard port)"
	say "guard portw $(mkguard portw)"
	say "guard iopl $(mkguard iopl)"
	say "guard ioperm $(mkguard ioperm)"
	# TSC, APIC base, TSC_ADJUST, ICR of the x2APIC
	# shellcheck disable=SC2046 # words
	say "guard msr" $(for r in 0x10 0x1b 0x3b 0x830; do mkguard msr $r; done)
	say "guard ioremap $(try ioremap "$3" 4096) $(try ioremap "$1" 4096) $(try ioremap "$2" 4096)"
	say "guard ioremap-window $(try ioremap "$window" 4096)"
	say "guard ipi-host $(try ipi "$4" 0xff) $(try nmi "$4") $(try init "$4")"
	say "guard ipi-other $(try ipi "$5" 0xff) $(try nmi "$5") $(try init "$5")"
	say "guard ipi-all $(try shorthand all) $(try shorthand others) $(try nmi 0xff)"
	say "guard ipi-kinds $(try lowest "$4" 0xff) $(try logical 0xff 0xff)" \
		"$(try sipi "$4" 8) $(try sipi "$5" 8)"
	say "guard ipi-self $(try ipi "$own" 0xf5)"
	# shellcheck disable=SC2046 # words
	say "guard counters" $(cat /sys/kernel/debug/multikernel/denied)
	say "guard end"
}

INJECT=/sys/kernel/debug/multikernel/inject

inject() {
	what=$(echo "$1" | tr : ' ')
	if why=$( (echo "$what" >$INJECT) 2>&1); then
		say "inject $what end"
	else
		say "inject $what failed: $why"
	fi
}

survive() {
	echo 0 >/proc/sys/kernel/panic_on_oops
	inject oops
	echo 1 >/proc/sys/kernel/panic_on_oops
	say "survive end"
}

bomb() {
	while :; do
		bomb &
	done
}

# A shell that the OOM killer leaves alone, and that needs no process to count them.  Once a
# second: with little memory that killer's reports are soon all that the console still has
count_processes() {
	said=0
	echo -1000 >/proc/self/oom_score_adj
	while read -r _ _ _ n _ </proc/loadavg && read -r now _ </proc/uptime; do
		if [ "${n#*/}" -gt 150 ] && [ "${now%.*}" -gt "$said" ]; then
			said=${now%.*}
			say "forkbomb has ${n#*/} processes"
		fi
	done
}

# Busybox's init becomes what inittab calls "restart"
deadinit() {
	say "deadinit now"
	echo "::restart:/bin/false" >>/etc/inittab
	kill -HUP 1
	kill -QUIT 1
}

# How often it was really away
hotplug() {
	n=0 away=0
	say "hotplug now"
	while [ $n -lt "$1" ]; do
		n=$((n + 1))
		for on in 0 1; do
			echo $on >/sys/devices/system/cpu/cpu1/online ||
				say "hotplug: $on refused"
			[ "$(cat /sys/devices/system/cpu/online)" != 0 ] || away=$((away + 1))
		done
	done
	say "hotplug end moves=$n away=$away online=$(cat /sys/devices/system/cpu/online)"
}

# An ordinary image, a crash image, an image for an instance; any file is as good.  Then
# the first two by kexec_load(2)
kexec_all() {
	for flags in 0 4 6 0x10014; do
		say "kexec flags=$flags $(mkload -f $flags /bin/busybox 2>&1)"
	done
	for flags in 0 1; do
		say "kexec kexec_load flags=$flags $(mkload -k -f $flags /bin/busybox 2>&1)"
	done
	say "kexec end loaded=$(cat /sys/kernel/kexec_loaded)" \
		"crash=$(cat /sys/kernel/kexec_crash_loaded)"
}

# hang WORD: one of the kernel's own faults
hang() {
	if [ ! -e $INJECT ]; then
		say "hang: no fault injection"
		return
	fi
	say "hang now"
	inject "$1"
}

plug() { echo "$1" >/sys/devices/system/cpu/cpu1/online; }

# plug_says 0|1: and what came of it
plug_says() {
	if why=$( (plug "$1") 2>&1); then
		why="went well"
	fi
	say "plug $1 ${why##*: }, online=$(cat /sys/devices/system/cpu/online) end"
}

replug() {
	plug 0
	say "replug away online=$(cat /sys/devices/system/cpu/online) end"
	sleep 10	# for this long it is away
	plug 1
	plug 0
	plug 1
	say "replug online=$(cat /sys/devices/system/cpu/online) end"
}

# Starts of the instance so far, this one included
starts() { dmesg | sed -n 's/.*this is instance .*, start \([0-9]*\)$/\1/p'; }

# By init: what is started in the background from here ignores ^C
by_init() {
	echo "::respawn:$*" >>/etc/inittab
	kill -HUP 1
}

unheard() {
	head -c 1048576 /dev/zero >/dev/hvc0 && say "unheard end"
}

PATH=/mk/bin:$PATH

run() {
	case $1 in
	view) view ;;
	report) report ;;
	watch) watch & ;;
	count) count & ;;
	pulse) pulse & ;;
	latesync) latesync & ;;
	unplug) unplug ;;
	replug) replug ;;
	idle) idle ;;
	flood) flood ;;
	getty) by_init /sbin/getty -n -l /bin/sh 0 hvc0 linux ;;
	unheard) unheard ;;
	nostop)
		echo /bin/true >/proc/sys/kernel/poweroff_cmd
		say "nostop done"
		;;
	vsock) mkvsock server 1024 >/dev/kmsg 2>&1 & ;;
	poweroff | halt | reboot) $1 ;;
	panic) echo c >/proc/sysrq-trigger ;;
	guard:*)
		# shellcheck disable=SC2046 # words
		guard $(echo "${1#guard:}" | tr : ' ')
		;;
	panic:*) [ "$(starts)" -gt "${1#panic:}" ] || run panic ;;
	freeze:*) [ "$(starts)" -gt "${1#freeze:}" ] || run hang ;;
	oops) inject oops ;;
	survive) survive ;;
	hang) hang lockup ;;
	inject:*) inject "${1#inject:}" ;;
	forkbomb)
		say "forkbomb now"
		count_processes &
		bomb
		;;
	deadinit) deadinit ;;
	plug:*) plug_says "${1#plug:}" ;;
	hotplug:*) hotplug "${1#hotplug:}" ;;
	kexec) kexec_all ;;
	hang:*) hang "lockup:${1#hang:}" ;;
	softhang:*) hang "softlockup:${1#softhang:}" ;;
	bench:*)
		what=${1#bench:}
		bench "${what%%:*}" "${what##*:}"
		;;
	roam:*) roam "${1#roam:}" ;;
	lie:*) /mk/mkliar "${1#lie:}" ;;
	vlie:*) /mk/mkvliar "${1#vlie:}" ;;
	busy) bench 65536 1000000 & ;;
	floodhost) floodhost ;;
	spin) spin ;;
	sample) sample ;;
	resample) resample ;;
	*) say "unknown word '$1'" ;;
	esac
}

if [ $# -gt 0 ]; then
	for what; do
		run "$what"
	done
	exit 0
fi
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
