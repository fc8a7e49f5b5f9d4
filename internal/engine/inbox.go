package engine

import (
	"context"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// most is how many events wait in the inbox before a source has to. It bounds memory;
// the graph takes them in within a second.
const most = 100_000

// inbox is what has come in and has not been taken yet.
type inbox struct {
	wake chan struct{} // holds a token when there is something to look at

	mu     sync.Mutex
	room   *sync.Cond
	closed bool
	news   news
	asks   []ask
}

// news is what the engine takes at one turn.
type news struct {
	events []model.Event
	// units are how many of the events came together each time, in their order.
	units []int
	// begun is how many events of the first unit have been fed.
	begun   int
	since   time.Time // arrival of the first of the events
	reports map[string][]model.Problem
	sync    *source.Sync
	begin   bool // a dataplane has come
}

// ask is something to be done in the engine's goroutine.
type ask struct {
	f    func()
	done chan bool
}

// answer does what is asked, or not, and lets the asker go on.
func (a ask) answer(do bool) {
	if do {
		a.f()
	}
	a.done <- do
}

func newInbox() *inbox {
	i := &inbox{wake: make(chan struct{}, 1)}
	i.room = sync.NewCond(&i.mu)
	return i
}

func (i *inbox) poke() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// take empties the inbox, but for what is asked.
func (i *inbox) take() news {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.news
	i.news = news{}
	i.room.Broadcast()
	return n
}

// takeAsks takes what is asked. It does not wait its turn behind events.
func (i *inbox) takeAsks() []ask {
	i.mu.Lock()
	defer i.mu.Unlock()
	asks := i.asks
	i.asks = nil
	return asks
}

// close lets nobody wait any longer. What comes in from here on is lost, as is the agent.
func (i *inbox) close() {
	i.mu.Lock()
	i.closed = true
	asks := i.asks
	i.asks = nil
	i.room.Broadcast()
	i.mu.Unlock()
	for _, a := range asks {
		a.answer(false)
	}
}

// ask has f done and waits; false if the engine has stopped or the context has ended.
func (i *inbox) ask(ctx context.Context, f func()) bool {
	a := ask{f: f, done: make(chan bool, 1)}
	i.mu.Lock()
	if i.closed {
		i.mu.Unlock()
		return false
	}
	i.asks = append(i.asks, a)
	i.mu.Unlock()
	i.poke()
	select {
	case done := <-a.done:
		return done
	case <-ctx.Done():
		return false
	}
}

// add adds to the news.
func (i *inbox) add(what func(*news)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.closed {
		what(&i.news)
	}
	i.poke()
}

// addEvents waits for room and adds events that arrive now.
func (i *inbox) addEvents(events []model.Event, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.news.events) >= most && !i.closed {
		i.room.Wait()
	}
	if i.closed || len(events) == 0 {
		return
	}
	if len(i.news.events) == 0 {
		i.news.since = now
	}
	i.news.events = append(i.news.events, events...)
	i.news.units = append(i.news.units, len(events))
	i.poke()
}

// Update implements source.Sink.
func (e *Engine) Update(events []model.Event) { e.inbox.addEvents(events, e.now()) }

// Report implements source.Sink.
func (e *Engine) Report(place string, problems []model.Problem) {
	e.inbox.add(func(n *news) {
		if n.reports == nil {
			n.reports = map[string][]model.Problem{}
		}
		n.reports[place] = problems
	})
}

// Sync implements source.Sink.
func (e *Engine) Sync(s source.Sync) { e.inbox.add(func(n *news) { n.sync = &s }) }
