package render

import (
	"slices"

	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
)

// Part is a piece of the tables that is wanted, or not, as a whole. Two parts of one family
// may have the same set, if it is one that is named for what it holds; nothing else.
type Part struct {
	Chains []iptables.Chain
	// Hooks are all of ours in the kernel's chains: only one part has any.
	Hooks []iptables.Hook
	Trees []iptables.Tree
	Sets  []ipset.Set
	// Members and Leaves may be those of other parts' sets and trees.
	Members []Members
	Leaves  []Leaf
}

// Members are members of a set.
type Members struct {
	Set     string
	Members []ipset.Member
}

// Leaf is the place of an interface in a tree.
type Leaf struct {
	Table, Root string
	iptables.Leaf
}

// Change is a part as it was, and as it is to be. An empty Old is one that is new, an empty
// New one that goes.
type Change struct{ Old, New Part }

// Tables is the driver as parts are put into it.
type Tables struct {
	*iptables.Driver
	// shared counts the parts that want a set that is named for what it holds.
	shared map[string]int
}

// In makes the Tables of a driver.
func In(d *iptables.Driver) *Tables { return &Tables{Driver: d, shared: map[string]int{}} }

// Put tells the driver of changes. Changes that hang together, as all do when the settings
// change, go in one call: sets come before all members, and go after them; and what one part
// gives up another may have, as when a pod comes to an interface that was another's.
func (t *Tables) Put(changes ...Change) {
	kept := map[object]bool{}
	for i := range changes {
		t.withdraw(&changes[i])
		for _, o := range objectsOf(&changes[i].New) {
			kept[o] = true
		}
	}
	for i := range changes {
		t.declare(&changes[i].New)
	}
	for i := range changes {
		t.remove(&changes[i].Old, kept)
		t.hook(&changes[i])
	}
	for i := range changes {
		t.fill(&changes[i].New)
	}
	t.Grow()
}

// object is what a part has for itself: a chain or a tree of a table, or a set.
type object struct{ kind, table, name string }

func objectsOf(p *Part) (out []object) {
	for _, c := range p.Chains {
		out = append(out, object{"chain", c.Table, c.Name})
	}
	for _, t := range p.Trees {
		out = append(out, object{"tree", t.Table, t.Root})
	}
	for _, s := range p.Sets {
		out = append(out, object{"set", "", s.Name})
	}
	return out
}

// withdraw takes out of sets and trees what a part had there and has no more.
func (t *Tables) withdraw(c *Change) {
	for _, m := range c.Old.Members {
		if isNamedForContent(m.Set) {
			continue
		}
		kept := membersOf(&c.New, m.Set)
		var gone []ipset.Member
		for _, e := range m.Members {
			if !kept[e] {
				gone = append(gone, e)
			}
		}
		if len(gone) > 0 {
			t.RemoveMembers(m.Set, gone...)
		}
	}
	for _, l := range c.Old.Leaves {
		if !slices.ContainsFunc(c.New.Leaves, l.samePlace) {
			t.RemoveLeaf(l.Table, l.Root, l.Interface)
		}
	}
}

func (l Leaf) samePlace(o Leaf) bool {
	return l.Table == o.Table && l.Root == o.Root && l.Interface == o.Interface
}

func membersOf(p *Part, set string) map[ipset.Member]bool {
	out := map[ipset.Member]bool{}
	for _, m := range p.Members {
		if m.Set != set {
			continue
		}
		for _, e := range m.Members {
			out[e] = true
		}
	}
	return out
}

func (t *Tables) declare(p *Part) {
	for _, s := range p.Sets {
		if isNamedForContent(s.Name) {
			t.shared[s.Name]++
		}
		t.AddSet(s)
	}
	for _, tree := range p.Trees {
		t.SetTree(tree)
	}
}

// remove removes what a part had and nobody has any more.
func (t *Tables) remove(old *Part, kept map[object]bool) {
	for _, o := range objectsOf(old) {
		switch {
		case o.kind == "set" && isNamedForContent(o.name):
			if t.shared[o.name]--; t.shared[o.name] == 0 {
				delete(t.shared, o.name)
				t.RemoveSet(o.name)
			}
		case kept[o]:
		case o.kind == "chain":
			t.RemoveChain(o.table, o.name)
		case o.kind == "tree":
			t.RemoveTree(o.table, o.name)
		case o.kind == "set":
			t.RemoveSet(o.name)
		}
	}
}

func (t *Tables) hook(c *Change) {
	type place struct{ table, chain string }
	hooks := map[place][]iptables.Hook{}
	for _, h := range c.Old.Hooks {
		hooks[place{h.Table, h.Chain}] = nil
	}
	for _, h := range c.New.Hooks {
		hooks[place{h.Table, h.Chain}] = append(hooks[place{h.Table, h.Chain}], h)
	}
	for at, all := range hooks {
		t.SetHooks(at.table, at.chain, all...)
	}
}

func (t *Tables) fill(p *Part) {
	for _, c := range p.Chains {
		t.SetChain(c)
	}
	for _, m := range p.Members {
		t.AddMembers(m.Set, m.Members...)
	}
	for _, l := range p.Leaves {
		t.SetLeaf(l.Table, l.Root, l.Leaf)
	}
}

func (p *Part) chain(table, name string, rules ...iptables.Rule) {
	p.Chains = append(p.Chains, iptables.Chain{Table: table, Name: name, Rules: rules})
}

func (p *Part) member(set string, m ...ipset.Member) {
	p.Members = append(p.Members, Members{set, m})
}

func (p *Part) leaf(table, root, iface string, to iptables.Words) {
	p.Leaves = append(p.Leaves, Leaf{table, root, iptables.Leaf{Interface: iface, To: to}})
}
