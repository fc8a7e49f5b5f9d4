package calc

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// own is what this node itself is: its ends of tunnels, whether they are wanted, and which
// addresses they could have.
type own struct {
	node    string
	nodes   func(name string) *model.Node
	tunnels *tunnels
	pools   *pools
	blocks  map[model.Key]*block // of this node
	ledger  ledger[family.Family, model.Own]
}

func newOwn(node string, g *Graph) *own {
	return &own{
		node: node, nodes: g.node, tunnels: g.tunnels, pools: g.pools,
		blocks: map[model.Key]*block{}, ledger: newLedger[family.Family](same[model.Own]),
	}
}

func (o *own) mark() {
	for _, f := range family.All() {
		o.ledger.mark(f)
	}
}

// updateBlock follows a block that is this node's, or was.
func (o *own) updateBlock(key model.Key, b *block, mine bool) {
	if _, was := o.blocks[key]; !was && !mine {
		return
	}
	delete(o.blocks, key)
	if mine {
		o.blocks[key] = b
	}
	o.mark()
}

// present is what the node is in a family; false if it is nothing there.
func (o *own) present(f family.Family) (model.Own, bool) {
	v := model.Own{Family: f, VTEP: o.tunnels.end(o.node, f)}
	n := o.nodes(o.node)
	if a := addressOfNode(n, f); a.IsValid() {
		v.Address = a
	}
	for _, of := range family.All() {
		v.VXLAN = v.VXLAN || o.tunnels.settings.underlayOf(of) == f && o.pools.ask(model.VXLAN, of)
	}
	v.IPIP = o.pools.ask(model.IPIP, f)
	if n == nil {
		return v, v != model.Own{Family: f}
	}
	tunl0 := family.PairOf(n.IPIP, netip.Addr{})
	v.IPIPAddress = tunl0.Get(f)
	v.Wireguard = n.Wireguard.Get(f)
	asks := func(want model.Encapsulation) func(*model.Pool) bool {
		return func(p *model.Pool) bool { e, _ := p.Encapsulation(); return e == want }
	}
	v.Offer = model.Offer{
		VXLAN: o.offer(asks(model.VXLAN), f, n.VXLAN.Get(f).Address),
		IPIP:  o.offer(asks(model.IPIP), f, v.IPIPAddress),
	}
	if !o.tunnels.settings.Encrypted.Has(f) {
		return v, v != model.Own{Family: f}
	}
	v.Offer.Wireguard = o.offer(func(*model.Pool) bool { return true }, f, v.Wireguard.Address, v.Offer.VXLAN, v.Offer.IPIP)
	return v, v != model.Own{Family: f}
}

// offer is the address that the node may take for a tunnel of a family: the one that it has, or
// else the first, of its own blocks (its podCIDRs, if it has no block) in a pool that suits,
// which nobody has, no other tunnel of its own either.
func (o *own) offer(suits func(*model.Pool) bool, f family.Family, has netip.Addr, others ...netip.Addr) netip.Addr {
	var first netip.Addr
	for _, b := range o.ranges(f) {
		pool := o.pools.around(b.cidr)
		if pool == nil || !suits(pool) {
			continue
		}
		free := func(a netip.Addr) bool { return !o.taken(b, a) && !slices.Contains(others, a) }
		if has.IsValid() && b.cidr.Contains(has) && free(has) {
			return has
		}
		for a := b.cidr.Addr(); !first.IsValid() && b.cidr.Contains(a); a = a.Next() {
			if free(a) {
				first = a
			}
		}
	}
	return first
}

// ranges are the node's own of a family, in order.
func (o *own) ranges(f family.Family) (out []*block) {
	for _, b := range o.blocks {
		if b.cidr.IsValid() && family.OfPrefix(b.cidr) == f {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		for _, cidr := range podCIDRs(o.nodes(o.node)) {
			if cidr.IsValid() && family.OfPrefix(cidr) == f {
				out = append(out, &block{cidr: plain(cidr)})
			}
		}
	}
	slices.SortFunc(out, func(x, y *block) int { return comparePrefixes(x.cidr, y.cidr) })
	return out
}

// taken says whether a block has given an address away: to a pod, or to another node. What it
// has given to this node, and to no pod, is a tunnel's.
func (o *own) taken(b *block, a netip.Addr) bool {
	return slices.ContainsFunc(b.entries, func(e blockEntry) bool {
		return e.address == addressOf(a) && (e.pod != 0 || e.node != b.node)
	})
}

// flush hands over what has changed. Of a family in which the node is nothing any more, it says
// just that.
func (o *own) flush(b *Batch) {
	changed, gone := o.ledger.settle(o.present)
	for _, f := range family.All() {
		switch {
		case slices.Contains(changed, f):
			b.Own = append(b.Own, o.ledger.sent[f])
		case slices.Contains(gone, f):
			b.Own = append(b.Own, model.Own{Family: f})
		}
	}
}
