package ipset

import (
	"iter"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// content is what a set holds: what it ought to, and what it does.
type content struct {
	family  family.Family
	kind    Type
	members *reconcile.Tracker[Member, struct{}]
	// shared counts, in a set of nets, who wants each half of the whole address space: a
	// member of its own, or the whole space that cannot be a member.
	shared map[Member]int
}

func newContent(f family.Family) *content {
	c := &content{family: f, members: reconcile.NewSet[Member](), shared: map[Member]int{}}
	c.members.InSync()
	return c
}

func (c *content) want(m Member) {
	for _, e := range c.elements(m) {
		if c.isHalf(e) {
			c.shared[e]++
		}
		c.members.Desire(e, struct{}{})
	}
}

func (c *content) unwant(m Member) {
	for _, e := range c.elements(m) {
		if c.isHalf(e) && c.shared[e] > 0 {
			if c.shared[e]--; c.shared[e] > 0 {
				continue
			}
		}
		c.members.Undesire(e)
	}
}

// elements are what the kernel's set holds for a member.
func (c *content) elements(m Member) []Member {
	if c.kind == Nets && isWhole(m) {
		h := halves(c.family)
		return h[:]
	}
	return []Member{m}
}

func (c *content) isHalf(m Member) bool {
	h := halves(c.family)
	return c.kind == Nets && (m == h[0] || m == h[1])
}

// clear takes everything out of what is wanted.
func (c *content) clear() {
	var all []Member
	for m := range c.members.AllDesired() {
		all = append(all, m)
	}
	for _, m := range all {
		c.members.Undesire(m)
	}
	clear(c.shared)
}

// observe takes over what stands.
func (c *content) observe(members iter.Seq[Member]) {
	c.members.ObserveAll(func(yield func(Member, struct{}) bool) {
		for m := range members {
			if !yield(m, struct{}{}) {
				return
			}
		}
	})
}

// settled takes note that the kernel has what is wanted.
func (c *content) settled() {
	var fresh, gone []Member
	for m, change := range c.members.Updates(never) {
		if !change.Present {
			fresh = append(fresh, m)
		}
	}
	for m := range c.members.Deletions(never) {
		gone = append(gone, m)
	}
	for _, m := range fresh {
		c.members.Observe(m, struct{}{})
	}
	for _, m := range gone {
		c.members.ObserveGone(m)
	}
}

func hasPrefix(name, prefix string) bool { return strings.HasPrefix(name, prefix) }
