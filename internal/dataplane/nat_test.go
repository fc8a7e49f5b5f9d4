package dataplane_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// pools are the pods' pools, each with NAT for what leaves it or without, and a second pool
// of each family without pods here.
func pools(nat family.Set) string {
	text := ""
	for _, f := range family.All() {
		for i, cidr := range []netip.Prefix{nodetest.PodRange(f), secondPool.Get(f)} {
			text += fmt.Sprintf(`---
apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: pool-%d-%d}
spec: {cidr: '%s', natOutgoing: %v, vxlanMode: Never, ipipMode: Never}
`, f.Version(), i, cidr, i == 0 && nat.Has(f))
		}
	}
	return text
}

var secondPool = family.PairOf(netip.MustParsePrefix("10.66.0.0/24"), netip.MustParsePrefix("fd00:66::/64"))

// outsideNode makes the second node of the lab one of the cluster's.
const outsideNode = `---
apiVersion: v1
kind: Node
metadata: {name: outside}
status: {addresses: [{type: InternalIP, address: 172.16.0.2}, {type: InternalIP, address: 'fd00:16::2'}]}
`

// startNAT starts the cluster with these pools; the host outside knows the way to the pods
// and answers on port 80, also to an address of the second pool.
func startNAT(t *testing.T, nat family.Set, settings map[string]string) *nodetest.Node {
	t.Helper()
	n := startCluster(t, family.Both, settings)
	n.Write("pools.yaml", pools(nat)+outsideNode)
	n.Settled()
	for _, f := range family.All() {
		if err := n.Outside().AddRoute(nodetest.PodRange(f), n.Address(f), netlab.Uplink); err != nil {
			t.Fatal(err)
		}
		if err := n.Outside().AddAddress(netlab.Uplink, family.HostPrefix(inSecondPool(f))); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, n, 80, nodetest.Outside, api)
	return n
}

// inSecondPool is the address of the second pool that the host outside has.
func inSecondPool(f family.Family) netip.Addr { return secondPool.Get(f).Addr().Next() }

// seen is whom the host outside, or another pod, sees when the web pod asks.
func seen(t *testing.T, n *nodetest.Node, protocol netlab.Protocol, from uint16, to netip.Addr) netip.AddrPort {
	t.Helper()
	p := netlab.Probe{Protocol: protocol, To: netip.AddrPortFrom(to, 80), Wait: netlab.Patience}
	if from != 0 {
		p.From = netip.AddrPortFrom(address(n, web, family.Of(to)), from)
	}
	a, err := n.Pod(web).Probe(t.Context(), p)
	if err != nil || a.Verdict != netlab.Answered {
		t.Fatalf("%v from the web pod to %v: %s, %v", protocol, to, a.Verdict, err)
	}
	return a.Seen
}

// Each pool says for its own family whether what leaves it gets the node's address.
func TestNATOutgoingByPool(t *testing.T) {
	t.Parallel()
	for _, nat := range append(nodetest.Families(), 0) {
		t.Run("for "+nat.String(), func(t *testing.T) {
			t.Parallel()
			n := startNAT(t, nat, nil)
			for _, f := range family.All() {
				own := address(n, web, f)
				outside := own
				if nat.Has(f) {
					outside = n.Address(f)
				}
				for _, protocol := range []netlab.Protocol{netlab.TCP, netlab.UDP} {
					for _, c := range []struct {
						to   string
						at   netip.Addr
						want netip.Addr
					}{
						{"the world", n.Outside().Address(f), outside},
						{"another pool", inSecondPool(f), own},
						{"another pod", address(n, api, f), own},
					} {
						if got := seen(t, n, protocol, 0, c.at).Addr(); got != c.want {
							t.Errorf("%v %s to %s: seen as %v, want %v", f, protocol, c.to, got, c.want)
						}
					}
				}
			}
		})
	}
}

// The source address, the exclusions and the range of ports, as the settings have them,
// changed while the agent runs.
func TestNATSettings(t *testing.T) {
	t.Parallel()
	n := startNAT(t, family.Both, nil)
	given := family.PairOf(netip.MustParseAddr("172.16.0.77"), netip.MustParseAddr("fd00:16::77"))
	for _, f := range family.All() {
		// Not on eth0, or the kernel might choose them by itself.
		to := family.HostPrefix(given.Get(f))
		if err := errors.Join(n.AddAddress("lo", to), n.Outside().AddRoute(to, n.Address(f), netlab.Uplink)); err != nil {
			t.Fatal(err)
		}
	}
	own := family.PairOf(address(n, web, family.V4), address(n, web, family.V6))
	node := family.PairOf(n.Address(family.V4), n.Address(family.V6))
	for _, c := range []struct {
		settings string
		want     family.Pair[netip.Addr]
		ports    [2]uint16
	}{
		{"", node, [2]uint16{}},
		{"natOutgoingAddress: 172.16.0.77", family.PairOf(given.Get(family.V4), node.Get(family.V6)), [2]uint16{}},
		{"natOutgoingAddressIPv6: 'fd00:16::77'", family.PairOf(node.Get(family.V4), given.Get(family.V6)), [2]uint16{}},
		{"natOutgoingAddress: 172.16.0.77, natOutgoingAddressIPv6: 'fd00:16::77'", given, [2]uint16{}},
		{"natOutgoingExclusions: IPPoolsAndHostIPs", own, [2]uint16{}},
		{"natPortRange: '40000:40009'", node, [2]uint16{40000, 40009}},
		{"natPortRange: '40000:40009', natOutgoingAddress: 172.16.0.77, natOutgoingAddressIPv6: 'fd00:16::77'", given, [2]uint16{40000, 40009}},
	} {
		n.Write("felix.yaml", nodetest.FelixConfiguration(c.settings))
		n.Settled()
		for _, f := range family.All() {
			for _, protocol := range []netlab.Protocol{netlab.TCP, netlab.UDP} {
				got := seen(t, n, protocol, 0, n.Outside().Address(f))
				inRange := c.ports[1] == 0 || c.ports[0] <= got.Port() && got.Port() <= c.ports[1]
				if got.Addr() != c.want.Get(f) || !inRange {
					t.Errorf("{%s} %v %s: seen as %v, want %v, ports %v", c.settings, f, protocol, got, c.want.Get(f), c.ports)
				}
			}
		}
	}
}

// The node's own tunnels use these UDP ports: what is masqueraded does not get them, even if
// the pod has chosen them.
func TestNATKeepsOffTunnelPorts(t *testing.T) {
	t.Parallel()
	n := startNAT(t, family.Both, nil)
	tunnels := map[uint16]bool{4789: true, 51820: true, 51821: true}
	for _, settings := range []string{"", "natPortRange: '51000:52000'", "natPortRange: '51820:51822'"} {
		n.Write("felix.yaml", nodetest.FelixConfiguration(settings))
		n.Settled()
		for _, f := range family.All() {
			for port := range tunnels {
				if got := seen(t, n, netlab.UDP, port, n.Outside().Address(f)); tunnels[got.Port()] || got.Addr() != n.Address(f) {
					t.Errorf("{%s} %v UDP from port %d: seen as %v", settings, f, port, got)
				}
			}
		}
	}
}

// A node's own address that changes, and pools that come and go, are followed.
func TestNATFollowsThePools(t *testing.T) {
	t.Parallel()
	n := startNAT(t, family.Both, nil)
	for _, c := range []struct {
		pools string
		nat   family.Set
	}{
		{pools(family.NewSet(family.V6)), family.NewSet(family.V6)},
		{pools(0), 0},
		{"apiVersion: v1\nkind: Namespace\nmetadata: {name: empty}\n", 0},
		{pools(family.Both), family.Both},
	} {
		n.Write("pools.yaml", c.pools+outsideNode)
		n.Settled()
		for _, f := range family.All() {
			want := address(n, web, f)
			if c.nat.Has(f) {
				want = n.Address(f)
			}
			if got := seen(t, n, netlab.TCP, 0, n.Outside().Address(f)); got.Addr() != want {
				t.Errorf("NAT for %v: %v: seen as %v, want %v", c.nat, f, got, want)
			}
		}
	}
}
