// Package reconcile holds the one data structure that all drivers share: what ought to
// be in the kernel, what is there, and what remains to be done about the difference.
//
//	     desired              actual
//	┌──────────────────┬──────────────────┐
//	│                ┌─┴─┐                │
//	│   to create    │ = │   to delete    │
//	│                │───│                │
//	│                │ ≠ │  (once the     │
//	│                └─┬─┘   source is    │
//	│                  │     in sync)     │
//	└──────────────────┴──────────────────┘
//	  =  desired and actual agree: done
//	  ≠  both are there and differ: to change in place
//
// Updates are "to create" and ≠; deletions are "to delete".
//
// The package does no I/O, reads no clock and logs nothing. It owns nothing in the kernel.
package reconcile

import (
	"iter"
	"time"
)

// Tracker follows objects of one kind, by key. It is not safe for concurrent use.
//
// An object on which desired and actual agree costs one map entry and nothing else, so
// that a set of 100,000 members (V = struct{}) costs what a set costs. Whatever is not
// settled costs an entry with both values, and one that failed a little more.
//
// Deletions are closed until InSync is called: before a source has been read in full,
// an object that is not desired may only be one that has not been read yet. The gate is
// here, not in the drivers, so that no driver can forget it. It holds back undesired
// objects only; changes in place are always open, since they were asked for.
type Tracker[K comparable, V any] struct {
	equal func(a, b V) bool
	// settled holds the objects that are desired and actual with equal values.
	settled map[K]V
	// open holds all the others. No key is in both. What it points to is changed in place:
	// a map would move a value as large as two of a driver's with every change.
	open map[K]*object[V]
	// room is what new objects are taken from.
	room []object[V]
	// peak is how large open has been since it was made: maps do not shrink, and
	// going through an empty one that was large is slow.
	peak   int
	inSync bool
	retry  func(failures int) time.Duration
}

// object is one that is not settled.
type object[V any] struct {
	want, have       V
	desired, present bool
	// unseen marks a present object during a full read until it has turned up.
	unseen bool
	fault  *fault
}

type fault struct {
	err      error
	first    time.Time
	last     time.Time
	next     time.Time // when it is due again
	failures int
}

// Change is one update to make: create the object if it is not Present, else change it
// in place from Have to Want.
type Change[V any] struct {
	Want    V
	Have    V
	Present bool
}

// Options for New.
type Options[V any] struct {
	// Equal says whether two values mean the same to the kernel. It is required.
	Equal func(a, b V) bool
	// Retry says how long to leave an object alone after so many failures in a row
	// (one or more). Nil tries again with every Update and Delete.
	Retry func(failures int) time.Duration
}

// New makes a Tracker that knows of nothing.
func New[K comparable, V any](o Options[V]) *Tracker[K, V] {
	return &Tracker[K, V]{
		equal:   o.Equal,
		settled: map[K]V{},
		open:    map[K]*object[V]{},
		retry:   o.Retry,
	}
}

// NewSet makes a Tracker of keys that have no value, such as members of a set.
func NewSet[K comparable]() *Tracker[K, struct{}] {
	return New[K](Options[struct{}]{Equal: func(_, _ struct{}) bool { return true }})
}

// Desire says that the object ought to be there with the value v. Saying the same again
// changes nothing; another value clears an earlier failure.
func (t *Tracker[K, V]) Desire(k K, v V) {
	if old, ok := t.settled[k]; ok {
		if !t.equal(old, v) {
			delete(t.settled, k)
			t.put(k, object[V]{want: v, have: old, desired: true, present: true})
		}
		return
	}
	o := t.open[k]
	switch {
	case o == nil:
		t.put(k, object[V]{want: v, desired: true})
	case !o.desired || !t.equal(o.want, v):
		o.want, o.desired, o.fault = v, true, nil
		t.place(k, o)
	}
}

// Undesire says that the object ought not to be there. It becomes a deletion if it is.
func (t *Tracker[K, V]) Undesire(k K) {
	if old, ok := t.settled[k]; ok {
		delete(t.settled, k)
		t.put(k, object[V]{have: old, present: true})
		return
	}
	if o, ok := t.open[k]; ok && o.desired {
		var none V
		o.want, o.desired, o.fault = none, false, nil
		t.place(k, o)
	}
}

// Observe says that the kernel has the object with the value v: it was read, an event
// told of it, or a write of it has succeeded. News clears an earlier failure.
func (t *Tracker[K, V]) Observe(k K, v V) {
	// After a write it is an open one; where most are settled, few are open, and this costs little.
	if o := t.open[k]; o != nil {
		o.unseen = false
		if !o.present || !t.equal(o.have, v) {
			o.have, o.present, o.fault = v, true, nil
		}
		t.place(k, o)
		return
	}
	old, ok := t.settled[k]
	switch {
	case !ok:
		t.put(k, object[V]{have: v, present: true})
	case !t.equal(old, v):
		delete(t.settled, k)
		t.put(k, object[V]{want: old, have: v, desired: true, present: true})
	}
}

// ObserveGone says that the kernel does not have the object.
func (t *Tracker[K, V]) ObserveGone(k K) {
	if old, ok := t.settled[k]; ok {
		delete(t.settled, k)
		t.put(k, object[V]{want: old, desired: true})
		return
	}
	if o, ok := t.open[k]; ok && o.present {
		var none V
		o.have, o.present, o.unseen, o.fault = none, false, false, nil
		t.place(k, o)
	}
}

// ObserveAll says that the kernel has these objects and no others, as after a full
// read. It may go through them twice, and each must be among them once. Failures stay with
// objects of which the read brings no news.
func (t *Tracker[K, V]) ObserveAll(actual iter.Seq2[K, V]) {
	if t.agrees(actual) {
		return
	}
	unread := t.settled
	t.settled = make(map[K]V, len(unread))
	for _, o := range t.open {
		o.unseen = o.present
	}
	for k, v := range actual {
		want, ok := unread[k]
		switch {
		case !ok:
			t.Observe(k, v)
		case t.equal(want, v):
			delete(unread, k)
			t.settled[k] = want
		default:
			delete(unread, k)
			t.put(k, object[V]{want: want, have: v, desired: true, present: true})
		}
	}
	for k, want := range unread {
		t.put(k, object[V]{want: want, desired: true})
	}
	for k, o := range t.open {
		if o.unseen {
			t.ObserveGone(k)
		}
	}
	t.trim()
}

// agrees says whether a full read brings no news, which is what most of them bring. It writes
// nothing: that is what makes it cheap.
func (t *Tracker[K, V]) agrees(actual iter.Seq2[K, V]) bool {
	if len(t.open) > 0 {
		return false
	}
	seen := 0
	for k, v := range actual {
		if want, ok := t.settled[k]; !ok || !t.equal(want, v) {
			return false
		}
		seen++
	}
	return seen == len(t.settled)
}

// Reserve makes room for so many objects that are about to be desired or observed, which is
// cheaper than growing by and by.
func (t *Tracker[K, V]) Reserve(n int) {
	if len(t.open) == 0 && n > worthKeeping {
		t.open, t.peak = make(map[K]*object[V], n), n
	}
}

// InSync opens deletions: the source has been read in full. They stay open.
func (t *Tracker[K, V]) InSync() { t.inSync = true }

// place files an object under what it has become.
func (t *Tracker[K, V]) place(k K, o *object[V]) {
	switch {
	case !o.desired && !o.present:
		delete(t.open, k)
	case o.desired && o.present && t.equal(o.want, o.have):
		if len(t.settled) == 0 && len(t.open) > worthKeeping {
			t.settled = make(map[K]V, len(t.open)) // the first of many
		}
		delete(t.open, k)
		t.settled[k] = o.want
	}
	t.trim()
}

// put adds an object to the open ones. The more there are, the more room is made at once:
// one that stays open for long keeps a few others' room, but few in proportion.
func (t *Tracker[K, V]) put(k K, o object[V]) {
	if len(t.room) == 0 {
		t.room = make([]object[V], min(1+len(t.open)/8, mostRoom))
	}
	t.room[0] = o
	t.open[k] = &t.room[0]
	t.room = t.room[1:]
	t.peak = max(t.peak, len(t.open))
}

// worthKeeping is how small a map is whose room is no matter.
const worthKeeping = 64

// mostRoom is for how many objects room is made at most at once.
const mostRoom = 256

// trim gives an emptied map's memory back.
func (t *Tracker[K, V]) trim() {
	if len(t.open) == 0 && t.peak > worthKeeping {
		t.open, t.room, t.peak = map[K]*object[V]{}, nil, 0
	}
}
