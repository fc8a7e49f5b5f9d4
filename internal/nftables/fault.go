package nftables

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// fault is why an object is not as it ought to be.
type fault struct {
	err error
	// refused is true if the kernel said so; the object is tried again after until.
	refused bool
	// gone is true if the kernel does not even take the object's closed form.
	gone     bool
	until    time.Time
	trying   bool
	since    time.Time
	at       time.Time
	failures int
}

// Problem is an object that is not in the kernel as it ought to be.
type Problem struct {
	// Object is what it is: "chain cali-fw-1", "set s", "map dispatch", "element …".
	Object string
	// Families are those that want it.
	Families family.Set
	// Err is why. Since when it fails, when it last did, and how often.
	Err       error
	Since, At time.Time
	Failures  int
}

// Problems lists the objects that are not as they ought to be, by name.
func (t *Table) Problems() []Problem {
	var out []Problem
	for o, f := range t.faults {
		out = append(out, Problem{
			Object: t.describe(o), Families: t.familiesOf(o), Err: f.err,
			Since: f.since, At: f.at, Failures: f.failures,
		})
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Compare(a.Object, b.Object) })
	return out
}

// ChainStatus is how far a chain has got.
func (t *Table) ChainStatus(name string) reconcile.Status {
	return t.status(chainObject(name), t.chains.State(name))
}

// SetStatus is how far a set or map has got, with all that it holds.
func (t *Table) SetStatus(name string) reconcile.Status {
	s := t.status(setObject(name), t.sets.State(name))
	c := t.contents[name]
	if s.State != reconcile.Done || c == nil {
		return s
	}
	for o, f := range t.faults {
		if o.name == name && (o.kind == kindElement || o.kind == kindEntry) {
			return f.status()
		}
	}
	if c.members != nil && !c.members.Settled() || c.keys != nil && !c.keys.Settled() {
		return reconcile.Status{State: reconcile.Pending}
	}
	return s
}

func (t *Table) status(o object, s reconcile.Status) reconcile.Status {
	if f := t.faults[o]; f != nil {
		return f.status()
	}
	if _, dirty := t.dirty[o]; dirty {
		return reconcile.Status{State: reconcile.Pending}
	}
	return s
}

func (f *fault) status() reconcile.Status {
	return reconcile.Status{State: reconcile.Failed, Err: f.err, Since: f.since, At: f.at, Failures: f.failures}
}

func (t *Table) describe(o object) string {
	c := t.contents[o.name]
	switch {
	case o.kind == kindChain:
		return "chain " + o.name
	case c == nil:
		return "set " + o.name
	case o.kind == kindEntry:
		return fmt.Sprintf("map %s key %x", o.name, string(o.key))
	case o.kind == kindElement:
		return "set " + o.name + " element " + c.set.Text(o.key)
	case c.set.VMap:
		return "map " + o.name
	}
	return "set " + o.name
}

func (t *Table) familiesOf(o object) family.Set {
	var s family.Set
	if o.kind != kindChain {
		if c := t.contents[o.name]; c != nil {
			s = c.owners
		}
		return s
	}
	for _, f := range family.All() {
		if _, wants := t.views.Get(f).chains[o.name]; wants {
			s = s.With(f)
		}
	}
	return s
}

// complain notes that an object cannot be as wanted, for a reason that lies in what is
// wanted. It goes away when that changes.
func (t *Table) complain(o object, err error) {
	if f := t.faults[o]; f != nil {
		f.err = err
		return
	}
	t.faults[o] = &fault{err: err, failures: 1}
}

// stamp dates the complaints that have come up since the last Apply.
func (t *Table) stamp(now time.Time) {
	for _, f := range t.faults {
		if f.since.IsZero() {
			f.since, f.at = now, now
		}
	}
}

// refuse notes that the kernel has refused an object.
func (t *Table) refuse(o object, err error, now time.Time) {
	f := t.faults[o]
	if f == nil || !f.refused {
		f = &fault{since: now, refused: true}
		t.faults[o] = f
	} else if !f.trying {
		// Refused although it was closed already.
		f.gone = true
	}
	f.err, f.at, f.trying = err, now, false
	f.failures++
	f.until = now.Add(t.retry(f.failures))
	t.dirty[o] = struct{}{}
	if f.gone || o.kind == kindSet {
		t.markUsers(o)
	}
}

// banned says whether an object is in its closed form, for the kernel's sake.
func (t *Table) banned(o object) bool {
	f := t.faults[o]
	return f != nil && f.refused && !f.trying
}

// gone says whether an object cannot even have its closed form.
func (t *Table) gone(o object) bool { return t.banned(o) && t.faults[o].gone }

// settle forgets a complaint; a refusal stays until the kernel has taken the object.
func (t *Table) settle(o object) {
	if f := t.faults[o]; f != nil && !f.refused {
		delete(t.faults, o)
	}
}

// forgive forgets all faults of an object: it is about to be something else.
func (t *Table) forgive(o object) { delete(t.faults, o) }

// retryFaults gives refused objects another try when they are due.
func (t *Table) retryFaults(now time.Time) {
	for o, f := range t.faults {
		if f.refused && !f.trying && !now.IsZero() && !now.Before(f.until) {
			wasGone := f.gone
			f.trying, f.gone = true, false
			t.dirty[o] = struct{}{}
			if o.kind == kindElement {
				t.retryElement(o)
			}
			if wasGone {
				t.markUsers(o)
			}
		}
	}
}

func (t *Table) retryElement(o object) {
	delete(t.faults, o)
	if c := t.contents[o.name]; c != nil && c.members != nil {
		c.want(o.key)
		t.touched[o.name] = struct{}{}
	}
}

// accepted forgets the refusals of objects that were tried and that the kernel took.
func (t *Table) accepted() {
	for o, f := range t.faults {
		if f.refused && f.trying {
			delete(t.faults, o)
		}
	}
}

// NextRetry is when Apply ought to be called again for the sake of objects that the kernel
// has refused; false if there are none.
func (t *Table) NextRetry() (time.Time, bool) {
	var first time.Time
	for _, f := range t.faults {
		if f.refused && (first.IsZero() || f.until.Before(first)) {
			first = f.until
		}
	}
	return first, !first.IsZero()
}
