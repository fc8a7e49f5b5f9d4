// Package engine turns the calculation graph. It takes the sources' news, feeds the
// graph, works out the settings, and hands the dataplane what has changed, one piece of
// work at a time: while the dataplane is busy, news coalesces in the graph.
//
// The graph has no clock and no goroutine; the engine is where it gets both. The engine
// owns nothing in the kernel.
package engine

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
)

// Options say what an Engine is made of.
type Options struct {
	// Node is the name of the node that the agent runs on.
	Node string
	// Table and Layers are the settings made locally: flags, environment, file.
	Table  *config.Table
	Layers []config.Layer
	Log    *logrus.Entry
	// Observer is told of what goes on; may be nil.
	Observer Observer
}

// Observer takes the figures that metrics and health show. Its methods are called from
// the engine's goroutine and must not block.
type Observer interface {
	// Updated is called after n events of a kind went into the graph, which took d.
	Updated(kind model.Kind, n int, d time.Duration)
	// Flushed is called for each batch handed over.
	Flushed(b *calc.Batch)
	// Synced is called when a source's view of its own completeness changes.
	Synced(inSync bool, reasons []string)
	// Problems is called when problems of the input have changed, with their present
	// numbers by severity.
	Problems(count map[model.Severity]int)
	// Alive is called at each turn.
	Alive()
}

// Work is one piece of work for the dataplane.
type Work struct {
	// Settings are set when they have changed, and in the first piece of work.
	Settings *config.Resolved
	// Batch is what has changed since the last piece of work.
	Batch *calc.Batch
	// Full is everything, as if it had just been added. It is set when a family has
	// come on, for whoever has to start from nothing.
	Full *calc.Batch
	// Since is when the oldest event in it arrived; zero if there was none.
	Since time.Time
}

// Engine turns the graph. Make one with New, then Run it.
type Engine struct {
	node     string
	log      *logrus.Entry
	observer Observer
	graph    *calc.Graph
	settings settings
	problems *Problems
	inbox    *inbox
	work     chan Work
	since    time.Time // arrival of the oldest event not handed over
	started  bool      // the first piece of work has been handed over
	news     bool      // the graph has been fed since the last flush
}

// New makes an Engine. The settings are resolved from the local layers at once.
func New(o Options) *Engine {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	e := &Engine{
		node:     o.Node,
		log:      o.Log,
		observer: o.Observer,
		graph:    calc.New(calc.Options{Node: o.Node}),
		settings: newSettings(o.Table, o.Node, o.Layers),
		problems: newProblems(o.Log),
		inbox:    newInbox(),
		work:     make(chan Work, 1),
	}
	e.problems.Set("settings", settingProblems(e.settings.resolved))
	return e
}

// Settings are those that the local layers alone result in. They are for whoever has to
// be set up before Run.
func (e *Engine) Settings() *config.Resolved { return e.settings.resolved }

// Work is where the dataplane takes its work from. After taking a piece it calls Wake.
func (e *Engine) Work() <-chan Work { return e.work }

// Wake makes the engine look whether there is something to hand over.
func (e *Engine) Wake() { e.inbox.poke() }

// Problems are those of the input, for dumps.
func (e *Engine) Problems() *Problems { return e.problems }

// Run turns the graph until the context ends.
func (e *Engine) Run(ctx context.Context) {
	for {
		e.observer.Alive()
		e.turn()
		select {
		case <-ctx.Done():
			e.inbox.close()
			return
		case <-e.inbox.wake:
		}
	}
}

// Ask runs f with the graph in the engine's goroutine and waits for it; false if the
// engine has stopped. It serves dumps.
func (e *Engine) Ask(f func(*calc.Graph, *config.Resolved)) bool {
	done := make(chan struct{})
	if !e.inbox.ask(func() { f(e.graph, e.settings.resolved); close(done) }) {
		return false
	}
	<-done
	return true
}

// turn takes in all news and hands over what it comes to.
func (e *Engine) turn() {
	news := e.inbox.take()
	for place, problems := range news.reports {
		e.problems.Set(place, problems)
	}
	e.feed(news.events)
	if news.sync != nil {
		e.observer.Synced(news.sync.InSync, news.sync.Reasons)
		if news.sync.InSync {
			e.graph.SetInSync()
			e.news = true
		}
	}
	if e.since.IsZero() {
		e.since = news.since
	}
	e.handOver()
	for _, ask := range news.asks {
		ask()
	}
	e.observer.Problems(e.problems.Count())
}

// feed puts events into the graph, and those that concern the settings there too.
func (e *Engine) feed(events []model.Event) {
	for len(events) > 0 {
		kind, n, start := events[0].Key.Kind, 0, time.Now()
		for n < len(events) && events[n].Key.Kind == kind {
			e.settings.update(events[n])
			e.graph.Update(events[n])
			n++
		}
		e.observer.Updated(kind, n, time.Since(start))
		events = events[n:]
		e.news = true
	}
}

// handOver hands the changes to the dataplane, if it is ready for them.
func (e *Engine) handOver() {
	if len(e.work) > 0 || e.started && !e.news && !e.settings.dirty {
		return
	}
	var w Work
	before := e.settings.resolved.Settings.Families()
	changed := e.settings.resolve()
	if changed || !e.started {
		w.Settings = e.settings.resolved
	}
	if changed {
		e.problems.Set("settings", settingProblems(e.settings.resolved))
	}
	w.Batch = e.graph.Flush()
	for _, p := range w.Batch.Problems {
		e.problems.Set("graph/"+p.Key.String(), p.Problems)
	}
	if on := e.settings.resolved.Settings.Families(); on&^before != 0 {
		w.Full = e.graph.Snapshot()
	}
	e.news = false
	if w.Settings == nil && w.Batch.Empty() && e.started && !w.Batch.InSync {
		return
	}
	w.Since, e.since, e.started = e.since, time.Time{}, true
	e.work <- w
	e.observer.Flushed(w.Batch)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Updated(model.Kind, int, time.Duration) {}
func (nobody) Flushed(*calc.Batch)                    {}
func (nobody) Synced(bool, []string)                  {}
func (nobody) Problems(map[model.Severity]int)        {}
func (nobody) Alive()                                 {}
