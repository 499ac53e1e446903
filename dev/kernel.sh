#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh FLAVOUR...: everything a guest needs, from nothing: packages, source,
# tree, kernel, initramfs. Quick when all of it is there.
. "$(dirname "$0")/lib.sh"

"$TOP/dev/deps.sh"
for flavour; do
	"$TOP/dev/build.sh" "$flavour"
	"$TOP/dev/initramfs.sh" "$flavour"
done
