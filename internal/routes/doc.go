// Package routes keeps the node's routes of one family in step: to its own pods, to the
// blocks of other nodes, and blackholes for what is left of its own blocks.
//
// What it owns in the kernel, in the main table only, and how it knows it again after a
// restart:
//
//   - every route of protocol 80;
//   - every route on a pod interface (cali*) that an endpoint claims. A route on a pod
//     interface without an endpoint is the CNI plugin's, which was faster than the API:
//     it is left, and goes with the interface, unless one of ours belongs in its place.
//
// It never touches a route of the kernel, of a router advertisement or of a redirect,
// one to a link-local or multicast destination, nor anything in another table. A
// stranger's route that stands where one of ours should (same destination and metric)
// stays; ours is in error until it goes. A stranger's route that takes the place of ours
// while we run is taken back. A stranger's route with another metric is no collision.
//
// What has gone wrong here, elsewhere:
//
//   - Routes removed at a restart, or when the API showed only one family of a pod
//     (calico#8071, #9896): nothing is deleted before the source is in sync, nor is a
//     route that the CNI plugin put, before the graph has been told of it (Feed).
//   - IPv4 routes vanish without an event when their interface goes down, or loses its
//     last address, or when their source address goes; IPv6 routes lose a source address
//     that goes, silently as well. Link and address events stand in for them.
//   - An interface can be deleted and made anew under its name: desired routes are by
//     name, and resolved to an index when the link is there and up.
//   - The kernel answers ARP for 169.254.1.1 on behalf of the pods' gateway only if it has
//     a unicast route to that address out of another interface. A node without a default
//     route gets one to lo, for as long as nothing else leads there.
//   - Connections of an address that moves from one pod to the next: its conntrack entries
//     are flushed after the old route has gone and before the new one is made.
//
// The Driver does no I/O but in Apply. Policy, interfaces' settings and tunnels are not
// its business.
package routes
