#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# builds.sh PATCHES: each commit of the series, with CONFIG_MULTIKERNEL=n and =y, by check-series.
# vmlinux and modules of a small configuration with all that is ours are made
# by make, which compiles what the commit changed and what includes it, and links. A
# warning that the pristine tree has not is a failure. Then our own files once more, with
# W=1: there every warning is one.
#
# An object that a commit brings and does not link yet (see link-with in the manifest) is
# compiled as well, by an "always-y" that is put into the Makefile for that.
#
# The last commit is also built with MULTIKERNEL=y and ACPI, which the others are without:
# it costs a build from nothing.
#
# What was built once is not built again: what a build sees of the commit, the configuration
# and the compiler are remembered. FROM=3 TO=5: only these patches. VARIANTS="n y w1 acpi":
# only these kinds. AGAIN=1: forget.
. "$(dirname "$0")/../lib.sh"
. "$TOP/dev/judge.sh"
. "$TOP/dev/series/lib.sh"

PATCHES=$(cd "$1" && pwd -P)
TREE=$(sed -n 1p "$OUT/tree")
SRC=$CACHE/src/series
DIR=$OUT/series-build
mkdir -p "$DIR"

more_option=CONFIG_ACPI	# of w1 and acpi
compiler "$SRC"

# A copy of the tree, by links: git, as patch and cp -f do, writes new files. The series is
# applied elsewhere and fetched, so that only files that differ are ever new here.
make_source() {
	local f am=$DIR/am
	if [ "$(cat "$SRC.of" 2>/dev/null)" != "$TREE $(stat -c %i "$TREE")" ] || [ ! -d "$SRC/.git" ]; then
		say "copying the tree"
		rm -rf "$SRC" "$SRC.new"
		cp -al "$TREE" "$SRC.new"
		while IFS= read -r f; do
			rm -f "$SRC.new/$f"
		done <"$TREE.mk/manifest"
		(cd "$TREE.mk/pristine" && changed_files | xargs cp --parents -pt "$SRC.new")
		git -C "$SRC.new" init -q -b none
		mv "$SRC.new" "$SRC"
		echo "$TREE $(stat -c %i "$TREE")" >"$SRC.of"
	fi
	rm -rf "$am"
	mkdir -p "$am"
	(cd "$TREE.mk/pristine" && changed_files | xargs cp --parents -pt "$am")
	am_series "$PATCHES" "$am" || return
	git -C "$SRC" checkout -q --detach 2>/dev/null || :
	git -C "$SRC" fetch -q -f "$am" +series:refs/heads/series +pristine:refs/tags/pristine
	git -C "$SRC" rev-parse -q --verify HEAD >/dev/null || git -C "$SRC" reset -q pristine
}

# v: pristine, n, y, w1 or acpi; also the folder
kmake() { make -C "$SRC" O="$DIR/$v" CC="$cc" HOSTCC="$hostcc" "$@"; }

# The configuration that is asked for, before kconfig has seen it
want_config() {
	kmake tinyconfig
	cat "$TOP"/{kernel/configs/multikernel,dev/series/build}.config >"$DIR/fragment"
	(cd "$SRC" && KCONFIG_CONFIG=$DIR/$v/.config scripts/kconfig/merge_config.sh -m -O "$DIR/$v" \
		"$DIR/$v/.config" "$DIR/fragment")
	cp "$DIR/$v/.config" "$DIR/y.want"
	cp "$DIR/y.want" "$DIR/pristine.want"
	sed 's/^CONFIG_MULTIKERNEL=y/# CONFIG_MULTIKERNEL is not set/' "$DIR/y.want" >"$DIR/n.want"
}

# Without the series n and y are the same. It also says which warnings are not ours.
build_pristine() {
	local v=pristine
	[ "$(cat "$DIR/pristine.built" 2>/dev/null)" != "$id" ] || return 0
	rm -f "$DIR/pristine.built"
	say "the pristine tree first, from nothing"
	git -C "$SRC" checkout -q -f pristine
	rm -rf "${DIR:?}"/{pristine,n,y,w1,acpi}
	mkdir "$DIR/pristine"
	want_config >"$LOGS/series-config.log" 2>&1
	build pristine 0 || die "the pristine tree does not build, see $log"
	warnings "$log" >"$DIR/warnings"
	mkdir -p "$DIR/w1" "$DIR/acpi"
	cp -a "$DIR/pristine" "$DIR/n"
	mv "$DIR/pristine" "$DIR/y"
	echo "$id" >"$DIR/pristine.built"
}

# linked_if FOLDER OBJECT: y, or the option that the whole series links it with
linked_if() {
	git -C "$SRC" show "series:$1/Makefile" |
		awk -v o="$2" '/^obj-/ && index($0 " ", " " o " ") { sub(/^obj-/, ""); print $1; n = 1; exit }
			END { if (!n) print "y" }'
}

# Objects of ours that the commit has the source of, and no Makefile names
compile_unlinked() {
	local d f o
	[ "$v" != n ] || return 0
	for d in kernel/multikernel kernel/multikernel/tests arch/x86/kernel/multikernel; do
		[ -f "$SRC/$d/Makefile" ] || continue
		for f in "$SRC/$d"/*.[cS]; do
			[ -f "$f" ] || continue
			o=$(basename "${f%.*}").o
			grep -qw -- "$o" "$SRC/$d/Makefile" || echo "always-$(linked_if "$d" "$o") += $o"
		done >"$DIR/always"
		[ ! -s "$DIR/always" ] || cat "$DIR/always" >>"$SRC/$d/Makefile"
	done
	if [ -f "$SRC/kernel/multikernel/trace.h" ] && ! grep -q CFLAGS_lifecycle "$SRC/kernel/multikernel/Makefile"; then
		# shellcheck disable=SC2016 # make's
		echo 'CFLAGS_lifecycle.o := -I$(src)' >>"$SRC/kernel/multikernel/Makefile"
	fi
}

warnings() {
	grep -E 'warning:|WARNING:' "$1" | sed -E "s#(\.\./)+##; s#^(source|$SRC)/##; s#:[0-9]+(:[0-9]+)?:#:#g" | sort -u || :
}

# build COMMIT: 0 if it built. What was said is in $log.
build() {
	git -C "$SRC" checkout -q -f "$1" || return
	compile_unlinked
	case $v in
	# Of w1 only what is ours is compiled: ACPI costs nothing there, and acpi.c needs it
	w1 | acpi) sed "s/^# $more_option is not set/$more_option=y/" "$DIR/y.want" >"$DIR/$v/.config" ;;
	*) cp "$DIR/$v.want" "$DIR/$v/.config" ;;
	esac
	log=$LOGS/series-$v-$2.log
	{
		kmake olddefconfig
		case $v in
		# kernel-doc is a check of its own, and takes longer than the compiler
		w1) our_objects | xargs -r make -C "$SRC" O="$DIR/$v" CC="$cc" HOSTCC="$hostcc" \
			-j"$(nproc)" W=1 cmd_checkdoc= ;;
		*) kmake -j"$(nproc)" vmlinux modules ;;
		esac
	} >"$log" 2>&1 </dev/null
}

# For make: those of the commit
our_objects() {
	local d
	for d in arch/x86/kernel/multikernel kernel/multikernel samples/multikernel; do
		[ ! -f "$SRC/$d/Makefile" ] || echo "$d/"
	done
	(cd "$SRC" && find drivers/tty/hvc net/vmw_vsock -name '*multikernel*.c' | sed 's/c$/o/')
}

say "applying the series to a pristine tree"
make_source || { count_fail "git am"; total; }
mapfile -t commits < <(git -C "$SRC" rev-list --reverse pristine..series)
id=$( (cat "$TOP/dev/series/build.config" "$TOP/kernel/configs/multikernel.config"
	gcc --version; ld --version; cat "$SRC.of") | sha256sum | cut -c1-16)
[ -z "${AGAIN:-}" ] || rm -f "$DIR/built"
touch "$DIR/built"

# key V COMMIT: the same for two that are the same to the build
key() {
	local v=$1
	case $v in w1 | acpi) v=$v,$more_option ;; esac
	echo "$v $id $(git -C "$SRC" ls-tree -r "$2" |
		grep -vE '\s(Documentation/|tools/multikernel/|tools/testing/|MAINTAINERS)' | sha256sum | cut -c1-40)"
}

# say_what V NR COMMIT
say_what() {
	case $1 in
	w1) echo "patch $2: no warning of our files with W=1: $(git -C "$SRC" log -1 --format=%s "$3")" ;;
	acpi) echo "patch $2: builds with MULTIKERNEL=y and ACPI, no new warning: $(git -C "$SRC" log -1 --format=%s "$3")" ;;
	*) echo "patch $2: builds with MULTIKERNEL=$1, no new warning: $(git -C "$SRC" log -1 --format=%s "$3")" ;;
	esac
}

# check_one V NR COMMIT
check_one() {
	local v=$1 nr=$2 what new log start=$SECONDS
	what=$(say_what "$@")
	if known "$v" "$3"; then
		count_pass "$what (as before)"
		return
	fi
	build_pristine
	if ! build "$3" "$nr"; then
		count_fail "$what: does not build ($log)"
		grep -nE '(error|undefined reference|No rule|\*\*\*)' "$log" | head -n 8 | sed 's/^/    /'
		return
	fi
	case $v in
	w1) new=$(warnings "$log" | grep multikernel || :) ;;
	# The pristine tree was built without ACPI: of the rest only what names us is ours
	acpi)
		new=$(warnings "$log" | grep multikernel || :)
		[ -f "$DIR/acpi/arch/x86/kernel/multikernel/acpi.o" ] || new+="acpi.c was not compiled"
		;;
	*) new=$(comm -13 "$DIR/warnings" <(warnings "$log")) ;;
	esac
	# Kconfig drops silently what has no way to be
	if [ "$v" = y ] && [ "$nr" = "${#commits[@]}" ]; then
		new+=$(grep '^CONFIG_[A-Z_]*MULTIKERNEL[A-Z_]*=' "$DIR/fragment" | sort -u |
			grep -vxFf "$DIR/y/.config" | sed 's/$/ is not so/' || :)
	fi
	if [ -n "$new" ]; then
		count_fail "$what ($log)"
		head -n 8 <<<"$new" | sed 's/^/    /'
		return
	fi
	key "$v" "$3" >>"$DIR/built"
	count_pass "$what ($((SECONDS - start)) s)"
}

known() { grep -qxF "$(key "$1" "$2")" "$DIR/built"; }

# By turns: a commit's files are then new to make once only
for i in "${!commits[@]}"; do
	nr=$((i + 1))
	if [ "$nr" -lt "${FROM:-1}" ] || [ "$nr" -gt "${TO:-999}" ]; then
		continue
	fi
	for v in ${VARIANTS:-n y w1 acpi}; do
		[ "$v" != acpi ] || [ "$nr" = "${#commits[@]}" ] || continue
		check_one "$v" "$nr" "${commits[i]}"
	done
done
git -C "$SRC" checkout -q -f series
total
