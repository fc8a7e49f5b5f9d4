package calctest

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// addresses decides which pod has which address: each pod asks for at most one of each
// family, and of those who ask for the same one the best gets it.
func (w *world) addresses() map[netip.Addr]model.Key {
	holders := map[netip.Addr]model.Key{}
	worth := map[netip.Addr]int{}
	for _, pod := range w.keys(model.KindPod) {
		for _, f := range family.All() {
			a, n := w.choice(pod, f)
			if n > worth[a] {
				holders[a], worth[a] = pod, n
			}
		}
	}
	return holders
}

// choice is the address that a pod asks for, and what its claim is worth; 0 for none.
func (w *world) choice(pod model.Key, f family.Family) (chosen netip.Addr, worth int) {
	claims := w.State[pod].(*model.Pod).Claims
	if claims.Released {
		return chosen, 0
	}
	best := 0
	for _, a := range w.claimed(pod) {
		if family.Of(a) != f {
			continue
		}
		n := w.worth(pod, a)
		// Ties: in the status, then in the annotation, then the lower one.
		rank := 4 * n
		if slices.Contains(claims.Status, a) {
			rank += 2
		}
		if slices.Contains(claims.Annotated, a) {
			rank++
		}
		if n > 0 && (rank > best || rank == best && a.Less(chosen)) {
			chosen, worth, best = a, n, rank
		}
	}
	return chosen, worth
}

// claimed are all addresses that anything says are the pod's.
func (w *world) claimed(pod model.Key) (out []netip.Addr) {
	claims := w.State[pod].(*model.Pod).Claims
	out = slices.Concat(claims.Status, claims.Annotated)
	for _, key := range w.keys(model.KindBlock) {
		for _, a := range w.State[key].(*model.Block).Allocations {
			if a.Namespace == pod.Namespace && a.Pod == pod.Name {
				out = append(out, a.Address)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// worth is 3 for an address from a block, 2 for one in the status, 1 for one in the
// annotation alone that is believed, and otherwise 0.
func (w *world) worth(pod model.Key, a netip.Addr) int {
	claims := w.State[pod].(*model.Pod).Claims
	stated := slices.Contains(claims.Status, a)
	switch {
	case w.allocated(pod, a) && (stated || !w.taken(a)):
		return 3
	case stated:
		return 2
	case slices.Contains(claims.Annotated, a) && !w.allocated(pod, a) && w.plausible(pod, a):
		return 1
	}
	return 0
}

func (w *world) allocated(pod model.Key, a netip.Addr) bool {
	for _, key := range w.keys(model.KindBlock) {
		for _, allocation := range w.State[key].(*model.Block).Allocations {
			if allocation.Address == a && allocation.Namespace == pod.Namespace && allocation.Pod == pod.Name {
				return true
			}
		}
	}
	return false
}

// taken says whether a node or a service has the address.
func (w *world) taken(a netip.Addr) bool {
	for _, key := range w.keys(model.KindNode, model.KindService) {
		switch v := w.State[key].(type) {
		case *model.Node:
			f := family.Of(a)
			if v.Addresses.Get(f).Addr() == a || v.VXLAN.Get(f).Address == a || v.Wireguard.Get(f).Address == a || v.IPIP == a {
				return true
			}
		case *model.Service:
			if slices.Contains(v.Addresses, a) {
				return true
			}
		}
	}
	return false
}

// plausible says whether an address is believed that only the annotation shows.
func (w *world) plausible(pod model.Key, a netip.Addr) bool {
	if w.taken(a) {
		return false
	}
	for _, other := range w.keys(model.KindPod) {
		if c := w.State[other].(*model.Pod).Claims; other != pod && !c.Released && slices.Contains(c.Status, a) {
			return false
		}
	}
	for _, key := range w.keys(model.KindBlock) {
		if w.State[key].(*model.Block).CIDR.Contains(a) {
			return false
		}
	}
	for _, key := range w.keys(model.KindPool) {
		if w.State[key].(*model.Pool).CIDR.Contains(a) {
			return true
		}
	}
	p := w.State[pod].(*model.Pod)
	if n, ok := w.State[model.Key{Kind: model.KindNode, Name: p.Node}].(*model.Node); ok {
		for _, cidr := range n.PodCIDRs {
			if cidr.Contains(a) {
				return true
			}
		}
	}
	if p.Node != w.node {
		return false
	}
	r, ok := w.State[model.Key{Kind: model.KindStandingRoute, Name: p.Interface}].(*model.StandingRoutes)
	return ok && slices.Contains(r.Destinations, family.HostPrefix(a))
}

// Complaint is a problem without its words.
type Complaint struct {
	Key      model.Key
	Severity model.Severity
	Value    string
}

// Complaints are what the graph must complain about in the addresses of the node's pods.
func Complaints(node string, s State) map[Complaint]bool {
	w := world{State: s, node: node}
	w.holders = w.addresses()
	out := map[Complaint]bool{}
	for _, pod := range w.keys(model.KindPod) {
		p := s[pod].(*model.Pod)
		if p.Node != node || p.Claims.Released {
			continue
		}
		for _, a := range w.claimed(pod) {
			if severity, any := w.complaint(pod, p, a); any {
				out[Complaint{pod, severity, a.String()}] = true
			}
		}
	}
	return out
}

func (w *world) complaint(pod model.Key, p *model.Pod, a netip.Addr) (severity model.Severity, any bool) {
	stated, annotated := slices.Contains(p.Claims.Status, a), slices.Contains(p.Claims.Annotated, a)
	chosen, _ := w.choice(pod, family.Of(a))
	switch {
	case w.holders[a] == pod:
		return model.Warning, annotated && !stated && len(p.Claims.Status) > 0
	case a == chosen: // another pod has it
		return model.Failure, true
	case w.worth(pod, a) > 0: // the pod has a better one
		return model.Warning, true
	}
	return model.Failure, true
}
