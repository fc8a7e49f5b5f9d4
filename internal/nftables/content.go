package nftables

import (
	"net/netip"

	"github.com/gaissmai/bart"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/reconcile"
)

// content is what a set or map holds: what it ought to, and what it does.
type content struct {
	set    nft.Set
	owners family.Set
	// members are a set's elements; keys are a verdict map's, with where they lead.
	members *reconcile.Tracker[nft.Element, struct{}]
	keys    *reconcile.Tracker[nft.Element, nft.Verdict]
	// entries are what each family wants of a verdict map's keys.
	entries map[nft.Element]*family.Pair[*nft.Verdict]
	// nets are all prefixes wanted in an interval set, covered ones too.
	nets *bart.Table[struct{}]
	// oneByOne is true after the kernel has refused a whole message of elements: the next
	// time each goes in its own, and it is known which one is bad.
	oneByOne bool
	// refused are elements that the kernel does not take; forgive tells of one that is
	// not wanted any more, or wanted again.
	refused map[nft.Element]struct{}
	forgive func(nft.Element)
}

func newContent(s nft.Set, forgive func(nft.Element)) *content {
	c := &content{set: s, refused: map[nft.Element]struct{}{}, forgive: forgive}
	if s.VMap {
		c.keys = reconcile.New[nft.Element](reconcile.Options[nft.Verdict]{
			Equal: func(a, b nft.Verdict) bool { return a == b },
		})
		c.keys.InSync()
		c.entries = map[nft.Element]*family.Pair[*nft.Verdict]{}
		return c
	}
	c.members = reconcile.NewSet[nft.Element]()
	c.members.InSync()
	if s.Interval {
		c.nets = new(bart.Table[struct{}])
	}
	return c
}

func (c *content) want(m nft.Element) {
	if c.members != nil && c.set.Fits(m) {
		c.pardon(m)
		c.members.Desire(m, struct{}{})
	}
}

func (c *content) unwant(m nft.Element) {
	if c.members != nil {
		c.pardon(m)
		c.members.Undesire(m)
	}
}

// refuse leaves out an element that the kernel does not take.
func (c *content) refuse(m nft.Element) {
	c.members.Undesire(m)
	c.refused[m] = struct{}{}
}

func (c *content) pardon(m nft.Element) {
	if _, bad := c.refused[m]; bad {
		delete(c.refused, m)
		c.forgive(m)
	}
}

// wantNet adds a prefix. Prefixes never overlap by half: the new one is covered by one
// that is there, or covers some, or neither. So the elements are always the prefixes that
// no other covers, and a change touches only those that it covers or uncovers.
func (c *content) wantNet(p netip.Prefix) {
	p = p.Masked()
	if c.nets == nil {
		return
	}
	if _, had := c.nets.Get(p); had {
		return
	}
	if !c.covered(p) {
		for q := range c.nets.Subnets(p) {
			c.unwant(nft.PrefixElement(q))
		}
		c.want(nft.PrefixElement(p))
	}
	c.nets.Insert(p, struct{}{})
}

func (c *content) unwantNet(p netip.Prefix) {
	p = p.Masked()
	if c.nets == nil {
		return
	}
	if _, had := c.nets.Get(p); !had {
		return
	}
	c.nets.Delete(p)
	if c.covered(p) {
		return
	}
	c.unwant(nft.PrefixElement(p))
	var last netip.Prefix
	for q := range c.nets.Subnets(p) { // in order: a prefix before those that it covers
		if !last.IsValid() || !last.Overlaps(q) {
			c.want(nft.PrefixElement(q))
			last = q
		}
	}
}

// covered says whether a prefix of the set, other than p itself, covers p.
func (c *content) covered(p netip.Prefix) bool {
	for q := range c.nets.Supernets(p) {
		if q != p {
			return true
		}
	}
	return false
}

// unwantAll empties the set, as far as one family is concerned with it.
func (c *content) unwantAll(f family.Family) []nft.Element {
	var keys []nft.Element
	for key, e := range c.entries {
		if *e.At(f) = nil; *e.At(f.Other()) == nil {
			delete(c.entries, key)
		}
		keys = append(keys, key)
	}
	if c.members == nil {
		return keys
	}
	var members []nft.Element
	for m := range c.members.AllDesired() {
		members = append(members, m)
	}
	for _, m := range members {
		c.members.Undesire(m)
	}
	if c.nets != nil {
		c.nets = new(bart.Table[struct{}])
	}
	for m := range c.refused {
		c.pardon(m)
	}
	return nil
}

// observe takes over what a dump has found.
func (c *content) observe(elements []nft.Element) {
	if c.members != nil {
		c.members.ObserveAll(func(yield func(nft.Element, struct{}) bool) {
			for _, e := range elements {
				if !yield(e, struct{}{}) {
					return
				}
			}
		})
		return
	}
	c.keys.ObserveAll(func(yield func(nft.Element, nft.Verdict) bool) {
		for _, e := range elements {
			if key, verdict := c.set.Split(e); !yield(key, verdict) {
				return
			}
		}
	})
}

// added takes note of elements that have been written.
func (c *content) added(elements []nft.Element) {
	for _, e := range elements {
		if c.members != nil {
			c.members.Observe(e, struct{}{})
			continue
		}
		c.keys.Observe(c.set.Split(e))
	}
}

// deleted takes note of elements that have been deleted.
func (c *content) deleted(elements []nft.Element) {
	for _, e := range elements {
		if c.members != nil {
			c.members.ObserveGone(e)
			continue
		}
		key, _ := c.set.Split(e)
		c.keys.ObserveGone(key)
	}
}

// elements lists what the set ought to hold, or what it does hold.
func (c *content) elements(desired bool) []nft.Element {
	var out []nft.Element
	if c.members != nil {
		all := c.members.AllActual()
		if desired {
			all = c.members.AllDesired()
		}
		for e := range all {
			out = append(out, e)
		}
		return out
	}
	all := c.keys.AllActual()
	if desired {
		all = c.keys.AllDesired()
	}
	for key, verdict := range all {
		out = append(out, key.To(verdict))
	}
	return out
}
