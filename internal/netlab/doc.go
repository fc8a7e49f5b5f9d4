// Package netlab makes nodes and pods out of namespaces, for tests and for the demo.
//
// A node is a network namespace and a mount namespace: device names, addresses, routes and
// rules live in the first, Unix sockets and the xtables lock (/run/xtables.lock) in the file
// system, so that agents of two nodes in one process tree would meet there without the second.
// A pod has both kinds as well, and a veth pair to its node, plumbed as the Calico CNI plugin
// does it. Nodes stand on a Link, a bridge in a namespace of its own, which also plays whatever
// lies outside the cluster.
//
//	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{
//		Name:      "node1",
//		Addresses: netlab.Prefixes("172.16.0.1/24", "fd00:16::1/64"),
//		Pods:      []netlab.PodSpec{{Name: "a", Interface: "calia", Addresses: netlab.Addrs("10.244.1.2", "fd00:244:1::2")}},
//	}}})
//	err := lab.Node("node1").Do(func() error { ... }) // runs inside the node
//
// Everything is done by netlink and system calls: no ip, no ping, no helper program.
//
// What it owns: the namespaces it made, and under Options.Named their names in /run/netns
// that begin with Options.Prefix; names left by a run that was killed are taken over. Without
// names nothing outlives the process, however it ends.
//
// What it does not do: it never forwards, routes or filters for a node (that is what is being
// tested), except where a test asks for it by Node.RouteByHand.
package netlab
