# SPDX-License-Identifier: GPL-2.0
# NAME=VALUE UNIT lines to a table on stdout and JSON in the file `json`, with the
# ratios that have a goal.

function have(a, b) { return (a in v) && (b in v) && v[b] > 0 }

function ratio(name, a, b, goal) {
	if (!have(a, b)) {
		printf "  %-34s %14s\n", name, "not measured"
		return
	}
	printf "  %-34s %14.2f%s\n", name, v[a] / v[b], \
		goal ? sprintf("  (goal: under %.1f)", goal) : ""
	ratios = ratios sprintf("%s\n    \"%s\": { \"value\": %.3f%s }", \
		ratios == "" ? "" : ",", name, v[a] / v[b], \
		goal ? sprintf(", \"goal\": %.1f", goal) : "")
}

{
	eq = index($1, "=")
	name = substr($1, 1, eq - 1)
	v[name] = substr($1, eq + 1)
	unit[name] = $2
	order[++n] = name
}

END {
	print "Figures"
	for (i = 1; i <= n; i++) {
		name = order[i]
		printf "  %-34s %14s %s\n", name, v[name], unit[name]
		values = values sprintf("%s\n    \"%s\": { \"value\": %s, \"unit\": \"%s\" }", \
			i > 1 ? "," : "", name, v[name], unit[name])
	}
	print "Ratios"
	ratio("spawn boot / direct boot", "spawn_boot_us", "direct_boot_us", 1.0)
	ratio("ping / smp_call_function_single", "ping_avg_ns", "ipi_avg_ns", 2.0)
	ratio("the same, shortest of each", "ping_min_ns", "ipi_min_ns", 0)
	printf "{\n  \"figures\": {%s\n  },\n  \"ratios\": {%s\n  }\n}\n", values, ratios > json
}
