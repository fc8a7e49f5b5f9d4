package mtu

import (
	"fmt"

	"github.com/margay-net/margay/internal/family"
)

// MinimumIPv6 is what every link that carries IPv6 must take (RFC 8200, section 5).
const MinimumIPv6 = 1280

// Host is the fallback for a node whose own link is not known: the smallest of the links that
// look like those of a host, or 1460, which is Felix's. looksLikeHost says which do.
func Host(links map[string]int, looksLikeHost func(name string) bool) int {
	const none = 1460
	smallest := 0
	for name, mtu := range links {
		if looksLikeHost(name) && mtu > 0 && (smallest == 0 || mtu < smallest) {
			smallest = mtu
		}
	}
	if smallest == 0 {
		return none
	}
	return smallest
}

// Paths are the ways on which pods of one family leave the node.
type Paths struct {
	// Link is the MTU of the link that carries the node's address of the family; 0 if none
	// does.
	Link int
	// Tunnels are the MTUs of the tunnels that pods' packets of the family may travel
	// through. Some packets, to nodes of the same subnet say, may not: the smallest holds.
	Tunnels []int
}

// Of is the MTU of the pods of a family: 0 for no way.
func (p Paths) Of() int {
	smallest := p.Link
	for _, t := range p.Tunnels {
		if t > 0 && (smallest == 0 || t < smallest) {
			smallest = t
		}
	}
	return smallest
}

// Pods is the MTU of a pod's interface, which has to do for both families; 0 if nothing is
// known. warnings are what people must hear of.
func Pods(paths family.Pair[Paths]) (mtu int, warnings []string) {
	for _, f := range family.All() {
		of := paths.Get(f).Of()
		if of > 0 && (mtu == 0 || of < mtu) {
			mtu = of
		}
	}
	if v6 := paths.Get(family.V6).Of(); v6 > 0 && mtu < MinimumIPv6 {
		warnings = append(warnings, fmt.Sprintf(
			"the pods' MTU is %d, and IPv6 needs %d: pods have no IPv6 with it; give the nodes' links a larger MTU", mtu, MinimumIPv6))
	}
	return mtu, warnings
}
