// Package dataplane is where a node's kernel is kept in step: two managers, one for each
// address family and built by the same constructor, turn what the calculation graph hands
// over into what their family wants of each driver, and one loop lets the drivers write.
//
//	             ┌ v4 manager ┐   views of one nftables table
//	engine.Work ─┤            ├─► routes, interfaces            ─► apply, both families in one pass
//	             ├ v6 manager ┘
//	             └ tunnels ─────► a VXLAN device over each family, tunl0, the pods' MTU
//
// A manager does no kernel I/O. The loop does: it takes work and kernel events as they
// come, and after each round of them applies the drivers in the order of dependency:
// policy before tunnels, and these before routes, so that nothing is reachable before it is
// guarded. Nothing waits for a timer but a second try of what has failed.
//
// # What holds over a restart
//
// The drivers find their own objects again, each by its own marks (see their packages).
// Nothing of it is removed, and a table that stands is not written, before the source has
// been read in full. A node without our table gets the closed one before anything is read.
package dataplane
