// Package engine turns the calculation graph. It takes the sources' news, feeds the
// graph, works out the settings, and hands the dataplane what has changed, one piece of
// work at a time.
//
//	sources ──► inbox ──► settings, graph ──► one piece of work ──► dataplane
//	              ▲ bounded      ▲ coalesces while the dataplane is busy
//
// The graph has no clock and no goroutine; the engine is where it gets both. A slow
// dataplane holds nobody up: what has changed meanwhile is in the graph, once. A storm of
// news does not keep the dataplane waiting: the graph is fed for a moment at a time.
//
// Nothing is handed over before the dataplane has said Begin and a source has told of its
// completeness for the first time. A cold start therefore is one piece of work, and the
// facts that the dataplane has read from the kernel are in it.
//
// The engine owns nothing in the kernel.
package engine

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Graph is what the engine asks of the calculation graph. Its methods are called from
// the engine's goroutine alone.
type Graph interface {
	// Update feeds one event.
	Update(model.Event)
	// Configure puts settings into force.
	Configure(calc.Settings)
	// SetInSync says that everything that exists has been fed.
	SetInSync()
	// Flush returns what has changed since the flush before.
	Flush() *calc.Batch
	// Snapshot returns everything that was flushed and still holds, as if it had just
	// been added. It changes nothing.
	Snapshot() *calc.Batch
}

// Options say what an Engine is made of.
type Options struct {
	// Node is the name of the node that the agent runs on.
	Node  string
	Graph Graph
	// Table and Layers are the settings made locally: flags, environment, file.
	Table  *config.Table
	Layers []config.Layer
	Log    *logrus.Entry
	// Observer is told of what goes on; may be nil.
	Observer Observer
	// Reported is told of the problems of the input as they come, change and go, by the place
	// that they were found at; may be nil. It must not block.
	Reported func(place string, problems []model.Problem)
}

// Observer takes the figures that metrics and health show. Its methods are called from
// the engine's goroutine and must not block.
type Observer interface {
	// Configured is called with the settings when they have changed.
	Configured(r *config.Resolved)
	// Updated is called after n events of a kind went into the graph, which took d.
	Updated(kind model.Kind, n int, d time.Duration)
	// Flushed is called for each batch handed over.
	Flushed(b *calc.Batch)
	// Synced is called when a source's view of its own completeness changes.
	Synced(inSync bool, reasons []string)
	// Problems is called when problems of the input have changed, with their present
	// numbers by severity.
	Problems(count map[model.Severity]int)
	// Alive is called at each turn. An idle engine makes no turns: see Wake.
	Alive()
}

// Work is one piece of work for the dataplane.
type Work struct {
	// Settings are set when they have changed, and in a dataplane's first piece of work.
	Settings *config.Resolved
	// Batch is what has changed since the last piece of work. Never nil.
	Batch *calc.Batch
	// Full is everything, as if it had just been added, Batch included. It is set when a
	// family has come on, when another backend is asked for, and when the sources are in sync for the first time after work
	// has been handed over: for whoever has to start from nothing then.
	Full *calc.Batch
	// Since is when the oldest event in it arrived; zero if there was none.
	Since time.Time
}

// Engine turns the graph. Make one with New, then Run it.
type Engine struct {
	graph    Graph
	observer Observer
	local    *config.Resolved
	settings settings
	problems *Problems
	inbox    *inbox
	work     chan Work
	now      func() time.Time // a clock of their own in tests

	rest    news      // taken in, and its events not all fed yet
	since   time.Time // arrival of the oldest event not handed over
	fed     bool      // the graph has news since the last flush
	stale   bool      // the settings have changed since they were handed over
	flushed bool      // the graph was flushed before: it alone has no more to tell a new dataplane
	stage   stage
	told    told
}

// backend is what settings ask of the backend that policy goes to.
type backend struct {
	mode    config.NFTablesMode
	variant config.IptablesBackend
}

// told is what has been told: by the sources, and to the dataplane.
type told struct {
	sync     bool // a source has told of its completeness, whatever it was
	inSync   bool // the dataplane knows that everything has been read
	families family.Set
	backend  backend
}

// stage is how far the present dataplane is.
type stage uint8

const (
	absent    stage = iota // there is none that has said Begin
	waiting                // it knows nothing yet
	following              // it has had its first piece of work
)

// New makes an Engine. The settings are resolved from the local layers at once.
func New(o Options) *Engine {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	e := &Engine{
		graph:    o.Graph,
		observer: o.Observer,
		settings: newSettings(o.Table, o.Node, o.Layers),
		problems: newProblems(o.Log),
		inbox:    newInbox(),
		now:      time.Now,
		work:     make(chan Work, room+spare),
	}
	e.problems.heard = o.Reported
	e.local = e.settings.resolved
	e.graph.Configure(graphSettings(e.local))
	e.problems.Set(SettingsPlace, SettingProblems(e.local))
	return e
}

// Settings are those that the local layers alone result in: what there is before Run.
func (e *Engine) Settings() *config.Resolved { return e.local }

// Work is where the dataplane takes its work from. After taking a piece it calls Wake.
func (e *Engine) Work() <-chan Work { return e.work }

// Wake makes the engine turn once: hand over what there is, and show that it is alive.
func (e *Engine) Wake() { e.inbox.poke() }

// Begin says that there is a dataplane that knows nothing yet: its first piece of work
// will be everything. It is called after the dataplane has told what it found in the
// kernel, and again if another dataplane takes its place.
func (e *Engine) Begin() { e.inbox.add(func(n *news) { n.begin = true }) }

// Tell feeds facts that the dataplane has read from the kernel, ahead of all that waits.
// When it returns, what follows from them is in Work (unless there was no Begin yet). It
// is for the dataplane's goroutine, which must have taken all work before it tells again.
func (e *Engine) Tell(ctx context.Context, facts []model.Event) bool {
	return e.inbox.ask(ctx, func() { e.learn(facts) })
}

// Problems are those of the input, for dumps.
func (e *Engine) Problems() *Problems { return e.problems }

// Run turns the graph until the context ends.
func (e *Engine) Run(ctx context.Context) {
	defer e.inbox.close()
	for ctx.Err() == nil {
		e.observer.Alive()
		if e.turn() {
			continue
		}
		select {
		case <-ctx.Done():
		case <-e.inbox.wake:
		}
	}
}

// Ask runs f with the present settings in the engine's goroutine, where it may look at
// the graph, and waits for it. False if the engine has stopped or the context has ended;
// in the second case f may still run. It serves dumps, and shows that the engine is alive.
func (e *Engine) Ask(ctx context.Context, f func(*config.Resolved)) bool {
	return e.inbox.ask(ctx, func() { f(e.settings.resolved) })
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Configured(*config.Resolved)            {}
func (nobody) Updated(model.Kind, int, time.Duration) {}
func (nobody) Flushed(*calc.Batch)                    {}
func (nobody) Synced(bool, []string)                  {}
func (nobody) Problems(map[model.Severity]int)        {}
func (nobody) Alive()                                 {}
