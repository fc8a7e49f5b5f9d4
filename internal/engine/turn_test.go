package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

func TestNothingIsHandedOverBeforeBothSidesAreThere(t *testing.T) {
	r := newRig(t)
	r.Update([]model.Event{pool(1)})
	r.wantIdle()
	r.Begin()
	r.wantIdle() // the source may be in the middle of its first read
	r.Update([]model.Event{pool(2)})
	r.Sync(source.Sync{Reasons: []string{"a.yaml: empty"}})
	r.wantWork("settings: IPv4+IPv6 +10.1.0.0/16 +10.2.0.0/16")
	r.Sync(source.Sync{InSync: true})
	r.wantWork("in-sync full: in-sync +10.1.0.0/16 +10.2.0.0/16")
	r.Update([]model.Event{noPool(1)})
	r.wantWork("in-sync -10.1.0.0/16")
	r.wantIdle()
}

func TestInSyncFromTheStartIsOneBatch(t *testing.T) {
	r := newRig(t)
	r.Update([]model.Event{pool(1)})
	r.Sync(source.Sync{InSync: true})
	r.Begin()
	r.wantWork("settings: IPv4+IPv6 in-sync +10.1.0.0/16")
	r.wantIdle()
}

func TestInSyncIsTheLastToBeTold(t *testing.T) {
	r := begun(t)
	r.Sync(source.Sync{InSync: true}) // comes before what it is about is fed
	r.tick = slice
	r.Update([]model.Event{pool(1), noPool(9), pool(2)})
	r.Update(make([]model.Event, stride)) // events of no kind, which make it a second turn
	if !r.turn() {
		t.Fatal("all was fed at once: the test shows nothing")
	}
	if w := r.take(); w.Batch.InSync {
		t.Errorf("in sync with events still to be fed: %s", text(w))
	}
	r.wantWork("in-sync full: in-sync +10.1.0.0/16 +10.2.0.0/16")
}

func TestNothingIsHandedOverTwice(t *testing.T) {
	r := begun(t)
	r.Sync(source.Sync{InSync: true})
	r.Update([]model.Event{pool(1)})
	r.wantWork("in-sync +10.1.0.0/16 full: in-sync +10.1.0.0/16")
	for name, spurious := range map[string]func(){
		"the same again":       func() { r.Update([]model.Event{pool(1)}) },
		"a spurious delete":    func() { r.Update([]model.Event{noPool(7)}) },
		"there and back":       func() { r.Update([]model.Event{pool(2), noPool(2)}) },
		"in sync again":        func() { r.Sync(source.Sync{InSync: true}) },
		"not in sync any more": func() { r.Sync(source.Sync{}) },
		"another wake-up":      func() { r.Wake() },
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			spurious()
			r.wantIdle()
		})
	}
	r.time = r.time.Add(time.Hour)
	r.Update([]model.Event{pool(3)})
	r.settle()
	if w := r.take(); !w.Since.Equal(r.time) {
		t.Errorf("since %v: an event that came to nothing counts as the oldest one", w.Since)
	}
}

func TestASlowDataplaneGetsTheLastState(t *testing.T) {
	r := begun(t)
	r.Update([]model.Event{pool(0)})
	r.settle()
	r.time = r.time.Add(time.Minute)
	arrival := r.time
	for n := range 1000 {
		r.time = r.time.Add(time.Second)
		r.Update([]model.Event{pool(n % 7), noPool((n + 1) % 7)})
		r.settle()
	}
	r.wantWork("+10.0.0.0/16")
	r.settle()
	w := r.take()
	// The last round, 999, has set pool 5 and removed pool 6; those before it are all there.
	if got, want := text(w), "+10.1.0.0/16 +10.2.0.0/16 +10.3.0.0/16 +10.4.0.0/16 +10.5.0.0/16"; got != want {
		t.Errorf("work\n is  %s\nwant %s", got, want)
	}
	if want := arrival.Add(time.Second); !w.Since.Equal(want) {
		t.Errorf("since %v, want %v: the first event after the work that was not taken", w.Since, want)
	}
	r.wantIdle()
}

func TestAStormDoesNotKeepTheDataplaneWaiting(t *testing.T) {
	r := begun(t)
	r.tick = slice / 4 // each look at the clock; there is one for every stride
	storm := make([]model.Event, 100*stride)
	for i := range storm {
		storm[i] = pool(i / stride) // each turn brings some
	}
	r.Update(storm)
	for before := r.fed; r.turn(); before = r.fed {
		if fed := r.fed - before; fed == 0 || fed > 4*stride {
			t.Fatalf("%d events were fed before the dataplane was looked at", fed)
		}
		r.take() // there is new work at each turn
	}
}

// One policy takes the place of another, of a different kind: both events are one update, and
// come to the dataplane in one piece however slow the machine is. Else what both deny would
// be let through in between.
func TestWhatComesTogetherIsHandedOverTogether(t *testing.T) {
	r := begun(t)
	r.tick = slice
	for n := range 3 { // each update is a piece of its own
		r.Update([]model.Event{noPool(n), {Key: model.Key{Kind: model.KindPod, Name: "shop/web"}}, pool(n + 1), {Key: model.Key{Kind: model.KindTier, Name: "t"}}, pool(n + 10)})
	}
	want := []string{"+10.1.0.0/16 +10.10.0.0/16", "-10.1.0.0/16 +10.2.0.0/16 +10.11.0.0/16", "-10.2.0.0/16 +10.3.0.0/16 +10.12.0.0/16"}
	for i := range want {
		if more := r.turn(); more != (i < len(want)-1) {
			t.Errorf("after %d turns, more to feed: %v", i+1, more)
		}
		if got := text(r.take()); got != want[i] {
			t.Errorf("work %d\n is  %s\nwant %s", i, got, want[i])
		}
	}
	// The largest unit that is kept together, and one that is not.
	for i, once := range []bool{true, false} {
		size := unit + i
		r.Update(slices.Repeat([]model.Event{pool(20 + i), {Key: model.Key{Kind: model.KindTier, Name: "t"}}}, size)[:size])
		if more := r.turn(); more == once {
			t.Errorf("%d events: more to feed after a turn: %v", size, more)
		}
		for r.turn() {
		}
		r.take()
	}
}

func TestFactsComeFirst(t *testing.T) {
	r := begun(t)
	r.tick = slice
	r.Update([]model.Event{pool(1), noPool(9)})
	r.turn() // its work waits: the dataplane is busy telling
	for len(r.inbox.wake) > 0 {
		<-r.inbox.wake
	}
	told := make(chan bool, 1)
	go func() { told <- r.Tell(context.Background(), []model.Event{pool(2)}) }()
	<-r.inbox.wake
	r.Update(slices.Repeat([]model.Event{pool(3)}, 1000)) // more than a turn's worth
	r.turn()
	if !<-told {
		t.Error("not told")
	}
	r.wantFirst("+10.1.0.0/16")
	r.wantFirst("+10.2.0.0/16")
}

// wantFirst looks at what waits, without a turn.
func (r *rig) wantFirst(want string) {
	r.t.Helper()
	if got := text(r.take()); got != want {
		r.t.Errorf("work\n is  %s\nwant %s", got, want)
	}
}

func TestAnotherDataplaneGetsEverything(t *testing.T) {
	r := begun(t)
	r.Sync(source.Sync{InSync: true})
	r.Update([]model.Event{pool(1), pool(2)})
	r.settle()
	r.take()
	r.Update([]model.Event{noPool(1)})
	r.settle() // work that the first one never takes
	r.Update([]model.Event{pool(3)})
	r.Begin()
	r.wantWork("settings: IPv4+IPv6 in-sync +10.2.0.0/16 +10.3.0.0/16")
	r.wantIdle()
	r.Update([]model.Event{noPool(2)})
	r.wantWork("in-sync -10.2.0.0/16")
}

func TestWorkThatIsVoidKeepsItsAge(t *testing.T) {
	r := begun(t)
	r.time = r.time.Add(time.Second)
	arrival := r.time
	r.Update([]model.Event{pool(1)})
	r.settle()
	r.time = r.time.Add(time.Minute)
	r.Begin()
	r.settle()
	if w := r.take(); !w.Since.Equal(arrival) {
		t.Errorf("since %v, want %v", w.Since, arrival)
	}
}

func TestTheObserverIsToldOfChanges(t *testing.T) {
	r := newRig(t)
	r.Begin()
	r.Report("a.yaml", []model.Problem{{Severity: model.Failure, Message: "wrong"}, {Message: "odd"}})
	r.Sync(source.Sync{Reasons: []string{"a.yaml: half"}})
	r.settle()
	r.take()
	r.Report("a.yaml", nil)
	r.Update([]model.Event{configuration("default", map[string]any{"ipv6Support": false})})
	r.Sync(source.Sync{InSync: true})
	r.settle()
	r.settle()
	want := []string{
		"synced false [a.yaml: half]", "flushed", "problems 1 0 1",
		"synced true []", "configured IPv4", "flushed", "problems 0 0 0",
	}
	if !slices.Equal(r.seen, want) {
		t.Errorf("observed\n is  %q\nwant %q", r.seen, want)
	}
}
