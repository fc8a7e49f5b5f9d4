package engine

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

func TestASourceWaitsWhileTheInboxIsFull(t *testing.T) {
	r := newRig(t)
	r.Update(slices.Repeat([]model.Event{noPool(1)}, most))
	var order []string
	var mu sync.Mutex
	note := func(what string) { mu.Lock(); defer mu.Unlock(); order = append(order, what) }
	done := make(chan struct{})
	entered := make(chan struct{})
	go func() {
		close(entered)
		r.Update([]model.Event{pool(2)})
		note("told")
		close(done)
	}()
	<-entered
	// Neither reports nor questions wait behind it.
	r.Report("a.yaml", nil)
	r.Sync(source.Sync{})
	note("made room")
	r.turn()
	<-done
	if want := []string{"made room", "told"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

func TestNobodyWaitsForAnEngineThatHasStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	r := newRig(t)
	r.Update(slices.Repeat([]model.Event{noPool(1)}, most))
	var waiting sync.WaitGroup
	answers := make(chan bool, 2)
	waiting.Go(func() { r.Update([]model.Event{pool(2)}) })
	waiting.Go(func() { answers <- r.Ask(context.Background(), func(*config.Resolved) {}) })
	waiting.Go(func() { answers <- r.Tell(context.Background(), []model.Event{pool(3)}) })
	stop()
	r.Run(ctx)
	waiting.Wait()
	for range 2 {
		if <-answers {
			t.Error("an engine that did not run has answered")
		}
	}
	if r.Ask(context.Background(), func(*config.Resolved) { t.Error("asked") }) {
		t.Error("an engine that has stopped has answered")
	}
	r.Update([]model.Event{pool(4)})
	r.Sync(source.Sync{InSync: true})
	r.Begin()
	r.Wake()
}

func TestWhoeverAsksNeedNotWaitForever(t *testing.T) {
	r := newRig(t) // nobody makes it turn
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r.Ask(ctx, func(*config.Resolved) {}) {
		t.Error("answered")
	}
}

func TestAskSeesTheSettingsAsTheyAre(t *testing.T) {
	r := begun(t)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	defer running.Wait()
	defer stop()
	r.Update([]model.Event{configuration("default", map[string]any{"healthPort": 9100.0})})
	var port uint16
	for port != 9100 { // the first question may come first
		if !r.Ask(ctx, func(c *config.Resolved) { port = c.Settings.Health.Port }) {
			t.Fatal("no answer")
		}
	}
	if port := r.Settings().Settings.Health.Port; port != 9099 {
		t.Errorf("the settings made locally have port %d", port)
	}
}
