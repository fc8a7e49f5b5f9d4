package ipset

import (
	"fmt"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// DefaultSize is how many members a set can have where nothing else is said; Felix's
// MaxIpsetSize.
const DefaultSize = 1 << 20

// Driver is the driver of one family's sets. It is not safe for concurrent use.
type Driver struct {
	family family.Family
	kernel Kernel
	size   int
	retry  func(failures int) time.Duration

	sets     *reconcile.Tracker[string, Set]
	contents map[string]*content
	// touched are sets whose members may differ from what stands.
	touched map[string]struct{}
	// leftovers are temporary sets of a run that was cut off.
	leftovers []string
	faults    map[string]*fault
	observed  bool
	stats     Stats
}

// Options for New.
type Options struct {
	Family family.Family
	Kernel Kernel
	// Size is how many members a set can have; 0 is DefaultSize.
	Size int
	// Retry says how long a set that was refused so many times is left alone; from a second
	// to five minutes if nil.
	Retry func(failures int) time.Duration
}

// Stats counts what the driver has done.
type Stats struct {
	// Restores are runs of ipset restore, Lines what they were told.
	Restores, Lines int
	// Reads are full reads of the sets.
	Reads int
}

// New makes a driver that knows nothing of the kernel yet.
func New(o Options) *Driver {
	d := &Driver{
		family: o.Family, kernel: o.Kernel, size: o.Size, retry: o.Retry,
		sets:     reconcile.New[string](reconcile.Options[Set]{Equal: func(a, b Set) bool { return a == b }}),
		contents: map[string]*content{},
		touched:  map[string]struct{}{},
		faults:   map[string]*fault{},
	}
	if d.size == 0 {
		d.size = DefaultSize
	}
	if d.retry == nil {
		d.retry = reconcile.Backoff(time.Second, 5*time.Minute)
	}
	return d
}

// Declare says that there ought to be a set. One that is there already, and of another type
// or size, is exchanged. An empty set is one that rules may refer to.
func (d *Driver) Declare(s Set) {
	if s.Size == 0 {
		s.Size = d.size
	}
	if d.contents[s.Name] == nil {
		d.contents[s.Name] = newContent(d.family)
	}
	d.contents[s.Name].kind = s.Type
	d.sets.Desire(s.Name, s)
	d.touched[s.Name] = struct{}{}
}

// Remove says that nobody wants the set any more.
func (d *Driver) Remove(name string) {
	d.sets.Undesire(name)
	delete(d.faults, name)
	c := d.contents[name]
	if c == nil {
		return
	}
	c.clear()
	d.touched[name] = struct{}{}
	if _, stands := d.sets.Actual(name); !stands {
		d.forget(name)
	}
}

// Resize changes how many members each set can have that was declared without a size.
func (d *Driver) Resize(size int) {
	before := d.size
	d.size = size
	var again []Set
	for _, s := range d.sets.AllDesired() {
		if s.Size == before && size != before {
			again = append(again, s)
		}
	}
	for _, s := range again {
		s.Size = size
		d.Declare(s)
	}
}

// Add puts members into a set that has been declared. One that only stands, and is to go, is
// not.
func (d *Driver) Add(name string, members ...Member) {
	c := d.contents[name]
	if _, wanted := d.sets.Desired(name); !wanted {
		return
	}
	for _, m := range members {
		c.want(m)
	}
	d.touched[name] = struct{}{}
}

// Delete takes members out of a set.
func (d *Driver) Delete(name string, members ...Member) {
	c := d.contents[name]
	if c == nil {
		return
	}
	for _, m := range members {
		c.unwant(m)
	}
	d.touched[name] = struct{}{}
}

// InSync opens the deletion of sets: the source has been read in full.
func (d *Driver) InSync() { d.sets.InSync() }

// Resync makes the next Update read the sets before it compares.
func (d *Driver) Resync() { d.observed = false }

// Stats counts what the driver has done so far.
func (d *Driver) Stats() Stats { return d.stats }

// Standing lists what stands in a set, in no particular order; nothing before the sets have
// been read.
func (d *Driver) Standing(name string) (out []Member) {
	if c := d.contents[name]; c != nil {
		for m := range c.members.AllActual() {
			out = append(out, m)
		}
	}
	return out
}

// Look reads what stands, if that has not been done.
func (d *Driver) Look() error {
	if d.observed {
		return nil
	}
	return d.Observe()
}

// Ready says whether a set stands with all its members, so that a rule may look into it.
func (d *Driver) Ready(name string) bool {
	want, wanted := d.sets.Desired(name)
	have, stands := d.sets.Actual(name)
	return wanted && stands && want == have && d.faults[name] == nil
}

// Found says whether any set of ours stood at the last read.
func (d *Driver) Found() bool {
	for range d.sets.AllActual() {
		return true
	}
	return false
}

// Observe reads what stands. Update does so by itself when it has to.
func (d *Driver) Observe() error {
	listed, err := d.kernel.Save(d.family)
	if err != nil {
		return fmt.Errorf("read the %v IP sets: %w", d.family, err)
	}
	d.stats.Reads++
	d.leftovers = nil
	standing := map[string]Listed{}
	for _, l := range listed {
		if hasPrefix(l.Set.Name, temporary(d.family)) {
			d.leftovers = append(d.leftovers, l.Set.Name)
			continue
		}
		standing[l.Set.Name] = l
		if d.contents[l.Set.Name] == nil {
			d.contents[l.Set.Name] = newContent(d.family)
		}
	}
	d.sets.ObserveAll(func(yield func(string, Set) bool) {
		for name, l := range standing {
			if !yield(name, l.Set) {
				return
			}
		}
	})
	for name, c := range d.contents {
		c.observe(slices.Values(standing[name].Members))
		d.touched[name] = struct{}{}
	}
	d.observed = true
	return nil
}

// Size counts the sets that stand, and all their members.
func (d *Driver) Size() (sets, members int) {
	for name := range d.sets.AllActual() {
		sets++
		members += d.contents[name].members.Counts().Done
	}
	return sets, members
}
