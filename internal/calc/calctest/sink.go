// Package calctest holds what tests of the calculation graph, and of those who consume its
// batches, have in common: a sink that applies batches step by step and refuses unsafe
// steps, a slow and obvious model of the graph, and a text form of its input.
//
// The package owns nothing in the kernel.
package calctest

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Sink is a dataplane that only keeps the books. After each single step of a batch,
// nothing may refer to what is not there.
type Sink struct {
	*calc.Output
}

// NewSink returns a sink that has seen nothing.
func NewSink() *Sink { return &Sink{calc.NewOutput()} }

// Apply applies a batch step by step. The error names the first step that was unsafe, or
// that changed nothing.
func (s *Sink) Apply(b *calc.Batch) error {
	if s.InSync && !b.InSync {
		return fmt.Errorf("in sync, and then no longer")
	}
	s.InSync = b.InSync
	for _, step := range []func(*calc.Batch) error{
		s.sets, s.policies, s.endpoints, s.endpointsGone, s.policiesGone, s.setsGone, s.vteps, s.own, s.peers, s.routes, s.vtepsGone, s.pools, s.hosts, s.problems,
	} {
		if err := step(b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sink) sets(b *calc.Batch) error {
	for _, u := range b.Sets {
		if have := s.Sets[u.Set.ID] != nil; have == u.New {
			return fmt.Errorf("set %v: new is %v, but there is %v", u.Set, u.New, have)
		}
		if u.New {
			s.Sets[u.Set.ID] = &calc.SetContent{Set: u.Set, Members: map[model.Member]struct{}{}}
		}
		set := s.Sets[u.Set.ID]
		if set.Set != u.Set {
			return fmt.Errorf("set %v is now %v", set.Set, u.Set)
		}
		if !u.New && len(u.Added)+len(u.Removed) == 0 {
			return fmt.Errorf("set %v: an update that says nothing", u.Set)
		}
		for _, m := range u.Removed {
			if _, have := set.Members[m]; !have {
				return fmt.Errorf("set %v: %v removed, but is not there", u.Set, m)
			}
			delete(set.Members, m)
		}
		for _, m := range u.Added {
			if err := addMember(set, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func addMember(set *calc.SetContent, m model.Member) error {
	if _, have := set.Members[m]; have {
		return fmt.Errorf("set %v: %v added twice", set.Set, m)
	}
	if host := family.IsHost(m.Prefix); host != (set.Kind != model.NetSet) || m.Prefix != m.Prefix.Masked() || m.Prefix.Addr().Is4In6() {
		return fmt.Errorf("set %v: %v is not of its kind", set.Set, m)
	}
	if ports := m.Protocol != 0; ports != (set.Kind == model.PortSet) {
		return fmt.Errorf("set %v: %v is not of its kind", set.Set, m)
	}
	set.Members[m] = struct{}{}
	return nil
}

func (s *Sink) policies(b *calc.Batch) error {
	for _, p := range b.Policies {
		if reflect.DeepEqual(s.Policies[p.ID], p) {
			return fmt.Errorf("policy %v: handed over again", p.ID)
		}
		s.Policies[p.ID] = p
		for id, kinds := range setsOf(p) {
			if set := s.Sets[id]; set == nil || !slices.Contains(kinds, set.Kind) {
				return fmt.Errorf("policy %v refers to set %s as one of %v, which is %v", p.ID, id, kinds, set)
			}
		}
	}
	return nil
}

// setsOf are the sets that a policy refers to, and of which kinds they may be.
func setsOf(p *model.ActivePolicy) map[model.SetID][]model.SetKind {
	out := map[model.SetID][]model.SetKind{}
	for _, rules := range [][]model.Rule{p.Ingress, p.Egress} {
		for i := range rules {
			for _, e := range []*model.Peer{&rules[i].Source, &rules[i].Destination} {
				for _, id := range slices.Concat(e.Sets, e.NotSets) {
					out[id] = []model.SetKind{model.AddressSet, model.NetSet}
				}
				for _, id := range slices.Concat(e.PortSets, e.NotPortSets) {
					out[id] = []model.SetKind{model.PortSet}
				}
			}
		}
	}
	return out
}

func (s *Sink) endpoints(b *calc.Batch) error {
	for _, e := range b.Endpoints {
		if reflect.DeepEqual(s.Endpoints[e.ID], e) {
			return fmt.Errorf("endpoint %v: handed over again", e.ID)
		}
		s.Endpoints[e.ID] = e
		for _, f := range family.All() {
			if a := e.Addresses.Get(f); a.IsValid() && family.Of(a) != f {
				return fmt.Errorf("endpoint %v: %v is not %v", e.ID, a, f)
			}
		}
		for _, id := range policiesOf(e) {
			if s.Policies[id] == nil {
				return fmt.Errorf("endpoint %v refers to policy %v, which is not there", e.ID, id)
			}
		}
	}
	return nil
}

func policiesOf(e *model.LocalEndpoint) (out []model.PolicyID) {
	for _, t := range e.Tiers {
		out = append(append(out, t.Ingress...), t.Egress...)
	}
	return out
}

func (s *Sink) endpointsGone(b *calc.Batch) error {
	for _, id := range b.EndpointsGone {
		if s.Endpoints[id] == nil {
			return fmt.Errorf("endpoint %v gone, but was not there", id)
		}
		delete(s.Endpoints, id)
	}
	return nil
}

func (s *Sink) policiesGone(b *calc.Batch) error {
	for _, id := range b.PoliciesGone {
		if s.Policies[id] == nil {
			return fmt.Errorf("policy %v gone, but was not there", id)
		}
		delete(s.Policies, id)
	}
	for _, e := range s.Endpoints {
		for _, id := range policiesOf(e) {
			if s.Policies[id] == nil {
				return fmt.Errorf("policy %v gone, but endpoint %v refers to it", id, e.ID)
			}
		}
	}
	return nil
}

func (s *Sink) setsGone(b *calc.Batch) error {
	for _, id := range b.SetsGone {
		if s.Sets[id] == nil {
			return fmt.Errorf("set %s gone, but was not there", id)
		}
		delete(s.Sets, id)
	}
	used := map[model.SetID]bool{}
	for _, p := range s.Policies {
		for id := range setsOf(p) {
			used[id] = true
			if s.Sets[id] == nil {
				return fmt.Errorf("set %s gone, but policy %v refers to it", id, p.ID)
			}
		}
	}
	for id, set := range s.Sets {
		if !used[id] {
			return fmt.Errorf("set %v is left, but nothing refers to it", set.Set)
		}
	}
	return nil
}

func (s *Sink) routes(b *calc.Batch) error {
	if err := remove("route", s.Routes, b.RoutesGone); err != nil {
		return err
	}
	for _, r := range b.Routes {
		if s.Routes[r.Destination] == r {
			return fmt.Errorf("route %v: handed over again", r)
		}
		if r.Kind == model.RouteRemote && family.Of(r.Gateway) != family.OfPrefix(r.Destination) {
			return fmt.Errorf("route %v: the gateway is not of the destination's family", r)
		}
		s.Routes[r.Destination] = r
	}
	return nil
}

func (s *Sink) vteps(b *calc.Batch) error {
	for _, v := range b.VTEPs {
		if !v.Underlay.IsValid() || v.MAC == (model.MAC{}) || v.Addresses == (family.Pair[netip.Addr]{}) {
			return fmt.Errorf("%v leads nowhere", v)
		}
	}
	return replace(s.VTEPs, b.VTEPs, model.VTEP.Key)
}

// vtepsGone must not take away what a route still leads to.
func (s *Sink) vtepsGone(b *calc.Batch) error {
	if err := remove("VTEP", s.VTEPs, b.VTEPsGone); err != nil {
		return err
	}
	for _, r := range s.Routes {
		if r.Encapsulation != model.VXLAN {
			continue
		}
		v := s.VTEPs[model.VTEPKey{Node: r.Node, Underlay: r.Underlay}]
		if v.Addresses.Get(family.OfPrefix(r.Destination)) != r.Gateway {
			return fmt.Errorf("route %v leads to no VTEP, of the node there is %v", r, v)
		}
	}
	return nil
}

func (s *Sink) own(b *calc.Batch) error {
	for _, o := range b.Own {
		if have, any := s.Own[o.Family]; any && have == o || !any && o == (model.Own{Family: o.Family}) {
			return fmt.Errorf("%v: handed over again", o)
		}
		if s.Own[o.Family] = o; o == (model.Own{Family: o.Family}) {
			delete(s.Own, o.Family)
		}
	}
	return nil
}

func (s *Sink) peers(b *calc.Batch) error {
	if err := remove("peer", s.Peers, b.PeersGone); err != nil {
		return err
	}
	return replace(s.Peers, b.Peers, func(p model.WireguardPeer) string { return p.Node })
}

func (s *Sink) pools(b *calc.Batch) error {
	if err := remove("pool", s.Pools, b.PoolsGone); err != nil {
		return err
	}
	return replace(s.Pools, b.Pools, func(p model.NATPool) netip.Prefix { return p.CIDR })
}

func (s *Sink) hosts(b *calc.Batch) error {
	if err := remove("host", s.Hosts, b.HostsGone); err != nil {
		return err
	}
	return replace(s.Hosts, b.Hosts, func(h model.Host) netip.Addr { return h.Address })
}

func (s *Sink) problems(b *calc.Batch) error {
	for _, p := range b.Problems {
		if slices.Equal(s.Problems[p.Key], p.Problems) {
			return fmt.Errorf("problems of %v: handed over again", p.Key)
		}
		if len(p.Problems) == 0 {
			delete(s.Problems, p.Key)
		} else {
			s.Problems[p.Key] = p.Problems
		}
	}
	return nil
}

func remove[K comparable, V any](what string, from map[K]V, gone []K) error {
	for _, name := range gone {
		if _, have := from[name]; !have {
			return fmt.Errorf("%s %v gone, but was not there", what, name)
		}
		delete(from, name)
	}
	return nil
}

func replace[K, V comparable](in map[K]V, changed []V, name func(V) K) error {
	for _, v := range changed {
		if in[name(v)] == v {
			return fmt.Errorf("%v: handed over again", v)
		}
		in[name(v)] = v
	}
	return nil
}
