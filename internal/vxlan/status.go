package vxlan

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// Name is the device's name.
func (d *Driver) Name() string { return d.name }

// MTU is that of the device as it ought to be; 0 for none.
func (d *Driver) MTU() int {
	want, reason := d.wanted()
	if reason != "" {
		want, _ = d.device.Actual(d.name) // what stands is left
	}
	return want.MTU
}

// Carries are the families that the device is wanted for.
func (d *Driver) Carries() family.Set {
	var out family.Set
	if d.settings.Off || !d.own.Underlay.IsValid() {
		return out
	}
	for _, a := range tunnelAddresses(d.own) {
		out = out.With(family.Of(a))
	}
	return out
}

// Offload says whether the device leaves checksums to the network card: "on" or "off", or
// nothing if there is no device.
func (d *Driver) Offload() string {
	have, _ := d.values.Actual(offload)
	return have
}

// Device tells how far the device has got: pending, with the reason, while the node's
// address is nowhere to be found.
func (d *Driver) Device() reconcile.Status {
	if d.reason != "" {
		return reconcile.Status{State: reconcile.Pending, Err: errors.New(d.reason)}
	}
	return d.device.State(d.name)
}

// Status tells how far the way to another node has got: the first of its entries that is not
// done.
func (d *Driver) Status(node string) reconcile.Status {
	v, known := d.peers[node]
	if !known {
		return reconcile.Status{}
	}
	owner, _, _ := d.remotes.of(v.MAC)
	states := []reconcile.Status{yielded(d.forwarding.State(v.MAC), "MAC "+v.MAC.String(), node, owner)}
	for _, a := range tunnelAddresses(v) {
		owner, _, _ := d.macs.of(a)
		states = append(states, yielded(d.neighbours.State(a), "tunnel address "+a.String(), node, owner))
	}
	for _, s := range states {
		if s.State != reconcile.Done {
			return s
		}
	}
	return reconcile.Status{State: reconcile.Done}
}

// yielded is the state of an entry as a node sees it, of which another node may be the owner.
func yielded(s reconcile.Status, what, node, owner string) reconcile.Status {
	if owner == node {
		return s
	}
	return reconcile.Status{State: reconcile.Pending, Err: fmt.Errorf("%s is that of node %s as well", what, owner)}
}

// Errors lists what is in error, by the words that the kernel knows it by.
func (d *Driver) Errors() iter.Seq2[string, reconcile.Status] {
	return func(yield func(string, reconcile.Status) bool) {
		_ = failed(d.device, yield) && failed(d.values, yield) && failed(d.held, yield) &&
			failed(d.neighbours, yield) && failed(d.forwarding, yield)
	}
}

func failed[K comparable, V any](t *reconcile.Tracker[K, V], yield func(string, reconcile.Status) bool) bool {
	for k, s := range t.Errors() {
		if !yield(fmt.Sprint(k), s) {
			return false
		}
	}
	return true
}

// Counts are numbers for metrics.
type Counts struct {
	reconcile.Counts
	Repairs uint64 // changes of others that were, or are to be, undone
}

// Counts counts all that the driver looks after.
func (d *Driver) Counts() Counts {
	out := Counts{Repairs: d.repairs}
	for _, c := range []reconcile.Counts{
		d.device.Counts(), d.values.Counts(), d.held.Counts(), d.neighbours.Counts(), d.forwarding.Counts(),
	} {
		out.Pending += c.Pending
		out.Done += c.Done
		out.Unwanted += c.Unwanted
		out.Failed += c.Failed
	}
	return out
}

// Settled says whether nothing remains to be done.
func (d *Driver) Settled() bool {
	return !d.stale && d.reason == "" && d.settledNow() && d.values.Settled()
}

// Desired is what ought to be in the kernel, as ip(8) and bridge(8) print it, sorted by kind.
func (d *Driver) Desired() []string {
	var out []string
	for _, l := range d.device.AllDesired() {
		out = append(out, d.linkText(l))
	}
	if d.reason != "" {
		out = append(out, fmt.Sprintf("%s: %s", d.name, d.reason))
	}
	return slices.Concat(out, d.entries(true))
}

// Actual is what there is of ours in the kernel, likewise.
func (d *Driver) Actual() []string {
	var out []string
	for _, l := range d.device.AllActual() {
		out = append(out, d.linkText(l))
	}
	return slices.Concat(out, d.entries(false))
}

func (d *Driver) entries(desired bool) []string {
	var addresses, neighbours, forwarding []string
	for p := range side(d.held, desired) {
		addresses = append(addresses, fmt.Sprintf("%s dev %s", p, d.name))
	}
	for a, n := range side(d.neighbours, desired) {
		neighbours = append(neighbours, fmt.Sprintf("%s lladdr %s dev %s", a, n.mac, d.name))
	}
	for mac, e := range side(d.forwarding, desired) {
		forwarding = append(forwarding, fmt.Sprintf("%s dst %s dev %s self permanent", mac, e.remote, d.name))
	}
	for _, lines := range [][]string{addresses, neighbours, forwarding} {
		slices.Sort(lines)
	}
	return slices.Concat(addresses, neighbours, forwarding)
}

func side[K comparable, V any](t *reconcile.Tracker[K, V], desired bool) iter.Seq2[K, V] {
	if desired {
		return t.AllDesired()
	}
	return t.AllActual()
}

func (d *Driver) linkText(l Link) string {
	parent := ""
	if p, there := d.links[l.VXLAN.Parent]; there {
		parent = " dev " + p.Name
	}
	return fmt.Sprintf("%s mtu %d address %s vxlan id %d local %s%s dstport %d", l.Name, l.MTU, l.MAC, l.VXLAN.VNI, l.VXLAN.Local, parent, l.VXLAN.Port)
}
