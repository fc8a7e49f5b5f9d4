package reconcile

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"
)

var errRefused = errors.New("refused")

func at(second int) time.Time { return time.Unix(int64(second), 0) }

func newTracker(retry func(int) time.Duration) *Tracker[string, int] {
	return New[string](Options[int]{Equal: func(a, b int) bool { return a == b }, Retry: retry})
}

// tried runs every update and deletion that is due and returns what they were.
func tried(t *Tracker[string, int], now time.Time, outcome error) []string {
	var out []string
	t.Update(now, func(k string, c Change[int]) error {
		verb := "create "
		if c.Present {
			verb = "change "
		}
		out = append(out, verb+k)
		return outcome
	})
	t.Delete(now, func(k string, _ int) error {
		out = append(out, "delete "+k)
		return outcome
	})
	slices.Sort(out)
	return out
}

func TestTheSmallestChangeIsMade(t *testing.T) {
	tr := newTracker(nil)
	tr.InSync()
	tr.Desire("new", 1)
	tr.Desire("same", 2)
	tr.Desire("other value", 3)
	tr.Observe("same", 2)
	tr.Observe("other value", 33)
	tr.Observe("left over", 4)

	want := []string{"change other value", "create new", "delete left over"}
	if got := tried(tr, at(1), nil); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if got := tried(tr, at(2), nil); len(got) != 0 {
		t.Errorf("a second round does %q", got)
	}
	if want := (Counts{Done: 3}); tr.Counts() != want || !tr.Settled() {
		t.Errorf("%+v, want %+v", tr.Counts(), want)
	}
}

func TestNothingIsDeletedBeforeInSync(t *testing.T) {
	tr := newTracker(nil)
	tr.Observe("stands from before", 1)
	tr.Desire("goes before in-sync", 1)
	tr.Observe("goes before in-sync", 1)
	tr.Undesire("goes before in-sync")
	if got := tried(tr, at(1), nil); len(got) != 0 || !tr.Settled() {
		t.Errorf("before in-sync: %q", got)
	}
	for range tr.Deletions(at(1)) {
		t.Error("before in-sync, a deletion is listed")
	}
	tr.InSync()
	want := []string{"delete goes before in-sync", "delete stands from before"}
	if got := tried(tr, at(2), nil); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestAFailureStaysWithItsObject(t *testing.T) {
	tr := newTracker(nil)
	tr.Desire("bad", 1)
	tr.Desire("good", 1)
	for second := 1; second <= 2; second++ {
		tr.Update(at(second), func(k string, _ Change[int]) error {
			if k == "bad" {
				return errRefused
			}
			return nil
		})
	}
	if s := tr.State("good"); s.State != Done {
		t.Errorf("good: %v", s)
	}
	want := Status{State: Failed, Err: errRefused, Since: at(1), At: at(2), Failures: 2}
	if s := tr.State("bad"); s != want || s.String() != "error: refused" {
		t.Errorf("bad: %+v", s)
	}
	if got := maps.Collect(tr.Errors()); len(got) != 1 || got["bad"] != want {
		t.Errorf("errors: %v", got)
	}
	tr.Desire("bad", 1)
	if s := tr.State("bad"); s.State != Failed {
		t.Errorf("the same wish again: %v", s)
	}
	tr.Desire("bad", 2)
	if s := tr.State("bad"); s.State != Pending {
		t.Errorf("another wish: %v", s)
	}
}

func TestADeletionThatFails(t *testing.T) {
	tr := newTracker(nil)
	tr.InSync()
	tr.Observe("stuck", 1)
	tried(tr, at(1), errRefused)
	if s := tr.State("stuck"); s.State != Failed {
		t.Errorf("%v", s)
	}
	tr.ObserveGone("stuck")
	if s := tr.State("stuck"); s.State != Unknown {
		t.Errorf("gone by itself: %v", s)
	}
}

func TestFailuresWaitForTheirRetry(t *testing.T) {
	tr := newTracker(Backoff(time.Second, 4*time.Second))
	tr.Desire("bad", 1)
	var attempts []int
	for second := 0; second <= 12; second++ {
		if len(tried(tr, at(second), errRefused)) > 0 {
			attempts = append(attempts, second)
		}
	}
	if want := []int{0, 1, 3, 7, 11}; !slices.Equal(attempts, want) {
		t.Errorf("tried at %v, want %v", attempts, want)
	}
	if next, ok := tr.NextRetry(); !ok || !next.Equal(at(15)) {
		t.Errorf("next at %v, %v", next, ok)
	}
	tr.Observe("bad", 7)
	if next, ok := tr.NextRetry(); ok {
		t.Errorf("after news from the kernel it still waits for %v", next)
	}
}

func TestHoldAndRetry(t *testing.T) {
	tr := newTracker(nil)
	tr.Desire("fought over", 1)
	tr.Hold("fought over", errRefused, at(1), at(60))
	if got := tried(tr, at(59), nil); len(got) != 0 || tr.State("fought over").State != Failed {
		t.Errorf("before its time: %q", got)
	}
	if next, ok := tr.NextRetry(); !ok || !next.Equal(at(60)) {
		t.Errorf("next at %v, %v", next, ok)
	}
	tr.Retry("fought over")
	if s := tr.State("fought over"); s.State != Pending {
		t.Errorf("after Retry: %v", s)
	}
	if got := tried(tr, at(59), nil); !slices.Equal(got, []string{"create fought over"}) {
		t.Errorf("after Retry: %q", got)
	}
	tr.Hold("fought over", errRefused, at(60), at(90))
	tr.Retry("never heard of")
	if tr.State("fought over").State != Done || tr.State("never heard of").State != Unknown {
		t.Error("Hold and Retry change what is settled or unknown")
	}
}

func TestLaterIsNoFailure(t *testing.T) {
	tr := newTracker(nil)
	tr.Desire("waits", 1)
	tried(tr, at(1), Later)
	if s := tr.State("waits"); s.State != Pending {
		t.Errorf("%v", s)
	}
}

func TestAFullReadReplacesWhatWasThere(t *testing.T) {
	tr := newTracker(nil)
	for k, v := range map[string]int{"kept": 1, "vanished": 2, "altered": 3} {
		tr.Desire(k, v)
		tr.Observe(k, v)
	}
	tr.Observe("foreign, gone again", 9)
	tr.Desire("bad", 5)
	tr.Fail("bad", errRefused, at(1))
	tr.ObserveAll(maps.All(map[string]int{"kept": 1, "altered": 33, "new": 4}))

	for k, want := range map[string]State{
		"kept": Done, "vanished": Pending, "altered": Pending, "new": Unwanted,
		"foreign, gone again": Unknown, "bad": Failed,
	} {
		if got := tr.State(k).State; got != want {
			t.Errorf("%s is %v, want %v", k, got, want)
		}
	}
	if v, ok := tr.Actual("altered"); !ok || v != 33 {
		t.Errorf("altered stands as %v", v)
	}
	if v, ok := tr.Desired("altered"); !ok || v != 3 {
		t.Errorf("altered is wanted as %v", v)
	}
}

func TestOutcomesToldAfterwards(t *testing.T) {
	tr := NewSet[int]()
	tr.InSync()
	for k := range 6 {
		if k < 4 {
			tr.Desire(k, struct{}{})
		}
		if k >= 3 {
			tr.Observe(k, struct{}{})
		}
	}
	var created, deleted []int
	for k := range tr.Updates(at(1)) {
		created = append(created, k)
	}
	for k := range tr.Deletions(at(1)) {
		deleted = append(deleted, k)
	}
	slices.Sort(created)
	slices.Sort(deleted)
	if !slices.Equal(created, []int{0, 1, 2}) || !slices.Equal(deleted, []int{4, 5}) {
		t.Errorf("create %v, delete %v", created, deleted)
	}
	for _, k := range created {
		tr.Observe(k, struct{}{})
	}
	for _, k := range deleted {
		tr.ObserveGone(k)
	}
	if want := (Counts{Done: 4}); tr.Counts() != want {
		t.Errorf("%+v", tr.Counts())
	}
}
