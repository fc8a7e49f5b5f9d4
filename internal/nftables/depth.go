package nftables

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// maxDepth is how many jumps deep the kernel lets packets go from a base chain:
// NFT_JUMP_STACK_SIZE is 16, and the sixteenth is refused.
const maxDepth = 15

// blameDepth is for a transaction that was refused as a whole because its chains lead in a
// circle (ELOOP) or too deep (EMLINK), of which the kernel does not say where: it closes
// the chains among the changed ones that do.
func (t *Table) blameDepth(steps []step, refused *Refused, now time.Time) bool {
	whole := false
	for _, r := range refused.Steps {
		whole = whole || errors.Is(r.Err, unix.ELOOP) || errors.Is(r.Err, unix.EMLINK)
	}
	if !whole {
		return false
	}
	deep := t.tooDeep()
	blamed := false
	for _, s := range steps {
		if s.owner.kind == kindChain && deep[s.owner.name] && !t.banned(s.owner) {
			t.refuse(s.owner, fmt.Errorf("chain %s: it leads in a circle or more than %d jumps deep", s.owner.name, maxDepth), now)
			blamed = true
		}
	}
	return blamed
}

// tooDeep finds the chains that are on a way that is too long: a chain on a circle is on
// an endless one.
func (t *Table) tooDeep() map[string]bool {
	deep := map[string]bool{}
	height := map[string]int{}
	onWay := map[string]bool{}
	var visit func(name string) int
	visit = func(name string) int {
		if onWay[name] {
			return maxDepth + 1
		}
		if h, done := height[name]; done {
			return h
		}
		onWay[name] = true
		h := 0
		for _, next := range t.leadsTo(name) {
			h = max(h, 1+visit(next))
		}
		onWay[name] = false
		height[name] = h
		deep[name] = h > maxDepth
		return h
	}
	for name := range t.chains.AllDesired() {
		visit(name)
	}
	return deep
}

// leadsTo lists the chains that a chain leads to, by its rules and through verdict maps.
func (t *Table) leadsTo(name string) []string {
	var out []string
	for _, u := range t.uses[chainObject(name)] {
		switch u.kind {
		case kindChain:
			out = append(out, u.name)
		case kindSet:
			c := t.contents[u.name]
			if c == nil || c.keys == nil {
				continue
			}
			for _, verdict := range c.keys.AllDesired() {
				if target := verdict.Target(); target != "" {
					out = append(out, target)
				}
			}
		}
	}
	return out
}
