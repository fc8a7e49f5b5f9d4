package calc

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// hosts keeps the nodes' addresses. Of several nodes with one address the one with the
// smallest name counts.
type hosts struct {
	byAddress map[netip.Addr][]string
	ledger    ledger[netip.Addr, model.Host]
}

// update follows a node's addresses.
func (h *hosts) update(node string, old, new *model.Node) {
	for _, f := range family.All() {
		if p := addressOfNode(new, f); p.IsValid() {
			a := p.Addr().Unmap()
			i, _ := slices.BinarySearch(h.byAddress[a], node)
			h.byAddress[a] = slices.Insert(h.byAddress[a], i, node)
			h.ledger.mark(a)
		}
		if p := addressOfNode(old, f); p.IsValid() {
			a := p.Addr().Unmap()
			i, _ := slices.BinarySearch(h.byAddress[a], node)
			if h.byAddress[a] = slices.Delete(h.byAddress[a], i, i+1); len(h.byAddress[a]) == 0 {
				delete(h.byAddress, a)
			}
			h.ledger.mark(a)
		}
	}
}

func (h *hosts) present(a netip.Addr) (model.Host, bool) {
	nodes := h.byAddress[a]
	if len(nodes) == 0 {
		return model.Host{}, false
	}
	return model.Host{Node: nodes[0], Address: a}, true
}

// problems are said about a node that has the address of another.
func (h *hosts) problems(key model.Key, n *model.Node) (out []model.Problem) {
	for _, f := range family.All() {
		p := addressOfNode(n, f)
		if !p.IsValid() {
			continue
		}
		if nodes := h.byAddress[p.Addr().Unmap()]; nodes[0] != key.Name {
			out = append(out, model.Problem{
				Severity: model.Failure, Object: key.String(), Field: "address", Value: p.Addr().String(),
				Message: "is the address of node " + nodes[0] + " as well",
			})
		}
	}
	return out
}

func (h *hosts) flush(b *Batch) {
	changed, gone := h.ledger.settle(h.present)
	slices.SortFunc(changed, netip.Addr.Compare)
	slices.SortFunc(gone, netip.Addr.Compare)
	for _, a := range changed {
		b.Hosts = append(b.Hosts, h.ledger.sent[a])
	}
	b.HostsGone = gone
}
