package health

import (
	"fmt"
	"sync"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Component names a part of the agent that reports.
type Component struct {
	Name   string
	Family family.Family // 0 for a component that concerns no family in particular
}

// String is the name and, if there is one, the family.
func (c Component) String() string {
	if c.Family == 0 {
		return c.Name
	}
	return c.Name + " " + c.Family.String()
}

// Promise is what a component undertakes when it is added.
type Promise struct {
	// Readiness says that the component reports whether it is ready; until it does, it is not.
	// Without, it counts as ready as long as it is alive.
	Readiness bool
	// Every is the longest time between two reports; 0 for a component that reports changes
	// only, and so is always alive.
	Every time.Duration
}

// Board collects the reports. It is safe for concurrent use; times passed in should have a
// monotonic reading, as time.Now has, so that a clock that is set makes nobody late.
type Board struct {
	mu         sync.Mutex
	families   family.Set
	components map[Component]*state
	conditions map[conditionKey]Condition
	overrides  map[string]time.Duration // by component name, in place of Promise.Every
}

// state is what is known of a component.
type state struct {
	promise Promise
	ready   bool
	reason  string    // why not ready; empty if ready
	since   time.Time // of the last change between ready and not ready
	last    time.Time // report
	heard   bool      // anything at all
}

// NewBoard makes a board on which nobody has reported: alive, and not ready.
func NewBoard(enabled family.Set) *Board {
	return &Board{
		families:   enabled,
		components: map[Component]*state{},
		conditions: map[conditionKey]Condition{},
	}
}

// SetFamilies says which families are enabled. Components and conditions of others are
// not shown and count for nothing, but what they report is kept.
func (b *Board) SetFamilies(enabled family.Set) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.families = enabled
}

// SetTimeouts replaces the promised intervals of the components of these names
// (HealthTimeoutOverrides); 0 means that the component need not report at intervals. Names
// that nobody has are harmless, and apply to components that are added later too.
func (b *Board) SetTimeouts(overrides map[string]time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.overrides = overrides
}

// Add announces a component before its first report. Its interval begins now. Adding a
// component again changes its promise and keeps what it reported.
func (b *Board) Add(now time.Time, c Component, p Promise) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.components[c]
	if s == nil {
		s = &state{since: now, ready: true}
		if p.Readiness {
			s.ready, s.reason = false, "has not reported yet"
		}
		b.components[c] = s
	}
	s.promise, s.last = p, now
}

// Remove forgets a component, which then holds nothing up.
func (b *Board) Remove(c Component) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.components, c)
}

// Beat says that the component is at work, and nothing about its readiness.
func (b *Board) Beat(now time.Time, c Component) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reported(now, c)
}

// Ready says that the component has done what it should have.
func (b *Board) Ready(now time.Time, c Component) { b.setReady(now, c, true, "") }

// NotReady says that it has not, and why, in words for the operator of the cluster.
func (b *Board) NotReady(now time.Time, c Component, reason string) {
	if reason == "" {
		reason = "says that it is not ready"
	}
	b.setReady(now, c, false, reason)
}

func (b *Board) setReady(now time.Time, c Component, ready bool, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.reported(now, c)
	if s.ready != ready {
		s.since = now
	}
	s.ready, s.reason = ready, reason
}

// reported notes that the component spoke. One that was never added counts from now on.
func (b *Board) reported(now time.Time, c Component) *state {
	s := b.components[c]
	if s == nil {
		s = &state{since: now, ready: true}
		b.components[c] = s
	}
	s.last, s.heard = now, true
	return s
}

// timeout is the longest silence that the component may keep; 0 for any.
func (b *Board) timeout(c Component, s *state) time.Duration {
	if t, ok := b.overrides[c.Name]; ok {
		return t
	}
	return s.promise.Every
}

// late says why the component is taken for dead; "" while it is not.
func (b *Board) late(now time.Time, c Component, s *state) string {
	silence, timeout := now.Sub(s.last), b.timeout(c, s)
	if timeout <= 0 || silence <= timeout {
		return ""
	}
	return fmt.Sprintf("no report for %v, expected at least every %v", silence.Round(time.Second), timeout)
}
