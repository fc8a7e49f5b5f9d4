// Package ipip keeps the node's end of IPIP tunnels: the device tunl0, which takes and sends
// whatever comes, its MTU, and the node's tunnel address on it. Where a packet goes is said by
// routes whose next hop is the other node itself:
//
//	10.244.2.0/26 via 172.16.0.2 dev tunl0 onlink      package routes
//
// IPIP carries IPv4 in IPv4 and nothing else.
//
// What it owns in the kernel, and how it knows it again after a restart: the link tunl0, if
// its kind is ipip, and the addresses on it, for as long as a pool asks for IPIP. Nobody can
// remove tunl0 (it is the kernel module's own, ip_tunnel_dellink passes over it), and others
// use it as well (IPVS): when no pool asks for it any more, the node's tunnel address goes,
// and the device is put down if nothing is left on it. A tunl0 that was never wanted is not
// touched.
//
// What has gone wrong here, elsewhere:
//
//   - A kernel without the module ipip answers EOPNOTSUPP: the device is in error and names
//     the module; nothing else waits for it.
//   - Asking for tunl0 loads the module, whose own tunl0 is then in the way (EEXIST): it is
//     the one that was asked for.
//   - The device's MTU is the underlay's at the moment that the module was loaded, and does
//     not follow it.
//
// Nothing is taken away before InSync. The Driver does no I/O but in Apply.
package ipip
