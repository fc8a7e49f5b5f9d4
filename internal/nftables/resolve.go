package nftables

import (
	"errors"
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// object names something of the table.
type object struct {
	kind kind
	name string
	// key is an entry's key in the verdict map, or an element.
	key nft.Element
}

type kind uint8

const (
	kindChain kind = iota + 1
	kindSet
	kindEntry
	kindElement
)

func chainObject(name string) object { return object{kind: kindChain, name: name} }
func setObject(name string) object   { return object{kind: kindSet, name: name} }

// chainChanged marks a chain to be resolved; if it has come or gone, also all that lead
// to it.
func (t *Table) chainChanged(name string, cameOrWent bool) {
	o := chainObject(name)
	t.forgive(o)
	t.dirty[o] = struct{}{}
	if cameOrWent {
		t.markUsers(o)
	}
}

func (t *Table) markUsers(o object) {
	for u := range t.users[o] {
		t.dirty[u] = struct{}{}
	}
}

func (t *Table) addSet(f family.Family, s nft.Set) {
	c := t.contents[s.Name]
	if c != nil && c.owners.Has(f) && c.set.Equal(s) {
		return
	}
	o := setObject(s.Name)
	t.forgive(o)
	switch {
	case c == nil || !c.set.Equal(s) && c.owners.Without(f).Empty():
		c = t.newContent(s)
	case !c.set.Equal(s) || !s.VMap && !c.owners.Without(f).Empty():
		t.complain(o, fmt.Errorf("%s: both families declare it, this one %s as %s", c.set, f, s))
		return
	}
	c.owners = c.owners.With(f)
	t.touched[s.Name] = struct{}{}
	t.dirty[o] = struct{}{}
	t.markUsers(o)
}

func (t *Table) removeSet(f family.Family, name string) {
	c := t.contents[name]
	if c == nil || !c.owners.Has(f) {
		return
	}
	for _, key := range c.unwantAll(f) {
		o := object{kindEntry, name, key}
		t.forgive(o)
		t.dirty[o] = struct{}{}
	}
	c.owners = c.owners.Without(f)
	t.touched[name] = struct{}{}
	o := setObject(name)
	t.forgive(o)
	t.dirty[o] = struct{}{}
	t.markUsers(o)
}

// newContent begins to keep what a set holds.
func (t *Table) newContent(s nft.Set) *content {
	c := newContent(s, func(e nft.Element) { t.forgive(object{kindElement, s.Name, e}) })
	t.contents[s.Name] = c
	return c
}

// content is the content of a set that the family has declared, or nil.
func (t *Table) content(f family.Family, set string) *content {
	c := t.contents[set]
	if c == nil || !c.owners.Has(f) {
		t.complain(setObject(set), fmt.Errorf("set %s: members of %s, which has not declared it", set, f))
		return nil
	}
	return c
}

func (t *Table) setEntry(f family.Family, vmap string, key nft.Element, verdict *nft.Verdict) {
	c := t.content(f, vmap)
	if c == nil || c.entries == nil {
		return
	}
	e := c.entries[key]
	if e == nil {
		if verdict == nil {
			return
		}
		e = new(family.Pair[*nft.Verdict])
		c.entries[key] = e
	}
	if *e.At(f) = verdict; verdict == nil && e.Get(f.Other()) == nil {
		delete(c.entries, key)
	}
	o := object{kindEntry, vmap, key}
	t.forgive(o)
	t.dirty[o] = struct{}{}
}

// resolve works out what ought to be in the kernel for every object that has changed:
// sets first, since rules can only use those that are there.
func (t *Table) resolve(now time.Time) {
	t.retryFaults(now)
	for o := range t.dirty {
		if o.kind == kindSet {
			t.resolveSet(o)
			delete(t.dirty, o)
		}
	}
	for o := range t.dirty {
		switch o.kind {
		case kindChain:
			t.resolveChain(o)
		case kindEntry:
			t.resolveEntry(o)
		}
	}
	clear(t.dirty)
}

func (t *Table) resolveSet(o object) {
	c := t.contents[o.name]
	wanted := c != nil && !c.owners.Empty() && !t.banned(o)
	if wanted {
		if err := c.set.Err(); err != nil {
			t.complain(o, err)
			wanted = false
		}
	}
	if _, was := t.sets.Desired(o.name); was != wanted {
		t.markUsers(o)
	}
	if wanted {
		t.sets.Desire(o.name, c.set)
		t.touched[o.name] = struct{}{}
		return
	}
	t.sets.Undesire(o.name)
	if _, stands := t.sets.Actual(o.name); !stands && c != nil && c.owners.Empty() {
		delete(t.contents, o.name)
	}
}

// resolveChain merges the families' views of a chain, and closes it if that is nothing
// that can be written.
func (t *Table) resolveChain(o object) {
	base, lists, wanted := t.viewsOf(o.name)
	if !wanted || t.gone(o) {
		t.setUses(o, nil)
		t.chains.Undesire(o.name)
		return
	}
	list := merge(lists)
	err := t.checkBase(o.name)
	for _, r := range list.rules {
		err = errors.Join(err, r.Err())
	}
	uses := t.scratch.usesOf(list.rules)
	t.setUses(o, uses)
	err = errors.Join(err, t.missing(uses))
	if err != nil {
		t.complain(o, fmt.Errorf("chain %s: %w", o.name, err))
	} else {
		t.settle(o)
	}
	if err != nil || t.banned(o) {
		list = listOf(t.closedRules(base))
	}
	t.chains.Desire(o.name, &chain{base: base, list: list})
}

// viewsOf is what the two views want of a chain.
func (t *Table) viewsOf(name string) (base *nft.Base, lists family.Pair[ruleList], wanted bool) {
	for _, f := range family.All() {
		if c, ok := t.views.Get(f).chains[name]; ok {
			if wanted = true; c.base != nil {
				base = c.base
			}
			*lists.At(f) = c.list
		}
	}
	return base, lists, wanted
}

// wantsChain says whether any view wants the chain.
func (t *Table) wantsChain(name string) bool {
	if _, wanted := t.views.Get(family.V4).chains[name]; wanted {
		return true
	}
	_, wanted := t.views.Get(family.V6).chains[name]
	return wanted
}

func (t *Table) checkBase(name string) error {
	a, inA := t.views.Get(family.V4).chains[name]
	b, inB := t.views.Get(family.V6).chains[name]
	if inA && inB && !a.base.Equal(b.base) {
		return errors.New("the two families hook it in differently")
	}
	return nil
}

// closedRules are what a chain holds that cannot be written as wanted.
func (t *Table) closedRules(base *nft.Base) []nft.Rule {
	switch {
	case base == nil:
		return []nft.Rule{nft.NewRule("closed: the chain's own rules could not be written", nft.Drop())}
	case base.Type == nft.Filter:
		return t.closed
	}
	return nil
}

// missing says which of the objects are not wanted by any family, so will not be there.
func (t *Table) missing(uses []object) error {
	var err error
	for _, u := range uses {
		switch u.kind {
		case kindChain:
			if !t.wantsChain(u.name) || t.gone(u) {
				err = errors.Join(err, fmt.Errorf("it leads to chain %s, which is not there", u.name))
			}
		case kindSet:
			if _, wanted := t.sets.Desired(u.name); !wanted {
				err = errors.Join(err, fmt.Errorf("it uses set %s, which is not there", u.name))
			}
		}
	}
	return err
}

// resolveEntry works out where a verdict map's key leads. Where that cannot be said, to
// drop.
func (t *Table) resolveEntry(o object) {
	c := t.contents[o.name]
	if c == nil || c.keys == nil {
		t.setUses(o, nil)
		return
	}
	e := c.entries[o.key]
	if t.touched[o.name] = struct{}{}; e == nil || t.gone(o) {
		t.setUses(o, nil)
		c.keys.Undesire(o.key)
		return
	}
	verdict, err := agreed(*e)
	var target [1]object
	uses := target[:0]
	if name := verdict.Target(); name != "" {
		uses = append(uses, chainObject(name))
	}
	t.setUses(o, uses)
	if err = errors.Join(err, t.missing(uses)); err != nil {
		t.complain(o, fmt.Errorf("map %s: %s: %w", o.name, c.set.Text(o.key.To(verdict)), err))
	} else {
		t.settle(o)
	}
	if err != nil || t.banned(o) {
		verdict = nft.Drop()
	}
	c.keys.Desire(o.key, verdict)
}

// agreed is the verdict that both families want, or the only one that is.
func agreed(e family.Pair[*nft.Verdict]) (nft.Verdict, error) {
	a, b := e.Get(family.V4), e.Get(family.V6)
	switch {
	case a == nil:
		return *b, nil
	case b == nil || *a == *b:
		return *a, nil
	}
	return *a, fmt.Errorf("the other family wants %s", b)
}
