#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Cores are lent whole: wants CPUs 2 and 3 to be threads of one core.
. "$(dirname "$0")/lib.sh"
plan 7

c=$MK/create
[ "$(cat $CPUS/cpu3/topology/thread_siblings_list)" = 2-3 ] ||
	skip_rest "CPUs 2 and 3 are not threads of one core"

expect_errno "half of a core" EINVAL $c "name=b cpus=3 memory=64M" "CPU 3.*CPU 2"
expect_errno "the other half" EINVAL $c "name=b cpus=2 memory=64M" "CPU 2.*CPU 3"
expect_errno "whole and half" EINVAL $c "name=b cpus=1-3 memory=64M" "CPU 1.*CPU 0"
check "a whole core" mk_create name=b cpus=2-3 memory=64M
check "destroy it" mk_destroy b
check "half of a core, by force" mk_create name=b cpus=3 memory=64M split_core=1
check "destroy the half" mk_destroy b
