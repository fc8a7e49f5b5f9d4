package kubernetes

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/margay-net/margay/internal/model"
)

// store is what the sink has been told of one kind. There is no other copy of an object
// in the source: it is converted as it comes, and what is kept is what was told.
type store struct {
	kind *kind
	tell *teller
	// objects are in force, by the names that the API knows them by.
	objects map[types.NamespacedName]object
	// doubted are those of the objects that the last list did not have, while a second one is
	// waited for.
	doubted map[types.NamespacedName]bool
}

func newStore(k *kind, t *teller) *store {
	return &store{kind: k, tell: t, objects: map[types.NamespacedName]object{}}
}

// set takes in one object.
func (s *store) set(r *reading) {
	s.tell.mu.Lock()
	defer s.tell.mu.Unlock()
	delete(s.doubted, r.name)
	s.tell.update(s.put(r, nil))
	s.tell.contest(r.object)
}

// remove takes out one object.
func (s *store) remove(name types.NamespacedName) {
	s.tell.mu.Lock()
	defer s.tell.mu.Unlock()
	delete(s.doubted, name)
	s.tell.update(s.drop(name, nil))
}

// replace takes in all that there is. It says whether it takes another list to believe
// that what this one lacks is gone; sure says that this is that other list.
func (s *store) replace(all collection, sure bool) (doubtful bool) {
	s.tell.mu.Lock()
	defer s.tell.mu.Unlock()
	var events []model.Event
	for _, r := range all {
		events = s.put(r, events)
	}
	s.tell.update(events)
	var gone []types.NamespacedName
	for name := range s.objects {
		if all[name] == nil {
			gone = append(gone, name)
		}
	}
	s.doubted = nil
	defer s.tell.contestAll()
	if !sure && s.tell.guard.doubts(s.kind, len(gone), len(s.objects)) {
		s.doubted = make(map[types.NamespacedName]bool, len(gone))
		for _, name := range gone {
			s.doubted[name] = true
		}
		return true
	}
	s.dropAll(gone)
	return false
}

// holds says whether there is any object.
func (s *store) holds() bool {
	s.tell.mu.Lock()
	defer s.tell.mu.Unlock()
	return len(s.objects) > 0
}

// dropAll takes out objects.
func (s *store) dropAll(names []types.NamespacedName) {
	var events []model.Event
	for _, name := range names {
		events = s.drop(name, events)
	}
	s.tell.update(events)
}

// put puts an object in force and adds the events that say so, if it is news.
func (s *store) put(r *reading, events []model.Event) []model.Event {
	before, known := s.objects[r.name]
	if r.unreadable && known && before.value != nil && r.key == before.key {
		r.value = before.value
	}
	if r.flawed || before.flawed {
		s.tell.report(s.place(r.name), r.problems)
	}
	if r.status != nil && s.tell.recorder != nil {
		s.tell.recorder.judge(s.place(r.name), s.kind.resource, r.status, r.problems)
	}
	if known && before.key != r.key && before.value != nil {
		events = append(events, model.Event{Key: before.key})
		before.value = nil
	}
	if reflect.DeepEqual(before.value, r.value) {
		r.value = before.value // one copy is enough
	} else {
		events = append(events, model.Event{Key: r.key, Value: r.value})
	}
	s.objects[r.name] = r.object
	return events
}

// drop takes an object out of force and adds the event that says so.
func (s *store) drop(name types.NamespacedName, events []model.Event) []model.Event {
	before, known := s.objects[name]
	if !known {
		return events
	}
	delete(s.objects, name)
	if before.flawed {
		s.tell.report(s.place(name), nil)
	}
	if before.value != nil {
		events = append(events, model.Event{Key: before.key})
	}
	return events
}

// place is the object's, among those that problems are reported for.
func (s *store) place(name types.NamespacedName) string {
	if name.Namespace == "" {
		return s.kind.label() + " " + name.Name
	}
	return s.kind.label() + " " + name.Namespace + "/" + name.Name
}

// sortedEvents puts events into an order of their own, so that equal input gives equal
// output.
func sortedEvents(events []model.Event) []model.Event {
	slices.SortFunc(events, func(a, b model.Event) int { return a.Key.Compare(b.Key) })
	return events
}
