package iptables

import (
	"slices"
	"time"

	"github.com/margay-net/margay/internal/reconcile"
)

// table is one table of one family: what ought to be in it, and what is.
type table struct {
	name string
	// told are the chains as the caller wants them; chains has what is to be written in
	// their place, which is less where that cannot be.
	told   map[string]Chain
	chains *reconcile.Tracker[string, body]
	// hooks are the rules of ours in each of the kernel's own chains, in order.
	hooks map[string][]Hook
	// standing are the rules in those chains at the last read, with what we have changed
	// since.
	standing map[string][]listedRule
	// sums are checksums of chains that were as they ought to be when they were read.
	sums map[string]uint64

	// dirty are chains to be looked at again by resolve.
	dirty map[string]struct{}
	// users are the chains that a reference is found in.
	users  map[reference]map[string]struct{}
	faults map[string]*fault

	observed bool
	// doubtful is true after a write that has failed: what is read then is our own doing.
	doubtful bool
	// repairing says that the last read found what we had not left.
	repairing bool
	// reads and writes count since the start.
	reads, writes int
}

// body is what is in a chain, or is to be; of what stands, only hashes are known.
type body struct {
	rules  []Rule
	hashes []Hash
}

// reference names what a rule refers to: a chain of the same table, or a set.
type reference struct {
	set  bool
	name string
}

func newTable(name string) *table {
	return &table{
		name: name,
		told: map[string]Chain{},
		chains: reconcile.New[string](reconcile.Options[body]{
			Equal: func(a, b body) bool { return slices.Equal(a.hashes, b.hashes) },
		}),
		hooks:    map[string][]Hook{},
		standing: map[string][]listedRule{},
		sums:     map[string]uint64{},
		dirty:    map[string]struct{}{},
		users:    map[reference]map[string]struct{}{},
		faults:   map[string]*fault{},
	}
}

// setChain takes in what a chain is to hold.
func (t *table) setChain(c Chain) {
	old, had := t.told[c.Name]
	if had && sameRules(old.Rules, c.Rules) && sameRules(old.Closed, c.Closed) {
		return
	}
	t.unuse(old)
	t.told[c.Name] = c
	for _, ref := range referencesOf(c) {
		if t.users[ref] == nil {
			t.users[ref] = map[string]struct{}{}
		}
		t.users[ref][c.Name] = struct{}{}
	}
	delete(t.faults, c.Name) // another text, another chance
	t.dirty[c.Name] = struct{}{}
	if !had {
		t.touchUsers(reference{name: c.Name})
	}
}

func (t *table) removeChain(name string) {
	old, had := t.told[name]
	if !had {
		return
	}
	t.unuse(old)
	delete(t.told, name)
	delete(t.faults, name)
	delete(t.dirty, name)
	t.chains.Undesire(name)
	t.touchUsers(reference{name: name})
}

func (t *table) unuse(c Chain) {
	for _, ref := range referencesOf(c) {
		if delete(t.users[ref], c.Name); len(t.users[ref]) == 0 {
			delete(t.users, ref)
		}
	}
}

// touchUsers has the chains looked at again that refer to something.
func (t *table) touchUsers(ref reference) {
	for name := range t.users[ref] {
		t.dirty[name] = struct{}{}
	}
}

func referencesOf(c Chain) []reference {
	var out []reference
	for _, r := range c.Rules {
		if r.chain != "" {
			out = append(out, reference{name: r.chain})
		}
		for _, s := range r.sets {
			out = append(out, reference{set: true, name: s})
		}
	}
	return out
}

// resolve says of each chain that may have changed what is to be written of it: its rules,
// or, if one refers to what is not there or the kernel has refused them, its closed form.
func (t *table) resolve(now time.Time, ready func(set string) bool) {
	t.retryFaults(now)
	for name := range t.dirty {
		c, ok := t.told[name]
		if !ok {
			continue
		}
		if missing := t.missing(c, ready); missing != "" {
			t.complain(name, missing, now)
			t.chains.Desire(name, bodyOf(t.closed(c)))
			continue
		}
		t.settle(name)
		if t.banned(name) {
			t.chains.Desire(name, bodyOf(t.closed(c)))
			continue
		}
		t.chains.Desire(name, bodyOf(c.Rules))
	}
	clear(t.dirty)
	for name, f := range t.faults {
		if !f.refused {
			t.dirty[name] = struct{}{} // what is missing may be there the next time
		}
	}
}

func bodyOf(rules []Rule) body { return body{rules: rules, hashes: hashesOf(rules)} }

// missing is what a chain refers to and is not there; empty if all is.
func (t *table) missing(c Chain, ready func(string) bool) string {
	for _, ref := range referencesOf(c) {
		switch _, wanted := t.told[ref.name]; {
		case ref.set && !ready(ref.name):
			return "no set " + ref.name
		case !ref.set && !wanted:
			return "no chain " + ref.name
		}
	}
	return ""
}

// closed is what is written in the place of a chain that cannot be. A nat table cannot drop.
func (t *table) closed(c Chain) []Rule {
	switch {
	case c.Closed != nil:
		return c.Closed
	case t.name == NAT:
		return nil
	}
	return []Rule{NewRule("closed: see agent dump status", Text("-j DROP"))}
}

// observe takes in what was read. Chains that had been as they ought to be, and whose text
// is another although their hashes are not, have been tampered with.
func (t *table) observe(l *listing) {
	t.reads++
	t.repairing = false
	t.chains.ObserveAll(func(yield func(string, body) bool) {
		for name, c := range l.chains {
			if sum, known := t.sums[name]; known && sum != c.sum {
				c.hashes = []Hash{"tampered with"}
			}
			if !yield(name, body{hashes: c.hashes}) {
				return
			}
		}
	})
	clear(t.sums)
	for name, c := range l.chains {
		if want, ok := t.chains.Desired(name); ok && slices.Equal(want.hashes, c.hashes) {
			t.sums[name] = c.sum
		}
	}
	t.standing = l.kernel
	t.observed = true
}

// stands says whether anything of ours is in the table.
func (t *table) stands() bool {
	for range t.chains.AllActual() {
		return true
	}
	for _, rules := range t.standing {
		if slices.ContainsFunc(rules, func(r listedRule) bool { return r.ours }) {
			return true
		}
	}
	return false
}

// used says whether the table is of any concern: something ought to be in it, or is.
func (t *table) used() bool { return len(t.told)+len(t.hooks) > 0 || t.stands() }
