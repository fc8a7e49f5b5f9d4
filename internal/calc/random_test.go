package calc_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/calc/calctest"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// TestRandomInput drives the graph by random events over a world so small that everything
// collides with everything, and holds every flush against the slow model.
func TestRandomInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRun(t)
		for range one(t, "events", []int{5, 20, 80}) {
			r.update(drawEvent(t))
			if rapid.IntRange(0, 9).Draw(t, "configure") == 0 {
				r.configure(calc.Settings{
					Underlay:  one(t, "underlay", []family.Family{0, family.V4, family.V6}),
					Encrypted: family.Set(rapid.IntRange(0, 3).Draw(t, "encrypted")),
				})
			}
			if rapid.IntRange(0, 3).Draw(t, "flush") == 0 {
				r.flush()
				r.compare()
			}
		}
		r.flush()
		r.compare()
	})
}

// TestOrderDoesNotMatter sends the same objects twice, the second time in another order and
// with detours, and expects the same output.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := newRun(t), newRun(t)
		for range one(t, "events", []int{5, 20, 60}) {
			first.update(drawEvent(t))
		}
		first.flush()
		for range rapid.IntRange(0, 10).Draw(t, "detours") {
			second.update(drawEvent(t))
			if rapid.Bool().Draw(t, "flush") {
				second.flush()
			}
		}
		second.goTo(first.state, order{reversed: true})
		second.flush()
		if a, b := first.sink.String(), second.sink.String(); a != b {
			second.fatalf("it is\n%s\nand in another order\n%s", b, a)
		}
	})
}

var (
	someAddresses = addrs("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "fd00::1", "fd00::2", "fd00::3", "fd00:1::1")
	someNets      = prefixes("10.0.0.0/24", "10.0.0.0/16", "10.0.1.0/24", "fd00::/64", "fd00::/16", "10.0.0.2/32", "fd00::2/128", "10.0.0.0/30", "fd00::/126", "10.0.1.1/32")
	someSelectors = []string{"all()", "a == \"1\"", "a == \"2\"", "has(b)", "!has(b)", "a in {\"1\", \"2\"} && b == \"1\"",
		"pcns.team == \"1\"", "pcsa.a == \"1\" || a == \"2\"", "a == \"1\" && a == \"2\"", "a starts with \"1\"", "has(pcns.projectcalico.org/name)"}
)

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func one[T any](t *rapid.T, what string, from []T) T { return rapid.SampledFrom(from).Draw(t, what) }

func few[T any](t *rapid.T, what string, from []T) (out []T) {
	for i := range rapid.IntRange(0, 2).Draw(t, what+"s") {
		out = append(out, one(t, fmt.Sprint(what, i), from))
	}
	return out
}

func drawLabels(t *rapid.T, names ...string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		if v := one(t, name, []string{"", "1", "2"}); v != "" {
			out[name] = v
		}
	}
	return out
}

func drawEvent(t *rapid.T) model.Event {
	kinds := []model.Kind{
		model.KindPod, model.KindPod, model.KindPod, model.KindPod, model.KindNamespace, model.KindServiceAccount,
		model.KindPolicy, model.KindPolicy, model.KindPolicy, model.KindTier, model.KindNetworkSet, model.KindGlobalNetworkSet,
		model.KindPool, model.KindBlock, model.KindBlock, model.KindNode, model.KindService, model.KindStandingRoute,
	}
	key := model.Key{Kind: one(t, "kind", kinds)}
	names := []string{"x", "y", "z"}
	switch key.Kind {
	case model.KindNode:
		names = []string{"node-1", "node-2", "node-3"}
	case model.KindStandingRoute:
		names = []string{"cali1", "cali2"}
	case model.KindTier:
		names = []string{"default", "first"}
	case model.KindPod, model.KindServiceAccount, model.KindPolicy, model.KindNetworkSet, model.KindService:
		key.Namespace = one(t, "namespace", []string{"x", "y"})
	}
	key.Name = one(t, "name", names)
	if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
		return model.Event{Key: key}
	}
	return model.Event{Key: key, Value: drawValue(t, key.Kind)}
}

func drawValue(t *rapid.T, kind model.Kind) model.Value {
	nodes := []string{"node-1", "node-1", "node-2", "node-3"}
	switch kind {
	case model.KindPod:
		return drawPod(t, nodes)
	case model.KindNamespace:
		return &model.Namespace{Labels: drawLabels(t, "team")}
	case model.KindServiceAccount:
		return &model.ServiceAccount{Labels: drawLabels(t, "a")}
	case model.KindPolicy:
		return drawPolicy(t)
	case model.KindTier:
		return &model.Tier{Order: float64(rapid.IntRange(0, 2).Draw(t, "order")), Default: one(t, "default", []model.Action{model.Deny, model.Pass})}
	case model.KindNetworkSet, model.KindGlobalNetworkSet:
		return &model.NetworkSet{Labels: drawLabels(t, "a", "b", "pcns.team"), Nets: few(t, "net", someNets)}
	case model.KindPool:
		return &model.Pool{CIDR: one(t, "cidr", someNets), NATOutgoing: rapid.Bool().Draw(t, "nat"), VXLAN: drawMode(t, "vxlan"), IPIP: drawMode(t, "ipip")}
	case model.KindBlock:
		return drawBlock(t, append(nodes, ""))
	case model.KindService:
		return &model.Service{Addresses: few(t, "address", someAddresses)}
	case model.KindStandingRoute:
		return &model.StandingRoutes{Destinations: few(t, "to", prefixes("10.0.0.1/32", "fd00::1/128", "fd00::/64"))}
	}
	n := &model.Node{PodCIDRs: few(t, "pod-cidr", someNets)}
	for _, f := range family.All() {
		*n.Addresses.At(f) = one(t, "address", nodePrefixes(f))
		*n.VXLAN.At(f) = model.TunnelEnd{
			Address: one(t, "vxlan", tunnelAddresses(f)),
			MAC:     one(t, "mac", []model.MAC{{}, {}, {0x66, 1}, model.FallbackMAC("node-2", f)}),
		}
	}
	n.Wireguard.At(family.V6).Address = one(t, "wireguard", tunnelAddresses(family.V6))
	for _, f := range family.All() {
		n.Wireguard.At(f).Key = one(t, "key", []model.WireguardKey{{}, {}, {1}, {2}})
	}
	n.IPIP = one(t, "ipip", tunnelAddresses(family.V4))
	return n
}

func tunnelAddresses(f family.Family) []netip.Addr {
	some := family.PairOf(addrs("10.0.0.0", "10.0.0.1", "10.0.1.1"), addrs("fd00::", "fd00::1", "fd00:1::1"))
	return append(some.Get(f), netip.Addr{})
}

func nodePrefixes(f family.Family) []netip.Prefix {
	return append(family.PairOf(
		prefixes("192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/32", "10.0.0.1/8"),
		prefixes("2001:db8::1/64", "2001:db8::2/64", "2001:db8::3/128", "fd00::1/16"),
	).Get(f), netip.Prefix{})
}

func drawMode(t *rapid.T, what string) model.EncapsulationMode {
	return model.EncapsulationMode(rapid.IntRange(0, 2).Draw(t, what))
}

func drawPod(t *rapid.T, nodes []string) *model.Pod {
	ports := []model.NamedPort{{Name: "http", Protocol: model.TCP, Port: 80}, {Name: "http", Protocol: model.UDP, Port: 80}, {Name: "dns", Protocol: model.UDP, Port: 53}}
	return &model.Pod{
		Node: one(t, "node", nodes), Interface: one(t, "interface", []string{"", "cali1", "cali2", "cali3", "cali4"}),
		Labels: drawLabels(t, "a", "b"), ServiceAccount: one(t, "account", []string{"", "x", "y"}),
		Claims: model.AddressClaims{
			Status: few(t, "status", someAddresses), Annotated: few(t, "annotated", someAddresses),
			Released: rapid.IntRange(0, 5).Draw(t, "released") == 0,
		},
		Ports: few(t, "port", ports), AllowedSources: few(t, "source", someNets),
	}
}

func drawBlock(t *rapid.T, nodes []string) *model.Block {
	b := &model.Block{CIDR: one(t, "cidr", someNets), Node: one(t, "node", nodes)}
	for range rapid.IntRange(0, 3).Draw(t, "allocations") {
		b.Allocations = append(b.Allocations, model.Allocation{
			Address: one(t, "address", someAddresses), Node: one(t, "by", nodes),
			Namespace: one(t, "namespace", []string{"x", "y"}), Pod: one(t, "pod", []string{"x", "y", ""}),
		})
	}
	return b
}

func drawPolicy(t *rapid.T) *model.Policy {
	p := &model.Policy{
		Tier: one(t, "tier", []string{"default", "first", "nowhere"}), Order: float64(rapid.IntRange(0, 2).Draw(t, "order")),
		Selector: one(t, "selector", someSelectors), Types: model.Directions(rapid.IntRange(0, 3).Draw(t, "types")),
	}
	for range rapid.IntRange(0, 2).Draw(t, "rules") {
		r := model.Rule{Action: model.Allow, Protocol: one(t, "protocol", []model.Protocol{model.AnyProtocol, model.TCP, model.UDP})}
		r.Source = model.Peer{Selector: one(t, "source", append(someSelectors, "")), NotSelector: one(t, "not", []string{"", "a == \"1\""})}
		r.Destination = model.Peer{NamedPorts: few(t, "port", []string{"http", "dns"}), NotNamedPorts: few(t, "not port", []string{"http"})}
		p.Ingress = append(p.Ingress, r)
	}
	return p
}

// TestNothingIsLeftBehind takes away all that came, and expects the graph to be as empty
// as a new one: clusters run for years.
func TestNothingIsLeftBehind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRun(t)
		for range one(t, "events", []int{5, 20, 80}) {
			r.update(drawEvent(t))
			if rapid.IntRange(0, 3).Draw(t, "flush") == 0 {
				r.flush()
			}
		}
		r.goTo(calctest.State{}, order{reversed: rapid.Bool().Draw(t, "reversed")})
		r.flush()
		if left := r.graph.Residue(); len(left) > 0 {
			r.fatalf("left behind: %v", left)
		}
	})
}
