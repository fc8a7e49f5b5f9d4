// Package iptables is the driver of one family's policy in iptables (IPv4) or ip6tables
// (IPv6), of either variant, for nodes that need it. There is one Driver for each family,
// and nothing that one does concerns the other.
//
// Its caller says which chains, trees, hooks and sets there ought to be; package render
// makes them of policy. Apply compares that with what stands (plan.go, which is pure) and
// writes the difference: first the sets that rules are to look into (package ipset), then
// each table that differs by one `iptables-restore --noflush --wait`, which the kernel takes
// as a whole or not at all, then what sets are left over. Where nothing differs, no process
// is started.
//
// # What is ours in the kernel
//
// Chains whose names begin with "cali-", with all that is in them, and rules in the kernel's
// own chains that have a comment beginning with "cali:" or lead to such a chain. All that is
// also Felix's, whose place we take. A comment holds the hash of its rule: after a restart,
// one iptables-save of each table tells what stands, and what is right is not touched and
// keeps its counters. Nobody tells when somebody else changes a table; so tables are read
// again some time after a write, and then at an interval.
//
// A rule of somebody else is never touched. Chains of ours are put in front of them again,
// if that is asked for.
//
// # What has gone wrong elsewhere
//
// Rules that name no set or chain that is there make iptables-restore refuse the whole
// table: such a chain is closed here, and only it. Programs hang, wait for the lock that
// others hold for minutes (projectcalico/calico#3727), or are not there: whatever happens,
// what stands stays, and the table is tried again. iptables-save of the nft variant fails
// over native tables of others (#8025): only tables that we write to are read.
package iptables
