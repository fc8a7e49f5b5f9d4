package nftables

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/nftables/nft"
)

// step is one step of a transaction, and the object whose fault it is if it fails.
type step struct {
	op    nft.Op
	owner object
}

// planner compares what ought to be with what stands. It changes neither.
//
// Everything goes in one order: first all deletions, those that refer before those that are
// referred to; then all additions, the other way round. Since a transaction is atomic, no
// packet sees what is in between, and an object can be deleted and added anew in it.
type planner struct {
	*Table
	now   time.Time
	edits map[string]edit
	names []string // of the edits, in order
	steps []step
}

// edit is what is to be done to one chain.
type edit struct {
	delete, add bool
	base        *nft.Base
	drop        []uint64
	insert      []nft.AddRule
}

func (t *Table) plan(now time.Time) []step {
	p := &planner{Table: t, now: now, edits: map[string]edit{}}
	p.compareChains()
	p.names = slices.Sorted(maps.Keys(p.edits))
	touched := slices.Sorted(maps.Keys(t.touched))
	doomed, fresh := p.compareSets()
	p.deleteRules()
	for _, name := range touched {
		p.deleteElements(name)
	}
	p.emptyMaps(doomed)
	p.deleteChains()
	p.deleteSets(doomed)
	if p.stands.dormant || !p.stands.present && len(p.edits)+len(fresh) > 0 {
		p.do(object{}, nft.AddTable{Table: p.name})
	}
	p.addSets(fresh)
	p.addChains()
	for _, name := range touched {
		p.addElements(name, false)
	}
	p.addRules()
	for _, name := range touched {
		p.addElements(name, true)
	}
	return p.steps
}

func (p *planner) do(owner object, op nft.Op) { p.steps = append(p.steps, step{op, owner}) }

// compareChains works out the edits: of chains that differ, and of those that use a set
// which has to make way for another of the same name.
func (p *planner) compareChains() {
	for name, c := range p.chains.Updates(p.now) {
		p.edits[name] = compareChain(name, c.Want, p.stands.chains[name], nil)
	}
	for name := range p.chains.Deletions(p.now) {
		p.edits[name] = edit{delete: true}
	}
	for name, c := range p.sets.Updates(p.now) {
		if !c.Present {
			continue
		}
		for user := range p.users[setObject(name)] {
			if want, ok := p.chains.Desired(user.name); ok && user.kind == kindChain {
				p.edits[user.name] = compareChain(user.name, want, p.stands.chains[user.name], p.replaced)
			}
		}
	}
}

// replaced says whether a rule uses a set that is replaced: it must be written anew.
func (p *planner) replaced(r nft.Rule) bool {
	return slices.ContainsFunc(r.Sets(), func(name string) bool {
		have, stands := p.sets.Actual(name)
		want, wanted := p.sets.Desired(name)
		return stands && wanted && !want.Equal(have)
	})
}

// compareChain compares a chain's rules with those that stand. Each new rule goes before
// the next one that stays, or at the end.
func compareChain(name string, want *chain, stands *standing, rewrite func(nft.Rule) bool) edit {
	e := edit{base: want.base}
	var old []placed
	switch {
	case stands == nil:
		e.add = true
	case !stands.base.Equal(want.base):
		e.delete, e.add = true, true
	default:
		old = stands.rules
	}
	have := make([]nft.Hash, len(old))
	for i, r := range old {
		have[i] = r.hash
	}
	// From the end to the beginning; all that is behind these places has been seen to.
	endOld, end, before := len(old), len(want.list.rules), uint64(0)
	between := func(from, to int) {
		for i := end - 1; i > to; i-- {
			e.insert = append(e.insert, nft.AddRule{Chain: name, Rule: want.list.rules[i], Hash: want.list.hashes[i], Before: before})
		}
		for i := endOld - 1; i > from; i-- {
			e.drop = append(e.drop, old[i].handle)
		}
		endOld, end = from, to
	}
	for _, p := range slices.Backward(common(have, want.list.hashes)) {
		if rewrite == nil || !rewrite(want.list.rules[p.B]) {
			between(p.A, p.B)
			before = old[p.A].handle
		}
	}
	between(-1, -1)
	slices.Reverse(e.insert)
	slices.Reverse(e.drop)
	return e
}

func (p *planner) deleteRules() {
	for _, name := range p.names {
		e := p.edits[name]
		if s := p.stands.chains[name]; e.delete && s != nil && len(s.rules) > 0 {
			p.do(chainObject(name), nft.FlushChain{Name: name})
			continue
		}
		for _, handle := range e.drop {
			p.do(chainObject(name), nft.DeleteRule{Chain: name, Handle: handle})
		}
	}
}

func (p *planner) deleteChains() {
	for _, name := range p.names {
		if p.edits[name].delete {
			p.do(chainObject(name), nft.DeleteChain{Name: name})
		}
	}
}

func (p *planner) addChains() {
	for _, name := range p.names {
		if e := p.edits[name]; e.add {
			p.do(chainObject(name), nft.AddChain{Name: name, Base: e.base})
		}
	}
}

func (p *planner) addRules() {
	for _, name := range p.names {
		for _, op := range p.edits[name].insert {
			p.do(chainObject(name), op)
		}
	}
}

// compareSets lists the sets to delete, as they stand, and those to add, as they ought to
// be. One that has to make way for another of the same name is in both lists.
func (p *planner) compareSets() (doomed, fresh []nft.Set) {
	for _, have := range p.sets.Deletions(p.now) {
		doomed = append(doomed, have)
	}
	for _, c := range p.sets.Updates(p.now) {
		if c.Present {
			doomed = append(doomed, c.Have)
		}
		fresh = append(fresh, c.Want)
	}
	byName := func(a, b nft.Set) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(doomed, byName)
	slices.SortFunc(fresh, byName)
	return doomed, fresh
}

// emptyMaps empties the verdict maps that are to be deleted. Kernels before 6.4 let go of
// the chains that a deleted map leads to only at the end of the transaction, and would
// refuse to delete those in it.
func (p *planner) emptyMaps(doomed []nft.Set) {
	for _, s := range doomed {
		if s.VMap {
			p.do(setObject(s.Name), nft.FlushSet{Set: s})
		}
	}
}

func (p *planner) deleteSets(doomed []nft.Set) {
	for _, s := range doomed {
		p.do(setObject(s.Name), nft.DeleteSet{Set: s})
	}
}

func (p *planner) addSets(fresh []nft.Set) {
	for _, s := range fresh {
		p.do(setObject(s.Name), nft.AddSet{Set: s})
	}
}

// deleteElements deletes the elements that are too many, and map entries that are to lead
// elsewhere.
func (p *planner) deleteElements(name string) {
	c := p.contents[name]
	if c == nil {
		return
	}
	have, stands := p.sets.Actual(name)
	if want, wanted := p.sets.Desired(name); !stands || !wanted || !want.Equal(have) {
		return // they go with the set
	}
	var doomed []nft.Element
	if c.members != nil {
		for e := range c.members.Deletions(p.now) {
			doomed = append(doomed, e)
		}
	} else {
		for key, verdict := range c.keys.Deletions(p.now) {
			doomed = append(doomed, key.To(verdict))
		}
		for key, change := range c.keys.Updates(p.now) {
			if change.Present {
				doomed = append(doomed, key.To(change.Have))
			}
		}
	}
	p.chunk(c, doomed, func(e []nft.Element) nft.Op { return nft.DeleteElements{Set: c.set, Elements: e} })
}

// addElements adds what is missing: to sets, or (maps) to verdict maps.
func (p *planner) addElements(name string, maps bool) {
	c := p.contents[name]
	if c == nil || c.set.VMap != maps {
		return
	}
	if _, wanted := p.sets.Desired(name); !wanted {
		return
	}
	var fresh []nft.Element
	if c.members != nil {
		for e := range c.members.Updates(p.now) {
			fresh = append(fresh, e)
		}
	} else {
		for key, change := range c.keys.Updates(p.now) {
			fresh = append(fresh, key.To(change.Want))
		}
	}
	p.chunk(c, fresh, func(e []nft.Element) nft.Op { return nft.AddElements{Set: c.set, Elements: e} })
}

// chunkSize is how many elements make one step.
const chunkSize = 1000

func (p *planner) chunk(c *content, elements []nft.Element, op func([]nft.Element) nft.Op) {
	if len(elements) <= chunkSize {
		slices.Sort(elements) // for the reader's sake
	}
	size := chunkSize
	if c.oneByOne {
		size = 1
	}
	for chunk := range slices.Chunk(elements, size) {
		owner := object{kind: kindElement, name: c.set.Name}
		if len(chunk) == 1 {
			owner = c.objectOf(chunk[0])
		}
		p.do(owner, op(chunk))
	}
}

// objectOf is the object that an element is blamed as.
func (c *content) objectOf(e nft.Element) object {
	if c.set.VMap {
		key, _ := c.set.Split(e)
		return object{kindEntry, c.set.Name, key}
	}
	return object{kindElement, c.set.Name, e}
}
