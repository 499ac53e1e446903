# SPDX-License-Identifier: GPL-2.0
# Read one run's logs, print each failure, then "counts PASSED FAILED SKIPPED".
#
#	awk -f verdict.awk -v run=NAME [-v kunit=1] [-v tap=1] [-v crash=1] CONSOLE OUT
#
#	CONSOLE  the host kernel's log: KUnit's results, and a scan for trouble
#	OUT      the scripts' lines: TAP, and the spawns' logs ("NAME| text"), scanned too
#	kunit=1, tap=1  such results must be there, and as many as their plans say
#	crash=1  the host itself is meant to panic in this run
#
# A spawn may panic between "# expect-panic begin" and "# expect-panic end".
# For mawk as well: no gawk functions.

function note(kind, name) { print "  " kind ": " run ": " name }
function pass(name) { passed++; names = names "\n" name }
function fail(name) { failed++; note("FAILED", name) }
function skip(name) { skipped++; note("skipped", name) }

# An "ok"/"not ok" line without its indentation
function result(line, prefix,    ok, name) {
	ok = line !~ /^not ok/
	name = line
	sub(/^(not )?ok *[0-9]* *(- )?/, "", name)
	if (ok && name ~ /# *SKIP/)
		skip(prefix name)
	else if (ok)
		pass(prefix name)
	else
		fail(prefix name)
}

# What no kernel should say. Each finding counts once.
function scan(line, who, allowed,    text) {
	if (line !~ TROUBLE || allowed)
		return
	# How a spawn ended may quote its Oops
	if (who ~ /host$/ && line ~ /^multikernel: [^ ]+: ([a-z]+ -> crashed|destroyed by on_crash): /)
		return
	# KCSAN looks at the whole kernel: races that are not ours are counted only
	if (line ~ /BUG: KCSAN: data-race in/ && line !~ /[ \/]((hvc|arch|sysvec)_)?(mk|multikernel)_/) {
		races++
		race = line
		sub(/.*data-race in /, "", race)
		return
	}
	text = line
	gsub(/0x[0-9a-f]+|[0-9]+\.[0-9]+/, "", text)
	gsub(/[[:space:]]+/, " ", text)
	if (seen[who text]++)
		return
	if (++found[who] <= 10)
		fail("log of the " who ": " substr(text, 1, 120))
}

BEGIN {
	passed = failed = skipped = 0
	TROUBLE = "BUG:|WARNING:|Oops|rcu.*stall|INFO: .*lock|INFO: task .* blocked|INFO: trying to register" \
		"|possible circular locking|possible recursive locking|inconsistent lock state" \
		"|suspicious RCU usage|UBSAN: |Kernel panic|general protection fault|unable to handle" \
		"|double fault|soft lockup|hard LOCKUP|sleeping function called from invalid" \
		"|list_add corruption|list_del corruption|ODEBUG|Redzone|Poison overwritten|Object padding overwritten"
	CRASH_OK = "Kernel panic|Oops|BUG: .*NULL pointer|unable to handle|sysrq"
	STAMP = "^\\[ *[0-9]+\\.[0-9]+\\](\\[ *[TC][0-9]+\\])? ?"
}

{ sub(/\r$/, "") }

FILENAME == ARGV[1] {
	text = $0
	if (text !~ STAMP) {
		scan(text, "host", crash)
		next
	}
	sub(STAMP, "", text)
	scan(text, "host", crash && text ~ CRASH_OK)
	# Somebody has to look at a race that is reached by way of us
	if (race != "" && text ~ /^ ((hvc|arch|sysvec)_)?(mk|multikernel)_.*[+]0x/) {
		by_us[race]++
		race = ""
	} else if (text ~ /^====/) {
		race = ""
	}
	if (text ~ /^KTAP version/) { in_ktap = 1; next }
	if (text ~ /^ *# Subtest: /) {
		if (match(text, /[^ ]/) == 5) { suite = text; sub(/^ *# Subtest: /, "", suite) }
		next
	}
	# An emulator that was kept off the CPU just then: seconds are as wrong as that
	if (text ~ /^tsc: (PIT calibration deviates|HPET\/PMTIMER calibration failed)/)
		fail("the guest measured its clock wrongly, too much ran beside it: " text)
	if (in_ktap && text ~ /^1\.\.[0-9]+$/) { suites_planned += substr(text, 4); next }
	if (in_ktap && text ~ /^    1\.\.[0-9]+$/) { cases_planned[suite] = substr(text, 8); next }
	if (in_ktap && text ~ /^    (not )?ok [0-9]+/) {
		cases[suite]++
		result(substr(text, 5), "kunit " suite ": ")
		next
	}
	if (in_ktap && text ~ /^(not )?ok [0-9]+/) {
		suites++
		if (text ~ /^not ok/ && cases[suite] == 0)
			fail("kunit suite " suite)
		if (cases[suite] != cases_planned[suite])
			fail("kunit suite " suite ": " cases[suite] + 0 " of " cases_planned[suite] + 0 " cases ran")
		next
	}
	next
}

/^# expect-panic begin/ { expected = 1; next }
/^# expect-panic end/ { expected = 0; next }
/^[A-Za-z0-9_.-]+\| / {
	who = $0; sub(/\|.*/, "", who)
	text = $0; sub(/^[^|]*\| /, "", text); sub(STAMP, "", text)
	scan(text, "spawn " who, expected)
	next
}
/^1\.\.[0-9]+/ { planned += substr($1, 4); have_plan = 1; next }
/^(not )?ok [0-9]+/ { results++; result($0, ""); next }
/^Bail out!/ { fail($0) }

END {
	if (kunit && suites + 0 == 0)
		fail("KUnit did not run")
	else if (suites + 0 < suites_planned + 0)
		fail("KUnit: " suites + 0 " of " suites_planned " suites ended")
	if (tap && !have_plan)
		fail("no test plan: the run ended before its first test")
	else if (results + 0 != planned + 0)
		fail("the run gave " results + 0 " of " planned + 0 " results")
	if (races)
		note("elsewhere", races " reports of KCSAN on other parts of the kernel")
	for (race in by_us)
		note("elsewhere", by_us[race] " of them with a function of ours in a stack: " race)
	print "counts", passed, failed, skipped
}
