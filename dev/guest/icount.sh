#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The guest's part of `make icount`: "icount: send N", "icount: receive N", instructions
# for one message. With -icount shift=1 one instruction is 2 ns, and the TSC counts ns.
cat /sys/kernel/debug/multikernel/icount >/dev/null	# the first time makes room for itself
awk '{
	for (f = 1; f <= NF; f++) {
		split($f, kv, "=")
		v[kv[1]] = kv[2]
	}
	printf "icount: send %.0f\n", (v["send_cycles"] - v["clock_cycles"]) / v["count"] / 2
	printf "icount: receive %.0f\n", (v["receive_cycles"] - v["clock_cycles"]) / v["count"] / 2
	print "# " $0
}' /sys/kernel/debug/multikernel/icount
