package ipip

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/margay-net/margay/internal/reconcile"
)

// Status tells how far the device has got: pending, with the reason, while the node's address
// is nowhere to be found.
func (d *Driver) Status() reconcile.Status {
	if d.reason != "" {
		return reconcile.Status{State: reconcile.Pending, Err: errors.New(d.reason)}
	}
	if !d.wanted() {
		return reconcile.Status{}
	}
	return d.device.State(Device)
}

// MTU is that of the device as it ought to be; 0 for none.
func (d *Driver) MTU() int {
	if !d.wanted() {
		return 0
	}
	mtu, _ := d.mtu()
	return mtu
}

// Errors lists what is in error.
func (d *Driver) Errors() iter.Seq2[string, reconcile.Status] {
	return func(yield func(string, reconcile.Status) bool) {
		for k, s := range d.device.Errors() {
			if !yield(k, s) {
				return
			}
		}
		for k, s := range d.held.Errors() {
			if !yield(k.String(), s) {
				return
			}
		}
	}
}

// Counts are numbers for metrics.
type Counts struct {
	Failed  int
	Repairs uint64 // changes of others that were, or are to be, undone
}

// Counts counts.
func (d *Driver) Counts() Counts {
	return Counts{Failed: d.device.Counts().Failed + d.held.Counts().Failed, Repairs: d.repairs}
}

// Settled says whether nothing remains to be done.
func (d *Driver) Settled() bool {
	return !d.stale && d.reason == "" && (!d.wanted() || d.device.Settled()) && d.held.Settled()
}

// Desired is what ought to be in the kernel, as ip(8) prints it.
func (d *Driver) Desired() []string {
	if d.reason != "" {
		return []string{Device + ": " + d.reason}
	}
	return lines(d.device.AllDesired(), d.held.AllDesired())
}

// Actual is what there is of ours in the kernel, likewise.
func (d *Driver) Actual() []string {
	if !d.wanted() {
		return nil
	}
	return lines(d.device.AllActual(), d.held.AllActual())
}

func lines[K fmt.Stringer](devices iter.Seq2[string, Link], addresses iter.Seq2[K, struct{}]) []string {
	var out, held []string
	for _, l := range devices {
		state := map[bool]string{true: "up", false: "down"}[l.Up]
		out = append(out, fmt.Sprintf("%s mtu %d %s", Device, l.MTU, state))
	}
	for p := range addresses {
		held = append(held, fmt.Sprintf("%s dev %s", p, Device))
	}
	slices.Sort(held)
	return append(out, held...)
}
