package dataplane_test

import (
	"net/netip"
	"testing"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nodetest"
	"github.com/margay-net/margay/internal/rules"
)

// oracle is the rules evaluator on what the node's agent knows at one moment.
type oracle struct {
	nodes family.Pair[*rules.Node]
}

// ask makes an oracle of the node's present state.
func ask(t *testing.T, n *nodetest.Node) *oracle {
	t.Helper()
	var out *calc.Output
	var settings rules.Settings
	n.Ask(func(g *calc.Graph, s *config.Settings) {
		out, settings = g.Output(), dataplane.RulesSettings(s)
	})
	o := &oracle{}
	for _, f := range family.All() {
		node := &rules.Node{
			Family: f, Settings: settings,
			Evaluator: rules.Evaluator{Policies: map[model.PolicyID]*rules.Policy{}, Sets: sets(out.Sets)},
			Endpoints: map[string]*model.LocalEndpoint{},
		}
		for id, p := range out.Policies {
			node.Policies[id] = rules.Reduce(p, f)
		}
		for _, ep := range out.Endpoints {
			node.Endpoints[ep.Interface] = ep
		}
		*o.nodes.At(f) = node
	}
	return o
}

// verdict is what is to become of a packet.
func (o *oracle) verdict(p rules.Packet, w rules.Way) *rules.Trace {
	return o.nodes.Get(p.Family()).Verdict(p, w)
}

// sets answers what the graph's sets hold, by going through all of them.
type sets map[model.SetID]*calc.SetContent

func (s sets) Contains(id model.SetID, a netip.Addr) bool {
	return s.any(id, func(m model.Member) bool { return m.Prefix.Contains(a) })
}

func (s sets) ContainsPort(id model.SetID, a netip.Addr, p model.Protocol, port uint16) bool {
	return s.any(id, func(m model.Member) bool { return m.Prefix.Contains(a) && m.Protocol == p && m.Port == port })
}

func (s sets) any(id model.SetID, holds func(model.Member) bool) bool {
	if s[id] == nil {
		return false
	}
	for m := range s[id].Members {
		if holds(m) {
			return true
		}
	}
	return false
}
