#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make the prepared kernel tree: pristine source + our files + our patches.
# Leaves its path in the first line of $OUT/tree, a hash of what a build sees in the
# second. Only files that differ are written, so that a change here rebuilds no more
# than it must.
#
# Beside the tree lies TREE.mk/ with
#   pristine/   the original of every file that a patch changes
#   manifest    the files in the tree that are ours (added or patched)
#   stamp       the inputs that the tree was last prepared from
. "$(dirname "$0")/lib.sh"

OVERLAY_DIRS="arch block drivers fs include init kernel lib mm net Documentation samples scripts tools usr"

# --- the source, unpacked or copied once ----------------------------------

unpack_debian() {
	local deb version
	deb=$(find "$CACHE/dl" -maxdepth 1 -name 'linux-source-6.12_*.deb' | sort -V | tail -n 1)
	if [ -z "$deb" ] || [ -n "$DEB" ]; then
		"$TOP/dev/fetch.sh"
		deb=$(find "$CACHE/dl" -maxdepth 1 -name 'linux-source-6.12_*.deb' | sort -V | tail -n 1)
	fi
	version=${deb#*_}
	version=${version%%-*}
	TREE=$CACHE/src/linux-$version-mk
	[ -d "$TREE" ] && return
	say "unpacking $(basename "$deb")"
	unpack=$(mktemp -d "$CACHE/src/.unpack.XXXXXX")
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xOf - ./usr/src/linux-source-6.12.tar.xz |
		tar -xJf - -C "$unpack" --strip-components=1
	adopt "$unpack"
}

copy_users() {
	local src stamp
	src=$(cd "$LINUX" 2>/dev/null && pwd -P) || die "LINUX=$LINUX: no such folder"
	[ -f "$src/Kbuild" ] || die "LINUX=$LINUX is no kernel tree"
	# Not in the first 6.12.y; mk_request() has it
	grep -qw __uninitialized "$src/include/linux/compiler_attributes.h" ||
		die "LINUX=$LINUX is too old: __uninitialized is not in its compiler_attributes.h; a later 6.12.y has it"
	TREE=$CACHE/src/user-$(sha256sum <<<"$src" | cut -c1-12)-mk
	stamp=$TREE.mk/copied
	if [ -d "$TREE" ]; then
		refresh_users "$src" "$stamp"
		return
	fi
	say "copying $src (it stays as it is)"
	unpack=$(mktemp -d "$CACHE/src/.unpack.XXXXXX")
	touch "$unpack.time"
	tar -C "$src" --exclude=./.git -cf - . | tar -C "$unpack" -xf -
	# An out-of-tree build wants a tree that was never built in.
	make -s -C "$unpack" mrproper >"$LOGS/mrproper.log" 2>&1 || die "make mrproper failed, see $LOGS/mrproper.log"
	adopt "$unpack"
	mkdir -p "$TREE.mk"
	mv "$unpack.time" "$stamp"
}

# Take over what changed in the user's tree since it was copied.
refresh_users() {
	local src=$1 stamp=$2 f n=0
	touch "$stamp.new"
	while IFS= read -r f; do
		f=${f#./}
		if [ -f "$TREE.mk/pristine/$f" ]; then
			cp -p "$src/$f" "$TREE.mk/pristine/$f"
		else
			mkdir -p "$(dirname "$TREE/$f")"
			cp -p "$src/$f" "$TREE/$f"
		fi
		n=$((n + 1))
	done < <(cd "$src" && find . -path ./.git -prune -o -type f -cnewer "$stamp" \
		! -name '*.o' ! -name '*.cmd' ! -name '*.ko' ! -path './include/generated/*' \
		! -path './include/config/*' ! -name '.config*' -print)
	if [ "$n" -gt 0 ]; then
		say "took over $n changed files from $src"
		date +%s.%N >"$TREE.mk/refreshed"	# part of the inputs' hash
	fi
	mv "$stamp.new" "$stamp"
}

# A tree gets its name when it is complete; what lies beside it from an older one goes.
adopt() {
	rm -rf "$TREE.mk"
	mv "$1" "$TREE"
}

# --- our files and patches ------------------------------------------------

overlay_files() {
	local d
	for d in $OVERLAY_DIRS; do
		[ -d "$TOP/$d" ] || continue
		(cd "$TOP" && find "$d" -type f ! -name '.*' ! -name '*~' ! -name '*.orig' \
			! -name '*.rej' ! -name '*.o')
	done | sort
}

patch_files() {
	find "$TOP/patches" -maxdepth 1 -name '*.patch' 2>/dev/null | sort
	if [ -f "$TOP/MAINTAINERS.patch" ]; then
		echo "$TOP/MAINTAINERS.patch"
	fi
}

# The files that the patches change, as in-tree paths.
patched_files() {
	[ "${#patches[@]}" -gt 0 ] || return 0
	sed -nE 's#^(---|\+\+\+) [ab]/([^\t ]*).*#\2#p' "${patches[@]}" | sort -u
}

inputs_hash() {
	{
		echo "$TREE"
		cat "$TREE.mk/refreshed" 2>/dev/null || :
		sha256sum <"$TOP/dev/prepare.sh"
		cd "$TOP"
		printf '%s\n' "${overlay[@]}" "${patches[@]#"$TOP"/}" | sed '/^$/d' | grep -Ev "$1" |
			xargs -r -d '\n' sha256sum
	} | sha256sum | cut -d' ' -f1
}

in_manifest() {
	[ -f "$side/manifest" ] && grep -qxF "$1" "$side/manifest"
}

# Patch copies of the originals; the tree is touched only when all went well.
apply_patches() {
	local f p log=$LOGS/patch.log
	for f in "${patched[@]}"; do
		if [ ! -f "$side/pristine/$f" ] && [ -f "$TREE/$f" ] && ! in_manifest "$f"; then
			mkdir -p "$side/pristine/$(dirname "$f")"
			cp -p "$TREE/$f" "$side/pristine/.new"
			mv "$side/pristine/.new" "$side/pristine/$f"
		fi
		if [ -f "$side/pristine/$f" ]; then
			mkdir -p "$work/$(dirname "$f")"
			cp -p "$side/pristine/$f" "$work/$f"
		fi
	done
	for p in "${patches[@]}"; do
		if ! patch -d "$work" -p1 -N -f --no-backup-if-mismatch -r - <"$p" >"$log" 2>&1; then
			cat "$log" >&2
			die "${p#"$TOP"/} does not apply to $TREE; nothing was changed"
		fi
	done
}

install_files() {
	local f
	# First say what may be ours, then write: an interruption leaves nothing unknown.
	printf '%s\n' "${overlay[@]}" "${patched[@]}" | sort -u >"$side/manifest.new"
	sort -u "$side/manifest.new" "$side/manifest" 2>/dev/null >"$side/manifest.all" || :
	[ -f "$side/manifest" ] || : >"$side/manifest"
	cp "$side/manifest.all" "$side/manifest"

	for f in "${overlay[@]}"; do install_if_changed "$TREE/$f" "$TOP/$f"; done
	for f in "${patched[@]}"; do
		[ -f "$work/$f" ] && install_if_changed "$TREE/$f" "$work/$f"
	done

	# What was ours and is no more goes back to what it was.
	comm -23 "$side/manifest.all" "$side/manifest.new" | while IFS= read -r f; do
		if [ -f "$side/pristine/$f" ]; then
			install_if_changed "$TREE/$f" "$side/pristine/$f"
		else
			rm -f "$TREE/$f"
		fi
	done
	mv "$side/manifest.new" "$side/manifest"
	rm -f "$side/manifest.all"
}

rm -rf "$CACHE"/src/.unpack.* "$CACHE"/src/.patch.*	# left by an interrupted run
if [ -n "$LINUX" ]; then
	copy_users
else
	unpack_debian
fi
side=$TREE.mk
mkdir -p "$side/pristine"

mapfile -t overlay < <(overlay_files)
mapfile -t patches < <(patch_files)
mapfile -t patched < <(patched_files)
hash=$(inputs_hash "^$")

if [ "$(cat "$side/stamp" 2>/dev/null)" != "$hash" ]; then
	say "preparing $TREE: ${#overlay[@]} files, ${#patches[@]} patches"
	work=$(mktemp -d "$CACHE/src/.patch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	for f in "${overlay[@]}"; do
		if [ -e "$TREE/$f" ] && ! in_manifest "$f"; then
			die "$f exists in the kernel already: a change to it belongs into patches/"
		fi
	done
	rm -f "$side/stamp"
	apply_patches
	install_files
	echo "$hash" >"$side/stamp"
fi

# For the build: a change to these rebuilds no kernel.
unbuilt='^(Documentation|tools/testing|tools/multikernel)/|^MAINTAINERS'
printf '%s\n%s\n' "$TREE" "$(inputs_hash "$unbuilt")-$(stat -c %i "$TREE")" >"$OUT/tree"
