#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All tests. Each part is a QEMU run of its own with a log of its own.
#	mkctl   the tool against files of its own, without a guest
#	kexec-tools  Debian's, with our patch: applies, builds, says no
#	series  the quick part of check-series
#	check   debug kernel: KUnit while it boots, then the selftests; and smt.sh,
#		microcode.sh and vhost.sh on a machine that has threads and shows no
#		hypervisor, with the plain kernel, without its vsock transport; and
#		some on a machine that OVMF booted, with local APICs in x2APIC mode and
#		ids above 255
#	soak    debug kernel: ten lives of a random mix
#	demo    plain kernel: the main job
#	kexec   plain kernel: ordinary kexec and a kdump load by Debian's kexec-tools, beside
#		a spawn
#	down    plain kernel: reboot and poweroff with spawns running
#	ports   plain kernel: what a spawn touches of the machine
#	vmcore  plain kernel: the core of a spawn that panicked, read by Debian's drgn
#	pool    plain kernel: multikernel= with good and bad values
#	acpi    plain kernel: a pool where ACPI tables lie
#	icount  plain kernel: instructions for a message, against what is kept
#	kdump   plain kernel: a crash ends in the crash kernel, for the spawn too
#	crash   plain kernel: without one the spawn goes on until the machine resets
#	triple  plain kernel: a triple fault of a spawn ends the machine, see isolation.rst
# With FLAVOUR=kasan or kcsan it is only the first part, on a kernel with KASAN or KCSAN
# (spawns of the latter boot the plain one).
# The last line is "N passed, N failed".
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/judge.sh"

# TESTS: a wrong name would be found in the guest only, after both builds
tests=$(find "$TOP/tools/testing/selftests/multikernel" -name "*.sh" -printf "%f\n" | sed "s/[.]sh$//" |
	grep -vxE "lib|end_all|contain_lib|qemu|run-tests" | sort)
for t in ${TESTS//,/ }; do
	grep -qxF -- "$t" <<<"$tests" || die "TESTS: there is no test '$t'; there are: ${tests//$'\n'/ }"
done

[ -z "${OVMF:-}" ] || [ -f "$OVMF" ] || die "OVMF: there is no file '$OVMF'"

flavour=${FLAVOUR:-debug}
case $flavour in
debug | kasan | kcsan) ;;
*) die "the tests' FLAVOUR is debug, kasan or kcsan, not '$flavour'" ;;
esac

# Before the guest's archive is made: the program goes into it
say "kexec-tools, with our patch"
judge_script kexec-tools "$TOP/dev/kexec-tools.sh"

export LOG_PREFIX=check-	# a demo of its own may run meanwhile
export SMP=4			# the tests count on it
"$TOP/dev/kernel.sh" plain "$flavour"

# part FLAVOUR MODE TIMEOUT [--ports | --x2apic | --bios FILE | --ram FILE]... [judge settings]
part() {
	local flavour=$1 mode=$2 timeout=$3 rc=0 start=$SECONDS more=()
	shift 3
	say "$mode, on the $flavour kernel"
	while :; do
		case ${1:-} in
		--ports | --x2apic) more+=("$1"); shift ;;
		--bios | --ram) more+=("$1" "$2"); shift 2 ;;
		*) break ;;
		esac
	done
	"$TOP/dev/run.sh" "$flavour" "$mode" --show "${SHOW:-story}" --timeout "$timeout" \
		"${more[@]}" || rc=$?
	[ "$rc" != 130 ] || exit 130
	judge "$mode" "$LOGS/$LOG_PREFIX$flavour-$mode" "$rc" "$@"
	say "$mode took $((SECONDS - start)) s"
}

say "mkctl, without a kernel"
mkdir -p "$OUT/mkctl-check"
tools=$("$TOP/dev/host-tools.sh") || tools=	# then their tests are skipped
if mkctl=$(PATH=${tools:+$tools:}$PATH make -s -C "$TOP/tools/multikernel/mkctl" CC=gcc OUTPUT="$OUT/mkctl-check/" check 2>&1); then
	skips=$(sed -n 's/^ok [0-9]* \(.*\) # SKIP \(.*\)/\1: \2/p' <<<"$mkctl")
	count_pass "mkctl: $(grep '^ok' <<<"$mkctl" | grep -vc '# SKIP') tests"
	[ -z "$skips" ] || while IFS= read -r s; do count_skip "mkctl: $s"; done <<<"$skips"
else
	count_fail "mkctl: $(grep '^not ok' <<<"$mkctl" || tail -n 3 <<<"$mkctl")"
fi

say "the patch series: complete, and as the tree"
if series=$("$TOP/dev/check-series.sh" quick 2>&1); then
	count_pass "series: $(tail -n 1 <<<"$series")"
else
	count_fail "series: $(grep -E '^(error|  FAILED|    )' <<<"$series" || tail -n 3 <<<"$series")"
fi

append=crashkernel=128M
[ "$flavour" != kcsan ] || append="$append mk.kernel=plain"
# See kunit.sh
[ "$flavour" != kasan ] || append="$append no5lvl"
MK_APPEND="$append ${MK_APPEND:-}" part "$flavour" check "${TIMEOUT:-3600}" -v kunit=1 -v tap=1
if [ "$flavour" != debug ]; then
	total
	exit
fi

# A short soak, the same each time
N=10 SEED=1 MK_APPEND="crashkernel=128M kunit.enable=0" part "$flavour" soak 600 -v tap=1

# Two cores of two threads, so that half of a core can be asked for
# and no hypervisor that the microcode loader would see; vhost.sh loads our transport
# as a module
LOG_PREFIX=check-smt- SMP=4,cores=2,threads=2 MK_CPU=max,family=23,-hypervisor \
	TESTS=smt,microcode,vhost MK_APPEND=initcall_blacklist=mk_vsock_init \
	part plain check 400 -v tap=1

# What most machines have, and QEMU's have not: EFI, and local APICs in x2APIC mode
modern=()
ovmf=${OVMF:-/usr/share/ovmf/OVMF.fd}
if [ -f "$ovmf" ]; then
	modern+=(--bios "$ovmf")
else
	count_skip "modern: no OVMF in $ovmf; OVMF=FILE says where it is"
fi
if new=$("$TOP/dev/qemu-new.sh"); then
	modern+=(--x2apic)
else
	count_skip "modern: $(tail -n 1 <<<"$new")"
	new=
fi
# modern_has OPTION FILE WHAT REGEX: with that option the guest's log has it
modern_has() {
	[[ " ${modern[*]} " == *" $1 "* ]] || return 0
	if grep -qE -- "$4" <(tr -d '\r' <"$LOGS/check-modern-debug-check.$2"); then
		count_pass "modern: $3"
	else
		count_fail "modern: not so: $3"
	fi
}
if [ "${#modern[@]}" -gt 0 ]; then
	QEMU=$new LOG_PREFIX=check-modern- TESTS=cpu,isolation,guard,kill \
		MK_APPEND="crashkernel=128M kunit.enable=0" \
		part debug check 500 "${modern[@]}" -v tap=1
	modern_has --bios out "EFI booted the host" '^ok [0-9]+ isolation: the host found EFI$'
	modern_has --x2apic console "its local APICs are in x2APIC mode" 'APIC: Switched APIC routing to: cluster x2apic'
	modern_has --x2apic out "and so are the spawn's" '^web\| .*APIC: Switched APIC routing to: physical x2apic'
fi

part plain demo 180
if grep -q '^demo: PASS' "$LOGS/${LOG_PREFIX}plain-demo.out"; then
	count_pass "demo"
else
	count_fail "demo: $(grep '^demo: FAIL' "$LOGS/${LOG_PREFIX}plain-demo.out" | tr -d '\r' || echo 'no verdict')"
fi

# What a spawn touches of the machine, in lives with several ends, by QEMU's own account: its
# local APICs, nothing else
part plain ports 240 --ports -v tap=1
ports=$LOGS/${LOG_PREFIX}plain-ports.ports
if ! grep -qx 'marks 2' "$ports"; then
	count_fail "ports: QEMU did not trace all of a spawn's lives"
elif awk '$1 ~ /^[23]$/ && $2 != "\047apic-msi\047"' "$ports" | grep .; then
	count_fail "ports: a spawn touched a device (CPU, device, operation, address, times)"
elif ! awk '$1 ~ /^[23]$/ && $2 == "\047apic-msi\047" { n += $NF } END { exit n < 1 }' "$ports"; then
	count_fail "ports: not even its local APICs were seen in QEMU's trace"
else
	count_pass "ports: a spawn touched its local APICs, $(awk '$1 ~ /^[23]$/ { n += $NF } END { print n + 0 }' "$ports") times, and no other device"
fi

say "vmcore, on the plain kernel"
judge_script vmcore "$TOP/dev/vmcore.sh"

say "icount, on the plain kernel"
if icount=$("$TOP/dev/icount.sh"); then
	count_pass "icount: $(grep instructions <<<"$icount" | tr -s ' \n' ' ')"
else
	count_fail "icount: $(tail -n 3 <<<"$icount" | tr -s ' \n' ' ')"
fi

# logged LOG NAME REGEX: the host says so, when nobody is left to say it for it
logged() {
	if grep -Eq -- "multikernel: $3" <(tr -d '\r' <"$LOGS/$LOG_PREFIX$1.console"); then
		count_pass "$2"
	else
		count_fail "$2: no line '$3' in $LOGS/$LOG_PREFIX$1.console"
	fi
}
never() {
	if tr -d '\r' <"$LOGS/$LOG_PREFIX$1.console" | grep -E -- "multikernel: $3"; then
		count_fail "$2"
	else
		count_pass "$2"
	fi
}

# A pool that can't be had, that was asked for wrongly, at a fixed place
LOG_PREFIX=check-large- MK_POOL=64G MK_APPEND=mk.pool=0 part plain pool 60 -v tap=1
LOG_PREFIX=check-rubbish- MK_POOL=rubbish MK_APPEND=mk.pool=0 part plain pool 60 -v tap=1
LOG_PREFIX=check-placed- MK_POOL=256M@0x40000000 MK_APPEND="nokaslr mk.pool=268435456" part plain pool 60 -v tap=1

# Firmware that calls the memory of its ACPI tables RAM, and a pool that is asked for just
# there. Without an initrd, which QEMU puts beside the tables: it ends in a panic
"$QEMU_SH" --kernel "$OUT/plain/bzImage" --log "$LOGS/${LOG_PREFIX}plain-acpi" --smp 1 --mem 1G \
	--accel "$ACCEL" --append "nokaslr panic=-1 multikernel=2M@0x3fe00000 memmap=128K%0x3ffe0000-2+1" \
	--show none --timeout 60 || :
logged plain-acpi "pool: it is kept off ACPI tables that lie in RAM" \
	"no 2 MiB of free memory at 0x3fe00000, the pool stays empty"

MK_APPEND=crashkernel=128M part plain kexec 120 -v tap=1
logged plain-kexec "kexec: the spawn powered off first" "web: stopping -> stopped: poweroff"
logged plain-kexec "kexec: its CPU was free" "going down: 1 lent CPUs are idle, 0 did not"

LOG_PREFIX=check-reboot- MK_APPEND="mk.down=reboot mk.seconds=20" part plain down 300 -v tap=1
down=reboot-plain-down
logged $down "reboot: who obeys powers off" "obeys: stopping -> stopped: poweroff"
logged $down "reboot: who is deaf is killed" "deaf: did not power off within 20 s, is killed"
logged $down "reboot: and has ended" "deaf: stopping -> stopped: killed"
logged $down "reboot: who was to start again is stopped" "again: stopping -> stopped: poweroff"
never $down "reboot: and is not started" "again: stopped -> booting"
logged $down "reboot: all CPUs were free" "going down: 3 lent CPUs are idle, 0 did not"

LOG_PREFIX=check-poweroff- MK_APPEND="mk.down=poweroff mk.seconds=0" part plain down 240 -v tap=1
down=poweroff-plain-down
logged $down "poweroff: who obeys is killed, as no time is given" "obeys: running -> stopped: killed"
logged $down "poweroff: who is deaf is killed" "deaf: running -> stopped: killed"
logged $down "poweroff: all CPUs were free" "going down: 2 lent CPUs are idle, 0 did not"

MK_APPEND=crashkernel=128M part plain kdump 240 -v tap=1 -v crash=1

# What is open until the machine resets, 20 s later: by then the spawn has written some lines
# more, 20 a second, into the memory that QEMU leaves behind
ram=$OUT/crash.ram
rm -f "$ram"
MK_APPEND=panic=20 part plain crash 120 --ram "$ram" -v tap=1 -v crash=1
read -r head bytes < <(sed -n -E 's/^crash: head=(0x[0-9a-f]+) bytes=([0-9]+).*/\1 \2/p' "$LOGS/${LOG_PREFIX}plain-crash.out") || :
if now=$(od -A n -t u8 -j "${head:-none}" -N 8 "$ram") && [ "$((now))" -ge $((bytes + 1000)) ]; then
	count_pass "crash: the spawn ran on, and wrote $((now - bytes)) bytes"
else
	count_fail "crash: at ${head:-?} there is ${now:-nothing}, the spawn had written ${bytes:-nothing} before"
fi
rm -f "$ram"

# What is open: it ends QEMU, which is not to start the machine again, and no kernel panics.
# By a fault of a running spawn, and by a kernel without a first instruction
triple() { # LOG LAST_STATE
	logged "$1" "triple: the spawn was $2" "web: .* -> $2"
	if grep -q '^triple: the machine goes on' "$LOGS/$LOG_PREFIX$1.out"; then
		count_fail "triple: the machine goes on: isolation.rst says that it does not"
	else
		count_pass "triple: the machine ended, as isolation.rst says"
	fi
}
part plain triple 120 -v tap=1
triple plain-triple running
LOG_PREFIX=check-entry- MK_APPEND=mk.triple=entry part plain triple 120 -v tap=1
triple entry-plain-triple booting
never entry-plain-triple "triple: without an entry nothing of it ran" "web: booting -> "

total
