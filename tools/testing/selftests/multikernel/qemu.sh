#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boot a kernel in QEMU, in bounded time, and keep what it says.
#
#	qemu.sh --kernel BZIMAGE --initrd CPIO --log PREFIX [options]
#	  --append WORDS    kernel command line, after console=ttyS0 no_timer_check and, with
#	                    TCG, tsc=nowatchdog: where many guests share few CPUs an emulated
#	                    timer is so late that a kernel takes it for broken, and panics, or
#	                    takes the TSC, which is the machine's own, for it: no host any more
#	  --timeout S       end the guest after that long (default 120)
#	  --cpu MODEL       (default max)
#	  --smp N --mem SIZE --accel kvm|tcg    (defaults 4, 2G, the better that works)
#	  --show all|story|none   what goes to the screen while it runs (default all);
#	                    story: the scripts' lines and the host's multikernel lines
#	  --shell           interactive: the guest's console is this terminal
#	  --stamp PROGRAM   pipe the console through PROGRAM on its way to the log, and the
#	                    firmware's debug port with it ("Booting from ROM": kernel next)
#	  --icount          the clock counts instructions: the same in every run
#	  --ram FILE        the guest's memory is that file
#	  --bios FILE       instead of QEMU's own firmware; OVMF is EFI
#	  --x2apic          local APICs in x2APIC mode, with ids above 255 from CPU 2 on: TCG
#	                    has it since QEMU 9
#	  --ports           PREFIX.ports gets who touched which device, see ports.awk; with TCG
#
# In $QEMU another qemu-system-x86_64.
#
# Kept: PREFIX.console (ttyS0: the kernel) and PREFIX.out (ttyS1: the scripts' lines,
# apart, since a kernel line would cut them), PREFIX.log (both, as they came).
# Exit: 0 the guest ended by itself, 124 it had to be ended, 130 interrupted, else QEMU's.

set -u
kernel='' initrd='' log='' append='' timeout=120 cpu=max smp=4 mem=2G accel='' show=all shell=0 stamp='' ports=0 icount=0 ram='' bios='' x2apic=0
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=$2; shift ;;
	--initrd) initrd=$2; shift ;;
	--log) log=$2; shift ;;
	--append) append=$2; shift ;;
	--timeout) timeout=$2; shift ;;
	--cpu) cpu=$2; shift ;;
	--smp) smp=$2; shift ;;
	--mem) mem=$2; shift ;;
	--accel) accel=$2; shift ;;
	--show) show=$2; shift ;;
	--shell) shell=1 ;;
	--ports) ports=1 ;;
	--icount) icount=1 ;;
	--stamp) stamp=$2; shift ;;
	--ram) ram=$2; shift ;;
	--bios) bios=$2; shift ;;
	--x2apic) x2apic=1 ;;
	*) echo "qemu.sh: unknown option '$1'" >&2; exit 2 ;;
	esac
	shift
done
: "${kernel:?--kernel is missing}" "${log:?--log is missing}"
# First of all: nobody may take what an earlier run said for what this one says
mkdir -p "$(dirname "$log")"
: >"$log.console"
: >"$log.out"
: >"$log.log"
for f in "$kernel" ${initrd:+"$initrd"} ${bios:+"$bios"}; do
	[ -f "$f" ] || { echo "qemu.sh: no file $f" >&2; exit 2; }
done
QEMU=${QEMU:-qemu-system-x86_64}
if ! command -v "$QEMU" >/dev/null; then
	echo "qemu.sh: $QEMU is missing" >&2
	exit 2
fi

# KVM must really work: a device that opens, on a CPU that has the extension.
kvm_works() {
	grep -qwE 'vmx|svm' /proc/cpuinfo && (: <>/dev/kvm) 2>/dev/null
}
[ "$icount" = 0 ] || accel=tcg,thread=single
# A local APIC that is KVM's is in no trace of QEMU's
[ "$ports" = 0 ] || accel=tcg
if [ -z "$accel" ]; then
	if kvm_works; then accel=kvm; else accel=tcg; fi
fi
case $accel in
tcg) accel=tcg,thread=multi ;;
kvm)
	kvm_works || echo "qemu.sh: KVM does not work on this machine, it seems; ACCEL=tcg does" >&2
	;;
tcg,*) ;;
*) echo "qemu.sh: accel is kvm or tcg, not '$accel'" >&2; exit 2 ;;
esac

words="console=ttyS0 no_timer_check"
case $accel in tcg*) words="$words tsc=nowatchdog" ;; esac
cpus=(-smp "$smp")
if [ "$x2apic" = 1 ]; then
	# Two sockets of 129 cores, most of which are not there.  A kernel takes the mode with
	# interrupt remapping only, and does not trust a TSC that several sockets have
	words="$words tsc=reliable"
	n=$smp
	cpus=(-smp "2,maxcpus=258,sockets=2,cores=129,threads=1" -device "intel-iommu,intremap=on,eim=on")
	while [ "$n" -gt 2 ]; do
		n=$((n - 1))
		cpus+=(-device "${cpu%%,*}-x86_64-cpu,socket-id=1,core-id=$((n * 5)),thread-id=0")
	done
	case $accel in kvm*) cpus+=(-machine kernel-irqchip=split) ;; esac
fi
qemu=("$QEMU" -nodefaults -no-user-config -display none -monitor none
	-no-reboot -M q35 -cpu "$cpu" -accel "$accel" "${cpus[@]}" -m "$mem"
	${bios:+-bios "$bios"}
	-kernel "$kernel" ${initrd:+-initrd "$initrd"} -append "$words $append")

if [ "$icount" = 1 ]; then
	qemu+=(-icount "shift=1,sleep=off" -seed 1 -rtc "base=2026-01-01,clock=vm")
fi
if [ -n "$ram" ]; then
	# The guest's memory is a file: what it leaves at a known place can be taken from there
	qemu+=(-object "memory-backend-file,id=ram,size=$mem,mem-path=$ram,share=on"
		-machine memory-backend=ram)
fi
if [ "$shell" = 1 ]; then
	# Ctrl-C belongs to the guest; Ctrl-A x ends QEMU.
	exec "${qemu[@]}" -chardev stdio,id=c,signal=off,mux=on,logfile="$log.console" \
		-serial chardev:c
fi

if [ "$ports" = 1 ]; then
	# Through a pipe: the trace itself is hundreds of megabytes
	rm -f "$log.fifo"
	mkfifo "$log.fifo"
	qemu+=(-trace "memory_region_ops_read" -trace "memory_region_ops_write" -D "$log.fifo")
	awk -f "$(dirname "$0")/ports.awk" <"$log.fifo" >"$log.ports" &
	reader=$!
fi
if [ -n "$stamp" ]; then
	qemu+=(-chardev "stdio,id=c,mux=on,signal=off" -serial chardev:c
		-device "isa-debugcon,iobase=0x402,chardev=c")
	"${qemu[@]}" </dev/null > >("$stamp" >"$log.console") 2>&1 &
else
	qemu+=(-serial stdio -serial "file:$log.out")
	"${qemu[@]}" </dev/null >"$log.console" 2>&1 &
fi
pid=$!

end_guest() {
	local i
	kill -TERM "$pid" 2>/dev/null
	# shellcheck disable=SC2034 # only counts
	for i in 1 2 3 4 5 6 7 8 9 10; do
		kill -0 "$pid" 2>/dev/null || return
		sleep 0.2
	done
	kill -KILL "$pid" 2>/dev/null
}
trap 'end_guest; exit 130' INT TERM HUP
trap 'end_guest' EXIT

# Whole lines only, so that the two sources never mix within one; without what EFI's firmware
# has for a terminal.
follow() {
	tail -n +1 -s 0.2 -f --pid="$pid" "$1" 2>/dev/null | sed -u 's/\r//g; s/\x1b\[[=?0-9;]*[A-Za-z]//g' | tee -a "$log.log"
}
case $show in
all) story=() ;;
story) story=(sed -u -n -e '/multikernel: /p' -e '/Kernel panic/p' -e '/BUG:/p' -e '/^qemu/p') ;;
none) story=(sed -n '') ;;
*) echo "qemu.sh: show is all, story or none" >&2; exit 2 ;;
esac
if [ "$show" = all ]; then
	follow "$log.console" &
else
	follow "$log.console" | "${story[@]}" &
fi
f1=$!
if [ "$show" = none ]; then
	follow "$log.out" >/dev/null &
else
	follow "$log.out" &
fi
f2=$!

rc=0
end=$((SECONDS + timeout))
while kill -0 "$pid" 2>/dev/null; do
	if [ "$SECONDS" -ge "$end" ]; then
		echo "qemu.sh: no end within $timeout s, the guest is ended by force" | tee -a "$log.log" >&2
		end_guest
		rc=124
	fi
	sleep 0.2
done
wait "$pid" 2>/dev/null || { [ "$rc" != 0 ] || rc=$?; }
trap - EXIT
if [ "$ports" = 1 ]; then
	# Had QEMU never opened it, awk would wait for a writer: be one, for a moment
	: <>"$log.fifo"
	wait "$reader"
	rm -f "$log.fifo"
fi
# The followers end when QEMU is gone; they may need a moment for the last lines.
wait "$f1" "$f2" 2>/dev/null
if [ "$rc" != 0 ] && [ "$show" != all ]; then
	echo "--- last lines of $log.console:" >&2
	tail -n 25 "$log.console" | tr -d '\r' >&2
fi
exit "$rc"
