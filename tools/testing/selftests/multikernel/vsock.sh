#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us; the spawn expands
# AF_VSOCK between host and spawns, and between spawns that are linked.
. "$(dirname "$0")/lib.sh"
plan 87

MIB16=16777216
STATS=/sys/kernel/debug/multikernel_vsock
need $STATS CONFIG_MULTIKERNEL_VSOCKETS
exec 4>&1

# --- what a spawn needs besides the base: mkvsock; socat and dropbear if they are there --

no_socat() { [ ! -x /usr/bin/socat ] && echo "socat is missing"; }
no_ssh() {
	no_socat || { [ ! -x /usr/sbin/dropbear ] && echo "dropbear is missing"; } ||
		{ [ ! -x /usr/bin/dbclient ] && echo "dbclient is missing"; }
}

# put PROGRAM...: below $T/root, with the libraries that it is linked to
put() {
	local p f
	for p; do
		for f in "$p" $(LD_TRACE_LOADED_OBJECTS=1 "$p" | sed -n 's/^.*[[:blank:]]\(\/[^ ]*\) (.*/\1/p'); do
			mkdir -p "$T/root${f%/*}" && cp -L "$f" "$T/root$f" || return
		done
	done
}

# Who has this key is root in the spawns
put_key() {
	local home=$T/root/root
	dropbearkey -t ed25519 -f "$T/key" >/dev/null 2>&1 &&
		dropbearkey -t ed25519 -f "$T/other" >/dev/null 2>&1 &&
		mkdir -p "$home/.ssh" "$T/root/etc" &&
		dropbearkey -y -f "$T/key" | grep "^ssh-ed25519 " >"$home/.ssh/authorized_keys" &&
		chmod -R go= "$home" && echo "root:x:0:0:root:/root:/bin/sh" >"$T/root/etc/passwd"
}

spawn_initrd() {
	mkdir -p "$T/root/mk/bin" && cp "$(command -v mkvsock)" "$T/root/mk/bin/" || return
	no_socat >/dev/null || put /usr/bin/socat || return
	no_ssh >/dev/null || { put /usr/sbin/dropbear /usr/bin/dropbearkey && put_key; } || return
	initrd_with "$T/root" >"$T/initrd"
	rm -rf "$T/root"
	INITRD=$T/initrd
}

served() { mkwait -b "$INST/$1/console" "mkvsock: serves 1025" "$BOOT_MS" >/dev/null; }
vs_create() { mk_create name="$1" cpus="$2" memory=192M split_core=1 && mk_load "$1" mk.spawn=vsock; }
vs_start() { mk_start "$1" && served "$1"; }

# stat_of NAME KEY: the host's counter of its packets
stat_of() { key "$2" "$(grep " name=$1 " $STATS)"; }

# on NAME COMMAND: run by the spawn's server
on() { mkvsock run "$(val "$1" cid)" 1024 "$2"; }

# errno_at_once ERRNO COMMAND...: mkvsock connect says this, and within a second
errno_at_once() {
	local want=$1 got
	shift
	got=$("$@")
	echo "$got"
	equal errno "${got%% *}" "$want" && between ms "${got##*ms=}" 0 999
}

ends_with_reset() { # FILE
	until_says "$1" '^send=' && has "$1" '^recv=ECONNRESET$' && has "$1" '^send=E(PIPE|CONNRESET)$'
}

check "an initramfs for the spawns" spawn_initrd
check "create two, load them" eval 'vs_create red 2 && vs_create blue 3'
red=$(val red cid)
blue=$(val blue cid)
check "the CID of each is its id and 2" eval 'equal red "$red" $(($(val red id) + 2)) &&
	equal blue "$blue" $(($(val blue id) + 2))'

# --- errors, at once ---------------------------------------------------------

check "connect to a CID without an instance" errno_at_once ENODEV mkvsock connect 4711 1024
check "connect to an instance that does not run" errno_at_once ENODEV mkvsock connect "$red" 1024
check "the same with a seqpacket" errno_at_once ENODEV mkvsock -s connect "$red" 1024
# There is a kernel, but nobody in it who could answer
unready() { # NAME CID STATE
	errno_at_once ENODEV mkvsock connect "$2" 1024 && equal "state of $1" "$(state "$1")" "$3"
}
control red start
check "connect to an instance that boots" unready red "$red" booting
check "red runs" eval 'wait_state red running && served red'
check "blue runs, without a vsock transport" eval '
	mk_load blue "initcall_blacklist=mk_vsock_init mk.spawn=view" && mk_start blue'
check "connect to it" unready blue "$blue" running
check "the spawn: connect to it, linked" eval 'mkwrite "$INST/red/links" +blue &&
	errno_at_once ECONNRESET on red "mkvsock connect $blue 1024" && mkwrite -- "$INST/red/links" -blue'
check "kill blue, load it with one" eval 'mk_kill blue && mk_load blue mk.spawn=vsock,getty'
check "connect to a port where nobody listens" errno_at_once ECONNRESET mkvsock connect "$red" 99
check "the same with a seqpacket" errno_at_once ECONNRESET mkvsock -s connect "$red" 99
check "a listener answers" mkvsock connect "$red" 1024
check "self/cid is what the host says" eval \
	'equal cid "$(on red "cat /sys/kernel/multikernel/self/cid")" "$red"'
check "the spawn: nobody listens at the host" errno_at_once ECONNRESET \
	on red "mkvsock connect 2 99"
check "the spawn: a CID without an instance" errno_at_once ECONNRESET \
	on red "mkvsock connect 4711 1024"
check "the spawn: an instance that it is not linked to" errno_at_once ECONNRESET \
	on red "mkvsock connect $blue 1024"
check "the spawn: its own CID is itself" on red "mkvsock connect $red 1024"

# --- data --------------------------------------------------------------------

mkvsock server 2000 >"$T/server" &
check "the host serves, too" until_says "$T/server" "serves 2001"

# A quarter of the reader's buffer is more than all that the writer may have under way
check "stream, host to spawn, a small buffer at the writer" \
	env MKVSOCK_BUFFER=32768 mkvsock send "$red" 1024 1000000
check "stream, spawn to host, a small buffer at the writer" \
	on red "MKVSOCK_BUFFER=32768 mkvsock send 2 2000 1000000"
check "stream, host to spawn, whose writer makes his buffer small" mkvsock shrink "$red" 1024 2000000
check "stream, spawn to host, whose writer makes his buffer small" \
	on red "mkvsock shrink 2 2000 2000000"
check "stream, host to spawn, odd sizes" mkvsock send "$red" 1024 1000003 4999
check "stream, spawn to host, odd sizes" on red "mkvsock send 2 2000 1000003 4999"
check "stream, 16 MiB both ways at once, host's call" mkvsock both "$red" 1024 $MIB16
check "stream, 16 MiB both ways at once, spawn's call" on red "mkvsock both 2 2000 $MIB16"
check "seqpacket, host to spawn" mkvsock -s send "$red" 1024 2000000 70000
check "seqpacket, spawn to host" on red "mkvsock -s send 2 2000 2000000 70000"
check "seqpacket, 4 MiB both ways at once" mkvsock -s both "$red" 1024 4194304 100000
check "seqpacket, each message as it was, host to spawn" mkvsock seq "$red" 1024 64
check "seqpacket, each message as it was, spawn to host" on red "mkvsock seq 2 2000 64"

many() {
	local i pids="" rc=0
	for i in 1 2 3 4 5 6 7 8; do
		mkvsock both "$red" 1024 1000000 $((i * 1000)) &
		pids="$pids $!"
	done
	for i in $pids; do
		wait "$i" || rc=1
	done
	return $rc
}
check "eight connections at once" many

# What waits for room is never gone: a writer of a stream gets his turn all the same
among_many() {
	local i pids="" rc=0
	for i in 1 2 3 4; do
		mkvsock -s send "$red" 1024 24000000 60000 >"$T/many$i" &
		pids="$pids $!"
	done
	for i in $pids; do
		kill -0 "$i" || rc=1
	done
	mkvsock send "$red" 1024 1000000 || rc=1
	cat "$T"/many?
	equal "those that had ended before it" "$(cat "$T"/many? | grep -c bytes=)" 0 || rc=1
	for i in $pids; do
		wait "$i" || rc=1
	done
	return $rc
}
check "a stream beside four seqpackets that fill the ring ends before they do" among_many

# --- who waits looks at the ring himself ----------------------------------------

POLL=/sys/module/multikernel/parameters/poll_us
was=$(cat $POLL)
# polls US: both kernels look at an empty ring for so long
polls() { echo "$1" >$POLL && on red "echo $1 >$POLL"; }
taken() { sed -n "s/^cid=$red .*taken=\([0-9]*\).*/\1/p" $STATS; }
check "poll_us 10000 in both" polls 10000
before=$(taken)
check "round trips" mkvsock rtt "$red" 1024 1000 64
check "the host took some answers from the ring" [ "$(taken)" -gt "$before" ]
for how in "" small all peek; do
	check "stream both ways, read ${how:-as it comes}, host's call" \
		env MKVSOCK_READ="$how" mkvsock both "$red" 1024 4000000 16000
done
check "stream both ways, peeked at, spawn's call" \
	on red "MKVSOCK_READ=peek mkvsock both 2 2000 4000000 70000"
check "back to poll_us $was" polls "$was"

# --- credit ------------------------------------------------------------------

# stopped FILE: where, and it is about the size of the receiver's buffer
stopped() { sed -n 's/^stopped=//p' "$1"; }
mkvsock fill "$red" 1024 2000000 /tmp/go >"$T/fill" 2>&1 &
fill=$!
check "a reader that does not read stops the host's writer" eval \
	'until_says "$T/fill" "^stopped=" && between bytes "$(stopped "$T/fill")" 4096 524288'
check "meanwhile another connection works" mkvsock send "$red" 1024 1000000
check "when it reads, nothing is missing" eval \
	'on red "touch /tmp/go" && wait $fill && has "$T/fill" "^bytes=2000000 bad=0"'
on red "mkvsock fill 2 2000 2000000 $T/go" >"$T/fill2" 2>&1 &
fill=$!
check "a reader that does not read stops the spawn's writer" eval \
	'until_says "$T/fill2" "^stopped=" && between bytes "$(stopped "$T/fill2")" 4096 524288'
check "when it reads, nothing is missing" eval \
	'touch "$T/go" && wait $fill && has "$T/fill2" "^bytes=2000000 bad=0"'

# --- two instances, links ----------------------------------------------------

check "start blue" vs_start blue
both_at_once() {
	local a b
	mkvsock both "$blue" 1024 4000000 &
	a=$!
	on blue "mkvsock both 2 2000 4000000" &
	b=$!
	mkvsock both "$red" 1024 4000000 && wait $a && wait $b
}
check "both at once" both_at_once

L=$INST/red/links
check "no links at first" eval 'equal red "$(cat $L)" "" && equal blue "$(val blue links)" ""'
check "still not linked" errno_at_once ECONNRESET on red "mkvsock connect $blue 1024"
expect_errno "a link to nobody" ENOENT $L +nobody "red: links: there is no 'nobody'"
expect_errno "a link to itself" EINVAL $L +red "red: links: 'red' can't be linked to itself"
expect_errno "a link without a sign" EINVAL $L blue "red: links: 'blue' is neither"
expect_errno "a link that is not there" ENOENT $L -blue "red: links: 'blue' is not linked"
check "link them" mkwrite $L +blue
check "both show it" eval 'equal red "$(cat $L)" blue && equal blue "$(val blue links)" red'
expect_errno "a link twice" EEXIST "$INST/blue/links" +red "blue: links: 'red' is linked already"
check "spawn to spawn, stream" on red "mkvsock both $blue 1024 4000000"
check "spawn to spawn, each message as it was" on blue "mkvsock seq $red 1024 64"
check "a reader in blue that does not read holds up nothing else" eval '
	on red "mkvsock fill $blue 1024 2000000 /tmp/go" >"$T/fill3" 2>&1 &
	fill=$!
	until_says "$T/fill3" "^stopped=" && mkvsock send "$red" 1024 1000000 &&
		on red "mkvsock send 2 2000 1000000" && on red "mkvsock send $blue 1024 1000000" &&
		on blue "touch /tmp/go" && wait $fill && has "$T/fill3" "^bytes=2000000 bad=0"'

# Who pours into blue is not the host's friend, nor is what blue does with it the host's
# affair: its other services go on. A machine without a free CPU may hold up a ping, too
keeps_up() {
	local n=0 late=0 i=0 before line=
	before=$(stat_of red forwarded)
	while [ $n -lt 100 ]; do
		five_pings blue || return
	done
	while [ $i -lt 5 ]; do
		i=$((i + 1))
		mktty -t 10000 "/dev/$(val blue tty)" -s "echo rou''nd $i" -w "round $i" || return
	done
	echo "# blue: $n pings, $late late, the last ones: $line;" \
		"$(($(stat_of red forwarded) - before)) packets came from red meanwhile" >&4
	between late $late 0 $((n / 10)) &&
		between "packets meanwhile" $(($(stat_of red forwarded) - before)) "$1" 100000000
}
# As many as fit into what may wait for blue when they go on: a packet of 16 KiB is twice
# as much with its overhead, see MK_VSOCK_ROUTE_MAX
stopped_two() {
	local i
	on blue "rm /tmp/go"
	for i in 1 2; do
		on red "mkvsock fill $blue 1024 2000000 /tmp/go" >"$T/full$i" 2>&1 &
	done
	for i in 1 2; do
		until_says "$T/full$i" "^stopped=" || return
	done
}
check "red pours into two readers in blue that do not read" stopped_two
# pour FILE COMMAND: red does that in three processes, again and again until "enough"
pour() {
	on red "rm -f /tmp/enough; for i in 1 2 3; do
		while [ ! -e /tmp/enough ]; do $2; done & done; wait" >"$1" 2>&1 &
	poured=$!
}
enough() { on red "touch /tmp/enough" && wait $poured; }
on blue "mkvsock deaf 1030 >/dev/null 2>&1 &"
# Each takes what a socket's buffer has room for, and ends
pour "$T/deaf" "timeout 1 mkvsock pour $blue 1030 16000000"
check "blue answers pings, and its tty, while red pours into new ones" keeps_up 12
check "enough" enough
pour "$T/poured" "mkvsock send $blue 1024 4000000"
check "... and while red pours into three that read" eval \
	'until_says "$T/poured" "^bytes=4000000 bad=0" && keeps_up 100'
nothing_missing() {
	local i
	enough && equal "what went wrong" "$(grep -v "^bytes=4000000 bad=0" "$T/poured")" "" &&
		on blue "touch /tmp/go" || return
	for i in 1 2; do
		until_says "$T/full$i" "^bytes=2000000 bad=0" || return
	done
}
check "nothing of all that is missing" nothing_missing

on red "mkvsock hold $blue 1024" >"$T/hold" 2>&1 &
until_says "$T/hold" "^connected" >/dev/null
check "unlink them" mkwrite -- $L -blue
check "their connection is reset" ends_with_reset "$T/hold"
check "and there is no new one" errno_at_once ECONNRESET on red "mkvsock connect $blue 1024"

# --- the end of an instance --------------------------------------------------

mkwrite $L +blue || exit
on red "mkvsock hold $blue 1024" >"$T/hold" 2>&1 &
mkvsock hold "$blue" 1024 >"$T/hold2" 2>&1 &
until_says "$T/hold" "^connected" >/dev/null && until_says "$T/hold2" "^connected" >/dev/null
check "kill blue" mk_kill blue
check "the host's connection to it is reset" ends_with_reset "$T/hold2"
check "red's connection to it is reset" ends_with_reset "$T/hold"
check "blue can't be reached at once" errno_at_once ENODEV mkvsock connect "$blue" 1024

# Who connects meanwhile has nobody who could answer; it must not take the time-out
sent() { stat_of blue sent; }
mk_set blue hang_timeout 0
mk_load blue mk.spawn=vsock,hang && mk_start blue
if ! hangs blue >"$T/why" 2>&1; then
	mk_kill blue
	skip "a connection that is being made is reset" "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
	skip "red's, too" "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
else
	before=$(sent)
	mkvsock connect "$blue" 1024 110 >"$T/pending" 2>&1 &
	on red "mkvsock connect $blue 1024 110" >"$T/pending2" 2>&1 &
	tries=0
	while [ "$(sent)" -lt $((before + 2)) ] && [ $tries -lt 300 ]; do
		tries=$((tries + 1))
		usleep 100000
	done
	mk_kill blue
	check "a connection that is being made is reset" until_says "$T/pending" '^ECONNRESET ms='
	check "red's, too" until_says "$T/pending2" '^ECONNRESET ms='
fi
mk_destroy blue
check "the link went with it" equal links "$(cat $L)" ""

# --- beside vhost_vsock ------------------------------------------------------

M=/mk/modules
if [ -f $M/vhost_vsock.ko ]; then
	# The first two may be there, or built in
	insmod $M/vhost_iotlb.ko 2>/dev/null
	insmod $M/vhost.ko 2>/dev/null
	late_comer() {
		local said
		said=$(insmod $M/vhost_vsock.ko 2>&1) && { echo "it was loaded"; return 1; }
		matches insmod "$said" "[Bb]usy" && mkvsock send "$red" 1024 100000
	}
	check "vhost_vsock comes too late, and nothing changes" late_comer
else
	skip "vhost_vsock comes too late, and nothing changes" "vhost_vsock.ko is missing"
fi

# --- stock tools -------------------------------------------------------------

if ! no_socat >"$T/missing"; then
	socat_to_spawn() {
		local tries=0
		on red "socat -u VSOCK-LISTEN:3000 CREATE:/tmp/got >/dev/null 2>&1 </dev/null &"
		head -c 1000000 /dev/urandom >"$T/rnd"
		# Refused until that one listens
		while ! socat -u "OPEN:$T/rnd" "VSOCK-CONNECT:$red:3000" 2>"$T/socat"; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || { cat "$T/socat"; return 1; }
			usleep 100000
		done
		tries=0
		until [ "$(on red "md5sum </tmp/got")" = "$(md5sum <"$T/rnd")" ]; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || { on red "ls -l /tmp/got"; return 1; }
			usleep 100000
		done
	}
	check "socat, host to spawn" socat_to_spawn
	socat VSOCK-LISTEN:3001,fork EXEC:"md5sum" 2>"$T/socat2" &
	socat_to_host() {
		local got
		on red "until mkvsock connect 2 3001 >/dev/null || [ \$((n += 1)) -gt 100 ]; do usleep 100000; done"
		got=$(on red "socat -t 30 STDIO VSOCK-CONNECT:2:3001 </tmp/got")
		matches md5 "$got" "^$(md5sum <"$T/rnd" | cut -d' ' -f1)"
	}
	check "socat, spawn to host" socat_to_host
else
	skip "socat, host to spawn" "$(cat "$T/missing")"
	skip "socat, spawn to host" "$(cat "$T/missing")"
fi

if ! no_ssh >"$T/missing"; then
	# log_in KEY COMMAND: in red, which has no network
	log_in() {
		timeout 60 dbclient -y -y -i "$1" -J "socat - VSOCK-CONNECT:$red:22" root@red "$2"
	}
	sshd() {
		local tries=0
		on red "dropbearkey -t ed25519 -f /tmp/host_key" || return
		on red "socat VSOCK-LISTEN:22,fork EXEC:'dropbear -i -s -r /tmp/host_key' >/dev/null 2>&1 </dev/null &"
		until mkvsock connect "$red" 22; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || return
			usleep 100000
		done
	}
	ssh_runs() {
		local said
		sshd || return
		said=$(log_in "$T/key" "cat /sys/kernel/multikernel/self/name; tty; exit 42" </dev/null)
		equal "exit status" $? 42 && equal output "$(echo "$said" | xargs)" "red not a tty"
	}
	check "ssh, host to spawn: what a command says, and its exit status" ssh_runs
	ssh_data() {
		head -c 1000000 /dev/urandom >"$T/rnd"
		log_in "$T/key" "tee /tmp/got" <"$T/rnd" >"$T/back" && cmp "$T/rnd" "$T/back" &&
			equal md5 "$(on red "md5sum </tmp/got")" "$(md5sum <"$T/rnd")"
	}
	check "ssh, 1 MB to it, and back" ssh_data
	ssh_refused() {
		local said
		said=$(log_in "$T/other" true 2>&1 </dev/null) && { echo "it was let in"; return 1; }
		matches answer "$said" "No auth methods could be used"
	}
	check "ssh, with another key nobody gets in" ssh_refused
else
	skip_some 3 "ssh, host to spawn" "$(cat "$T/missing")"
fi
check "the counters count" has $STATS "^cid=$red name=red received=[1-9][0-9]* sent=[1-9]"
check "stop red" mk_stop red
