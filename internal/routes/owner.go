package routes

import (
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// mine says whether a route that the kernel shows is ours to change and to remove.
func (d *Driver) mine(r Route) bool {
	if r.Protocol == Protocol {
		return true
	}
	if !d.onPod(r) || untouchable(r) {
		return false
	}
	if d.settings.KeepExternal && r.Protocol != d.settings.podProtocol() {
		return false
	}
	name := d.linkName(r.Link)
	if d.claimed[name] || d.onInterface[name][r.Destination] {
		return true
	}
	if _, desired := d.tracker.Desired(r.Key()); desired {
		return true // in the place of one of ours, on the interface of a pod that has gone
	}
	have, known := d.tracker.Actual(r.Key())
	return known && have.Link == r.Link // ours before its endpoint went
}

// adopt makes the routes on a pod interface ours that have become so.
func (d *Driver) adopt(name string) {
	for k, r := range d.onPods[d.view.byName[name]] {
		if d.mine(r) {
			d.tracker.Observe(k, r)
		}
	}
}

// onPod says whether a route leads out of a pod interface.
func (d *Driver) onPod(r Route) bool {
	l, ok := d.view.links[r.Link]
	return ok && d.settings.isPod(l.Name)
}

// untouchable are the routes that the kernel itself, a router or a link makes.
func untouchable(r Route) bool {
	switch r.Protocol {
	case unix.RTPROT_KERNEL, unix.RTPROT_RA, unix.RTPROT_REDIRECT:
		return true
	}
	a := r.Destination.Addr()
	return r.Type != rtnetlink.Unicast || a.IsLinkLocalUnicast() || a.IsMulticast()
}

// notePod keeps the list of routes on pod interfaces, and with it the Feed.
func (d *Driver) notePod(r Route, gone bool) {
	if !d.onPod(r) {
		return
	}
	if gone {
		delete(d.onPods[r.Link], r.Key())
	} else {
		d.keep(r)
	}
	d.tell(r.Link)
}

// keep adds a route to that list, if it is one for it.
func (d *Driver) keep(r Route) {
	if !d.onPod(r) || untouchable(r) {
		return
	}
	if d.onPods[r.Link] == nil {
		d.onPods[r.Link] = map[Key]Route{}
	}
	d.onPods[r.Link][r.Key()] = r
}

// tell puts what stands on a pod interface into the Feed.
func (d *Driver) tell(link int) {
	if l, ok := d.view.links[link]; ok {
		d.feed.set(d.family, l.Name, d.onPods[link])
	}
}

// standsOn says whether any route to the destination leads out of the link.
func (d *Driver) standsOn(link int, r Route) bool {
	for k := range d.onPods[link] {
		if k.Destination == r.Destination {
			return true
		}
	}
	return false
}

// linkName is for texts.
func (d *Driver) linkName(index int) string { return d.view.links[index].Name }
