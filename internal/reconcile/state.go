package reconcile

import (
	"iter"
	"time"
)

// State is how far an object has got.
type State uint8

// The states. An object that is neither desired nor in the kernel is Unknown.
const (
	Unknown State = iota
	// Pending: desired, but the kernel has not got it, or not like that.
	Pending
	// Done: desired, and the kernel has it.
	Done
	// Unwanted: the kernel has it, and nobody asked for it.
	Unwanted
	// Failed: it is Pending or Unwanted, and the last attempt at it has failed.
	Failed
)

// String is the state's name in status and dumps.
func (s State) String() string {
	return [...]string{"unknown", "pending", "done", "unwanted", "error"}[s]
}

// Status is an object's state. The other fields are those of a Failed one.
type Status struct {
	State State
	Err   error
	// Since is when the present row of failures began, At when the last one was.
	Since    time.Time
	At       time.Time
	Failures int
}

// String is the state's name, and the text of the error if there is one.
func (s Status) String() string {
	if s.Err == nil {
		return s.State.String()
	}
	return s.State.String() + ": " + s.Err.Error()
}

// State tells an object's state.
func (t *Tracker[K, V]) State(k K) Status {
	if _, ok := t.settled[k]; ok {
		return Status{State: Done}
	}
	o, ok := t.open[k]
	if !ok {
		return Status{}
	}
	return o.status()
}

func (o *object[V]) status() Status {
	switch {
	case o.fault != nil:
		f := o.fault
		return Status{State: Failed, Err: f.err, Since: f.first, At: f.last, Failures: f.failures}
	case o.desired:
		return Status{State: Pending}
	}
	return Status{State: Unwanted}
}

// Counts says how many objects are in each state.
type Counts struct{ Pending, Done, Unwanted, Failed int }

// Counts goes through the objects that are not settled, and no others.
func (t *Tracker[K, V]) Counts() Counts {
	c := Counts{Done: len(t.settled)}
	for _, o := range t.open {
		switch o.status().State {
		case Pending:
			c.Pending++
		case Unwanted:
			c.Unwanted++
		case Failed:
			c.Failed++
		}
	}
	return c
}

// Open is the number of objects on which desired and actual do not agree.
func (t *Tracker[K, V]) Open() int { return len(t.open) }

// Settled says whether nothing remains to be done. Deletions that InSync has not opened
// yet do not count.
func (t *Tracker[K, V]) Settled() bool {
	for _, o := range t.open {
		if o.desired || t.inSync {
			return false
		}
	}
	return true
}

// Errors lists the failed objects, in no particular order.
func (t *Tracker[K, V]) Errors() iter.Seq2[K, Status] {
	return func(yield func(K, Status) bool) {
		for k, o := range t.open {
			if o.fault != nil && !yield(k, o.status()) {
				return
			}
		}
	}
}

// Desired is the value that an object ought to have, if it is desired.
func (t *Tracker[K, V]) Desired(k K) (V, bool) {
	if v, ok := t.settled[k]; ok {
		return v, true
	}
	if o := t.open[k]; o != nil {
		return o.want, o.desired
	}
	var none V
	return none, false
}

// Actual is the value that the kernel has, if it has the object. Of a settled object it
// is the desired value, which is Equal.
func (t *Tracker[K, V]) Actual(k K) (V, bool) {
	if v, ok := t.settled[k]; ok {
		return v, true
	}
	if o := t.open[k]; o != nil {
		return o.have, o.present
	}
	var none V
	return none, false
}

// AllDesired lists what ought to be there, in no particular order.
func (t *Tracker[K, V]) AllDesired() iter.Seq2[K, V] {
	return t.all(func(o *object[V]) (V, bool) { return o.want, o.desired })
}

// AllActual lists what is there, in no particular order.
func (t *Tracker[K, V]) AllActual() iter.Seq2[K, V] {
	return t.all(func(o *object[V]) (V, bool) { return o.have, o.present })
}

func (t *Tracker[K, V]) all(side func(*object[V]) (V, bool)) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for k, v := range t.settled {
			if !yield(k, v) {
				return
			}
		}
		for k, o := range t.open {
			if v, ok := side(o); ok && !yield(k, v) {
				return
			}
		}
	}
}
