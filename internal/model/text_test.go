package model

import (
	"net/netip"
	"testing"

	"github.com/margay-net/margay/internal/family"
)

func TestEventsPrintForPeople(t *testing.T) {
	code := uint8(0)
	for _, c := range []struct {
		event Event
		want  string
	}{
		{Event{Key: Key{KindPod, "shop", "web"}}, "Pod/shop/web gone"},
		{
			Event{Key{KindPod, "shop", "web"}, &Pod{
				Node: "n1", Interface: "cali1", ServiceAccount: "default",
				Claims: AddressClaims{Status: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1")}},
				Ports:  []NamedPort{{"http", TCP, 80}},
				Labels: map[string]string{"b": "2", "a": "1"},
			}},
			"Pod/shop/web node=n1 interface=cali1 status=10.0.0.1,fd00::1 service-account=default ports=http:tcp/80 labels={a=1 b=2}",
		},
		{
			Event{Key{KindPool, "", "v6"}, &Pool{CIDR: netip.MustParsePrefix("fd00::/48"), NATOutgoing: true, VXLAN: EncapsulateCrossSubnet}},
			"IPPool/v6 cidr=fd00::/48 nat-outgoing vxlan=CrossSubnet",
		},
		{
			Event{Key{KindBlock, "", "b"}, &Block{CIDR: netip.MustParsePrefix("10.0.0.0/30"), Node: "n1", Allocations: []Allocation{
				{Address: netip.MustParseAddr("10.0.0.0"), Node: "n1"},
				{Address: netip.MustParseAddr("10.0.0.2"), Node: "n2", Namespace: "shop", Pod: "web"},
			}}},
			"IPAMBlock/b cidr=10.0.0.0/30 node=n1 10.0.0.0=- 10.0.0.2=shop/web@n2",
		},
		{
			Event{Key{KindPolicy, "shop", "p"}, &Policy{
				Tier: DefaultTier, Order: Unordered(), Selector: `app == "web"`,
				Types: Directions(0).With(Ingress),
				Ingress: []Rule{
					{Action: Allow, Protocol: TCP, Source: Peer{Nets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, Destination: Peer{Ports: []PortRange{{80, 80}, {8000, 8080}}}},
					{Action: Deny, Families: family.NewSet(family.V6), Protocol: ICMPv6, ICMP: &ICMPMatch{Type: 1, Code: &code}},
					{Action: Pass, Source: Peer{Selector: "all()"}},
				},
			}},
			"NetworkPolicy/shop/p tier=default order=last selector=app == \"web\" types=ingress\n" +
				"  ingress allow tcp from nets 10.0.0.0/8 to ports 80,8000-8080\n" +
				"  ingress deny IPv6 icmpv6 type 1/0\n" +
				"  ingress pass from selector `all()`",
		},
	} {
		if got := c.event.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestTunnelsPrintForPeople(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("fd00:2::")
	remote := Route{Destination: netip.MustParsePrefix("10.0.2.0/26"), Kind: RouteRemote, Node: "n2", Gateway: four}
	route := func(change func(*Route)) Route { r := remote; change(&r); return r }
	for _, c := range []struct {
		what interface{ String() string }
		want string
	}{
		{MAC{0x66, 1, 2, 3, 4, 0xab}, "66:01:02:03:04:ab"},
		{WireguardKey{1}, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{VTEP{Node: "n2", Underlay: four, MAC: MAC{0x66}, Addresses: family.PairOf(netip.Addr{}, six)}, "vtep n2 via 192.0.2.2 lladdr 66:00:00:00:00:00 address fd00:2::"},
		{Own{Family: family.V6}, "own IPv6"},
		{
			Own{
				Family: family.V4, Address: netip.MustParsePrefix("192.0.2.2/24"), VXLAN: true, IPIP: true, IPIPAddress: netip.MustParseAddr("10.0.2.1"),
				VTEP: VTEP{Node: "n2", MAC: MAC{0x66}, Addresses: family.PairOf(netip.MustParseAddr("10.0.2.0"), six)}, Offer: Offer{VXLAN: netip.MustParseAddr("10.0.2.0")},
			},
			"own IPv4 address=192.0.2.2/24 vxlan lladdr=66:00:00:00:00:00 vxlan-address=10.0.2.0 vxlan-address=fd00:2:: ipip ipip-address=10.0.2.1 vxlan-offer=10.0.2.0",
		},
		{remote, "10.0.2.0/26 via 192.0.2.2 node n2"},
		{route(func(r *Route) { r.SameSubnet, r.Pool = true, IPIP }), "10.0.2.0/26 via 192.0.2.2 pool ipip same-subnet node n2"},
		{route(func(r *Route) { r.Encapsulation, r.Pool = IPIP, IPIP }), "10.0.2.0/26 via 192.0.2.2 encap ipip node n2"},
		{route(func(r *Route) { r.Encapsulation, r.Pool, r.Underlay = VXLAN, VXLAN, family.V6 }), "10.0.2.0/26 via 192.0.2.2 encap vxlan over IPv6 node n2"},
		{Route{Destination: remote.Destination, Kind: RouteBlackhole}, "blackhole 10.0.2.0/26"},
		{Route{Destination: remote.Destination, Kind: RouteLocalPod, Interface: "cali1"}, "10.0.2.0/26 dev cali1"},
		{Event{Key{KindNode, "", "n2"}, &Node{
			VXLAN:     family.PairOf(TunnelEnd{Address: four}, TunnelEnd{MAC: MAC{0x66}}),
			IPIP:      four,
			Wireguard: family.PairOf(WireguardEnd{Key: WireguardKey{1}, Address: four}, WireguardEnd{}),
		}}, "Node/n2 vxlan-IPv4=192.0.2.2 vxlan-IPv6=/66:00:00:00:00:00 ipip=192.0.2.2 wireguard-IPv4=192.0.2.2/AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
	} {
		if got := c.what.String(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestFallbackMAC: the digests are those of sha1sum.
func TestFallbackMAC(t *testing.T) {
	for _, c := range []struct {
		node   string
		family family.Family
		want   string
	}{
		{"node-1", family.V4, "66:b3:68:28:39:8e"},
		{"node-1", family.V6, "66:24:ac:63:df:6c"},
	} {
		if got := FallbackMAC(c.node, c.family).String(); got != c.want {
			t.Errorf("%s, %v: %s, want %s", c.node, c.family, got, c.want)
		}
	}
}

func TestPoolsEncapsulation(t *testing.T) {
	for _, c := range []struct {
		cidr        string
		vxlan, ipip EncapsulationMode
		want        Encapsulation
		mode        EncapsulationMode
	}{
		{"10.0.0.0/16", EncapsulateNever, EncapsulateNever, NoEncapsulation, EncapsulateNever},
		{"10.0.0.0/16", EncapsulateCrossSubnet, EncapsulateNever, VXLAN, EncapsulateCrossSubnet},
		{"10.0.0.0/16", EncapsulateNever, EncapsulateAlways, IPIP, EncapsulateAlways},
		{"10.0.0.0/16", EncapsulateCrossSubnet, EncapsulateAlways, VXLAN, EncapsulateCrossSubnet},
		{"fd00::/48", EncapsulateAlways, EncapsulateNever, VXLAN, EncapsulateAlways},
		{"fd00::/48", EncapsulateNever, EncapsulateAlways, NoEncapsulation, EncapsulateNever},
	} {
		p := &Pool{CIDR: netip.MustParsePrefix(c.cidr), VXLAN: c.vxlan, IPIP: c.ipip}
		if got, mode := p.Encapsulation(); got != c.want || mode != c.mode {
			t.Errorf("%s vxlan %v ipip %v: %v %v", c.cidr, c.vxlan, c.ipip, got, mode)
		}
	}
}
