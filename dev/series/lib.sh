# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced after lib.sh and judge.sh by who checks the series.

# Nobody's settings
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 \
	GIT_COMMITTER_NAME=multikernel GIT_COMMITTER_EMAIL=linux-kernel@vger.kernel.org
GIT_ID=(-c user.name=multikernel -c user.email=linux-kernel@vger.kernel.org)

# compiler TREE: $cc and $hostcc, by ccache if there is one, for builds of that tree which
# are the same whoever makes them and when
compiler() {
	# shellcheck disable=SC2034 # for who sources this
	cc=gcc hostcc=gcc
	if command -v ccache >/dev/null; then
		install_if_changed "$CACHE/cc" "$TOP/dev/cc.sh"
		cc=$CACHE/cc hostcc="ccache gcc"
		export MK_TREE=$1 CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache} CCACHE_NOHASHDIR=1
	fi
	export KBUILD_BUILD_TIMESTAMP=@1767225600 KBUILD_BUILD_USER=mk KBUILD_BUILD_HOST=mk \
		KBUILD_BUILD_VERSION=1
}

# Files of the kernel that the series changes. pristine/ may have more, of earlier times.
changed_files() {
	comm -12 <(sort "$TREE.mk/manifest") <(cd "$TREE.mk/pristine" && find . -type f -printf '%P\n' | sort)
}

# am_series PATCHES DIR: apply the series in DIR, a tree without what is ours. The commit
# before is tagged "pristine".
am_series() {
	local patches=("$1"/*.patch)	# the first one is the cover letter

	git -C "$2" init -q -b series
	changed_files | git -C "$2" --literal-pathspecs add -f --pathspec-from-file=-
	git -C "$2" "${GIT_ID[@]}" commit -q -m "pristine: the files that the series changes"
	git -C "$2" tag pristine
	git -C "$2" "${GIT_ID[@]}" am -q --whitespace=nowarn --committer-date-is-author-date "${patches[@]:1}" 2>&1
}

# posted FILE: of the tree, as the series has it: MAINTAINERS names who posts it
posted() {
	if [ "$1" = MAINTAINERS ] && [ -n "${SIGNOFF:-}" ]; then
		awk '/^M:\tMultikernel developers </ { print "M:\t" ENVIRON["SIGNOFF"]; next } 1' "$TREE/$1"
	else
		cat "$TREE/$1"
	fi
}

# same_as_tree DIR: what the series made there is the prepared tree, byte for byte, mode for
# mode, and it made nothing else. Prints what is not so.
same_as_tree() {
	local f
	while IFS= read -r f; do
		if ! posted "$f" | cmp -s "$1/$f" -; then
			echo "$f differs"
		elif [ "$(stat -c %A "$1/$f" | tr -dc x)" != "$(stat -c %A "$TREE/$f" | tr -dc x)" ]; then
			echo "$f: another mode"
		fi
	done <"$TREE.mk/manifest"
	comm -13 <(sort "$TREE.mk/manifest") <(git -C "$1" ls-files | sort) | sed 's/$/ is not in the prepared tree/'
}
