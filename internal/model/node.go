package model

import (
	"net/netip"

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
	// Gateway is the remote node's address of the destination's family.
	Gateway netip.Addr
	// SameSubnet says that the gateway lies in this node's own subnet of that family.
	SameSubnet bool
	// VXLAN and IPIP are the modes of the pool that the destination lies in.
	VXLAN EncapsulationMode
	IPIP  EncapsulationMode
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
