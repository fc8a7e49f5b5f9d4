package ipset

import (
	"cmp"
	"slices"
	"time"
)

// fault is why a set is not as it ought to be.
type fault struct {
	err       error
	since, at time.Time
	until     time.Time
	failures  int
}

// Problem is a set that is not in the kernel as it ought to be.
type Problem struct {
	Name string
	Err  error
	// Since when it fails, when it last did, and how often.
	Since, At time.Time
	Failures  int
}

// blame notes that a set was refused.
func (d *Driver) blame(name string, err error, now time.Time) {
	f := d.faults[name]
	if f == nil {
		f = &fault{since: now}
		d.faults[name] = f
	}
	f.failures++
	f.err, f.at, f.until = err, now, now.Add(d.retry(f.failures))
}

// held says whether a set is left alone for now, having been refused.
func (d *Driver) held(name string, now time.Time) bool {
	f := d.faults[name]
	return f != nil && now.Before(f.until)
}

// Problems lists the sets that are not as they ought to be, by name.
func (d *Driver) Problems() []Problem {
	var out []Problem
	for name, f := range d.faults {
		out = append(out, Problem{Name: name, Err: f.err, Since: f.since, At: f.at, Failures: f.failures})
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// NextRetry is when a set that was refused is to be tried again; zero for none.
func (d *Driver) NextRetry() time.Time {
	var first time.Time
	for _, f := range d.faults {
		if first.IsZero() || f.until.Before(first) {
			first = f.until
		}
	}
	if at, ok := d.sets.NextRetry(); ok && (first.IsZero() || at.Before(first)) {
		first = at
	}
	return first
}
