#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# The spawn's log: from its first line, complete, and kept after its death.
. "$(dirname "$0")/lib.sh"
plan 11

mk_create name=web cpus=2-3 memory=192M
mk_load web mk.spawn=flood
check "no boot yet, no console" equal console "$(val web console)" ""
check "start" control web start

# the first line is still there: a boot log is shorter than what is kept
check "the first boot line comes" mkwait -f "$INST/web/console" "Linux version" "$BOOT_MS"
first=$(val web console | head -n 3)
check "it is among the first lines" matches "first lines" "$first" "Linux version"
check "all comes" said web "flood end"
check "it runs" wait_state web running

size() { wc -c <"$INST/web/console"; }
check "the last 64 KiB are kept" between bytes "$(size)" 60000 65536

# Every line from the first whole one to the last, none lost, none twice
in_order() {
	val web console | sed -n -E 's/^.*spawn: flood ([0-9]+) of .*$/\1/p' |
		awk 'NR > 1 && $1 != last + 1 { print last " is followed by " $1; bad = 1 }
		{ last = $1 }
		END {
			if (NR < 300 || last != 1500)
				bad = 1
			print NR " lines, the last is " last
			exit bad
		}'
}
check "no line is lost or doubled" in_order

val web console >"$T/alive"
check "kill it" mk_kill web
tail -c 2000 "$T/alive" >"$T/tail"
kept() {
	local last
	last=$(grep "spawn: flood" "$T/tail" | tail -n 1)
	[ -n "$last" ] && val web console | grep -Fqx -- "$last"
}
check "the log is kept after its death" kept
check "... and says the same when read again" \
	equal checksum "$(val web console | md5sum)" "$(val web console | md5sum)"
