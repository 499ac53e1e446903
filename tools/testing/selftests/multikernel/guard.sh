#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2016,SC2034,SC2154 # lib.sh is beside us
# Each kernel is blind to what is not its own: memory, ports, MSRs, interrupts. Tried by
# the kernel's own ways, from the host against a spawn and from the spawn against all.
. "$(dirname "$0")/lib.sh"
plan 78

TRY=$DBG/try
need $TRY CONFIG_MULTIKERNEL_FAULT_INJECTION
need /dev/mem CONFIG_DEVMEM
need /dev/port CONFIG_DEVPORT
need /dev/cpu/0/msr CONFIG_X86_MSR
need /proc/kcore CONFIG_PROC_KCORE

# mkguard is not in the base
d=$T/root
mkdir -p "$d/mk/bin" && cp "$(command -v mkguard)" "$d/mk/bin/"
initrd_with "$d" >"$T/initrd"
INITRD=$T/initrd

# denied KIND: the host's counter
denied() { sed -n "s/^$1=//p" $DBG/denied; }
# try WORD...: what came of it
try() {
	echo "$*" >$TRY && cat $TRY
}
# first REGEX: where the first such range of /proc/iomem begins
first() { sed -n -E "s/^ *([0-9a-f]+)-[0-9a-f]+ : ($1)\$/0x\1/p" /proc/iomem | head -n 1; }
# begin NAME, window NAME: physical addresses
begin() { val "$1" memory | sed -n '1s/-.*//p'; }
window() { sed -n 's/^address=//p' "$DBG/$1/window"; }
apic() { awk -v c="$1" '$1 == "processor" { p = $3 } $1 == "apicid" && p == c { print $3 }' /proc/cpuinfo; }

# in_memory AT NAME: is it an address of that instance?
in_memory() {
	local from to
	from=$(begin "$2")
	to=$(val "$2" memory | sed -n '1s/.*-//p')
	[ $(($1)) -ge $((from)) ] && [ $(($1)) -le $((to)) ]
}
# What the kernel has mapped of an instance outside of the direct map: its window, once
only_window() {
	local phys n=0 window
	window=$(window "$1")
	grep -o 'phys=0x[0-9a-f]*' /proc/vmallocinfo | cut -d= -f2 >"$T/mapped"
	while read -r phys; do
		in_memory "$phys" "$1" || continue
		n=$((n + 1))
		[ $((phys)) = $((window)) ] || { echo "$phys is mapped, window at $window"; return 1; }
	done <"$T/mapped"
	equal "mappings of $1" $n 1
}
# What the direct map is made of: pieces of 4 KiB, 2 MiB, 1 GiB
direct_map() { sed -n 's/^DirectMap//p' /proc/meminfo | tr -s ' \n' ' '; }
unsplit() { equal DirectMap "$(direct_map)" "$pieces"; }
pieces=$(direct_map)

# Before it is lent: an offline CPU has no line there
spawn_apic=$(apic 2)
red_apic=$(apic 1)
host_apic=$(apic 0)
mk_create name=web cpus=2-3 memory=192M split_core=1
mk_create name=red cpus=1 memory=64M split_core=1
mem=$(begin web)
red=$(begin red)
slot=$(first "Multikernel low pool")
device=$(first "IOAPIC 0")
ram=$(sed -n -E 's/^ +([0-9a-f]+)-[0-9a-f]+ : Kernel code$/0x\1/p' /proc/iomem)
# The host's, wherever KASLR put its kernel.  Not above the spawn's memory: /dev/mem asks
# nobody about what is beyond the last page that it has
low=0x100000
check "addresses are known" eval '[ -n "$mem" ] && [ -n "$red" ] && [ -n "$slot" ] &&
	[ -n "$device" ] && [ -n "$ram" ] && [ -n "$spawn_apic" ] && [ -n "$red_apic" ]'
check "red lies right behind web" equal distance $((red - mem)) $((192 << 20))
check "the kernel has the direct map's pieces in meminfo" matches DirectMap "$pieces" '4k: .*2M: '
check "the window is all that is mapped of one that is created" only_window web
mk_load web "mk.spawn=watch,guard:$low:$red:$device:$host_apic:$red_apic:$slot"
check "the same of one that is loaded" only_window web
check "it runs" mk_start web
said web "guard end"
check "the same of one that runs" only_window web
check "no piece of the direct map was split" unsplit

# --- the host, and memory of an instance ---

klog_mark
maps=$(denied maps)
check "/dev/mem does not read it" equal result "$(mkguard mem "$mem")" EFAULT
check "it does not write it" equal result "$(mkguard memw "$mem")" EFAULT
check "it does not map it" equal result "$(mkguard map "$mem")" EINVAL
check "it does not read a slot below 1 MiB" equal result "$(mkguard mem "$slot")" EFAULT
check "it reads what is no instance's" equal result "$(mkguard mem 0xf0000)" "done"
check "ioremap() of it fails" equal result "$(try ioremap "$mem" 4096)" denied
check "also if it begins before it" equal result "$(try ioremap $((mem - 4096)) 8192)" denied
check "memremap() of it fails" equal result "$(try memremap "$mem" 4096)" denied
check "of its window, too" equal result "$(try memremap "$(window web)" 4096)" denied
check "the direct map does not have it" equal result "$(try touch "$mem")" denied
check "nor its end, nor the other one's, nor the window" equal results \
	"$(try touch $((mem + (192 << 20) - 8))) $(try touch "$red") $(try touch "$(window web)")" \
	"denied denied denied"
check "it has the host's" equal result "$(try touch "$ram")" "done"
if [ -e /proc/kpageflags ]; then
	check "no page of it is one of the host's" \
		matches pages "$(mkguard pages "$mem" $((192 << 20)))" '^(none|reserved)$'
	check "the host's are" equal pages "$(mkguard pages $low $((64 << 20)))" used
else
	skip "no page of it is one of the host's" CONFIG_PROC_PAGE_MONITOR
	skip "the host's are" CONFIG_PROC_PAGE_MONITOR
fi
check "each one is counted" equal maps $(($(denied maps) - maps)) 8
check "and logged, with the address and the caller" eval \
	'klog "$MARK" | mk_lines | grep -q "denied: .* at $(printf %#x "$mem"), 0x1000, by .*+0x"'
often() { # 50 times; the log gets 5 lines in 5 s
	local n=0
	while [ $n -lt 50 ]; do
		n=$((n + 1))
		try ioremap "$mem" 4096 >/dev/null
	done
	between lines "$(klog "$MARK" | mk_lines | grep -c denied:)" 1 30
}
check "the log is no flood" often
if trace_on multikernel_denied; then
	try ioremap "$mem" 4096 >/dev/null
	try nmi "$spawn_apic" >/dev/null
	trace_off multikernel_denied
	check "the tracepoint has the mapping, and who wanted it" has "$T/trace" \
		"multikernel_denied: kind=maps where=$(printf %#x "$mem") what=0x1000 caller=[a-z_.0-9]+[+]0x"
	check "and the interrupt" has "$T/trace" "multikernel_denied: kind=ipis where=$(printf %#x "$spawn_apic") what=0x400 "
else
	skip "the tracepoint has the mapping, and who wanted it" "tracefs is missing"
	skip "and the interrupt" "tracefs is missing"
fi

check "/proc/kcore has no memory of the pool" equal result \
	"$(mkguard kcore "$mem" $((192 << 20)))" none
check "it has the host's" equal result "$(mkguard kcore "$ram" 4096)" "done"
restrict=$(cat /proc/sys/kernel/kptr_restrict)
echo 1 >/proc/sys/kernel/kptr_restrict
mapped=$(sed -n "s/^\(0x[0-9a-f]*\)-.* phys=$(printf '%#018x' "$(window web)") .*/\1/p" /proc/vmallocinfo)
echo "$restrict" >/proc/sys/kernel/kptr_restrict
check "the window's mapping is found" matches address "$mapped" '^0xf'
check "it reads as zeros there" equal result "$(mkguard kcoreat "$mapped")" zeros

# --- the host, and a spawn's CPUs ---

seen() {
	key nmi "$(told web "watch ")" && key spurious "$(told web "watch ")" &&
		key bells "$(told web "watch ")"
}
watched web
before=$(seen)
ipis=$(denied ipis)
klog_mark
check "an interrupt to a lent CPU is blocked" equal result "$(try ipi "$spawn_apic" 0xff)" denied
check "an NMI to it is" equal result "$(try nmi "$spawn_apic")" denied
check "an INIT to it is" equal result "$(try init "$spawn_apic")" denied
check "an INIT to one that runs nothing is" equal result "$(try init "$red_apic")" denied
check "a SIPI to it is" equal result "$(try sipi "$spawn_apic" 8)" denied
check "lowest priority is" equal result "$(try lowest "$spawn_apic" 0xff)" denied
check "a logical destination is" equal result "$(try logical 0xff 0xff)" denied
check "the shorthand for all is" equal result "$(try shorthand all)" denied
check "the one for all others is" equal result "$(try shorthand others)" denied
check "a lent CPU by its number is" equal result "$(try cpu 2 0xff)" denied
# Of the doorbell's vector: whoever gets it finds nothing
check "so is what is for all CPUs that are present" equal result "$(try present 0xf5)" denied
check "what is for all, or all others, is for the host's own" eval 'equal result "$(try all 0xf5)" "done" &&
	equal result "$(try others 0xf5)" "done"'
check "multikernel's own door to a CPU that is not lent is" \
	equal result "$(try door "$host_apic" 0xf5)" denied
check "each one is counted" equal ipis $(($(denied ipis) - ipis)) 15
check "and logged" eval 'klog "$MARK" | mk_lines | grep -q "denied: interrupt .* by "'
check "the host's own CPU is reached" equal result "$(try cpu 0 0xf5)" "done"
watched web
check "the spawn saw none of it" equal "NMIs, spurious interrupts, doorbells" "$(seen)" "$before"
check "it still runs" equal state "$(state web)" running

# --- the spawn, and what is not its own ---

got() { told web "guard $1 "; }
check "the spawn's /dev/mem does not read the host" equal result "$(got mem-host)" EFAULT
check "nor map it" equal result "$(got map-host)" EINVAL
check "nor its window's neighbour" equal result "$(got map-neighbour)" EINVAL
check "nor a device" equal result "$(got map-device)" EINVAL
check "nor another slot below 1 MiB" equal result "$(got map-low)" EINVAL
check "it maps its own window" equal result "$(got map-window)" "done"
check "/dev/port is refused" equal "read and write" "$(got port) $(got portw)" "EPERM EPERM"
check "iopl and ioperm are" equal results "$(got iopl) $(got ioperm)" 'EPERM EPERM'
check "writes of TSC, APIC base and ICR are" equal results "$(got msr)" "EPERM EPERM EPERM EPERM"
check "its ioremap() of a device, the host and a neighbour fails" \
	equal results "$(got ioremap)" "denied denied denied"
check "not of its window" equal result "$(got ioremap-window)" "done"
check "its interrupts and NMIs to the host are blocked" equal results "$(got ipi-host)" "denied denied denied"
check "to another instance's CPU" equal results "$(got ipi-other)" "denied denied denied"
check "to all" equal results "$(got ipi-all)" "denied denied denied"
check "so are lowest priority, a logical destination, a SIPI" \
	equal results "$(got ipi-kinds)" "denied denied denied denied"
check "not to its own" equal result "$(got ipi-self)" "done"
check "it counted them" matches counters "$(got counters)" \
	'^maps=8 ipis=13 ports=4 msrs=4$'
check "and logged some" has "$INST/web/console" 'multikernel: denied: '

# --- nobody was hurt ---

check "the host has its MSRs kept, too" equal result "$(mkguard msr 0x10)" EPERM
mk_stop web
check "its whole memory can be read" eval 'dd if="$INST/web/vmcore" of=/dev/null bs=1M 2>"$T/dd"'
check "then the window is all that is mapped" only_window web
check "ports are the host's as ever" equal result "$(mkguard port)" "done"

# --- a command line that wants more ---

# Where the host found its own tables: EFI says it, or acpi_rsdp_addr of its boot_params
if [ -e /sys/firmware/efi/systab ]; then
	rsdp=$(sed -n 's/^ACPI20=//p' /sys/firmware/efi/systab)
else
	rsdp=0x$(od -A n -t x8 -j 112 -N 8 /sys/kernel/boot_params/data | tr -d ' ')
fi
check "the host knows where its ACPI tables are" test $((rsdp)) -gt 0
more="acpi=force acpi_rsdp=$rsdp pci=conf1 add_efi_memmap efi=runtime"
mk_load web "mk.spawn=report $more"
check "told of ACPI, PCI and EFI on its command line, it runs" mk_start web
said web "report end"
# From this start on: the one before was refused a lot, as who looks for tables is
val web console | awk '/^---- start [0-9]+ of web ----$/ { n = 0 }
	{ line[++n] = $0 } END { for (i = 1; i <= n; i++) print line[i] }' >"$T/log"
check "it was told so" has "$T/log" "Kernel command line: .*$more"
check "it looked for no ACPI, no PCI and no EFI" not grep -E \
	'ACPI: (RSDP|Core|Interpreter enabled)|PCI: (Using|Probing)|PCI host bridge|PCI conf|efi: |EFI v[0-9]|multikernel: denied: ' "$T/log"
mk_stop web
panic_begin
mk_load web "mk.spawn=view memmap=16M@$((ram & ~0x1fffff))"
control web start
check "told that memory of the host is its own, it stops" ended web crashed \
	'^panic: multikernel: memory .* was not granted to this kernel'
panic_end web

# --- and at the end ---

check "destroy both" eval 'mk_destroy web && mk_destroy red'
check "no piece of the direct map was split" unsplit
