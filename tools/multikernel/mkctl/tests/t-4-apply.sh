# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2016,SC2086,SC2154
# /etc/multikernel/*.conf and apply

conf() { # NAME LINES
	printf '%b\n' "$2" >"$CONF/$1.conf"
}

it "an empty folder: nothing to do" eval 'ok apply && equal out "$(cat "$T/out")" "nothing to do"'
conf web "# a comment\n[instance]\n cpus = 3,2\nmemory=255M\nkernel = $T/bzImage\ninitrd = $T/rd\nappend = a=b  # c\non_crash = restart\nlinks = db"
conf db "cpus=4\nmemory=2M"
dry() {
	ok apply --dry-run && has "$T/out" "^web: create: cpus 3,2, memory 255M" \
		"^web: set: on_crash restart" "^web: load: " "^web: start: " "^db: create" \
		"^web: links: \+db" && gone web && gone db
}
it "--dry-run shows what would be done, and does nothing" dry
first() {
	ok apply && state web running && state db empty &&
		equal cmdline "$(cat "$INST/web/cmdline")" "a=b  # c" &&
		equal on_crash "$(cat "$INST/web/on_crash")" restart &&
		equal links "$(cat "$INST/web/links")" db
}
it "apply does it" first
it "twice changes nothing" eval 'ok apply && equal out "$(cat "$T/out")" "nothing to do"'
it "... says --json, too" eval 'ok apply --dry-run --json && equal out "$(cat "$T/out")" "[]"'
it "what stopped is started" eval 'ok stop web && ok apply && equal out "$(cat "$T/out")" "web: start: it is stopped" && state web running'
sed -i 's/^on_crash.*/on_crash = keep/' "$CONF/web.conf"
it "a setting is changed while it runs" eval 'ok apply && equal out "$(cat "$T/out")" "web: set: on_crash restart -> keep" && state web running'
sed -i 's/^append.*/append = other/' "$CONF/web.conf"
echo before >"$INST/web/console"
it "what would end a kernel takes --force" eval 'no 6 "append .a=b  # c. -> .other..; --force does it" apply && state web running && equal console "$(cat "$INST/web/console")" before'
it "--dry-run says so" eval 'ok apply --dry-run && has "$T/out" "^web: stop: it is running .takes --force"'
it "--json says so" eval 'ok apply --dry-run --json && has "$T/out" "\"action\": \"stop\"" "\"needs_force\": true"'
it "--force does it" eval 'ok apply --force && state web running && equal cmdline "$(cat "$INST/web/cmdline")" other && lacks "$INST/web/console" before'
sed -i 's/^ cpus.*/cpus = 5/' "$CONF/web.conf"
it "other CPUs: made anew" eval 'no 6 "cpus 2-3 -> 5" apply && ok apply --force && equal cpus "$(cat "$INST/web/cpus")" 5 && state web running'
it "... and then nothing" eval 'ok apply && equal out "$(cat "$T/out")" "nothing to do"'
sed -i 's/^memory.*/memory = 4M/' "$CONF/db.conf"
it "an empty one is made anew without --force" eval 'ok apply db && has "$T/out" "^db: destroy: memory 2M -> 4M" && ok apply web'
sed -i 's/^links.*/links =/' "$CONF/web.conf"
echo "links = web" >>"$CONF/db.conf"
it "a link stands if the other end's file has it" eval 'ok apply && equal out "$(cat "$T/out")" "nothing to do"'
it "... is made from there, too" eval 'echo -n >"$INST/db/links"; echo -n >"$INST/web/links"; ok apply web && equal out "$(cat "$T/out")" "web: links: +db"'
sed -i '/^links/d' "$CONF/db.conf"
it "a link that no file has is taken away" eval 'ok apply && equal out "$(cat "$T/out")" "web: links: -db" && equal links "$(cat "$INST/db/links")" ""'
echo "state = loaded" >>"$CONF/web.conf"
it "state = loaded: stopped, with --force" eval 'no 6 "wants another state|it is running" apply && ok apply --force && state web stopped && ok apply && has "$T/out" "nothing to do"'
it "a link to one that has a file and is not there yet waits" eval 'conf a1 "cpus=7\nmemory=2M\nlinks=later"; conf later "cpus=6\nmemory=2M"; ok apply a1 && equal links "$(cat "$INST/a1/links")" "" && ok apply later && equal links "$(cat "$INST/a1/links")" later && ok destroy later && ok destroy a1 && rm "$CONF/a1.conf" "$CONF/later.conf"'
it "a link to nobody" eval 'conf a1 "cpus=7\nmemory=2M\nlinks=nobody"; no 5 "there is no .nobody." apply a1; r=$?; ok destroy a1; rm "$CONF/a1.conf"; [ $r = 0 ]'
it "an instance without a file is left alone" eval 'up own 6 && ok apply && has "$T/out" "nothing to do" && state own running'
it "a name without a file" no 5 "own: there is no .*/own.conf" apply own
it "another folder" eval 'mkdir "$T/conf" && echo "cpus=6" >"$T/conf/x.conf" && no 2 "x.conf: has no .memory" apply --config "$T/conf"'

bad() { # REGEX LINE
	printf 'cpus = 7\nmemory = 2M\n%s\n' "$2" >"$CONF/bad.conf"
	conf aaa "cpus = 7\nmemory = 2M"
	no 2 "bad.conf:3: $1" apply && gone aaa && gone bad
}
it "unknown key, with its line; nothing is done" bad "'colour': unknown key" "colour = red"
it "a key twice" bad "'memory': stands twice" "memory = 4M"
it "no key" bad "'hello': is not 'key = value'" hello
it "a section" bad "'.other.': there is no section" "[other]"
it "a state that is none" bad "state = 'on': use empty" "state = on"
it "a number that is none" bad "hang_timeout = 'x': use a number" "hang_timeout = x"
it "a bad list" eval 'printf "memory=2M\ncpus = 2-\n" >"$CONF/bad.conf"; no 2 "bad.conf:2: cpus = .2-.: use a list" apply'
rm -f "$CONF"/bad.conf "$CONF"/aaa.conf
it "one that fails does not keep the others" eval 'conf aaa "cpus = 6\nmemory = 2M"; conf zzz "cpus = 7\nmemory = 2M"; no 6 "aaa: create: CPU 6 is lent" apply && state zzz empty'

unit() { systemd-analyze verify --man=no "$T/multikernel@web.service"; }
U=$HERE/../multikernel@.service
if command -v systemd-analyze >/dev/null; then
	# With the program where it is here
	sed "s,/usr/sbin/mkctl,$DIR/mkctl," "$U" >"$T/multikernel@web.service"
	it "systemd-analyze verify finds the unit in order" eval 'unit >"$T/unit" 2>&1 && ! grep multikernel "$T/unit"'
	sed "s,/usr/sbin/mkctl,/nonexistent," "$U" >"$T/multikernel@web.service"
	it "... and would find a fault" eval '! unit'
else
	skip "systemd-analyze verify finds the unit in order" "no systemd-analyze"
fi
it "the example is in order" eval 'rm "$CONF"/*; sed "s,/boot/vmlinuz,$T/bzImage,;s,/boot/initrd.*,$T/rd," "$HERE/../example.conf" >"$CONF/ex.conf" && ok apply --dry-run && has "$T/out" "^ex: create"'
