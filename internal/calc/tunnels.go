package calc

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Settings are what the graph's function depends on beside its input.
type Settings struct {
	// Underlay is the family that the VXLAN packets of both families travel over; 0 if each
	// family has a tunnel of its own.
	Underlay family.Family
	// Encrypted are the families whose pods' traffic between nodes WireGuard carries.
	Encrypted family.Set
}

// underlayOf is the family that VXLAN packets of family f travel over.
func (s Settings) underlayOf(f family.Family) family.Family {
	if s.Underlay != 0 {
		return s.Underlay
	}
	return f
}

// tunnels knows the nodes' ends of tunnels. A node has an end of the VXLAN tunnel over an
// underlay as soon as it has an address of that family and a tunnel address of a family that
// travels over it, whether or not any pool has VXLAN: pools come and go, and what stands costs
// nothing.
//
// A hardware address or tunnel address that several nodes have is that of the one with the
// smallest name. The others are without: a node without a hardware address has no end at all,
// and one without a tunnel address of a family cannot be reached by it.
type tunnels struct {
	node     string // this one
	settings Settings
	nodes    func(name string) *model.Node
	all      func(yield func(name string)) // nodes that there are
	ends     map[string]ends
	// having lists, for each address, the nodes that have it, sorted.
	having map[endAddress][]string
	ledger ledger[model.VTEPKey, model.VTEP]
	// changed is told of each node whose ends may have changed.
	changed func(node string)
}

// ends are those of one node, as it states them: which of them count is decided with having.
type ends struct {
	vxlan family.Pair[model.VTEP] // by underlay; zero where there is none
	ipip  netip.Addr
}

// endAddress is a tunnel address, or the hardware address of a device over a family.
type endAddress struct {
	address netip.Addr
	mac     model.MAC
	over    family.Family
}

func newTunnels(node string, g *Graph) *tunnels {
	return &tunnels{
		node: node, nodes: g.node, all: g.eachNode, ends: map[string]ends{}, having: map[endAddress][]string{},
		ledger: newLedger[model.VTEPKey](same[model.VTEP]),
	}
}

// update follows a node that has changed. The ends of all others depend on this node's own
// addresses: nobody is reached by them.
func (t *tunnels) update(name string) {
	t.refresh(name)
	if name == t.node {
		t.refreshAll()
	}
}

// refreshAll looks at every node.
func (t *tunnels) refreshAll() { t.all(t.refresh) }

// refresh brings what a node states in line with its object.
func (t *tunnels) refresh(name string) {
	old, now := t.ends[name], t.stated(name)
	if old == now {
		return
	}
	before, after := old.addresses(), now.addresses()
	for _, a := range after {
		if !slices.Contains(before, a) {
			list := t.having[a]
			i, _ := slices.BinarySearch(list, name)
			t.having[a] = slices.Insert(list, i, name)
			t.disturb(a)
		}
	}
	for _, a := range before {
		if !slices.Contains(after, a) {
			t.disturb(a)
			t.having[a] = slices.DeleteFunc(t.having[a], func(n string) bool { return n == name })
			if len(t.having[a]) == 0 {
				delete(t.having, a)
			}
		}
	}
	t.ends[name] = now
	if now == (ends{}) {
		delete(t.ends, name)
	}
	t.touch(name)
}

// disturb touches all nodes that have an address.
func (t *tunnels) disturb(a endAddress) {
	for _, name := range t.having[a] {
		t.touch(name)
	}
}

func (t *tunnels) touch(name string) {
	for _, u := range family.All() {
		t.ledger.mark(model.VTEPKey{Node: name, Underlay: u})
	}
	t.changed(name)
}

// stated are the ends that a node's object states.
func (t *tunnels) stated(name string) (e ends) {
	n := t.nodes(name)
	if n == nil {
		return ends{}
	}
	for _, u := range family.All() {
		v := t.end(name, u)
		if v.Underlay.IsValid() && v.Addresses != (family.Pair[netip.Addr]{}) {
			*e.vxlan.At(u) = v
		}
	}
	e.ipip = n.IPIP
	return e
}

// end is a node's end over an underlay, as far as its object states one: that of a family that
// nothing travels over is zero.
func (t *tunnels) end(name string, u family.Family) (v model.VTEP) {
	n := t.nodes(name)
	if n == nil || t.settings.Underlay != 0 && t.settings.Underlay != u {
		return v
	}
	v = model.VTEP{Node: name, Underlay: t.address(name, u), MAC: n.VXLAN.Get(u).MAC}
	if v.MAC == (model.MAC{}) {
		v.MAC = model.FallbackMAC(name, u)
	}
	for _, f := range family.All() {
		if t.settings.underlayOf(f) == u {
			*v.Addresses.At(f) = n.VXLAN.Get(f).Address
		}
	}
	return v
}

// address is the address of a family that a node is reached by. Another node with an address of
// this one cannot be reached by it.
func (t *tunnels) address(name string, f family.Family) netip.Addr {
	a := addressOfNode(t.nodes(name), f).Addr().Unmap()
	if name != t.node && a.IsValid() && a == addressOfNode(t.nodes(t.node), f).Addr().Unmap() {
		return netip.Addr{}
	}
	return a
}

// addresses are those of the ends, each once.
func (e ends) addresses() (out []endAddress) {
	add := func(a endAddress) {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, u := range family.All() {
		v := e.vxlan.Get(u)
		if v.Node == "" {
			continue
		}
		add(endAddress{mac: v.MAC, over: u})
		for _, f := range family.All() {
			if a := v.Addresses.Get(f); a.IsValid() {
				add(endAddress{address: a})
			}
		}
	}
	if e.ipip.IsValid() {
		add(endAddress{address: e.ipip})
	}
	return out
}

// holder is the node that an address counts for.
func (t *tunnels) holder(a endAddress) string {
	if list := t.having[a]; len(list) > 0 {
		return list[0]
	}
	return ""
}

// vtep is a node's end over an underlay, with those addresses that count.
func (t *tunnels) vtep(key model.VTEPKey) (model.VTEP, bool) {
	stated := t.ends[key.Node]
	v := stated.vxlan.Get(key.Underlay)
	if v.Node == "" || t.holder(endAddress{mac: v.MAC, over: key.Underlay}) != key.Node {
		return model.VTEP{}, false
	}
	for _, f := range family.All() {
		if a := v.Addresses.Get(f); a.IsValid() && t.holder(endAddress{address: a}) != key.Node {
			*v.Addresses.At(f) = netip.Addr{}
		}
	}
	return v, v.Addresses != (family.Pair[netip.Addr]{})
}

// flush hands over the ends of other nodes that have changed.
func (t *tunnels) flush(b *Batch) {
	changed, gone := t.ledger.settle(func(key model.VTEPKey) (model.VTEP, bool) {
		if key.Node == t.node {
			return model.VTEP{}, false
		}
		return t.vtep(key)
	})
	slices.SortFunc(changed, compareVTEPs)
	slices.SortFunc(gone, compareVTEPs)
	for _, key := range changed {
		b.VTEPs = append(b.VTEPs, t.ledger.sent[key])
	}
	b.VTEPsGone = gone
}

func compareVTEPs(a, b model.VTEPKey) int {
	return cmp.Or(strings.Compare(a.Node, b.Node), cmp.Compare(a.Underlay, b.Underlay))
}
