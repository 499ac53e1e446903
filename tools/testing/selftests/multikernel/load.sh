#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2154 # lib.sh is beside us
# kexec_file_load for an instance: what it refuses, several images at once, beside an ordinary one.
. "$(dirname "$0")/lib.sh"
plan 41

LOADED=/sys/kernel/kexec_loaded
CRASH_LOADED=/sys/kernel/kexec_crash_loaded

mk_create name=web cpus=2 memory=192M split_core=1
id=$(val web id)

load_refused() { # NAME ERRNO REGEX KERNEL [mkload options]
	local name=$1 err=$2 re=$3 kernel=$4
	shift 4
	refused "$name" "$err" "$re" mkload -i "$id" "$@" "$kernel"
}

bad() { # KIND NAME REGEX
	if badimage "$1" "$KERNEL" "$T/bad" 2>"$T/why"; then
		load_refused "$2" ENOEXEC "$3" "$T/bad" -r "$INITRD"
	else
		fail "$2"
	fi
}

# --- bad ids ---

refused "an id that does not exist" ENODEV "4242" mkload -i 4242 -r "$INITRD" "$KERNEL"
refused "id 0" "ENODEV|EINVAL" "load: " mkload -i 0 -r "$INITRD" "$KERNEL"
check "an id without the flag is refused" \
	matches result "$(mkload -f $((id << 16 | 4)) "$KERNEL" 2>&1)" EINVAL
check "the flag together with the crash flag is refused" \
	matches result "$(mkload -f $((id << 16 | 0x16)) "$KERNEL" 2>&1)" EINVAL
refused "unload for an id that does not exist" ENODEV "4242" mkload -u -i 4242

# --- bad images ---

head -c 300000 /dev/urandom >"$T/garbage"
: >"$T/empty"
load_refused "garbage" ENOEXEC "bzImage|web: load: " "$T/garbage"
load_refused "a script" ENOEXEC "bzImage|web: load: " "$0"
check "an empty file is refused" not mkload -i "$id" "$T/empty"
bad hdrs "no boot protocol magic" "web: load: .*"
bad truncated "truncated in the middle" "web: load: .*"
bad header "truncated after its header" "web: load: .*"
bad protocol "boot protocol too old" "web: load: .*(protocol|version|bzImage)"
bad 32bit "a 32-bit kernel" "web: load: .*(64|32)"
bad fixed "not relocatable" "web: load: .*relocat"
bad nochunk "a kernel without MULTIKERNEL" "web: load: .*(MULTIKERNEL|multikernel)"
bad abi "another ABI version: both are named" \
	"web: load: .*ABI.*(100[0-9].*[^0-9][0-9]|[^0-9][0-9][^0-9].*100[0-9])"
check "nothing of all that is loaded" equal state "$(state web)" empty
refused "start without an image" ENODATA "web: .*(image|start)" control web start

# --- does not fit ---

truncate -s 200M "$T/big"
load_refused "an initrd that does not fit" ENOMEM "web: load: " "$KERNEL" -r "$T/big"
rm -f "$T/big"
long=$(printf '%3000s' '' | tr ' ' y)
check "a command line that is too long is refused" not mkload -i "$id" -c "$long" "$KERNEL"
check "still nothing is loaded" equal state "$(state web)" empty

# --- load, replace, unload ---

check "load" mk_load web "one=1"
check "state is loaded" equal state "$(state web)" loaded
check "cmdline is shown" matches cmdline "$(val web cmdline)" "one=1"
check "load again replaces" mk_load web "two=2"
check "the new cmdline is shown" matches cmdline "$(val web cmdline)" "two=2"
bad hdrs "a bad image does not replace a good one" "web: load: .*"
check "load without an initrd" mkload -i "$id" -c "three=3" "$KERNEL"
check "unload" mkload -u -i "$id"
check "state is empty, cmdline too" equal both "$(state web)/$(val web cmdline)" empty/
refused "start after unload" ENODATA "web: .*(image|start)" control web start

# --- several at once, beside an ordinary image ---

several() {
	mk_create name=b cpus=3 memory=128M split_core=1 &&
		mk_create name=c cpus=1 memory=128M split_core=1 &&
		mk_load web web=1 && mk_load b b=1 && mk_load c c=1 &&
		matches "cmdline of web" "$(val web cmdline)" web=1 &&
		matches "cmdline of b" "$(val b cmdline)" b=1 &&
		matches "cmdline of c" "$(val c cmdline)" c=1 &&
		equal "ordinary image" "$(cat "$LOADED")" 0
}
check "three images are held at once, none is the ordinary one" several
if command -v kexec >/dev/null; then
	check "kexec -s -l loads an ordinary one beside them" \
		kexec -s -l "$KERNEL" --initrd="$INITRD" --command-line=x
else
	skip "kexec -s -l loads an ordinary one beside them" "kexec-tools is missing"
	mkload -f 4 "$KERNEL"
fi
check "it is loaded" equal kexec_loaded "$(cat "$LOADED")" 1
check "the instances hold theirs" \
	equal states "$(state web) $(state b) $(state c)" "loaded loaded loaded"
unload_one() {
	mkload -u -i "$(val b id)" && equal "state of b" "$(state b)" empty &&
		equal "other states" "$(state web) $(state c)" "loaded loaded" &&
		equal "ordinary image" "$(cat "$LOADED")" 1
}
check "unloading one leaves the others and the ordinary one" unload_one
unload_ordinary() {
	mkload -f 1 -u && equal "ordinary image" "$(cat "$LOADED")" 0 &&
		equal "other states" "$(state web) $(state c)" "loaded loaded"
}
check "unloading the ordinary one leaves the instances'" unload_ordinary
if [ "$(cat /sys/kernel/kexec_crash_size 2>/dev/null || echo 0)" -gt 0 ]; then
	crash() {
		mkload -f 6 "$KERNEL" && equal "crash image" "$(cat "$CRASH_LOADED")" 1 &&
			equal "other states" "$(state web) $(state c)" "loaded loaded" &&
			mkload -f 3 -u
	}
	check "so does a crash image" crash
else
	skip "so does a crash image" "no crashkernel= on this kernel's command line"
fi

# --- while it runs, while it goes ---

# An image that never gets further, so that it boots for as long as is asked
badimage hang "$KERNEL" "$T/hang" && mk_load web "" "$T/hang"
rm -f "$T/hang"
control web start
load_refused "load into one that boots" EBUSY "web: load: |web.*(boot|run|active)" \
	"$KERNEL" -r "$INITRD"
refused "unload of one that boots" EBUSY "web" mkload -u -i "$id"
mk_kill web

# A load and a destroy at the same time: one of them wins, and nothing is left
race() {
	local i pid
	for i in 1 2 3 4 5 6; do
		mk_create name=r cpus=3 memory=128M split_core=1 || return
		mk_load r & pid=$!
		[ $((i % 2)) = 0 ] || usleep $((i * 10000))
		mkwrite $MK/destroy r
		wait $pid
		[ ! -e "$INST/r" ] || mkwrite $MK/destroy r || return
	done 2>/dev/null
	equal "instances" "$(cd "$INST" && echo *)" "c web"
}
mk_destroy b
check "load while the instance is destroyed: no harm" race
