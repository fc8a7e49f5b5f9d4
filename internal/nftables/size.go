package nftables

import "github.com/margay-net/margay/internal/family"

// Size is how much of the table one family wants. What both want counts in each.
type Size struct {
	Chains, Rules int
	Sets, Maps    int
	Members       int // of sets and maps
}

// Size counts what a family wants. It goes through all chains: it is for whoever asks,
// not for every change.
func (t *Table) Size(f family.Family) Size {
	v := t.views.Get(f)
	out := Size{Chains: len(v.chains)}
	for _, c := range v.chains {
		out.Rules += len(c.list.rules)
	}
	for _, c := range t.contents {
		switch {
		case !c.owners.Has(f):
		case c.set.VMap:
			out.Maps++
			out.Members += len(c.entries)
		default:
			out.Sets++
			n := c.members.Counts()
			out.Members += n.Pending + n.Done
		}
	}
	return out
}
