package render_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	ipsetfake "github.com/margay-net/margay/internal/ipset/fake"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/fake"
	"github.com/margay-net/margay/internal/iptables/render"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

// parts are all parts of a world for one family, by what they are of.
func parts(w *rulestest.World, f family.Family, i render.Idiom) map[string]render.Part {
	r, n := render.New(f, w.Settings, i), w.Node(f)
	all := map[string]render.Part{"base": r.Base(), "tunnel": r.Tunnel(rules.Tunnel{})}
	for _, ep := range w.Endpoints {
		all[ep.ID.String()] = r.Endpoint(ep)
		for _, d := range []model.Direction{model.Ingress, model.Egress} {
			all[ep.ID.String()+d.String()] = r.Direction(ep, d, func(id model.PolicyID) *rules.Policy { return n.Policies[id] })
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

// idiom is the one of Felix's defaults.
func idiom() render.Idiom {
	m, err := rules.AllocateMarks(0xffff0000)
	if err != nil {
		panic(err)
	}
	return render.Idiom{Marks: m}
}

// node is the driver of a family on a kernel in memory.
type node struct {
	family family.Family
	driver *iptables.Driver
	render *render.Tables
	tables *fake.Kernel
	sets   *ipsetfake.Kernel
	last   *rulestest.World
}

func newNode(f family.Family) *node {
	n := &node{family: f, tables: fake.New(), sets: ipsetfake.New()}
	n.tables.HasSet, n.sets.Used = n.sets.Has, n.tables.UsesSet
	n.driver = iptables.New(iptables.Options{Family: f, Kernel: n.tables, Sets: n.sets})
	n.driver.InSync()
	n.render = render.In(n.driver)
	return n
}

// change puts a world in the place of the last one.
func (n *node) change(t fataler, to *rulestest.World) {
	changes := map[string]render.Change{}
	if n.last != nil {
		for name, p := range parts(n.last, n.family, idiom()) {
			changes[name] = render.Change{Old: p}
		}
	}
	for name, p := range parts(to, n.family, idiom()) {
		changes[name] = render.Change{Old: changes[name].Old, New: p}
	}
	n.render.Put(slices.Collect(maps.Values(changes))...)
	n.last = to
	n.apply(t)
}

func (n *node) apply(t fataler) {
	if err := n.driver.Apply(time.Unix(0, 0)); err != nil {
		t.Fatalf("%v", err)
	}
	for _, p := range n.driver.Problems() {
		t.Fatalf("%s: %v", p.Object, p.Err)
	}
}

// text is all that stands, as the programs print it.
func (n *node) text() string {
	var out strings.Builder
	for _, table := range iptables.Tables() {
		text, _ := n.tables.Save(table)
		out.Write(text)
	}
	listed, _ := n.sets.Save(n.family)
	for _, l := range listed {
		fmt.Fprintf(&out, "%s %s %v\n", l.Set.Name, l.Set.Type, l.Members)
	}
	return out.String()
}

// ways are all ways through a node with two known pods (cali1, cali2), an unknown one (cali9)
// and an interface that is no pod's.
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

func compare(t *rapid.T, n *node, e *rules.Node) {
	tr := &tracer{t, n.tables, n.sets}
	for range 3 {
		p := rulestest.Packet(t, n.family)
		for _, way := range ways() {
			want := e.Verdict(p, way)
			got, logs := tr.send(p, way)
			if got != want.Allowed {
				t.Fatalf("the tables say %v, the evaluator:\n%v\n%s", got, want, n.text())
			}
			if wanted := loggedBy(want); !slices.Equal(logs, wanted) {
				t.Fatalf("logged by %v, want %v\n%v\n%s", logs, wanted, want, n.text())
			}
		}
	}
}

func loggedBy(t *rules.Trace) []string {
	var out []string
	for _, s := range t.Steps {
		if s.Reason == model.Log.String() {
			out = append(out, fmt.Sprintf("%v rule %d", s.Policy, s.Rule))
		}
	}
	return out
}

func eachFamily(t *testing.T, run func(*testing.T, family.Family)) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) { run(t, f) })
	}
}

// drawWorld draws a world in which nobody has the unspecified address.
func drawWorld(t *rapid.T) *rulestest.World {
	w := rulestest.DrawWorld(t)
	for id, members := range w.Sets {
		w.Sets[id] = slices.DeleteFunc(members, func(m model.Member) bool {
			return m.Prefix.Addr().IsUnspecified() && family.IsHost(m.Prefix)
		})
	}
	return w
}

func TestTablesDoWhatTheEvaluatorSays(t *testing.T) {
	eachFamily(t, func(t *testing.T, f family.Family) {
		rapid.Check(t, func(t *rapid.T) {
			w := drawWorld(t)
			n := newNode(f)
			n.change(t, w)
			compare(t, n, w.Node(f))
		})
	})
}

// Pods, policies, sets and settings change at random, the family goes off or comes back: what
// stands must be what the last state alone would have made.
func TestTablesAfterChangesAreThoseOfTheLastStateAlone(t *testing.T) {
	eachFamily(t, func(t *testing.T, f family.Family) {
		rapid.Check(t, func(t *rapid.T) {
			changed := newNode(f)
			for range rapid.IntRange(2, 4).Draw(t, "states") {
				w := drawWorld(t)
				changed.change(t, w)
				alone := newNode(f)
				alone.change(t, w)
				if diff := cmp.Diff(alone.text(), changed.text()); diff != "" {
					t.Fatalf("(-want +got)\n%s", diff)
				}
				before := len(changed.tables.Inputs) + len(changed.sets.Scripts)
				changed.change(t, w)
				if after := len(changed.tables.Inputs) + len(changed.sets.Scripts); after != before {
					t.Fatalf("%d processes where nothing has changed", after-before)
				}
			}
		})
	})
}
