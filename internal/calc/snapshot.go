package calc

import (
	"cmp"
	"maps"
	"slices"

	"github.com/margay-net/margay/internal/model"
)

// Snapshot returns what has been handed over so far as one batch, as if all of it had
// just been added. It is for whoever has to start from nothing, and changes nothing.
func (g *Graph) Snapshot() *Batch { return g.Output().Batch() }

// Batch is the batch that adds the whole output.
func (o *Output) Batch() *Batch {
	b := &Batch{InSync: o.InSync}
	for _, id := range slices.Sorted(maps.Keys(o.Sets)) {
		s := o.Sets[id]
		b.Sets = append(b.Sets, SetUpdate{
			Set: s.Set, New: true,
			Added: slices.SortedFunc(maps.Keys(s.Members), compareMembers),
		})
	}
	b.Policies = slices.SortedFunc(maps.Values(o.Policies), func(x, y *model.ActivePolicy) int { return x.ID.Compare(y.ID) })
	b.Endpoints = slices.SortedFunc(maps.Values(o.Endpoints), func(x, y *model.LocalEndpoint) int { return x.ID.Compare(y.ID) })
	for _, f := range slices.Sorted(maps.Keys(o.Own)) {
		b.Own = append(b.Own, o.Own[f])
	}
	b.VTEPs = slices.SortedFunc(maps.Values(o.VTEPs), func(x, y model.VTEP) int { return compareVTEPs(x.Key(), y.Key()) })
	b.Peers = slices.SortedFunc(maps.Values(o.Peers), comparePeers)
	b.Routes = slices.SortedFunc(maps.Values(o.Routes), func(x, y model.Route) int {
		return comparePrefixes(x.Destination, y.Destination)
	})
	b.Pools = slices.SortedFunc(maps.Values(o.Pools), func(x, y model.NATPool) int { return comparePrefixes(x.CIDR, y.CIDR) })
	b.Hosts = slices.SortedFunc(maps.Values(o.Hosts), func(x, y model.Host) int {
		return cmp.Or(x.Address.Compare(y.Address), cmp.Compare(x.Node, y.Node))
	})
	for _, key := range slices.SortedFunc(maps.Keys(o.Problems), model.Key.Compare) {
		b.Problems = append(b.Problems, ObjectProblems{Key: key, Problems: o.Problems[key]})
	}
	return b
}
