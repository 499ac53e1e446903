#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC3043 # busybox ash
# The host goes down with spawns running. mk.down=reboot|poweroff says how,
# mk.seconds=N how long they get. What the host's log has to say is looked at by
# dev/check.sh, since nobody here lives to see it.
#	obeys	powers off when it is asked
#	deaf	does not
#	again	is about to be started again
MK=/sys/kernel/multikernel
INST=$MK/instances
K=/mk/bzImage
PARAM=/sys/module/multikernel/parameters
how=$(sed -n -E 's/.*mk\.down=([a-z]+).*/\1/p' /proc/cmdline)
seconds=$(sed -n -E 's/.*mk\.seconds=([0-9]+).*/\1/p' /proc/cmdline)
. /mk/tap.sh

up() { # NAME CPU [CMDLINE]
	mkwrite $MK/create "name=$1 cpus=$2 memory=128M split_core=1" &&
		mkload -i "$(cat "$INST/$1/id")" -r /mk/base.cpio.gz -c "kunit.enable=0 ${3:-}" $K &&
		mkwrite "$INST/$1/control" start
}
running() { mkwait "$1" running 90000; }

# refused FILE WORDS: from some moment on the answer is that the host is going down
refused() {
	local tries=200
	while [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		case $(mkwrite "$1" "$2" 2>&1) in
		*ESHUTDOWN*) return ;;
		esac
		usleep 50000
	done
	return 1
}

echo "TAP version 13"
if [ "$seconds" = 0 ]; then
	echo "1..3"
else
	echo "1..7"
fi
echo "$seconds" >$PARAM/reboot_timeout
result "one that obeys" up obeys 1
result "one that is deaf" up deaf 2 mk.spawn=nostop
if [ "$seconds" = 0 ]; then
	result "they run" eval 'running obeys && running deaf'
	"$how" -f
	exit
fi
result "one that is about to be started again" up again 3
result "they run" eval 'running obeys && running again &&
	mkwait -f $INST/deaf/console "spawn: nostop done" 90000'
result "a restart is asked for" mkwrite $INST/again/control restart
(
	result "nothing is created any more" refused $MK/create "name=late cpus=3 memory=64M"
	# It may be dead by then, or be stopping
	result "nor is anything started" refused $INST/obeys/control start
) &
# The two above are asked meanwhile, until the deaf one's time is over
"$how" -f
