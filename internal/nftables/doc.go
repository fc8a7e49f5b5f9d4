// Package nftables keeps Margay's policy in the kernel: one table, inet calico, that holds
// both families.
//
// What the two managers want comes in by a View for each family. Table merges the views
// (merge.go), compares them with what stands (plan.go, which is pure), writes the
// difference as one transaction (apply.go), and remembers what it has written, so that
// nothing is read back. How rules look is package nft's affair; how bytes get to the
// kernel, netlink.go's.
//
// # What is ours in the kernel
//
// The table, and everything in it. After a restart, one dump tells what stands: chains and
// sets are known by their name and kind, elements by their value, rules by a hash of their
// text that went into the kernel with them. What is right is left alone, with its counters;
// a rule in our table without such a hash is somebody else's, and goes.
//
// # What has gone wrong elsewhere
//
// Felix starts nft for every change, and reads its tables back (projectcalico/calico#11750,
// #13068: the tool crashed on objects of other programs). An external flush left its nodes
// open for minutes (#10872). A netlink library lost elements of long lists silently, since
// an attribute's length has 16 bits. Interval sets refused overlaps (#12851).
package nftables
