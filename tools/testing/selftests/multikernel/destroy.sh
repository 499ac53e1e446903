#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2154 # lib.sh is beside us
# What "destroy" takes and refuses, and that it leaves nothing behind.
. "$(dirname "$0")/lib.sh"
plan 17

d=$MK/destroy

expect_errno "name that nobody has" ENOENT $d nobody nobody
expect_errno "a lone newline" "ENOENT|EINVAL" $d "
" "destroy: "
expect_errno "binary" "ENOENT|EINVAL" $d hex:00ff01fe80 "destroy: "
expect_errno "a line of 4 KiB" "E2BIG|ENOENT|EINVAL" $d \
	"$(printf '%4096s' '' | tr ' ' x)" "destroy: "
expect_errno "a path" "ENOENT|EINVAL" $d "../instances" "\.\./inst"

mk_create name=web cpus=2-3 memory=128M
expect_errno "name with something behind it" "ENOENT|EINVAL" $d "web web" "web"
check "an empty instance, with a newline" mkwrite $d "web
"
check "its folders are gone" not test -e "$INST/web" -o -e "$DBG/web"
expect_errno "destroyed already" ENOENT $d web web

loaded() {
	mk_create name=web cpus=2-3 memory=128M && mk_load web && mk_destroy web
}
check "one with an image" loaded

# Somebody sits in the folder and holds its files
mk_create name=web cpus=2-3 memory=128M
held() {
	exec 4<"$INST/web/state" 5>"$INST/web/control" || return
	mk_destroy web || return
	not cat <&4 && not sh -c 'echo start >&5'
}
check "its open files fail afterwards, and no more" held
exec 4<&- 5>&-

again() {
	local _
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		mk_create name=web cpus=2-3 memory=128M && mk_destroy web || return
	done
	cpus_work
}
check "ten times create and destroy" again

# While its kernel boots
mk_create name=web cpus=2-3 memory=128M
mk_load web
control web start
expect_errno "one that boots" EBUSY $d web web
check "it boots on" matches state "$(state web)" "booting|running"
check "kill it" mk_kill web
check "one that was killed" mk_destroy web
check "CPUs and memory are back" equal all "$(online) $(pool_free)" "$START_ONLINE $START_FREE"
