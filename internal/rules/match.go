package rules

import (
	"net/netip"

	"github.com/margay-net/margay/internal/model"
)

// Sets answers what the sets hold. A set that is not known holds nothing.
type Sets interface {
	// Contains says whether an address lies in a set of addresses or nets.
	Contains(id model.SetID, a netip.Addr) bool
	// ContainsPort says whether a set of ports has the address with protocol and port.
	ContainsPort(id model.SetID, a netip.Addr, p model.Protocol, port uint16) bool
}

// Matches says whether a packet of the rule's family matches the rule.
func (r *Rule) Matches(p *Packet, sets Sets) bool {
	return r.matchesProtocol(p) &&
		r.Source.matches(p.Source, p.SourcePort, p.Protocol, sets) &&
		r.Destination.matches(p.Destination, p.DestinationPort, p.Protocol, sets)
}

func (r *Rule) matchesProtocol(p *Packet) bool {
	if r.Protocol != model.AnyProtocol && p.Protocol != r.Protocol {
		return false
	}
	if r.NotProtocol != model.AnyProtocol && p.Protocol == r.NotProtocol {
		return false
	}
	if r.ICMP != nil && !matchesICMP(r.ICMP, p) {
		return false
	}
	return r.NotICMP == nil || !matchesICMP(r.NotICMP, p)
}

func matchesICMP(m *model.ICMPMatch, p *Packet) bool {
	return p.ICMPType == m.Type && (m.Code == nil || p.ICMPCode == *m.Code)
}

func (e *End) matches(a netip.Addr, port uint16, proto model.Protocol, sets Sets) bool {
	inSet := func(id model.SetID) bool { return sets.Contains(id, a) }
	inPortSet := func(id model.SetID) bool { return sets.ContainsPort(id, a, proto, port) }
	inNet := func(n netip.Prefix) bool { return n.Contains(a) }
	inRange := func(r model.PortRange) bool { return r.First <= port && port <= r.Last }

	if len(e.Nets) > 0 && !holdsAny(e.Nets, inNet) {
		return false
	}
	if len(e.Sets) > 0 && !holdsAny(e.Sets, inSet) {
		return false
	}
	if len(e.Ports)+len(e.PortSets) > 0 && !holdsAny(e.Ports, inRange) && !holdsAny(e.PortSets, inPortSet) {
		return false
	}
	return !holdsAny(e.NotNets, inNet) && !holdsAny(e.NotSets, inSet) &&
		!holdsAny(e.NotPorts, inRange) && !holdsAny(e.NotPortSets, inPortSet)
}

func holdsAny[T any](list []T, holds func(T) bool) bool {
	for _, x := range list {
		if holds(x) {
			return true
		}
	}
	return false
}
