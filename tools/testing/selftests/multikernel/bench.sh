#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# The figures of the messages in debugfs: floods arrive whole, bad lines are refused.
. "$(dirname "$0")/lib.sh"
plan 20

B=$DBG/web/bench
need $DBG "debugfs of multikernel"
mk_create name=web cpus=2-3 memory=192M
mk_load web mk.spawn=view

not_sent() { equal error "$(mkwrite "$B" "64 10" 2>&1 | sed 's/.* //')" "$1"; }
check "a flood before the start is refused" not_sent ENOTCONN
check "it boots" mk_start web

stat() { sed -n "s/^$1=//p" "$DBG/web/stats"; }
# The spawn's own count is in its debugfs; here: what left, and that the answer came back
flood() { # SIZE COUNT
	local r tx
	tx=$(stat tx_bytes)
	mkwrite "$B" "$1 $2" || return
	r=$(cat "$B")
	echo "# bench $1 $2: $r" >&4
	equal msgs "$(key msgs "$r")" "$2" && equal bytes "$(key bytes "$r")" $(($1 * $2)) &&
		between ns "$(key ns "$r")" 1 1000000000000 &&
		between msgs_per_s "$(key msgs_per_s "$r")" 1 1000000000000 &&
		between "bytes sent" $(($(stat tx_bytes) - tx)) $(($1 * $2)) $(($1 * $2 + 1000))
}
exec 4>&1
check "one message" flood 64 1
check "messages without payload" flood 0 1000
check "10000 messages of 64 bytes" flood 64 10000
check "an odd size" flood 4097 500
check "64 KiB, more than the ring holds" flood 65536 200
check "the largest" flood 65792 20
full() { between tx_full "$(stat tx_full)" 1 1000000000; }
check "the ring was full meanwhile" full
check "pings work" mkwrite "$DBG/web/ping" 10

for bad in "64" "64 0" "65793 1" "64 1 1" "64 x" "-1 1" "" "64 10000001"; do
	check "'$bad' is refused" not mkwrite "$B" "$bad"
done

icount() {
	local r
	r=$(cat $DBG/icount) || return
	equal count "$(key count "$r")" 64 &&
		between send_cycles "$(key send_cycles "$r")" 1 100000000000 &&
		between receive_cycles "$(key receive_cycles "$r")" 1 100000000000
}
check "icount passes its messages" icount
# Not after its time-out: a flood that is under way ends with an error
ended_meanwhile() {
	mkwrite "$B" "64 10000000" >"$T/flood" 2>&1 &
	mk_kill web && not wait $! && matches error "$(cat "$T/flood")" "EPIPE$|ENOTCONN$"
}
check "a flood into a killed spawn ends at once" ended_meanwhile
