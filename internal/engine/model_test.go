package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// script is what one source does: events about pools that only it knows, in pieces.
type script [][]model.Event

// drawScript draws a script about the pools from first on.
func drawScript(t *rapid.T, label string, first int) script {
	event := rapid.Custom(func(t *rapid.T) model.Event {
		n := first + rapid.IntRange(0, 9).Draw(t, "pool")
		if rapid.Bool().Draw(t, "gone") {
			return noPool(n)
		}
		return pool(n)
	})
	return rapid.SliceOfN(rapid.SliceOfN(event, 0, 6), 0, 12).Draw(t, label)
}

// outcome is the slow, obvious model: what is there after the scripts.
func outcome(scripts ...script) *kernel {
	last := map[model.Key]model.Value{}
	for _, e := range slices.Concat(slices.Concat(scripts...)...) {
		last[e.Key] = e.Value
	}
	k := &kernel{}
	b := &calc.Batch{InSync: true}
	for _, key := range slices.SortedFunc(maps.Keys(last), model.Key.Compare) {
		if p, ok := last[key].(*model.Pool); ok {
			b.Pools = append(b.Pools, model.NATPool{CIDR: p.CIDR})
		}
	}
	_ = k.apply(Work{Settings: &config.Resolved{}, Batch: b}) // it has settings and a batch
	return k
}

// TestEverythingToldArrives: whatever turns, takes, new dataplanes and changes of mind of
// the source come in between.
func TestEverythingToldArrives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		r.tick = slice / 8
		told := drawScript(rt, "told", 0)
		k := &kernel{}
		take := func() {
			if len(r.Work()) > 0 {
				if err := k.apply(r.take()); err != nil {
					rt.Fatal(err)
				}
			}
		}
		steps := map[string]func(){
			"turn": func() { r.turn() },
			"take": take,
			"sync": func() { r.Sync(source.Sync{InSync: rapid.Bool().Draw(rt, "in sync")}) },
			"settings": func() {
				r.Update([]model.Event{configuration("default", supports(family.V4, rapid.Bool().Draw(rt, "on")))})
			},
			"begin": func() { k = &kernel{}; r.Begin(); r.settle() },
		}
		names := slices.Sorted(maps.Keys(steps))
		r.Begin()
		for _, events := range told {
			r.Update(events)
			for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 4).Draw(rt, "steps") {
				steps[name]()
			}
		}
		r.Sync(source.Sync{InSync: true})
		for range 3 {
			r.settle()
			take()
		}
		if want := outcome(told); k.String() != want.String() || !k.inSync || k.inSyncs != 1 {
			rt.Errorf("in the kernel (in sync %v, told so %d times)\n is  %s\nwant %s", k.inSync, k.inSyncs, k, want)
		}
		if len(r.Work()) > 0 {
			rt.Error("there is work left")
		}
	})
}

// TestOrderDoesNotCount between objects: the kernel comes to be the same.
func TestOrderDoesNotCount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var events []model.Event
		for _, n := range rapid.SliceOfDistinct(rapid.IntRange(0, 30), rapid.ID[int]).Draw(rt, "pools") {
			events = append(events, pool(n))
		}
		run := func(events []model.Event) string {
			r, k := begun(t), &kernel{}
			for _, e := range events {
				r.Update([]model.Event{e})
				if r.turn(); len(r.Work()) > 0 && rapid.Bool().Draw(rt, "take") {
					apply(rt, k, r.take())
				}
			}
			for r.settle(); len(r.Work()) > 0; r.settle() {
				apply(rt, k, r.take())
			}
			return k.String()
		}
		if a, b := run(events), run(rapid.Permutation(events).Draw(rt, "order")); a != b {
			rt.Errorf("one order\n%s\nanother\n%s", a, b)
		}
	})
}

func apply(t *rapid.T, k *kernel, w Work) {
	if k.pools == nil {
		w.Settings = &config.Resolved{} // the first piece has been taken by begun
	}
	if err := k.apply(w); err != nil {
		t.Fatal(err)
	}
}

// TestSourcesDataplaneAndEngineAtOnce runs all goroutines for real.
func TestSourcesDataplaneAndEngineAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		scripts := []script{drawScript(rt, "source", 0), drawScript(rt, "facts", 100), drawScript(rt, "another source", 200)}
		want := outcome(scripts...)
		e := New(Options{Node: "node-1", Graph: calc.New(calc.Options{Node: "node-1"}), Table: config.NewTable(), Log: quiet()})
		ctx, stop := context.WithCancel(context.Background())
		var running, telling sync.WaitGroup
		running.Go(func() { e.Run(ctx) })
		e.Begin()
		for _, i := range []int{0, 2} {
			telling.Go(func() {
				for _, events := range scripts[i] {
					e.Update(events)
				}
			})
		}
		inSync := make(chan struct{})
		go func() { telling.Wait(); e.Sync(source.Sync{InSync: true}); close(inSync) }()
		k, err := followAndTell(ctx, e, scripts[1], want.String())
		<-inSync
		stop()
		running.Wait()
		if err != nil {
			rt.Fatal(err)
		}
		if k.inSyncs != 1 {
			rt.Errorf("told %d times that it is in sync", k.inSyncs)
		}
	})
}

// followAndTell is a dataplane that tells a fact after each piece of work, until it has
// what it should have; if that never comes, the test runs out of time.
func followAndTell(ctx context.Context, e *Engine, facts script, want string) (*kernel, error) {
	k := &kernel{}
	for !k.inSync || len(facts) > 0 || k.String() != want {
		if k.works > 0 && len(facts) > 0 {
			e.Tell(ctx, facts[0])
			facts = facts[1:]
			if len(e.Work()) == 0 {
				continue // it came to nothing
			}
		}
		if err := k.apply(<-e.Work()); err != nil {
			return k, err
		}
		e.Wake()
	}
	return k, nil
}
