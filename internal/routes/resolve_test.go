package routes

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/model"
)

// site is a node with up0 (2), which has an address of each kind of subnet, cali1 (3), and
// cali2 (4), which is down.
func site() view {
	v := newView()
	for _, l := range []Link{
		{Index: 1, Name: "lo", Up: true}, {Index: 2, Name: "up0", Up: true}, {Index: 3, Name: "cali1", Up: true},
		{Index: 4, Name: "cali2"}, {Index: 5, Name: "up1", Up: true},
		{Index: 6, Name: "vxlan.calico", Up: true}, {Index: 7, Name: "vxlan-v6.calico", Up: true}, {Index: 8, Name: "tunl0"},
	} {
		v.setLink(l)
	}
	for _, a := range []rtnetlink.Address{
		{Link: 2, Prefix: netip.MustParsePrefix("172.16.0.1/16")},
		{Link: 5, Prefix: netip.MustParsePrefix("172.16.9.1/24")},
		{Link: 2, Prefix: netip.MustParsePrefix("fd00:16::1/64")},
		{Link: 2, Prefix: netip.MustParsePrefix("fd00:17::1/64"), Tentative: true},
		{Link: 2, Prefix: netip.MustParsePrefix("192.0.2.1/32")},
		{Link: 3, Prefix: netip.MustParsePrefix("fe80::1/64"), LinkScope: true},
	} {
		v.setAddress(a, false)
	}
	return v
}

func TestResolve(t *testing.T) {
	local := func(dst, name string) model.Route {
		return model.Route{Destination: netip.MustParsePrefix(dst), Kind: model.RouteLocalPod, Interface: name}
	}
	away := func(dst, gateway string) model.Route {
		m := model.Route{Destination: netip.MustParsePrefix(dst), Kind: model.RouteRemote, Node: "n2", SameSubnet: true}
		if gateway != "" {
			m.Gateway = netip.MustParseAddr(gateway)
		}
		return m
	}
	cluster := Settings{ClusterRoutes: true}
	host := Settings{ClusterRoutes: true, NodeAddress: netip.MustParseAddr("192.0.2.1")}
	through := func(e model.Encapsulation, underlay family.Family, dst, gateway string) model.Route {
		m := away(dst, gateway)
		m.Encapsulation, m.Underlay, m.Pool = e, underlay, e
		return m
	}
	near := func(pool model.Encapsulation) model.Route {
		m := away("10.2.0.0/24", "172.16.0.2")
		m.Pool = pool
		return m
	}
	tunnels := Settings{IPIPRoutes: true, VXLAN: family.PairOf("vxlan.calico", "vxlan-v6.calico"), IPIP: "tunl0"}
	for _, c := range []struct {
		name     string
		settings Settings
		route    model.Route
		want     string // a route, or the beginning of the reason
	}{
		{"pod", Settings{}, local("10.1.0.5/32", "cali1"), "10.1.0.5/32 dev if3 proto 3 scope link metric 1024"},
		{"pod, v6", Settings{}, local("fd01::5/128", "cali1"), "fd01::5/128 dev if3 proto 3 metric 1024"},
		{"protocol and metric", Settings{PodProtocol: 99, PodMetric: 7}, local("10.1.0.5/32", "cali1"), "10.1.0.5/32 dev if3 proto 99 scope link metric 7"},
		{"source", Settings{PodSource: netip.MustParseAddr("fd00:16::1")}, local("fd01::5/128", "cali1"), "fd01::5/128 dev if3 proto 3 src fd00:16::1 metric 1024"},
		{"tentative source", Settings{PodSource: netip.MustParseAddr("fd00:17::1")}, local("fd01::5/128", "cali1"), "fd01::5/128 dev if3 proto 3 metric 1024"},
		{"link is down", Settings{}, local("10.1.0.5/32", "cali2"), "interface cali2 is not there, or down"},
		{"no link", Settings{}, local("10.1.0.5/32", "cali9"), "interface cali9 is not there, or down"},
		{"off", Settings{Off: true}, local("10.1.0.5/32", "cali1"), "off"},
		{"blackhole", Settings{}, model.Route{Destination: netip.MustParsePrefix("10.1.0.0/26"), Kind: model.RouteBlackhole}, "blackhole 10.1.0.0/26 proto 80"},
		{"blackhole, v6", Settings{}, model.Route{Destination: netip.MustParsePrefix("fd01::/122"), Kind: model.RouteBlackhole}, "blackhole fd01::/122 proto 80 metric 1024"},
		{"remote", cluster, away("10.2.0.0/24", "172.16.0.2"), "10.2.0.0/24 via 172.16.0.2 dev if2 proto 80"},
		{"the longest subnet wins", cluster, away("10.2.0.0/24", "172.16.9.2"), "10.2.0.0/24 via 172.16.9.2 dev if5 proto 80"},
		{"remote, v6", cluster, away("fd02::/64", "fd00:16::2"), "fd02::/64 via fd00:16::2 dev if2 proto 80 metric 1024"},
		{"a subnet that is still tentative", cluster, away("fd02::/64", "fd00:17::2"), "fd02::/64 via fd00:17::2 dev if2 proto 80 metric 1024"},
		{"a gateway that is our own address", cluster, away("10.2.0.0/24", "172.16.0.1"), "no interface is in one subnet with node n2"},
		{"out of reach", cluster, away("10.2.0.0/24", "192.0.2.2"), "no interface is in one subnet with node n2"},
		{"onlink", host, away("10.2.0.0/24", "192.0.2.2"), "10.2.0.0/24 via 192.0.2.2 dev if2 proto 80 onlink"},
		{"no gateway", cluster, away("fd02::/64", ""), "node n2 has no address of this family"},
		{"VXLAN", tunnels, through(model.VXLAN, family.V4, "10.2.0.0/24", "10.2.0.0"), "10.2.0.0/24 via 10.2.0.0 dev if6 proto 80 onlink"},
		{"VXLAN, v6", tunnels, through(model.VXLAN, family.V6, "fd02::/64", "fd02::"), "fd02::/64 via fd02:: dev if7 proto 80 metric 1024 onlink"},
		{"VXLAN, v6 in v4", tunnels, through(model.VXLAN, family.V4, "fd02::/64", "fd02::"), "fd02::/64 via fd02:: dev if6 proto 80 metric 1024 onlink"},
		{"a tunnel address that is borrowed", tunnels, through(model.VXLAN, family.V4, "10.9.0.9/32", "10.9.0.9"), "10.9.0.9/32 via 10.9.0.9 dev if6 proto 80 onlink"},
		{"a tunnel address that is borrowed, v6", tunnels, through(model.VXLAN, family.V6, "fd09::9/128", "fd09::9"), "fd09::9/128 dev if7 proto 80 metric 1024"},
		{"IPIP", tunnels, through(model.IPIP, family.V4, "10.2.0.0/24", "172.16.0.2"), "node n2 is reached through IPIP: interface tunl0 is not there, or down"},
		{"no VXLAN", cluster, through(model.VXLAN, family.V4, "10.2.0.0/24", "10.2.0.0"), "node n2 is reached through VXLAN, which is switched off"},
		{"IPIP is left to others", Settings{IPIP: "tunl0"}, through(model.IPIP, family.V4, "10.2.0.0/24", "172.16.0.2"), "routes to other nodes are left to others"},
		{"near, of a pool with VXLAN", Settings{}, near(model.VXLAN), "10.2.0.0/24 via 172.16.0.2 dev if2 proto 80"},
		{"near, of a pool with IPIP", tunnels, near(model.IPIP), "10.2.0.0/24 via 172.16.0.2 dev if2 proto 80"},
		{"near, of a pool without, for others", tunnels, near(model.NoEncapsulation), "routes to other nodes are left to others"},
		{"not ours", Settings{}, away("10.2.0.0/24", "172.16.0.2"), "routes to other nodes are left to others"},
		{"unknown kind", cluster, model.Route{Destination: netip.MustParsePrefix("10.2.0.0/24"), Kind: 99}, "a kind of route that is not known"},
	} {
		v := site()
		r := resolver{settings: &c.settings, traits: traitsOf(family.OfPrefix(c.route.Destination)), view: &v}.resolve(&c.route, "off")
		got := r.reason
		if got == "" {
			got = r.route.Text(nil)
		}
		if got != c.want && (r.reason == "" || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWhatLeadsToTheProxiedGateway(t *testing.T) {
	gateway := traitsOf(family.V4).proxied
	route := func(dst string, change func(*Route)) Route {
		r := Route{Destination: netip.MustParsePrefix(dst), Type: rtnetlink.Unicast, Protocol: 4, Link: 2}
		change(&r)
		return r
	}
	same := func(*Route) {}
	for _, c := range []struct {
		name  string
		route Route
		pod   bool
		leads bool
	}{
		{"a default route", route("0.0.0.0/0", same), false, true},
		{"the link-local net", route("169.254.0.0/16", same), false, true},
		{"another net", route("10.0.0.0/8", same), false, false},
		{"a blackhole", route("0.0.0.0/0", func(r *Route) { r.Type = rtnetlink.Blackhole }), false, false},
		{"our own", route("169.254.1.1/32", func(r *Route) { r.Protocol = Protocol }), false, false},
		{"on a pod's interface", route("169.254.1.1/32", same), true, false},
	} {
		v := site()
		changed := v.setLead(c.route, gateway, c.pod, false)
		if changed != c.leads || (len(v.leads) > 0) != c.leads {
			t.Errorf("%s leads there: %t", c.name, changed)
		}
		if v.setLead(c.route, gateway, c.pod, false) {
			t.Errorf("%s, told twice, is news", c.name)
		}
		if v.setLead(c.route, gateway, c.pod, true) != c.leads || len(v.leads) > 0 {
			t.Errorf("%s does not go", c.name)
		}
	}
	v := site()
	v.setLead(route("0.0.0.0/0", func(r *Route) { r.Link, r.Odd = 0, true }), gateway, false, false)
	if !v.leadsUnclear() {
		t.Error("a default route of several hops is clear")
	}
}

func TestViewForgetsALink(t *testing.T) {
	v := site()
	v.setLink(Link{Index: 3, Name: "cali3", Up: true})
	if _, ok := v.up("cali1"); ok {
		t.Error("the old name is still there")
	}
	v.dropLink(2)
	if v.owns(netip.MustParseAddr("172.16.0.1")) {
		t.Error("its address is still there")
	}
	if _, ok := v.connected(netip.MustParseAddr("172.16.0.2")); ok {
		t.Error("its subnet is still there")
	}
	if l, ok := v.connected(netip.MustParseAddr("172.16.9.2")); !ok || l.Name != "up1" {
		t.Errorf("another link's subnet: %v", l)
	}
}

func TestFights(t *testing.T) {
	f, k, now := fights{}, Key{}, time.Unix(0, 0)
	var waits []time.Duration
	for range freeRepairs + 7 {
		now = now.Add(time.Second)
		until, fighting := f.note(k, now)
		if fighting {
			waits = append(waits, until.Sub(now))
		}
	}
	want := []time.Duration{1, 2, 4, 8, 16, 30, 30}
	if len(waits) != len(want) {
		t.Fatalf("%v", waits)
	}
	for i, w := range want {
		if waits[i] != w*time.Second {
			t.Errorf("wait %d is %v, want %v s", i, waits[i], w)
		}
	}
	f.forget(now.Add(fightOver))
	if len(f) != 1 {
		t.Error("a fight is forgotten too early")
	}
	f.forget(now.Add(fightOver + time.Second))
	if len(f) != 0 {
		t.Error("a fight is never forgotten")
	}
}
