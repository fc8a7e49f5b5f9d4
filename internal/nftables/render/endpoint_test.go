package render_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

func noPolicy(model.PolicyID) *rules.Policy { return nil }

// chainsOf are an endpoint's chains: those of both directions.
func chainsOf(r *render.Renderer, ep *model.LocalEndpoint, find rules.Finder) []nft.Chain {
	return append(r.Direction(ep, model.Egress, find).Chains, r.Direction(ep, model.Ingress, find).Chains...)
}

func TestGrantedSources(t *testing.T) {
	web := shop().Endpoints[0]
	s := felixDefaults()
	s.AllowSpoofing = true
	for f, want := range map[family.Family]string{
		family.V4: "cali-sa-cali1:\n  ip saddr 192.0.2.0/24 accept\n",
		family.V6: "",
	} {
		got := ""
		for _, c := range render.New(f, s).Endpoint(web).Chains {
			if strings.HasPrefix(c.Name, "cali-sa-") {
				got += text([]nft.Chain{c})
			}
		}
		if got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
}

func TestAnUnknownPolicyIsClosed(t *testing.T) {
	got := text(chainsOf(render.New(family.V4, felixDefaults()), shop().Endpoints[1], noPolicy))
	want := `cali-fw-cali2:
  accept
cali-tw-cali2/security:
  drop
  drop
cali-tw-cali2:
  ct state established,related accept
  ct state invalid drop
  jump cali-tw-cali2/security
  drop
  drop
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	off := felixDefaults()
	off.Families = family.NewSet(family.V4)
	tooLong := *shop().Endpoints[0]
	tooLong.Interface = "cali567890123456"
	set := model.Set{ID: "a", Kind: model.AddressSet}
	member := []model.Member{{Prefix: prefixes("fd00::1/128")[0]}}
	v6 := render.New(family.V6, off)
	for what, p := range map[string]render.Part{
		"an interface that cannot be":  render.New(family.V4, off).Endpoint(&tooLong),
		"its chains":                   render.New(family.V4, off).Direction(&tooLong, model.Ingress, noPolicy),
		"members of the other family":  render.New(family.V4, off).Members(set, member),
		"members of a family off":      v6.Members(set, member),
		"a set of a family off":        v6.Set(set),
		"an endpoint in a family off":  v6.Endpoint(shop().Endpoints[0]),
		"chains in a family off":       v6.Direction(shop().Endpoints[0], model.Egress, noPolicy),
		"a pool of a family off":       v6.Pool(model.NATPool{CIDR: prefixes("fd00::/64")[0], Outgoing: true}),
		"a policy of a family off":     v6.Policy(rules.Reduce(ingress(model.Rule{}), family.V6)),
		"a node's address, not wanted": render.New(family.V6, felixDefaults()).Host(model.Host{Address: prefixes("fd00::1/128")[0].Addr()}),
	} {
		if diff := cmp.Diff(fmt.Sprint(render.Part{}), fmt.Sprint(p)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", what, diff)
		}
	}
}

// An endpoint whose direction is the same as before need not be rendered anew: what is
// rendered differs just where SamePolicies says so.
func TestSameDirection(t *testing.T) {
	id := func(name string) model.PolicyID { return model.Key{Kind: model.KindGlobalPolicy, Name: name} }
	tier := func(name string, end model.Action, in, out []model.PolicyID) model.TierPolicies {
		return model.TierPolicies{Name: name, Default: end, Ingress: in, Egress: out}
	}
	a, ab, ba := []model.PolicyID{id("a")}, []model.PolicyID{id("a"), id("b")}, []model.PolicyID{id("b"), id("a")}
	lists := map[string][]model.TierPolicies{
		"no tier":                   nil,
		"a tier for nobody":         {tier("t", model.Deny, nil, nil)},
		"in: a":                     {tier("t", model.Deny, a, nil)},
		"in: a, then pass":          {tier("t", model.Pass, a, nil)},
		"in: a in another tier":     {tier("u", model.Deny, a, nil)},
		"in: a, out: a":             {tier("t", model.Deny, a, a)},
		"in: a, b":                  {tier("t", model.Deny, ab, nil)},
		"in: b, a":                  {tier("t", model.Deny, ba, nil)},
		"in: a; out: a, next tier":  {tier("t", model.Deny, a, nil), tier("u", model.Deny, nil, a)},
		"in: a; in: a, next tier":   {tier("t", model.Deny, a, nil), tier("u", model.Deny, a, nil)},
		"nobody; in: a, next tier":  {tier("s", model.Deny, nil, nil), tier("t", model.Deny, a, nil)},
		"in: a; nobody in the next": {tier("t", model.Deny, a, nil), tier("u", model.Deny, nil, nil)},
	}
	find := func(id model.PolicyID) *rules.Policy {
		return &rules.Policy{ID: id, Types: model.Directions(0).With(model.Ingress).With(model.Egress)}
	}
	r := render.New(family.V4, felixDefaults())
	for of, x := range lists {
		for as, y := range lists {
			for _, d := range []model.Direction{model.Ingress, model.Egress} {
				x, y := &model.LocalEndpoint{Interface: "cali1", Tiers: x}, &model.LocalEndpoint{Interface: "cali1", Tiers: y}
				// With the comments, which name the tiers.
				want := fmt.Sprint(nft.Table{Chains: r.Direction(x, d, find).Chains}) == fmt.Sprint(nft.Table{Chains: r.Direction(y, d, find).Chains})
				if got := x.SamePolicies(y, d); got != want {
					t.Errorf("%s and %s, %s: %v, want %v", of, as, d, got, want)
				}
			}
		}
	}
}

// Two pods that change interfaces have each other's chains afterwards.
func TestChainsChangeHands(t *testing.T) {
	before, after := crowd(2, "a"), crowd(2, "a")
	after.Endpoints[0].Interface, after.Endpoints[1].Interface = "cali1", "cali0"
	after.Endpoints[0].Tiers = nil
	d := driver(before.Settings)
	for _, f := range family.All() {
		change(nil, before, f, d.View(f))
	}
	written(t, d)
	for _, f := range family.All() {
		change(before, after, f, d.View(f))
	}
	if diff := cmp.Diff(table(t, after, family.V4, family.V6).String(), written(t, d).String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// crowd is a world of so many pods under the given policies, in one tier.
func crowd(pods int, policies ...string) *rulestest.World {
	w := &rulestest.World{Settings: felixDefaults(), Policies: map[model.PolicyID]*model.ActivePolicy{}}
	tier := model.TierPolicies{Name: "default"}
	for _, name := range policies {
		id := model.Key{Kind: model.KindGlobalPolicy, Name: name}
		w.Policies[id] = &model.ActivePolicy{
			ID: id, Types: model.Directions(0).With(model.Ingress), Ingress: []model.Rule{{Action: model.Allow, Protocol: model.TCP}},
		}
		tier.Ingress = append(tier.Ingress, id)
	}
	for i := range pods {
		w.Endpoints = append(w.Endpoints, &model.LocalEndpoint{
			ID:        model.Key{Kind: model.KindPod, Namespace: "ns", Name: fmt.Sprint("pod", i)},
			Interface: fmt.Sprint("cali", i), Tiers: []model.TierPolicies{tier},
		})
	}
	return w
}

// One more policy for all pods is one rule more in each one's chain, for both families.
func TestOneMorePolicyIsOneRuleMoreForEachPod(t *testing.T) {
	const pods = 10
	k := fake.New()
	d := nftables.New(nftables.Options{Kernel: k})
	d.InSync()
	var last *rulestest.World
	for _, w := range []*rulestest.World{crowd(pods, "a", "c"), crowd(pods, "a", "b", "c")} {
		k.Commits()
		for _, f := range family.All() {
			change(last, w, f, d.View(f))
		}
		if err := d.Apply(time.Time{}); err != nil {
			t.Fatal(err)
		}
		last = w
	}
	got := map[string]int{}
	for _, ops := range k.Commits() {
		for _, op := range ops {
			got[fmt.Sprintf("%T", op)]++
		}
	}
	want := map[string]int{"nft.AddChain": 1, "nft.AddRule": 1 + pods}
	delete(got, "nft.AddTable")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Tiers do not add to the depth of the chains, which the kernel limits.
func TestManyTiers(t *testing.T) {
	w := crowd(1, "a")
	id := model.Key{Kind: model.KindGlobalPolicy, Name: "a"}
	w.Policies[id].Ingress = []model.Rule{{Action: model.Pass}}
	w.Endpoints[0].Tiers = nil
	for i := range 20 {
		w.Endpoints[0].Tiers = append(w.Endpoints[0].Tiers, model.TierPolicies{
			Name: fmt.Sprint("tier", i), Ingress: []model.PolicyID{id},
		})
	}
	tr := newTracer(t, table(t, w, family.V4, family.V6))
	p := rules.Packet{Source: addrs("192.0.2.1", "").Get(family.V4), Destination: addrs("10.65.0.1", "").Get(family.V4)}
	if ok, _ := tr.send(p, rules.Way{In: "eth0", Out: "cali0"}); !ok {
		t.Error("dropped, though every tier passes")
	}
}
