#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh plain|debug|kcsan|kasan: the kernel, out of tree, in $OUT/plain and so on.
# Nothing is done when the tree, the configuration and the compiler are as last time.
. "$(dirname "$0")/lib.sh"

flavour=${1:-plain}
case $flavour in
plain) fragments="kernel/configs/multikernel.config dev/guest.config dev/signing.config" ;;
debug | kasan | kcsan) fragments="kernel/configs/multikernel.config dev/guest.config dev/signing.config
	dev/$flavour.config tools/testing/selftests/multikernel/config" ;;
*) die "the kernel's flavour is plain, debug, kcsan or kasan, not '$flavour'" ;;
esac

take_lock "build of the $flavour kernel"
"$TOP/dev/prepare.sh"
TREE=$(sed -n 1p "$OUT/tree")
BUILD=$OUT/$flavour
LOG=$LOGS/build-$flavour.log
mkdir -p "$BUILD"

# The same input gives the same kernel, whoever builds it and when.
export KBUILD_BUILD_TIMESTAMP=@1767225600 KBUILD_BUILD_USER=mk \
	KBUILD_BUILD_HOST=mk KBUILD_BUILD_VERSION=1
cc=gcc hostcc=gcc
if command -v ccache >/dev/null; then
	# A copy, so that the commands which kbuild compares name no checkout.
	install_if_changed "$CACHE/cc" "$TOP/dev/cc.sh"
	cc=$CACHE/cc hostcc="ccache gcc"
	export MK_TREE=$TREE CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache} CCACHE_NOHASHDIR=1
fi

kmake=(make -C "$TREE" O="$BUILD" CC="$cc" HOSTCC="$hostcc")

config_hash() {
	{
		# shellcheck disable=SC2086 # a list of words
		(cd "$TOP" && cat $fragments)
		echo "${MK_CONFIG_WITHOUT:-}"
		gcc --version | head -n 1
		ld --version | head -n 1
		echo "$TREE"
		cat "$CACHE/signing/cert.pem"
	} | sha256sum | cut -d' ' -f1
}

# A key for nothing but the tests: made once in this cache, so that a kernel which
# trusts it is the same in every build.
signing_key() {
	local dir=$CACHE/signing tmp
	[ -f "$dir/both.pem" ] && return
	command -v openssl >/dev/null || die "openssl is missing: the kernel needs a key to trust"
	tmp=$(mktemp -d "$CACHE/.signing.XXXXXX")
	openssl req -new -x509 -newkey rsa:2048 -sha256 -nodes -days 3650 \
		-subj "/CN=multikernel tests, a throw-away key" \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$LOGS/openssl.log" ||
		die "openssl made no key, see $LOGS/openssl.log"
	cat "$tmp/key.pem" "$tmp/cert.pem" >"$tmp/both.pem"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}

# Every line that a fragment asks for must hold in the end: kconfig drops silently.
check_config() {
	awk '
	function name(l) { sub(/^# /, "", l); sub(/[= ].*/, "", l); return l }
	!/^CONFIG_/ && !/^# CONFIG_[A-Za-z0-9_]+ is not set/ { next }
	FILENAME == ARGV[ARGC - 1] { have[name($0)] = $0; next }
	{ n = name($0); want[n] = $0 ~ /=n$/ ? "# " n " is not set" : $0 }
	END {
		for (n in want) {
			if (want[n] ~ /is not set$/ ? have[n] == "" || have[n] == want[n] : have[n] == want[n])
				continue
			printf "  %s (is: %s)\n", want[n], have[n] == "" ? "absent" : have[n]
			bad = 1
		}
		exit bad
	}' "$@" "$BUILD/.config"
}

configure() {
	local list=() f
	say "configuring the $flavour kernel"
	rm -f "$BUILD/.mk-config"
	mkdir -p "$BUILD/.mk-fragments"
	for f in $fragments; do
		# MK_CONFIG_WITHOUT (a regular expression) leaves lines out, for trials.
		grep -Ev "^(# )?(${MK_CONFIG_WITHOUT:-NONE})[= ]" "$TOP/$f" >"$BUILD/.mk-fragments/${f##*/}"
		list+=("$BUILD/.mk-fragments/${f##*/}")
	done
	{
		"${kmake[@]}" tinyconfig &&
		(cd "$TREE" && KCONFIG_CONFIG=$BUILD/.config scripts/kconfig/merge_config.sh \
			-m -O "$BUILD" "$BUILD/.config" "${list[@]}") &&
		"${kmake[@]}" olddefconfig
	} >"$LOG" 2>&1 || { tail -n 20 "$LOG" >&2; die "configuring failed, see $LOG"; }
	check_config "${list[@]}" ||
		die "the configuration does not hold these lines; a dependency is missing"
	echo "$chash" >"$BUILD/.mk-config"
}

# make prints a line for each step: count them, so that somebody sees it move.
progress() {
	local start=$SECONDS last=$SECONDS n step total
	total=$(cat "$BUILD/.mk-steps" 2>/dev/null || echo 1900)
	while kill -0 "$1" 2>/dev/null; do
		sleep 1 || :	# ended by Ctrl-C, too
		n=$(grep -c '^  [A-Z]' "$LOG" || :)
		step=$(tail -n 1 "$LOG")
		if [ -t 1 ]; then
			printf '\r\033[K   %d:%02d  step %d (a full build has about %d) %.60s' \
				$(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) "$n" "$total" "$step"
		elif [ $((SECONDS - last)) -ge 30 ]; then
			last=$SECONDS
			printf '   %d:%02d  step %d (a full build has about %d)\n' \
				$(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) "$n" "$total"
		fi
	done
	[ ! -t 1 ] || printf '\r\033[K'
}

build() {
	local pid rc=0 n
	say "building the $flavour kernel (from nothing: some minutes; log: $LOG)"
	: >"$LOG"
	"${kmake[@]}" -j"$(nproc)" bzImage modules >"$LOG" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064 # this pid
	trap "kill $pid 2>/dev/null; wait $pid; exit 130" INT TERM
	progress "$pid"
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ "$rc" != 0 ]; then
		grep -nE '(error|undefined reference|Error [0-9]+|\*\*\*)' "$LOG" | head -n 30 >&2 ||
			tail -n 30 "$LOG" >&2
		die "the $flavour kernel did not build, see $LOG"
	fi
	grep -n 'warning:' "$LOG" | head -n 10 || :
	n=$(grep -c '^  [A-Z]' "$LOG" || :)
	[ "$n" -lt 1000 ] || echo "$n" >"$BUILD/.mk-steps"
}

signing_key
install_if_changed "$BUILD/mk-signing.pem" "$CACHE/signing/both.pem"
chash=$(config_hash)
bhash=$(sed -n 2p "$OUT/tree")-$chash-$(sha256sum <"$0" | cut -c1-16)
if [ "$(cat "$BUILD/.mk-built" 2>/dev/null)" = "$bhash" ] && [ -f "$BUILD/bzImage" ]; then
	say "the $flavour kernel is up to date: $BUILD/bzImage"
	exit 0
fi
rm -f "$BUILD/.mk-built"
if [ "$(cat "$BUILD/.mk-config" 2>/dev/null)" != "$chash" ] || [ ! -f "$BUILD/.config" ]; then
	configure
fi
# The sockets' transport as a module, beside the one in the kernel: vhost.sh's host is
# booted with initcall_blacklist= for that one. It would hit the module, too, but for
# another name of its initcall.
VSOCK=$BUILD/mk-vsock
vsock_module() {
	local f
	rm -f "$VSOCK/multikernel_vsock.ko"
	grep -qx CONFIG_MODULES=y "$BUILD/.config" &&
		grep -qx CONFIG_MULTIKERNEL_VSOCKETS=y "$BUILD/.config" || return 0
	{
		echo "obj-m := multikernel_vsock.o"
		sed -n '/^multikernel_vsock-y/,/[^\\]$/p' "$TREE/net/vmw_vsock/Makefile"
	} >"$BUILD/mk-vsock.new"
	install_if_changed "$VSOCK/Kbuild" "$BUILD/mk-vsock.new"
	for f in "$TREE"/net/vmw_vsock/multikernel_*.[ch]; do
		sed 's/\bmk_vsock_init\b/mk_vsock_module_init/' "$f" >"$BUILD/mk-vsock.new"
		install_if_changed "$VSOCK/${f##*/}" "$BUILD/mk-vsock.new"
	done
	"${kmake[@]}" -j"$(nproc)" M="$VSOCK" modules >>"$LOG" 2>&1 </dev/null ||
		{ tail -n 20 "$LOG" >&2; die "the sockets do not build as a module, see $LOG"; }
}

# Modules for the guest, without what only a debugger wants.
collect_modules() {
	local ko
	rm -rf "$BUILD/modules.new"
	mkdir -p "$BUILD/modules.new"
	# Nor is there such a list where there are no modules
	[ ! -f "$BUILD/modules.order" ] || sed -n 's/\.o$/.ko/p' "$BUILD/modules.order" | while read -r ko; do
		objcopy --strip-debug "$BUILD/$ko" "$BUILD/modules.new/${ko##*/}"
	done
	[ ! -f "$VSOCK/multikernel_vsock.ko" ] ||
		objcopy --strip-debug "$VSOCK/multikernel_vsock.ko" "$BUILD/modules.new/multikernel_vsock.ko"
	rm -rf "$BUILD/modules"
	mv "$BUILD/modules.new" "$BUILD/modules"
}

build
vsock_module
collect_modules
# A name of our own: a rebuild that breaks off never leaves a half image behind.
cp "$BUILD/arch/x86/boot/bzImage" "$BUILD/.bzImage.tmp"
mv "$BUILD/.bzImage.tmp" "$BUILD/bzImage"
echo "$bhash" >"$BUILD/.mk-built"
say "built: $BUILD/bzImage"
