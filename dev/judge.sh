# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced: add up the verdicts of several runs.

passed=0
failed=0
skipped=0

count_pass() { passed=$((passed + 1)); echo "  passed: $1"; }
count_fail() { failed=$((failed + 1)); echo "  FAILED: $1"; }
count_skip() { skipped=$((skipped + 1)); echo "  skipped: $1"; }

# judge NAME LOGPREFIX QEMU_EXIT [awk -v settings]: read one run's logs
judge() {
	local name=$1 log=$2 rc=$3 line p f s report
	shift 3
	report=$(awk -f "$TOP/dev/verdict.awk" -v run="$name" "$@" "$log.console" "$log.out") || :
	sed '/^counts /d' <<<"$report"
	line=$(tail -n 1 <<<"$report")
	read -r _ p f s <<<"$line"
	if [ "$line" = "${line#counts }" ]; then
		p=0 s=0 f=1
		echo "  FAILED: $name: the logs could not be read"
	fi
	if [ "$rc" != 0 ]; then
		f=$((f + 1))
		echo "  FAILED: $name: QEMU ended with $rc (124: not in time); log: $log.log"
	fi
	say "$name: $p passed, $f failed, $s skipped (log: $log.log)"
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
}

# judge_script NAME COMMAND...: it ends with 0, or with 4 if it can't be tried here. Its last
# line is told, of one that failed what is not ok.
judge_script() {
	local name=$1 said rc=0
	shift
	said=$("$@") || rc=$?
	case $rc in
	0) count_pass "$name: $(sed -n '$s/^# //; $p' <<<"$said")" ;;
	4) count_skip "$name: $(tail -n 1 <<<"$said")" ;;
	*) count_fail "$name: $(grep '^not ok' <<<"$said" || tail -n 3 <<<"$said" | tr -s ' \n' ' ')" ;;
	esac
}

# The last line, and the exit code: something passed and nothing failed.
total() {
	echo
	if [ "$skipped" -gt 0 ]; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	if [ "$failed" != 0 ] || [ "$passed" = 0 ]; then
		exit 1
	fi
}
