package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// listener keeps what it is told, as text.
type listener struct {
	objects  map[string]bool
	problems map[string]string
	sync     []source.Sync
}

func newListener() *listener {
	return &listener{objects: map[string]bool{}, problems: map[string]string{}}
}

func (l *listener) Update(events []model.Event) {
	for _, e := range events {
		if e.Value == nil {
			delete(l.objects, e.Key.Name)
		} else {
			l.objects[e.Key.Name] = true
		}
	}
}

func (l *listener) Report(place string, problems []model.Problem) {
	delete(l.problems, place)
	if len(problems) > 0 {
		l.problems[place] = problems[0].Message
	}
}

func (l *listener) Sync(s source.Sync) { l.sync = append(l.sync, s) }

func (l *listener) names() string {
	var names []string
	for name := range l.objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func space(name string) model.Event {
	return model.Event{Key: model.Key{Kind: model.KindNamespace, Name: name}, Value: &model.Namespace{}}
}

func gone(e model.Event) model.Event { return model.Event{Key: e.Key} }

func TestTheRecordIsWhatWasToldLast(t *testing.T) {
	var seen []string
	r := newRecord(newListener(), func(e model.Event) { seen = append(seen, e.Key.Name) })
	r.Update([]model.Event{space("b"), space("a"), space("c")})
	r.Update([]model.Event{gone(space("c")), space("a"), gone(space("d"))})
	var out strings.Builder
	if err := r.write(&out); err != nil || out.String() != "Namespace/a\nNamespace/b\n" {
		t.Errorf("%v:\n%s", err, &out)
	}
	if n := r.count()[model.KindNamespace]; n != 2 {
		t.Errorf("%d namespaces", n)
	}
	if want := []string{"b", "a", "c", "c", "a", "d"}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func TestOneSourceTakesAnothersPlace(t *testing.T) {
	l := newListener()
	r := newRecord(l, nil)
	wrong := []model.Problem{{Message: "wrong"}}
	r.Update([]model.Event{space("a"), space("b")})
	r.Report("a.yaml", wrong)
	r.Report("b.yaml", wrong)
	r.Sync(source.Sync{InSync: true})
	fact := model.Event{Key: model.Key{Kind: model.KindStandingRoute, Name: "cali1"}, Value: &model.StandingRoutes{}}
	r.note([]model.Event{fact})

	r.replaceSource()
	r.Update([]model.Event{space("b"), space("c")})
	r.Report("b.yaml", wrong)
	r.Sync(source.Sync{Reasons: []string{"c.yaml: half"}})
	if got := l.names(); got != "a b c" || len(l.problems) != 2 {
		t.Errorf("before the new source has read everything there are %q and problems of %v", got, l.problems)
	}
	r.Sync(source.Sync{InSync: true})
	if got := l.names(); got != "b c" || len(l.problems) != 1 {
		t.Errorf("in the end there are %q and problems of %v", got, l.problems)
	}
	if got := r.facts(); len(got) != 1 || got[0].Key != fact.Key || got[0].Value != nil {
		t.Errorf("a fact of the kernel went with the source: %v", got)
	}
	r.Sync(source.Sync{InSync: true})
	if got := l.names(); got != "b c" {
		t.Errorf("told again that all has been read: %q", got)
	}
}

// TestManySourcesInARow: what is there in the end is what the last one has that read
// everything, and what came since.
func TestManySourcesInARow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newListener()
		r := newRecord(l, nil)
		want, present := map[string]bool{}, map[string]bool{}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			name := fmt.Sprint(rapid.IntRange(0, 5).Draw(rt, "name"))
			switch rapid.SampledFrom([]string{"add", "remove", "in sync", "half", "replace"}).Draw(rt, "step") {
			case "add":
				r.Update([]model.Event{space(name)})
				want[name], present[name] = true, true
			case "remove":
				r.Update([]model.Event{gone(space(name))})
				delete(want, name)
				delete(present, name)
			case "in sync":
				r.Sync(source.Sync{InSync: true})
				want = map[string]bool{}
				for name := range present {
					want[name] = true
				}
			case "half":
				r.Sync(source.Sync{})
			case "replace":
				r.replaceSource()
				present = map[string]bool{}
			}
		}
		model := &listener{objects: want}
		if got, want := l.names(), model.names(); got != want {
			rt.Errorf("there are %q, want %q", got, want)
		}
		if got := r.count()[space("").Key.Kind]; got != len(want) {
			rt.Errorf("%d are counted, want %d", got, len(want))
		}
	})
}
