package engine

import (
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
)

// slice is how long the graph is fed before the engine looks whether the dataplane waits
// for work. It is what a storm of events adds to the delay of any one of them.
const slice = 10 * time.Millisecond

// room is how many pieces of work may wait for the dataplane, and spare how many more
// when the dataplane waits for what follows from facts that it has told.
const (
	room  = 1
	spare = 1
)

// stride is how many events are fed at most between two looks at the clock.
const stride = 64

// unit is how many events may come together and be handed over together. A policy that takes
// the place of another of a different kind is two events of one update: were they handed over
// one after the other, nothing would be denied in between. More events than that are a first
// read, of which nothing is taken away before its end, or the kind of change that takes time.
const unit = 256

// turn takes in news, feeds the graph for a moment, and hands over what it comes to. It
// says whether there is more to feed.
func (e *Engine) turn() (more bool) {
	for _, ask := range e.inbox.takeAsks() {
		ask.answer(true)
	}
	if len(e.rest.events) == 0 {
		e.takeIn()
	}
	e.feed()
	if len(e.rest.events) == 0 {
		e.conclude()
	}
	if e.told.sync {
		e.configure()
	}
	e.handOver(room)
	if count, changed := e.problems.changes(); changed {
		e.observer.Problems(count)
	}
	return len(e.rest.events) > 0
}

// takeIn takes over what has come in. Settings see all of it at once, so that two objects
// that changed together count together.
func (e *Engine) takeIn() {
	e.rest = e.inbox.take()
	for place, problems := range e.rest.reports {
		e.problems.Set(place, problems)
	}
	for i := range e.rest.events {
		e.settings.update(e.rest.events[i])
	}
}

// feed puts events into the graph until the slice of time is used up, and the unit that it
// ends in.
func (e *Engine) feed() {
	if len(e.rest.events) == 0 {
		return
	}
	e.fed, e.since = true, earlier(e.since, e.rest.since)
	start := e.now()
	for end, whole := start.Add(slice), true; len(e.rest.events) > 0 && (start.Before(end) || !whole); {
		kind, n, stretch := e.rest.events[0].Key.Kind, 0, e.rest.stretch()
		for n < stretch && e.rest.events[n].Key.Kind == kind {
			e.graph.Update(e.rest.events[n])
			n++
		}
		now := e.now()
		e.observer.Updated(kind, n, now.Sub(start))
		e.rest.events, start = e.rest.events[n:], now
		whole = e.rest.pass(n)
	}
}

// stretch is how many events may be fed before the next look at the clock: whole units, or a
// part of one.
func (n *news) stretch() int {
	if left := n.units[0] - n.begun; n.begun > 0 || left > stride {
		return min(left, stride)
	}
	whole := 0
	for _, size := range n.units {
		if whole+size > stride {
			break
		}
		whole += size
	}
	return whole
}

// pass notes that some more of the events have been fed. It says whether the others can wait:
// whether none, or a unit too large to be kept together, has been begun.
func (n *news) pass(fed int) bool {
	n.begun += fed
	for len(n.units) > 0 && n.begun >= n.units[0] {
		n.begun -= n.units[0]
		n.units = n.units[1:]
	}
	return n.begun == 0 || n.units[0] > unit
}

// conclude does what must not be done before all events that came first are in the graph.
func (e *Engine) conclude() {
	if s := e.rest.sync; s != nil {
		e.observer.Synced(s.InSync, s.Reasons)
		e.told.sync = true
		if s.InSync {
			e.graph.SetInSync()
			e.fed = true
		}
	}
	if e.rest.begin {
		e.begin()
	}
	e.rest = news{}
}

// begin has the next piece of work be the first one of a dataplane. What the one before
// has not taken is void.
func (e *Engine) begin() {
	e.stage = waiting
	for len(e.work) > 0 {
		select {
		case w := <-e.work:
			e.since = earlier(e.since, w.Since)
		default: // the one before has taken it after all
		}
	}
}

// configure works the settings out anew if what they depend on has changed.
func (e *Engine) configure() {
	resolved, changed := e.settings.resolve()
	if !resolved {
		return
	}
	e.problems.Set(SettingsPlace, SettingProblems(e.settings.resolved))
	if changed {
		e.stale, e.fed = true, true
		e.graph.Configure(graphSettings(e.settings.resolved))
		e.observer.Configured(e.settings.resolved)
	}
}

// learn feeds facts of the dataplane and hands over what follows from them.
func (e *Engine) learn(facts []model.Event) {
	start := e.now()
	for i := range facts {
		e.graph.Update(facts[i])
		e.observer.Updated(facts[i].Key.Kind, 1, 0)
	}
	e.fed, e.since = true, earlier(e.since, start)
	e.handOver(room + spare)
}

// handOver hands the changes to the dataplane, if it is ready for them: if fewer pieces of
// work than most wait for it.
func (e *Engine) handOver(most int) {
	switch {
	case e.stage == absent, !e.told.sync, len(e.work) >= most:
		return
	case e.stage == following && !e.fed && !e.stale:
		return
	}
	w := Work{Batch: e.flush(), Since: e.since}
	e.fed, e.since = false, time.Time{}
	first, families := e.stage == waiting, e.settings.resolved.Settings.Families()
	backend := backendOf(&e.settings.resolved.Settings)
	if first || e.stale {
		w.Settings = e.settings.resolved
	}
	switch on := families &^ e.told.families; {
	case first && e.flushed:
		w.Batch = e.snapshot(w.Batch.InSync)
	case !first && (!on.Empty() || backend != e.told.backend || w.Batch.InSync && !e.told.inSync):
		w.Full = e.snapshot(w.Batch.InSync)
	}
	e.flushed = true
	if w.Settings == nil && e.idle(w.Batch) {
		return
	}
	e.stage, e.stale = following, false
	e.told.families, e.told.backend, e.told.inSync = families, backend, w.Batch.InSync
	e.work <- w
	e.observer.Flushed(w.Batch)
}

// backendOf is what settings ask of the backend that policy goes to.
func backendOf(s *config.Settings) backend { return backend{s.NFTables.Mode, s.Iptables.Backend} }

// flush takes what has changed out of the graph, and notes the problems that it found.
func (e *Engine) flush() *calc.Batch {
	b := e.graph.Flush()
	for _, p := range b.Problems {
		e.problems.Set("graph "+p.Key.String(), p.Problems)
	}
	return b
}

func (e *Engine) snapshot(inSync bool) *calc.Batch {
	b := e.graph.Snapshot()
	b.InSync = inSync
	return b
}

// idle says whether a batch gives the dataplane nothing to do.
func (e *Engine) idle(b *calc.Batch) bool {
	changes := *b
	changes.Problems = nil
	return changes.Empty() && b.InSync == e.told.inSync
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
