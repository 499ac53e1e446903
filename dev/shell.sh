#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An interactive shell in the host guest.
. "$(dirname "$0")/lib.sh"

"$TOP/dev/kernel.sh" plain
say "booting the host: 'exit' ends it, Ctrl-A x ends QEMU at once"
exec "$TOP/dev/run.sh" plain shell --shell
