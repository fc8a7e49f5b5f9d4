package dataplane

import (
	"errors"
	"os"
	"sync"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/routes"
)

// watcher waits for kernel events on behalf of the loop: one goroutine for each subscription.
type watcher struct {
	events        chan familyEvents
	subscriptions []routes.Subscription
	stop          chan struct{}
	running       sync.WaitGroup
}

type familyEvents struct {
	family family.Family
	events []routes.Event
}

func newWatcher() *watcher {
	return &watcher{events: make(chan familyEvents, 1), stop: make(chan struct{})}
}

// add has another subscription waited for, which goes with the watcher.
func (w *watcher) add(f family.Family, s routes.Subscription) {
	w.subscriptions = append(w.subscriptions, s)
	w.running.Add(1)
	go w.forward(f, s)
}

func watch(linux *family.Pair[*routes.Linux]) (*watcher, error) {
	w := newWatcher()
	for _, f := range family.All() {
		s, err := linux.Get(f).Subscribe(f)
		if err != nil {
			w.close()
			return nil, err
		}
		w.add(f, s)
	}
	return w, nil
}

func (w *watcher) forward(f family.Family, s routes.Subscription) {
	defer w.running.Done()
	for {
		events, err := s.Next()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil { // whatever was lost, a full read finds it
			events = []routes.Event{{Overrun: true}}
		}
		select {
		case w.events <- familyEvents{f, events}:
		case <-w.stop:
			return
		}
	}
}

func (w *watcher) close() {
	close(w.stop)
	for _, s := range w.subscriptions {
		_ = s.Close()
	}
	w.running.Wait()
}
