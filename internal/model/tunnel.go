package model

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// MAC is the hardware address of a tunnel's end.
type MAC [6]byte

// String writes the address as ip does.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// VTEP is a node's end of the VXLAN tunnel over one underlay.
type VTEP struct {
	Node string
	// Underlay is the node's own address, to which the outer packets go. Its family is that of
	// the device.
	Underlay netip.Addr
	MAC      MAC
	// Addresses are the node's tunnel addresses that routes to its pods lead through: that of
	// the underlay's family, and with one tunnel for both families both. Invalid for none.
	Addresses family.Pair[netip.Addr]
}

// Family is that of the underlay.
func (v VTEP) Family() family.Family { return family.Of(v.Underlay) }
