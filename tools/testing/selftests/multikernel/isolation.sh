#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2034,SC2154 # lib.sh is beside us
# Two kernels, one machine: neither sees or touches what is the other one's.
. "$(dirname "$0")/lib.sh"
plan 27

mk_create name=web cpus=2-3 memory=192M
mk_load web mk.spawn=report,watch
check "it runs" mk_start web
said web "report end"

# lines TAG: what the spawn showed of that file
lines() { val web console | sed -n "s/^.*spawn: $1| //p"; }

# --- what the spawn has ---

# every piece of RAM that it has lies in what the host lent it, or in its slot below 1 MiB
only_own_ram() {
	val web memory >"$T/lent"
	lines iomem | sed -n 's/^\([0-9a-f]*\)-\([0-9a-f]*\) : System RAM$/\1 \2/p' >"$T/ram"
	[ -s "$T/ram" ] || { echo "no RAM in its iomem"; return 1; }
	while read -r from to; do
		[ $((0x$to)) -ge $((1 << 20)) ] || continue
		inside=
		while IFS=- read -r a b; do
			[ $((0x$from)) -ge $((0x${a#0x})) ] &&
				[ $((0x$to)) -le $((0x${b#0x})) ] && inside=1
		done <"$T/lent"
		[ -n "$inside" ] || { echo "$from-$to is not its own"; cat "$T/lent"; return 1; }
	done <"$T/ram"
}
check "its RAM is what was lent to it" only_own_ram
low() {
	local from to sum=0
	while read -r from to; do
		[ $((0x$to)) -ge $((1 << 20)) ] || sum=$((sum + 0x$to - 0x$from + 1))
	done <"$T/ram"
	between "bytes below 1 MiB" $sum 4096 65536
}
check "below 1 MiB it has one slot" low
lines iomem >"$T/iomem"
check "its iomem has no device" not grep -E 'IOAPIC|HPET|PCI|ROM|rtc|ACPI|serial' "$T/iomem"
check "the host's iomem keeps the devices" has /proc/iomem 'IOAPIC|PCI'

lines ioports >"$T/ioports"
check "its ioports were seen" has "$T/ioports" ' : dma1$'
# what every x86 kernel reserves without touching it may stand there
check "its ioports have no driver" not grep -Ev \
	' : (dma1|dma2|dma page reg|pic1|pic2|timer0|timer1|keyboard|fpu)$' "$T/ioports"
lines interrupts >"$T/interrupts"
check "its interrupts were seen" has "$T/interrupts" "LOC:"
check "no line of the IO-APIC, the PIC or PCI" \
	not grep -E 'IO-APIC|XT-PIC|PCI|MSI' "$T/interrupts"
errors() { awk '$1 == "ERR:" || $1 == "MIS:" { n += $2 } END { exit n > 0 }' "$T/interrupts"; }
check "no APIC error" errors

val web console >"$T/log"
check "it found no PCI, no RTC, no serial port, no keyboard" not grep -E \
	'PCI: (Using|Probing)|rtc_cmos|ttyS[0-9] at|i8042|ACPI: (RSDP|PM-Timer)|hpet0' "$T/log"
# Who looks for them is refused, which "denied" says
check "it found no MP table and no firmware tables, and looked for none" not grep -E \
	'found SMP MP-table|DMI: |DMI not present|ACPI: RSDP|multikernel: denied: ' "$T/log"
if zcat /proc/config.gz | grep -q '^CONFIG_DMIID=y'; then
	check "the host found firmware tables" test -d /sys/class/dmi/id
else
	skip "the host found firmware tables" "CONFIG_DMIID"
fi
if [ -d /sys/firmware/efi ]; then
	check "the host found EFI" has /sys/firmware/efi/fw_platform_size '^64$'
else
	skip "the host found EFI" "a host that EFI has booted"
fi
check "the spawn did not find EFI" not grep -E '\] efi: |EFI v[0-9]' "$T/log"
told web "firmware " >"$T/firmware"
check "its /sys/firmware was seen, and has no tables" eval \
	'has "$T/firmware" "end$" && not grep -wE "efi|acpi|dmi" "$T/firmware"'

# --- NMIs of the host stay with the host ---

nmi_of() { key nmi "$(told web "watch ")"; }
watched web
before=$(nmi_of)
check "the spawn counts its NMIs" between nmi "$before" 0 1000000
# a backtrace of all CPUs is an NMI to all but self
for _ in 1 2 3; do
	echo l >/proc/sysrq-trigger
done
watched web
check "an NMI to all CPUs of the host does not reach the spawn" equal nmi "$(nmi_of)" "$before"
check "the host's own CPU got it" eval 'klog "$START_MARK" | grep -q "NMI backtrace for cpu"'
check "it still runs" equal state "$(state web)" running

# --- an end of the spawn leaves the host at work ---

boot_id=$(cat /proc/sys/kernel/random/boot_id)
(
	n=0
	while :; do
		n=$((n + 1))
		echo $n >"$T/count.new"
		mv "$T/count.new" "$T/count"
		usleep 10000
	done
) &
counter=$!
mk_kill web

counting() {
	local from tries=0
	from=$(cat "$T/count")
	while [ $tries -lt 100 ]; do
		[ "$(cat "$T/count")" -lt $((from + 5)) ] || return 0
		tries=$((tries + 1))
		usleep 50000
	done
	echo "it stands at $(cat "$T/count")"
	return 1
}
panic_begin
mk_load web mk.spawn=panic
check "it starts, and panics" control web start
check "it is crashed, with the reason" ended web crashed '^panic: '
panic_end web
check "the host counts on" counting
check "both host CPUs work" eval 'cpu_works 0 && cpu_works 1'

# An Oops in the spawn is a panic there, and nothing here
mk_destroy web
if zcat /proc/config.gz 2>/dev/null | grep -q MULTIKERNEL_FAULT_INJECTION=y; then
	mk_create name=oops cpus=2-3 memory=192M
	panic_begin
	mk_load oops mk.spawn=oops
	control oops start
	check "an Oops in the spawn ends it" ended oops crashed '^panic: '
	panic_end oops
	: >"$T/oopsed.oops"
else
	skip "an Oops in the spawn ends it" "CONFIG_MULTIKERNEL_FAULT_INJECTION in the spawn's kernel"
fi
check "the host counts on" counting
kill $counter
check "the machine was not reset" \
	equal boot_id "$(cat /proc/sys/kernel/random/boot_id)" "$boot_id"
