#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A spawn that misbehaves towards the host, reaches for what is not its own, or wears
# itself out: nobody else loses anything.  See contain_lib.sh.
. "$(dirname "$0")/lib.sh"
. "$MK_DIR/contain_lib.sh"
rounds=${MK_N:-3}
seed=${MK_SEED:-1}
plan $((4 + 2 * 5 + 2 + 4 * (2 + rounds) + 4 * 3 + 1))
echo "# scribbles from seed $seed on (SEED=), $rounds of them (N=)"

contain_begin 1-2

# --- what it survives itself -------------------------------------------------

harmless nmi-storm 'NMIs sent' inject:nmi-storm:2000
echo "# $(val red console | sed -n 's/.*multikernel: inject: \(.* NMIs sent.*\)/\1/p' | tail -n 1)"
harmless doorbells 'inject: rang' inject:bells:2000
echo "# $(val red console | sed -n 's/.*multikernel: inject: \(rang .*\)/\1/p' | tail -n 1)"
harmless hotplug-storm 'spawn: hotplug end moves=10 online=0-1' hotplug:10
harmless kexec 'spawn: kexec end loaded=0 crash=0' kexec
check "kexec: each way was refused" equal refusals \
	"$(val red console | grep -c 'spawn: kexec flags=.* mkload: EPERM')" 4
harmless map 'inject: ioremap of 0x0000000001000000' inject:map
check "map: neither ioremap nor memremap gave it host memory" \
	evidence 'ioremap of 0x0000000001000000 was refused, memremap was refused'

# --- what ends it ------------------------------------------------------------

fault stray crashed '^panic: Fatal exception: .* at mk_inject_stray' \
	'unable to handle page fault' inject:stray
# The window is the host's, too: what lies there is believed by nobody
while [ "$rounds" -gt 0 ]; do
	fault "scribble-$seed" crashed '^(fault: |ended without saying how|panic: )' '.' \
		"inject:scribble:$seed:3000"
	rounds=$((rounds - 1))
	seed=$((seed + 1))
done
fault panic-while-sending crashed '^panic: injected' 'Kernel panic' "busy inject:panic"

# --- what does not end by itself ---------------------------------------------

# Who sends to it is told so after a while, and waits no longer
unheard() { matches errno "$(mkwrite "$DBG/red/bench" "65536 50" 2>&1)" 'ETIMEDOUT'; }

endless deaf 'inject: deaf' inject:deaf unheard
endless flood 'spawn: floodhost now' floodhost
endless forkbomb 'spawn: forkbomb now' forkbomb

contain_end
