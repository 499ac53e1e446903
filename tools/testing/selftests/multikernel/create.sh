#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC1091,SC2154 # lib.sh is beside us
# What "create" takes and what it refuses; a refusal changes nothing.
. "$(dirname "$0")/lib.sh"
plan 72

c=$MK/create
kib4=$(printf '%4096s' '' | tr ' ' x)
total=$(pool_total)

sizes() {
	between "memory_total" "$total" $((256 << 20)) $((1 << 50)) &&
		equal "memory_free of a whole pool" "$(pool_free)" "$total"
}

# bytes in "start-end" hexadecimal lines on stdin, end included
range_bytes() {
	local a b sum=0
	while IFS=- read -r a b; do
		sum=$((sum + 0x${b#0x} - 0x${a#0x} + 1))
	done
	echo "$sum"
}

in_pool() {
	local a b from to
	val web memory | tr - ' ' >"$T/lent"
	read -r a b <"$T/lent"
	sed -n 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : Multikernel pool$/\1 \2/p' /proc/iomem >"$T/pool"
	while read -r from to; do
		[ $((0x${a#0x})) -ge $((0x$from)) ] && [ $((0x${b#0x})) -le $((0x$to)) ] && return
	done <"$T/pool"
	cat "$T/lent" "$T/pool"
	return 1
}

check "pool: total and free are bytes, all free at first" sizes

# --- what is taken ---

check "two CPUs and 256 MiB are lent" mk_create name=web cpus=2-3 memory=256M
check "its state is empty" equal state "$(state web)" empty
check "its cpus are listed" equal cpus "$(val web cpus)" 2-3
check "its memory is one range of 256 MiB" \
	equal bytes "$(val web memory | range_bytes)" $((256 << 20))
check "its memory is in the pool's part of /proc/iomem" in_pool
check "an id was given" between id "$(val web id)" 1 65535
check "reason, cmdline and console are empty" \
	equal all "$(reason web)$(val web cmdline)$(val web console)" ""
check "the lent CPUs are offline on the host" equal online "$(online)" 0-1
check "the free pool is 256 MiB less" equal free "$(pool_free)" $((total - (256 << 20)))

# --- what is refused beside it ---

expect_errno "name that is taken" EEXIST $c "name=web cpus=1 memory=64M" "'?web'?.*taken|taken.*web"
expect_errno "CPU that is lent" EBUSY $c "name=b cpus=3 memory=64M" "CPU 3 .*web"
expect_errno "CPUs of which one is lent" EBUSY $c "name=b cpus=1-2 memory=64M" "CPU 2 .*web"
expect_errno "id that is taken" EEXIST $c "name=b cpus=1 memory=64M id=$(val web id)" \
	"id $(val web id) .*taken"
expect_errno "more memory than is free" ENOMEM $c \
	"name=b cpus=1 memory=$(((total >> 20) - 254))M" "memory"
expect_errno "more memory than the pool has" ENOMEM $c \
	"name=b cpus=1 memory=$(((total >> 20) + 2))M" "memory"
expect_errno "more memory than any machine has" "ENOMEM|EINVAL" $c \
	"name=b cpus=1 memory=16383P" "memory"

check "a second one beside it, keys in any order, with an id" \
	mk_create memory=64M id=77 cpus=1 name=b
check "its id is the wanted one" equal id "$(val b id)" 77
expect_errno "no CPU left but the boot CPU" EPERM $c "name=c cpus=0 memory=64M" "CPU 0"
check "destroy the second" mk_destroy b
check "destroy the first" mk_destroy web
check "CPUs and memory are back" equal all "$(online) $(pool_free)" "$START_ONLINE $total"

# --- fragments: free memory that is not in one piece ---

third=$(((total >> 20) * 3 / 8))
mk_create name=a cpus=1 memory=${third}M
mk_create name=b cpus=2 memory=64M
mk_destroy a
expect_errno "more memory than is free in one piece" ENOMEM $c \
	"name=c cpus=3 memory=$(((total >> 20) - 66))M" "memory|contiguous|piece"
check "what fits in one piece is taken" mk_create name=c cpus=3 memory=${third}M
mk_reset

# --- forms that are taken ---

taken() {
	mk_create "$@" && equal cpus "$(val b cpus)" 3 && mk_destroy b
}

check "a newline at the end" taken "name=b cpus=3 memory=64M
"
check "more blanks than needed" taken "  name=b   cpus=3  memory=64M "
check "memory in bytes" taken "name=b cpus=3 memory=67108864"
check "memory in K" taken "name=b cpus=3 memory=65536K"
check "a CPU list of one range" taken "name=b cpus=3-3 memory=64M"
name31=$(printf '%31s' '' | tr ' ' n)
long_name() {
	mk_create name="$name31" cpus=3 memory=64M && equal state "$(state "$name31")" empty &&
		mk_destroy "$name31"
}
check "a name of 31 bytes" long_name
check "the greatest id" taken "name=b cpus=3 memory=64M id=65535"

# --- keys ---

expect_errno "unknown key" EINVAL $c "name=b cpus=3 memory=64M colour=red" colour
expect_errno "key in capitals" EINVAL $c "NAME=b cpus=3 memory=64M" NAME
expect_errno "missing name" EINVAL $c "cpus=3 memory=64M" name
expect_errno "missing cpus" EINVAL $c "name=b memory=64M" cpus
expect_errno "missing memory" EINVAL $c "name=b cpus=3" memory
expect_errno "key given twice" EINVAL $c "name=b cpus=3 cpus=2 memory=64M" cpus
expect_errno "word without =" EINVAL $c "name=b cpus=3 memory=64M please" please
expect_errno "two lines at once" EINVAL $c "name=b cpus=3 memory=64M
name=d cpus=2 memory=64M" name

# --- name ---

expect_errno "empty name" EINVAL $c "name= cpus=3 memory=64M" name
expect_errno "name of 32 bytes" EINVAL $c "name=${name31}m cpus=3 memory=64M" "nnnn"
expect_errno "name with a slash" EINVAL $c "name=a/b cpus=3 memory=64M" "a/b"
expect_errno "name that climbs" EINVAL $c "name=../b cpus=3 memory=64M" "\.\./b"
expect_errno "name .." EINVAL $c "name=.. cpus=3 memory=64M" "'?\.\."
expect_errno "name ." EINVAL $c "name=. cpus=3 memory=64M" "name"
expect_errno "name with dot-dot inside" EINVAL $c "name=a..b cpus=3 memory=64M" "a\.\.b"
expect_errno "name with a control byte" EINVAL $c \
	hex:6e616d653d610162206370 "a.*b|control|byte|key"

# --- cpus ---

expect_errno "CPU 0" EPERM $c "name=b cpus=0 memory=64M" "CPU 0"
expect_errno "CPU 0 among others" EPERM $c "name=b cpus=0,3 memory=64M" "CPU 0"
expect_errno "CPU that does not exist" ENODEV $c "name=b cpus=31 memory=64M" "CPU 31"
expect_errno "CPU beyond every machine" "ENODEV|EINVAL" $c \
	"name=b cpus=99999 memory=64M" "99999"
expect_errno "one good CPU, one that does not exist" ENODEV $c \
	"name=b cpus=3,30 memory=64M" "CPU 30"
expect_errno "no CPU" EINVAL $c "name=b cpus= memory=64M" "cpus"
expect_errno "cpus that are no list" EINVAL $c "name=b cpus=three memory=64M" "three"
expect_errno "cpus backwards" EINVAL $c "name=b cpus=3-2 memory=64M" "3-2"

echo 0 >$CPUS/cpu3/online
expect_errno "CPU that is offline" EINVAL $c "name=b cpus=3 memory=64M" "CPU 3"
expect_errno "one good CPU, one offline: none is taken" EINVAL $c \
	"name=b cpus=2-3 memory=64M" "CPU 3"
echo 1 >$CPUS/cpu3/online

# --- memory ---

expect_errno "memory 0" EINVAL $c "name=b cpus=3 memory=0" "memory '?0"
expect_errno "no memory" EINVAL $c "name=b cpus=3 memory=" "memory"
expect_errno "memory that is no number" EINVAL $c "name=b cpus=3 memory=lots" "lots"
expect_errno "negative memory" EINVAL $c "name=b cpus=3 memory=-64M" "-64M"
expect_errno "memory with something behind it" EINVAL $c "name=b cpus=3 memory=64Mx" "64Mx"

# --- id ---

expect_errno "id 0" EINVAL $c "name=b cpus=3 memory=64M id=0" "id '?0"
expect_errno "id 65536" EINVAL $c "name=b cpus=3 memory=64M id=65536" 65536
expect_errno "id that is no number" EINVAL $c "name=b cpus=3 memory=64M id=x" "id '?x"

# --- rubbish ---

expect_errno "a lone newline" EINVAL $c "
" "create: "
expect_errno "garbage" EINVAL $c "!@#% ^&*()" '!@#'
expect_errno "binary" EINVAL $c hex:00ff01fe80 "create: "
expect_errno "a line of 4 KiB" "E2BIG|EINVAL" $c "name=$kib4" "create: "
expect_errno "a good line with 4 KiB of blanks behind it" "E2BIG|EINVAL" $c \
	"name=b cpus=3 memory=64M$(printf '%4096s' '')" "create: "

# sysfs itself answers a write of no bytes; what counts is that nothing happens
empty_write() {
	local before
	before=$(snapshot)
	mkwrite "$c" ""
	equal "everything" "$(snapshot)" "$before"
}
check "an empty write changes nothing" empty_write
