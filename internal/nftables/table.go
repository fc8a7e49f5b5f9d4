package nftables

import (
	"slices"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/reconcile"
)

// Table is the driver of one inet table. It is not safe for concurrent use.
type Table struct {
	name   string
	kernel Kernel
	closed []nft.Rule
	retry  func(failures int) time.Duration
	limit  int

	views    family.Pair[*View]
	chains   *reconcile.Tracker[string, *chain]
	sets     *reconcile.Tracker[string, nft.Set]
	contents map[string]*content
	stands   ledger

	// dirty are objects whose desired state must be worked out anew, by resolve.
	dirty map[object]struct{}
	// touched are sets and maps whose content may differ from what stands.
	touched map[string]struct{}
	// users are the objects that lead to a chain or look into a set.
	users map[object]map[object]struct{}
	// uses is the reverse of users.
	uses    map[object][]object
	scratch uses
	// faults are the objects that are not as they ought to be.
	faults map[object]*fault

	observed bool
	held     bool
	guarded  bool
	inSync   bool
	foreign  bool
	stats    Stats
}

// chain is a chain as it ought to be, merged from both views, or as it stands; what stands
// has hashes only.
type chain struct {
	base *nft.Base
	list ruleList
}

func (c *chain) equal(o *chain) bool {
	return c.base.Equal(o.base) && slices.Equal(c.list.hashes, o.list.hashes)
}

// Options for New.
type Options struct {
	// Name is the table's name; "calico" if empty.
	Name   string
	Kernel Kernel
	// Closed are the rules that a filter base chain gets when its own cannot be written:
	// they ought to drop what the agent answers for, and nothing else. A regular chain that
	// cannot be written drops everything that comes to it.
	Closed []nft.Rule
	// Retry says how long to wait before an object that the kernel has refused so many
	// times is tried again; from a second to five minutes if nil.
	Retry func(failures int) time.Duration
	// Limit is how long a transaction may get, in bytes, before what nothing refers to yet
	// goes ahead in transactions of its own; 1 MiB if 0.
	Limit int
}

// Stats counts what the driver has done.
type Stats struct {
	// Transactions that the kernel has taken, and steps in them.
	Transactions, Steps int
	// Refusals are transactions that it has not.
	Refusals int
	// Dumps are full reads of the table.
	Dumps int
	// Repairs are transactions that undid what others had changed.
	Repairs int
}

// New makes a driver that knows nothing of the kernel yet.
func New(o Options) *Table {
	t := &Table{
		name:     o.Name,
		kernel:   o.Kernel,
		closed:   o.Closed,
		retry:    o.Retry,
		limit:    o.Limit,
		chains:   reconcile.New[string](reconcile.Options[*chain]{Equal: (*chain).equal}),
		sets:     reconcile.New[string](reconcile.Options[nft.Set]{Equal: nft.Set.Equal}),
		contents: map[string]*content{},
		stands:   ledger{chains: map[string]*standing{}},
		dirty:    map[object]struct{}{},
		touched:  map[string]struct{}{},
		users:    map[object]map[object]struct{}{},
		uses:     map[object][]object{},
		faults:   map[object]*fault{},
	}
	if t.name == "" {
		t.name = "calico"
	}
	if t.retry == nil {
		t.retry = reconcile.Backoff(time.Second, 5*time.Minute)
	}
	if t.limit == 0 {
		t.limit = 1 << 20
	}
	// Whether anything is deleted before the sources are read is decided for the table as
	// a whole, by InSync: deletions of single objects are always open.
	t.chains.InSync()
	t.sets.InSync()
	for _, f := range family.All() {
		*t.views.At(f) = &View{family: f, table: t, chains: map[string]viewChain{}}
	}
	return t
}

// View is where a family's manager says what it wants.
func (t *Table) View(f family.Family) *View { return t.views.Get(f) }

// Foreign yields a value when another program has changed the table, or may have. Resync
// and Apply then put it right.
func (t *Table) Foreign() <-chan struct{} { return t.kernel.Foreign() }

// Resync makes the next Apply read the table before it compares.
func (t *Table) Resync() { t.observed, t.foreign = false, true }

// Hold makes the table be written after InSync only, although it was not there when the
// driver started: something else guards the node until then.
func (t *Table) Hold() { t.guarded = true }

// InSync says that the sources have been read in full. Before that, Apply writes nothing
// if the table was there already when the driver started: what stands is better than half
// of what is wanted. A table that was not there is written from the first Apply on.
func (t *Table) InSync() { t.inSync = true }

// Stats counts what the driver has done so far.
func (t *Table) Stats() Stats { return t.stats }

// Observe reads what stands. Apply does so by itself when it has to.
func (t *Table) Observe() error {
	l, err := t.kernel.Dump()
	if err != nil {
		return err
	}
	// A table that stood at the first look and is gone by now has left the node open: what
	// is wanted so far is better than that.
	t.stats.Dumps++
	t.held = l.Present && (t.held || t.stats.Dumps == 1)
	t.stands = ledgerOf(l)
	t.chains.ObserveAll(func(yield func(string, *chain) bool) {
		for name, s := range t.stands.chains {
			if !yield(name, s.chain()) {
				return
			}
		}
	})
	t.sets.ObserveAll(func(yield func(string, nft.Set) bool) {
		for _, s := range l.Sets {
			if !yield(s.Set.Name, s.comparable()) {
				return
			}
		}
	})
	t.observeContents(l.Sets)
	t.observed = true
	return nil
}

// comparable is the set, such that a foreign one is like none of ours.
func (s ListedSet) comparable() nft.Set {
	if s.Foreign {
		return nft.Set{Name: s.Set.Name, VMap: s.Set.VMap}
	}
	return s.Set
}

func (t *Table) observeContents(sets []ListedSet) {
	listed := make(map[string]ListedSet, len(sets))
	for _, s := range sets {
		listed[s.Set.Name] = s
	}
	for name, l := range listed {
		if t.contents[name] == nil && !l.Foreign {
			// Whoever wants it has not said so yet.
			t.newContent(l.Set)
		}
	}
	for name, c := range t.contents {
		var elements []nft.Element
		if l, ok := listed[name]; ok && c.set.Equal(l.comparable()) {
			elements = l.Elements
		}
		c.observe(elements)
		t.touched[name] = struct{}{}
	}
}

// Standing lists what stands in a set or map, as nft writes it and in no particular order; nothing
// before the first Apply.
func (t *Table) Standing(set string) []string {
	c := t.contents[set]
	if c == nil {
		return nil
	}
	var out []string
	for _, e := range c.elements(false) {
		out = append(out, c.set.Text(e))
	}
	return out
}

// Desired is the table as it ought to be.
func (t *Table) Desired() nft.Table {
	t.resolve(time.Time{})
	out := nft.Table{Name: t.name, Elements: map[string][]nft.Element{}}
	for name, c := range t.chains.AllDesired() {
		out.Chains = append(out.Chains, nft.Chain{Name: name, Base: c.base, Rules: c.list.rules})
	}
	for name, s := range t.sets.AllDesired() {
		out.Sets = append(out.Sets, s)
		out.Elements[name] = t.contents[name].elements(true)
	}
	return out
}

// Actual is the table as it stands, as far as the driver knows. Of a rule only the hash is
// known; its text is that of the rule with this hash that is wanted somewhere, and a
// comment where there is none.
func (t *Table) Actual() nft.Table {
	known := map[nft.Hash]nft.Rule{}
	for _, c := range t.chains.AllDesired() {
		for i, h := range c.list.hashes {
			known[h] = c.list.rules[i]
		}
	}
	out := nft.Table{Name: t.name, Elements: map[string][]nft.Element{}}
	for name, s := range t.stands.chains {
		c := nft.Chain{Name: name, Base: s.base}
		for _, p := range s.rules {
			r, ok := known[p.hash]
			if !ok {
				r = nft.NewRule("unknown rule " + p.hash.String())
			}
			c.Rules = append(c.Rules, r)
		}
		out.Chains = append(out.Chains, c)
	}
	for name, s := range t.sets.AllActual() {
		out.Sets = append(out.Sets, s)
		if c := t.contents[name]; c != nil {
			out.Elements[name] = c.elements(false)
		}
	}
	return out
}
