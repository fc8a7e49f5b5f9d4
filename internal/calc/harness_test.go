package calc_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/calc/calctest"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

const thisNode = "node-1"

// run is a graph whose batches go into a sink that refuses unsafe steps.
type run struct {
	t        rapid.TB
	graph    *calc.Graph
	sink     *calctest.Sink
	state    calctest.State
	settings calc.Settings
	log      []string
}

func newRun(t rapid.TB) *run {
	return &run{t: t, graph: calc.New(calc.Options{Node: thisNode}), sink: calctest.NewSink(), state: calctest.State{}}
}

func (r *run) update(e model.Event) {
	r.log = append(r.log, e.String())
	if e.Value == nil {
		delete(r.state, e.Key)
	} else {
		r.state[e.Key] = e.Value
	}
	r.graph.Update(e)
}

func (r *run) configure(s calc.Settings) {
	r.log = append(r.log, fmt.Sprintf("settings %+v", s))
	r.settings = s
	r.graph.Configure(s)
}

func (r *run) flush() {
	r.t.Helper()
	r.log = append(r.log, "flush")
	if err := r.sink.Apply(r.graph.Flush()); err != nil {
		r.fatalf("unsafe: %v", err)
	}
	if want, got := r.graph.Output().String(), r.sink.String(); want != got {
		r.fatalf("the graph's output is not what its batches add up to (-graph +batches):\n%s", cmp.Diff(want, got))
	}
}

func (r *run) fatalf(format string, args ...any) {
	r.t.Helper()
	text := ""
	for _, line := range r.log {
		text += line + "\n"
	}
	r.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, args...), text)
}

// goTo sends the events that lead from the present state to another: first what goes, or
// last, by the flag.
func (r *run) goTo(next calctest.State, o order) {
	keys := slices.Collect(maps.Keys(r.state))
	for key := range next {
		if r.state[key] == nil {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, model.Key.Compare)
	if o.reversed {
		slices.Reverse(keys)
	}
	for _, key := range keys {
		was, is := r.state[key], next[key]
		if reflect.DeepEqual(was, is) && !o.repeats {
			continue
		}
		r.update(model.Event{Key: key, Value: is})
		if o.repeats {
			r.update(model.Event{Key: key, Value: is})
		}
		if o.flushKeys {
			r.flush()
		}
	}
}

// order is a way to send the same states.
type order struct {
	name      string
	reversed  bool // keys within a state
	repeats   bool // every key twice, those that have not changed too
	flushKeys bool
	flushEnd  bool // only after the last state
}

func orders() []order {
	return []order{
		{name: "flushed after each state"},
		{name: "keys reversed", reversed: true},
		{name: "flushed after each key", flushKeys: true},
		{name: "keys reversed and flushed after each", reversed: true, flushKeys: true},
		{name: "flushed at the end", flushEnd: true},
		{name: "keys reversed, flushed at the end", reversed: true, flushEnd: true},
		{name: "everything repeated", repeats: true},
	}
}

// arrangements are the ways in which a scenario's states are sent: what they come to at
// the end is said by the last state alone.
func arrangements(states []calctest.State) map[string][]calctest.State {
	empty := calctest.State{}
	out := map[string][]calctest.State{"in order": states}
	backwards := slices.Clone(states)
	slices.Reverse(backwards)
	out["backwards"] = backwards
	var spaced, there []calctest.State
	for _, s := range states {
		spaced = append(spaced, s, empty)
		there = append(there, s)
	}
	out["with nothing in between"] = spaced
	out["there and back"] = append(there, backwards...)
	for i, s := range states {
		out[fmt.Sprintf("state %d alone", i+1)] = []calctest.State{s}
	}
	return out
}

// permute checks every way to send the states against the slow model. The states
// squashed into one are the order that flushes only at the end.
func permute(t *testing.T, states []calctest.State) {
	for name, list := range arrangements(states) {
		for _, o := range orders() {
			t.Run(name+"/"+o.name, func(t *testing.T) {
				r := newRun(t)
				for i, s := range list {
					r.goTo(s, o)
					if !o.flushEnd || i == len(list)-1 {
						r.flush()
						r.compare()
					}
				}
				r.underlays()
			})
		}
	}
}

// underlays goes through the settings and back: what was sent before is as if it had been sent
// under them.
func (r *run) underlays() {
	for _, f := range []family.Family{family.V4, family.V6, 0} {
		r.configure(calc.Settings{Underlay: f})
		r.flush()
		r.compare()
	}
}

// compare holds the output against the slow model's.
func (r *run) compare() {
	r.t.Helper()
	got := *r.sink.Output
	problems := got.Problems
	got.Problems = nil
	if want := calctest.Slow(thisNode, r.settings, r.state).String(); want != got.String() {
		r.fatalf("-slow model +graph:\n%s", cmp.Diff(want, got.String()))
	}
	complaints := map[calctest.Complaint]bool{}
	for key, list := range problems {
		for _, p := range list {
			if key.Kind == model.KindPod && p.Field != "interface" {
				complaints[calctest.Complaint{Key: key, Severity: p.Severity, Value: p.Value}] = true
			}
		}
	}
	if want := calctest.Complaints(thisNode, r.state); !maps.Equal(want, complaints) {
		r.fatalf("complaints (-slow model +graph):\n%s", cmp.Diff(want, complaints))
	}
}
