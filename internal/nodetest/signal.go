package nodetest

import (
	"context"
	"sync"
	"time"
)

// patience is how long a test waits for what must come. Only a failing one waits that long.
const patience = 10 * time.Second

// changes wakes everybody who waits for something to change.
type changes struct {
	mu   *sync.Mutex
	next *chan struct{} // closed and replaced at each change
}

func newChanges() changes {
	c := make(chan struct{})
	return changes{&sync.Mutex{}, &c}
}

// tell wakes all who wait now.
func (c changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(*c.next)
	*c.next = make(chan struct{})
}

// wait returns a channel that is closed at the next change.
func (c changes) wait() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.next
}

// until waits for a condition to hold, which is looked at again at each change.
func (c changes) until(ctx context.Context, holds func() bool) bool {
	for {
		changed := c.wait()
		if holds() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// signal is a number that rises, and that others wait for.
type signal struct {
	changes
	number *int
}

func newSignal() signal { return signal{newChanges(), new(int)} }

// reach raises the number.
func (s signal) reach(n int) {
	s.mu.Lock()
	*s.number = max(*s.number, n)
	s.mu.Unlock()
	s.tell()
}

// waitFor waits until the number is n at least.
func (s signal) waitFor(ctx context.Context, n int) bool {
	return s.until(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return *s.number >= n
	})
}
