package netlab

import (
	"fmt"
	"slices"
	"time"
)

// Report is what became of a stream's messages; both slices are indexed by their number.
type Report struct {
	Sent    []time.Time
	Arrived []time.Time // zero: has not
}

// Lost are the numbers of the messages that have not arrived.
func (r Report) Lost() []int {
	var lost []int
	for n, at := range r.Arrived {
		if at.IsZero() {
			lost = append(lost, n)
		}
	}
	return lost
}

// Between is the part of the report about messages sent after one moment and not after another;
// a zero moment is no limit. A moment at which a policy has taken effect is a useful one.
func (r Report) Between(after, until time.Time) Report {
	var part Report
	for n, at := range r.Sent {
		if at.After(after) && (until.IsZero() || !at.After(until)) {
			part.Sent = append(part.Sent, at)
			part.Arrived = append(part.Arrived, r.Arrived[n])
		}
	}
	return part
}

// Turn is the first moment after `after` at which a message was sent that, with all that were
// sent after it, arrived (open) or was lost (not open). Zero if there is none: the last message
// of all went the other way.
func (r Report) Turn(after time.Time, open bool) time.Time {
	var turn time.Time
	for n, at := range r.Sent {
		if arrived := !r.Arrived[n].IsZero(); arrived != open {
			turn = time.Time{}
		} else if turn.IsZero() && at.After(after) {
			turn = at
		}
	}
	return turn
}

// Slowest is the longest time that a message took that arrived.
func (r Report) Slowest() time.Duration {
	var slowest time.Duration
	for n, at := range r.Arrived {
		if !at.IsZero() {
			slowest = max(slowest, at.Sub(r.Sent[n]))
		}
	}
	return slowest
}

// Gap is the longest time between two arrivals that followed each other.
func (r Report) Gap() time.Duration {
	arrivals := slices.DeleteFunc(slices.Clone(r.Arrived), time.Time.IsZero)
	slices.SortFunc(arrivals, time.Time.Compare)
	var gap time.Duration
	for i := 1; i < len(arrivals); i++ {
		gap = max(gap, arrivals[i].Sub(arrivals[i-1]))
	}
	return gap
}

// String is a line such as `sent 500, lost 3 (first 120, last 122), longest gap 8ms`.
func (r Report) String() string {
	lost := r.Lost()
	text := fmt.Sprintf("sent %d, lost %d", len(r.Sent), len(lost))
	if len(lost) > 0 {
		text += fmt.Sprintf(" (first %d, last %d)", lost[0], lost[len(lost)-1])
	}
	return text + fmt.Sprintf(", longest gap %s", r.Gap().Round(time.Millisecond))
}
