package rulestest

import (
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// VXLANPort is the port of VXLAN in the small world.
const VXLANPort = 4789

var (
	icmpTypes   = []uint8{3, 8, 130, 134, 135, 143}
	packetPorts = []uint16{0, 53, 80, 81, 443, VXLANPort, 65535}
	portRanges  = []model.PortRange{
		{First: 80, Last: 80}, {First: 81, Last: 90}, {First: 53, Last: 53}, {First: 443, Last: 65535},
		{First: 0, Last: 52}, {First: 0, Last: 65535}, {First: 9, Last: 8},
	}
	hopLimits = []uint8{255, 1, 64}
)

// Packet draws a packet of a family in any state.
func Packet(t *rapid.T, f family.Family) rules.Packet {
	p := rules.Packet{
		Source:      Address(t, f),
		Destination: Address(t, f),
		Protocol: rapid.SampledFrom([]model.Protocol{
			model.TCP, model.TCP, model.UDP, model.SCTP, model.ICMP, model.ICMPv6, rules.IPProtocolIPIP, 99,
		}).Draw(t, "protocol"),
		HopLimit: rapid.SampledFrom(hopLimits).Draw(t, "hopLimit"),
		State: rapid.SampledFrom([]rules.ConnState{
			rules.New, rules.New, rules.New, rules.New, rules.Established, rules.Related, rules.Invalid, rules.Untracked,
		}).Draw(t, "state"),
	}
	switch {
	case p.Protocol.HasPorts():
		p.SourcePort = rapid.SampledFrom(packetPorts).Draw(t, "sport")
		p.DestinationPort = rapid.SampledFrom(packetPorts).Draw(t, "dport")
	case p.Protocol == model.ICMP || p.Protocol == model.ICMPv6:
		p.ICMPType = rapid.SampledFrom(icmpTypes).Draw(t, "type")
		p.ICMPCode = rapid.Uint8Range(0, 1).Draw(t, "code")
	}
	return p
}
