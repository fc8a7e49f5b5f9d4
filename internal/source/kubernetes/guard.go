package kubernetes

import (
	"net/netip"

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

// claims are the addresses that the API shows for pods, and whose they are.
type claims map[netip.Addr]model.Key

func (c claims) add(key model.Key, value model.Value) {
	p, ok := value.(*model.Pod)
	if !ok || p.Claims.Released {
		return
	}
	for _, list := range [][]netip.Addr{p.Claims.Status, p.Claims.Annotated} {
		for _, a := range list {
			c[a] = key
		}
	}
}

// contested says whether another pod claims an address that a block gives away. A block
// that has been doubted must not keep that address from it.
func (c claims) contested(b *model.Block) bool {
	for _, a := range b.Allocations {
		owner := model.Key{Kind: model.KindPod, Namespace: a.Namespace, Name: a.Pod}
		if claimant, claimed := c[a.Address]; claimed && claimant != owner {
			return true
		}
	}
	return false
}

// contest drops doubted blocks that stand against a pod that has just been read.
func (t *teller) contest(r *reading) {
	c := claims{}
	c.add(r.key, r.value)
	if len(c) == 0 {
		return
	}
	for _, s := range t.stores {
		s.dropContested(c)
	}
}

// contestAll drops those of the doubted objects of a store that stand against a pod.
func (t *teller) contestAll(s *store) {
	c := claims{}
	for _, other := range t.stores {
		for _, o := range other.objects {
			c.add(o.key, o.value)
		}
	}
	s.dropContested(c)
}

func (s *store) dropContested(c claims) {
	var names []types.NamespacedName
	for name := range s.doubted {
		if b, ok := s.objects[name].value.(*model.Block); ok && c.contested(b) {
			names = append(names, name)
			delete(s.doubted, name)
		}
	}
	s.dropAll(names)
}
