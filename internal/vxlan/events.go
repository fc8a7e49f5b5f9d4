package vxlan

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/reconcile"
)

// Handle takes events in. Nothing is written before the next Apply.
func (d *Driver) Handle(events []Event) {
	for _, e := range events {
		settled := d.settledNow()
		switch {
		case e.Overrun:
			d.stale = true
		case e.Link != nil && e.Gone:
			d.linkGone(e.Link.Index)
		case e.Link != nil:
			d.linkThere(*e.Link)
		case e.Address != nil:
			d.address(*e.Address, e.Gone)
		case e.Neighbour != nil && e.Neighbour.Link == d.index:
			d.neighbour(*e.Neighbour, e.Gone)
		case e.Forwarding != nil && e.Forwarding.Link == d.index:
			d.forward(*e.Forwarding, e.Gone)
		}
		if settled && !d.settledNow() { // who did it, the kernel says of few of these
			d.repairs++
		}
	}
}

// settledNow says whether all that is on the device is as it should be.
func (d *Driver) settledNow() bool {
	return d.device.Settled() && d.held.Settled() && d.neighbours.Settled() && d.forwarding.Settled()
}

func (d *Driver) linkThere(l Link) {
	old, had := d.links[l.Index]
	if had && old == l {
		return
	}
	d.links[l.Index] = l
	if l.Name != d.name && old.Name != d.name {
		return
	}
	d.observeDevice()
	d.fresh, d.look = true, true // whatever has happened to it, its entries may have gone
}

func (d *Driver) linkGone(index int) {
	old := d.links[index]
	delete(d.links, index)
	for k := range d.addresses {
		if k.link == index {
			delete(d.addresses, k)
		}
	}
	if old.Name == d.name {
		d.observeDevice()
	}
}

// observeDevice tells the tracker what stands under our name, and forgets what was on
// another device before. A stranger's is none of ours, but stands in the way.
func (d *Driver) observeDevice() {
	l, there := d.standing()
	if !there || l.Kind != kind {
		d.device.ObserveGone(d.name)
		d.device.Retry(d.name)
		l.Index = 0
	} else {
		d.device.Observe(d.name, l)
	}
	if l.Index == d.index {
		return
	}
	d.index, d.fresh, d.look = l.Index, true, true
	d.values = track[string](same[string])
	forgive(d.held)
	forgive(d.neighbours)
	forgive(d.forwarding)
	d.held.ObserveAll(func(func(netip.Prefix, bool) bool) {})
	d.observeEntries(nil, nil)
}

// forgive forgets the failures on a device that is not there any more.
func forgive[K comparable, V any](t *reconcile.Tracker[K, V]) {
	for _, k := range slices.Collect(maps.Keys(maps.Collect(t.Errors()))) {
		t.Retry(k)
	}
}

// standing is the link that has our name.
func (d *Driver) standing() (Link, bool) {
	for _, l := range d.links {
		if l.Name == d.name {
			return l, true
		}
	}
	return Link{}, false
}

// address takes an address in: of the node, which says where the device belongs, or on the
// device.
func (d *Driver) address(a Address, gone bool) {
	if a.LinkScope {
		return
	}
	k := addressKey{a.Link, a.Prefix}
	if gone {
		delete(d.addresses, k)
	} else {
		d.addresses[k] = a
	}
	if a.Link != d.index {
		return
	}
	if gone {
		d.held.ObserveGone(a.Prefix)
	} else {
		d.held.Observe(a.Prefix, !a.Tentative)
	}
}

// neighbour takes an entry in. What the kernel has found out or made by itself is no
// concern of ours, unless it stands where one of ours should.
func (d *Driver) neighbour(n Neighbour, gone bool) {
	ours := n.Permanent && !n.Odd
	_, desired := d.neighbours.Desired(n.Address)
	if gone || (!ours && !desired) {
		d.neighbours.ObserveGone(n.Address)
		return
	}
	d.neighbours.Observe(n.Address, neighbour{n.MAC, ours})
}

func (d *Driver) forward(e Forwarding, gone bool) {
	if gone {
		d.forwarding.ObserveGone(e.MAC)
		return
	}
	d.forwarding.Observe(e.MAC, forward{e.Remote, e.Permanent && !e.Odd})
}

// Carrier is the link that has an address of the node, of the underlay's family, other than
// our own device.
func (d *Driver) Carrier(a netip.Addr) (Link, bool) {
	if !a.IsValid() || family.Of(a) != d.family {
		return Link{}, false
	}
	for k := range d.addresses {
		if l, there := d.links[k.link]; there && k.prefix.Addr() == a && l.Name != d.name {
			return l, true
		}
	}
	return Link{}, false
}

// MTUs are those of all links, by name.
func (d *Driver) MTUs() map[string]int {
	out := make(map[string]int, len(d.links))
	for _, l := range d.links {
		out[l.Name] = l.MTU
	}
	return out
}
