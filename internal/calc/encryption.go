package calc

import (
	"cmp"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// encryption knows the nodes' WireGuard keys. A key that several nodes have is no node's: whoever
// had it could read what is meant for the others.
type encryption struct {
	node   string // this one
	nodes  func(name string) *model.Node
	having map[model.WireguardKey][]string // nodes by their keys, sorted
	ledger ledger[string, model.WireguardPeer]
}

func newEncryption(node string, g *Graph) *encryption {
	return &encryption{
		node: node, nodes: g.node, having: map[model.WireguardKey][]string{},
		ledger: newLedger[string](same[model.WireguardPeer]),
	}
}

// update follows a node, and returns the nodes that share a key with it, or did.
func (e *encryption) update(name string, old, new *model.Node) (sharing []string) {
	e.ledger.mark(name)
	for _, k := range keysOf(old) {
		sharing = append(sharing, e.having[k]...)
		e.having[k] = slices.DeleteFunc(e.having[k], func(n string) bool { return n == name })
		if len(e.having[k]) == 0 {
			delete(e.having, k)
		}
	}
	for _, k := range keysOf(new) {
		i, _ := slices.BinarySearch(e.having[k], name)
		e.having[k] = slices.Insert(e.having[k], i, name)
		sharing = append(sharing, e.having[k]...)
	}
	for _, n := range sharing {
		e.ledger.mark(n)
	}
	return sharing
}

// keysOf are a node's keys, each once.
func keysOf(n *model.Node) (out []model.WireguardKey) {
	if n == nil {
		return nil
	}
	for _, f := range family.All() {
		if k := n.Wireguard.Get(f).Key; k != (model.WireguardKey{}) && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// present is another node with a key.
func (e *encryption) present(name string) (model.WireguardPeer, bool) {
	n := e.nodes(name)
	if name == e.node || len(keysOf(n)) == 0 {
		return model.WireguardPeer{}, false
	}
	p := model.WireguardPeer{Node: name, Ends: n.Wireguard}
	for _, f := range family.All() {
		if a := addressOfNode(n, f); a.IsValid() {
			*p.Addresses.At(f) = a.Addr().Unmap()
		}
		if len(e.having[p.Ends.Get(f).Key]) > 1 {
			p.Ends.At(f).Shared = true
		}
	}
	return p, true
}

// shared are the keys of a node that another one has as well.
func (e *encryption) shared(name string) (out []model.Problem) {
	n := e.nodes(name)
	if n == nil {
		return nil
	}
	for _, f := range family.All() {
		k := n.Wireguard.Get(f).Key
		if others := e.having[k]; len(others) > 1 {
			out = append(out, model.Problem{
				Severity: model.Failure, Field: model.AnnotationField(model.WireguardKeyAnnotation(f)), Value: k.String(),
				Message: "is the key of several nodes, and so of none: " + strings.Join(others, ", "),
			})
		}
	}
	return out
}

// flush hands over the nodes that have changed.
func (e *encryption) flush(b *Batch) {
	changed, gone := e.ledger.settle(e.present)
	slices.Sort(changed)
	slices.Sort(gone)
	for _, name := range changed {
		b.Peers = append(b.Peers, e.ledger.sent[name])
	}
	b.PeersGone = gone
}

func comparePeers(a, b model.WireguardPeer) int { return cmp.Compare(a.Node, b.Node) }
