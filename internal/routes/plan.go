package routes

import (
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
)

// work is what one round of Apply does, in this order. Between remove and last, the
// connections of addresses that change hands are flushed.
type work struct {
	first   []Write // creations and changes that wait for nothing
	through []Write // those through gateways that are among them
	remove  []Write
	last    []Write // creations of routes to addresses that were dirty
}

// plan sorts out what is to be done. It does no I/O; it marks as failed what cannot be
// done because somebody else is in the way.
func (d *Driver) plan(now time.Time) work {
	var w work
	blocked := map[Key]Route{}
	for k, c := range d.tracker.Updates(now) {
		if other, ok := d.strangers[k]; ok {
			blocked[k] = other
			continue
		}
		d.planUpdate(&w, k, c)
	}
	for k, other := range blocked {
		d.tracker.Fail(k, fmt.Errorf("route %s: another route stands there: %s", k.Destination, other.Text(d.linkName)), now)
	}
	var taken []Key
	d.waiting = false
	for k, have := range d.tracker.Deletions(now) {
		if !d.mine(have) {
			taken = append(taken, k)
			continue
		}
		if d.feed.isUntold(d.linkName(have.Link), have.Destination) {
			d.waiting = true
			continue
		}
		w.remove = append(w.remove, Write{Delete, have})
	}
	for _, k := range taken {
		d.tracker.ObserveGone(k) // a stranger's, which took the place of ours
	}
	for _, list := range [][]Write{w.first, w.through, w.remove, w.last} {
		sortWrites(list)
	}
	return w
}

func (d *Driver) planUpdate(w *work, k Key, c reconcile.Change[Route]) {
	verb := Create
	if c.Present {
		verb = Replace
	}
	if c.Want.OnLink {
		if w.through == nil {
			w.through = make([]Write, 0, d.tracker.Open())
		}
		w.through = append(w.through, Write{verb, c.Want})
		return
	}
	wish := d.wishes[k.Destination]
	pod := wish != nil && wish.route.Kind == model.RouteLocalPod && k.Destination.IsSingleIP()
	moved := c.Present && c.Have.Link != c.Want.Link && d.onPod(c.Have)
	// What happened while we were not running is not known. But if no route of the
	// address leads to this interface yet, the address is new there.
	unknown := !d.settledOnce && !c.Present && !d.standsOn(c.Want.Link, c.Want)
	switch {
	case pod && moved:
		d.soilKey(k)
		w.remove = append(w.remove, Write{Delete, c.Have})
		w.last = append(w.last, Write{Create, c.Want})
	case pod && (unknown || d.isDirty(k.Destination)) && !c.Present:
		d.soilKey(k)
		w.last = append(w.last, Write{Create, c.Want})
	default:
		w.first = append(w.first, Write{verb, c.Want})
	}
}
