package dataplane

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
)

// desk is the two managers and the table that they write, in a kernel of paper.
type desk struct {
	t        *testing.T
	table    *nftables.Table
	managers []*manager
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, table: nftables.New(nftables.Options{Kernel: fake.New()})}
	d.table.InSync()
	settings := config.NewTable().Defaults()
	for _, f := range family.All() {
		d.managers = append(d.managers, newManager(f, "node", &settings, nftablesView(d.table, f), nowhere{}, nowhere{}))
	}
	return d
}

// after hands batches over, one after the other, and returns the table then.
func (d *desk) after(batches ...*calc.Batch) string {
	d.t.Helper()
	for _, b := range batches {
		for _, m := range d.managers {
			m.update(b)
		}
		if err := d.table.Apply(time.Time{}); err != nil {
			d.t.Fatal(err)
		}
	}
	for _, p := range d.table.Problems() {
		d.t.Errorf("%s: %v", p.Object, p.Err)
	}
	return d.table.Actual().String()
}

func policyKey(name string) model.PolicyID {
	return model.Key{Kind: model.KindGlobalPolicy, Name: name}
}

// onTCP is a policy in both directions whose rules do something with TCP.
func onTCP(name string, do model.Action) *model.ActivePolicy {
	rules := []model.Rule{{Action: do, Protocol: model.TCP}, {Action: model.Deny}}
	return &model.ActivePolicy{
		ID: policyKey(name), Types: model.Directions(0).With(model.Ingress).With(model.Egress), Ingress: rules, Egress: rules,
	}
}

// under is an endpoint under policies of one tier for what it receives, and of another for
// what it sends.
func under(pod, iface string, in, out []string) *model.LocalEndpoint {
	tier := func(name string, policies []string) model.TierPolicies {
		t := model.TierPolicies{Name: name, Default: model.Deny}
		for _, p := range policies {
			if name == "in" {
				t.Ingress = append(t.Ingress, policyKey(p))
			} else {
				t.Egress = append(t.Egress, policyKey(p))
			}
		}
		return t
	}
	ep := &model.LocalEndpoint{
		ID: model.Key{Kind: model.KindPod, Namespace: "ns", Name: pod}, Interface: iface,
		Tiers: []model.TierPolicies{tier("in", in), tier("out", out)},
	}
	*ep.Addresses.At(family.V4) = netip.AddrFrom4([4]byte{10, 0, 0, pod[0]})
	return ep
}

// Only what has changed of an endpoint is rendered; what comes of it is what a manager
// makes that hears of the last state alone.
func TestWhatIsRenderedIsTheLastState(t *testing.T) {
	a, b, c := onTCP("a", model.Allow), onTCP("b", model.Allow), onTCP("c", model.Pass)
	all := []*model.ActivePolicy{a, b, c}
	ab, abc := []string{"a", "b"}, []string{"a", "b", "c"}
	base := &calc.Batch{Policies: all, Endpoints: []*model.LocalEndpoint{under("x", "cali1", ab, ab), under("y", "cali2", abc, nil)}}
	endpoints := func(e ...*model.LocalEndpoint) *calc.Batch { return &calc.Batch{Endpoints: e} }
	passing := onTCP("a", model.Pass)
	otherAddress := under("x", "cali1", ab, ab)
	*otherAddress.Addresses.At(family.V6) = netip.MustParseAddr("fd00::1")
	for name, s := range map[string]struct {
		changes []*calc.Batch
		last    *calc.Batch
	}{
		"one direction": {
			[]*calc.Batch{endpoints(under("x", "cali1", abc, ab))},
			&calc.Batch{Policies: all, Endpoints: []*model.LocalEndpoint{under("x", "cali1", abc, ab), under("y", "cali2", abc, nil)}},
		},
		"no policy any more": {
			[]*calc.Batch{endpoints(under("x", "cali1", nil, nil))},
			&calc.Batch{Policies: all, Endpoints: []*model.LocalEndpoint{under("x", "cali1", nil, nil), under("y", "cali2", abc, nil)}},
		},
		"an address": {
			[]*calc.Batch{endpoints(otherAddress)},
			&calc.Batch{Policies: all, Endpoints: []*model.LocalEndpoint{otherAddress, under("y", "cali2", abc, nil)}},
		},
		"two endpoints change interfaces": {
			[]*calc.Batch{endpoints(under("x", "cali2", ab, ab), under("y", "cali1", abc, nil))},
			&calc.Batch{Policies: all, Endpoints: []*model.LocalEndpoint{under("x", "cali2", ab, ab), under("y", "cali1", abc, nil)}},
		},
		"an endpoint goes and comes": {
			[]*calc.Batch{{EndpointsGone: []model.Key{under("x", "", nil, nil).ID}}, endpoints(under("x", "cali1", ab, ab))},
			base,
		},
		"a policy comes to pass, and its endpoints with it": {
			[]*calc.Batch{{Policies: []*model.ActivePolicy{passing}}, endpoints(under("x", "cali1", ab, abc))},
			&calc.Batch{Policies: []*model.ActivePolicy{passing, b, c}, Endpoints: []*model.LocalEndpoint{under("x", "cali1", ab, abc), under("y", "cali2", abc, nil)}},
		},
		"a policy comes after its endpoint": {
			[]*calc.Batch{endpoints(under("x", "cali1", []string{"late"}, nil)), {Policies: []*model.ActivePolicy{onTCP("late", model.Allow)}}},
			&calc.Batch{
				Policies:  append([]*model.ActivePolicy{onTCP("late", model.Allow)}, all...),
				Endpoints: []*model.LocalEndpoint{under("x", "cali1", []string{"late"}, nil), under("y", "cali2", abc, nil)},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := newDesk(t).after(append([]*calc.Batch{base}, s.changes...)...)
			if diff := cmp.Diff(newDesk(t).after(s.last), got); diff != "" {
				t.Errorf("(-the last state alone, +after changes)\n%s", diff)
			}
		})
	}
}
