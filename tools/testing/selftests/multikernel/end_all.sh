# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# Sourced by lib.sh and run-tests.sh.

# end_all MARK: every process with this in its environment, whoever is its parent by now,
# but this shell.  One may just have started another one: that is for the next round
end_all() {
	local p again=1 rounds=0
	while [ $again = 1 ] && [ $rounds -lt 50 ]; do
		again=0
		rounds=$((rounds + 1))
		for p in /proc/[0-9]*; do
			# A kernel thread has no program, and neither has who has ended
			[ -e "$p/exe" ] && [ "${p#/proc/}" != $$ ] || continue
			case $(tr '\0' '\n' <"$p/environ") in
			*"$1"*) kill -KILL "${p#/proc/}" && again=1 ;;
			esac
		done
	done 2>/dev/null
	[ $again = 0 ] || { echo "# processes that don't end:"; ps -o pid,ppid,comm | sed 's/^/# /'; }
}
