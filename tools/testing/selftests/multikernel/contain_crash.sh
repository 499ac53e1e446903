#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# A spawn that crashes, in each of the ways in which a kernel can: contained, noticed at
# once, with the reason, and started again.  See contain_lib.sh.
. "$(dirname "$0")/lib.sh"
. "$MK_DIR/contain_lib.sh"
plan $((4 + 3 + 4 * 10))

contain_begin 1-2

harmless survive 'spawn: survive end' survive
check "survive: it had an Oops" eval 'last_start | grep -q "RIP: 0010:mk_inject_oops"'
fault panic panic '^panic: injected' 'Kernel panic - not syncing: injected' inject:panic
fault oops oops '^panic: Fatal exception: (Oops|general protection fault.*) at mk_inject_oops' \
	'NULL pointer dereference|null-ptr-deref' inject:oops
fault null-irq oops '^panic: Fatal exception in interrupt: .* at 0x0$' 'RIP: 0010:0x0' \
	inject:null-irq
fault stack oops '^panic: Fatal exception.*: stack guard page at mk_inject_recurse' \
	'stack guard page' inject:stack
fault double-fault oops '^panic: Fatal exception.*: double fault at ' 'double fault' \
	inject:double-fault
fault oom panic '^panic: System is deadlocked on memory' 'Out of memory' inject:oom 60000
fault deadinit panic '^panic: Attempted to kill init' 'Attempted to kill init' deadinit 20000

boot_fault early-panic panic '^panic: injected, early' 'injected, early' 60
boot_fault initcall-panic panic '^panic: injected, by an initcall' 'by an initcall' 60
# So early an exception is no panic, but told all the same
boot_fault early-oops panic '^panic: early exception 14 at mk_inject_' \
	'CR2: 0000000000000000' 60

contain_end
