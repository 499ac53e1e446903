#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC3043,SC2154 # busybox ash; lib.sh has set it, or eval
# mk.n=N lives of several instances at once, a random mix; mk.seed=SEED gives the same
# again. Each life: perhaps an instance made anew in another shape, a kernel loaded with
# the next of the faults below, which come in rounds, shuffled anew, started, then killed
# at a random moment, or left alone until its turn comes again: then it has ended by its
# fault, or says that it had it, and is stopped or killed. Meanwhile the others run, and
# one, "steady", which has no fault, exchanges messages with the host.
# Last line: "soak: PASS n=... seed=...".
N=${MK_N:-1000}
SEED=${MK_SEED:-$(($(date +%s) % 100000))}

if [ -z "${SOAK_INNER:-}" ]; then
	export SOAK_INNER=1 MK_N="$N" MK_SEED="$SEED"
	if sh "$0"; then
		echo "soak: PASS n=$N seed=$SEED"
		exit 0
	fi
	echo "soak: FAIL n=$N seed=$SEED"
	exit 1
fi

# What goes wrong, one a line:
#	WORD	what dev/guest/spawn.sh does; commas may join several.  boot:POINT is
#		multikernel.inject=POINT instead, image:KIND an image of badimage
#	STATE	how it ends by itself; - if it does not: then it is killed or stopped;
#		deaf if a stop ends by its time-out; any if it may end or not; hung if
#		only a kill ends it
#	REASON	with this reason; . for a blank
#	NEEDS	only where the kernel has this option; - for everywhere
#	SAID	what does not end by itself: its console says this, . for a blank, if what it
#		does leaves the console as it is
faults='view - - - spawn:.view.online=
flood - - - spawn:.flood.end
count - - - spawn:.count.
vsock - - - mkvsock:.serves.1025
spin - - - spawn:.spin.now
floodhost - - - spawn:.floodhost.now
roam:40 - - - spawn:.roam.end.moves=40
bench:4096:200 - - - spawn:.bench.4096.200:.msgs=200
nostop deaf - - spawn:.nostop.done
unheard - - - spawn:.unheard.end
poweroff stopped ^poweroff$ -
halt stopped ^halt$ -
reboot stopped ^reboot$ -
panic crashed ^panic: -
lie:head-far crashed ^fault:.impossible.head -
lie:len-huge crashed ^fault:.impossible.record -
lie:phase-back crashed ^fault:.impossible.phase -
lie:doorbell-vector any . -
lie:exit-kind crashed ^ended.without.saying.how$ -
lie:header,lie:console,lie:pulse any . -
lie:random:7:2000 any . -
vlie:src-other crashed ^fault:.message.against -
vlie:random:7:2000 any . -
image:payload crashed ^no.READY -
image:hang crashed ^no.READY -
lie:records:11:2000 any . -
oops crashed ^panic: MULTIKERNEL_FAULT_INJECTION
inject:panic crashed ^panic:.injected MULTIKERNEL_FAULT_INJECTION
inject:null-irq crashed ^panic: MULTIKERNEL_FAULT_INJECTION
inject:stack crashed ^panic: MULTIKERNEL_FAULT_INJECTION
inject:double-fault crashed ^panic: MULTIKERNEL_FAULT_INJECTION
inject:oom crashed ^panic: MULTIKERNEL_FAULT_INJECTION
busy,inject:panic crashed ^panic:.injected MULTIKERNEL_FAULT_INJECTION
boot:early-panic crashed ^panic:.injected MULTIKERNEL_FAULT_INJECTION
boot:initcall-panic crashed ^panic:.injected MULTIKERNEL_FAULT_INJECTION
boot:early-oops crashed ^panic:.early.exception MULTIKERNEL_FAULT_INJECTION
boot:early-hang crashed ^no.READY MULTIKERNEL_FAULT_INJECTION
boot:console-hang crashed ^no.READY MULTIKERNEL_FAULT_INJECTION
boot:initcall-hang crashed ^(no.READY|hang:) MULTIKERNEL_FAULT_INJECTION
boot:noready crashed ^no.READY MULTIKERNEL_FAULT_INJECTION
inject:stray crashed ^panic: MULTIKERNEL_FAULT_INJECTION
deadinit crashed ^panic: MULTIKERNEL_FAULT_INJECTION
hang crashed ^hang: MULTIKERNEL_FAULT_INJECTION
inject:lockup crashed ^hang: MULTIKERNEL_FAULT_INJECTION
inject:lockup:1 crashed ^hang: MULTIKERNEL_FAULT_INJECTION
inject:softlockup crashed ^hang: MULTIKERNEL_FAULT_INJECTION
inject:scribble:3:2000 any . MULTIKERNEL_FAULT_INJECTION
inject:map - - MULTIKERNEL_FAULT_INJECTION memremap.was.refused
inject:foreign - - MULTIKERNEL_FAULT_INJECTION inject:.wrote
inject:nmi-storm:2000 - - MULTIKERNEL_FAULT_INJECTION NMIs.sent
inject:bells:2000 - - MULTIKERNEL_FAULT_INJECTION inject:.rang
inject:deaf hung - MULTIKERNEL_FAULT_INJECTION inject:.deaf
forkbomb hung - MULTIKERNEL_FAULT_INJECTION spawn:.forkbomb.has
hotplug:4 - - MULTIKERNEL_FAULT_INJECTION spawn:.hotplug.end.moves=4
kexec - - MULTIKERNEL_FAULT_INJECTION spawn:.kexec.kexec_load.flags=1.mkload:.EPERM'

# shellcheck disable=SC1091
. /mk/tests/lib.sh
LEAKS=/sys/kernel/debug/kmemleak
scan=0
grep -qw kmemleak=on /proc/cmdline && scan=1

rng=$SEED
rnd() { # BELOW
	rng=$(((rng * 1103515245 + 12345) & 0x7fffffff))
	rnd=$(((rng >> 8) % $1))
}

# An initrd that has the liars, too, and what vsock and kexec take
soak_initrd() {
	mkdir -p "$T/root/mk/bin" && cp /mk/bin/mkliar /mk/bin/mkvliar "$T/root/mk/" &&
		cp /mk/bin/mkvsock /mk/bin/mkload "$T/root/mk/bin/" &&
		initrd_with "$T/root" >"$T/initrd" && INITRD=$T/initrd
}

# The faults that this kernel can have
chosen() {
	local word state reason option said
	zcat /proc/config.gz >"$T/config"
	while read -r word state reason option said; do
		[ "$option" = - ] || grep -q "^CONFIG_$option=y" "$T/config" || continue
		echo "$word $state $reason ${said:--}"
	done <<EOF >"$T/faults"
$faults
EOF
	nr_faults=$(grep -c '' "$T/faults")
}

# A new round: the order in which each fault comes once
shuffle() {
	local i=0
	while [ $i -lt "$nr_faults" ]; do
		i=$((i + 1))
		eval "order_$i=$i"
	done
	while [ $i -gt 1 ]; do
		rnd $i
		eval "was=\$order_$i order_$i=\$order_$((rnd + 1)) order_$((rnd + 1))=\$was"
		i=$((i - 1))
	done
}
# fault LIFE
fault() {
	eval "i=\$order_$((($1 - 1) % nr_faults + 1))"
	sed -n "${i}p" "$T/faults"
}

# What a hang before READY may take; the others have as long as they need
HANG_S=5

# start_with NAME WORD: load it, and start it
start_with() {
	local cmdline=mk.spawn=$2 image=$KERNEL seconds
	seconds=$(cat "$T/boot_timeout")
	case $2 in
	boot:*hang | boot:noready) seconds=$HANG_S cmdline=multikernel.inject=${2#boot:} ;;
	boot:*) cmdline=multikernel.inject=${2#boot:} ;;
	image:*) seconds=$HANG_S cmdline="" image=$T/${2#image:} ;;
	# Memory of the host's that is there for it
	inject:foreign) cmdline=mk.spawn=$2:$(sed -n 's/^pfn=//p' $DBG/target):$$ ;;
	# The liar is in the place of its kernel's vsock
	vlie:*) cmdline="initcall_blacklist=mk_vsock_init mk.spawn=$2" ;;
	esac
	mk_load "$1" "$cmdline" "$image" || return
	param_set boot_timeout "$seconds"
	control "$1" start || return
	param_set boot_timeout "$(cat "$T/boot_timeout")"
}

# --- one slot ------------------------------------------------------------------

# exists NAME
exists() { [ -d "$INST/$1" ]; }
active() {
	case $(state "$1") in
	booting | running | stopping) ;;
	*) return 1 ;;
	esac
}

# A life without a fault must have nothing in its log that a kernel does not say
log_of() { # NAME
	val "$1" console | awk '/Linux version / { n = NR } { l[NR] = $0 }
		END { for (i = n; i <= NR; i++) print l[i] }' | grep -E "$TROUBLE|Kernel panic" &&
		echo "in the log of $1" && return 1
	return 0
}

# happened NAME: its console says so; who may end by itself can do so before
happened() {
	local tries=0
	[ "$said" != - ] || return 0
	until mkwait -b "$INST/$1/console" "$(echo "$said" | tr . ' ')" 500 2>/dev/null; do
		active "$1" || return 0
		tries=$((tries + 1))
		[ $tries -lt 180 ] || { echo "$fault: the console of $1 does not say $said"; return 1; }
	done
}

# finish NAME: how its last life has to end; told by files of its own
finish() { # NAME
	local name=$1 fault wanted reason said how
	[ -f "$T/life.$name" ] || return 0
	read -r fault wanted reason said how <"$T/life.$name"
	rm "$T/life.$name"
	finished "$name" || return
	echo "$fault" >>"$T/finished"
}
finished() {
	case $wanted in
	crashed | stopped)
		ended "$name" "$wanted" "$reason" && return
		return 1
		;;
	hung)
		wait_state "$name" running && happened "$name" || return
		# In little memory a fork bomb may end it, by a panic or as it hangs
		[ "$fault" = forkbomb ] && ! active "$name" && return
		equal state "$(state "$name")" running && mk_kill "$name"
		return
		;;
	any)
		! active "$name" || mk_kill "$name" || ! active "$name"
		return
		;;
	esac
	wait_state "$name" running && happened "$name" || return
	if [ "$how" = kill ]; then
		mk_kill "$name" && equal reason "$(reason "$name")" killed || return
	elif [ "$wanted" = deaf ]; then
		control "$name" stop && ended "$name" stopped '^stop timed out' || return
	else
		mk_stop "$name" && matches reason "$(reason "$name")" '^(poweroff|stop timed out.*)$' || return
	fi
	log_of "$name"
}

fresh() { # NAME CPUS MEMORY
	! exists "$1" || { active "$1" && echo "$1 is active" && return 1; } ||
		mkwrite $MK/destroy "$1" || return
	mk_create name="$1" cpus="$2" memory="$3" split_core=1
}

# --- the neighbour -----------------------------------------------------------------

# Its messages are all answered, whatever becomes of the others
steady() {
	mkwrite "$DBG/steady/bench" "$1 $2" || { echo "steady: its messages are not answered"; return 1; }
	equal "steady's state" "$(state steady)" running
}

# --- lives -------------------------------------------------------------------------

# All draws come first, always the same number of them: what happens depends on the seed
# alone, when it happens within a boot on the moments that were drawn
life() { # NUMBER
	local name cpus memory word wanted reason said anew early how ms wide size
	rnd "$slots"; slot=$rnd
	rnd 4; anew=$rnd
	rnd 3; memory=$(((rnd + 2) * 32))
	rnd 100; early=$rnd
	rnd 1200; ms=$((rnd * boot_ms / 1000))
	rnd 2; how=$rnd
	rnd 12; wide=$rnd
	rnd 4; size=$rnd

	# shellcheck disable=SC2046 # words
	set -- "$1" $(fault "$1")
	word=$2 wanted=$3 reason=$4 said=$5 fault=$2
	# So that each comes to its end in ten rounds
	[ $((($1 - 1) / nr_faults % 10)) != 9 ] || early=100
	[ $memory -ge $least ] || memory=$least
	memory=${memory}M
	# What takes a second CPU
	case $word in
	inject:lockup:1 | roam:* | hotplug:*) wide=0 ;;
	esac
	[ "$slots" -ge 2 ] || word=${word%:1}
	case $how in
	0) how="kill" ;;
	*) how="stop" ;;
	esac
	name=s$slot cpus=$((slot + 2))
	what="$name $memory $word"
	if [ "$slots" -ge 2 ] && [ "$wide" = 0 ]; then
		# One instance with the CPUs of two
		what="wide $memory $word"
		name=s0 cpus=2-3 anew=0
		finish s0 && finish s1 || return
		! exists s1 || mkwrite $MK/destroy s1 || return
	fi
	[ "$early" -lt 45 ] && what="$what, kill after $ms ms"
	echo "# life $1: $what" >&4

	finish "$name" || return
	# A wide one has the CPUs of its neighbour
	if [ "$name" = s1 ] && exists s0 && equal x "$(val s0 cpus)" 2-3 >/dev/null; then
		finish s0 && mkwrite $MK/destroy s0 || return
	fi
	if [ $anew = 0 ] || ! exists "$name"; then
		fresh "$name" "$cpus" "$memory" || return
	fi
	start_with "$name" "$word" || return
	if [ "$early" -lt 45 ]; then
		# It may have ended by its fault before
		[ "$ms" = 0 ] || usleep $((ms * 1000))
		mk_kill "$name" 2>/dev/null || ! active "$name" || { echo "kill: still active"; return 1; }
	else
		echo "$fault $wanted $reason $said $how" >"$T/life.$name"
	fi
	steady $((64 << (size * 2))) 50
}

all_lives() {
	local n=0 s
	while [ $n -lt "$N" ]; do
		n=$((n + 1))
		[ $((n % nr_faults)) != 1 ] || shuffle
		if ! life $n; then
			echo "life $n ($what) of $N, seed $SEED"
			return 1
		fi
		# It reads all memory that it knows of, while spawns have theirs
		[ $scan = 0 ] || [ $((n % 10)) != 0 ] || echo scan >$LEAKS || return
		if [ $((n % 20)) = 0 ]; then
			log_clean || return
			echo "# $n of $N" >&4
		fi
	done
	s=0
	while [ $s -lt "$slots" ]; do
		finish s$s || { echo "the last life of s$s, seed $SEED"; return 1; }
		s=$((s + 1))
	done
}
# How many were left alone until they had ended, or were ended in order
to_their_end() {
	local word state reason n missing=""
	while read -r word state reason; do
		n=$(grep -cxF "$word" "$T/finished")
		[ "$n" != 0 ] || missing="$missing $word"
		echo "$state $n"
	done <"$T/faults" >"$T/counts"
	awk '{ own = $1 == "crashed" || $1 == "stopped"; all[own]++; some[own] += $2 > 0; lives[own] += $2 }
		END {
			print "# " some[1] + 0, "of", all[1] + 0, "faults ended by themselves, in", lives[1] + 0, "lives"
			print "# " some[0] + 0, "of", all[0] + 0, "others lasted until they were ended, in", lives[0] + 0
		}' "$T/counts" >&4
	equal "faults that never came to their end" "$missing" ""
}
exec 4>&1

chosen
# Ten rounds have each of them to its end
[ "$N" -lt $((10 * nr_faults)) ] && rounds=0 || rounds=1
plan $((9 + scan + rounds))
echo "# n=$N seed=$SEED"
set -- $CPUS/cpu[0-9]*
slots=$(($# - 2))
[ $slots -le 3 ] || slots=3
# In 64 MiB a debug kernel that brings up two CPUs has nothing left for its init
[ "$KERNEL" = "$QUICK" ] && least=64 || least=96
param_set stop_timeout 15
# Long enough for a machine that is busy with the faults of the others
param_set hang_timeout 20
soak_initrd
for kind in payload hang; do
	badimage $kind "$KERNEL" "$T/$kind"
done
: >"$T/finished"
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mkstates >"$T/states" &
follower=$!
mkwait -f "$T/states" following 10000

steady_up() { mk_create name=steady cpus=1 memory=96M split_core=1 && mk_load steady && mk_start steady; }
# Fills the caches, too
check "a whole life first" eval 'steady_up && boot_ms=$(($(val steady boot_time_us) / 1000)) &&
	steady 64 50 && mk_stop steady && mkwrite $MK/destroy steady'
echo "# $slots instances beside steady, $nr_faults faults, a boot lasts $boot_ms ms"
# Objects of the cache where it can be seen, after note shrank it; else the kernel's own
# count, which is a rough one: 32 a CPU
files() {
	awk '$1 == "filp" { print $2; found = 1 } END { exit !found }' /proc/slabinfo 2>/dev/null ||
		cut -f 1 /proc/sys/fs/file-nr
}
note before 2>/dev/null	# of a kernel without slabinfo
files_before=$(files)
check "steady runs" steady_up
check "$N lives" all_lives
if [ $rounds = 1 ]; then
	check "each fault came to its end" to_their_end
else
	to_their_end >/dev/null
fi
check "steady is stopped in order" eval 'mk_stop steady && equal reason "$(reason steady)" poweroff &&
	log_of steady'
gone() {
	local d
	for d in "$INST"/*/; do
		mkwrite $MK/destroy "$(basename "$d")" || return
	done
	cpus_work && equal free "$(pool_free)" "$START_FREE"
}
check "all are destroyed, the CPUs work, the pool is whole" gone
followed() {
	kill $follower
	wait $follower
	rc=$?
	sed 's/^/# /' "$T/states" >&4
	return $rc
}
check "no instance made a step that is not in the table" followed
note after 2>/dev/null
# Caches that grow once. A leak of 1 KiB a life is seen from 512 lives on, of a page from 128
check "slab is as before" grew Slab "$slab_before" "$slab_after" 512
# Four stacks of kernel threads, which are twice as large with KASAN
stacks=64
! grep -q "^CONFIG_KASAN=y" "$T/config" || stacks=128
check "vmalloc is as before" grew VmallocUsed "$vmalloc_before" "$vmalloc_after" $stacks
files_same() {
	local now allowed=130
	now=$(files)
	# Exact only where no CPU keeps a slab of its own, as with all checks of SLUB
	[ "$(cat /sys/kernel/slab/filp/sanity_checks 2>/dev/null)" != 1 ] || allowed=8
	echo "# open files: $files_before before, $now after, $allowed more are allowed" >&4
	[ $((now - files_before)) -le $allowed ]
}
check "open files are as before" files_same

# What nothing points to any more and a function of ours is in the way to. What others
# leak is shown. Two scans: one is for the checksums of objects that are new to it, and an
# object has to be 5 s old to count, see mm/kmemleak.c
OURS='^ +((hvc|arch|sysvec)_)?(mk|multikernel)_.*[+]0x|^ +(create|destroy|control|links|on_crash)_store[+]0x'
OURS="$OURS|^ +(window|stats|ping|bench|ipi_bench|icount|inject|trace|try)_(open|write)[+]0x"
leaks() {
	echo scan >$LEAKS && sleep 6 && echo scan >$LEAKS && cat $LEAKS >"$T/leaks" || return
	awk -v ours="$OURS" '
	/^unreferenced object/ { n++ }
	{ text[n] = text[n] "\n" $0 }
	$0 ~ ours { of[n] = 1 }
	END {
		for (i in of)
			print substr(text[i], 2)
		for (i in of)
			o++
		print "# kmemleak: " n + 0 " objects that nothing points to, " o + 0 " of ours" >"/dev/stderr"
		exit o > 0
	}' "$T/leaks" 2>"$T/leaks.sum"
	rc=$?
	cat "$T/leaks.sum" >&4
	[ $rc = 0 ] || return
	sed 's/^/# /' "$T/leaks" | head -n 60 >&4
}
[ $scan = 0 ] || check "nothing of ours is leaked" leaks
