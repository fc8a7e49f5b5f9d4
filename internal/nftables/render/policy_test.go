package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nftables/render"
	"github.com/margay-net/margay/internal/rules"
)

// ingress is a policy with these rules.
func ingress(in ...model.Rule) *model.ActivePolicy {
	return &model.ActivePolicy{
		ID:    model.Key{Kind: model.KindPolicy, Namespace: "ns", Name: "p"},
		Types: model.Directions(0).With(model.Ingress), Ingress: in,
	}
}

// text is chains as nft writes them, without comments.
func text(chains []nft.Chain) string {
	var b strings.Builder
	for _, c := range chains {
		b.WriteString(c.Name + ":\n")
		for _, r := range c.Rules {
			r.Comment = ""
			b.WriteString("  " + r.String() + "\n")
		}
	}
	return b.String()
}

func code(n uint8) *uint8 { return &n }

func TestPolicy(t *testing.T) {
	tcp := model.TCP
	for _, c := range []struct {
		name   string
		rule   model.Rule
		v4, v6 string
	}{
		{"everything", model.Rule{Action: model.Allow}, `accept`, `accept`},
		{"no sets, no rule", model.Rule{Source: model.Peer{Selector: "x"}}, ``, ``},
		{"protocol", model.Rule{Protocol: 47}, `meta l4proto 47 drop`, `meta l4proto 47 drop`},
		{"not protocol", model.Rule{NotProtocol: tcp}, `meta l4proto != tcp drop`, `meta l4proto != tcp drop`},
		{
			"ports and nets are a set each",
			model.Rule{Action: model.Allow, Protocol: tcp, Source: model.Peer{Nets: prefixes("10.0.0.0/8", "192.0.2.1/32", "fd00::/8")},
				Destination: model.Peer{Ports: []model.PortRange{{First: 80, Last: 80}, {First: 8000, Last: 8080}}}},
			`meta l4proto tcp th dport { 80, 8000-8080 } ip saddr { 10.0.0.0/8, 192.0.2.1 } accept`,
			`meta l4proto tcp th dport { 80, 8000-8080 } ip6 saddr fd00::/8 accept`,
		},
		{
			"addresses or nets: one rule each",
			model.Rule{Action: model.Allow, Destination: model.Peer{Selector: "x", Sets: []model.SetID{"a", "n"}}},
			"ip daddr @cali4-a accept\nip daddr @cali4-n accept",
			"ip6 daddr @cali6-a accept\nip6 daddr @cali6-n accept",
		},
		{
			"logged once though in both",
			model.Rule{Action: model.Log, Destination: model.Peer{Selector: "x", Sets: []model.SetID{"a", "n"}}},
			"ip daddr @cali4-a log prefix \"calico-packet: \"\nip daddr != @cali4-a ip daddr @cali4-n log prefix \"calico-packet: \"",
			"ip6 daddr @cali6-a log prefix \"calico-packet: \"\nip6 daddr != @cali6-a ip6 daddr @cali6-n log prefix \"calico-packet: \"",
		},
		{
			"numbers or names",
			model.Rule{Protocol: tcp, Destination: model.Peer{NamedPorts: []string{"http"},
				PortSets: []model.SetID{"http"}, Ports: []model.PortRange{{First: 80, Last: 80}}}},
			"meta l4proto tcp th dport 80 drop\nmeta l4proto tcp ip daddr . meta l4proto . th dport @cali4-http drop",
			"meta l4proto tcp th dport 80 drop\nmeta l4proto tcp ip6 daddr . meta l4proto . th dport @cali6-http drop",
		},
		{
			"all that it is not",
			model.Rule{Protocol: tcp, Source: model.Peer{
				NotNets: prefixes("10.0.0.0/8"), NotSelector: "x", NotSets: []model.SetID{"a", "n"},
				NotPorts: []model.PortRange{{First: 1, Last: 1023}}, NotPortSets: []model.SetID{"http"}, NotNamedPorts: []string{"http"},
			}},
			"meta l4proto tcp th sport != 1-1023 ip saddr . meta l4proto . th sport != @cali4-http " +
				"ip saddr != 10.0.0.0/8 ip saddr != @cali4-a ip saddr != @cali4-n drop",
			"meta l4proto tcp th sport != 1-1023 ip6 saddr . meta l4proto . th sport != @cali6-http " +
				"ip6 saddr != @cali6-a ip6 saddr != @cali6-n drop",
		},
		{
			"ICMP is each family's own",
			model.Rule{Action: model.Allow, ICMP: &model.ICMPMatch{Type: 3, Code: code(4)}},
			"icmp type 3 icmp code 4 accept", "icmpv6 type 3 icmpv6 code 4 accept",
		},
		{
			"not a type with a code: another type, or another code",
			model.Rule{Action: model.Allow, Protocol: model.ICMP, NotICMP: &model.ICMPMatch{Type: 3, Code: code(4)}},
			"icmp type != 3 accept\nicmp type 3 icmp code != 4 accept", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for f, want := range map[family.Family]string{family.V4: c.v4, family.V6: c.v6} {
				p := render.New(f, felixDefaults()).Policy(rules.Reduce(ingress(c.rule), f))
				if want != "" {
					want = "  " + strings.ReplaceAll(want, "\n", "\n  ") + "\n"
				}
				if diff := cmp.Diff("cali-pi-np/ns/p:\n"+want, text(p.Chains)); diff != "" {
					t.Errorf("%v: (-want +got)\n%s", f, diff)
				}
			}
		})
	}
}

func TestPolicyCounts(t *testing.T) {
	s := felixDefaults()
	s.Counters = true
	p := render.New(family.V4, s).Policy(rules.Reduce(ingress(model.Rule{Action: model.Log}, model.Rule{}), family.V4))
	want := "cali-pi-np/ns/p:\n  counter log prefix \"calico-packet: \"\n  counter drop\n"
	if diff := cmp.Diff(want, text(p.Chains)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := p.Chains[0].Rules[1].Comment; got != "NetworkPolicy/ns/p" {
		t.Errorf("comment %q", got)
	}
}

// passing is a policy with Pass rules at the start, in the middle, and next to each other.
func passing(last model.Rule) *model.ActivePolicy {
	pass := func(p model.Protocol) model.Rule { return model.Rule{Action: model.Pass, Protocol: p} }
	return ingress(pass(1), model.Rule{Protocol: 2}, model.Rule{Action: model.Allow, Protocol: 3}, pass(4), pass(5), last)
}

func TestPassCutsAPolicyInRuns(t *testing.T) {
	r := render.New(family.V4, felixDefaults())
	policy := rules.Reduce(passing(model.Rule{Protocol: 6}), family.V4)
	want := `cali-pi-np/ns/p:
cali-pi-np/ns/p/1:
  meta l4proto 2 drop
  meta l4proto 3 accept
cali-pi-np/ns/p/2:
cali-pi-np/ns/p/3:
  meta l4proto tcp drop
`
	if diff := cmp.Diff(want, text(r.Policy(policy).Chains)); diff != "" {
		t.Errorf("the policy: (-want +got)\n%s", diff)
	}
	ep := &model.LocalEndpoint{Interface: "cali1", Tiers: []model.TierPolicies{
		{Name: "first", Ingress: []model.PolicyID{policy.ID}},
		{Name: "none", Egress: nil},
		{Name: "last", Ingress: []model.PolicyID{policy.ID}, Default: model.Pass},
	}}
	want = `cali-fw-cali1:
  accept
cali-tw-cali1/first:
  jump cali-pi-np/ns/p
  meta l4proto icmp return
  jump cali-pi-np/ns/p/1
  meta l4proto 4 return
  meta l4proto 5 return
  jump cali-pi-np/ns/p/3
  drop
cali-tw-cali1:
  ct state established,related accept
  ct state invalid drop
  jump cali-tw-cali1/first
  jump cali-pi-np/ns/p
  meta l4proto icmp accept
  jump cali-pi-np/ns/p/1
  meta l4proto 4 accept
  meta l4proto 5 accept
  jump cali-pi-np/ns/p/3
  accept
`
	got := chainsOf(r, ep, func(model.PolicyID) *rules.Policy { return policy })
	if diff := cmp.Diff(want, text(got)); diff != "" {
		t.Errorf("an endpoint: (-want +got)\n%s", diff)
	}
}

func TestSameToEndpoints(t *testing.T) {
	reduce := func(p *model.ActivePolicy) *rules.Policy { return rules.Reduce(p, family.V6) }
	a := reduce(passing(model.Rule{Protocol: 6}))
	r := render.New(family.V6, felixDefaults())
	for name, c := range map[string]struct {
		b    *model.ActivePolicy
		want bool
	}{
		"another rule":            {passing(model.Rule{Protocol: 7}), true},
		"no rule where there was": {passing(model.Rule{Protocol: model.ICMP}), false},
		"one more pass":           {passing(model.Rule{Protocol: 7, Action: model.Pass}), false},
		"no pass at all":          {ingress(model.Rule{}), false},
	} {
		if got := r.SameToEndpoints(a, reduce(c.b)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
