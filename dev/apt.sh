# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sourced: download Debian packages without touching the system's apt.
#
# A private apt has its own sources, lists and cache below $CACHE/apt. From the
# system it takes the mirror's address, the proxy settings and Debian's keyring.

APT=$CACHE/apt

# The archives that the system's apt uses: "URI SUITE" a line. Works without lists.
apt_sources() {
	apt-get update --print-uris 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/\([^/' ]*\)\(/updates\)\?/InRelease'.*|\1 \2|p" |
		grep -E ' (stable|oldstable|testing|sid|bookworm|trixie|forky)(-[a-z-]+)?$' |
		sort -u || :
}

# private_apt SUBCOMMAND ARGS...: needs $APT/sources.list
private_apt() {
	mkdir -p "$APT/lists/partial" "$APT/archives/partial" "$APT/empty"
	: >"$APT/status"
	{
		apt-config dump | grep '^Acquire::' || :
		cat <<-CONF
		Dir::Etc::main "/dev/null";
		Dir::Etc::parts "$APT/empty";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "$APT/empty";
		Dir::Etc::sourcelist "$APT/sources.list";
		Dir::Etc::sourceparts "$APT/empty";
		Dir::State "$APT";
		Dir::State::lists "$APT/lists";
		Dir::State::status "$APT/status";
		Dir::Cache "$APT";
		Dir::Cache::archives "$APT/archives";
		APT::Sandbox::User "";
		APT::Get::List-Cleanup "0";
		CONF
	} >"$APT/apt.conf"
	APT_CONFIG=$APT/apt.conf apt-get "$@"
}

# apt_private_sources "URI SUITE"...: write the private sources.list
apt_private_sources() {
	local key=/usr/share/keyrings/debian-archive-keyring line
	[ -f "$key.gpg" ] && key=$key.gpg || key=$key.pgp
	[ -f "$key" ] || die "no Debian keyring in /usr/share/keyrings (package debian-archive-keyring)"
	mkdir -p "$APT"
	for line; do
		printf 'deb [signed-by=%s] %s main\n' "$key" "$line"
	done >"$APT/sources.list"
}

# apt_fetch DIR PACKAGE...: the machine's own candidates, into DIR. System lists
# if it has them; else the same suites through the private apt.
apt_fetch() {
	local dir=$1 own
	shift
	(cd "$dir" && apt-get download -qq "$@") 2>/dev/null && return
	mapfile -t own < <(apt_sources)
	[ "${#own[@]}" -gt 0 ] || return 1
	apt_private_sources "${own[@]}"
	private_apt update -q >/dev/null || return 1
	(cd "$dir" && private_apt download -qq "$@")
}

# apt_source DIR PACKAGE SUITE: the files of a source package, into DIR
apt_source() {
	local uri
	for uri in $(apt_sources | cut -d' ' -f1 | grep -v security | sort -u) ${MIRROR:+"$MIRROR"}; do
		apt_private_sources "${uri%/} $3"
		sed -i 's/^deb /deb-src /' "$APT/sources.list"
		private_apt update -q -o APT::Update::Error-Mode=any >/dev/null 2>&1 || continue
		(cd "$1" && private_apt source --download-only -qq "$2" >/dev/null 2>&1) && return
	done
	return 1
}

# apt_closure PACKAGE: it and all it depends on, from the lists that know it.
apt_closure() {
	local show="apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts
		--no-breaks --no-replaces --no-enhances"
	# shellcheck disable=SC2086 # words
	{ $show "$1" 2>/dev/null || APT_CONFIG=$APT/apt.conf $show "$1" 2>/dev/null || :; } |
		grep -E '^[a-z0-9]' | sort -u
}
