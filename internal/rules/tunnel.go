package rules

import "net/netip"

// Tunnel is this node's end of the tunnels over one family, as far as packets are let in.
type Tunnel struct {
	// VXLAN: there is one, of the network VNI on the UDP port Port.
	VXLAN bool
	VNI   uint32
	Port  uint16
	// IPIP: there is one.
	IPIP bool
	// External are nets that tunnelled packets are taken from, beside the Senders.
	External []netip.Prefix
}
