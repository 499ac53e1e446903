#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# configs.sh: configurations in which nobody boots this kernel, by check-series. Of the
# prepared tree, on top of tinyconfig: what is asked for must be so, nothing may warn.
#	link      vmlinux and modules: every symbol is there, and exported where a module needs it
#	objects   our own files and those that the hooks are in
#	without   Kconfig refuses MULTIKERNEL; the files that the hooks are in
# A configuration that was built is not built again while tree, options and compiler are the
# same. VARIANTS="least rt": these only. AGAIN=1: forget.
. "$(dirname "$0")/../lib.sh"
. "$TOP/dev/judge.sh"
. "$TOP/dev/series/lib.sh"

TREE=$(sed -n 1p "$OUT/tree")
DIR=$OUT/series-build/configs
mkdir -p "$DIR"

compiler "$TREE"

# v: the configuration; also the folder
kmake() { make -C "$TREE" O="$DIR/$v" CC="$cc" HOSTCC="$hostcc" "${arch[@]}" "$@"; }

# Sources of the kernel that a hook is in
hooked=$(changed_files | grep '\.c$')

build() {
	local targets=() f

	kmake tinyconfig &&
		(cd "$TREE" && KCONFIG_CONFIG=$DIR/$v/.config scripts/kconfig/merge_config.sh -m -O "$DIR/$v" \
			"$DIR/$v/.config" "$DIR/$v.fragment") &&
		kmake olddefconfig || return
	case $what in
	link) kmake -j"$(nproc)" vmlinux modules ;;
	objects)
		targets=(kernel/multikernel/ arch/x86/kernel/multikernel/ samples/multikernel/)
		for f in $hooked $(cd "$TREE" && find drivers/tty/hvc net/vmw_vsock -name '*multikernel*.c'); do
			targets+=("${f%.c}.o")
		done
		kmake -j"$(nproc)" "${targets[@]}"
		;;
	without)
		for f in $hooked; do
			grep -qxF "!${f%.c}.o" <<<"$files" || targets+=("${f%.c}.o")
		done
		kmake -j"$(nproc)" "${targets[@]}"
		;;
	esac
}

# What the configuration is not, that it was to be: Kconfig drops silently what has no way to be
not_so() {
	awk '/^(# )?CONFIG_/ {
			n = $0; sub(/^# /, "", n); sub(/[= ].*/, "", n)
			if (FNR == NR) { want[n] = $0; next }
			have[n] = $0
		}
		END {
			refused = "CONFIG_MULTIKERNEL"
			if (what == "without" && want[refused]) {
				if (have[refused] == want[refused]) print refused ": is not refused"
				delete want[refused]
			}
			for (n in want)
				if (want[n] ~ /is not set$/ ? (n in have) && have[n] != want[n] : have[n] != want[n])
					print want[n] ": is not so"
		}' what="$what" "$DIR/$v.fragment" "$DIR/$v/.config"
}

# try NAME WHAT "WHY" [FILE...]: with the options on stdin. FILE: what must have been made, or
# with a ! before it must not, or of "without" can not
try() {
	local v=$1 what=$2 why=$3 start=$SECONDS log=$LOGS/series-config-$1.log said key f files arch=()
	shift 3
	cat >"$DIR/$v.fragment"
	case " ${VARIANTS:-$v} " in *" $v "*) ;; *) return ;; esac
	[ "$v" != i386 ] || arch=(ARCH=i386)
	files=$(printf '%s\n' "$@")
	why="$v: $what: $why"
	key="$v $what $(cat "$DIR/$v.fragment" "$0" <(gcc --version; ld --version) <(sed -n 2p "$OUT/tree") |
		sha256sum | cut -c1-40)"
	if [ -z "${AGAIN:-}" ] && grep -qsxF "$key" "$DIR/built"; then
		count_pass "$why (as before)"
		return
	fi
	# What is ours is compiled anew, so that it can warn
	mkdir -p "$DIR/$v"
	(cd "$DIR/$v" && find . -path '*multikernel*' -name '*.o' -delete && for f in $hooked; do rm -f "${f%.c}.o"; done)
	if ! build >"$log" 2>&1 </dev/null; then
		count_fail "$why: does not build ($log)"
		grep -nE '(error:|undefined reference|No rule|ERROR:|\*\*\*)' "$log" | head -n 8 | sed 's/^/    /'
		return
	fi
	said=$(
		not_so
		grep -E 'warning:|WARNING:' "$log" | grep -v 'override: reassigning' || :
		for f in $files; do
			case $f in
			!*) [ ! -e "$DIR/$v/${f#!}" ] || echo "${f#!} was made" ;;
			*) [ -e "$DIR/$v/$f" ] || echo "$f was not made" ;;
			esac
		done
	)
	if [ -n "$said" ]; then
		count_fail "$why ($log)"
		head -n 8 <<<"$said" | sed 's/^/    /'
		return
	fi
	echo "$key" >>"$DIR/built"
	count_pass "$why ($((SECONDS - start)) s)"
}

# What MULTIKERNEL depends on, and no more
needs() {
	printf 'CONFIG_%s\n' 64BIT=y SMP=y KEXEC_FILE=y SYSFS=y MULTIKERNEL=y "$@"
}
# All that is ours, and all that the hooks are in
all() {
	grep -h '^\(# \)\?CONFIG_' "$TOP"/{kernel/configs/multikernel,dev/series/build}.config |
		grep -vxE '(# )?CONFIG_(NR_CPUS|ACPI|KALLSYMS|DEBUG_KERNEL)[= ].*'
	[ $# = 0 ] || printf 'CONFIG_%s\n' "$@"
}

vsock=net/vmw_vsock/multikernel_vsock one=net/vmw_vsock/multikernel_transport.o
hvc=drivers/tty/hvc/hvc_multikernel.o

try least link "no DEBUG_FS, NET, TTY, PRINTK, PROC_FS, ACPI, PM, modules" \
	vmlinux kernel/multikernel/lifecycle.o '!kernel/multikernel/debugfs.o' "!$hvc" "!$vsock.o" < <(needs)

try modules link "sockets and sample are modules, terminal lines off" \
	vmlinux $vsock.ko samples/multikernel/mk_sample.ko "!$hvc" < <(
	needs MODULES=y PRINTK=y NET=y VSOCKETS=m MULTIKERNEL_VSOCKETS=m SAMPLES=y SAMPLE_MULTIKERNEL=m TTY=y
	echo "# CONFIG_HVC_MULTIKERNEL is not set")

try rt objects "PREEMPT_RT, lockdep, all of ours" kernel/multikernel/inject.o $one $hvc < <(
	all PREEMPT_RT=y DEBUG_KERNEL=y PROVE_LOCKING=y DEBUG_ATOMIC_SLEEP=y)

try most objects "hibernation, kexec jump, 32-bit programs, memory hotplug, NUMA, Xen, SEV, tracers" \
	kernel/multikernel/inject.o arch/x86/kernel/multikernel/acpi.o $one $hvc < <(
	all ACPI=y BLOCK=y PM=y SUSPEND=y SWAP=y HIBERNATION=y KEXEC=y KEXEC_JUMP=y IA32_EMULATION=y COMPAT_32BIT_TIME=y \
		MEMORY_HOTPLUG=y SPARSEMEM_VMEMMAP=y PROC_KCORE=y PROC_VMCORE=y NUMA=y PREEMPT=y PREEMPT_DYNAMIC=y \
		DEBUG_KERNEL=y FTRACE=y FUNCTION_TRACER=y FTRACE_SYSCALLS=y PERF_EVENTS=y KALLSYMS=y CRASH_HOTPLUG=y \
		KEXEC_SIG=y EFI=y EFI_STUB=y AMD_MEM_ENCRYPT=y PARAVIRT=y XEN=y PVH=y CPU_MITIGATIONS=y)

# without OPTION...: of all, what does not depend on it
without() {
	all | grep -vE 'CONFIG_(64BIT|SMP|HOTPLUG_CPU|X86_X2APIC|KEXEC_FILE|MICROCODE_LATE_LOADING|[A-Z_]*MULTIKERNEL[A-Z_]*)[= ]'
	printf 'CONFIG_%s\n' MULTIKERNEL=y "$@"
}
try up without "one CPU" kernel/kexec_file.o '!drivers/tty/hvc/hvc_console.o' < <(
	without 64BIT=y KEXEC_FILE=y)

try i386 without "32-bit" kernel/kexec_core.o '!kernel/kexec_file.o' '!drivers/tty/hvc/hvc_console.o' < <(
	without SMP=y KEXEC=y HIGHMEM4G=y)

total
