package calctest

import (
	"net/netip"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// routes adds the route to every destination, the best last.
func (w *world) routes(out *calc.Output) {
	type candidate struct {
		to   netip.Prefix
		node string
		one  bool // of one borrowed address
	}
	var all []candidate // the later, the better
	add := func(c candidate) { all = append(all, c) }
	each := func(do func(node string)) {
		do(w.node)
		nodes := w.nodeNames()
		for i := range nodes {
			if node := nodes[len(nodes)-1-i]; node != w.node {
				do(node)
			}
		}
	}
	each(func(node string) {
		if n, ok := w.State[model.Key{Kind: model.KindNode, Name: node}].(*model.Node); ok {
			for _, cidr := range n.PodCIDRs {
				if !w.hasBlock(node, family.OfPrefix(cidr)) {
					add(candidate{to: cidr, node: node})
				}
			}
		}
	})
	each(func(node string) {
		for _, key := range w.keys(model.KindBlock) {
			if b := w.State[key].(*model.Block); b.Node == node {
				add(candidate{to: b.CIDR, node: node})
			}
		}
	})
	each(func(node string) {
		for _, key := range w.keys(model.KindBlock) {
			b := w.State[key].(*model.Block)
			for _, a := range b.Allocations {
				if a.Node == node && b.Node != node {
					add(candidate{family.HostPrefix(a.Address), node, true})
				}
			}
		}
	})
	for _, c := range all {
		delete(out.Routes, c.to)
		switch {
		case c.node != w.node:
			w.remote(out, c.to, c.node)
		case !c.one && !family.IsHost(c.to):
			out.Routes[c.to] = model.Route{Destination: c.to, Kind: model.RouteBlackhole}
		}
	}
	for a, pod := range w.holders {
		if e := out.Endpoints[pod]; e != nil {
			to := family.HostPrefix(a)
			out.Routes[to] = model.Route{Destination: to, Kind: model.RouteLocalPod, Interface: e.Interface}
		}
	}
}

// nodeNames are all names of nodes that anything mentions, sorted, the empty one excepted.
func (w *world) nodeNames() (out []string) {
	seen := State{}
	for key, v := range w.State {
		switch v := v.(type) {
		case *model.Node:
			seen[key] = nil
		case *model.Block:
			seen[model.Key{Kind: model.KindNode, Name: v.Node}] = nil
			for _, a := range v.Allocations {
				seen[model.Key{Kind: model.KindNode, Name: a.Node}] = nil
			}
		}
	}
	delete(seen, model.Key{Kind: model.KindNode})
	for _, key := range (&world{State: seen}).keys(model.KindNode) {
		out = append(out, key.Name)
	}
	return out
}

func (w *world) hasBlock(node string, f family.Family) bool {
	for _, key := range w.keys(model.KindBlock) {
		if b := w.State[key].(*model.Block); b.Node == node && family.OfPrefix(b.CIDR) == f {
			return true
		}
	}
	return false
}

func (w *world) remote(out *calc.Output, to netip.Prefix, node string) {
	f := family.OfPrefix(to)
	n, ok := w.State[model.Key{Kind: model.KindNode, Name: node}].(*model.Node)
	if !ok || !n.Addresses.Get(f).IsValid() {
		return
	}
	r := model.Route{Destination: to, Kind: model.RouteRemote, Node: node, Gateway: n.Addresses.Get(f).Addr()}
	if own, ok := w.State[model.Key{Kind: model.KindNode, Name: w.node}].(*model.Node); ok {
		subnet := own.Addresses.Get(f)
		r.SameSubnet = subnet.IsValid() && !family.IsHost(subnet) && subnet.Masked().Contains(r.Gateway)
	}
	length := -1
	for _, key := range w.keys(model.KindPool) {
		p := w.State[key].(*model.Pool)
		if p.CIDR.Bits() > length && p.CIDR.Bits() <= to.Bits() && p.CIDR.Contains(to.Addr()) {
			length, r.VXLAN, r.IPIP = p.CIDR.Bits(), p.VXLAN, p.IPIP
		}
	}
	out.Routes[to] = r
}
