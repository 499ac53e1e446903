# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2207 # names of instances have no blanks
# Completion of mkctl(8) for bash

_mkctl_names() {
	local d
	for d in /sys/kernel/multikernel/instances/*/; do
		[ -e "${d}state" ] || continue
		d=${d%/}
		printf '%s\n' "${d##*/}"
	done
}

_mkctl_confs() {
	local f
	for f in /etc/multikernel/*.conf; do
		[ -e "$f" ] || continue
		f=${f##*/}
		printf '%s\n' "${f%.conf}"
	done
}

_mkctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} cmd=${COMP_WORDS[1]}
	local commands="run create load set start stop kill restart destroy list show top console log
		wait vmcore apply check help"
	local new="--cpus --memory --id --split-core --on-crash --restart-max --restart-interval
		--hang-timeout --boot-timeout --stop-timeout --doorbell-cpu"
	local image="--kernel --initrd --append"
	local states="empty loaded booting running stopping stopped crashed"
	local options="" words=""

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		case $cur in
		-*) commands="--json --help --version" ;;
		esac
		COMPREPLY=($(compgen -W "$commands" -- "$cur"))
		return
	fi
	case $prev in
	--kernel | --initrd)
		COMPREPLY=($(compgen -f -- "$cur"))
		compopt -o filenames 2>/dev/null
		return
		;;
	--config)
		COMPREPLY=($(compgen -d -- "$cur"))
		compopt -o filenames 2>/dev/null
		return
		;;
	--on-crash)
		COMPREPLY=($(compgen -W "keep restart destroy" -- "$cur"))
		return
		;;
	esac
	case $cmd in
	run) options="$new $image --keep --timeout --json" ;;
	create) options="$new --json" ;;
	set) options=${new#*--split-core} ;;
	load) options="$image --unload" ;;
	start | stop | restart) options="--no-wait --timeout --json" ;;
	destroy) options="--stop --kill --missing-ok --timeout" ;;
	list | show | check) options=--json ;;
	top) options="--delay --count --json" ;;
	log) options="--follow --lines" ;;
	wait) options="--timeout --json" ;;
	vmcore) options=--force ;;
	apply) options="--dry-run --force --json --config --no-wait --timeout" ;;
	esac
	case $cmd in
	load | set | start | stop | kill | restart | destroy | show | console | log | wait | vmcore)
		[ "$COMP_CWORD" != 2 ] || words=$(_mkctl_names)
		;;
	apply) words=$(_mkctl_confs) ;;
	help) words=$commands ;;
	esac
	if [ "$cmd" = wait ] && [ "$COMP_CWORD" = 3 ]; then
		words=$states
	fi
	case $cur in
	-*) words=$options ;;
	*)
		if [ "$cmd" = vmcore ] && [ "$COMP_CWORD" = 3 ]; then
			COMPREPLY=($(compgen -f -- "$cur"))
			compopt -o filenames 2>/dev/null
			return
		fi
		;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _mkctl mkctl
