package model

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// SetID names a set. Equal selectors share a set, so the ID is made from the canonical
// selector (and, for ports, the port's name and protocol).
type SetID string

// SetKind says what a set's members are.
type SetKind uint8

const (
	// AddressSet holds single addresses, each as a host prefix.
	AddressSet SetKind = iota
	// NetSet holds prefixes shorter than an address; they may overlap.
	NetSet
	// PortSet holds an address with a protocol and a port.
	PortSet
)

// String is the kind's name in dumps.
func (k SetKind) String() string { return [...]string{"addresses", "nets", "ports"}[k] }

// Set describes a set without its members.
type Set struct {
	ID   SetID
	Kind SetKind
	// Origin says what the set stands for, for people: the selector, and a port's name.
	Origin string
}

// Member is one member of a set, of either family. Protocol and Port are zero but in a
// PortSet.
type Member struct {
	Prefix   netip.Prefix
	Protocol Protocol
	Port     uint16
}

// Family of the member's address.
func (m Member) Family() family.Family { return family.OfPrefix(m.Prefix) }

// PolicyID names a policy that is active on this node.
type PolicyID = Key

// ActivePolicy is a policy that applies to at least one local endpoint, with the sets
// that its selectors stand for.
type ActivePolicy struct {
	ID      PolicyID
	Tier    string
	Types   Directions
	Ingress []Rule
	Egress  []Rule
}

// Rules are the policy's rules for one direction.
func (p *ActivePolicy) Rules(d Direction) []Rule {
	if d == Ingress {
		return p.Ingress
	}
	return p.Egress
}

// LocalEndpoint is a pod on this node, with all that is decided about it.
type LocalEndpoint struct {
	ID        Key
	Interface string
	// Addresses has at most one address of each family; an invalid one for none.
	Addresses      family.Pair[netip.Addr]
	AllowedSources []netip.Prefix
	// Tiers are those with policies that apply to the endpoint, in order.
	Tiers []TierPolicies
}

// TiersWith are the tiers that have policies for the direction.
func (ep *LocalEndpoint) TiersWith(d Direction) []*TierPolicies {
	out := make([]*TierPolicies, 0, len(ep.Tiers))
	for i := range ep.Tiers {
		if t := &ep.Tiers[i]; len(t.Policies(d)) > 0 {
			out = append(out, t)
		}
	}
	return out
}

// SamePolicies says whether the same policies apply to two endpoints in one direction, in
// the same order.
func (ep *LocalEndpoint) SamePolicies(o *LocalEndpoint, d Direction) bool {
	if len(ep.Tiers) == len(o.Tiers) && (len(ep.Tiers) == 0 || &ep.Tiers[0] == &o.Tiers[0]) {
		return true
	}
	return slices.EqualFunc(ep.TiersWith(d), o.TiersWith(d), func(x, y *TierPolicies) bool {
		return x.Name == y.Name && x.Default == y.Default && slices.Equal(x.Policies(d), y.Policies(d))
	})
}

// TierPolicies are the policies of one tier that apply to one endpoint, in order. A
// direction without policies goes on with the next tier; after the last one, the packet
// is allowed.
type TierPolicies struct {
	Name    string
	Default Action
	Ingress []PolicyID
	Egress  []PolicyID
}

// Policies are the tier's policies for one direction.
func (t *TierPolicies) Policies(d Direction) []PolicyID {
	if d == Ingress {
		return t.Ingress
	}
	return t.Egress
}

// RouteKind says what a destination is.
type RouteKind uint8

const (
	// RouteLocalPod leads to the interface of a pod on this node.
	RouteLocalPod RouteKind = iota
	// RouteBlackhole covers the addresses of this node's own block that no pod has.
	RouteBlackhole
	// RouteRemote leads to another node: to its block, or to an address that it borrowed.
	RouteRemote
)

// String is the kind's name in dumps.
func (k RouteKind) String() string { return [...]string{"pod", "blackhole", "remote"}[k] }

// Route is a destination that this node must know a way to.
type Route struct {
	Destination netip.Prefix
	Kind        RouteKind
	Interface   string // RouteLocalPod
	Node        string // RouteRemote
	// Gateway is the next hop of a RouteRemote, of the destination's family: the remote node's
	// tunnel address if Encapsulation is VXLAN, and else its own address.
	Gateway netip.Addr
	// SameSubnet says that the gateway is an address of this node's own subnet, which the
	// kernel need not know of.
	SameSubnet bool
	// Encapsulation is how packets get there.
	Encapsulation Encapsulation
	// Underlay is the family of the outer packets; 0 without encapsulation.
	Underlay family.Family
	// Pool is what the destination's pool asks for, even if packets to this node travel as
	// they are since both are in one subnet. Who makes the route depends on it.
	Pool Encapsulation
}

// String is the route in words like those of ip route.
func (r Route) String() string {
	switch r.Kind {
	case RouteBlackhole:
		return "blackhole " + r.Destination.String()
	case RouteLocalPod:
		return r.Destination.String() + " dev " + r.Interface
	}
	text := fmt.Sprintf("%v via %v", r.Destination, r.Gateway)
	switch {
	case r.Encapsulation == VXLAN:
		text += fmt.Sprintf(" encap vxlan over %v", r.Underlay)
	case r.Encapsulation == IPIP:
		text += " encap ipip"
	case r.Pool != NoEncapsulation:
		text += " pool " + strings.ToLower(r.Pool.String())
	}
	if r.SameSubnet {
		text += " same-subnet"
	}
	return text + " node " + r.Node
}

// NATPool is a pool as the node's NAT sees it.
type NATPool struct {
	CIDR     netip.Prefix
	Outgoing bool
}

// Host is a node's address, for what treats nodes unlike pods.
type Host struct {
	Node    string
	Address netip.Addr
}
