package iptables

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/reconcile"
)

// fault is why a chain is not as it ought to be.
type fault struct {
	err error
	// refused is true if the kernel, or the program, said so: the chain is tried again after
	// until. Otherwise something is missing that it refers to.
	refused   bool
	trying    bool
	since, at time.Time
	until     time.Time
	failures  int
}

// Problem is a chain or a set that is not in the kernel as it ought to be.
type Problem struct {
	// Object is what it is: "filter chain cali-fw-cali1", "set cali40s".
	Object string
	// Err is why. Since when it fails, when it last did, and how often.
	Err       error
	Since, At time.Time
	Failures  int
}

// complain notes what is missing that a chain refers to.
func (t *table) complain(name, missing string, now time.Time) {
	f := t.faults[name]
	if f == nil || f.refused {
		f = &fault{since: now}
		t.faults[name] = f
	}
	f.err, f.at, f.failures = fmt.Errorf("closed: there is %s", missing), now, 1
}

// settle forgets what was missing.
func (t *table) settle(name string) {
	if f := t.faults[name]; f != nil && !f.refused {
		delete(t.faults, name)
	}
}

// banned says whether a chain is in its closed form because it was refused.
func (t *table) banned(name string) bool {
	f := t.faults[name]
	return f != nil && f.refused && !f.trying
}

// refuse notes that a chain was refused.
func (t *table) refuse(name string, err error, now time.Time, retry func(int) time.Duration) {
	f := t.faults[name]
	if f == nil || !f.refused {
		f = &fault{since: now, refused: true}
		t.faults[name] = f
	}
	f.failures++
	f.err, f.at, f.until, f.trying = err, now, now.Add(retry(f.failures)), false
	t.dirty[name] = struct{}{}
}

// retryFaults gives refused chains another try when they are due.
func (t *table) retryFaults(now time.Time) {
	for name, f := range t.faults {
		if f.refused && !f.trying && !now.Before(f.until) {
			f.trying = true
			t.dirty[name] = struct{}{}
		}
	}
}

// accepted forgets the refusals of chains that were tried again and taken.
func (t *table) accepted() {
	for name, f := range t.faults {
		if f.refused && f.trying {
			delete(t.faults, name)
		}
	}
}

// Problems lists what is not as it ought to be.
func (d *Driver) Problems() []Problem {
	var out []Problem
	for _, t := range d.tables {
		for name, f := range t.faults {
			out = append(out, Problem{t.name + " chain " + name, f.err, f.since, f.at, f.failures})
		}
	}
	for _, p := range d.sets.Problems() {
		out = append(out, Problem{"set " + p.Name, p.Err, p.Since, p.At, p.Failures})
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Compare(a.Object, b.Object) })
	return out
}

// ChainStatus says how far a chain has got.
func (d *Driver) ChainStatus(table, chain string) reconcile.Status {
	t := d.table(table)
	if f := t.faults[chain]; f != nil {
		return reconcile.Status{State: reconcile.Failed, Err: f.err, Since: f.since, At: f.at, Failures: f.failures}
	}
	if _, dirty := t.dirty[chain]; dirty {
		return reconcile.Status{State: reconcile.Pending}
	}
	return t.chains.State(chain)
}
