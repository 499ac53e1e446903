# SPDX-License-Identifier: GPL-2.0
# From QEMU's trace of every access to a device, by port or by memory: who touched
# what between the lines "ports: begin" and "ports: end" on the guest's first serial
# port. Prints "CPU DEVICE OPERATION ADDRESS COUNT" and last "marks N", N is 2 when
# both lines were seen.
#
# A traced access: memory_region_ops_write cpu 0 mr 0x... addr 0x3f8 value 0x41 size 1 name 'serial'

function hex(text,    n, i) {
	n = 0
	for (i = 3; i <= length(text); i++)
		n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return n
}

{
	name = ""
	for (i = 1; i < NF; i++) {
		if ($i ~ /memory_region_ops_(read|write)$/) {
			op = $i
			sub(/.*ops_/, "", op)
		} else if ($i == "cpu") {
			cpu = $(i + 1)
		} else if ($i == "addr") {
			addr = $(i + 1)
		} else if ($i == "value") {
			value = $(i + 1)
		} else if ($i == "name") {
			name = $(i + 1)
		}
	}
	if (name == "'serial'" && op == "write" && addr == "0x3f8") {
		said = substr(said, length(said) > 30 ? 2 : 1) sprintf("%c", hex(value))
		if (said ~ /ports: (begin|end)$/) {
			on = said ~ /begin$/
			marks++
		}
	}
	if (on && name != "")
		# The local APIC has many registers, and which one is of no interest
		n[cpu " " name " " op " " (name == "'apic-msi'" ? "-" : addr)]++
}

END {
	for (what in n)
		print what, n[what]
	print "marks", marks + 0
}
