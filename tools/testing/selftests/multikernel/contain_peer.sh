#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A spawn that misbehaves towards the host, reaches for what is not its own, or wears
# itself out: nobody else loses anything.  See contain_lib.sh.
. "$(dirname "$0")/lib.sh"
. "$MK_DIR/contain_lib.sh"
rounds=${MK_N:-3}
seed=${MK_SEED:-1}
plan $((4 + 2 * 6 + 6 + 4 * (5 + rounds) + 4 * 4 + 3))
echo "# scribbles from seed $seed on (SEED=), $rounds of them (N=)"

contain_begin 1-2

# --- what it survives itself -------------------------------------------------

# Amid it, as it lasts for a minute; before the other, whose words would be taken for its own
endless nmi-storm-killed 'inject: nmi-storm' inject:nmi-storm:60000
harmless nmi-storm 'NMIs sent' inject:nmi-storm:2000
injected() { val red console | sed -n 's/.*multikernel: inject: //p' | grep "$1" | tail -n 1; }
got=$(injected 'NMIs sent')
echo "# $got"
check "nmi-storm: there was one" matches NMIs "$got" '^[1-9][0-9]{2,} NMIs sent, [1-9][0-9]* handled$'
# Doorbells that the host heard and found nothing for: but for a flood there are none
idle_bells() {
	awk '$1 == "MKD:" { for (f = 2; $f ~ /^[0-9]+$/; f++) n += $f }
		{ split($1, s, "=") } s[1] == "doorbells_rx" { n -= s[2] } END { print n + 0 }' \
		/proc/interrupts "$DBG/red/stats" "$DBG/blue/stats"
}
red_denied() { mkvsock run "$(val red cid)" 1024 "cat $DBG/denied"; }
was=$(idle_bells) by_red=$(red_denied)
harmless doorbells 'inject: rang' inject:bells:2000
was=$(($(idle_bells) - was))
got=$(injected '^rang')
echo "# $got, the host heard $was of them"
check "doorbells: there were many, and the host heard them" eval \
	'matches doorbells "$got" "^rang [1-9][0-9]{2,} times" && between "doorbells heard" $was 20 10000000 &&
	equal "what red denied" "$(red_denied)" "$by_red"'
harmless hotplug-storm 'spawn: hotplug end moves=10 away=10 online=0-1' hotplug:10
harmless kexec 'spawn: kexec end loaded=0 crash=0' kexec
check "kexec: each way was refused" equal refusals \
	"$(val red console | grep -c 'spawn: kexec .*flags=.* mkload: EPERM')" 6
harmless map 'inject: ioremap of 0x0000000001000000' inject:map
check "map: neither ioremap nor memremap gave it host memory" \
	evidence none 'ioremap of 0x0000000001000000 was refused, memremap was refused'
# Past the guards: into a page of its own that the host has for this
target() { sed -n "s/^$1=//p" $DBG/target; }
unnoticed() {
	equal "what the host denied" "$(cat $DBG/denied)" "$denied" &&
		matches "what red denied" "$by_red" '^maps=' &&
		equal "what red denied" "$(red_denied)" "$by_red" &&
		equal "log of the host" "$(klog "$MARK" | mk_lines)" "" && evidence none .
}
if [ -e $DBG/target ]; then
	was=$(target word) denied=$(cat $DBG/denied) by_red=$(red_denied)
	klog_mark
	harmless foreign 'inject: wrote' "inject:foreign:$(target pfn):$((was + 7))"
	check "foreign: it wrote into memory of the host's" equal word "$(target word)" $((was + 7))
	check "foreign: nobody noticed" unnoticed
else
	skip_some 4 foreign "MULTIKERNEL_FAULT_INJECTION in the host's kernel"
fi

# --- what ends it ------------------------------------------------------------

# The ordinary commands.  Its init ends whatever runs, which takes a second or two
fault poweroff none '^poweroff$' 'reboot: Power down' poweroff 20000
fault halt none '^halt$' 'reboot: System halted' halt 20000
fault reboot none '^reboot$' 'reboot: Restarting system' reboot 20000

fault stray oops '^panic: Fatal exception: .* at mk_inject_stray' \
	'unable to handle page fault' inject:stray
# The window is the host's, too: what lies there is believed by nobody
while [ "$rounds" -gt 0 ]; do
	fault "scribble-$seed" "protocol|unsaid|panic|oops" '^(fault: |ended without saying how|panic: )' '.' \
		"inject:scribble:$seed:3000" 10000
	rounds=$((rounds - 1))
	seed=$((seed + 1))
done
# red sends as fast as it can: COUNT more came
sends() { # COUNT
	local tries=0 from rx
	from=$(figure red rx)
	until rx=$(figure red rx) && [ $((rx - from)) -ge "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { echo "$((rx - from)) messages came"; return 1; }
		usleep 50000
	done
}
busy_panic() { ask busy && sends 50 && ask inject:panic; }
fault_name=panic-while-sending
check "$fault_name: crashed, and the reason" broke panic '^panic: injected' busy_panic
afterwards $fault_name panic 'Kernel panic'

# --- what does not end by itself ---------------------------------------------

# Who sends to it is told so after a while, and waits no longer
unheard() { matches errno "$(mkwrite "$DBG/red/bench" "65536 50" 2>&1)" 'ETIMEDOUT'; }
# The host takes what it sends
flooded() { sends 1000; }
bombed() { mkwait -b "$INST/red/console" "spawn: forkbomb has" "$BOOT_MS"; }

endless deaf 'inject: deaf' inject:deaf unheard
endless flood 'spawn: floodhost now' floodhost flooded
endless forkbomb 'spawn: forkbomb now' forkbomb bombed

contain_end
