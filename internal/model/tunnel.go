package model

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// MAC is the hardware address of a tunnel's end.
type MAC [6]byte

// String writes the address as ip does.
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// FallbackMAC is the hardware address of the VXLAN device over family f of a node that has
// annotated none: 66 and then the beginning of the SHA-1 of the node's name, to which the IPv6
// device adds "-v6". Felix derives the same, so that both can serve nodes of one cluster.
func FallbackMAC(node string, f family.Family) MAC {
	suffix := family.PairOf("", "-v6")
	sum := sha1.Sum([]byte(node + suffix.Get(f)))
	m := MAC{0x66}
	copy(m[1:], sum[:])
	return m
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

// Key names the end.
func (v VTEP) Key() VTEPKey { return VTEPKey{v.Node, v.Family()} }

// String is one line: vtep node-2 via 192.0.2.2 lladdr 66:… address 10.0.2.0.
func (v VTEP) String() string {
	text := fmt.Sprintf("vtep %s via %v lladdr %v", v.Node, v.Underlay, v.MAC)
	for _, f := range family.All() {
		if a := v.Addresses.Get(f); a.IsValid() {
			text += " address " + a.String()
		}
	}
	return text
}

// VTEPKey names a VTEP: a node has one for each family that VXLAN travels over.
type VTEPKey struct {
	Node     string
	Underlay family.Family
}

// TunnelEnd is what a node's annotations say of its end of the VXLAN tunnel of one family.
type TunnelEnd struct {
	// Address is that of the device; invalid for none.
	Address netip.Addr
	// MAC is that of the device; zero where none is annotated (FallbackMAC).
	MAC MAC
}

// WireguardKey is the public key of a node's WireGuard device; zero for none.
type WireguardKey [32]byte

// String is base64, as wg(8) writes it.
func (k WireguardKey) String() string { return base64.StdEncoding.EncodeToString(k[:]) }

// WireguardEnd is what a node's annotations say of its WireGuard device of one family.
type WireguardEnd struct {
	Address netip.Addr // of the device; invalid for none
	Key     WireguardKey
	// Shared says that another node has the key as well. The graph finds that out.
	Shared bool
}

// WireguardPeer is another node as encrypted tunnels see it: its end of each, and where it is.
type WireguardPeer struct {
	Node string
	Ends family.Pair[WireguardEnd]
	// Addresses are the node's own; invalid for none.
	Addresses family.Pair[netip.Addr]
}

// String is one line: peer node-2 IPv4 key … at 192.0.2.2 address 10.0.2.0.
func (p WireguardPeer) String() string {
	line := line{"peer " + p.Node}
	for _, f := range family.All() {
		end := p.Ends.Get(f)
		if end.Key != (WireguardKey{}) {
			line.add(f.String()+"-key", end.Key.String())
			line.flag("shared", end.Shared)
		}
		if end.Address.IsValid() {
			line.add(f.String()+"-tunnel-address", end.Address.String())
		}
		if a := p.Addresses.Get(f); a.IsValid() {
			line.add(f.String()+"-address", a.String())
		}
	}
	return strings.Join(line, " ")
}

// Own is what this node itself is in one family: where tunnels over that family begin.
type Own struct {
	Family family.Family
	// Address is the node's own address with the length of its subnet; invalid for none, and
	// then nothing can be tunnelled over this family.
	Address netip.Prefix
	// VXLAN says that some pool has VXLAN that travels over this family: the device is wanted.
	VXLAN bool
	// VTEP is the node's end of it, as others see it. Its Addresses belong on the device.
	VTEP VTEP
	// IPIP says that some pool has IPIP: tunl0 is wanted, with IPIPAddress if there is one.
	IPIP        bool
	IPIPAddress netip.Addr
	// Wireguard is what the node's annotations say of its end of that tunnel.
	Wireguard WireguardEnd
	// Offer are tunnel addresses of this family that the node may take for itself if nobody
	// gives it any.
	Offer Offer
}

// Offer are addresses of the node's own blocks, or podCIDRs, that nobody has; the ones that
// the node has already, if they are such. Invalid where no pool asks for the encapsulation.
//
// Wireguard is offered in any pool, where WireGuard is on: it is a setting of the node.
type Offer struct{ VXLAN, IPIP, Wireguard netip.Addr }

// String is one line of all there is.
func (o Own) String() string {
	line := line{"own " + o.Family.String()}
	add := func(name string, a netip.Addr) {
		if a.IsValid() {
			line.add(name, a.String())
		}
	}
	if o.Address.IsValid() {
		line.add("address", o.Address.String())
	}
	line.flag("vxlan", o.VXLAN)
	if o.VTEP.Node != "" {
		line.add("lladdr", o.VTEP.MAC.String())
		for _, f := range family.All() {
			add("vxlan-address", o.VTEP.Addresses.Get(f))
		}
	}
	line.flag("ipip", o.IPIP)
	add("ipip-address", o.IPIPAddress)
	add("wireguard-address", o.Wireguard.Address)
	if o.Wireguard.Key != (WireguardKey{}) {
		line.add("wireguard-key", o.Wireguard.Key.String())
	}
	add("vxlan-offer", o.Offer.VXLAN)
	add("ipip-offer", o.Offer.IPIP)
	add("wireguard-offer", o.Offer.Wireguard)
	return strings.Join(line, " ")
}
