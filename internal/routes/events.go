package routes

import (
	"fmt"
	"time"

	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/model"
)

// Handle takes events in. Nothing is written before the next Apply.
func (d *Driver) Handle(events []Event, now time.Time) {
	for _, e := range events {
		switch {
		case e.Overrun:
			d.stale = true
		case e.Link != nil && e.Gone:
			d.linkGone(*e.Link)
		case e.Link != nil:
			d.linkThere(*e.Link)
		case e.Address != nil:
			d.address(*e.Address, e.Gone)
		case e.Route != nil && e.Gone:
			d.routeGone(e, now)
		case e.Route != nil:
			d.routeThere(e, now)
		}
	}
}

func (d *Driver) linkThere(l Link) {
	old, had := d.view.links[l.Index]
	if had && old == l && d.view.byName[l.Name] == l.Index {
		return
	}
	if had && old.Name != l.Name {
		d.renamed(old, l)
		return
	}
	d.view.setLink(l)
	if had && !l.Up {
		d.vanish(l.Index)
	}
	d.settleLink(l.Name, d.carries(l))
}

// renamed treats the old name as gone. Which routes on it are a pod's may have changed.
func (d *Driver) renamed(old, now Link) {
	d.feed.forget(d.family, old.Name)
	d.view.setLink(now)
	d.stale = true
	carried := d.carries(old)
	d.settleLink(old.Name, carried)
	d.settleLink(now.Name, !carried && d.carries(now))
}

func (d *Driver) linkGone(l Link) {
	if _, had := d.view.links[l.Index]; !had {
		return
	}
	carried := d.carries(l)
	d.vanish(l.Index)
	d.feed.forget(d.family, l.Name)
	delete(d.onPods, l.Index)
	d.view.dropLink(l.Index)
	for dst := range d.onInterface[l.Name] {
		d.soil(d.wishes[dst])
	}
	d.settleLink(l.Name, carried)
}

// carries says whether routes to other nodes can lead out of a link: only if it is a tunnel's
// device, or has an address. Other links come and go without a look at those routes.
func (d *Driver) carries(l Link) bool {
	return d.settings.isTunnel(l.Name) || d.view.hasAddress(l.Index)
}

// settleLink goes through the wishes that depend on a link.
func (d *Driver) settleLink(name string, carries bool) {
	d.settleThese(d.onInterface[name])
	if d.settings.isPod(name) {
		return
	}
	d.settleProxied()
	if carries {
		d.settleThese(d.remote)
	}
}

// vanish says that no route leads out of a link any more: it is down, or gone. IPv4 says
// nothing of that itself (fib_sync_down_dev), IPv6 tells of each.
func (d *Driver) vanish(link int) {
	var lost []Key
	if d.settings.isPod(d.view.links[link].Name) {
		for k := range d.onPods[link] {
			lost = append(lost, k)
		}
		delete(d.onPods, link)
		d.tell(link)
	} else {
		for k, r := range d.tracker.AllActual() {
			if r.Link == link {
				lost = append(lost, k)
			}
		}
		d.view.dropLeads(link)
		d.stale = d.stale || d.view.leadsUnclear()
	}
	for _, k := range lost {
		if have, ok := d.tracker.Actual(k); ok && have.Link == link {
			d.tracker.ObserveGone(k)
		}
	}
}

// address takes an address in. Of one that goes, the kernel does not say what it took
// along: IPv4 drops all routes of a link that it was the last address of, and the routes
// that have it as their source (of which only newer kernels tell); IPv6 takes the source
// out of routes.
func (d *Driver) address(a rtnetlink.Address, gone bool) {
	if !d.view.setAddress(a, gone) {
		return
	}
	d.stale = d.stale || gone
	d.settleThese(d.remote)
	if a.Prefix.Addr() == d.settings.PodSource {
		for _, w := range d.wishes {
			if w.route.Kind == model.RouteLocalPod {
				d.settle(w)
			}
		}
	}
}

func (d *Driver) routeGone(e Event, now time.Time) {
	r := *e.Route
	d.lead(r, true)
	d.notePod(r, true)
	k := r.Key()
	if d.strangers[k] == r {
		delete(d.strangers, k)
		d.tracker.Retry(k)
	}
	if have, ok := d.tracker.Actual(k); ok && have.Link == r.Link && have.Type == r.Type {
		d.broken(k, e, now, func() { d.tracker.ObserveGone(k) })
	}
}

func (d *Driver) routeThere(e Event, now time.Time) {
	r := *e.Route
	d.lead(r, false)
	k := r.Key()
	have, present := d.tracker.Actual(k)
	mine := d.mine(r)
	taken := present && e.Replaced
	if taken && have.Link != r.Link {
		d.notePod(have, true)
	}
	d.notePod(r, false)
	_, desired := d.tracker.Desired(k)
	switch {
	case present && have == r:
	case mine, taken && desired:
		d.broken(k, e, now, func() { d.tracker.Observe(k, r) })
	case taken:
		d.tracker.ObserveGone(k) // it was to go anyway, and what is there now is not ours
	}
}

// lead takes note of a way to the proxied gateway that comes or goes.
func (d *Driver) lead(r Route, gone bool) {
	if d.view.setLead(r, d.traits.proxied, d.onPod(r), gone) {
		d.settleProxied()
	}
}

// broken observes a change, and counts it if it has broken what was as it should be. The
// kernel's own doing is nobody's fault; with another program, we may be in a fight.
func (d *Driver) broken(k Key, e Event, now time.Time, observe func()) {
	want, desired := d.tracker.Desired(k)
	have, present := d.tracker.Actual(k)
	observe()
	if !desired || !present || have != want {
		return
	}
	d.repairs++
	if e.Port == 0 {
		return
	}
	if until, fighting := d.fights.note(k, now); fighting {
		err := fmt.Errorf("route %s: another program keeps changing it (netlink port %d)", want.Text(d.linkName), e.Port)
		d.tracker.Hold(k, err, now, until)
	}
}
