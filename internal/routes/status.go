package routes

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/reconcile"
)

// Status tells how far the route to a desired destination has got. While it waits for
// something that is not the kernel's to give, such as an interface, it is pending with
// the reason as its error; where there need be none, unknown with the reason.
func (d *Driver) Status(destination netip.Prefix) reconcile.Status {
	w, ok := d.wishes[destination]
	switch {
	case !ok:
		return reconcile.Status{}
	case w.idle:
		return reconcile.Status{State: reconcile.Unknown, Err: errors.New(w.reason)}
	case w.reason != "":
		return reconcile.Status{State: reconcile.Pending, Err: errors.New(w.reason)}
	}
	return d.tracker.State(w.key)
}

// Conditions are what is not as configured, although no route is in error for it.
func (d *Driver) Conditions() []string {
	if s := d.settings.PodSource; s.IsValid() && !d.settings.Off && !d.resolver().sourceThere() {
		return []string{fmt.Sprintf("source address %s is not on this node: routes to pods go in without it", s)}
	}
	return nil
}

// Errors lists the destinations whose routes are in error.
func (d *Driver) Errors() iter.Seq2[netip.Prefix, reconcile.Status] {
	return func(yield func(netip.Prefix, reconcile.Status) bool) {
		for k, s := range d.tracker.Errors() {
			if !yield(k.Destination, s) {
				return
			}
		}
	}
}

// Counts are numbers for metrics.
type Counts struct {
	reconcile.Counts
	Repairs uint64 // changes of others that were, or are to be, undone
}

// Counts counts; it is asked with every pass, and goes through what is not settled only.
func (d *Driver) Counts() Counts {
	return Counts{Counts: d.tracker.Counts(), Repairs: d.repairs}
}

// Waiting is how many destinations wait for an interface or an address that is not there.
// It goes through all destinations: it is for whoever asks, not for every pass.
func (d *Driver) Waiting() int {
	n := 0
	for _, w := range d.wishes {
		if w.reason != "" && !w.idle {
			n++
		}
	}
	return n
}

// Desired is what ought to be in the kernel, a line for each route as ip(8) prints it,
// sorted; what waits is followed by the reason.
func (d *Driver) Desired() []string {
	var out []Route
	for _, r := range d.tracker.AllDesired() {
		out = append(out, r)
	}
	lines := d.lines(out)
	var waiting []string
	for dst, w := range d.wishes {
		if w.reason != "" {
			waiting = append(waiting, fmt.Sprintf("%s: %s", dst, w.reason))
		}
	}
	slices.Sort(waiting)
	return append(lines, waiting...)
}

// Actual is what there is of ours in the kernel, likewise.
func (d *Driver) Actual() []string {
	var out []Route
	for _, r := range d.tracker.AllActual() {
		out = append(out, r)
	}
	return d.lines(out)
}

func (d *Driver) lines(routes []Route) []string {
	slices.SortFunc(routes, func(a, b Route) int { return placeOf(&a, 0).compare(placeOf(&b, 0)) })
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = r.Text(d.linkName)
	}
	return out
}
