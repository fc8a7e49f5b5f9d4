package demo

import (
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/netlab"
)

// underWay is how long before a moment a message may have been stamped as sent that the kernel then
// took after it: the sender shares the machine's processors with everybody else.
const underWay = 50 * time.Millisecond

// arrival is what a change and its taking back did to a flow that is allowed only in between.
type arrival struct {
	// opened is the time from the change to the first message that arrived.
	opened time.Duration
	// closed is the time from the taking back to the first message of those that were lost again.
	closed time.Duration
	// faults say what was not as it should be; then the times may be missing.
	faults []string
}

// judge reads out of a flow's report what happened to it when a policy was changed, and back.
func judge(r netlab.Report, changed, back time.Time) arrival {
	var a arrival
	fault := func(format string, args ...any) { a.faults = append(a.faults, fmt.Sprintf(format, args...)) }
	var first int
	early, opened := 0, time.Time{}
	for n, at := range r.Arrived {
		switch {
		case at.IsZero():
		case at.Before(changed):
			early++
		case opened.IsZero() || at.Before(opened):
			first, opened = n, at
		}
	}
	if early > 0 {
		fault("%d packets passed before the change", early)
	}
	if opened.IsZero() || !opened.Before(back) {
		fault("nothing passed after the change")
		return a
	}
	a.opened = opened.Sub(changed)
	if open := r.Between(r.Sent[first], back.Add(-underWay)); len(open.Lost()) > 0 {
		fault("after the first packet had passed: %s", open)
	}
	closed := r.Turn(back, false)
	if closed.IsZero() {
		fault("packets still pass after the change was taken back")
		return a
	}
	a.closed = closed.Sub(back)
	return a
}
