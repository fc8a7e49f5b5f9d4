package rules_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

// meets is the rule as its author wrote it, asked of one packet without reducing it
// first: a list of reasons not to match.
func meets(r *model.Rule, p *rules.Packet, sets rules.Sets) bool {
	f := p.Family()
	deny := r.Action == model.Deny
	ports := r.Protocol.HasPorts()
	icmp := rules.ICMPOf(f)
	switch {
	case r.Families == family.NewSet(f.Other()):
		return false
	case r.Protocol == rules.ICMPOf(f.Other()):
		return false
	case r.Protocol != 0 && r.Protocol != p.Protocol:
		return false
	case r.NotProtocol != 0 && r.NotProtocol == p.Protocol:
		return false
	case r.ICMP != nil && (p.Protocol != icmp || !isType(r.ICMP, p)):
		return false
	case r.NotICMP != nil && r.Protocol == 0 && r.ICMP == nil && !deny:
		return false
	case r.NotICMP != nil && (r.Protocol == icmp || r.ICMP != nil) && p.Protocol == icmp && isType(r.NotICMP, p):
		return false
	}
	return meetsEnd(&r.Source, p, p.Source, p.SourcePort, sets, deny, ports) &&
		meetsEnd(&r.Destination, p, p.Destination, p.DestinationPort, sets, deny, ports)
}

func isType(m *model.ICMPMatch, p *rules.Packet) bool {
	return m.Type == p.ICMPType && (m.Code == nil || *m.Code == p.ICMPCode)
}

func meetsEnd(e *model.Peer, p *rules.Packet, a netip.Addr, port uint16, sets rules.Sets, deny, hasPorts bool) bool {
	in, _ := inNets(e.Nets, a)
	notIn, saysSomething := inNets(e.NotNets, a)
	selected, notSelected := false, false
	for _, s := range e.Sets {
		selected = selected || sets.Contains(s, a)
	}
	for _, s := range e.NotSets {
		notSelected = notSelected || sets.Contains(s, a)
	}
	wanted := atPort(e.Ports, e.PortSets, a, p.Protocol, port, sets)
	unwanted := atPort(e.NotPorts, e.NotPortSets, a, p.Protocol, port, sets)
	asksPort := len(e.Ports) > 0 || len(e.NamedPorts) > 0
	asksNotPort := len(e.NotPorts) > 0 || len(e.NotNamedPorts) > 0
	switch {
	case len(e.Nets) > 0 && !in, notIn:
		return false
	case len(e.NotNets) > 0 && !saysSomething && !deny:
		return false
	case e.Selector != "" && !selected, notSelected:
		return false
	case asksPort && (!hasPorts || !wanted):
		return false
	case asksNotPort && !hasPorts:
		return deny
	case asksNotPort && unwanted:
		return false
	}
	return true
}

// inNets also says whether any of the nets is of the address's family.
func inNets(nets []netip.Prefix, a netip.Addr) (in, saysSomething bool) {
	for _, n := range nets {
		in = in || n.Contains(a)
		saysSomething = saysSomething || n.Addr().BitLen() == a.BitLen()
	}
	return in, saysSomething
}

func atPort(ranges []model.PortRange, named []model.SetID, a netip.Addr, proto model.Protocol, port uint16, sets rules.Sets) bool {
	for _, r := range ranges {
		if port >= r.First && port <= r.Last {
			return true
		}
	}
	for _, s := range named {
		if sets.ContainsPort(s, a, proto, port) {
			return true
		}
	}
	return false
}

func TestReducedRuleMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
		r := rulestest.Rule(t)
		sets := rulestest.DrawSets(t)
		reduced := rules.Reduce(&model.ActivePolicy{Ingress: []model.Rule{r}}, f).Ingress
		for range 8 {
			p := rulestest.Packet(t, f)
			got := len(reduced) == 1 && reduced[0].Matches(&p, sets)
			if want := meets(&r, &p, sets); got != want {
				t.Fatalf("%v\nmatches %v, want %v\nwritten: %+v\nreduced: %+v", &p, got, want, r, reduced)
			}
		}
	})
}

// decide goes through the tiers by recursion over what is left of them: the same
// function as Evaluate's, told another way.
func decide(tiers []model.TierPolicies, written map[model.PolicyID]*model.ActivePolicy, d model.Direction, p *rules.Packet, sets rules.Sets) bool {
	if len(tiers) == 0 {
		return true
	}
	rest := func() bool { return decide(tiers[1:], written, d, p, sets) }
	var first []model.Rule
	for _, id := range tiers[0].Policies(d) {
		first = append(first, written[id].Rules(d)...)
	}
	for i := range first {
		if first[i].Action == model.Log || !meets(&first[i], p, sets) {
			continue
		}
		if first[i].Action == model.Pass {
			return rest()
		}
		return first[i].Action == model.Allow
	}
	if len(tiers[0].Policies(d)) == 0 || tiers[0].Default == model.Pass {
		return rest()
	}
	return false
}

func TestEvaluateAgreesWithThePoliciesAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
		w := rulestest.DrawWorld(t)
		n := w.Node(f)
		for _, ep := range w.Endpoints {
			for range 4 {
				p := rulestest.Packet(t, f)
				for _, d := range []model.Direction{model.Ingress, model.Egress} {
					got, steps := n.Evaluate(&p, ep, d)
					if want := decide(ep.Tiers, w.Policies, d, &p, w.Sets); got != want {
						t.Fatalf("%v of %v: %v, want %v\n%v", d, &p, got, want, steps)
					}
					if len(steps) == 0 {
						t.Fatalf("%v of %v: no reason given", d, &p)
					}
				}
			}
		}
	})
}
