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
