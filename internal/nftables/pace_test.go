package nftables

import (
	"testing"
	"time"
)

// TestPace: the first foreign change is told at once, a fight ever more slowly, and after
// half a minute of peace all is forgotten.
func TestPace(t *testing.T) {
	var p pace
	now := time.Unix(1_800_000_000, 0)
	for i, want := range []time.Duration{0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000} {
		if got := p.next(now); got != want*time.Millisecond {
			t.Errorf("change %d: told after %v, want %v", i, got, want*time.Millisecond)
		}
		now = now.Add(p.delay + time.Millisecond)
	}
	if got := p.next(now.Add(time.Minute)); got != 0 {
		t.Errorf("after a minute of peace: %v", got)
	}
}

// someTime is a time for tests in which it does not matter.
func someTime() time.Time { return time.Unix(1_800_000_000, 0) }
