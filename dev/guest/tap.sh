# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC3043 # busybox ash
# Sourced: one result in TAP, for scripts that do without the selftests' lib.sh, as it
# looks after a pool and CPUs that they have not.

n=0

# result NAME COMMAND...: passes when the command does; what it printed is the diagnosis
result() {
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >/tmp/log 2>&1; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		sed 's/^/# /' /tmp/log
	fi
}
