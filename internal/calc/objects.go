package calc

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// updateNamespace takes in a Namespace, or, with nil, that it is gone.
func (g *Graph) updateNamespace(key model.Key, v *model.Namespace) {
	if key.Name == "" {
		return
	}
	id := g.classes.holdSpace(key.Name)
	defer g.classes.releaseSpace(id)
	s := g.classes.spaces.at(id)
	var inherit labels
	if v != nil {
		inherit = g.classes.inherited(model.NamespacePrefix, key.Name, v.Labels)
	}
	if s.exists != (v != nil) {
		s.exists = v != nil
		if s.exists {
			s.uses++
		} else {
			s.uses--
		}
	}
	g.inherit(id, &s.labels, inherit, func(*class) bool { return true })
}

// updateServiceAccount takes in a ServiceAccount, or, with nil, that it is gone.
func (g *Graph) updateServiceAccount(key model.Key, v *model.ServiceAccount) {
	if key.Name == "" {
		return
	}
	space := g.classes.holdSpace(key.Namespace)
	defer g.classes.releaseSpace(space)
	id := g.classes.holdAccount(space, key.Name)
	defer g.classes.releaseAccount(id)
	a := g.classes.accounts.at(id)
	var inherit labels
	if v != nil {
		inherit = g.classes.inherited(model.ServiceAccountPrefix, key.Name, v.Labels)
	}
	if a.exists != (v != nil) {
		a.exists = v != nil
		if a.exists {
			a.uses++
		} else {
			a.uses--
		}
	}
	g.inherit(space, &a.labels, inherit, func(c *class) bool { return c.account == id })
}

// inherit replaces what those of a namespace's classes inherit that are concerned.
func (g *Graph) inherit(space uint32, from *labels, now labels, concerns func(*class) bool) {
	old := *from
	if old == now {
		g.classes.releaseShape(now.shape)
		return
	}
	var classes []uint32
	if space != 0 {
		for id := g.classes.spaces.at(space).classes; id != 0; id = g.classes.classes.at(id).next {
			if concerns(g.classes.classes.at(id)) {
				classes = append(classes, id)
			}
		}
	}
	g.sets.relabel(classes, func() { *from = now })
	g.endpoints.relabel(classes)
	g.classes.releaseShape(old.shape)
}

// updateTier takes in a Tier, or, with nil, that it is gone.
func (g *Graph) updateTier(key model.Key, v *model.Tier) {
	o := g.policies.order
	old := o.tiers[key.Name]
	if (old == nil) == (v == nil) && (old == nil || *old == *v) {
		return
	}
	if v == nil {
		delete(o.tiers, key.Name)
	} else {
		o.tiers[key.Name] = v
	}
	o.disturb()
	g.endpoints.changedAll()
	if (old == nil) != (v == nil) {
		g.policies.markTier(key.Name)
	}
}

// updatePool takes in an IPPool, or, with nil, that it is gone.
func (g *Graph) updatePool(key model.Key, v *model.Pool) {
	mark := func(cidr netip.Prefix) {
		for _, n := range g.pools.byCIDR[cidr] {
			g.problems.mark(n.key)
		}
		g.routes.updatePool(cidr)
		g.addresses.doubt(cidr)
	}
	if old, known := g.poolCIDRs[key]; known {
		delete(g.poolCIDRs, key)
		delete(g.ipam.pools, key)
		g.pools.remove(key, old)
		mark(old)
	}
	g.problems.mark(key)
	if v != nil && v.CIDR.IsValid() {
		cidr := plain(v.CIDR)
		g.poolCIDRs[key], g.ipam.pools[key] = cidr, cidr
		g.pools.add(key, v)
		mark(cidr)
	}
	g.own.mark()
	g.complainOfPools()
	g.complainOfNode(g.own.node) // it may have no object
	g.eachNode(g.complainOfNode) // their tunnel addresses
	for block := range g.own.blocks {
		g.problems.mark(block)
	}
}

// updateNode takes in a Node, or, with nil, that it is gone.
func (g *Graph) updateNode(key model.Key, v *model.Node) {
	id := g.nodes.hold(key.Name)
	defer g.nodes.release(id)
	old := g.ipam.nodes[id]
	if old == nil && v == nil {
		return
	}
	g.hosts.update(key.Name, old, v)
	for _, n := range []*model.Node{old, v} {
		for _, a := range addressesOf(n) {
			for _, name := range g.hosts.byAddress[a.addr()] {
				g.problems.mark(model.Key{Kind: model.KindNode, Name: name})
			}
		}
	}
	g.problems.mark(key)
	count(g.ipam.ofNodes, addressesOf(v), addressesOf(old), g.addresses.touch)
	if v != nil {
		g.ipam.nodes[id] = v
		g.nodes.hold(key.Name)
	} else {
		delete(g.ipam.nodes, id)
	}
	g.tunnels.update(key.Name)
	for _, name := range g.keys.update(key.Name, old, v) {
		g.complainOfNode(name)
	}
	g.routes.updateNode(key.Name, old, v)
	if key.Name == g.own.node {
		g.own.mark()
		g.complainOfPools()
	}
	if old != nil {
		g.nodes.release(id)
	}
	if now, before := podCIDRs(v), podCIDRs(old); !slices.Equal(now, before) {
		g.addresses.doubt(now...)
		g.addresses.doubt(before...)
	}
}

func podCIDRs(n *model.Node) []netip.Prefix {
	if n == nil {
		return nil
	}
	return n.PodCIDRs
}

// updateService takes in a Service, or, with nil, that it is gone.
func (g *Graph) updateService(key model.Key, v *model.Service) {
	old := g.ipam.services[key]
	if v != nil {
		g.ipam.services[key] = v
	} else {
		delete(g.ipam.services, key)
	}
	now, before := serviceAddresses(v), serviceAddresses(old)
	if !slices.Equal(now, before) {
		count(g.ipam.ofServices, now, before, g.serviceAddress)
	}
}

// serviceAddress follows an address that services have, or have no more.
func (g *Graph) serviceAddress(a address) {
	g.addresses.touch(a)
	if g.ipam.ofServices[a] > 0 {
		g.ipam.serviceNets.Insert(family.HostPrefix(a.addr()))
	} else {
		g.ipam.serviceNets.Delete(family.HostPrefix(a.addr()))
	}
	if g.pools.cidrs.Lookup(a.addr()) {
		g.complainOfPools()
	}
}

// updateStandingRoutes takes in which routes stand on an interface.
func (g *Graph) updateStandingRoutes(key model.Key, v *model.StandingRoutes) {
	delete(g.ipam.standing, key.Name)
	if v != nil && len(v.Destinations) > 0 {
		to := make([]netip.Prefix, 0, len(v.Destinations))
		for _, p := range v.Destinations {
			if p.IsValid() {
				to = append(to, plain(p))
			}
		}
		g.ipam.standing[key.Name] = to
	}
	for _, pod := range g.endpoints.byInterface[key.Name] {
		g.addresses.choose(pod)
	}
}
