# SPDX-License-Identifier: GPL-2.0
# NAME=VALUE UNIT lines to a table on stdout and JSON in the file `json`, with the
# ratios that have a goal.

function have(a, b) { return (a in v) && (b in v) && v[b] > 0 }

# The goal is an upper limit, or a lower one if `over` is set
function ratio(name, a, b, goal, over) {
	if (!have(a, b)) {
		printf "  %-34s %14s\n", name, "not measured"
		return
	}
	printf "  %-34s %14.2f%s\n", name, v[a] / v[b], \
		goal ? sprintf("  (goal: %s %.1f)", over ? "over" : "under", goal) : ""
	ratios = ratios sprintf("%s\n    \"%s\": { \"value\": %.3f%s }", \
		ratios == "" ? "" : ",", name, v[a] / v[b], \
		goal ? sprintf(", \"goal\": \"%s%.1f\"", over ? ">" : "<", goal) : "")
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
	ratio("ping awake / smp_call_function", "ping_avg_ns", "ipi_avg_ns", 1.5)
	ratio("the same, median of each", "ping_median_ns", "ipi_median_ns", 0)
	ratio("the same, shortest of each", "ping_min_ns", "ipi_min_ns", 0)
	ratio("ping idle / the call, idle", "ping_idle_avg_ns", "ipi_idle_avg_ns", 2.5)
	ratio("the same, median of each", "ping_idle_median_ns", "ipi_idle_median_ns", 0)
	ratio("the same, shortest of each", "ping_idle_min_ns", "ipi_idle_min_ns", 0)
	ratio("64 KiB messages / memcpy", "bytes_64k_per_s", "memcpy_64k_per_s", 0.5, 1)
	ratio("socket bytes: spawn / loopback", "socket_spawn_kib_per_s", "socket_loopback_kib_per_s", 1.0, 1)
	ratio("the same over AF_UNIX", "socket_spawn_kib_per_s", "socket_unix_kib_per_s", 0)
	ratio("the same over TCP", "socket_spawn_kib_per_s", "socket_tcp_kib_per_s", 0)
	ratio("socket round trip: spawn / loopback", "socket_spawn_avg_ns", "socket_loopback_avg_ns", 1.0)
	ratio("the same over AF_UNIX", "socket_spawn_avg_ns", "socket_unix_avg_ns", 0)
	ratio("the same over TCP", "socket_spawn_avg_ns", "socket_tcp_avg_ns", 0)
	ratio("poll_us=200: bytes / loopback", "socket_200us_spawn_kib_per_s", "socket_200us_loopback_kib_per_s", 0)
	ratio("poll_us=200: trip / loopback", "socket_200us_spawn_avg_ns", "socket_200us_loopback_avg_ns", 0)
	ratio("hang: found after / hang_timeout", "hang_found_us", "hang_timeout_us", 0)
	ratio("crash to READY again / a boot", "crash_to_ready_us", "spawn_boot_us", 0)
	# Where there are fewer CPUs than the guest has, burning one is dear for the others
	ratio("ping, 1 other floods / burns a CPU", "ping_of_2_floodhost_median_ns", "ping_of_2_spin_median_ns", 1.3)
	ratio("ping, 3 others flood / burn CPUs", "ping_of_4_floodhost_median_ns", "ping_of_4_spin_median_ns", 1.3)
	ratio("ping, 1 other floods / quiet", "ping_of_2_floodhost_median_ns", "ping_of_1_median_ns", 0)
	ratio("ping, 3 others flood / quiet", "ping_of_4_floodhost_median_ns", "ping_of_1_median_ns", 0)
	ratio("ping, 1 other burns a CPU / quiet", "ping_of_2_spin_median_ns", "ping_of_1_median_ns", 0)
	ratio("ping, 3 others burn CPUs / quiet", "ping_of_4_spin_median_ns", "ping_of_1_median_ns", 0)
	ratio("averages: 1 other floods / quiet", "ping_of_2_floodhost_avg_ns", "ping_of_1_avg_ns", 0)
	ratio("averages: 3 others flood / quiet", "ping_of_4_floodhost_avg_ns", "ping_of_1_avg_ns", 0)
	ratio("shortest: 1 other floods / quiet", "ping_of_2_floodhost_min_ns", "ping_of_1_min_ns", 0)
	ratio("shortest: 3 others flood / quiet", "ping_of_4_floodhost_min_ns", "ping_of_1_min_ns", 0)
	ratio("host counts: another burns / quiet", "host_count_spin_per_s", "host_count_quiet_per_s", 0)
	ratio("the same, it panics and restarts", "host_count_panic_per_s", "host_count_quiet_per_s", 0)
	ratio("the same, it locks up and restarts", "host_count_lockup_per_s", "host_count_quiet_per_s", 0)
	ratio("stream: another burns / quiet", "other_stream_spin_kib_per_s", "other_stream_quiet_kib_per_s", 0)
	ratio("the same, it panics and restarts", "other_stream_panic_kib_per_s", "other_stream_quiet_kib_per_s", 0)
	ratio("the same, it locks up and restarts", "other_stream_lockup_kib_per_s", "other_stream_quiet_kib_per_s", 0)
	printf "{\n  \"figures\": {%s\n  },\n  \"ratios\": {%s\n  }\n}\n", values, ratios > json
}
