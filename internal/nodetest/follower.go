package nodetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// A marker is a number that goes the way of all news, to show that what came before it has
// arrived: from the directory to the source as a label of a namespace that nobody uses, and
// from there into the graph as a reason of the source's word on its completeness.
const (
	markerFile      = "zz-settled.yaml"
	markerNamespace = "zz-settled"
	markerReason    = "settled "
)

func markerManifest(number int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {number: '%d'}}\n", markerNamespace, number)
}

// follower stands between the source and the engine and sees markers pass.
type follower struct {
	engine   *engine.Engine
	observer *observer

	mu     sync.Mutex
	last   source.Sync // what the source has said last
	told   bool        // it has said something
	marker int         // that goes with the source's word
	read   signal      // the highest marker that the source has read
	synced changes     // the source has said something new
	// fine are the places of which the source has said last that all is well there, or
	// that nothing is there any more.
	fine     map[string]bool
	reported changes
}

func newFollower(e *engine.Engine, o *observer) *follower {
	return &follower{engine: e, observer: o, read: newSignal(), synced: newChanges(), fine: map[string]bool{}, reported: newChanges()}
}

// Update implements source.Sink.
func (f *follower) Update(events []model.Event) {
	f.engine.Update(events)
	for _, e := range events {
		v, ok := e.Value.(*model.Namespace)
		if ok && e.Key.Name == markerNamespace {
			f.read.reach(numberIn(v.Labels["number"]))
		}
	}
}

// Report implements source.Sink.
func (f *follower) Report(place string, problems []model.Problem) {
	f.engine.Report(place, problems)
	f.mu.Lock()
	f.fine[place] = len(problems) == 0
	f.mu.Unlock()
	f.reported.tell()
}

// forget forgets what has been said of a place.
func (f *follower) forget(place string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.fine, place)
}

// hasReported says whether all is well at a place, or nothing there, since forget.
func (f *follower) hasReported(place string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fine[place]
}

// Sync implements source.Sink.
func (f *follower) Sync(s source.Sync) {
	f.mu.Lock()
	f.last, f.told = s, true
	f.forward()
	f.mu.Unlock()
	f.synced.tell()
}

// mark sends a marker along with the source's last word. Without such a word there is
// nothing that it could go along with.
func (f *follower) mark(number int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.told {
		return fmt.Errorf("the source has not said yet how complete it is")
	}
	f.marker = number
	f.forward()
	return nil
}

func (f *follower) forward() {
	s := f.last
	s.Reasons = append(slices.Clone(s.Reasons), fmt.Sprint(markerReason, f.marker))
	f.engine.Sync(s)
}

// hasTold says whether the source has given its word at all.
func (f *follower) hasTold() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

// sync is the source's last word on its completeness.
func (f *follower) sync() source.Sync {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// observer sees the markers that have arrived in the graph.
type observer struct{ concluded signal }

func newObserver() *observer { return &observer{newSignal()} }

// Synced implements engine.Observer.
func (o *observer) Synced(_ bool, reasons []string) {
	for _, r := range reasons {
		if text, ok := strings.CutPrefix(r, markerReason); ok {
			o.concluded.reach(numberIn(text))
		}
	}
}

// Configured implements engine.Observer, as do the others.
func (*observer) Configured(*config.Resolved)            {}
func (*observer) Updated(model.Kind, int, time.Duration) {}
func (*observer) Flushed(*calc.Batch)                    {}
func (*observer) Problems(map[model.Severity]int)        {}
func (*observer) Alive()                                 {}

// numberIn is the marker in a text, 0 if there is none.
func numberIn(text string) (n int) {
	_, _ = fmt.Sscan(text, &n) // what is no number is no marker
	return n
}
