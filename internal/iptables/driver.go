package iptables

import (
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/reconcile"
)

// Driver is the driver of one family's tables and sets. What its caller says reaches the
// kernel with Apply only; saying the same again costs little and changes nothing. It is not
// safe for concurrent use; those of the two families share nothing.
type Driver struct {
	family  family.Family
	kernel  Kernel
	sets    *ipset.Driver
	retry   func(failures int) time.Duration
	refresh Refresh
	tables  []*table
	trees   map[string]*tree

	// held is true while what stood at the start stays as it is.
	held bool
	// guarded is true if something else guards the node until the sources are read.
	guarded bool
	inSync  bool
	looked  bool
	// tablesDue and setsDue are when they are to be read again; zero for never.
	tablesDue, setsDue time.Time
	stats              Stats
}

// Refresh says when what stands is read again, to find what others have changed.
type Refresh struct {
	// Tables and Sets are intervals; 0 is never.
	Tables, Sets time.Duration
	// AfterWrite is how long after a write the tables are read; 0 is not before the interval
	// is over.
	AfterWrite time.Duration
}

// Options for New.
type Options struct {
	Family family.Family
	Kernel Kernel
	Sets   ipset.Kernel
	// SetSize is how many members a set can have; 0 is ipset.DefaultSize.
	SetSize int
	Refresh Refresh
	// Retry says how long what was refused so many times is left alone; from a second to
	// five minutes if nil.
	Retry func(failures int) time.Duration
}

// Stats counts what the driver has done.
type Stats struct {
	// Restores are runs of iptables-restore that were taken, Lines what they were told.
	Restores, Lines int
	// Refusals are those that were not taken.
	Refusals int
	// Reads are runs of iptables-save.
	Reads int
	// Repairs are writes that undid what others had changed.
	Repairs int
	// Sets is what was done to sets.
	Sets ipset.Stats
}

// New makes a driver that knows nothing of the kernel yet.
func New(o Options) *Driver {
	d := &Driver{
		family: o.Family, kernel: o.Kernel, retry: o.Retry, refresh: o.Refresh,
		sets:  ipset.New(ipset.Options{Family: o.Family, Kernel: o.Sets, Size: o.SetSize, Retry: o.Retry}),
		trees: map[string]*tree{},
	}
	if d.retry == nil {
		d.retry = reconcile.Backoff(time.Second, 5*time.Minute)
	}
	for _, name := range Tables() {
		t := newTable(name)
		t.chains.InSync() // whether anything is deleted is decided for all of it, by InSync
		d.tables = append(d.tables, t)
	}
	d.sets.InSync()
	return d
}

func (d *Driver) table(name string) *table {
	for _, t := range d.tables {
		if t.name == name {
			return t
		}
	}
	return newTable(name) // of no concern to anybody
}

// SetChain says what a chain holds, all of it.
func (d *Driver) SetChain(c Chain) { d.table(c.Table).setChain(c) }

// RemoveChain says that a chain is not wanted.
func (d *Driver) RemoveChain(table, name string) { d.table(table).removeChain(name) }

// SetHooks says which rules of ours one of the kernel's chains is to have, in order: those
// in front before those that are last. None takes ours out of it.
func (d *Driver) SetHooks(table, chain string, hooks ...Hook) {
	t := d.table(table)
	if t.hooks[chain] = hooks; len(hooks) == 0 {
		delete(t.hooks, chain)
	}
}

// AddSet declares a set. One that is there already with another type or size is exchanged.
func (d *Driver) AddSet(s ipset.Set) {
	d.sets.Declare(s)
	d.touchSet(s.Name)
}

// RemoveSet says that a set is not wanted.
func (d *Driver) RemoveSet(name string) {
	d.sets.Remove(name)
	d.touchSet(name)
}

// touchSet has the chains looked at again that look into a set.
func (d *Driver) touchSet(name string) {
	for _, t := range d.tables {
		t.touchUsers(reference{set: true, name: name})
	}
}

// AddMembers adds members to a set.
func (d *Driver) AddMembers(set string, members ...ipset.Member) { d.sets.Add(set, members...) }

// RemoveMembers takes members out of a set.
func (d *Driver) RemoveMembers(set string, members ...ipset.Member) { d.sets.Delete(set, members...) }

// Standing lists what stands in a set, in no particular order; nothing before the first Apply.
func (d *Driver) Standing(set string) []ipset.Member { return d.sets.Standing(set) }

// Configure changes how often what stands is read, and how many members a set can have.
func (d *Driver) Configure(r Refresh, setSize int) {
	if r != d.refresh {
		d.refresh = r
		d.tablesDue, d.setsDue = time.Time{}, time.Time{}
	}
	if setSize == 0 {
		setSize = ipset.DefaultSize
	}
	d.sets.Resize(setSize)
}

// InSync says that the sources have been read in full. Before that, Apply writes nothing if
// chains of ours, or of Felix's, were there already when the driver started: what stands is
// better than half of what is wanted. Where there were none, it writes from the first Apply
// on.
func (d *Driver) InSync() { d.inSync = true }

// Hold makes all be written after InSync only, although nothing of ours was there when the
// driver started: something else guards the node until then.
func (d *Driver) Hold() { d.guarded = true }

// Resync makes the next Apply read everything before it compares.
func (d *Driver) Resync() {
	for _, t := range d.tables {
		t.observed = false
	}
	d.sets.Resync()
}

// Stats counts what the driver has done so far.
func (d *Driver) Stats() Stats {
	out := d.stats
	out.Sets = d.sets.Stats()
	return out
}
