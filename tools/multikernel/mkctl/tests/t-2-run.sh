# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2016,SC2034,SC2086,SC2154
# run, and that it takes back what it did

runs() {
	ok run web $web $K --initrd "$T/rd" --append "x=1" && state web running &&
		equal cmdline "$(cat "$INST/web/cmdline")" "x=1" &&
		equal stdout "$(cat "$T/out")" "web: created: id 1, CPUs 2-3, memory 256M
web: loaded: $T/bzImage
web: booting
web: running, init started after 1.23 s"
}
it "run, a line for each step in a pipe" runs
it "a second one of the name leaves the first alone" eval 'no 6 "name .web. is taken" run web --cpus 4 --memory 2M $K && state web running'
it "run --json shows what runs, and nothing else" eval 'ok run db --cpus 4 --memory 2M $K --json && has "$T/out" "\"name\": \"db\"" "\"state\": \"running\"" && equal "first byte" "$(head -c 1 "$T/out")" "{"'
it "two, destroyed" eval 'ok destroy web --kill && ok destroy db --kill && pool_full'

undone() { # STATUS REGEX ARGUMENTS
	want=$1
	re=$2
	shift 2
	mkctl run web "$@"
	status "$want" && has "$T/err" "$re" "taken back" && gone web && pool_full
}
it "an image that is refused: all is taken back" undone 8 "built without MULTIKERNEL" $web --kernel "$T/other"
it "a kernel that is not there: all is taken back" undone 5 "give a file" $web --kernel /nonexistent
it "a crash while it boots: all is taken back" undone 9 "it crashed: panic: fake .x1b.31mpanic" $web $K --append fake=crash
it "... after its last lines were shown" has "$T/err" "^last line"
it "... and none where there are none" eval 'mkctl run web $web --kernel "$T/other"; lacks "$T/err" "last lines"'
it "no READY in time: killed and taken back" undone 10 "not done within 0 s" $web $K --append fake=slow --timeout 0
gone_meanwhile() {
	mkctl run web $web $K --append fake=gone
	status 5 && has "$T/err" "destroyed meanwhile" "web: it is gone" && lacks "$T/err" "still there" && pool_full
}
it "destroyed meanwhile, as on_crash may say" gone_meanwhile
it "--keep leaves it there" eval 'mkctl run web $web $K --append fake=crash --keep; status 9 && state web crashed && ok destroy web'
stuck() {
	export FAKE_BUSY=1
	mkctl run web $web --kernel "$T/other"
	unset FAKE_BUSY
	status 8 && has "$T/err" "it is still there; 'mkctl destroy --kill web'" && ok destroy web
}
it "what can't be taken back is said" stuck

interrupted() {
	MKCTL_ROOT=$T/root LD_PRELOAD=$DIR/fakekernel.so "$DIR/mkctl" run web $web $K \
		--append fake=slow >"$T/out" 2>"$T/err" &
	pid=$!
	tries=500
	until grep -q booting "$T/out"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return
		sleep 0.01
	done
	kill -TERM $pid
	wait $pid
	rc=$?
	status 130 && has "$T/err" "interrupted" && gone web && pool_full
}
it "a signal while it boots: all is taken back" interrupted

old_kernel() {
	export FAKE_OLD=1
	no 3 "web: on_crash: this kernel can't do that" create web $web --on-crash restart && gone web
	r=$?
	unset FAKE_OLD
	return $r
}
it "a setting that this kernel does not have" old_kernel

progress() {
	"$DIR/pty" env MKCTL_ROOT="$T/root" LD_PRELOAD="$DIR/fakekernel.so" "$DIR/mkctl" run web \
		$web $K >"$T/out" 2>&1 <<-END
		see web: booting,
		see last line
		see web: running, init
	END
	has "$T/out" "^exit 0" && ok destroy web --kill
}
it "run on a terminal shows the spawn's last line" progress
