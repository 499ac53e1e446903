#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# No late load of microcode while a CPU is lent. Wants CPUs 2 and 3 to be threads of one
# core: where a first thread is offline the loader refuses by itself. It wants no
# hypervisor either, or there is no loader: QEMU's -cpu max,family=23,-hypervisor has none.
. "$(dirname "$0")/lib.sh"
plan 9

RELOAD=$CPUS/microcode/reload
need $RELOAD "MICROCODE_LATE_LOADING, or a machine that shows no hypervisor,"
[ "$(cat $CPUS/cpu3/topology/thread_siblings_list)" = 2-3 ] ||
	skip_rest "CPUs 2 and 3 are not threads of one core"

no_file() { matches result "$(mkwrite $RELOAD 1 2>&1)" 'ENOENT$'; }
check "without an instance it looks for a file" no_file
# What is refused below is not refused by itself
offline() {
	mkwrite $CPUS/cpu3/online 0 || return
	no_file
	local rc=$?
	mkwrite $CPUS/cpu3/online 1 && return $rc
}
check "a second thread that is offline is nothing to it" offline
mk_create name=web cpus=3 memory=128M split_core=1
mk_load web mk.spawn=view
expect_errno "refused while a CPU is lent" EBUSY $RELOAD 1 \
	"no late microcode load while CPUs 3 are lent"
check "a spawn runs" mk_start web
expect_errno "refused while a spawn runs" EBUSY $RELOAD 1 \
	"no late microcode load while CPUs 3 are lent"
check "the spawn answers" eval 'mkwrite "$DBG/web/ping" 5 && has "$DBG/web/ping" "count=5 lost=0"'
check "kill and destroy it" eval 'mk_kill web && mk_destroy web'
check "all CPUs are back" cpus_work
check "it looks for a file again" no_file
