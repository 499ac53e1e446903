#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the subsystem costs who does not use it. Three kernels of one configuration, which
# differ in CONFIG_MULTIKERNEL only: of the pristine source, of ours with =n and with =y.
#	size        text, data and bss
#	functions   of the kernel's own: whose instructions differ, and how many more
#	boots       until init: from QEMU's start, in instructions (guest/cost.c)
#	hot paths   a system call, a switch, an interrupt to another CPU, in instructions
#	idling      what an idle spawn costs a second, with what it executes itself
# Exit 1 if =n adds a byte, or an instruction to a function.
. "$(dirname "$0")/lib.sh"

"$TOP/dev/deps.sh"
"$TOP/dev/build.sh" plain	# its configuration is where ours comes from
COST=$OUT/cost
mkdir -p "$COST"
take_lock "make cost"
TREE=$(sed -n 1p "$OUT/tree")
SIDE=$TREE.mk
VERSIONS="pristine off on"

# The tree without our files and patches; linked, where ours leaves a file as it is
pristine_tree() {
	local f stamp
	stamp=$(sed -n 2p "$OUT/tree")
	[ "$(cat "$COST/tree.stamp" 2>/dev/null)" = "$stamp" ] && return
	say "making the pristine tree"
	rm -rf "$COST/tree"
	cp -al "$TREE" "$COST/tree"
	while IFS= read -r f; do
		rm -f "$COST/tree/$f"
		[ ! -f "$SIDE/pristine/$f" ] || cp -p "$SIDE/pristine/$f" "$COST/tree/$f"
	done <"$SIDE/manifest"
	echo "$stamp" >"$COST/tree.stamp"
}

# build VERSION TREE OPTION: vmlinux and bzImage, unless they are there
build() {
	local dir=$COST/$1 tree=$2 key cc=gcc hostcc=gcc log=$LOGS/cost-$1.log
	key=$({
		cat "$OUT/plain/.config"
		sed -n 2p "$OUT/tree"
		echo "$3"
		gcc --version
	} | sha256sum)
	[ "$(cat "$dir/.mk-cost" 2>/dev/null)" = "$key" ] && return
	say "building $1 (log: $log)"
	mkdir -p "$dir"
	rm -f "$dir/.mk-cost"
	if command -v ccache >/dev/null; then
		install_if_changed "$CACHE/cc" "$TOP/dev/cc.sh"
		cc=$CACHE/cc hostcc="ccache gcc"
	fi
	# Without what is there for tests, and without the configuration itself
	grep -vE 'MULTIKERNEL|IKCONFIG' "$OUT/plain/.config" >"$dir/.config"
	printf '%s\n' "$3" "# CONFIG_IKCONFIG is not set" >>"$dir/.config"
	install_if_changed "$dir/mk-signing.pem" "$OUT/plain/mk-signing.pem"
	(
		export MK_TREE=$tree CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache} CCACHE_NOHASHDIR=1 \
			KBUILD_BUILD_TIMESTAMP=@1767225600 KBUILD_BUILD_USER=mk KBUILD_BUILD_HOST=mk \
			KBUILD_BUILD_VERSION=1
		make -C "$tree" O="$dir" CC="$cc" HOSTCC="$hostcc" olddefconfig &&
			make -C "$tree" O="$dir" CC="$cc" HOSTCC="$hostcc" -j"$(nproc)" bzImage
	) >"$log" 2>&1 </dev/null || die "$1 does not build, see $log"
	cp "$dir/arch/x86/boot/bzImage" "$dir/bzImage"
	echo "$key" >"$dir/.mk-cost"
}

pristine_tree
build pristine "$COST/tree" "# nothing"
build off "$TREE" "# CONFIG_MULTIKERNEL is not set"
build on "$TREE" "CONFIG_MULTIKERNEL=y
CONFIG_HVC_MULTIKERNEL=y
CONFIG_MULTIKERNEL_VSOCKETS=y"
grep -q '^CONFIG_MULTIKERNEL=y' "$COST/on/.config" || die "the kernel with =y is without it"
[ "${1:-}" != build ] || exit 0

# --- size --------------------------------------------------------------------

sizes() { # VERSION: text data bss
	size "$COST/$1/vmlinux" | awk 'NR == 2 { print $1, $2, $3 }'
}
# differing VERSION: sections of the pristine kernel that have other bytes there
differing() {
	local s
	readelf -SW "$COST/pristine/vmlinux" | sed -nE 's/^ *\[ *[0-9]+\] ([^ ]+) +(PROGBITS|NOTE) .*/\1/p' |
		while IFS= read -r s; do
			for v in pristine "$1"; do
				objcopy -O binary -j "$s" --set-section-flags "$s=alloc" \
					"$COST/$v/vmlinux" "$COST/section.$v" 2>/dev/null || : >"$COST/section.$v"
			done
			cmp -l "$COST/section.pristine" "$COST/section.$1" 2>/dev/null |
				awk -v s="$s" 'END { if (NR) printf "%s %d bytes\n", s, NR }' || :
		done
	rm -f "$COST"/section.*
}

# symbols VERSION: bytes of code, read-only data, data and bss
symbols() {
	nm -S -t d "$COST/$1/vmlinux" | awk 'NF == 4 {
			k = tolower($3)
			k = k == "w" ? "t" : k == "v" ? "d" : k
			sum[k] += $2
		}
		END { print sum["t"], sum["r"], sum["d"], sum["b"] }'
}
# none_more "FIGURES" "FIGURES": no one of the second is more than that of the first
none_more() {
	awk '{ n = NF / 2; for (i = 1; i <= n; i++) if ($(n + i) > $i) exit 1 }' <<<"$1 $2"
}

rc=0
say "size of vmlinux, bytes"
none_more "$(sizes pristine)" "$(sizes off)" || rc=1
none_more "$(symbols pristine)" "$(symbols off)" || rc=1
{
	echo "kernel text data bss"
	for v in $VERSIONS; do echo "$v $(sizes "$v")"; done
} | awk '
	NR == 1 { printf "%-9s %10s %10s %10s\n", $1, $2, $3, $4; next }
	{
		printf "%-9s %10d %10d %10d", $1, $2, $3, $4
		if ($1 == "pristine") { t = $2; d = $3; b = $4; print ""; next }
		printf "   %+d %+d %+d\n", $2 - t, $3 - d, $4 - b
	}'
# Sections are padded, text to 2 MiB: what is in them tells more
echo "of the symbols, bytes: code, read-only data, data, bss"
for v in $VERSIONS; do echo "$v $(symbols "$v")"; done | awk '
	{ printf "%-9s %10d %10d %10d %10d", $1, $2, $3, $4, $5 }
	NR == 1 { for (f = 2; f < 6; f++) base[f] = $f; print "" }
	NR > 1 { printf "   %+d %+d %+d %+d\n", $2 - base[2], $3 - base[3], $4 - base[4], $5 - base[5] }'
echo "sections whose bytes are others with =n (.notes: build id, __bug_table: line numbers):"
differing off | sed 's/^/  /'

# --- functions -----------------------------------------------------------------

# functions VERSION: "NAME INSTRUCTIONS HASH" of each, without what depends on addresses
functions() {
	objdump -d --no-show-raw-insn "$COST/$1/vmlinux" | awk '
	function done() { if (name != "") print name, n, sum }
	/^[0-9a-f]+ <.*>:$/ {
		done()
		name = $2; gsub(/[<>:]/, "", name)
		if (name ~ /^(__cfi_|__pfx_)/) name = ""
		n = 0; sum = 0
		next
	}
	/^ *[0-9a-f]+:\t/ && name != "" {
		split($0, part, "\t")
		split(part[2], word, " ")
		if (word[1] ~ /^(nop|int3|xchg|cs|data16)/) next	# padding
		n++
		for (i = 1; i <= length(word[1]); i++)
			sum = (sum * 31 + index("abcdefghijklmnopqrstuvwxyz0123456789.", substr(word[1], i, 1))) % 1000003
	}
	END { done() }' | sort | awk '{ print $1 "#" seen[$1]++, $2, $3 }'
}
for v in $VERSIONS; do
	[ "$COST/$v/functions" -nt "$COST/$v/vmlinux" ] && continue
	functions "$v" >"$COST/$v/functions.new"
	mv "$COST/$v/functions.new" "$COST/$v/functions"
done

# differ VERSION: functions of the pristine kernel that are others there
differ() {
	awk -v v="$1" 'FNR == NR { n[$1] = $2; h[$1] = $3; next }
		$1 in n && (n[$1] != $2 || h[$1] != $3) { printf "%s %d %d\n", $1, n[$1], $2 }
		{ seen[$1] = 1 }
		!($1 in n) && v == "off" { printf "%s 0 %d\n", $1, $2 }
		END { for (f in n) if (!(f in seen)) printf "%s %d gone\n", f, n[f] }' \
		"$COST/pristine/functions" "$COST/$1/functions" | sed 's/#0 / /' | sort
}

# touched WHAT REGEX: of those that differ with =y
touched() {
	differ on | awk -v what="$1" -v re="$2" '
		$1 ~ re { list = list (n++ ? ", " : "") $1 " (" $2 " -> " $3 ")" }
		END { print "of these in " what ": " (n ? list : "none") }'
}

say "functions of the pristine kernel: $(wc -l <"$COST/pristine/functions")"
echo "whose instructions are others with =n: $(differ off | wc -l) (how many before, after)"
differ off | sed 's/^/  /'
# kimage_file_read() is a part of what kimage_file_prepare_segments() was
! differ off | awk '$1 != "kimage_file_read" && $3 != "gone" && $3 > $2' | grep -q . || rc=1
echo "whose instructions are others with =y: $(differ on | wc -l)"
differ on | sed 's/^/  /'
touched "kernel entry" "^(asm_|entry_|do_syscall|syscall_|exc_|common_interrupt|sysvec_|__sysvec_|irqentry_|irq_enter|irq_exit|ret_from|error_|paranoid_|do_int80|x64_sys_call)"
touched "interrupts to other CPUs" "(send_IPI|send_call_func|smp_send|send_ipi|x2apic_|apic_mem|smp_call_function|generic_smp_call|__smp_call|flush_smp_call|native_smp)"
touched "the scheduler and idling" "^(__schedule|schedule|preempt_|try_to_wake_up|ttwu|sched_|wake_up|finish_task_switch|__switch_to|switch_mm|enqueue_|dequeue_|pick_|set_next|put_prev|update_(rq|curr|load)|task_tick|resched_|do_idle|cpuidle|default_idle|cpu_idle|scheduler_)"

# --- boots and hot paths ----------------------------------------------------------

if [ ! -x "$OUT/gen_init_cpio" ]; then
	gcc -O2 -o "$OUT/gen_init_cpio" "$TREE/usr/gen_init_cpio.c"
fi
gcc -O2 -static -Wall -Wextra -s -o "$COST/init" "$TOP/dev/guest/cost.c"
printf '%s\n' "dir /dev 755 0 0" "nod /dev/console 600 0 0 c 5 1" "nod /dev/ttyS1 600 0 0 c 4 65" \
	"file /init $COST/init 755 0 0" >"$COST/list"
"$OUT/gen_init_cpio" -t 1767225600 "$COST/list" >"$COST/init.cpio"

# boot VERSION NAME WORDS: "boot N call N switch N ipi N"
boot() {
	local log=$LOGS/${LOG_PREFIX:-}cost-$2 end=0
	"$QEMU_SH" --kernel "$COST/$1/bzImage" --initrd "$COST/init.cpio" --log "$log" --icount \
		--smp 2 --mem 2G --show none --timeout "${TIMEOUT:-300}" \
		--append "nokaslr quiet ${3:-}" || end=$?
	sed -n 's/\r//; s/^cost: //p' "$log.out" | grep . ||
		die "$2: the guest ended with $end and said nothing; see $log.log"
}

say "boots with 2 CPUs under -icount, in instructions: to init, of a system call,"
echo "   of a byte to another process and back, of the same to another CPU; each twice"
{
	for b in "pristine pristine" "off =n" "on =y" "on =y,pool multikernel=512M"; do
		# shellcheck disable=SC2086 # words
		set -- $b
		first=$(boot "$1" "$2" "${3:-}")
		second=$(boot "$1" "$2" "${3:-}")
		[ "$first" = "$second" ] || warn "$2: two boots, two results: '$first', '$second'"
		echo "$2 $first"
	done
} | tee "$COST/boots" | awk '
	{ if (NR == 1) { b = $3; c = $5; s = $7; i = $9 }
	  printf "%-9s boot %d (%.4f)  call %.1f (%+.1f)  switch %.1f (%+.1f)  ipi %.1f (%+.1f)\n",
		$1, $3, $3 / b, $5, $5 - c, $7, $7 - s, $9, $9 - i }'

# --- a spawn that idles -------------------------------------------------------------

# idle: "lent count=N us=N" and the same for "spawn"
idle() {
	local log=${LOG_PREFIX:-}plain-idle end=0
	SMP=2 MEM=1G MK_APPEND=nokaslr "$TOP/dev/run.sh" plain idle --icount --show none \
		--timeout "${TIMEOUT:-300}" >/dev/null || end=$?
	if [ "$end" != 0 ] || grep -q '^bench: FAIL' "$LOGS/$log.out"; then
		die "idle: the guest ended with $end; see $LOGS/$log.log"
	fi
	sed -n 's/\r//; s/^idle: //p' "$LOGS/$log.out"
}

say "an idle spawn beside a host, instructions of both a second of the clock; twice"
flock -u 9	# the lock, which kernel.sh takes
"$TOP/dev/kernel.sh" plain
first=$(idle)
second=$(idle)
[ "$first" = "$second" ] || warn "idle: two boots, two results: '$first', '$second'"
awk '{
		split($2, n, "="); split($3, us, "=")
		rate[$1] = n[2] / us[2]
	}
	END {
		if (!rate["lent"] || !rate["spawn"]) exit 1
		lost = 1 - rate["spawn"] / rate["lent"]
		# One instruction is 2 ns
		printf "a loop of the host comes to %.6f of what it is with the CPU lent and no spawn:\n", 1 - lost
		printf "host and spawn execute %d instructions a second besides\n", lost * 500000000
	}' <<<"$first" || die "idle: no figures: '$first'"
exit $rc
