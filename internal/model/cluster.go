package model

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// Labels that the conversion adds to every pod, beside its own.
const (
	LabelNamespace      = "projectcalico.org/namespace"
	LabelOrchestrator   = "projectcalico.org/orchestrator"
	LabelServiceAccount = "projectcalico.org/serviceaccount"
	OrchestratorK8s     = "k8s"

	// NamespacePrefix and ServiceAccountPrefix are put before the names of the labels
	// that an endpoint inherits from its namespace and its service account; each also
	// brings its own name as NameLabel under the prefix.
	NamespacePrefix      = "pcns."
	ServiceAccountPrefix = "pcsa."
	NameLabel            = "projectcalico.org/name"
)

// Pod is a workload endpoint that has been scheduled and has a network of its own:
// pods on the host network and unscheduled ones never become one.
type Pod struct {
	Node           string
	Interface      string // host side of its veth pair
	Labels         map[string]string
	ServiceAccount string
	Claims         AddressClaims
	Ports          []NamedPort
	// AllowedSources are prefixes that the pod may send from beside its own addresses,
	// where the settings allow such a request (annotation allowedSourcePrefixes).
	AllowedSources []netip.Prefix
}

// AddressClaims are the addresses that the API shows for a pod, by who says so. Which
// of them count is decided in the graph, since it takes IPAM blocks, pools, nodes,
// services and other pods to tell.
type AddressClaims struct {
	// Status is what the pod's status lists.
	Status []netip.Addr
	// Annotated is what the CNI plugin's annotation lists; the pod's owner can write it.
	Annotated []netip.Addr
	// Released says that the pod has given its addresses back (it has finished, or its
	// annotation is present and empty): it keeps its interface and has no address.
	Released bool
}

// NamedPort is a port that rules can refer to by name.
type NamedPort struct {
	Name     string
	Protocol Protocol
	Port     uint16
}

// Namespace carries the labels that its pods inherit.
type Namespace struct{ Labels map[string]string }

// ServiceAccount carries the labels that its pods inherit.
type ServiceAccount struct{ Labels map[string]string }

// NetworkSet is a labelled list of nets that selectors can match like endpoints.
type NetworkSet struct {
	Labels map[string]string
	Nets   []netip.Prefix
}

// Pool is an IP pool: the range that pods get their addresses from, and how they are
// reached from other nodes.
type Pool struct {
	CIDR        netip.Prefix
	NATOutgoing bool
	Disabled    bool
	VXLAN       EncapsulationMode
	IPIP        EncapsulationMode
}

// Encapsulation is how the pool's packets travel between nodes, where its mode says that they
// do not go as they are. A pool that asks for two has VXLAN. IPIP carries IPv4 alone: an IPv6
// pool that asks for it has none.
func (p *Pool) Encapsulation() (Encapsulation, EncapsulationMode) {
	switch {
	case p.VXLAN != EncapsulateNever:
		return VXLAN, p.VXLAN
	case p.IPIP != EncapsulateNever && family.OfPrefix(p.CIDR) == family.V4:
		return IPIP, p.IPIP
	}
	return NoEncapsulation, EncapsulateNever
}

// Encapsulation is a way to carry packets between nodes.
type Encapsulation uint8

// The zero value carries them as they are.
const (
	NoEncapsulation Encapsulation = iota
	VXLAN
	IPIP
)

// String is the name in dumps and messages.
func (e Encapsulation) String() string { return [...]string{"none", "VXLAN", "IPIP"}[e] }

// EncapsulationMode says when a pool's traffic between nodes is encapsulated.
type EncapsulationMode uint8

// The zero value is EncapsulateNever.
const (
	EncapsulateNever EncapsulationMode = iota
	EncapsulateAlways
	EncapsulateCrossSubnet
)

// String is the mode as the API writes it.
func (m EncapsulationMode) String() string {
	return [...]string{"Never", "Always", "CrossSubnet"}[m]
}

// Node is a node's place in the network. An invalid prefix means that the node has no
// address of that family.
type Node struct {
	// Addresses are the node's own address of each family with the length of the
	// subnet that it lies in; a host prefix where the subnet is not known.
	Addresses family.Pair[netip.Prefix]
	PodCIDRs  []netip.Prefix
	Labels    map[string]string
	// VXLAN is the node's end of the tunnel of each family, IPIP the address of its tunl0.
	VXLAN family.Pair[TunnelEnd]
	IPIP  netip.Addr
	// Wireguard is the node's WireGuard device of each family.
	Wireguard family.Pair[WireguardEnd]
}

// Block is an IPAM block: a small range that belongs to a node, and who has which of
// its addresses.
type Block struct {
	CIDR netip.Prefix
	// Node that the block is affine to; empty for none.
	Node        string
	Allocations []Allocation
}

// Allocation is one address of a block. A Pod of the zero Key kind means that something
// other than a pod has it (a tunnel device, say).
type Allocation struct {
	Address   netip.Addr
	Node      string // that uses it; may differ from the block's
	Namespace string
	Pod       string
}

// Service is as much of a Service as is needed to know that its addresses are not a
// pod's.
type Service struct{ Addresses []netip.Addr }

// StandingRoutes are the destinations of the routes that the kernel shows on one
// interface, as the CNI plugin put them there.
type StandingRoutes struct{ Destinations []netip.Prefix }

// Configuration is one FelixConfiguration: its spec as decoded JSON.
type Configuration struct{ Spec map[string]any }

func (*Pod) value()            {}
func (*Namespace) value()      {}
func (*ServiceAccount) value() {}
func (*NetworkSet) value()     {}
func (*Pool) value()           {}
func (*Node) value()           {}
func (*Block) value()          {}
func (*Service) value()        {}
func (*StandingRoutes) value() {}
func (*Configuration) value()  {}
func (*Policy) value()         {}
func (*Tier) value()           {}
