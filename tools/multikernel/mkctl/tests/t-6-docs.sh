# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2016,SC2154
# The man page and the completion have what the program has, and nothing else

SRC=$HERE/..
# Every long option, by the program's table; every command, by its help
all_options=$(sed -n 's/^	{ "\([a-z-]*\)", \(no\|required\)_argument.*/\1/p' "$SRC/main.c" | sort)
mkctl help
all_commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$T/out" | sort)

# takes COMMAND: its options, as the program says; the one after it ends the parsing
takes() {
	for o in $all_options; do
		case $o in help | version) continue ;; esac
		mkctl "$1" "--$o" 1 --frob
		grep -q "takes no --$o" "$T/err" && continue
		mkctl "$1" "--$o=1" --frob
		grep -q "takes no --$o" "$T/err" || echo "--$o"
	done
}

# completes WORD...: what bash offers for the last word
completes() {
	bash -c '. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_mkctl
		printf "%s\n" "${COMPREPLY[@]}"' - "$SRC/mkctl.bash" mkctl "$@" 2>&1 | sort
}

# The page as plain text in its source
man=$T/man
sed 's/\\-/-/g; s/\\ / /g; s/\\f[A-Z]//g' "$SRC/mkctl.8" >"$man"

same() { # WHAT A B: the same lines
	printf '%s\n' "$2" >"$T/a"
	printf '%s\n' "$3" >"$T/b"
	diff "$T/a" "$T/b" >"$T/diff" && return
	echo "$1:"
	cat "$T/diff"
	return 1
}

there_are_some() { [ "$(echo "$all_options" | wc -l)" -gt 20 ] && [ "$(echo "$all_commands" | wc -l)" -gt 15 ]; }
it "the tests of the man page and the completion read the tables" there_are_some

completion_commands() { same "commands" "$all_commands" "$(completes '')"; }
completion_options() {
	for c in $all_commands; do
		same "$c" "$(takes "$c" | sort)" "$(completes "$c" x --)" || return
	done
}
completion_first() { same "first word" "$(printf '%s\n' --help --json --version)" "$(completes --)"; }
if command -v bash >/dev/null; then
	it "completion: the commands" completion_commands
	it "completion: the options of each" completion_options
	it "completion: options in the place of a command" completion_first
else
	skip "completion" "no bash"
fi

man_commands() {
	same "headings under COMMANDS" "$all_commands" "$(sed -n '/^\.SH COMMANDS/,/^\.SH OPTIONS/p' "$man" |
		sed '/^\.RS/,/^\.RE/d' | sed -n '/^\.TP/{n; s/^\.[BRI]* *\([a-z]*\).*/\1/p}' | sort -u)"
}
it "man page: each command, and no other" man_commands
man_options() {
	same "options" "$(echo "$all_options" | sed 's/^/--/')" \
		"$(grep -oE -- '--[a-z]+(-[a-z]+)*' "$man" | sort -u | grep -vx -- --now)"
}
it "man page: each option, and no other" man_options
# What the program prints, so that it need not be kept in step by hand
man_keys() {
	mkctl check --json
	keys=$(grep -oE '"[a-z_]+":' "$T/out")
	printf 'cpus = 2\nmemory = 64M\n' >"$CONF/keys.conf"
	mkctl apply --dry-run --json
	keys="$keys $(grep -oE '"[a-z_]+":' "$T/out")"
	rm "$CONF/keys.conf"
	up keys 2-3
	mkctl top --json
	keys="$keys $(grep -oE '"[a-z_]+":' "$T/out")"
	mkctl destroy keys --kill
	for k in $(echo "$keys" | tr -d '":' | tr ' ' '\n' | sort -u); do
		sed -n '/^\.SH JSON/,/^\.SH EXIT/p' "$man" | grep -qw -- "$k" || { echo "no key '$k'"; return 1; }
	done
}
it "man page: the keys of check, apply and top" man_keys
man_states() {
	for s in 0 1 2 3 4 5 6 7 8 9 10 11 130; do
		grep -q "^$s	" "$man" || { echo "no exit status $s"; return 1; }
	done
	sed -n '/^	RC_/s/.*= \([0-9]*\),.*/\1/p' "$SRC/mkctl.h" >"$T/a"
	sed -n '/^\.SH EXIT/,/^\.TE/s/^\([0-9]*\)	.*/\1/p' "$man" | diff "$T/a" -
}
it "man page: the exit statuses, and no other" man_states
man_clean() {
	# As man(1) has it formatted
	groff -K utf8 -t -mandoc -Tutf8 -Z -wmac "$1" 2>"$T/err" >/dev/null
	cat "$T/err"
	[ ! -s "$T/err" ]
}
if command -v groff >/dev/null; then
	it "man page: no warning" man_clean "$SRC/mkctl.8"
	sed '/^\.SH NAME/i .NOSUCH' "$SRC/mkctl.8" >"$T/bad.8"
	it "... and one would be seen" eval '! man_clean "$T/bad.8" >/dev/null'
else
	skip "man page: no warning" "no groff"
fi
