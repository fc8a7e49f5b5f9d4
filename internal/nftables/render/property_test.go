package render_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

// whole renders all of a world for one family.
func whole(t fataler, w *rulestest.World, f family.Family) nft.Table {
	r := render.New(f, w.Settings)
	n := w.Node(f)
	table := nft.Table{Name: "calico", Elements: map[string][]nft.Element{}}
	add := func(p render.Part) { addPart(t, &table, p) }
	add(r.Base())
	for _, id := range append(rulestest.AddressSets(), rulestest.PortSets()...) {
		set := rulestest.SetOf(id)
		add(r.Set(set))
		if members := r.Members(set, w.Sets[id]); len(members) > 0 {
			add(render.Part{Elements: map[string][]nft.Element{render.SetName(id, f): members}})
		}
	}
	for _, p := range n.Policies {
		add(r.Policy(p))
	}
	for _, ep := range w.Endpoints {
		add(r.Endpoint(ep, func(id model.PolicyID) *rules.Policy { return n.Policies[id] }))
	}
	return table
}

// addPart holds that no two parts have a chain or a set in common.
func addPart(t fataler, table *nft.Table, p render.Part) {
	for _, c := range p.Chains {
		if slices.ContainsFunc(table.Chains, func(o nft.Chain) bool { return o.Name == c.Name }) {
			t.Fatalf("two chains %s", c.Name)
		}
	}
	for _, s := range p.Sets {
		if err := s.Err(); err != nil {
			t.Fatalf("%v", err)
		}
		if slices.ContainsFunc(table.Sets, func(o nft.Set) bool { return o.Name == s.Name }) {
			t.Fatalf("two sets %s", s.Name)
		}
	}
	table.Chains = append(table.Chains, p.Chains...)
	table.Sets = append(table.Sets, p.Sets...)
	for set, elements := range p.Elements {
		table.Elements[set] = append(table.Elements[set], elements...)
	}
}

// merge makes one table of both families' in a random way that the driver might take:
// the rules of each keep their order, equal ones may be stored once, and all others are
// confined to their family.
func merge(t *rapid.T, v4, v6 nft.Table) nft.Table {
	out := nft.Table{Name: "calico", Elements: map[string][]nft.Element{}}
	chains := map[string]*nft.Chain{}
	var names []string
	for _, c := range slices.Concat(v4.Chains, v6.Chains) {
		if chains[c.Name] == nil {
			chains[c.Name] = &nft.Chain{Name: c.Name, Base: c.Base}
			names = append(names, c.Name)
		}
		if !chains[c.Name].Base.Equal(c.Base) {
			t.Fatalf("chain %s: %v and %v", c.Name, chains[c.Name].Base, c.Base)
		}
	}
	for _, name := range names {
		chains[name].Rules = interleave(t, rulesOf(v4, name), rulesOf(v6, name))
		out.Chains = append(out.Chains, *chains[name])
	}
	for _, table := range []nft.Table{v4, v6} {
		for _, s := range table.Sets {
			i := slices.IndexFunc(out.Sets, func(o nft.Set) bool { return o.Name == s.Name })
			if i < 0 {
				out.Sets = append(out.Sets, s)
			} else if !out.Sets[i].Equal(s) {
				t.Fatalf("%v and %v", out.Sets[i], s)
			}
			out.Elements[s.Name] = append(out.Elements[s.Name], table.Elements[s.Name]...)
		}
	}
	return out
}

func rulesOf(t nft.Table, chain string) []nft.Rule {
	for _, c := range t.Chains {
		if c.Name == chain {
			return c.Rules
		}
	}
	return nil
}

func interleave(t *rapid.T, v4, v6 []nft.Rule) []nft.Rule {
	var out []nft.Rule
	for len(v4)+len(v6) > 0 {
		equal := len(v4) > 0 && len(v6) > 0 && v4[0].Hash() == v6[0].Hash()
		switch choice := rapid.IntRange(0, 5).Draw(t, "next rule"); {
		case equal && choice > 0:
			out, v4, v6 = append(out, v4[0]), v4[1:], v6[1:]
		case len(v6) == 0 || len(v4) > 0 && choice%2 == 0:
			out, v4 = append(out, v4[0].Only(family.V4)), v4[1:]
		default:
			out, v6 = append(out, v6[0].Only(family.V6)), v6[1:]
		}
	}
	return out
}

// ways are all ways through a node with two known pods (cali1, cali2), an unknown one
// (cali9) and an interface that is no pod's.
func ways() []rules.Way {
	var out []rules.Way
	ends := []string{"", "cali1", "cali2", "cali9", "eth0"}
	for _, in := range ends {
		for _, to := range ends {
			out = append(out, rules.Way{In: in, Out: to})
		}
	}
	return out
}

func compare(t *rapid.T, tr *tracer, n *rules.Node) {
	for range 3 {
		p := rulestest.Packet(t, n.Family)
		for _, way := range ways() {
			want := n.Verdict(p, way)
			got, logs := tr.send(p, way)
			if got != want.Allowed {
				t.Fatalf("the table says %v, the evaluator:\n%v\n%v", got, want, tr.table)
			}
			if wanted := loggedBy(want); !slices.Equal(logs, wanted) {
				t.Fatalf("logged by %v, want %v\n%v\n%v", logs, wanted, want, tr.table)
			}
		}
	}
}

func loggedBy(t *rules.Trace) []string {
	var out []string
	for _, s := range t.Steps {
		if s.Reason == model.Log.String() {
			out = append(out, s.Policy.String())
		}
	}
	return out
}

func TestTableOfOneFamilyDoesWhatTheEvaluatorSays(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := rulestest.DrawWorld(t)
				compare(t, newTracer(t, whole(t, w, f)), w.Node(f))
			})
		})
	}
}

func TestMergedTableDoesWhatTheEvaluatorSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rulestest.DrawWorld(t)
		tr := newTracer(t, merge(t, whole(t, w, family.V4), whole(t, w, family.V6)))
		for _, f := range family.All() {
			compare(t, tr, w.Node(f))
		}
	})
}

// openWorld lets nothing but one rule decide: a pod with one policy, whose last rule
// allows what the drawn one has not decided. The tier denies what is passed.
func openWorld(t *rapid.T, r model.Rule) *rulestest.World {
	id := model.Key{Kind: model.KindGlobalPolicy, Name: "only"}
	p := &model.ActivePolicy{ID: id, Types: model.Directions(0).With(model.Ingress)}
	p.Ingress = []model.Rule{r, {Action: model.Deny, Protocol: r.Protocol}, {Action: model.Allow}}
	denied := model.TierPolicies{Name: "last", Default: model.Deny, Ingress: []model.PolicyID{id}}
	return &rulestest.World{
		Settings: rules.Settings{
			Families: family.Both, InterfacePrefixes: []string{"cali"}, KeepInvalid: true, LogPrefix: "calico-packet",
		},
		Endpoints: []*model.LocalEndpoint{{Interface: "cali1", Tiers: []model.TierPolicies{denied}}},
		Policies:  map[model.PolicyID]*model.ActivePolicy{id: p},
		Sets:      rulestest.DrawSets(t),
	}
}

func TestOneRuleMatchesWhatTheEvaluatorSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
		w := openWorld(t, rulestest.Rule(t))
		tr, n := newTracer(t, whole(t, w, f)), w.Node(f)
		for range 20 {
			p := rulestest.Packet(t, f)
			p.State = rules.New
			want := n.Verdict(p, rules.Way{In: "eth0", Out: "cali1"})
			got, logs := tr.send(p, want.Way)
			if got != want.Allowed || !slices.Equal(logs, loggedBy(want)) {
				t.Fatalf("the table says %v, logged %v; the evaluator:\n%v\n%v", got, logs, want, tr.table)
			}
		}
	})
}
