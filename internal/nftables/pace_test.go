package nftables

import (
	"testing"
	"time"
)

// TestPace: the first foreign change is told at once, a fight ever more slowly, and after
// a few seconds of peace all is forgotten.
func TestPace(t *testing.T) {
	var p pace
	now := time.Unix(1_800_000_000, 0)
	for i, want := range []time.Duration{0, 50, 100, 200, 400, 800, 1000, 1000} {
		if got := p.next(now); got != want*time.Millisecond {
			t.Errorf("change %d: told after %v, want %v", i, got, want*time.Millisecond)
		}
		now = now.Add(p.delay + time.Millisecond)
	}
	if got := p.next(now.Add(10 * time.Second)); got != 0 {
		t.Errorf("after ten seconds of peace: %v", got)
	}
}

// someTime is a time for tests in which it does not matter.
func someTime() time.Time { return time.Unix(1_800_000_000, 0) }
