#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1010,SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us; the spawn expands
# A host has one transport for its guests: vhost_vsock or ours, whichever is first. Here
# ours is a module, in the host and then in a spawn; so this wants a host that was booted
# with initcall_blacklist=mk_vsock_init and has none built in.
. "$(dirname "$0")/lib.sh"

M=/mk/modules
STATS=/sys/kernel/debug/multikernel_vsock
TURNS=5
if [ -e $STATS ]; then
	plan 1
	skip_rest "the host has its transport: boot with initcall_blacklist=mk_vsock_init"
fi
plan 32
need $M/vhost_vsock.ko vhost_vsock.ko
need $M/multikernel_vsock.ko multikernel_vsock.ko
# These may be there, or built in
insmod $M/vhost_iotlb.ko 2>/dev/null
insmod $M/vhost.ko 2>/dev/null

load() { insmod "$M/$1.ko"; }
unload() { rmmod "$1"; }
refuses() { # MODULE
	local said
	said=$(load "$1" 2>&1) && { echo "it was loaded"; return 1; }
	matches insmod "$said" "[Bb]usy"
}
on() { mkvsock run "$red" 1024 "$1"; }
# Once both kernels offer it there is an endpoint
open() {
	local tries=0
	until grep -qs " name=red " $STATS; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { echo "no endpoint:"; cat $STATS; return 1; }
		usleep 100000
	done
}
talks() { open && mkvsock both "$red" 1024 300000 && on "/mk/bin/mkvsock both 2 2000 300000"; }

# tries N REGEX COMMAND: in red, by its terminal, as it may have no sockets; what it says
# comes by the kept log
tries() {
	mktty -t "$BOOT_MS" "/dev/$(val red tty)" -s '' -w '# ' \
		-s "echo \"spawn: tried $1 \$($3) end\" >/dev/kmsg; echo do''ne" -w done &&
		said red "tried $1 " && matches "what it says" "$(told red "tried $1 ")" "^$2 end$"
}
# The spawn asks for the host's port 2000
host_gone() { tries "$1" "ENODEV ms=[0-9]{1,3}" "/mk/bin/mkvsock connect 2 2000"; } # N
red_gone() { matches connect "$(mkvsock connect "$red" 1024)" "^ENODEV ms=[0-9]{1,3}$"; }
answers() { mkwrite "$DBG/red/ping" 20 && has "$DBG/red/ping" "count=20 lost=0"; }

mkdir -p "$T/root/mk/bin" "$T/root/mk/modules" && cp "$(command -v mkvsock)" "$T/root/mk/bin/" &&
	cp $M/multikernel_vsock.ko "$T/root/mk/modules/" && initrd_with "$T/root" >"$T/initrd"
INITRD=$T/initrd
rm -rf "$T/root"

# --- vhost_vsock is first ----------------------------------------------------

check "vhost_vsock loads" load vhost_vsock
check "it has its device" [ -c /dev/vhost-vsock ]
klog_mark
check "ours comes too late" refuses multikernel_vsock
# busybox's insmod tries twice
second() {
	local said
	said=$(klog "$MARK" | mk_lines | sort -u)
	equal "number of log lines" "$(echo "$said" | grep -c '')" 1 &&
		matches "log line" "$said" \
			"^multikernel: vsock: no sockets: another transport, such as vhost_vsock, came first"
}
check "one line of the log says why" second
check "an instance starts" eval 'mk_create name=red cpus=2-3 memory=128M &&
	mk_load red mk.spawn=vsock,getty && mk_start red'
red=$(val red cid)
check "it has a CID all the same" equal cid "$red" $(($(val red id) + 2))
check "it answers pings" answers
check "the spawn: connect to the host, ENODEV at once" host_gone 1
check "the host: connect to it, ENODEV at once" red_gone

# --- ours is first -----------------------------------------------------------

check "vhost_vsock unloads" unload vhost_vsock
check "now ours loads" load multikernel_vsock
mkvsock server 2000 >"$T/server" &
check "the host serves" until_says "$T/server" "serves 2001"
check "the spawn that runs has sockets at once" talks
check "now vhost_vsock comes too late" refuses vhost_vsock
check "... and nothing changes" talks

# --- a module with users -----------------------------------------------------

mkvsock hold "$red" 1024 >"$T/hold" 2>&1 &
hold=$!
check "a connection" until_says "$T/hold" "^connected"
in_use() {
	local said
	said=$(unload multikernel_vsock 2>&1) && { echo "it was unloaded"; return 1; }
	grep "^multikernel_vsock" /proc/modules
	talks
}
check "it can't be unloaded under it" in_use
kill $hold
# The rest of a connection that was closed goes a moment later
unloads() {
	local tries=0
	until unload multikernel_vsock 2>"$T/rmmod"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || { cat "$T/rmmod" /proc/modules; return 1; }
		usleep 100000
	done
}
check "it can when that has ended" unloads
check "its counters are gone" [ ! -e $STATS ]
check "the spawn: connect to the host, ENODEV at once" host_gone 2
check "the spawn answers pings" answers
check "vhost_vsock loads and unloads" eval 'load vhost_vsock && unload vhost_vsock'
turns() {
	local i=0
	while [ $i -lt $TURNS ]; do
		i=$((i + 1))
		{ load multikernel_vsock && talks && unloads; } || { echo "in turn $i"; return 1; }
	done
}
check "ours loads, talks and unloads $TURNS times" turns
check "once more, for the rest" eval 'load multikernel_vsock && talks'
check "kill" mk_kill red

# --- in a spawn --------------------------------------------------------------

check "a spawn without it" eval 'mk_load red "initcall_blacklist=mk_vsock_init mk.spawn=getty" &&
	mk_start red'
check "there is no socket to it" red_gone
check "it loads ours as a module" tries 3 loaded \
	"insmod /mk/modules/multikernel_vsock.ko && echo loaded"
check "it talks" eval '
	tries 4 "" "/mk/bin/mkvsock server 1024 >/tmp/server 2>&1 & echo \$! >/tmp/pid" && talks'
unload='until rmmod multikernel_vsock || [ $((n += 1)) -gt 300 ]; do usleep 100000; done'
check "it unloads it" tries 5 "" "kill \$(cat /tmp/pid); $unload; cat /proc/modules"
check "there is no socket to it any more" red_gone
check "stop, and unload ours" eval 'mk_stop red && unloads'
