#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check-series.sh [quick]: is what "make series" writes fit to be sent?
#	am           applied to a pristine tree it gives the prepared tree, byte for byte
#	log          changelogs: no line too long, no tag of somebody
#	signoff      SIGNOFF= is the poster's tag, once a patch; a bad one is refused
#	checkpatch   --strict, but for what dev/series/checkpatch.ok justifies
#	maintainers  each new file has an entry, also with SIGNOFF=
#	spelling     codespell, but for the words in dev/series/spelling.ok
#	kernel-doc   -Wall, each C file and header
#	abi          scripts/get_abi.pl takes Documentation/ABI/, and finds each path of ours
#	sparse       each C file of ours, and none is left out
#	docs         sphinx makes our pages without a warning; a page of another that is changed
#	             parses as before; kernel-parameters.txt has each parameter, in its order
#	configs      odd configurations build: dev/series/configs.sh
#	builds       each commit, with CONFIG_MULTIKERNEL=n and =y: dev/series/builds.sh
# "quick" is am, log and signoff: a part of "make check". ONLY=am,docs chooses. FROM=3 TO=5: builds
# of these patches only. The last line is "N passed, N failed".
. "$(dirname "$0")/lib.sh"
. "$TOP/dev/judge.sh"
. "$TOP/dev/series/lib.sh"

PARTS="am log signoff checkpatch maintainers spelling kernel-doc abi sparse docs configs builds"
[ "${1:-}" != quick ] || PARTS="am log signoff"
for p in ${ONLY:+${ONLY//,/ }}; do
	grep -qw -- "$p" <<<"$PARTS" || die "ONLY: there is no part '$p'; there are: $PARTS"
done
[ -z "${ONLY:-}" ] || PARTS=${ONLY//,/ }

if [ "${1:-}" != quick ]; then
	# Only this target needs them
	# shellcheck disable=SC2086 # a list of words
	missing=$(missing_packages git python3 perl codespell sparse python3-sphinx)
	if [ -n "$missing" ]; then
		can_be_root || die "missing Debian packages: $missing"
		say "installing $missing"
		as_root apt-get update -q >/dev/null || :
		# shellcheck disable=SC2086
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
			$missing >"$LOGS/apt-series.log" 2>&1 </dev/null || die "apt-get failed, see $LOGS/apt-series.log"
	fi
fi

SERIES=$OUT/series-check
dev_series=$("$TOP/dev/series.sh" "$SERIES" 2>&1) || { echo "$dev_series"; count_fail "make series"; total; }
TREE=$(sed -n 1p "$OUT/tree")
SIDE=$TREE.mk
work=$(mktemp -d "$OUT/.series.XXXXXX")
trap 'rm -rf "$work"' EXIT

# what is ours, in the tree: all, and those that no kernel file of another was
mapfile -t ours <"$SIDE/manifest"
mapfile -t new < <(comm -23 "$SIDE/manifest" <(changed_files))
mapfile -t sources < <(printf '%s\n' "${new[@]}" | grep -E '^(arch|drivers|include|kernel|net|samples)/.*\.[ch]$')

# verdict NAME REPORT [WHAT]: passes if there is no report
verdict() {
	if [ -z "$2" ]; then
		count_pass "$1${3:+: $3}"
	else
		count_fail "$1"
		head -n "${LINES_SHOWN:-20}" <<<"$2" | sed 's/^/    /'
	fi
}

check_am() {
	local said
	mkdir -p "$work/am"
	(cd "$SIDE/pristine" && changed_files | xargs cp --parents -pt "$work/am")
	said=$(am_series "$SERIES" "$work/am") || { verdict "git am" "$said"; return; }
	verdict "git am gives the prepared tree, byte for byte" "$(same_as_tree "$work/am")" \
		"${#ours[@]} files, $(git -C "$work/am" rev-list --count pristine..series) patches"
	verdict "no Signed-off-by but the poster's" "$(
		sed -n 's/^Signed-off-by: //p' "$SERIES"/*.patch | sort -u | grep -vxF -- "${SIGNOFF:-nobody}" || :)"
}

check_log() {
	local f
	verdict "changelogs: at most 75 columns" "$(
		for f in "$SERIES"/*.patch; do
			sed '/^---$/q; /^ .* | /d' "$f" | awk -v f="$(basename "$f")" '
				/^$/ { body = 1 }
				body && length > 75 && !/^ / { print f ": " $0 }'
		done)"
	verdict "subjects: 'area: Imperative', at most 72 columns" "$(
		# As they are sent: some are those of patches/, and git folds them
		for f in "$SERIES"/*.patch; do
			case $f in */0000-*) continue ;; esac
			awk '/^Subject: / { s = $0; next } s != "" && /^ / { s = s $0; next }
				s != "" { sub(/^Subject: \[PATCH [0-9/]*\] /, "", s); print s; exit }' "$f"
		done | awk 'length > 72 || !/: [A-Z]/; END { if (NR < 2) print "only " NR " subjects" }')"
}

# In a folder of its own: that of the others is as it is sent
check_signoff() {
	local who="Ann O. Other <ann.o'other@example.org>" bad dir=$work/signoff said
	said=$(SIGNOFF=$who "$TOP/dev/series.sh" "$dir" 2>&1) || { verdict "SIGNOFF=" "$said"; return; }
	verdict "SIGNOFF='$who': one tag a patch, and it is from him" "$(
		for f in "$dir"/*.patch; do
			tags=$(grep -ci '^signed-off-by:' "$f" || :)
			case $f in
			*/0000-*) [ "$tags" = 0 ] || echo "the cover letter has a tag" ;;
			*)
				if [ "$tags" != 1 ] || ! grep -qxF -- "Signed-off-by: $who" "$f"; then
					echo "$(basename "$f"): $tags tags, or another's"
				fi
				;;
			esac
			# Git quotes a name with a dot
			[ "$(sed -n 's/^From: //p' "$f" | tr -d '"')" = "$who" ] || echo "$(basename "$f"): $(grep '^From: ' "$f")"
		done)" "$(find "$dir" -name '*.patch' | wc -l) files"
	verdict "SIGNOFF=: he is the maintainer" "$(
		added=$(sed -n 's/^+\([MS]:.*\)/\1/p' "$dir"/*.patch)
		[ "$added" = "M:	$who"$'\n'"S:	Maintained" ] || echo "MAINTAINERS gets: $added")"
	for bad in "Ann Other" "ann@example.org" "<ann@example.org>" "Ann <ann>" $'Ann\nSigned-off-by: Bob <b@c>'; do
		said=
		if said=$(SIGNOFF=$bad "$TOP/dev/series.sh" "$work/bad" 2>&1); then
			said="is taken"
		elif [ ! -e "$work/bad" ] && grep -q "^error: SIGNOFF=.*is not 'Name <mail>'" <<<"${said//$'\n'/ }"; then
			said=
		fi
		verdict "SIGNOFF='${bad//$'\n'/\\n}' is refused" "$said"
	done
}

# A line of checkpatch.ok: TYPE, a tab, a pattern of "file: message", a tab, why
check_checkpatch() {
	local f report=$work/checkpatch all=
	for f in "$SERIES"/*.patch; do
		case $f in */0000-*) continue ;; esac
		(cd "$TREE" && perl scripts/checkpatch.pl --strict --terse --showfile --show-types --no-summary --no-signoff \
			--color=never --no-tree "$f" 2>/dev/null) >>"$report" || :
	done
	all=$(awk -F '\t' '
		FILENAME ~ /checkpatch.ok$/ {
			if (/^#/ || !NF) next
			if (NF != 3) { print "checkpatch.ok:" FNR ": not TYPE, pattern and reason, by tabs"; next }
			n++; type[n] = $1; pat[n] = $2; next
		}
		/MISSING_SIGN_OFF/ { next }
		{
			for (i = 1; i <= n; i++)
				if (index($0, ":" type[i] ":") && $0 ~ pat[i]) { used[i]++; next }
			print
		}
		END { for (i = 1; i <= n; i++) if (!used[i]) print "checkpatch.ok: nobody says any more: " type[i] " " pat[i] }
	' "$TOP/dev/series/checkpatch.ok" "$report")
	verdict "checkpatch --strict" "$all" "$(grep -cv MISSING_SIGN_OFF "$report" || :) reports, each justified in dev/series/checkpatch.ok"
}

check_maintainers() {
	# One call for all would merge the answers
	# shellcheck disable=SC2016 # for sh
	verdict "get_maintainer: MULTIKERNEL for each new file" "$(
		cd "$TREE" || exit
		printf '%s\n' "${new[@]}" | xargs -P "$(nproc)" -I{} sh -c '
			perl scripts/get_maintainer.pl --no-git --no-git-fallback --no-tree --sections -f "$1" 2>/dev/null |
			grep -qx MULTIKERNEL || echo "$1"' - {})" "${#new[@]} files"

	# The tree's MAINTAINERS, as SIGNOFF= makes it, in a folder that has what the script wants
	local tree=$work/maintainers who="Ann Other <ann@example.org>"
	mkdir -p "$tree/kernel/multikernel"
	(export SIGNOFF=$who; posted MAINTAINERS >"$tree/MAINTAINERS")
	cp "$TREE/kernel/multikernel/state.c" "$tree/kernel/multikernel/"
	verdict "get_maintainer: with SIGNOFF= it is the poster" "$(
		cd "$tree" || exit
		said=$(perl "$TREE/scripts/get_maintainer.pl" --no-git --no-git-fallback --no-tree --no-rolestats \
			-f kernel/multikernel/state.c 2>&1 || :)
		grep -qxF -- "$who" <<<"$said" || echo "$said")"
}

check_spelling() {
	local said
	said=$(
		cd "$TREE"
		printf '%s\n' "${new[@]}" | xargs codespell -I "$TOP/dev/series/spelling.ok" 2>&1 || :
		cd "$TOP"
		codespell -I dev/series/spelling.ok dev/series/*.txt patches MAINTAINERS.patch README 2>&1 || :
	)
	verdict "codespell" "$said"
}

check_kernel-doc() {
	local said
	said=$(
		cd "$TREE"
		perl scripts/kernel-doc -none -Wall "${sources[@]}" 2>&1 || :
	)
	verdict "kernel-doc -Wall" "$said" "${#sources[@]} files"
}

check_abi() {
	local said
	cd "$TREE"
	said=$(perl scripts/get_abi.pl validate 2>&1 | grep -i multikernel || :)
	verdict "get_abi.pl validate" "$said"
	local paths=() path
	mapfile -t paths < <(sed -n '/^What:/,/^[A-Z][A-Za-z]*:/{ s/^What:[[:space:]]*//; /^[[:space:]]*\/sys/s/^[[:space:]]*//; /^\/sys/p }' \
		Documentation/ABI/testing/*multikernel*)
	verdict "get_abi.pl finds each path of our files" "$(
		[ "${#paths[@]}" -ge 50 ] || echo "only ${#paths[@]} paths are in the files"
		# Several of one entry are joined by 0xac
		for path in "${paths[@]}"; do
			said=$(perl scripts/get_abi.pl search "(^|\\xac)$path(\\xac|\$)" 2>&1 || :)
			grep -q "^Defined on file.*multikernel" <<<"$said" || echo "not $path: $said"
		done)" "${#paths[@]} paths"
	cd "$TOP"
}

# The configuration of builds, with ACPI, which acpi.c needs; what is ours is compiled anew each time
check_sparse() {
	local build=$OUT/series-build/sparse log=$LOGS/series-sparse.log
	make_sparse >"$log" 2>&1 </dev/null || { count_fail "sparse: make failed, see $log"; return; }
	verdict "sparse" "$(
		grep -E 'warning:|error:' "$log" | grep -i multikernel || :
		printf '%s\n' "${sources[@]}" | grep '\.c$' | while IFS= read -r f; do
			grep -qE "^  CHECK +([^ ]*/)?$f\$" "$log" || echo "$f: was not checked"
		done)" "$(grep -c '^  CHECK .*multikernel' "$log" || :) files"
}

make_sparse() {
	local kmake=(nice make -C "$TREE" O="$build" CC=gcc HOSTCC=gcc)
	local d objects dirs=(kernel/multikernel/ arch/x86/kernel/multikernel/ samples/multikernel/)

	mkdir -p "$build"
	"${kmake[@]}" tinyconfig &&
		cat "$TOP"/{kernel/configs/multikernel,dev/series/build}.config >"$build/fragment" &&
		(cd "$TREE" && KCONFIG_CONFIG=$build/.config scripts/kconfig/merge_config.sh -m -O "$build" \
			"$build/.config" "$build/fragment") &&
		sed -i 's/^# CONFIG_ACPI is not set/CONFIG_ACPI=y/' "$build/.config" &&
		"${kmake[@]}" olddefconfig && grep -x CONFIG_ACPI=y "$build/.config" || return
	for d in "${dirs[@]}"; do
		rm -rf "${build:?}/$d"
	done
	rm -f "$build"/{net/vmw_vsock,drivers/tty/hvc}/*multikernel*
	mapfile -t objects < <(cd "$TREE" && find drivers/tty/hvc net/vmw_vsock -name '*multikernel*.c' | sed 's/c$/o/')
	"${kmake[@]}" -k C=1 "${dirs[@]}" "${objects[@]}"
}

# Our pages alone: all of Documentation/ would take an hour
check_docs() {
	check_other_docs
	local build=$OUT/series-build/docs log=$LOGS/series-docs.log
	rm -rf "$build"	# what sphinx has read before it does not warn of again
	nice make -C "$TREE" O="$build" SPHINXDIRS=multikernel htmldocs >"$log" 2>&1 </dev/null ||
		{ count_fail "sphinx: failed, see $log"; tail -n 5 "$log"; return; }
	verdict "sphinx" "$(grep -E 'multikernel.*(WARNING|ERROR)|(WARNING|ERROR).*multikernel' "$log" || :)" \
		"$(find "$build" -path '*multikernel*' -name '*.html' | wc -l) pages"
}

# The pages of others that a patch changes
check_other_docs() {
	local list=Documentation/admin-guide/kernel-parameters.txt f
	verdict "docutils: pages of others as before, but for what they link" "$(
		mapfile -t pages < <(changed_files | grep '^Documentation/.*\.rst$')
		[ "${#pages[@]}" -gt 0 ] || echo "no page of another is changed"
		for f in "${pages[@]}"; do
			python3 "$TOP/dev/series/rst.py" "$SIDE/pristine/$f" "$TREE/$f" "$TREE/$(dirname "$f")" 2>&1 || :
		done)"
	verdict "kernel-parameters.txt: each parameter of multikernel, and no other" "$(
		diff <(cd "$TREE" && { sed -nE 's/^module_param(_cb|_named)?\(([a-z_]+),.*/multikernel.\2/p' kernel/multikernel/*.c
			sed -nE 's/^early_param\("([a-z_]+)",.*/\1/p' arch/x86/kernel/multikernel/*.c; } | sort) \
			<(sed -nE 's/^\t(multikernel[a-z._]*)=.*/\1/p' "$TREE/$list" | sort) || :)"
	verdict "kernel-parameters.txt: in the list's order" "$(
		grep -oE $'^\t[a-z][A-Za-z0-9._-]*' "$TREE/$list" | tr -d '\t' | grep -B 1 -A 1 '^multikernel' |
			grep -vx -- -- | sort -c 2>&1 || :)"
}

# A script with verdicts of its own, which count here
count_script() {
	local name=$1 out=$work/$1 rc=0
	shift
	"$@" | tee "$out" || rc=$?
	passed=$((passed + $(grep -c '^  passed:' "$out" || :)))
	failed=$((failed + $(grep -c '^  FAILED:' "$out" || :)))
	[ "$rc" = 0 ] || grep -q '^  FAILED:' "$out" || count_fail "$name: ended with $rc"
}

check_configs() { count_script configs "$TOP/dev/series/configs.sh"; }
check_builds() { count_script builds "$TOP/dev/series/builds.sh" "$SERIES"; }

for p in $PARTS; do
	start=$SECONDS
	"check_$p"
	[ $((SECONDS - start)) -lt 5 ] || say "$p took $((SECONDS - start)) s"
done
total
