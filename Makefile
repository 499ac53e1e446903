# SPDX-License-Identifier: GPL-2.0
# Every target does all of its own set-up; nothing is done twice.

LINUX  ?=
O      ?=
SMP    ?= 4
MEM    ?= 2G
ACCEL  ?=
N      ?=
SEED   ?=
MIRROR ?=
DEB    ?=
TESTS  ?=
OVMF   ?=
SIGNOFF ?=

export LINUX SMP MEM ACCEL N SEED MIRROR DEB TESTS OVMF SIGNOFF
ifneq ($(O),)
export O := $(abspath $(O))
endif

.PHONY: help demo check kunit bench icount cost soak shell series check-series kernel clean \
	distclean

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

demo check kunit bench icount cost soak shell series check-series:
	@dev/$@.sh

kernel:
	@dev/kernel.sh plain

clean distclean:
	@dev/clean.sh $@

#: A second Linux beside the first, and talk to it.
#:
#:   make demo     build everything, boot it in QEMU, show the main job
#:   make check    all tests, on a kernel with the checkers on
#:   make kunit    the unit tests alone; FLAVOUR=debug, kcsan or kasan are the checkers
#:   make bench    the figures, as a table and as JSON
#:   make icount   instructions for a message, counted by QEMU
#:   make cost     what it costs who does not use it: size, boot, hot paths, against pristine
#:   make soak     N lives of several instances, a random mix of faults (default 1000)
#:   make shell    a shell in the host guest ('exit' ends it)
#:   make series   the patches for review, in build/series, for git send-email
#:   make check-series   whether they may be sent; builds each of them (hours the first time)
#:   make kernel   only build the kernel and the initramfs
#:   make clean    remove what was built
#:   make distclean   also the source, the prepared trees and the caches
#:
#: Variables:
#:   SMP=4 MEM=2G    the guest's CPUs and memory
#:   ACCEL=kvm|tcg   instead of the better that works here
#:   N=1000 SEED=1   cycles of soak, seed of its random moments
#:   BOOTS=5         straight boots of bench
#:   FLAVOUR=debug   soak: on the kernel with the checkers on, instead of plain; or on that
#:                   with KASAN (and kmemleak, DEBUG_OBJECTS) or KCSAN: kasan, kcsan
#:   FLAVOUR=kasan   check: only the selftests, on this kernel or on kcsan (see TESTS)
#:   TESTS=create,kill   only these files of the selftests
#:   TIMEOUT=300     seconds after which a guest of demo, check, bench or soak is ended
#:   OVMF=FILE       check: the EFI firmware (default: /usr/share/ovmf/OVMF.fd)
#:   SHOW=all        check: the guests' whole log on the screen (story: the default; none)
#:   SIGNOFF="Name <mail>"   series: the poster's, in each patch
#:   FROM=3 TO=5     check-series: build these patches only; ONLY=am,docs: these checks only
#:   LINUX=/path     build with your own 6.12 tree (it is copied, and stays as it is)
#:   O=/path         where to build (default: out/ in the cache)
#:   MIRROR=URL      Debian archive to fetch the kernel source from
#:   DEB=FILE        a linux-source-6.12 package that you have already
#:   MK_CACHE=/path  the cache (default: ~/.cache/multikernel)
