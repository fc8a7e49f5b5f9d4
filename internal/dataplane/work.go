package dataplane

import (
	"slices"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/family"
)

// take hands a piece of work to the managers.
func (d *Dataplane) take(w engine.Work) {
	d.taken()
	before := d.settings.Families()
	if w.Settings != nil {
		d.configure(&w.Settings.Settings)
	}
	if d.since.IsZero() {
		d.since = w.Since
	}
	d.metrics.Dataplane.Received(received(w.Batch))
	policy := w.Batch
	if w.Batch.InSync && !d.inSync {
		d.becomeInSync()
		if w.Full != nil {
			policy = w.Full // what was handed over before has not been used
		}
	}
	d.tunnels.update(w.Batch)
	d.encryption.update(w.Batch)
	for _, f := range family.All() {
		m := d.managers.Get(f)
		if d.inSync {
			m.update(policy)
		}
		if d.inSync && w.Full != nil && m.on && (!before.Has(f) || len(d.backends) > 1 && !d.complete) {
			m.refill(w.Full)
		}
		m.updateRoutes(w.Batch)
		d.placeNode(f)
	}
	d.complete = d.complete || w.Full != nil
}

// received counts what a batch says, by type.
func received(b *calc.Batch) map[string]int {
	return map[string]int{
		"set": len(b.Sets) + len(b.SetsGone), "policy": len(b.Policies) + len(b.PoliciesGone),
		"endpoint": len(b.Endpoints) + len(b.EndpointsGone), "route": len(b.Routes) + len(b.RoutesGone),
		"pool": len(b.Pools) + len(b.PoolsGone), "host": len(b.Hosts) + len(b.HostsGone),
	}
}

// becomeInSync lets the drivers remove what is not wanted, and policy be written at all:
// from part of the input it could open what the rest would have closed. Until then a
// table that stands stays as it is, and where none does, the closed one.
func (d *Dataplane) becomeInSync() {
	d.inSync = true
	for _, b := range d.backends {
		b.inSync()
	}
	d.tunnels.inSync()
	d.encryption.becomeInSync()
	for _, f := range family.All() {
		d.routes.Get(f).InSync()
	}
}

func (d *Dataplane) configure(s *config.Settings) {
	s = stillGuarding(s, d.settings.Interfaces.Prefixes)
	d.settings = s
	d.tunnels.configure(s)
	d.encryption.configure(s)
	d.chooseBackend(s)
	for _, b := range d.backends {
		b.configure(s)
	}
	for _, f := range family.All() {
		d.managers.Get(f).configure(s)
		d.configureRoutes(f)
		d.devices.Get(f).Configure(interfaceSettings(s, f))
	}
	d.health.SetFamilies(s.Families())
}

// stillGuarding are the settings with the interface prefixes that were in force before
// beside their own: pods that still have such an interface are not known by it any more,
// and would be let through if nothing dropped their traffic.
func stillGuarding(s *config.Settings, before []string) *config.Settings {
	out := *s
	out.Interfaces.Prefixes = slices.Clone(s.Interfaces.Prefixes)
	for _, p := range before {
		if !slices.Contains(out.Interfaces.Prefixes, p) {
			out.Interfaces.Prefixes = append(out.Interfaces.Prefixes, p)
		}
	}
	return &out
}

func (d *Dataplane) configureRoutes(f family.Family) {
	s := routeSettings(d.settings, f)
	s.NodeAddress = d.managers.Get(f).own
	d.routes.Get(f).Configure(s)
}

// placeNode tells the routes where the node itself is, if that has changed.
func (d *Dataplane) placeNode(f family.Family) {
	if d.managers.Get(f).ownHasChanged() {
		d.configureRoutes(f)
	}
}
