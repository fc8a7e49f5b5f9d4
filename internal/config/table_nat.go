package config

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// Exclusions says which destinations outgoing NAT leaves alone.
type Exclusions string

// The values of Exclusions.
const (
	ExcludePools         Exclusions = "IPPoolsOnly"
	ExcludePoolsAndHosts Exclusions = "IPPoolsAndHostIPs"
)

// NAT says how pods' traffic leaves the cluster, from pools with natOutgoing.
type NAT struct {
	// Address is the source that traffic leaves with; the zero Addr masquerades.
	Address    family.Pair[netip.Addr]
	Exclusions Exclusions
	// Ports are what source ports are picked from; the zero range leaves it to the kernel.
	Ports PortRange
	// Interface narrows masquerading to the outgoing interfaces it matches.
	Interface string
}

func natTable() Group {
	source := func(f family.Family) Value {
		return as(address(f), func(s *Settings) *netip.Addr { return s.NAT.Address.At(f) })
	}
	return Group{Title: "Outgoing NAT", Intro: "For traffic from pools with `natOutgoing`.", Settings: []Setting{{
		Name: "NATOutgoingAddress", Field: "natOutgoingAddress", Value: source(family.V4),
		Help: "Source address that IPv4 traffic leaves with. Unset, it is that of the outgoing interface.",
	}, {
		Name: "NATOutgoingAddressIPv6", Field: "natOutgoingAddressIPv6", Value: source(family.V6),
		Help:    "Source address that IPv6 traffic leaves with. Unset, it is that of the outgoing interface.",
		Differs: "Margay's own: Felix has it for IPv4 only.",
	}, {
		Name: "NATOutgoingExclusions", Field: "natOutgoingExclusions", Default: "IPPoolsOnly",
		Value: as(oneOf(ExcludePools, ExcludePoolsAndHosts), func(s *Settings) *Exclusions { return &s.NAT.Exclusions }),
		Help:  "Destinations that are reached without NAT: all pools, or all pools and the nodes, both families.",
	}, {
		Name: "NATPortRange", Field: "natPortRange",
		Value: as(portRange(), func(s *Settings) *PortRange { return &s.NAT.Ports }),
		Help:  "Source ports for NAT, both families. Unset, the kernel chooses. UDP never takes the tunnels' ports.",
	}, {
		Name: "IptablesNATOutgoingInterfaceFilter", Field: "iptablesNATOutgoingInterfaceFilter",
		Value: as(interfaceFilter(), func(s *Settings) *string { return &s.NAT.Interface }),
		Help:  "Outgoing interface that NAT is for; a `+` at its end stands for any continuation. Unset, any.",
	}}}
}
