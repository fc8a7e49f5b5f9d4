package reconcile

import (
	"errors"
	"iter"
	"time"
)

// Later is what an attempt returns that was not made: something else must come first.
// The object stays as it is, pending or failed.
const Later = notTried("left for later")

type notTried string

// Error is what an attempt that was not made says of itself.
func (n notTried) Error() string { return string(n) }

// Update tries each update that is due, in no particular order. What try returns is
// what has become of it: nil for "the kernel has it now", Later for "not tried", and
// any other error for a failure, which is kept with the object and the time, and stops
// no other. try must not call the Tracker's own methods.
func (t *Tracker[K, V]) Update(now time.Time, try func(K, Change[V]) error) {
	for k, o := range t.open {
		if !o.desired || !due(o.fault, now) {
			continue
		}
		err := try(k, Change[V]{Want: o.want, Have: o.have, Present: o.present})
		if err == nil {
			delete(t.open, k)
			t.settled[k] = o.want
			continue
		}
		t.fail(o, err, now)
	}
	t.trim()
}

// Delete tries each deletion that is due, as Update does; nil means "it is gone". It
// does nothing before InSync.
func (t *Tracker[K, V]) Delete(now time.Time, try func(K, V) error) {
	if !t.inSync {
		return
	}
	for k, o := range t.open {
		if o.desired || !due(o.fault, now) {
			continue
		}
		err := try(k, o.have)
		if err == nil {
			delete(t.open, k)
			continue
		}
		t.fail(o, err, now)
	}
	t.trim()
}

// Updates are the updates that Update would try, for drivers that write several at once
// and tell the outcome afterwards by Observe and Fail.
func (t *Tracker[K, V]) Updates(now time.Time) iter.Seq2[K, Change[V]] {
	return func(yield func(K, Change[V]) bool) {
		for k, o := range t.open {
			if !o.desired || !due(o.fault, now) {
				continue
			}
			if !yield(k, Change[V]{Want: o.want, Have: o.have, Present: o.present}) {
				return
			}
		}
	}
}

// Deletions are the objects that Delete would try, with what the kernel has; the
// outcome is told by ObserveGone and Fail. There are none before InSync.
func (t *Tracker[K, V]) Deletions(now time.Time) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if !t.inSync {
			return
		}
		for k, o := range t.open {
			if o.desired || !due(o.fault, now) {
				continue
			}
			if !yield(k, o.have) {
				return
			}
		}
	}
}

// Fail says that an update or a deletion of the object has failed. An object that is
// settled or unknown has nothing that could fail: it stays as it is.
func (t *Tracker[K, V]) Fail(k K, err error, now time.Time) {
	if o, ok := t.open[k]; ok {
		t.fail(o, err, now)
	}
}

// Hold is a Fail that says itself when the object is due again.
func (t *Tracker[K, V]) Hold(k K, err error, now, until time.Time) {
	t.Fail(k, err, now)
	if o := t.open[k]; o != nil && o.fault != nil {
		o.fault.next = until
	}
}

// Retry forgets that the object has failed: something that it depends on has changed, and
// it is due at once.
func (t *Tracker[K, V]) Retry(k K) {
	if o, ok := t.open[k]; ok {
		o.fault = nil
	}
}

func (t *Tracker[K, V]) fail(o *object[V], err error, now time.Time) {
	if errors.Is(err, Later) {
		return
	}
	f := fault{err: err, first: now, last: now, failures: 1}
	if o.fault != nil {
		f.first, f.failures = o.fault.first, o.fault.failures+1
	}
	f.next = now
	if t.retry != nil {
		f.next = now.Add(t.retry(f.failures))
	}
	o.fault = &f
}

// due says whether an object may be tried.
func due(f *fault, now time.Time) bool { return f == nil || !now.Before(f.next) }

// NextRetry is when the first of the failed objects is due again; false if none failed.
// What is pending, but has not failed, is due at any time and does not count. Before
// InSync, nor do failed deletions.
func (t *Tracker[K, V]) NextRetry() (time.Time, bool) {
	var first time.Time
	found := false
	for _, o := range t.open {
		if o.fault == nil || (!o.desired && !t.inSync) {
			continue
		}
		if at := o.fault.next; !found || at.Before(first) {
			first, found = at, true
		}
	}
	return first, found
}

// Backoff is a Retry that starts at first, doubles with each failure and ends at most.
func Backoff(first, most time.Duration) func(failures int) time.Duration {
	return func(failures int) time.Duration {
		d := first
		for range failures - 1 {
			if d >= most/2 {
				return most
			}
			d *= 2
		}
		return min(d, most)
	}
}
