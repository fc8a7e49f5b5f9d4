package kubernetes

import (
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/model"
)

// guard doubts lists that have lost much at once. A server that was restored from an old
// backup, or that answers before it knows everything, would otherwise take away a
// cluster's policies within a second. It is for lists only: what a watch says is gone is.
type guard struct {
	// share is how much of a kind a list may lack, as a percentage; 100 doubts nothing.
	share int
}

// doubts says whether a list that lacks some of all objects of a kind is to be confirmed.
func (g guard) doubts(k *kind, lost, all int) bool {
	return k.guarded && lost*100 > all*g.share
}

// contest drops doubted blocks that give an address to a pod when the API shows it for
// another one: a block that may be gone must not keep the address from that pod.
func (t *teller) contest(pods ...object) {
	for _, s := range t.stores {
		if len(s.doubted) == 0 {
			continue
		}
		given := s.given()
		for _, p := range pods {
			s.yield(given, p)
		}
	}
}

// contestAll is contest with all pods that are known.
func (t *teller) contestAll() {
	if !slices.ContainsFunc(t.stores, func(s *store) bool { return len(s.doubted) > 0 }) {
		return
	}
	for _, s := range t.stores {
		for _, o := range s.objects {
			if o.key.Kind != model.KindPod {
				break // a store has one kind
			}
			t.contest(o)
		}
	}
}

// owner is to whom a doubted block gives an address.
type owner struct {
	block types.NamespacedName
	pod   model.Key
}

// given are the addresses that doubted blocks give away.
func (s *store) given() map[netip.Addr]owner {
	out := map[netip.Addr]owner{}
	for name := range s.doubted {
		b, ok := s.objects[name].value.(*model.Block)
		if !ok {
			continue
		}
		for _, a := range b.Allocations {
			out[a.Address] = owner{name, model.Key{Kind: model.KindPod, Namespace: a.Namespace, Name: a.Pod}}
		}
	}
	return out
}

// yield drops the doubted blocks that stand against a pod.
func (s *store) yield(given map[netip.Addr]owner, o object) {
	p, ok := o.value.(*model.Pod)
	if !ok || p.Claims.Released {
		return
	}
	for _, addresses := range [][]netip.Addr{p.Claims.Status, p.Claims.Annotated} {
		for _, a := range addresses {
			if g, ok := given[a]; ok && g.pod != o.key && s.doubted[g.block] {
				delete(s.doubted, g.block)
				s.dropAll([]types.NamespacedName{g.block})
			}
		}
	}
}
