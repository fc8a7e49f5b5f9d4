package render

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// Part is a piece of the table that is wanted, or not, as a whole. No two parts of one
// family hold the same chain, set, member or entry.
type Part struct {
	Chains []nft.Chain
	Sets   []nft.Set
	// Members, Nets and Entries may be those of other parts' sets.
	Members []Members
	Nets    []Nets
	Entries []Entry
}

// Members are elements of a hash set.
type Members struct {
	Set      string
	Elements []nft.Element
}

// Nets are prefixes of an interval set; they may overlap.
type Nets struct {
	Set      string
	Prefixes []netip.Prefix
}

// Entry is where a key of a verdict map leads.
type Entry struct {
	Map     string
	Key     nft.Element
	Verdict nft.Verdict
}

// Change is a part as it was, and as it is to be. An empty Old is one that is new, an
// empty New one that goes.
type Change struct{ Old, New Part }

// Put tells the view of changes. Changes that hang together, as all do when the settings
// change, go in one call: sets come before all members, and go after them.
func Put(v *nftables.View, changes ...Change) {
	for i := range changes {
		withdraw(v, &changes[i])
		removeChains(v, &changes[i])
	}
	for i := range changes {
		replace(v, &changes[i])
	}
	for i := range changes {
		fill(v, &changes[i].New)
	}
}

// withdraw takes out what a part had in sets and maps and has no more. Most changes
// leave that alone.
func withdraw(v *nftables.View, c *Change) {
	had := contents(&c.Old)
	if len(had) == 0 {
		return
	}
	has := contents(&c.New)
	if slices.Equal(had, has) {
		return
	}
	kept := make(map[content]bool, len(has))
	for _, e := range has {
		e.verdict = nft.Verdict{} // a key that leads elsewhere is no key less
		kept[e] = true
	}
	for _, e := range had {
		e.verdict = nft.Verdict{}
		switch {
		case kept[e]:
		case e.net.IsValid():
			v.RemoveNets(e.in, e.net)
		case e.entry:
			v.RemoveEntry(e.in, e.element)
		default:
			v.RemoveMembers(e.in, e.element)
		}
	}
}

// content is one thing that a part has in a set or map.
type content struct {
	in      string
	element nft.Element
	net     netip.Prefix
	entry   bool
	verdict nft.Verdict
}

func contents(p *Part) []content {
	var out []content
	for _, m := range p.Members {
		for _, e := range m.Elements {
			out = append(out, content{in: m.Set, element: e})
		}
	}
	for _, n := range p.Nets {
		for _, prefix := range n.Prefixes {
			out = append(out, content{in: n.Set, net: prefix})
		}
	}
	for _, e := range p.Entries {
		out = append(out, content{in: e.Map, element: e.Key, entry: true, verdict: e.Verdict})
	}
	return out
}

// replace puts in the new chains, and the new sets in the place of the old.
func replace(v *nftables.View, c *Change) {
	for _, s := range c.New.Sets {
		v.AddSet(s)
	}
	for _, old := range c.Old.Sets {
		if !slices.ContainsFunc(c.New.Sets, func(s nft.Set) bool { return s.Name == old.Name }) {
			v.RemoveSet(old.Name)
		}
	}
	for _, chain := range c.New.Chains {
		v.SetChain(chain)
	}
}

// removeChains takes out the chains that a part had and has no more. Another part may have
// them now: two pods can change interfaces.
func removeChains(v *nftables.View, c *Change) {
	for i := range c.Old.Chains { // a part has few: the base part, with the most, has twenty
		name := c.Old.Chains[i].Name
		if !slices.ContainsFunc(c.New.Chains, func(c nft.Chain) bool { return c.Name == name }) {
			v.RemoveChain(name)
		}
	}
}

func fill(v *nftables.View, p *Part) {
	for _, m := range p.Members {
		v.AddMembers(m.Set, m.Elements...)
	}
	for _, n := range p.Nets {
		v.AddNets(n.Set, n.Prefixes...)
	}
	for _, e := range p.Entries {
		v.SetEntry(e.Map, e.Key, e.Verdict)
	}
}

func (p *Part) chain(name string, rules ...nft.Rule) {
	p.Chains = append(p.Chains, nft.Chain{Name: name, Rules: rules})
}

func (p *Part) base(name string, t nft.ChainType, h nft.Hook, priority int, rules ...nft.Rule) {
	p.Chains = append(p.Chains, nft.Chain{
		Name: name, Rules: rules,
		Base: &nft.Base{Type: t, Hook: h, Priority: priority, Policy: nft.Accept()},
	})
}

func (p *Part) member(set string, e ...nft.Element) {
	p.Members = append(p.Members, Members{set, e})
}

func (p *Part) nets(set string, n ...netip.Prefix) { p.Nets = append(p.Nets, Nets{set, n}) }

func (p *Part) entry(where nft.Element, vmap string, v nft.Verdict) {
	p.Entries = append(p.Entries, Entry{vmap, where, v})
}
