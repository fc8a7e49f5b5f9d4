package calc

import (
	"fmt"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// obstacle is why a node cannot be reached: a field of its object, and what is wrong with it.
type obstacle struct{ field, text string }

// way is the route to a destination at another node. The pool that the destination lies in says
// whether packets are encapsulated: with CrossSubnet only those to nodes that are not in one
// subnet with this one. Each family decides by its own addresses; where the VXLAN packets of both
// travel over one family, both nodes must be in one subnet of that family too, and there is no
// direct way for a family in which the nodes have no addresses.
func (r *routes) way(to netip.Prefix, node string) (model.Route, obstacle) {
	f := family.OfPrefix(to)
	route := model.Route{Destination: to, Kind: model.RouteRemote, Node: node}
	mode := model.EncapsulateNever
	if pool := r.pools.around(to); pool != nil {
		route.Pool, mode = pool.Encapsulation()
	}
	near := r.sameSubnet(node, f)
	if route.Pool == model.VXLAN {
		u := r.tunnels.settings.underlayOf(f)
		if mode == model.EncapsulateAlways || !near || !r.sameSubnet(node, u) {
			return r.throughVXLAN(route, u)
		}
	}
	route.Gateway = r.tunnels.address(node, f)
	if !route.Gateway.IsValid() {
		return route, r.noAddress(node, f)
	}
	if route.Pool == model.IPIP && (mode == model.EncapsulateAlways || !near) {
		route.Encapsulation, route.Underlay = model.IPIP, f
		return route, obstacle{}
	}
	route.SameSubnet = near
	return route, obstacle{}
}

// throughVXLAN leads through the tunnel over an underlay, to the remote tunnel address of the
// destination's family.
func (r *routes) throughVXLAN(route model.Route, u family.Family) (model.Route, obstacle) {
	f := family.OfPrefix(route.Destination)
	end, there := r.tunnels.vtep(model.VTEPKey{Node: route.Node, Underlay: u})
	route.Encapsulation, route.Underlay, route.Gateway = model.VXLAN, u, end.Addresses.Get(f)
	if there && route.Gateway.IsValid() {
		return route, obstacle{}
	}
	stated := r.tunnels.end(route.Node, u)
	switch address := stated.Addresses.Get(f); {
	case !stated.Underlay.IsValid():
		return route, r.noAddress(route.Node, u)
	case !address.IsValid():
		return route, obstacle{model.AnnotationField(model.VXLANAddressAnnotation(f)), "there is no tunnel address of the node"}
	case r.tunnels.holder(endAddress{address: address}) != route.Node:
		return route, obstacle{model.AnnotationField(model.VXLANAddressAnnotation(f)), "the tunnel address is another node's"}
	}
	return route, obstacle{model.AnnotationField(model.VXLANMACAnnotation(u)), "the hardware address is another node's"}
}

// noAddress says why a node is not reached by its address of a family.
func (r *routes) noAddress(node string, f family.Family) obstacle {
	n := r.nodeAt(node)
	switch {
	case n == nil:
		return obstacle{"", "there is no such Node"}
	case addressOfNode(n, f).IsValid():
		return obstacle{"address", fmt.Sprintf("its %v address is this node's", f)}
	}
	return obstacle{"address", fmt.Sprintf("it has no %v address", f)}
}

// sameSubnet says whether a node's address of a family lies in this node's own subnet.
func (r *routes) sameSubnet(node string, f family.Family) bool {
	own, a := addressOfNode(r.nodeAt(r.node), f), r.tunnels.address(node, f)
	return own.IsValid() && a.IsValid() && !family.IsHost(own) && plain(own).Contains(a)
}

func (r *routes) nodeAt(name string) *model.Node { return r.ipam.nodes[r.nodes.ids[name]] }
