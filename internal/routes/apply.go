package routes

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// Apply reads the kernel if need be, and makes the smallest change from what is to what
// is desired. Routes that the kernel refuses do not stop others: they are in error, and
// tried again. It returns when Apply is due again although nothing happens, zero for
// never; its own error is a failure to read, after which nothing has been written.
func (d *Driver) Apply(now time.Time) (next time.Time, err error) {
	// A round may find that something has changed since the kernel was read. A second
	// one puts that right; if even a third does not, it has to wait.
	const rounds = 3
	for range rounds {
		if d.stale {
			if now.Before(d.retryAt) {
				return d.retryAt, nil
			}
			if err := d.resync(); err != nil {
				d.retryAt = now.Add(readRetry)
				return d.retryAt, err
			}
		}
		d.round(now)
		if !d.stale {
			break
		}
	}
	d.settledOnce = d.settledOnce || d.inSync
	d.fights.forget(now)
	return d.nextDue(now), nil
}

// readRetry is the pause after the kernel could not be read.
const readRetry = time.Second

func (d *Driver) round(now time.Time) {
	w := d.plan(now)
	d.write(w.first, now)
	d.write(w.through, now)
	d.write(w.remove, now)
	d.flush(now)
	d.write(slices.DeleteFunc(w.last, func(w Write) bool {
		_, stands := d.tracker.Actual(w.Route.Key()) // its removal has failed
		return stands || d.isDirty(w.Route.Destination)
	}), now)
}

func (d *Driver) write(writes []Write, now time.Time) {
	if len(writes) == 0 {
		return
	}
	for i, err := range d.kernel.Write(writes) {
		w := writes[i]
		if w.Verb == Replace && errors.Is(err, syscall.EINVAL) {
			err = d.inTwoSteps(w.Route)
		}
		d.outcome(w, err, now)
	}
}

// inTwoSteps removes what stands and creates the new route: the kernel does not replace
// an IPv6 route by an onlink one whose gateway the old one leads to by another interface.
func (d *Driver) inTwoSteps(r Route) error {
	have, ok := d.tracker.Actual(r.Key())
	if !ok {
		return syscall.EINVAL
	}
	errs := d.kernel.Write([]Write{{Delete, have}, {Create, r}})
	if errs[0] == nil && errs[1] != nil {
		d.notePod(have, true)
		d.tracker.ObserveGone(r.Key())
	}
	return errs[1]
}

// outcome keeps what has become of a write.
func (d *Driver) outcome(w Write, err error, now time.Time) {
	k := w.Route.Key()
	switch {
	case w.Verb == Delete && (err == nil || errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENODEV)):
		d.notePod(w.Route, true)
		d.tracker.ObserveGone(k)
		if d.onPod(w.Route) && !d.standsOn(w.Route.Link, w.Route) {
			d.soilKey(k)
		}
	case err == nil:
		if w.Verb == Replace {
			d.replaced(k, w.Route)
		}
		d.notePod(w.Route, false)
		d.tracker.Observe(k, w.Route)
	case w.Verb == Create && errors.Is(err, syscall.EEXIST):
		d.stale = true // somebody was faster
	default:
		d.stale = d.stale || errors.Is(err, syscall.ENOBUFS) // answers were lost
		d.tracker.Fail(k, fmt.Errorf("route %s: %w", w.Route.Text(d.linkName), err), now)
	}
}

// replaced takes note of a route that has given way to one out of another interface.
func (d *Driver) replaced(k Key, now Route) {
	if have, stood := d.tracker.Actual(k); stood && have.Link != now.Link {
		d.notePod(have, true)
	}
}

// nextDue is the earliest of all that waits for a time.
func (d *Driver) nextDue(now time.Time) time.Time {
	var due []time.Time
	if d.stale {
		due = append(due, now.Add(firstRetry))
	}
	if d.waiting {
		due = append(due, now)
	}
	if t, ok := d.tracker.NextRetry(); ok {
		due = append(due, t)
	}
	if t, ok := d.nextFlush(); ok {
		due = append(due, t)
	}
	if len(due) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(due, time.Time.Compare)
}

// Settled says whether the kernel has all that is desired, and nothing else of ours.
func (d *Driver) Settled() bool { return !d.stale && d.tracker.Settled() && len(d.dirty) == 0 }
