#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The story of `make demo`, told in the host guest as it happens. Each wait is bounded.
# Last line: "demo: PASS ..." with the figures, or "demo: FAIL what".
PATH=/mk/bin:$PATH
MK=/sys/kernel/multikernel
N=web
I=$MK/instances/$N
D=/sys/kernel/debug/multikernel
KERNEL=/mk/bzImage
INITRD=/mk/base.cpio.gz
BOOT_MS=${MK_BOOT_MS:-40000}
COUNT=/tmp/demo.count

tail_pid='' counter='' verdict=''

say() { printf '%s\n' "$*"; }
step() { printf '\n* %s\n' "$*"; }
online() { cat /sys/devices/system/cpu/online; }
mib() { echo $(($1 >> 20)); }
free_mib() { mib "$(cat $MK/pool/memory_free)"; }
now_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }

fail() {
	[ -z "$tail_pid" ] || kill "$tail_pid" 2>/dev/null
	[ -z "$counter" ] || kill "$counter" 2>/dev/null
	if [ -d $I ]; then
		say "state: $(cat $I/state), reason: $(cat $I/reason)"
	fi
	dmesg | grep 'multikernel: ' | tail -n 5
	verdict=FAIL
	say "demo: FAIL $*"
	exit 1
}
trap '[ -n "$verdict" ] || echo "demo: FAIL the script broke off"' EXIT

# must WHAT COMMAND...
must() {
	local what=$1 out
	shift
	out=$("$@" 2>&1) || fail "$what: $out"
}

wait_for() { # STATE MS
	local got
	got=$(mkwait $N "$1,stopped,crashed" "$2" 2>&1)
	[ "$got" = "$1" ] || fail "$N is not $1: $got"
}

load() { # CMDLINE
	must "load" mkload -i "$(cat $I/id)" -r $INITRD -c "$1" $KERNEL
}

# The spawn's lines, prefixed with its name, as they come from now on
follow() {
	mktail $I/console "$N| " "$(wc -c <$I/console)" &
	tail_pid=$!
}
unfollow() {
	kill $tail_pid
	wait $tail_pid
	tail_pid=
}

start() {
	must "start" mkwrite $I/control start
	wait_for running "$BOOT_MS"
	boot_us=$(cat $I/boot_time_us)
	must "the spawn's own words" mkwait -b $I/console "spawn: clock " 20000
}

# key WORD: from what the spawn said of itself
key() {
	sed -n -E "s/^.*spawn: (self|view) (.* )?$1=([^ ]*).*/\\3/p" $I/console | tail -n 1
}

ping() { # COUNT
	must "ping" mkwrite $D/$N/ping "$1"
	pinged=$(cat $D/$N/ping)
	case $pinged in
	*"count=$1 "*"lost=0 "*) ;;
	*) fail "ping: $pinged" ;;
	esac
	say "  $pinged"
	avg_ns=$(echo "$pinged" | sed -n -E 's/.*avg_ns=([0-9]+).*/\1/p')
	min_ns=$(echo "$pinged" | sed -n -E 's/.*min_ns=([0-9]+).*/\1/p')
}
us() { awk -v ns="$1" 'BEGIN { printf "%.1f", ns / 1000 }'; }

row() { printf '  %-16s %-24s %s\n' "$@"; }

# --- the host ---

[ -d $MK/instances ] || fail "this kernel has no MULTIKERNEL"
all=$(online)
total=$(cat $MK/pool/memory_total)
boot_id=$(cat /proc/sys/kernel/random/boot_id)
say "* The host is up: Linux $(uname -r), CPUs $all," \
	"$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo) MiB of its own," \
	"a pool of $(mib "$total") MiB to lend."
[ -d /sys/devices/system/cpu/cpu3 ] ||
	fail "it needs 4 CPUs (SMP=4), this guest has $all"
[ "$total" -gt 0 ] || fail "the pool is empty: the guest needs more memory (MEM=2G)"

step "CPUs 2-3 and 256 MiB are lent to an instance called '$N'."
must "create" mkwrite $MK/create "name=$N cpus=2-3 memory=256M"
say "  the host has now CPUs $(online) and $(free_mib) MiB in the pool;" \
	"$N has CPUs $(cat $I/cpus) and"
sed 's/^/  memory /' $I/memory
for c in 2 3; do
	[ "$(cat /sys/devices/system/cpu/cpu$c/online)" = 0 ] ||
		fail "the CPUs are still on the host: $(online)"
done

step "A kernel is loaded into it: $KERNEL, the same that runs here."
load mk.spawn=view
say "  state: $(cat $I/state)"

step "It starts, beside this one. Its own lines:"
follow
start
first_us=$boot_us
unfollow

step "Two kernels on one machine, each with its own CPUs and memory:"
row "" "host" "$N"
row "kernel" "$(uname -r)" "$(key kernel)"
row "CPUs online" "$(online)" "$(key online) (the machine's $(cat $I/cpus))"
row "memory" "$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo) MiB" \
	"$(key memory_kb | awk '{ print int($1 / 1024) }') MiB"
row "up for" "$(($(now_ms) / 1000)) s" "$(key uptime_ms) ms, when it said so"
row "its init after" "" "$((first_us / 1000)) ms"
[ "$(key online)" = 0-1 ] || fail "the spawn has not both its CPUs: $(key online)"
[ "$(key name)" = $N ] || fail "the spawn does not know its name: $(key name)"

step "They talk: 1000 messages there and back."
ping 1000
told="ping avg $(us "$avg_ns") us (min $(us "$min_ns") us)"

step "Stop: its init gets the ordinary poweroff."
from=$(now_ms)
must "stop" mkwrite $I/control stop
wait_for stopped 40000
stop_ms=$(($(now_ms) - from))
[ "$(cat $I/reason)" = poweroff ] || fail "stop: the reason is '$(cat $I/reason)'"
say "  state: stopped, reason: $(cat $I/reason), after $stop_ms ms"

step "Start again, from the image that is still loaded."
start
second_us=$boot_us
say "  state: $(cat $I/state), its init after $((second_us / 1000)) ms"
ping 100

step "Kill: the CPUs are taken back, whatever it does."
from=$(now_ms)
must "kill" mkwrite $I/control kill
kill_ms=$(($(now_ms) - from))
say "  state: $(cat $I/state), reason: $(cat $I/reason), after $kill_ms ms"
[ "$(cat $I/state) $(cat $I/reason)" = "stopped killed" ] || fail "kill"

step "Now it panics, on purpose. The host counts meanwhile."
(
	n=0
	while :; do
		n=$((n + 1))
		echo $n >$COUNT.new
		mv $COUNT.new $COUNT
		usleep 10000
	done
) &
counter=$!
load mk.spawn=panic
must "the counter" mkwait -f $COUNT 1 5000
say "  the count is at $(cat $COUNT)"
echo "# expect-panic begin"
follow
must "start" mkwrite $I/control start
wait_for crashed "$BOOT_MS"
unfollow
echo "# expect-panic end"
at=$(cat $COUNT)
say "  state: $(cat $I/state), reason: $(cat $I/reason)"
case $(cat $I/reason) in
panic:*) ;;
*) fail "the reason of the panic is '$(cat $I/reason)'" ;;
esac
tries=0
while [ "$(cat $COUNT)" -lt $((at + 20)) ]; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || fail "the host does not count on: $(cat $COUNT)"
	usleep 50000
done
say "  the host counted on: $at when it died, $(cat $COUNT) now"
kill $counter
counter=

step "All is given back."
from=$(now_ms)
must "destroy" mkwrite $MK/destroy $N
return_ms=$(($(now_ms) - from))
say "  CPUs $(online), $(free_mib) of $(mib "$total") MiB in the pool, after $return_ms ms"
[ "$(online)" = "$all" ] || fail "CPUs online: $(online), were $all"
[ "$(cat $MK/pool/memory_free)" = "$total" ] || fail "the pool is not whole"
for c in 2 3; do
	on=$(taskset "$(printf '%x' $((1 << c)))" cat /proc/self/stat | cut -d' ' -f39)
	[ "$on" = $c ] || fail "CPU $c does not work for the host"
done
[ "$(cat /proc/sys/kernel/random/boot_id)" = "$boot_id" ] || fail "the machine was reset"
[ "$(ls $MK/instances)" = "" ] || fail "something is left in $MK/instances"

verdict=PASS
say ""
say "demo: PASS boot $((first_us / 1000)) ms, again $((second_us / 1000)) ms," \
	"$told," \
	"stop $stop_ms ms, kill $kill_ms ms, CPUs and memory back in $return_ms ms"
