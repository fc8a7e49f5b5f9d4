package render_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

// parts are all parts of a world for one family, by what they are of.
func parts(w *rulestest.World, f family.Family) map[string]render.Part {
	r, n := render.New(f, w.Settings), w.Node(f)
	all := map[string]render.Part{"base": r.Base()}
	for _, ep := range w.Endpoints {
		all[ep.ID.String()] = r.Endpoint(ep)
		for _, d := range []model.Direction{model.Ingress, model.Egress} {
			all[d.String()+" of "+ep.ID.String()] = r.Direction(ep, d, func(id model.PolicyID) *rules.Policy { return n.Policies[id] })
		}
	}
	for id, p := range n.Policies {
		all[id.String()] = r.Policy(p)
	}
	for id, members := range w.Sets {
		all["set "+string(id)] = r.Set(rulestest.SetOf(id))
		all["members of "+string(id)] = r.Members(rulestest.SetOf(id), members)
	}
	return all
}

// change puts one world in the place of another, which may be nil.
func change(from, to *rulestest.World, f family.Family, v *nftables.View) {
	changes := map[string]render.Change{}
	if from != nil {
		for name, p := range parts(from, f) {
			changes[name] = render.Change{Old: p}
		}
	}
	for name, p := range parts(to, f) {
		changes[name] = render.Change{Old: changes[name].Old, New: p}
	}
	render.Put(v, slices.Collect(maps.Values(changes))...)
}

func driver(s rules.Settings) *nftables.Table {
	d := nftables.New(nftables.Options{Kernel: fake.New(), Closed: render.Closed(s)})
	d.InSync()
	return d
}

// written is the driver's table as the kernel has it.
func written(t fataler, d *nftables.Table) nft.Table {
	if err := d.Apply(time.Time{}); err != nil {
		t.Fatalf("%v", err)
	}
	for _, p := range d.Problems() {
		t.Fatalf("%s: %v", p.Object, p.Err)
	}
	return d.Actual()
}

// table is the table of a world, seen by the given families.
func table(t fataler, w *rulestest.World, families ...family.Family) nft.Table {
	d := driver(w.Settings)
	for _, f := range families {
		change(nil, w, f, d.View(f))
	}
	return written(t, d)
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
				compare(t, newTracer(t, table(t, w, f)), w.Node(f))
			})
		})
	}
}

func TestMergedTableDoesWhatTheEvaluatorSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rulestest.DrawWorld(t)
		tr := newTracer(t, table(t, w, family.V4, family.V6))
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

// Pods, policies, sets and settings change at random, a family goes off or comes back: the
// table must be the one that the last state alone would have made.
func TestTableAfterChangesIsThatOfTheLastStateAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var last *rulestest.World
		d := driver(rules.Settings{})
		for range rapid.IntRange(2, 4).Draw(t, "states") {
			w := rulestest.DrawWorld(t)
			for _, f := range family.All() {
				change(last, w, f, d.View(f))
			}
			got, want := written(t, d), table(t, w, family.V4, family.V6)
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
			last = w
		}
	})
}

func TestOneRuleMatchesWhatTheEvaluatorSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
		w := openWorld(t, rulestest.Rule(t))
		tr, n := newTracer(t, table(t, w, f)), w.Node(f)
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
