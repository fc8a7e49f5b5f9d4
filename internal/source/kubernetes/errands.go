package kubernetes

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// errands are what is to be written about objects: each a little later, as it may be over
// by then, and again if the server cannot take it.
type errands struct {
	node    string
	log     *logrus.Entry
	changed chan struct{} // holds a token when there is something new

	mu sync.Mutex
	// objects finds the object of a place; nil before there is a source.
	objects *teller
	waiting map[errandKey]*errand
}

// errandKey is what is written, and about what. There is one errand of each.
type errandKey struct{ what, place string }

func (k errandKey) compare(o errandKey) int {
	return cmp.Or(cmp.Compare(k.what, o.what), cmp.Compare(k.place, o.place))
}

// errand writes about one object.
type errand struct {
	due  time.Time
	pace pace
	run  func(context.Context, subject) error
}

const (
	// ripe is how long something must have been so to be written about.
	ripe = 5 * time.Second
	// errandsMost is how many wait at most; what more there is, is in the log and the dump.
	errandsMost = 1000
)

func newErrands(node string, log *logrus.Entry) *errands {
	return &errands{node: node, log: log, changed: make(chan struct{}, 1), waiting: map[errandKey]*errand{}}
}

// follow has objects found in a source.
func (e *errands) follow(t *teller) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.objects = t
}

// order has something written about the object of a place, instead of what it was before.
func (e *errands) order(what, place string, run func(context.Context, subject) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := errandKey{what, place}
	if e.waiting[key] == nil && len(e.waiting) >= errandsMost {
		return
	}
	e.waiting[key] = &errand{due: time.Now().Add(ripe), run: run}
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// cancel has it not written.
func (e *errands) cancel(what, place string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.waiting, errandKey{what, place})
}

// Run writes until the context ends.
func (e *errands) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		key, next, wait := e.next(time.Now())
		if next != nil {
			e.run(ctx, key, next)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-e.changed:
		}
		timer.Stop()
	}
	return nil
}

// next takes out what is due, or says when something may be.
func (e *errands) next(now time.Time) (errandKey, *errand, time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	const idle = 24 * time.Hour
	wait := idle
	for _, key := range slices.SortedFunc(maps.Keys(e.waiting), errandKey.compare) {
		next := e.waiting[key]
		if left := next.due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		delete(e.waiting, key)
		return key, next, 0
	}
	return errandKey{}, nil, wait
}

// run runs an errand, if it is ours. What the server cannot take now is tried again.
func (e *errands) run(ctx context.Context, key errandKey, next *errand) {
	e.mu.Lock()
	objects := e.objects
	e.mu.Unlock()
	s, ok := objects.find(key.place)
	if !ok || !objects.chosen(s, e.node) {
		return
	}
	err := next.run(ctx, s)
	switch {
	case err == nil || ctx.Err() != nil:
	case retriable(err):
		next.due = time.Now().Add(next.pace.next(err))
		e.putBack(key, next)
	default:
		e.log.WithError(err).WithField("object", key.place).Warn("What is wrong with an object cannot be written there")
	}
}

// putBack has an errand run again, unless there is a newer one.
func (e *errands) putBack(key errandKey, again *errand) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting[key] == nil {
		e.waiting[key] = again
	}
}
