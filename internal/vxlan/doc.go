// Package vxlan keeps a node's end of the VXLAN tunnels over one underlay family: the device,
// the node's own tunnel addresses on it, and for each other node a permanent neighbour entry
// (tunnel address to MAC) and a permanent forwarding entry (MAC to the node's address). A
// packet to a pod elsewhere is routed to that node's tunnel address, and needs nothing that
// would have to be asked for on the wire.
//
//	10.244.2.0/26 via 10.244.2.0 dev vxlan.calico onlink      package routes
//	10.244.2.0 lladdr 66:8b:… dev vxlan.calico PERMANENT      neighbour
//	66:8b:… dst 172.16.0.2 dev vxlan.calico self permanent    forwarding
//
// What it owns in the kernel, and how it knows it again after a restart:
//
//   - the link of the Device's name, if its kind is vxlan. One of another kind is somebody
//     else's: it is left alone, and the driver is in error until it goes;
//   - every address on that link that is not link-local, every neighbour entry there that
//     is permanent, and every forwarding entry there.
//
// The family is that of the underlay. Which families the device carries is decided by the
// tunnel addresses of the nodes: usually its own only, with one tunnel for both families both.
//
// # What the kernel can change in place, and what not
//
// MTU, MAC and up or down are changed in place. A network identifier, port, local address,
// parent link or checksum mode that differs means a new device under the old name (the kernel
// answers EOPNOTSUPP, or changes them only in newer versions); addresses and entries follow
// in the same pass. A device that stands is not altered before the source is in sync, since
// the settings may not have been read; one that is missing is made at once.
//
// What has gone wrong here, elsewhere, and what the kernel does without a word:
//
//   - A link that goes down, or whose MAC is set, loses its neighbour entries, permanent or
//     not (neigh_ifdown, neigh_changeaddr), and its IPv6 addresses. Whatever happens to our
//     link makes its entries be read again.
//   - A device with a parent goes with the parent; the address of a node moves to another
//     link. Both are found by the events of links and addresses.
//   - IPv6 makes itself a link-local address on the device, and asks for routers through it,
//     to nobody: the device is told not to, and takes no router's word.
//   - Removing the last IPv4 address of a link removes the routes through it: the new address
//     is added before the old one goes.
//   - The sum of headers differs by underlay, not by what is inside: see Overhead.
//   - Outer UDP checksums are the kernel's default, as Felix leaves them: sent over both
//     families, and over IPv6 asked for. A node that left them out would not be heard by nodes
//     where Felix still is.
//   - Offloaded checksums that the network card gets wrong (calico #3145): Settings.BrokenOffload
//     has inner checksums made in software.
//
// Nothing is deleted before InSync. The Driver does no I/O but in Apply.
package vxlan
