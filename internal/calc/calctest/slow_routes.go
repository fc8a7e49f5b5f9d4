package calctest

import (
	"net/netip"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// candidate is a node that stands behind a destination, and why.
type candidate struct {
	to   netip.Prefix
	node string
	why  string
}

// routes adds the route to every destination.
func (w *world) routes(out *calc.Output) {
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
					add(candidate{cidr, node, "node was given"})
				}
			}
		}
	})
	each(func(node string) {
		for _, key := range w.keys(model.KindBlock) {
			if b := w.State[key].(*model.Block); b.Node == node {
				add(candidate{b.CIDR, node, "has the block"})
			}
		}
	})
	each(func(node string) {
		for _, key := range w.keys(model.KindBlock) {
			b := w.State[key].(*model.Block)
			for _, a := range b.Allocations {
				if a.Node == node && b.Node != node {
					add(candidate{family.HostPrefix(a.Address), node, "borrowed"})
				}
			}
		}
	})
	for _, c := range all {
		w.route(out, c.to, all)
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

// route adds the route to one destination, which is that of the best candidate.
func (w *world) route(out *calc.Output, to netip.Prefix, all []candidate) {
	var mine []candidate
	for _, c := range all {
		if c.to == to {
			mine = append(mine, c)
		}
	}
	best := mine[len(mine)-1].why
	hole, tunnelled, direct := false, []model.Route{}, []model.Route{}
	for _, c := range mine {
		switch {
		case c.why != best:
		case c.node == w.node:
			hole = c.why != "borrowed" && !family.IsHost(to)
		default:
			if r, reached := w.remote(to, c.node); reached && r.Encapsulation == model.NoEncapsulation {
				direct = append(direct, r)
			} else if reached {
				tunnelled = append(tunnelled, r)
			}
		}
	}
	switch better := append(tunnelled, direct...); {
	case len(better) > 0:
		out.Routes[to] = better[len(better)-1]
	case hole:
		out.Routes[to] = model.Route{Destination: to, Kind: model.RouteBlackhole}
	}
}

// remote is the way to a node.
func (w *world) remote(to netip.Prefix, node string) (r model.Route, reached bool) {
	f := family.OfPrefix(to)
	length, pool := -1, &model.Pool{}
	for _, key := range w.keys(model.KindPool) {
		p := w.State[key].(*model.Pool)
		if p.CIDR.Bits() > length && p.CIDR.Bits() <= to.Bits() && p.CIDR.Contains(to.Addr()) {
			length, pool = p.CIDR.Bits(), p
		}
	}
	r = model.Route{Destination: to, Kind: model.RouteRemote, Node: node}
	near := w.near(node, f)
	switch {
	case pool.VXLAN != model.EncapsulateNever:
		r.Pool = model.VXLAN
		if pool.VXLAN == model.EncapsulateAlways || !near || !w.near(node, w.underlay(f)) {
			r.Encapsulation = model.VXLAN
		}
	case pool.IPIP != model.EncapsulateNever && f == family.V4:
		r.Pool = model.IPIP
		if pool.IPIP == model.EncapsulateAlways || !near {
			r.Encapsulation = model.IPIP
		}
	}
	switch r.Encapsulation {
	case model.VXLAN:
		r.Underlay = w.underlay(f)
		v := w.vteps()[model.VTEPKey{Node: node, Underlay: r.Underlay}]
		r.Gateway = v.Addresses.Get(f)
	case model.IPIP:
		r.Underlay, r.Gateway = f, w.reachedBy(node, f)
	default:
		r.SameSubnet, r.Gateway = near, w.reachedBy(node, f)
	}
	return r, r.Gateway.IsValid()
}
