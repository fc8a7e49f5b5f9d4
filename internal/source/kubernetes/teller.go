package kubernetes

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// teller is the one place from which the sink is told. Its mutex is held meanwhile: what
// comes in from the server waits in the server's streams while the sink is behind.
type teller struct {
	mu     sync.Mutex
	sink   source.Sink
	link   func(Link)
	guard  guard
	stores []*store
	// recorder writes on objects what is wrong with them; may be nil.
	recorder *Recorder
	// feeds are how far each kind is, and what keeps it from being further.
	feeds map[*feed]*progress
	// discovery is what keeps Calico's kinds from being found; empty if nothing does.
	discovery string

	// back is closed when the server is back.
	back chan struct{}

	lastSync *source.Sync
	lastLink Link
	heard    time.Time
}

func newTeller(o Options) *teller {
	return &teller{
		sink: o.Sink, link: o.Link, recorder: o.Recorder, guard: guard{share: o.LostShare},
		feeds: map[*feed]*progress{}, back: make(chan struct{}), lastLink: Link{Up: true},
	}
}

// progress is how far the reading of one kind is.
type progress struct {
	read    bool   // in full, once
	failing string // why it cannot be read now, told at once or after a while
	lost    string // why the server cannot be reached
	open    bool   // a stream is
}

// Link is whether the API server can be reached.
type Link struct {
	Up bool
	// Heard is when something was heard from it last; it is not kept up to date while the
	// link is up.
	Heard time.Time
	// Reason says why it cannot be reached.
	Reason string
}

// update tells of changed objects. The mutex is held.
func (t *teller) update(events []model.Event) {
	if len(events) > 0 {
		t.sink.Update(sortedEvents(events))
	}
}

// report tells of an object's problems. The mutex is held.
func (t *teller) report(place string, problems []model.Problem) { t.sink.Report(place, problems) }

// note changes what is known of a feed, and tells what follows.
func (t *teller) note(f *feed, change func(*progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.feeds[f]; p != nil {
		change(p)
		t.tell()
	}
}

// noteDiscovery notes why Calico's kinds cannot be looked for.
func (t *teller) noteDiscovery(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.discovery = why
	t.tell()
}

// hear notes that the server has said something.
func (t *teller) hear(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = now
}

// tell tells the sink how complete the source is, and the link's user whether the server
// is there, where that has changed. Before the first full read nothing is told that is
// not a reason: the sink takes the first word for the end of the beginning.
func (t *teller) tell() {
	sync, begun := t.completeness()
	if begun && (t.lastSync == nil || !reflect.DeepEqual(*t.lastSync, sync)) {
		t.lastSync = &sync
		t.sink.Sync(sync)
	}
	link := t.reachable()
	if t.lastLink.Up == link.Up && t.lastLink.Reason == link.Reason {
		return
	}
	if link.Up {
		close(t.back)
		t.back = make(chan struct{})
	}
	if t.lastLink = link; t.link != nil {
		t.link(link)
	}
}

// returned is closed when a server that was lost is back, so that nobody waits longer.
func (t *teller) returned() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.back
}

// completeness is what there is to say of how complete the source is; begun is false while
// that is not known.
func (t *teller) completeness() (s source.Sync, begun bool) {
	begun = true
	if t.discovery != "" {
		s.Reasons = append(s.Reasons, t.discovery)
	}
	for f, p := range t.feeds {
		switch {
		case p.failing != "":
			s.Reasons = append(s.Reasons, f.kind.label()+": "+p.failing)
		case p.read, f.kind.calico() && t.discovery != "":
		case p.lost != "":
			s.Reasons = append(s.Reasons, f.kind.label()+": "+p.lost)
		default:
			begun = false
		}
	}
	slices.Sort(s.Reasons)
	s.InSync = len(s.Reasons) == 0
	return s, begun
}

// reachable says whether the server is: it is not if a request has failed to reach it and
// no stream from it is open.
func (t *teller) reachable() Link {
	l := Link{Up: true, Heard: t.heard}
	for _, p := range t.feeds {
		if p.open {
			return Link{Up: true, Heard: t.heard}
		}
		if p.lost != "" {
			l.Up, l.Reason = false, max(l.Reason, p.lost)
		}
	}
	return l
}
