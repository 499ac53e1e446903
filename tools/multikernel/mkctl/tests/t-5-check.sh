# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2016,SC2086,SC2154
# check: what it finds, and its exit status

it "a machine that fits" eval 'ok check && has "$T/out" "can run instances" "^ok +pool +512M, 512M free" "^ok +CPUs +1-7 can be lent" "^ok +clock +tsc" && lacks "$T/out" "^(FAIL|warn)"'
checked() { # RESULT WHAT TEXT
	mkctl check
	has "$T/out" "^$1 +$2 +.*$3" && case $1 in FAIL) status 11 && has "$T/out" "can't run" ;; *) status 0 ;; esac
}
it "CPUs that are lent" eval 'up web 2-3 && checked note CPUs "2-3 are lent already" && has "$T/out" "^ok +CPUs +1,4-7 can" && ok destroy web --kill'
P=$MK/pool
echo 3 >"$P/lost"; file sys/devices/system/cpu/online 0-2,4-7
it "a CPU that did not answer" eval 'checked warn CPUs "3 did not answer, and are lost" && has "$T/out" "asks once more" && lacks "$T/out" "are offline"'
machine
echo 0 >"$P/memory_total"; echo 0 >"$P/memory_free"
it "a pool that was not to be had" checked FAIL pool "though multikernel= was given"
file proc/cmdline "ro quiet"
it "no pool" checked FAIL pool "empty"
it "... and what to do" has "$T/out" "-> boot with multikernel=SIZE"
machine
file sys/devices/system/cpu/cpu1/topology/thread_siblings_list 0-1
it "CPU 0's other thread" checked note CPUs "1 only with --split-core"
it "... is not among the others" has "$T/out" "^ok +CPUs +2-7 can be lent"
file sys/devices/system/cpu/online 0-2,4-7
it "a CPU that is offline" checked note CPUs "3 are offline"
file sys/devices/system/cpu/smt/control forceoff
it "SMT that is off" checked warn SMT "is off"
file sys/devices/system/cpu/online 0
it "only CPU 0" checked FAIL CPUs "none is left"
machine
# As the kernel does: what is offline has no topology, and is no sibling of what is online
offline() { # CPU SIBLING ONLINE
	rm -rf "$T/root/sys/devices/system/cpu/cpu$1/topology"
	file "sys/devices/system/cpu/cpu$2/topology/thread_siblings_list" "$2"
	file sys/devices/system/cpu/online "$3"
}
for c in 0 2 4 6; do
	for d in $c $((c + 1)); do
		file sys/devices/system/cpu/cpu$d/topology/thread_siblings_list $c-$((c + 1))
	done
done
half() {
	ok create web --cpus 3 --memory 64M --split-core && offline 3 2 0-2,4-7 &&
		checked note CPUs "2 may take --split-core"
}
it "half a core is lent" half
others() {
	has "$T/out" "^ok +CPUs +4-7 can be lent" "^note +CPUs +1 only with" \
		"^note +CPUs +3 are lent"
}
it "... the other half is not among the whole ones" others
halves() {
	ok create db --cpus 4-7 --memory 64M && offline 1 0 0,2 &&
		file sys/devices/system/cpu/smt/control on &&
		checked warn CPUs "no core that can be lent is known to be whole" &&
		has "$T/out" "^note +CPUs +2 may take"
}
it "nor where only half cores are left" halves
single() {
	file sys/devices/system/cpu/smt/control notsupported && ok check &&
		has "$T/out" "^ok +CPUs +2 can be lent"
}
it "a machine without threads has no halves" single
machine
file sys/devices/system/clocksource/clocksource0/current_clocksource hpet
it "another clock, tsc is there" checked warn clock "hpet is used, tsc is there"
file sys/devices/system/clocksource/clocksource0/available_clocksource "hpet acpi_pm"
it "no tsc" checked FAIL clock "the TSC is unstable"
machine
file sys/kernel/security/lockdown "none [integrity] confidentiality"
it "lockdown" checked warn lockdown "integrity: only images that are signed"
file proc/sys/kernel/kexec_load_disabled 1
it "kexec disabled" checked FAIL kexec "kexec_load_disabled is set"
machine
echo "6,1,1,-;Memory Encryption Features active: AMD SME" >"$T/root/dev/kmsg"
it "memory encryption" checked FAIL "memory encryption" "active: AMD SME"
sed -i 's/ apic / apic x2apic /' "$T/root/proc/cpuinfo"
echo "6,1,1,-;x2apic enabled" >"$T/root/dev/kmsg"
it "x2APIC mode" checked warn APIC "x2APIC mode"
rm "$T/root/dev/kmsg"
it "without the log it can't be told" checked note APIC "can't be told"
machine
file sys/module/kvm_intel/refcnt 2
it "virtual machines" checked warn "VMX, SVM" "kvm_intel is loaded and used"
sed -i '/HVC/d' "$T/root/boot/config-$(uname -r)"
it "an option that is off" checked warn configuration "CONFIG_HVC_MULTIKERNEL is off"
gz() {
	mkdir -p "$T/root/proc"
	printf 'CONFIG_KEXEC_FILE=y\nCONFIG_HOTPLUG_CPU=y\nCONFIG_HVC_MULTIKERNEL=y\n' | gzip >"$T/root/proc/config.gz"
	checked note configuration "CONFIG_MULTIKERNEL_VSOCKETS is off" && lacks "$T/out" HVC
}
it "/proc/config.gz goes before /boot" gz
machine
rm -r "$MK"
it "a kernel that has it and no files" checked FAIL kernel "is built with multikernel"
file "boot/config-$(uname -r)" "CONFIG_KEXEC_FILE=y"
it "a kernel without it" checked FAIL kernel "has no multikernel"
it "nothing at all: it still ends in order" eval 'rm -r "$T/root"; mkctl check; status 11 && lines "$T/err" 0'
machine
as_json() {
	ok check --json || return
	command -v python3 >/dev/null || return 0
	python3 -c 'import json, sys
c = json.load(sys.stdin)
assert c["fit"] is True
assert any(i["what"] == "pool" and i["result"] == "ok" for i in c["items"])' <"$T/out"
}
it "--json" as_json
