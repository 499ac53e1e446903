#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A spawn that hangs, at each point of its life and on one CPU or on all: contained,
# noticed in time, with the reason, and started again.  See contain_lib.sh.
. "$(dirname "$0")/lib.sh"
. "$MK_DIR/contain_lib.sh"
plan $((4 + 4 * 4 + 4 + 4 * 4))

HANG_S=4

contain_begin 1-2

# --- while it runs -----------------------------------------------------------

if [ -e "$INST/red/hang_timeout" ]; then
	mk_set red hang_timeout $HANG_S
	# Its 0 and 1 are the host's 1 and 2; 0 hears the doorbell and has the heartbeat
	fault lockup-other hang '^hang: CPU 2 has not taken a timer interrupt' \
		'inject: lockup' inject:lockup:1
	fault lockup-doorbell hang '^hang: CPU 1 has not taken a timer interrupt' \
		'inject: lockup' inject:lockup:0
	fault lockup-all hang '^hang: none of its 2 CPUs has taken a timer interrupt' \
		'inject: lockup' inject:lockup
	fault softlockup hang '^hang: CPU 2 has not scheduled' 'inject: softlockup' \
		inject:softlockup:1
else
	for f in lockup-other lockup-doorbell lockup-all softlockup; do
		for n in 1 2 3 4; do
			skip "$f" "hang_timeout of an instance"
		done
	done
fi

# --- before it runs ----------------------------------------------------------

# Its payload does not unpack: the decompressor says so to nobody, and halts
mk_kill red
badimage payload "$KERNEL" "$T/payload"
# Twice as much time as the slowest boot so far: what is no sign of life then is none
late_s=$((2 * red_slowest / 1000000 + 3))
param_set boot_timeout $late_s
mk_load red "" "$T/payload"
fault_name=decompression
check "decompression: crashed, and the reason" broke boot-timeout \
	"^no READY within $late_s s: no sign of life: hung in decompression" control red start
cat "$T/boot_timeout" >$PARAM/boot_timeout
afterwards decompression boot-timeout $MARK_ONLY
boot_fault early-hang boot-timeout "^no READY within $late_s s: no sign of life" $MARK_ONLY $late_s
late_s=$((2 * red_slowest / 1000000 + 3))
boot_fault console-hang boot-timeout "^no READY within $late_s s: hung in early boot" \
	'inject: console-hang' $late_s

# The watchdog sees that the CPU of its initcalls schedules nothing
boot_fault initcall-hang hang '^hang: CPU [12] has not scheduled' 'inject: initcall-hang' 60
late_s=$((2 * red_slowest / 1000000 + 3))
boot_fault noready boot-timeout "^no READY within $late_s s: its kernel is up" \
	'inject: noready' $late_s

contain_end
