// Package interfaces keeps the host's ends of the pods' interfaces as pods need them, and
// the node a router, for one family: sysctls, and the addresses that pods use as their
// gateway.
//
// What it owns in the kernel: the sysctls in table.go of every interface whose name
// begins as pod interfaces do, the addresses there that Gateways names, and what makes the
// node forward (forwarding.go). There is no mark on a sysctl: it is ours by its name, after
// a restart as before. Nothing is ever set back: what a pod interface has goes with it,
// and others may have come to rely on the node's forwarding.
//
// Only what differs is written. An interface is looked at when the kernel announces it, or
// that it went up or down, or that a setting of it has changed; since the kernel does not tell
// of every setting, there is a rare audit too (audit.go). A failure is an error of that
// interface and family.
//
// What has gone wrong here, elsewhere:
//
//   - IPv6 forwarding switched on for the whole host makes the kernel forget the default
//     route that it had from a router advertisement (see forwarding.go); and so does
//     forwarding switched on for one pod's interface, to no use.
//   - The pods' IPv6 gateway left to the kernel, which makes it from the interface's MAC,
//     some time after the interface is up, after duplicate address detection, or not at
//     all, so that CNI plugins poll for it: it is set explicitly, without detection.
//   - proxy_ndp set for years without an effect (calico PR 13406): the kernel wants an
//     entry for each address. It is not set here.
package interfaces
