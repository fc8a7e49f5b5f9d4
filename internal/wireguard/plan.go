package wireguard

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
)

// plan works out what is wanted of the nodes that have been touched. It is pure.
func (d *Driver) plan() {
	if d.settings.Off() {
		clear(d.touched)
		return
	}
	// All that nodes no longer have goes first, so that what moves from one to another is free.
	for name := range d.touched {
		d.unwant(name)
	}
	for name := range d.touched {
		d.want(name)
	}
	clear(d.touched)
}

// unwant forgets what was wanted for a node.
func (d *Driver) unwant(name string) {
	if k, is := d.peers[name]; is {
		d.tracker.peers.Undesire(k)
		delete(d.peers, name)
	}
	for to := range d.routed[name] {
		d.tracker.routes.Undesire(RouteKey{to, firstMetric})
		d.tracker.routes.Undesire(RouteKey{to, guardMetric})
	}
	delete(d.routed, name)
}

// want says what a node is to have: a peer and routes into the device, or routes past it.
func (d *Driver) want(name string) {
	destinations := d.carried(d.nodes.destinations(name))
	if len(destinations) > 0 {
		d.routed[name] = map[netip.Prefix]bool{}
	}
	n := d.nodes.byName[name]
	why := d.nodes.check(name)
	if why == nil {
		d.peers[name] = n.Key
		d.tracker.peers.Desire(n.Key, Peer{
			Endpoint:  netip.AddrPortFrom(n.Endpoint, d.settings.Port),
			KeepAlive: d.settings.KeepAlive,
			Allowed:   destinations,
		})
	}
	for _, to := range destinations {
		d.routed[name][to] = true
		d.route(to, why)
	}
}

// carried are those of the destinations whose family goes through the device.
func (d *Driver) carried(destinations []netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(destinations, func(to netip.Prefix) bool { return !d.settings.Carries.Has(family.OfPrefix(to)) })
}

// route says where packets to a destination go: into the device if its node is a peer; if the
// node has no key, past it, unless encryption is required. A node that has a key, but cannot be
// a peer, is closed: somebody has asked for its traffic to be encrypted.
func (d *Driver) route(to netip.Prefix, why error) {
	switch {
	case why == nil:
		if d.link.Index != 0 {
			d.tracker.routes.Desire(RouteKey{to, firstMetric}, Route{Kind: IntoDevice, Link: d.link.Index})
		}
		d.tracker.routes.Desire(RouteKey{to, guardMetric}, Route{Kind: Drop})
	case errors.Is(why, noKey{}) && !d.settings.Required:
		d.tracker.routes.Desire(RouteKey{to, firstMetric}, Route{Kind: Throw})
	default:
		d.tracker.routes.Desire(RouteKey{to, firstMetric}, Route{Kind: Drop})
	}
}

// wantRules has the rule of each family that the device carries.
func (d *Driver) wantRules() {
	for _, f := range d.settings.Carries.Families() {
		d.tracker.rules.Desire(Rule{f, d.settings.Priority, d.settings.Mark, d.settings.Table}, struct{}{})
	}
}
