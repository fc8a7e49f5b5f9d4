package calctest

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

func (w *world) nodeNamed(name string) (*model.Node, bool) {
	n, ok := w.State[model.Key{Kind: model.KindNode, Name: name}].(*model.Node)
	return n, ok
}

// underlay is the family that VXLAN of family f travels over.
func (w *world) underlay(f family.Family) family.Family {
	if one := w.settings.Underlay; one != 0 {
		return one
	}
	return f
}

// reachedBy is the address of a family that a node is reached by: not one that is our own.
func (w *world) reachedBy(name string, f family.Family) netip.Addr {
	n, ok := w.nodeNamed(name)
	if !ok {
		return netip.Addr{}
	}
	a := n.Addresses.Get(f).Addr()
	if own, ok := w.nodeNamed(w.node); ok && name != w.node && own.Addresses.Get(f).Addr() == a {
		return netip.Addr{}
	}
	return a
}

// near says whether a node is in our own subnet.
func (w *world) near(name string, f family.Family) bool {
	own, ok := w.nodeNamed(w.node)
	if !ok {
		return false
	}
	subnet, a := own.Addresses.Get(f), w.reachedBy(name, f)
	return subnet.IsValid() && !family.IsHost(subnet) && a.IsValid() && subnet.Masked().Contains(a)
}

// stated are the ends that nodes have by what their objects say.
func (w *world) stated() map[model.VTEPKey]model.VTEP {
	out := map[model.VTEPKey]model.VTEP{}
	for _, key := range w.keys(model.KindNode) {
		n := w.State[key].(*model.Node)
		for _, u := range family.All() {
			v := model.VTEP{Node: key.Name, Underlay: w.reachedBy(key.Name, u), MAC: n.VXLAN.Get(u).MAC}
			if v.MAC == (model.MAC{}) {
				v.MAC = model.FallbackMAC(key.Name, u)
			}
			any := false
			for _, f := range family.All() {
				if w.underlay(f) == u {
					*v.Addresses.At(f) = n.VXLAN.Get(f).Address
					any = any || v.Addresses.Get(f).IsValid()
				}
			}
			if any && v.Underlay.IsValid() {
				out[model.VTEPKey{Node: key.Name, Underlay: u}] = v
			}
		}
	}
	return out
}

// vteps are the ends that count: what two nodes have is the first one's.
func (w *world) vteps() map[model.VTEPKey]model.VTEP {
	stated, out := w.stated(), map[model.VTEPKey]model.VTEP{}
	for key, v := range stated {
		for other, o := range stated {
			if other.Node < key.Node && other.Underlay == key.Underlay && o.MAC == v.MAC {
				v.Addresses = family.Pair[netip.Addr]{}
			}
		}
		for _, f := range family.All() {
			if w.hasBefore(key.Node, v.Addresses.Get(f), stated) {
				*v.Addresses.At(f) = netip.Addr{}
			}
		}
		if v.Addresses != (family.Pair[netip.Addr]{}) {
			out[key] = v
		}
	}
	return out
}

// hasBefore says whether a node before this one has a tunnel address.
func (w *world) hasBefore(node string, a netip.Addr, stated map[model.VTEPKey]model.VTEP) bool {
	for _, key := range w.keys(model.KindNode) {
		if key.Name >= node || !a.IsValid() {
			continue
		}
		if w.State[key].(*model.Node).IPIP == a {
			return true
		}
		for _, u := range family.All() {
			v := stated[model.VTEPKey{Node: key.Name, Underlay: u}]
			if v.Addresses.Get(family.Of(a)) == a {
				return true
			}
		}
	}
	return false
}

// own is what the node itself is in a family.
func (w *world) own(f family.Family) model.Own {
	out := model.Own{Family: f}
	for _, key := range w.keys(model.KindPool) {
		if w.counts(key) {
			e, _ := w.State[key].(*model.Pool).Encapsulation()
			of := family.OfPrefix(w.State[key].(*model.Pool).CIDR)
			out.VXLAN = out.VXLAN || e == model.VXLAN && w.underlay(of) == f
			out.IPIP = out.IPIP || e == model.IPIP && of == f
		}
	}
	n, ok := w.nodeNamed(w.node)
	if !ok {
		return out
	}
	out.Address = n.Addresses.Get(f)
	for _, of := range family.All() {
		if w.underlay(of) == f {
			out.VTEP.Node, out.VTEP.Underlay, out.VTEP.MAC = w.node, out.Address.Addr(), n.VXLAN.Get(f).MAC
			*out.VTEP.Addresses.At(of) = n.VXLAN.Get(of).Address
		}
	}
	if out.VTEP.Node != "" && out.VTEP.MAC == (model.MAC{}) {
		out.VTEP.MAC = model.FallbackMAC(w.node, f)
	}
	if f == family.V4 {
		out.IPIPAddress = n.IPIP
	}
	out.Wireguard = n.Wireguard.Get(f)
	asks := func(e model.Encapsulation) func(netip.Prefix) bool {
		return func(cidr netip.Prefix) bool { p := w.poolOf(cidr); return p != nil && asked(p) == e }
	}
	inPool := func(cidr netip.Prefix) bool { return w.poolOf(cidr) != nil }
	out.Offer.VXLAN = w.offer(asks(model.VXLAN), f, n.VXLAN.Get(f).Address)
	out.Offer.IPIP = w.offer(asks(model.IPIP), f, out.IPIPAddress)
	if !w.settings.Encrypted.Has(f) {
		return out
	}
	out.Offer.Wireguard = w.offer(inPool, f, out.Wireguard.Address, out.Offer.VXLAN, out.Offer.IPIP)
	return out
}

// counts says whether a pool is the first with its range.
func (w *world) counts(key model.Key) bool {
	for _, other := range w.keys(model.KindPool) {
		if w.State[other].(*model.Pool).CIDR == w.State[key].(*model.Pool).CIDR {
			return other == key
		}
	}
	return false
}

func asked(p *model.Pool) model.Encapsulation {
	e, _ := p.Encapsulation()
	return e
}

// offer is a tunnel address that the node may take, and none of the others that it has.
func (w *world) offer(suits func(netip.Prefix) bool, f family.Family, has netip.Addr, others ...netip.Addr) (first netip.Addr) {
	type span struct {
		cidr  netip.Prefix
		given []netip.Addr
	}
	var spans []span
	for _, key := range w.keys(model.KindBlock) {
		b := w.State[key].(*model.Block)
		if b.Node != w.node || family.OfPrefix(b.CIDR) != f {
			continue
		}
		s := span{cidr: b.CIDR, given: slices.Clone(others)}
		for _, a := range b.Allocations {
			if a.Pod != "" || a.Node != w.node {
				s.given = append(s.given, a.Address)
			}
		}
		spans = append(spans, s)
	}
	if n, ok := w.nodeNamed(w.node); ok && len(spans) == 0 {
		for _, cidr := range n.PodCIDRs {
			if family.OfPrefix(cidr) == f {
				spans = append(spans, span{cidr: cidr, given: others})
			}
		}
	}
	slices.SortStableFunc(spans, func(a, b span) int {
		if c := a.cidr.Addr().Compare(b.cidr.Addr()); c != 0 {
			return c
		}
		return a.cidr.Bits() - b.cidr.Bits()
	})
	for _, s := range spans {
		if !suits(s.cidr) {
			continue
		}
		if s.cidr.Contains(has) && !slices.Contains(s.given, has) {
			return has
		}
		for a := s.cidr.Addr(); !first.IsValid() && s.cidr.Contains(a); a = a.Next() {
			if !slices.Contains(s.given, a) {
				first = a
			}
		}
	}
	return first
}

// poolOf is the smallest pool around a range; nil for none.
func (w *world) poolOf(to netip.Prefix) (pool *model.Pool) {
	length := -1
	for _, key := range w.keys(model.KindPool) {
		p := w.State[key].(*model.Pool)
		if p.CIDR.Bits() > length && p.CIDR.Bits() <= to.Bits() && p.CIDR.Contains(to.Addr()) {
			length, pool = p.CIDR.Bits(), p
		}
	}
	return pool
}
