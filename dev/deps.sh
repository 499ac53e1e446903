#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the Debian packages that are missing, or say the one line that would.
. "$(dirname "$0")/lib.sh"

# libelf: objtool. libssl: scripts/. The keyring: the kernel source's signature.
# openssl, sbsigntool: a signed kernel for the tests. python3-drgn: looks at a dead spawn.
# ovmf: boots a host by EFI. git, python3: the patch series.
PACKAGES="build-essential flex bison bc libelf-dev libssl-dev cpio xz-utils
qemu-system-x86 ovmf ccache ca-certificates debian-archive-keyring openssl sbsigntool
python3-drgn git python3"

if ! command -v dpkg-query >/dev/null; then
	warn "this is no Debian: please have these (or their like): ${PACKAGES//$'\n'/ }"
	exit 0
fi

# shellcheck disable=SC2086 # a list of words
missing=$(missing_packages $PACKAGES)
[ -n "$missing" ] || exit 0

say "missing Debian packages: $missing"
line="apt-get update && apt-get install -y --no-install-recommends $missing"
if ! can_be_root; then
	printf 'Not root, and sudo would ask. Please run this as root, then come again:\n\n    %s\n\n' "${line% }" >&2
	exit 1
fi

say "installing them"
as_root apt-get update -q || warn "apt-get update had errors, trying with what there is"
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
	--no-install-recommends $missing </dev/null ||
	die "apt-get could not install: $missing"
