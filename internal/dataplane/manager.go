package dataplane

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// manager turns what the graph hands over into what one family wants of the drivers. It
// does no kernel I/O.
type manager struct {
	family   family.Family
	node     string
	settings *config.Settings
	on       bool
	policyIn views
	routes   routeDriver
	devices  deviceDriver

	// What the graph has handed over, in this family's form, for as long as it is wanted:
	// rendering needs it again when settings change.
	policies  map[model.PolicyID]*rules.Policy
	missed    map[model.PolicyID]bool // asked for by an endpoint, and not known
	endpoints map[model.Key]*model.LocalEndpoint
	sets      map[model.SetID]model.Set
	pools     map[netip.Prefix]model.NATPool
	hosts     map[netip.Addr]model.Host
	tunnels   *tunnelEnds
	// own is the node's own address; moved says that it has changed.
	own   netip.Addr
	moved bool
}

// routeDriver is what a manager tells its family's routes.
type routeDriver interface {
	Want(model.Route)
	Unwant(netip.Prefix)
	Claim(name string)
	Release(name string)
}

// deviceDriver is what a manager tells its family's interfaces.
type deviceDriver interface {
	AllowSpoofing(name string, allowed bool)
}

func newManager(f family.Family, node string, s *config.Settings, v policyView, routes routeDriver, devices deviceDriver) *manager {
	m := &manager{
		family:    f,
		node:      node,
		routes:    routes,
		devices:   devices,
		policies:  map[model.PolicyID]*rules.Policy{},
		missed:    map[model.PolicyID]bool{},
		endpoints: map[model.Key]*model.LocalEndpoint{},
		sets:      map[model.SetID]model.Set{},
		pools:     map[netip.Prefix]model.NATPool{},
		hosts:     map[netip.Addr]model.Host{},
		tunnels:   newTunnelEnds(),
	}
	m.settings = s
	m.attach(v)
	m.configure(s)
	return m
}

// attach has policy go to one more backend. The members of the sets that are known are not
// told: see refill.
func (m *manager) attach(v policyView) {
	v.configure(m.settings)
	m.policyIn = append(m.policyIn, v)
	m.putAll(views{v})
	v.tell()
}

// detach has policy go to a backend no more.
func (m *manager) detach(v policyView) {
	m.policyIn = slices.DeleteFunc(slices.Clone(m.policyIn), func(o policyView) bool { return o == v })
}

// configure puts settings into force. Everything but the members of sets is rendered
// anew; the driver finds what differs.
func (m *manager) configure(s *config.Settings) {
	m.settings = s
	m.on = s.Support.Get(m.family)
	for _, v := range m.policyIn {
		v.configure(s)
	}
	m.putSenders() // settings may say that there is a tunnel
	m.putAll(m.policyIn)
	m.policyIn.tell()
}

// putAll puts all that is known into backends.
func (m *manager) putAll(vs views) {
	vs.put(base{})
	for _, set := range m.sets {
		vs.put(set)
	}
	for _, p := range m.policies {
		vs.put(p)
	}
	for _, ep := range m.endpoints {
		m.putEndpoint(vs, ep, nil)
	}
	for _, p := range m.pools {
		vs.put(p)
	}
	for _, h := range m.hosts {
		vs.put(h)
	}
	vs.put(m.tunnel())
	for a := range m.tunnels.shown {
		vs.put(sender{a})
	}
}

// putEndpoint puts what an endpoint has in a backend, as far as it differs from what it
// had before; all of it, if it was not there, or by other settings.
func (m *manager) putEndpoint(vs views, ep, before *model.LocalEndpoint) {
	if before == nil || !sameEntries(ep, before) {
		vs.put(ep)
		spoofs := m.settings.Policy.SourceSpoofing == config.SpoofingAny && len(rules.Nets(ep.AllowedSources, m.family)) > 0
		m.devices.AllowSpoofing(ep.Interface, spoofs)
	}
	for _, d := range directions() {
		if before == nil || !ep.SamePolicies(before, d) {
			vs.put(direction{ep, d, m.policy})
		}
	}
}

func directions() [2]model.Direction { return [...]model.Direction{model.Egress, model.Ingress} }

// sameEntries says whether two states of an endpoint differ in nothing but their policies.
func sameEntries(a, b *model.LocalEndpoint) bool {
	return a.Interface == b.Interface && a.Addresses == b.Addresses && slices.Equal(a.AllowedSources, b.AllowedSources)
}

// dropEndpoint takes out all that an endpoint has in the table.
func (m *manager) dropEndpoint(id model.Key) {
	m.policyIn.drop(endpointPart(id))
	for _, d := range directions() {
		m.policyIn.drop(directionPart(id, d))
	}
}

// policy finds a policy for the renderer. One that is asked for and not known would have
// its endpoints rendered anew when it comes.
func (m *manager) policy(id model.PolicyID) *rules.Policy {
	p := m.policies[id]
	if p == nil {
		m.missed[id] = true
	}
	return p
}

// update takes in what has changed in policy.
func (m *manager) update(b *calc.Batch) {
	m.updateSets(b.Sets)
	m.updatePolicies(b.Policies)
	m.updateEndpoints(b.Endpoints, b.EndpointsGone)
	for _, id := range b.PoliciesGone {
		delete(m.policies, id)
		m.policyIn.drop(policyPart(id))
	}
	for _, id := range b.SetsGone {
		delete(m.sets, id)
		m.policyIn.drop(setPart(id))
	}
	m.updateNAT(b)
	m.updateTunnels(b)
	m.policyIn.tell()
}

// updateRoutes takes in what has changed in routes, and where the node itself is. Unlike
// policy, routes are made before everything has been read: they open nothing.
func (m *manager) updateRoutes(b *calc.Batch) {
	m.updateOwn(b)
	for _, dst := range b.RoutesGone {
		m.routes.Unwant(dst)
	}
	for _, r := range b.Routes {
		m.routes.Want(r)
	}
}

// refill takes in the members of all sets, after a time in which the family was off and
// kept none.
func (m *manager) refill(full *calc.Batch) {
	for id := range m.sets {
		m.policyIn.drop(setPart(id))
	}
	clear(m.sets)
	m.policyIn.tell()
	m.updateSets(full.Sets)
	m.policyIn.tell()
}

func (m *manager) updateSets(updates []calc.SetUpdate) {
	for _, u := range updates {
		if _, known := m.sets[u.Set.ID]; !known {
			m.sets[u.Set.ID] = u.Set
			m.policyIn.put(u.Set)
		}
		m.policyIn.exchange(u.Set, u.Removed, u.Added)
	}
}

// updatePolicies renders policies, and those endpoints whose own chains depend on what
// has changed in them.
func (m *manager) updatePolicies(changed []*model.ActivePolicy) {
	var again map[model.PolicyID]bool
	for _, p := range changed {
		now := rules.Reduce(p, m.family)
		before := m.policies[p.ID]
		if m.missed[p.ID] || before != nil && !m.policyIn.sameToEndpoints(before, now) {
			delete(m.missed, p.ID)
			if again == nil {
				again = map[model.PolicyID]bool{}
			}
			again[p.ID] = true
		}
		m.policies[p.ID] = now
		m.policyIn.put(now)
	}
	if again == nil {
		return
	}
	for _, ep := range m.endpoints {
		if isUnder(ep, again) {
			m.putEndpoint(m.policyIn, ep, nil)
		}
	}
}

// isUnder says whether any of the policies applies to the endpoint.
func isUnder(ep *model.LocalEndpoint, policies map[model.PolicyID]bool) bool {
	for i := range ep.Tiers {
		for _, ids := range [][]model.PolicyID{ep.Tiers[i].Ingress, ep.Tiers[i].Egress} {
			if slices.ContainsFunc(ids, func(id model.PolicyID) bool { return policies[id] }) {
				return true
			}
		}
	}
	return false
}

func (m *manager) updateEndpoints(changed []*model.LocalEndpoint, gone []model.Key) {
	for _, id := range gone {
		if ep := m.endpoints[id]; ep != nil {
			m.release(ep.Interface)
		}
		delete(m.endpoints, id)
		m.dropEndpoint(id)
	}
	for _, ep := range changed {
		if before := m.endpoints[ep.ID]; before != nil && before.Interface != ep.Interface {
			m.release(before.Interface)
			m.dropEndpoint(ep.ID) // its chains are named for the interface
			delete(m.endpoints, ep.ID)
		}
	}
	for _, ep := range changed {
		m.putEndpoint(m.policyIn, ep, m.endpoints[ep.ID])
		m.endpoints[ep.ID] = ep
	}
	for _, ep := range changed {
		m.routes.Claim(ep.Interface) // after all releases: another may have had it
	}
}

// release says that no endpoint has the interface any more.
func (m *manager) release(name string) {
	m.routes.Release(name)
	m.devices.AllowSpoofing(name, false)
}

func (m *manager) updateNAT(b *calc.Batch) {
	for _, cidr := range b.PoolsGone {
		delete(m.pools, cidr)
		m.policyIn.drop(poolPart(cidr))
	}
	for _, p := range b.Pools {
		m.pools[p.CIDR] = p
		m.policyIn.put(p)
	}
	for _, a := range b.HostsGone {
		delete(m.hosts, a)
		m.policyIn.drop(hostPart(a))
	}
	for _, h := range b.Hosts {
		m.hosts[h.Address] = h
		m.policyIn.put(h)
	}
}

// updateOwn follows the node's own address.
func (m *manager) updateOwn(b *calc.Batch) {
	before := m.own
	if slices.Contains(b.HostsGone, m.own) {
		m.own = netip.Addr{}
	}
	for _, h := range b.Hosts {
		if h.Node == m.node && family.Of(h.Address) == m.family {
			m.own = h.Address
		}
	}
	m.moved = m.moved || m.own != before
}

// ownHasChanged says whether the node's own address has, since it was asked last.
func (m *manager) ownHasChanged() bool {
	changed := m.moved
	m.moved = false
	return changed
}
