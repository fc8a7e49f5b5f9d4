// Package nft is a small typed form of nftables: chains, rules, sets, maps and their
// elements, as far as Margay uses them, and no further.
//
// The form is the middle of three things. It is pleasant to write:
//
//	nft.NewRule("who may come",
//		nft.IIfName.Is(nft.Iface("cali*")),
//		nft.SAddr(family.V4).In("allowed"),
//		nft.Count(), nft.Accept())
//
// It prints as the text that `nft -f` takes (the String methods, Table.String), so that
// dumps, golden tests and explanations all read alike. And it encodes as the netlink
// messages that the kernel takes (Batch). A test loads the text with nft, commits the
// messages beside it, and requires the two listings to be equal.
//
// The statements are a closed set: Statement has private methods only. The facts about
// expressions, registers and attributes come from linux/netfilter/nf_tables.h and from
// what `nft --debug=netlink` prints for the same text.
//
// The package does no I/O. It encodes expressions by hand rather than with
// github.com/google/nftables/expr: that one allocates some ten times per expression, and
// its masquerade drops the random flag when there is a port range.
package nft
