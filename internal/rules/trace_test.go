package rules_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

// shop is a node with three pods: web and db, which speak both families, under a
// security tier and the default tier; and free, which speaks IPv6 only and is under
// no policy. The db lets only web in, by the set "web".
func shop() *rulestest.World {
	knp := func(name string) model.PolicyID {
		return model.Key{Kind: model.KindKubernetesPolicy, Namespace: "shop", Name: name}
	}
	audit := model.Key{Kind: model.KindGlobalPolicy, Name: "security.audit"}
	both := model.Directions(0).With(model.Ingress).With(model.Egress)
	web, db := netip.MustParseAddr("10.65.0.1"), netip.MustParseAddr("10.65.0.2")
	web6, db6 := netip.MustParseAddr("fd00:65::1"), netip.MustParseAddr("fd00:65::2")
	return &rulestest.World{
		Settings: rules.Settings{Families: family.Both, InterfacePrefixes: []string{"cali"}, VXLANPort: 4789},
		Endpoints: []*model.LocalEndpoint{
			{
				ID: pod("web"), Interface: "cali1", Addresses: family.PairOf(web, web6),
				AllowedSources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
			},
			{
				ID: pod("db"), Interface: "cali2", Addresses: family.PairOf(db, db6),
				Tiers: []model.TierPolicies{
					{Name: "security", Default: model.Deny, Ingress: []model.PolicyID{audit}},
					{Name: "default", Default: model.Deny, Ingress: []model.PolicyID{knp("web-only")}},
				},
			},
			{ID: pod("free"), Interface: "cali3", Addresses: family.PairOf(netip.Addr{}, netip.MustParseAddr("fd00:65::3"))},
		},
		Policies: map[model.PolicyID]*model.ActivePolicy{
			audit: {ID: audit, Tier: "security", Types: both, Ingress: []model.Rule{
				{Action: model.Deny, Source: model.Peer{Nets: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
				{Action: model.Log, Protocol: model.TCP},
				{Action: model.Pass},
			}},
			knp("web-only"): {ID: knp("web-only"), Tier: "default", Types: both, Ingress: []model.Rule{
				{Action: model.Allow, Protocol: model.TCP,
					Source:      model.Peer{Selector: "app == 'web'", Sets: []model.SetID{"web"}},
					Destination: model.Peer{Ports: []model.PortRange{{First: 5432, Last: 5432}}}},
			}},
		},
		Sets: rulestest.Sets{"web": {{Prefix: family.HostPrefix(web)}, {Prefix: family.HostPrefix(web6)}}},
	}
}

func pod(name string) model.Key { return model.Key{Kind: model.KindPod, Namespace: "shop", Name: name} }

// tcp is a new connection's first packet.
func tcp(from, to string) rules.Packet {
	s, d := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	return rules.Packet{
		Source: s.Addr(), SourcePort: s.Port(), Destination: d.Addr(), DestinationPort: d.Port(),
		Protocol: model.TCP, HopLimit: 64,
	}
}

// icmpv6 is a message as its sender sent it.
func icmpv6(from, to string, typ, hops uint8) rules.Packet {
	return rules.Packet{
		Source: netip.MustParseAddr(from), Destination: netip.MustParseAddr(to),
		Protocol: model.ICMPv6, ICMPType: typ, HopLimit: hops, State: rules.Untracked,
	}
}

func in(p rules.Packet, s rules.ConnState) rules.Packet { p.State = s; return p }

func TestVerdict(t *testing.T) {
	w := shop()
	hostAccepts := shop()
	hostAccepts.Settings.HostAction = rules.HostAccept
	spoofing := shop()
	spoofing.Settings.AllowSpoofing = true
	v6off := shop()
	v6off.Settings.Families = family.NewSet(family.V4)
	vxlan := rules.Packet{
		Source: netip.MustParseAddr("10.65.0.1"), Destination: netip.MustParseAddr("192.0.2.1"),
		Protocol: model.UDP, SourcePort: 999, DestinationPort: 4789,
	}
	for _, c := range []struct {
		name   string
		world  *rulestest.World
		packet rules.Packet
		in     string
		out    string
		want   string
	}{
		{"an allowed client", w, tcp("10.65.0.1:999", "10.65.0.2:5432"), "cali1", "cali2", `
10.65.0.1:999 > 10.65.0.2:5432 tcp new, cali1 > cali2
  egress:  no egress policy selects Pod/shop/web: allowed
  ingress: tier security, GlobalNetworkPolicy/security.audit, ingress rule 1: Log
  ingress: tier security, GlobalNetworkPolicy/security.audit, ingress rule 2: Pass
  ingress: tier default, KubernetesNetworkPolicy/shop/web-only, ingress rule 0: Allow
allowed`},
		{"the wrong port", w, tcp("[fd00:65::1]:999", "[fd00:65::2]:80"), "cali1", "cali2", `
[fd00:65::1]:999 > [fd00:65::2]:80 tcp new, cali1 > cali2
  egress:  no egress policy selects Pod/shop/web: allowed
  ingress: tier security, GlobalNetworkPolicy/security.audit, ingress rule 1: Log
  ingress: tier security, GlobalNetworkPolicy/security.audit, ingress rule 2: Pass
  ingress: tier default, end of tier: denied
denied`},
		{"from outside", w, tcp("192.0.2.1:999", "10.65.0.2:5432"), "eth0", "cali2", `
192.0.2.1:999 > 10.65.0.2:5432 tcp new, eth0 > cali2
  ingress: tier security, GlobalNetworkPolicy/security.audit, ingress rule 0: Deny
denied`},
		{"an answer", w, in(tcp("10.65.0.2:5432", "10.65.0.1:999"), rules.Established), "cali2", "cali1", `
10.65.0.2:5432 > 10.65.0.1:999 tcp established, cali2 > cali1
  egress:  established: allowed
  ingress: established: allowed
allowed`},
		{"invalid", w, in(tcp("10.65.0.2:5432", "10.65.0.1:999"), rules.Invalid), "cali2", "eth0", `
10.65.0.2:5432 > 10.65.0.1:999 tcp invalid, cali2 > eth0
  egress:  invalid: denied
denied`},
		{"another pod's address, even in an established flow", w, in(tcp("10.65.0.2:5432", "10.65.0.3:999"), rules.Established), "cali1", "eth0", `
10.65.0.2:5432 > 10.65.0.3:999 tcp established, cali1 > eth0
  source:  10.65.0.2 is no address of Pod/shop/web: denied
denied`},
		{"a granted address", spoofing, tcp("192.0.2.7:1", "198.51.100.1:80"), "cali1", "eth0", `
192.0.2.7:1 > 198.51.100.1:80 tcp new, cali1 > eth0
  source:  192.0.2.7 is granted by annotation
  egress:  no egress policy selects Pod/shop/web: allowed
allowed`},
		{"granted, but not by the node", w, tcp("192.0.2.7:1", "198.51.100.1:80"), "cali1", "eth0", `
192.0.2.7:1 > 198.51.100.1:80 tcp new, cali1 > eth0
  source:  192.0.2.7 is no address of Pod/shop/web: denied
denied`},
		{"IPv4 from a pod that has none", w, tcp("10.65.0.3:1", "10.65.0.1:80"), "cali3", "cali1", `
10.65.0.3:1 > 10.65.0.1:80 tcp new, cali3 > cali1
  source:  10.65.0.3 is no address of Pod/shop/free: denied
denied`},
		{"from an unknown interface", w, tcp("10.65.0.9:1", "10.65.0.1:80"), "cali9", "cali1", `
10.65.0.9:1 > 10.65.0.1:80 tcp new, cali9 > cali1
  source:  cali9 is no known pod's: denied
denied`},
		{"to an unknown interface", w, in(tcp("192.0.2.1:1", "10.65.0.9:80"), rules.Established), "eth0", "cali9", `
192.0.2.1:1 > 10.65.0.9:80 tcp established, eth0 > cali9
  ingress: cali9 is no known pod's: denied
denied`},
		{"to the node", w, tcp("10.65.0.1:1", "192.0.2.1:22"), "cali1", "", `
10.65.0.1:1 > 192.0.2.1:22 tcp new, cali1 > node
  egress:  no egress policy selects Pod/shop/web: allowed
  node:    DefaultEndpointToHostAction DROP: denied
denied`},
		{"to a node that lets it", hostAccepts, tcp("10.65.0.1:1", "192.0.2.1:22"), "cali1", "", `
10.65.0.1:1 > 192.0.2.1:22 tcp new, cali1 > node
  egress:  no egress policy selects Pod/shop/web: allowed
  node:    DefaultEndpointToHostAction ACCEPT: allowed
allowed`},
		{"VXLAN to the node", hostAccepts, vxlan, "cali1", "", `
10.65.0.1:999 > 192.0.2.1:4789 udp new, cali1 > node
  egress:  pods do not send VXLAN: denied
denied`},
		{"the node's probe", w, tcp("192.0.2.1:1", "10.65.0.2:80"), "", "cali2", `
192.0.2.1:1 > 10.65.0.2:80 tcp new, node > cali2
  node:    the node's own traffic: allowed
allowed`},
		{"neighbour solicitation", w, icmpv6("::", "ff02::1:ff00:1", 135, 255), "cali3", "", `
:: > ff02::1:ff00:1 icmpv6 type 135 code 0 untracked, cali3 > node
  source:  between a pod and its node
  node:    between a pod and its node: allowed
allowed`},
		{"the same from afar", w, icmpv6("fe80::1", "ff02::1:ff00:1", 135, 254), "cali3", "", `
fe80::1 > ff02::1:ff00:1 icmpv6 type 135 code 0 untracked, cali3 > node
  source:  fe80::1 is no address of Pod/shop/free: denied
denied`},
		{"the same, to be forwarded", w, icmpv6("fd00:65::3", "fd00:65::1", 135, 255), "cali3", "cali1", `
fd00:65::3 > fd00:65::1 icmpv6 type 135 code 0 untracked, cali3 > cali1
  egress:  never forwarded: denied
denied`},
		{"router advertisement", w, icmpv6("fd00:65::3", "ff02::1", 134, 255), "cali3", "", `
fd00:65::3 > ff02::1 icmpv6 type 134 code 0 untracked, cali3 > node
  source:  pods are not routers: denied
denied`},
		{"a family that is off", v6off, in(tcp("[fd00:65::1]:999", "[fd00:65::2]:80"), rules.Established), "cali1", "cali2", `
[fd00:65::1]:999 > [fd00:65::2]:80 tcp established, cali1 > cali2
  node:    IPv6 is off: denied
denied`},
		{"no pod at all", v6off, tcp("[fd00::1]:999", "[fd00::2]:80"), "eth0", "eth1", `
[fd00::1]:999 > [fd00::2]:80 tcp new, eth0 > eth1
  node:    no pod's interface is on the way: allowed
allowed`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.world.Node(c.packet.Family()).Verdict(c.packet, rules.Way{In: c.in, Out: c.out})
			if diff := cmp.Diff(strings.TrimSpace(c.want), strings.TrimSpace(got.String())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAPolicyThatIsNotThereDenies(t *testing.T) {
	w := shop()
	n := w.Node(family.V4)
	clear(n.Policies)
	got := n.Verdict(tcp("10.65.0.1:999", "10.65.0.2:5432"), rules.Way{In: "eth0", Out: "cali2"})
	if got.Allowed || !strings.Contains(got.String(), "is not known: denied") {
		t.Error(got)
	}
}

func TestInterfaceOf(t *testing.T) {
	n := shop().Node(family.V6)
	for addr, want := range map[string]string{"fd00:65::2": "cali2", "10.65.0.1": "", "2001:db8::1": ""} {
		if got := n.InterfaceOf(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is on %q, want %q", addr, got, want)
		}
	}
}
