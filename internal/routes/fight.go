package routes

import (
	"time"

	"github.com/margay-net/margay/internal/reconcile"
)

// fights remembers how often others have changed a route of ours. A few changes are
// repaired at once; who insists gets an answer ever more slowly, so that two programs of
// different opinion do not keep the node busy.
type fights map[Key]*fight

type fight struct {
	rounds int
	last   time.Time
}

const (
	freeRepairs = 5
	fightOver   = 2 * time.Minute // of quiet
	firstHold   = time.Second
	lastHold    = 30 * time.Second
)

// note counts a change. If there have been too many, it says how long to leave the route
// as it is.
func (f fights) note(k Key, now time.Time) (until time.Time, fighting bool) {
	g := f[k]
	if g == nil || now.Sub(g.last) > fightOver {
		g = &fight{}
		f[k] = g
	}
	g.rounds++
	g.last = now
	if g.rounds <= freeRepairs {
		return time.Time{}, false
	}
	return now.Add(reconcile.Backoff(firstHold, lastHold)(g.rounds - freeRepairs)), true
}

// forget drops the fights that are over.
func (f fights) forget(now time.Time) {
	for k, g := range f {
		if now.Sub(g.last) > fightOver {
			delete(f, k)
		}
	}
}
