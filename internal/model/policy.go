package model

import (
	"math"
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// DefaultTier is the tier of Kubernetes' network policies and of all that name none.
const DefaultTier = "default"

// The orders that Calico gives where none is written.
const (
	DefaultTierOrder      = 1_000_000
	KubernetesPolicyOrder = 1_000
)

// Unordered is the order of a policy or a tier that has none: it comes last.
func Unordered() float64 { return math.Inf(1) }

// Tier is a group of policies that is gone through as a whole before the next one.
type Tier struct {
	Order float64
	// Default is what happens to a packet of an endpoint to which policies of the tier
	// apply, when none of them decides: Deny or Pass.
	Default Action
}

// Policy is a network policy of any API, in one form. What cannot be enforced has been
// replaced in the conversion, so that every rule here means just what it says.
type Policy struct {
	Tier     string
	Order    float64
	Selector string // canonical; endpoints that it applies to
	Types    Directions
	Ingress  []Rule
	Egress   []Rule
}

// Direction is a packet's direction as the pod sees it.
type Direction uint8

// Ingress is traffic to the pod, Egress is traffic from it.
const (
	Ingress Direction = iota
	Egress
)

// String is "ingress" or "egress".
func (d Direction) String() string { return [...]string{"ingress", "egress"}[d] }

// Directions is a set of directions.
type Directions uint8

// With is the set and d.
func (s Directions) With(d Direction) Directions { return s | 1<<d }

// Has says whether d is in the set.
func (s Directions) Has(d Direction) bool { return s&(1<<d) != 0 }

// String lists the directions.
func (s Directions) String() string {
	var names []string
	for _, d := range []Direction{Ingress, Egress} {
		if s.Has(d) {
			names = append(names, d.String())
		}
	}
	return strings.Join(names, ",")
}

// Rules are the policy's rules for one direction.
func (p *Policy) Rules(d Direction) []Rule {
	if d == Ingress {
		return p.Ingress
	}
	return p.Egress
}

// Action is what a rule does with a packet that it matches.
type Action uint8

// The zero value is Deny, the safe one. Pass leaves the tier and goes on with the next;
// Log logs and goes on with the next rule.
const (
	Deny Action = iota
	Allow
	Pass
	Log
)

// String is the action as the API writes it.
func (a Action) String() string { return [...]string{"Deny", "Allow", "Pass", "Log"}[a] }

// Protocol is an IP protocol number. Zero means any.
type Protocol uint8

// The protocols that have names in the API.
const (
	AnyProtocol Protocol = 0
	ICMP        Protocol = 1
	TCP         Protocol = 6
	UDP         Protocol = 17
	ICMPv6      Protocol = 58
	SCTP        Protocol = 132
	UDPLite     Protocol = 136
)

// HasPorts says whether the protocol's header starts with a source and a destination port.
func (p Protocol) HasPorts() bool {
	return p == TCP || p == UDP || p == SCTP || p == UDPLite
}

// Rule is one rule of a policy. Every field that is set must match; the zero Rule
// matches every packet.
type Rule struct {
	Action      Action
	Families    family.Set // empty: both
	Protocol    Protocol
	NotProtocol Protocol
	ICMP        *ICMPMatch
	NotICMP     *ICMPMatch
	Source      Peer
	Destination Peer
}

// ICMPMatch matches an ICMP or ICMPv6 type, and a code if Code is not nil. The rule's
// protocol says which of the two.
type ICMPMatch struct {
	Type uint8
	Code *uint8
}

// Peer is one end of a packet, as a rule describes it.
type Peer struct {
	Nets    []netip.Prefix
	NotNets []netip.Prefix
	// Selector and NotSelector are canonical selectors over endpoints and network sets,
	// those of namespaces and service accounts already joined in. Empty: not given.
	Selector    string
	NotSelector string
	Ports       []PortRange
	NotPorts    []PortRange
	// NamedPorts and NotNamedPorts are ports by the names that the pods give them.
	NamedPorts    []string
	NotNamedPorts []string

	// What follows is filled in by the graph, which knows the sets' members.

	// Sets stand for Selector: the address must be in any of them. A rule that has a
	// Selector and no Sets matches nothing.
	Sets []SetID
	// NotSets stand for NotSelector: the address must be in none of them.
	NotSets []SetID
	// PortSets stand for NamedPorts: address, protocol and port must be in any of them,
	// or the port in Ports.
	PortSets []SetID
	// NotPortSets stand for NotNamedPorts: address, protocol and port in none of them.
	NotPortSets []SetID
}

// PortRange is a range of ports, both ends included.
type PortRange struct{ First, Last uint16 }
