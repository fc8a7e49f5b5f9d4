package calctest

import (
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// peers are the other nodes that have a WireGuard key of any family.
func (w *world) peers() map[string]model.WireguardPeer {
	out := map[string]model.WireguardPeer{}
	for _, key := range w.keys(model.KindNode) {
		n := w.State[key].(*model.Node)
		if key.Name == w.node || !hasKey(n) {
			continue
		}
		p := model.WireguardPeer{Node: key.Name, Ends: n.Wireguard}
		for _, f := range family.All() {
			*p.Addresses.At(f) = n.Addresses.Get(f).Addr()
			p.Ends.At(f).Shared = w.shared(key.Name, n.Wireguard.Get(f).Key)
		}
		out[key.Name] = p
	}
	return out
}

func hasKey(n *model.Node) bool {
	for _, f := range family.All() {
		if n.Wireguard.Get(f).Key != (model.WireguardKey{}) {
			return true
		}
	}
	return false
}

// shared says whether another node has the key, for either family.
func (w *world) shared(name string, k model.WireguardKey) bool {
	for _, key := range w.keys(model.KindNode) {
		for _, f := range family.All() {
			if n := w.State[key].(*model.Node); key.Name != name && k != (model.WireguardKey{}) && n.Wireguard.Get(f).Key == k {
				return true
			}
		}
	}
	return false
}
