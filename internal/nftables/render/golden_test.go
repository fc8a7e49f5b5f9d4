package render_test

import (
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

func addrs(v4, v6 string) family.Pair[netip.Addr] {
	var p family.Pair[netip.Addr]
	if v4 != "" {
		*p.At(family.V4) = netip.MustParseAddr(v4)
	}
	if v6 != "" {
		*p.At(family.V6) = netip.MustParseAddr(v6)
	}
	return p
}

func prefixes(ss ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range ss {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func felixDefaults() rules.Settings {
	return rules.Settings{
		Families: family.Both, InterfacePrefixes: []string{"cali"}, VXLANPort: 4789, LogPrefix: "calico-packet",
		NAT: rules.NAT{ReservedUDP: []uint16{4789}},
	}
}

// shop has a web pod with both families under no policy, which may spoof if the node says
// so; and a database under a tier that passes on, with a policy of nets of both families
// and of one for one family only, and under the default tier.
func shop() *rulestest.World {
	audit := model.Key{Kind: model.KindGlobalPolicy, Name: "security.audit"}
	webOnly := model.Key{Kind: model.KindKubernetesPolicy, Namespace: "shop", Name: "web-only"}
	in := model.Directions(0).With(model.Ingress)
	return &rulestest.World{
		Settings: felixDefaults(),
		Endpoints: []*model.LocalEndpoint{
			{
				ID:        model.Key{Kind: model.KindPod, Namespace: "shop", Name: "web"},
				Interface: "cali1", Addresses: addrs("10.65.0.1", "fd00:65::1"), AllowedSources: prefixes("192.0.2.0/24"),
			},
			{
				ID:        model.Key{Kind: model.KindPod, Namespace: "shop", Name: "db"},
				Interface: "cali2", Addresses: addrs("10.65.0.2", "fd00:65::2"),
				Tiers: []model.TierPolicies{
					{Name: "security", Default: model.Deny, Ingress: []model.PolicyID{audit}},
					{Name: "default", Default: model.Deny, Ingress: []model.PolicyID{webOnly}},
				},
			},
		},
		Policies: map[model.PolicyID]*model.ActivePolicy{
			audit: {ID: audit, Types: in, Ingress: []model.Rule{
				{Action: model.Deny, Source: model.Peer{Nets: prefixes("192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32")}},
				{Action: model.Pass, Protocol: model.TCP},
				{Action: model.Allow, Protocol: model.ICMP, ICMP: &model.ICMPMatch{Type: 8}},
				{Action: model.Allow, Protocol: model.ICMPv6, ICMP: &model.ICMPMatch{Type: 128}},
			}},
			webOnly: {ID: webOnly, Types: in, Ingress: []model.Rule{
				{Action: model.Allow, Protocol: model.TCP,
					Source:      model.Peer{Selector: "app == 'web'", Sets: []model.SetID{"a"}},
					Destination: model.Peer{Ports: []model.PortRange{{First: 5432, Last: 5432}}}},
			}},
		},
		Sets: rulestest.Sets{"a": {
			{Prefix: netip.MustParsePrefix("10.65.0.1/32")}, {Prefix: netip.MustParsePrefix("fd00:65::1/128")},
		}},
	}
}

func v6Off(w *rulestest.World) *rulestest.World {
	w.Settings.Families = family.NewSet(family.V4)
	return w
}

func closedTable() *rulestest.World { return &rulestest.World{Settings: felixDefaults()} }

// UPDATE=1 rewrites the files, to be read again rule by rule.
func TestTable(t *testing.T) {
	for file, w := range map[string]*rulestest.World{
		"both.nft": shop(), "v6-off.nft": v6Off(shop()), "closed.nft": closedTable(),
	} {
		t.Run(file, func(t *testing.T) {
			got := table(t, w, family.V4, family.V6).String()
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile("testdata/"+file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
