package dataplane

import (
	"net/netip"

	"go4.org/netipx"

	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nftables/render"
)

// parts keeps which chains, sets and elements each object of a family brings into the
// table, so that an object that is rendered anew or goes takes along what it no longer
// wants. K names the objects.
type parts[K comparable] struct {
	view *nftables.View
	// kinds are the sets and maps that are declared, by name.
	kinds map[string]nft.Set
	held  map[K]holding
}

// holding is what one object has in the table, by name.
type holding struct {
	chains   []string
	sets     []string
	elements map[string][]nft.Element
}

func newParts[K comparable](view *nftables.View) *parts[K] {
	return &parts[K]{view: view, kinds: map[string]nft.Set{}, held: map[K]holding{}}
}

// put makes the part all that the object wants.
func (p *parts[K]) put(key K, part render.Part) {
	old := p.held[key]
	now := holding{elements: part.Elements}
	for _, s := range part.Sets {
		p.kinds[s.Name] = s
		p.view.AddSet(s)
		now.sets = append(now.sets, s.Name)
	}
	for _, c := range part.Chains {
		p.view.SetChain(c)
		now.chains = append(now.chains, c.Name)
	}
	// Elements go before they come: an interface's entry may lead elsewhere now, and has
	// the same key then.
	for set, elements := range old.elements {
		p.remove(set, without(elements, part.Elements[set]))
	}
	for set, elements := range part.Elements {
		p.add(set, without(elements, old.elements[set]))
	}
	for _, name := range without(old.chains, now.chains) {
		p.view.RemoveChain(name)
	}
	for _, name := range without(old.sets, now.sets) {
		p.view.RemoveSet(name)
		delete(p.kinds, name)
	}
	if len(now.chains)+len(now.sets)+len(now.elements) == 0 {
		delete(p.held, key)
		return
	}
	p.held[key] = now
}

// drop takes the object out of the table.
func (p *parts[K]) drop(key K) { p.put(key, render.Part{}) }

// add puts elements into a set or map of any kind.
func (p *parts[K]) add(set string, elements []nft.Element) {
	kind := p.kinds[set]
	switch {
	case len(elements) == 0:
	case kind.VMap:
		for _, e := range elements {
			key, verdict := kind.Split(e)
			p.view.SetEntry(set, key, verdict)
		}
	case kind.Interval:
		p.view.AddNets(set, nets(elements)...)
	default:
		p.view.AddMembers(set, elements...)
	}
}

// remove is the reverse of add. A set that is not declared any more has taken its
// elements along.
func (p *parts[K]) remove(set string, elements []nft.Element) {
	kind, declared := p.kinds[set]
	switch {
	case len(elements) == 0 || !declared:
	case kind.VMap:
		for _, e := range elements {
			key, _ := kind.Split(e)
			p.view.RemoveEntry(set, key)
		}
	case kind.Interval:
		p.view.RemoveNets(set, nets(elements)...)
	default:
		p.view.RemoveMembers(set, elements...)
	}
}

// nets are the prefixes that an interval set's elements were made of.
func nets(elements []nft.Element) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(elements))
	for _, e := range elements {
		from, _ := netip.AddrFromSlice([]byte(e[:len(e)/2]))
		to, _ := netip.AddrFromSlice([]byte(e[len(e)/2:]))
		if p, ok := netipx.IPRangeFrom(from, to).Prefix(); ok {
			out = append(out, p)
		}
	}
	return out
}

// without is a less what is also in b.
func without[T comparable](a, b []T) []T {
	if len(b) == 0 {
		return a
	}
	in := make(map[T]struct{}, len(b))
	for _, x := range b {
		in[x] = struct{}{}
	}
	var out []T
	for _, x := range a {
		if _, also := in[x]; !also {
			out = append(out, x)
		}
	}
	return out
}
