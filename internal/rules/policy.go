package rules

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Policy is an active policy as one family sees it.
type Policy struct {
	ID      model.PolicyID
	Family  family.Family
	Tier    string
	Types   model.Directions
	Ingress []Rule
	Egress  []Rule
}

// Finder finds a policy of the family; nil for one that is not known.
type Finder func(model.PolicyID) *Policy

// Rules are the policy's rules for one direction.
func (p *Policy) Rules(d model.Direction) []Rule {
	if d == model.Ingress {
		return p.Ingress
	}
	return p.Egress
}

// Rule is one rule that a packet of its family can match. Every field that is set must
// hold; one with no field set matches every packet of the family.
type Rule struct {
	// Index is the rule's place, from 0, among those that its author wrote: reduction
	// leaves gaps.
	Index  int
	Action model.Action
	// Protocol and NotProtocol are never both set. Protocol is set, to one that fits,
	// wherever there is a match on ports or on an ICMP type.
	Protocol    model.Protocol
	NotProtocol model.Protocol
	ICMP        *model.ICMPMatch
	NotICMP     *model.ICMPMatch
	Source      End
	Destination End
}

// End is what a rule asks of one end of a packet.
type End struct {
	// Nets holds the address in any of them: sorted, all of the rule's family, none
	// within another, and never the family's whole space. NotNets: in none of them.
	Nets    []netip.Prefix
	NotNets []netip.Prefix
	// Sets hold the address in any of them, NotSets in none of them.
	Sets    []model.SetID
	NotSets []model.SetID
	// The port is in one of Ports, or the address with protocol and port in one of
	// PortSets. Ranges are sorted and neither overlap nor touch.
	Ports    []model.PortRange
	PortSets []model.SetID
	// The port is in none of NotPorts, and address with protocol and port in none of
	// NotPortSets.
	NotPorts    []model.PortRange
	NotPortSets []model.SetID
}

// HasPorts says whether the rule asks anything about a port of this end.
func (e *End) HasPorts() bool {
	return len(e.Ports)+len(e.PortSets)+len(e.NotPorts)+len(e.NotPortSets) > 0
}

// ICMPOf is the protocol that carries the family's ICMP messages.
func ICMPOf(f family.Family) model.Protocol {
	if f == family.V4 {
		return model.ICMP
	}
	return model.ICMPv6
}
