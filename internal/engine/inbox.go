package engine

import (
	"sync"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// most is how many events wait in the inbox before a source has to. It bounds memory;
// the graph takes them in within a second.
const most = 100_000

// inbox is what has come in from the sources and has not been taken yet. It implements
// source.Sink on the side of the sources.
type inbox struct {
	wake chan struct{} // holds a token when there is something to look at

	mu     sync.Mutex
	room   *sync.Cond
	closed bool
	news   news
}

// news is what the engine takes at one turn.
type news struct {
	events  []model.Event
	since   time.Time
	reports map[string][]model.Problem
	sync    *source.Sync
	asks    []func()
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

// take empties the inbox.
func (i *inbox) take() news {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.news
	i.news = news{}
	i.room.Broadcast()
	return n
}

// close lets no source wait any longer. What comes in from here on is lost, as is the
// agent.
func (i *inbox) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	i.room.Broadcast()
}

func (i *inbox) ask(f func()) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return false
	}
	i.news.asks = append(i.news.asks, f)
	i.poke()
	return true
}

// Update implements source.Sink.
func (e *Engine) Update(events []model.Event) {
	i := e.inbox
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.news.events) >= most && !i.closed {
		i.room.Wait()
	}
	if len(i.news.events) == 0 {
		i.news.since = time.Now()
	}
	i.news.events = append(i.news.events, events...)
	i.poke()
}

// Report implements source.Sink.
func (e *Engine) Report(place string, problems []model.Problem) {
	i := e.inbox
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.news.reports == nil {
		i.news.reports = map[string][]model.Problem{}
	}
	i.news.reports[place] = problems
	i.poke()
}

// Sync implements source.Sink.
func (e *Engine) Sync(s source.Sync) {
	i := e.inbox
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news.sync = &s
	i.poke()
}
