package routes

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/reconcile"
)

// dirt is on an address whose connections are those of a pod that had it before. The
// address is not routed again until they are forgotten.
type dirt struct {
	key      Key // of the route that it had
	link     int // that the route led to; 0 if that is not known
	failures int
	next     time.Time
}

// soil marks the address of a pod that goes or moves.
func (d *Driver) soil(w *wish) {
	if w.placed && w.route.Kind == model.RouteLocalPod {
		d.soilKey(w.key)
	}
}

func (d *Driver) soilKey(k Key) {
	if a := k.Destination.Addr(); k.Destination.IsSingleIP() && d.dirty[a] == nil {
		was, _ := d.tracker.Desired(k)
		d.dirty[a] = &dirt{key: k, link: was.Link}
	}
}

func (d *Driver) isDirty(destination netip.Prefix) bool {
	return destination.IsSingleIP() && d.dirty[destination.Addr()] != nil
}

// flush forgets the connections of the dirty addresses whose old route has gone.
func (d *Driver) flush(now time.Time) {
	var addrs []netip.Addr
	for a, dirt := range d.dirty {
		have, stands := d.tracker.Actual(dirt.key)
		want, desired := d.tracker.Desired(dirt.key)
		switch {
		case stands && desired && have == want && (have.Link == dirt.link || dirt.link == 0):
			delete(d.dirty, a) // it never went away
		case (!stands || dirt.link != 0 && have.Link != dirt.link) && !now.Before(dirt.next):
			// Gone, or the CNI plugin was faster and leads to the address's new pod already.
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	err := d.flusher.Flush(addrs)
	for _, a := range addrs {
		if err == nil {
			delete(d.dirty, a)
			continue
		}
		dirt := d.dirty[a]
		dirt.failures++
		dirt.next = now.Add(reconcile.Backoff(firstRetry, lastRetry)(dirt.failures))
		// The wait shows on the route that waits, if there is one.
		d.tracker.Hold(dirt.key, fmt.Errorf("route %s: old connections of its address: %w", dirt.key.Destination, err), now, dirt.next)
	}
}

// nextFlush is when a flush that has failed is due again.
func (d *Driver) nextFlush() (time.Time, bool) {
	var first time.Time
	for dirt := range maps.Values(d.dirty) {
		if !dirt.next.IsZero() && (first.IsZero() || dirt.next.Before(first)) {
			first = dirt.next
		}
	}
	return first, !first.IsZero()
}
