package rulestest

import (
	"fmt"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// World is a node with its pods, policies and sets, of both families.
type World struct {
	Settings  rules.Settings
	Endpoints []*model.LocalEndpoint
	Policies  map[model.PolicyID]*model.ActivePolicy
	Sets      Sets
}

// Node is the world as the evaluator sees one family of it.
func (w *World) Node(f family.Family) *rules.Node {
	n := &rules.Node{
		Family:    f,
		Settings:  w.Settings,
		Evaluator: rules.Evaluator{Policies: map[model.PolicyID]*rules.Policy{}, Sets: w.Sets},
		Endpoints: map[string]*model.LocalEndpoint{},
	}
	for id, p := range w.Policies {
		n.Policies[id] = rules.Reduce(p, f)
	}
	for _, ep := range w.Endpoints {
		n.Endpoints[ep.Interface] = ep
	}
	return n
}

// DrawWorld draws two pods (cali1, cali2) under up to three tiers of policies.
func DrawWorld(t *rapid.T) *World {
	w := &World{Settings: drawSettings(t), Policies: map[model.PolicyID]*model.ActivePolicy{}, Sets: DrawSets(t)}
	var tiers []model.TierPolicies
	for i := range rapid.IntRange(0, 3).Draw(t, "tiers") {
		tiers = append(tiers, drawTier(t, w, fmt.Sprintf("tier%d", i)))
	}
	for i := range 2 {
		w.Endpoints = append(w.Endpoints, drawEndpoint(t, i, tiers))
	}
	return w
}

func drawSettings(t *rapid.T) rules.Settings {
	return rules.Settings{
		Families:          rapid.SampledFrom([]family.Set{family.Both, family.Both, family.Both, family.NewSet(family.V4), family.NewSet(family.V6)}).Draw(t, "families"),
		InterfacePrefixes: rapid.SampledFrom([][]string{{"cali"}, {"cali", "tap"}}).Draw(t, "prefixes"),
		HostAction:        rapid.SampledFrom([]rules.HostAction{rules.HostDrop, rules.HostAccept, rules.HostReturn}).Draw(t, "hostAction"),
		KeepInvalid:       rapid.Bool().Draw(t, "keepInvalid"),
		AllowSpoofing:     rapid.Bool().Draw(t, "allowSpoofing"),
		AllowVXLAN:        rapid.Bool().Draw(t, "allowVXLAN"),
		AllowIPIP:         rapid.Bool().Draw(t, "allowIPIP"),
		Counters:          rapid.Bool().Draw(t, "counters"),
		VXLANPort:         VXLANPort,
		LogPrefix:         "calico-packet",
	}
}

// drawTier adds the tier's policies to the world.
func drawTier(t *rapid.T, w *World, name string) model.TierPolicies {
	tier := model.TierPolicies{Name: name, Default: rapid.SampledFrom([]model.Action{model.Deny, model.Pass}).Draw(t, "default")}
	for i := range rapid.IntRange(0, 3).Draw(t, "policies") {
		id := model.Key{Kind: model.KindGlobalPolicy, Name: fmt.Sprintf("%s.p%d", name, i)}
		p := &model.ActivePolicy{ID: id, Tier: name, Types: model.Directions(rapid.Uint8Range(1, 3).Draw(t, "types"))}
		draw := rapid.Custom(Rule)
		if p.Types.Has(model.Ingress) {
			p.Ingress = rapid.SliceOfN(draw, 0, 4).Draw(t, "ingress")
			tier.Ingress = append(tier.Ingress, id)
		}
		if p.Types.Has(model.Egress) {
			p.Egress = rapid.SliceOfN(draw, 0, 4).Draw(t, "egress")
			tier.Egress = append(tier.Egress, id)
		}
		w.Policies[id] = p
	}
	return tier
}

// drawEndpoint gives the i-th pod its addresses, of which one may be missing, and its
// share of the policies.
func drawEndpoint(t *rapid.T, i int, tiers []model.TierPolicies) *model.LocalEndpoint {
	ep := &model.LocalEndpoint{
		ID:        model.Key{Kind: model.KindPod, Namespace: "ns", Name: fmt.Sprintf("pod%d", i+1)},
		Interface: fmt.Sprintf("cali%d", i+1),
	}
	for _, f := range family.All() {
		if rapid.IntRange(1, 5).Draw(t, "has address") > 1 {
			*ep.Addresses.At(f) = Addresses(f)[i]
		}
	}
	ep.AllowedSources = maybe(t, 3, "spoofs", func() []netip.Prefix {
		var out []netip.Prefix
		for _, s := range someOf(t, "sources", setNets) {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	})
	for _, tier := range tiers {
		mine := model.TierPolicies{Name: tier.Name, Default: tier.Default}
		mine.Ingress = drawShare(t, tier.Ingress)
		mine.Egress = drawShare(t, tier.Egress)
		if len(mine.Ingress)+len(mine.Egress) > 0 {
			ep.Tiers = append(ep.Tiers, mine)
		}
	}
	return ep
}

func drawShare(t *rapid.T, ids []model.PolicyID) []model.PolicyID {
	return slices.DeleteFunc(slices.Clone(ids), func(model.PolicyID) bool {
		return rapid.IntRange(1, 3).Draw(t, "share") == 1
	})
}
