package netlab_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/netlab"
)

// anyReport draws a report: messages one millisecond apart, each lost or some time under way.
func anyReport(t *rapid.T) netlab.Report {
	var r netlab.Report
	for i, under := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 12).Draw(t, "milliseconds under way, 0 for lost") {
		r.Sent = append(r.Sent, at(i+1))
		arrived := time.Time{}
		if under > 0 {
			arrived = at(i + 1 + under)
		}
		r.Arrived = append(r.Arrived, arrived)
	}
	return r
}

// Turn against the sentence that defines it, tried on every moment in order.
func TestTurnAgainstItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		after, open := at(rapid.IntRange(0, 13).Draw(t, "after")), rapid.Bool().Draw(t, "open")
		want := time.Time{}
		for i := len(r.Sent) - 1; i >= 0; i-- {
			allFromHere := true
			for j := i; j < len(r.Sent); j++ {
				allFromHere = allFromHere && !r.Arrived[j].IsZero() == open
			}
			if allFromHere && r.Sent[i].After(after) {
				want = r.Sent[i]
			}
		}
		if got := r.Turn(after, open); !got.Equal(want) {
			t.Fatalf("turned at %v, want %v", got, want)
		}
	})
}

// A report cut in two has lost what the whole has lost, and no message is in both parts.
func TestPartsMakeTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		cut := at(rapid.IntRange(1, 13).Draw(t, "cut"))
		before, after := r.Between(time.Time{}, cut), r.Between(cut, time.Time{})
		if got, want := len(before.Sent)+len(after.Sent), len(r.Sent); got != want {
			t.Fatalf("parts have %d messages, the whole %d", got, want)
		}
		if got, want := len(before.Lost())+len(after.Lost()), len(r.Lost()); got != want {
			t.Fatalf("parts have lost %d messages, the whole %d", got, want)
		}
		if slower := max(before.Slowest(), after.Slowest()); slower != r.Slowest() {
			t.Fatalf("slowest of the parts took %s, of the whole %s", slower, r.Slowest())
		}
	})
}
