// Package model is the vocabulary of the agent: what a cluster consists of as far as a
// node's dataplane is concerned (endpoints, policies, pools, nodes, blocks), and what a
// node must do about it (active policies, local endpoints, sets, routes).
//
// The first half comes from the sources, as events of a Key and a Value; a nil Value
// says that the object is gone. The second half is what the calculation graph makes of
// it. All of it is plain data. Values are immutable once they have been handed over.
//
// The package owns nothing in the kernel.
package model

import "strings"

// Kind says what sort of object a Key names.
type Kind uint8

// The kinds of objects that sources report, and the kernel facts that join them.
const (
	KindPod Kind = iota + 1
	KindNamespace
	KindServiceAccount
	KindKubernetesPolicy // networking.k8s.io NetworkPolicy
	KindPolicy           // projectcalico.org NetworkPolicy
	KindGlobalPolicy
	KindTier
	KindNetworkSet
	KindGlobalNetworkSet
	KindPool
	KindBlock
	KindNode
	KindService
	KindConfiguration // FelixConfiguration; for the settings, not for the graph
	// KindStandingRoute is a route of the CNI plugin that the kernel shows on a local
	// pod's interface: Name is the interface.
	KindStandingRoute
)

var kindNames = [...]string{
	KindPod:              "Pod",
	KindNamespace:        "Namespace",
	KindServiceAccount:   "ServiceAccount",
	KindKubernetesPolicy: "KubernetesNetworkPolicy",
	KindPolicy:           "NetworkPolicy",
	KindGlobalPolicy:     "GlobalNetworkPolicy",
	KindTier:             "Tier",
	KindNetworkSet:       "NetworkSet",
	KindGlobalNetworkSet: "GlobalNetworkSet",
	KindPool:             "IPPool",
	KindBlock:            "IPAMBlock",
	KindNode:             "Node",
	KindService:          "Service",
	KindConfiguration:    "FelixConfiguration",
	KindStandingRoute:    "StandingRoute",
}

// String is the kind's name as the API writes it; Kubernetes' own NetworkPolicy is
// told from Calico's by a prefix.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "Unknown"
}

// Key names one object. Namespace is empty for cluster-wide kinds.
type Key struct {
	Kind      Kind
	Namespace string
	Name      string
}

// String is Kind/namespace/name, or Kind/name.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind.String() + "/" + k.Name
	}
	return k.Kind.String() + "/" + k.Namespace + "/" + k.Name
}

// Compare orders keys by kind, namespace and name.
func (k Key) Compare(o Key) int {
	if k.Kind != o.Kind {
		return int(k.Kind) - int(o.Kind)
	}
	if c := strings.Compare(k.Namespace, o.Namespace); c != 0 {
		return c
	}
	return strings.Compare(k.Name, o.Name)
}

// Value is what a Key stands for. The set of values is closed: one type for each kind
// (the three policy kinds share Policy, the two network set kinds NetworkSet).
type Value interface{ value() }

// Event says that the object Key now has this Value, or, with a nil Value, that it is
// gone. Repeats, coalescing, reordering between keys and deletes of what never was are
// all legal.
type Event struct {
	Key   Key
	Value Value
}
