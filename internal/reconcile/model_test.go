package reconcile

import (
	"errors"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// slow is the obvious model: two maps, and the failures beside them.
type slow struct {
	desired, actual map[string]int
	failures        map[string]int
	inSync          bool
}

func (s *slow) settled(k string) bool {
	want, a := s.desired[k]
	have, b := s.actual[k]
	return a == b && want == have
}

// changed forgets a failure if fn changes what is known of the object.
func (s *slow) changed(k string, fn func()) {
	want, a := s.desired[k]
	have, b := s.actual[k]
	fn()
	want2, a2 := s.desired[k]
	have2, b2 := s.actual[k]
	if want != want2 || a != a2 || have != have2 || b != b2 {
		delete(s.failures, k)
	}
}

func (s *slow) status(k string) State {
	_, desired := s.desired[k]
	_, present := s.actual[k]
	switch {
	case !desired && !present:
		return Unknown
	case s.settled(k):
		return Done
	case s.failures[k] > 0:
		return Failed
	case desired:
		return Pending
	}
	return Unwanted
}

// updates and deletions are the work that the model sees.
func (s *slow) updates() map[string]Change[int] {
	out := map[string]Change[int]{}
	for k, want := range s.desired {
		have, ok := s.actual[k]
		if !s.settled(k) {
			out[k] = Change[int]{Want: want, Have: have, Present: ok}
		}
	}
	return out
}

func (s *slow) deletions() map[string]int {
	out := map[string]int{}
	for k, have := range s.actual {
		if _, ok := s.desired[k]; !ok && s.inSync {
			out[k] = have
		}
	}
	return out
}

var keys = []string{"a", "b", "c", "d"}

// machine is a Tracker and its model, and what can be done to both.
type machine struct {
	tr  *Tracker[string, int]
	m   *slow
	now time.Time
}

func TestTrackerAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := &machine{
			tr: newTracker(nil), now: at(0),
			m: &slow{desired: map[string]int{}, actual: map[string]int{}, failures: map[string]int{}},
		}
		actions := map[string]func(*rapid.T){
			"InSync": func(*rapid.T) { x.tr.InSync(); x.m.inSync = true },
			"Fail":   x.fail,
			"Retry":  x.retry,
			"Update": x.update,
			"Delete": x.remove,
			"":       func(t *rapid.T) { agree(t, x.tr, x.m, x.now) },
		}
		maps.Copy(actions, x.news())
		t.Repeat(actions)
	})
}

// news is what the tracker can be told.
func (x *machine) news() map[string]func(*rapid.T) {
	key, value := rapid.SampledFrom(keys), rapid.IntRange(0, 2)
	return map[string]func(*rapid.T){
		"Desire": func(t *rapid.T) {
			k, v := key.Draw(t, "key"), value.Draw(t, "value")
			x.tr.Desire(k, v)
			x.m.changed(k, func() { x.m.desired[k] = v })
		},
		"Undesire": func(t *rapid.T) {
			k := key.Draw(t, "key")
			x.tr.Undesire(k)
			x.m.changed(k, func() { delete(x.m.desired, k) })
		},
		"Observe": func(t *rapid.T) {
			k, v := key.Draw(t, "key"), value.Draw(t, "value")
			x.tr.Observe(k, v)
			x.m.changed(k, func() { x.m.actual[k] = v })
		},
		"ObserveGone": func(t *rapid.T) {
			k := key.Draw(t, "key")
			x.tr.ObserveGone(k)
			x.m.changed(k, func() { delete(x.m.actual, k) })
		},
		"ObserveAll": func(t *rapid.T) {
			all := rapid.MapOf(key, value).Draw(t, "all")
			x.tr.ObserveAll(maps.All(all))
			for _, k := range keys {
				x.m.changed(k, func() {
					delete(x.m.actual, k)
					if v, ok := all[k]; ok {
						x.m.actual[k] = v
					}
				})
			}
		},
	}
}

func (x *machine) fail(t *rapid.T) {
	k := rapid.SampledFrom(keys).Draw(t, "key")
	x.tr.Fail(k, errRefused, x.now)
	if !x.m.settled(k) {
		x.m.failures[k]++
	}
}

func (x *machine) retry(t *rapid.T) {
	k := rapid.SampledFrom(keys).Draw(t, "key")
	x.tr.Retry(k)
	delete(x.m.failures, k)
}

var outcomes = []error{nil, Later, errRefused}

func (x *machine) update(t *rapid.T) {
	x.now = x.now.Add(time.Second)
	todo := x.m.updates()
	x.tr.Update(x.now, func(k string, c Change[int]) error {
		if want, ok := todo[k]; !ok || want != c {
			t.Fatalf("update %s %+v, want %+v", k, c, want)
		}
		delete(todo, k)
		err := rapid.SampledFrom(outcomes).Draw(t, k)
		x.m.outcome(k, err, func() { x.m.actual[k] = c.Want })
		return err
	})
	if len(todo) > 0 {
		t.Fatalf("not tried: %v", todo)
	}
}

func (x *machine) remove(t *rapid.T) {
	x.now = x.now.Add(time.Second)
	todo := x.m.deletions()
	x.tr.Delete(x.now, func(k string, have int) error {
		if want, ok := todo[k]; !ok || want != have {
			t.Fatalf("delete %s %d, want %d, %v", k, have, want, ok)
		}
		delete(todo, k)
		err := rapid.SampledFrom(outcomes).Draw(t, k)
		x.m.outcome(k, err, func() { delete(x.m.actual, k) })
		return err
	})
	if len(todo) > 0 {
		t.Fatalf("not tried: %v", todo)
	}
}

func (s *slow) outcome(k string, err error, done func()) {
	switch {
	case err == nil:
		s.changed(k, done)
		delete(s.failures, k)
	case !errors.Is(err, Later):
		s.failures[k]++
	}
}

// agree compares everything that the Tracker can be asked.
func agree(t *rapid.T, tr *Tracker[string, int], m *slow, now time.Time) {
	var counts Counts
	for _, k := range keys {
		got, want := tr.State(k), m.status(k)
		if got.State != want {
			t.Fatalf("%s is %v, want %v", k, got, want)
		}
		if want == Failed && got.Failures != m.failures[k] {
			t.Fatalf("%s has failed %d times, want %d", k, got.Failures, m.failures[k])
		}
		switch want {
		case Pending:
			counts.Pending++
		case Done:
			counts.Done++
		case Unwanted:
			counts.Unwanted++
		case Failed:
			counts.Failed++
		}
	}
	if open := counts.Pending + counts.Unwanted + counts.Failed; tr.Open() != open {
		t.Fatalf("%d open, want %d", tr.Open(), open)
	}
	if tr.Counts() != counts {
		t.Fatalf("counts %+v, want %+v", tr.Counts(), counts)
	}
	if got := maps.Collect(tr.AllDesired()); !maps.Equal(got, m.desired) {
		t.Fatalf("desired %v, want %v", got, m.desired)
	}
	if got := maps.Collect(tr.AllActual()); !maps.Equal(got, m.actual) {
		t.Fatalf("actual %v, want %v", got, m.actual)
	}
	if got := maps.Collect(tr.Updates(now)); !maps.Equal(got, m.updates()) {
		t.Fatalf("updates %v, want %v", got, m.updates())
	}
	if got := maps.Collect(tr.Deletions(now)); !maps.Equal(got, m.deletions()) {
		t.Fatalf("deletions %v, want %v", got, m.deletions())
	}
	if settled := len(m.updates())+len(m.deletions()) == 0; tr.Settled() != settled {
		t.Fatalf("settled %v, want %v", tr.Settled(), settled)
	}
}
