// Command benchmark measures what an agent costs and how fast it is, in a real kernel.
// docs/performance.md has the figures, and the command for each.
//
//	feeds, times, asks                       writes
//	this process ───────► agent, a process of its own ───────► a node: namespaces of its own
//	     ▲                                                        │
//	     └──────────── netlink notifications ◄────────────────────┘
//
// Each case starts from a fresh node: a network namespace with an uplink and one veth for
// each local pod, as a CNI plugin leaves them. The agent under test is a process of its own
// in there, made of the same engine, graph and dataplane as the daemon. Its events are made
// before the clock starts. "Done" is the last netlink notification that a change causes in
// either family, as a listener in the same namespace sees it, and only if all that the
// change is about has been seen; the notifications are read by this process, on the clock
// that both share (CLOCK_MONOTONIC).
//
// A floor is measured in the same run and namespace, with the same listener on: the very
// notifications that were seen are turned into raw batches and sent by this process, with
// no agent there.
//
// The package owns nothing in the kernel but the namespaces that it makes (netlab).
package main
