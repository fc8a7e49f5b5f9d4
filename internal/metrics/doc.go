// Package metrics is what Prometheus is told: Felix's names where Felix has the quantity, so
// that dashboards go on working, and margay_ names for what Felix does not measure.
//
// Every agent has a registry of its own; there is no global one. Each subsystem has a struct
// of its metrics, made by a constructor that registers them with a Registerer, whose methods
// speak the subsystem's language: counts, durations, families. Metrics holds them all.
//
// Summaries have Felix's quantiles (0.5, 0.9, 0.99 of the last ten minutes). New timings are
// histograms, which can be added up over nodes. Labels are named family ("IPv4", "IPv6") in
// new metrics; Felix's say ip_version ("4", "6").
//
// Felix's names that are left out are those of things that are not there: the iptables, nft and
// ipset programs, flow logs, eBPF, Typha.
package metrics
