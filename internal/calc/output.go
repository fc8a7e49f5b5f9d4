package calc

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Output is all that the batches so far add up to.
type Output struct {
	InSync    bool
	Sets      map[model.SetID]*SetContent
	Policies  map[model.PolicyID]*model.ActivePolicy
	Endpoints map[model.Key]*model.LocalEndpoint
	VTEPs     map[model.VTEPKey]model.VTEP
	Own       map[family.Family]model.Own
	Peers     map[string]model.WireguardPeer
	Routes    map[netip.Prefix]model.Route
	Pools     map[netip.Prefix]model.NATPool
	Hosts     map[netip.Addr]model.Host
	Problems  map[model.Key][]model.Problem
}

// SetContent is a set with its members.
type SetContent struct {
	model.Set
	Members map[model.Member]struct{}
}

// NewOutput is the output before the first batch.
func NewOutput() *Output {
	return &Output{
		Sets:      map[model.SetID]*SetContent{},
		Policies:  map[model.PolicyID]*model.ActivePolicy{},
		Endpoints: map[model.Key]*model.LocalEndpoint{},
		VTEPs:     map[model.VTEPKey]model.VTEP{},
		Own:       map[family.Family]model.Own{},
		Peers:     map[string]model.WireguardPeer{},
		Routes:    map[netip.Prefix]model.Route{},
		Pools:     map[netip.Prefix]model.NATPool{},
		Hosts:     map[netip.Addr]model.Host{},
		Problems:  map[model.Key][]model.Problem{},
	}
}

// Output returns what has been handed over so far. It is meant for dumps, to be called
// right after Flush, and lists every set from scratch.
func (g *Graph) Output() *Output {
	o := NewOutput()
	o.InSync = g.inSync
	for id, a := range g.policies.active {
		v := unpackPolicy(a.packed)
		g.policies.enforceable(v)
		o.Policies[g.policies.rows.at(id).key] = g.policies.resolved(id, v)
	}
	queries := &g.classes.index.queries
	for id := uint32(1); id <= queries.last; id++ {
		s := queries.at(id).selection
		if s == nil {
			continue
		}
		s.all(func(m *memberSet, _ bool) {
			if m.sent {
				o.Sets[m.set.ID] = &SetContent{m.set, setOf(g.sets.members(s, m))}
			}
		})
	}
	maps.Copy(o.Endpoints, g.endpoints.ledger.sent)
	maps.Copy(o.VTEPs, g.tunnels.ledger.sent)
	maps.Copy(o.Own, g.own.ledger.sent)
	maps.Copy(o.Peers, g.keys.ledger.sent)
	maps.Copy(o.Routes, g.routes.ledger.sent)
	maps.Copy(o.Pools, g.pools.ledger.sent)
	maps.Copy(o.Hosts, g.hosts.ledger.sent)
	maps.Copy(o.Problems, g.problems.sent)
	return o
}

func setOf[T comparable](list []T) map[T]struct{} {
	set := make(map[T]struct{}, len(list))
	for _, item := range list {
		set[item] = struct{}{}
	}
	return set
}

// String is the output as text, in an order that depends on nothing else.
func (o *Output) String() string {
	d := dump{sets: o.Sets}
	if o.InSync {
		d.line("in sync")
	}
	for _, key := range slices.SortedFunc(maps.Keys(o.Endpoints), model.Key.Compare) {
		d.endpoint(o.Endpoints[key])
	}
	for _, id := range slices.SortedFunc(maps.Keys(o.Policies), model.Key.Compare) {
		d.policy(o.Policies[id])
	}
	for _, s := range slices.SortedFunc(maps.Values(o.Sets), compareSets) {
		d.set(s)
	}
	for _, f := range slices.Sorted(maps.Keys(o.Own)) {
		d.line("%v", o.Own[f])
	}
	for _, key := range slices.SortedFunc(maps.Keys(o.VTEPs), compareVTEPs) {
		d.line("%v", o.VTEPs[key])
	}
	for _, name := range slices.Sorted(maps.Keys(o.Peers)) {
		d.line("%v", o.Peers[name])
	}
	for _, to := range slices.SortedFunc(maps.Keys(o.Routes), comparePrefixes) {
		d.line("route %v", o.Routes[to])
	}
	for _, cidr := range slices.SortedFunc(maps.Keys(o.Pools), comparePrefixes) {
		d.line("pool %v%s", cidr, flag(" nat-outgoing", o.Pools[cidr].Outgoing))
	}
	for _, a := range slices.SortedFunc(maps.Keys(o.Hosts), netip.Addr.Compare) {
		d.line("host %v %s", a, o.Hosts[a].Node)
	}
	for _, key := range slices.SortedFunc(maps.Keys(o.Problems), model.Key.Compare) {
		for _, p := range o.Problems[key] {
			d.line("%v %v", p.Severity, p)
		}
	}
	return d.String()
}

func compareSets(a, b *SetContent) int {
	if c := strings.Compare(a.Origin, b.Origin); c != 0 {
		return c
	}
	return int(a.Kind) - int(b.Kind)
}

// dump writes an output as text.
type dump struct {
	strings.Builder
	sets map[model.SetID]*SetContent
}

func (d *dump) line(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func flag(word string, on bool) string {
	if on {
		return word
	}
	return ""
}

func (d *dump) endpoint(e *model.LocalEndpoint) {
	d.line("endpoint %v dev %s", e.ID, e.Interface)
	for _, f := range family.All() {
		if a := e.Addresses.Get(f); a.IsValid() {
			d.line("  address %v", a)
		}
	}
	for _, p := range e.AllowedSources {
		d.line("  may send from %v", p)
	}
	for _, t := range e.Tiers {
		d.line("  tier %s, else %v", t.Name, t.Default)
		for _, dir := range []model.Direction{model.Ingress, model.Egress} {
			for _, id := range t.Policies(dir) {
				d.line("    %v %v", dir, id)
			}
		}
	}
}

func (d *dump) policy(p *model.ActivePolicy) {
	d.line("policy %v tier %s", p.ID, p.Tier)
	for _, dir := range []model.Direction{model.Ingress, model.Egress} {
		for _, r := range p.Rules(dir) {
			for _, e := range []*model.Peer{&r.Source, &r.Destination} {
				e.Sets, e.NotSets = d.kinds(e.Sets), d.kinds(e.NotSets)
				e.PortSets, e.NotPortSets = d.kinds(e.PortSets), d.kinds(e.NotPortSets)
			}
			d.line("  %v %v", dir, &r)
		}
	}
}

// kinds names sets by what they hold: what they stand for is written beside them, and
// their true names tell people nothing.
func (d *dump) kinds(ids []model.SetID) (out []model.SetID) {
	for _, id := range ids {
		if s := d.sets[id]; s != nil {
			id = model.SetID(s.Kind.String())
		}
		out = append(out, id)
	}
	return out
}

func (d *dump) set(s *SetContent) {
	d.line("set of %v: %s", s.Kind, s.Origin)
	for _, m := range slices.SortedFunc(maps.Keys(s.Members), compareMembers) {
		d.line("  %v", m)
	}
}
