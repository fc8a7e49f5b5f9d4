package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// record stands between the source and the engine and remembers what went by: it is the
// model as it stands. The values are the source's own; remembering them costs a map.
//
// It also lets one source take another's place (after a change of its settings, or a
// failure): what the new one does not have, once it has read everything, is gone.
type record struct {
	next source.Sink
	// seen is told of each object as it comes; may be nil. It must not block.
	seen func(model.Event)

	mu      sync.Mutex
	objects map[model.Key]model.Value
	counts  map[model.Kind]int
	// doubted are objects and places of an earlier source that the present one has not
	// spoken of yet.
	doubted struct {
		objects map[model.Key]bool
		places  map[string]bool
	}
	places map[string]bool
}

func newRecord(next source.Sink, seen func(model.Event)) *record {
	return &record{next: next, seen: seen, objects: map[model.Key]model.Value{}, counts: map[model.Kind]int{}, places: map[string]bool{}}
}

// replaceSource says that what comes from here on is said by another source.
func (r *record) replaceSource() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted.objects, r.doubted.places = map[model.Key]bool{}, maps.Clone(r.places)
	for key := range r.objects {
		// Facts of the kernel are not the source's.
		if key.Kind != model.KindStandingRoute {
			r.doubted.objects[key] = true
		}
	}
}

// facts are events that take back all that the kernel has shown.
func (r *record) facts() (gone []model.Event) {
	for _, e := range r.all() {
		if e.Key.Kind == model.KindStandingRoute {
			gone = append(gone, model.Event{Key: e.Key})
		}
	}
	return gone
}

// note remembers events.
func (r *record) note(events []model.Event) {
	r.mu.Lock()
	for _, e := range events {
		r.remember(e)
	}
	r.mu.Unlock()
	if r.seen != nil {
		for _, e := range events {
			r.seen(e)
		}
	}
}

func (r *record) remember(e model.Event) {
	_, known := r.objects[e.Key]
	switch {
	case e.Value != nil:
		r.objects[e.Key] = e.Value
		if !known {
			r.counts[e.Key.Kind]++
		}
	case known:
		delete(r.objects, e.Key)
		r.counts[e.Key.Kind]--
	}
	delete(r.doubted.objects, e.Key)
}

// Update implements source.Sink.
func (r *record) Update(events []model.Event) {
	r.note(events)
	r.next.Update(events)
}

// Report implements source.Sink.
func (r *record) Report(place string, problems []model.Problem) {
	r.mu.Lock()
	delete(r.doubted.places, place)
	if len(problems) == 0 {
		delete(r.places, place)
	} else {
		r.places[place] = true
	}
	r.mu.Unlock()
	r.next.Report(place, problems)
}

// Sync implements source.Sink.
func (r *record) Sync(s source.Sync) {
	if s.InSync {
		r.dropDoubted()
	}
	r.next.Sync(s)
}

// dropDoubted removes what the present source, which has read everything, does not have.
func (r *record) dropDoubted() {
	r.mu.Lock()
	keys := slices.SortedFunc(maps.Keys(r.doubted.objects), model.Key.Compare)
	places := slices.Sorted(maps.Keys(r.doubted.places))
	r.mu.Unlock()
	for _, place := range places {
		r.Report(place, nil)
	}
	events := make([]model.Event, len(keys))
	for i, key := range keys {
		events[i] = model.Event{Key: key}
	}
	if len(events) > 0 {
		r.Update(events)
	}
}

// all are the objects as events, sorted by kind and name.
func (r *record) all() []model.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := make([]model.Event, 0, len(r.objects))
	for key, value := range r.objects {
		events = append(events, model.Event{Key: key, Value: value})
	}
	slices.SortFunc(events, func(a, b model.Event) int { return a.Key.Compare(b.Key) })
	return events
}

// write writes a line for each object, and more for policies.
func (r *record) write(w io.Writer) error {
	for _, e := range r.all() {
		if _, err := fmt.Fprintln(w, e); err != nil {
			return err
		}
	}
	return nil
}

// count is how many objects there are of each kind.
func (r *record) count() map[model.Kind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}
