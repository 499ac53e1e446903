#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The compiler of a build with ccache. kbuild names the tree ($MK_TREE) by its absolute
# path; through the link "source" that it makes in the build folder, every tree and
# every O= has the same names, and so the same objects in ccache.
#
# One object has debug information: in it a debugger that opens a core of this kernel
# (dev/core.py) finds what a task is. For all of them a build would take much longer.
case "$*" in
*" -c "*/init/init_task.c) set -- -gdwarf-4 "$@" ;;
esac
if [ source -ef "$MK_TREE" ]; then
	exec ccache gcc "${@//"$MK_TREE"/source}"
fi
exec ccache gcc "$@"
