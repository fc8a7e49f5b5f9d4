package calc

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// routes decides the way to every destination that somebody stands behind: the pods of
// this node, the blocks of all nodes, addresses that a node has borrowed from another
// node's block, and the podCIDRs of nodes without blocks. The kernel finds the longest
// prefix; here is decided between those who stand behind the same one.
type routes struct {
	node      string
	nodes     *names
	ipam      *ipam
	addresses *addresses
	endpoints *endpoints
	pools     *pools
	tunnels   *tunnels
	// complain is told of each node that there may be something to say about.
	complain func(node string)
	// behind lists, for each destination, the nodes that stand behind it.
	behind map[netip.Prefix][]backing
	// byNode counts, for each node, its destinations.
	byNode map[string]map[netip.Prefix]int
	// blocks counts the blocks of each node.
	blocks map[string]family.Pair[int]
	ledger ledger[netip.Prefix, model.Route]
}

func newRoutes(node string, g *Graph) *routes {
	return &routes{
		node: node, nodes: g.nodes, ipam: g.ipam, addresses: g.addresses, endpoints: g.endpoints, pools: g.pools, tunnels: g.tunnels,
		complain: g.complainOfNode,
		behind:   map[netip.Prefix][]backing{}, byNode: map[string]map[netip.Prefix]int{}, blocks: map[string]family.Pair[int]{},
		ledger: newLedger[netip.Prefix](same[model.Route]),
	}
}

// backing says why a node stands behind a destination.
type backing struct {
	reason reason
	node   string
}

// reason orders the backings of one destination: what IPAM says of one address comes before
// what it says of a block, and that before what the node was given at its creation.
type reason uint8

const (
	borrowed reason = iota
	ownBlock
	podCIDR
)

// compareBackings puts the one first that is followed: by reason, other nodes before this
// one (a way to somewhere before a blackhole), and then by name.
func (r *routes) compareBackings(a, b backing) int {
	if c := cmp.Compare(a.reason, b.reason); c != 0 {
		return c
	}
	if (a.node == r.node) != (b.node == r.node) {
		if b.node == r.node {
			return -1
		}
		return 1
	}
	return strings.Compare(a.node, b.node)
}

// back adds a backing of a destination.
func (r *routes) back(to netip.Prefix, b backing) {
	if !to.IsValid() || b.node == "" {
		return
	}
	to = plain(to)
	list := r.behind[to]
	i, _ := slices.BinarySearchFunc(list, b, r.compareBackings)
	r.behind[to] = slices.Insert(list, i, b)
	if r.byNode[b.node] == nil {
		r.byNode[b.node] = map[netip.Prefix]int{}
	}
	r.byNode[b.node][to]++
	r.mark(to)
	if b.reason == ownBlock {
		r.countBlock(b.node, family.OfPrefix(to), +1)
	}
}

// unback takes a backing away that back has added.
func (r *routes) unback(to netip.Prefix, b backing) {
	if !to.IsValid() || b.node == "" {
		return
	}
	to = plain(to)
	list := r.behind[to]
	i, _ := slices.BinarySearchFunc(list, b, r.compareBackings)
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(r.behind, to)
	} else {
		r.behind[to] = list
	}
	if r.byNode[b.node][to]--; r.byNode[b.node][to] == 0 {
		delete(r.byNode[b.node], to)
		if len(r.byNode[b.node]) == 0 {
			delete(r.byNode, b.node)
		}
	}
	r.mark(to)
	r.complain(b.node)
	if b.reason == ownBlock {
		r.countBlock(b.node, family.OfPrefix(to), -1)
	}
}

// countBlock counts a node's blocks. With the first one of a family the node's podCIDRs of
// that family cease to count, with the last one they count again.
func (r *routes) countBlock(node string, f family.Family, by int) {
	counts := r.blocks[node]
	n := counts.At(f)
	before := *n
	*n += by
	after := *n
	if counts == (family.Pair[int]{}) {
		delete(r.blocks, node)
	} else {
		r.blocks[node] = counts
	}
	if (before == 0) == (after == 0) {
		return
	}
	id := r.nodes.ids[node]
	r.backPodCIDRs(node, r.ipam.nodes[id], f, after == 0)
}

// backPodCIDRs adds or removes a node's podCIDRs of a family as destinations.
func (r *routes) backPodCIDRs(node string, n *model.Node, f family.Family, add bool) {
	if n == nil {
		return
	}
	for _, cidr := range n.PodCIDRs {
		if !cidr.IsValid() || family.OfPrefix(cidr) != f {
			continue
		}
		if add {
			r.back(cidr, backing{podCIDR, node})
		} else {
			r.unback(cidr, backing{podCIDR, node})
		}
	}
}

// updateNode follows a node's addresses and podCIDRs. Its tunnels are followed by reachability.
func (r *routes) updateNode(name string, old, new *model.Node) {
	moved := false
	for _, f := range family.All() {
		if counts := r.blocks[name]; counts.Get(f) == 0 {
			r.backPodCIDRs(name, new, f, true)
			r.backPodCIDRs(name, old, f, false)
		}
		moved = moved || addressOfNode(old, f) != addressOfNode(new, f)
	}
	switch {
	case !moved:
	case name == r.node: // what lies in its subnet has changed
		r.markAll()
	default:
		r.reachability(name)
	}
}

// reachability marks all that leads to a node.
func (r *routes) reachability(name string) {
	r.complain(name)
	for to := range r.byNode[name] {
		r.ledger.mark(to)
	}
}

// markAll marks every destination of nodes.
func (r *routes) markAll() {
	for to := range r.behind {
		r.mark(to)
	}
}

// mark marks a destination, and those who stand behind it: they may be out of reach.
func (r *routes) mark(to netip.Prefix) {
	r.ledger.mark(to)
	for _, b := range r.behind[to] {
		r.complain(b.node)
	}
}

// addressOfNode is the node's address of a family with its subnet; invalid for none.
func addressOfNode(n *model.Node, f family.Family) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	return n.Addresses.Get(f)
}

// updatePool follows a pool's modes to the destinations in it.
func (r *routes) updatePool(cidr netip.Prefix) {
	for to := range r.behind {
		if cidr.Bits() <= to.Bits() && cidr.Contains(to.Addr()) {
			r.mark(to)
		}
	}
}

// markPod follows a pod's address.
func (r *routes) markPod(a netip.Addr) { r.ledger.mark(family.HostPrefix(a)) }

// present is the route to a destination as it is now.
func (r *routes) present(to netip.Prefix) (model.Route, bool) {
	if family.IsHost(to) {
		if pod := r.addresses.holder(addressOf(to.Addr())); pod != 0 {
			if l := r.endpoints.locals[pod]; l != nil && l.shown {
				return model.Route{Destination: to, Kind: model.RouteLocalPod, Interface: l.value.Interface}, true
			}
		}
	}
	return r.choose(to)
}

// choose is the route to a destination of nodes. Of those who stand behind it for the best
// reason, the nodes count that can be reached, one without a tunnel before one with, and then
// in their order; this node, which makes it a blackhole, comes last.
func (r *routes) choose(to netip.Prefix) (best model.Route, found bool) {
	list := r.behind[to]
	for _, b := range list {
		if b.reason != list[0].reason {
			break
		}
		if b.node == r.node {
			hole := model.Route{Destination: to, Kind: model.RouteBlackhole}
			if found || b.reason == borrowed || family.IsHost(to) {
				return best, found // the pod's own route is all there is
			}
			return hole, true
		}
		way, obstacle := r.way(to, b.node)
		if obstacle.text != "" {
			continue
		}
		if !found || best.Encapsulation != model.NoEncapsulation && way.Encapsulation == model.NoEncapsulation {
			best, found = way, true
		}
	}
	return best, found
}

// flush hands over the routes that have changed.
func (r *routes) flush(b *Batch) {
	changed, gone := r.ledger.settle(r.present)
	slices.SortFunc(changed, comparePrefixes)
	slices.SortFunc(gone, comparePrefixes)
	for _, to := range changed {
		b.Routes = append(b.Routes, r.ledger.sent[to])
	}
	b.RoutesGone = gone
}
