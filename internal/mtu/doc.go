// Package mtu says how large the packets of pods may be, and tells the CNI plugin by a file.
//
// A pod's packet must fit, with what an encapsulation puts around it, into the link that it
// leaves the node by. So a family's MTU is that of the link which carries the node's address of
// that family, or that of the smallest tunnel that pods of the family may be sent through. The
// CNI plugin knows one MTU for both: the smaller.
//
//	eth0 1500 ─┬─ vxlan.calico     1450   IPv4 1450 ┐
//	           └─ vxlan-v6.calico  1430   IPv6 1430 ┴─► /var/lib/calico/mtu  1430
//
// It owns nothing in the kernel: devices get their MTU from their drivers. The file is
// replaced as a whole, and only if it says something else.
//
// What has gone wrong here, elsewhere: the MTU taken from interfaces whose names match a
// pattern is wrong on nodes with bonds, bridges or renamed cards (calico #8674, #8197); found
// once, and not again when the link changes; and written in pieces, so that a plugin reads half
// a number. IPv6 needs 1280 bytes: on a link with less the kernel has no IPv6 at all, which
// looks like anything but an MTU.
package mtu
