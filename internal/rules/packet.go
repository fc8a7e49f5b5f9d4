package rules

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Packet is as much of a packet as policy looks at. Fragments and IPv6 extension
// headers do not show: the kernel joins the one and skips the other before it looks.
type Packet struct {
	Source      netip.Addr
	Destination netip.Addr
	Protocol    model.Protocol
	// SourcePort and DestinationPort count where the protocol has ports.
	SourcePort      uint16
	DestinationPort uint16
	// ICMPType and ICMPCode count where the protocol is ICMP or ICMPv6.
	ICMPType uint8
	ICMPCode uint8
	// HopLimit is IPv6's hop limit or IPv4's time to live, as the packet came in.
	HopLimit uint8
	State    ConnState
}

// Family of the packet.
func (p *Packet) Family() family.Family { return family.Of(p.Destination) }

// ConnState is what connection tracking says of a packet.
type ConnState uint8

// The states, named as nft names them. Untracked packets are treated like new ones.
const (
	New ConnState = iota
	Established
	Related
	Invalid
	Untracked
)

// String is the state as nft writes it.
func (s ConnState) String() string {
	return [...]string{"new", "established", "related", "invalid", "untracked"}[s]
}

// Way is a packet's way through the node, by interface names. An empty In means that the
// node itself sends; an empty Out, that the node itself receives.
type Way struct{ In, Out string }

// String is "cali1 > eth0", with "node" for the node itself.
func (w Way) String() string {
	end := func(s string) string {
		if s == "" {
			return "node"
		}
		return s
	}
	return end(w.In) + " > " + end(w.Out)
}

// String is the packet in one line.
func (p *Packet) String() string {
	var b strings.Builder
	switch {
	case p.Protocol.HasPorts():
		fmt.Fprintf(&b, "%v > %v", netip.AddrPortFrom(p.Source, p.SourcePort),
			netip.AddrPortFrom(p.Destination, p.DestinationPort))
	default:
		fmt.Fprintf(&b, "%v > %v", p.Source, p.Destination)
	}
	fmt.Fprintf(&b, " %s", protocolName(p.Protocol))
	if p.Protocol == model.ICMP || p.Protocol == model.ICMPv6 {
		fmt.Fprintf(&b, " type %d code %d", p.ICMPType, p.ICMPCode)
	}
	fmt.Fprintf(&b, " %v", p.State)
	return b.String()
}

func protocolName(p model.Protocol) string {
	switch p {
	case model.ICMP:
		return "icmp"
	case model.TCP:
		return "tcp"
	case model.UDP:
		return "udp"
	case model.ICMPv6:
		return "icmpv6"
	case model.SCTP:
		return "sctp"
	case model.UDPLite:
		return "udplite"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}
