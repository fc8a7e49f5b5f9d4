package rules

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

func nets(ss ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range ss {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func ports(firstLast ...uint16) []model.PortRange {
	var out []model.PortRange
	for i := 0; i < len(firstLast); i += 2 {
		out = append(out, model.PortRange{First: firstLast[i], Last: firstLast[i+1]})
	}
	return out
}

// vanishes stands for a rule that nothing of a family can match.
var vanishes *Rule

func TestReduce(t *testing.T) {
	v4only, v6only := family.NewSet(family.V4), family.NewSet(family.V6)
	echo := &model.ICMPMatch{Type: 8}
	for _, c := range []struct {
		name   string
		in     model.Rule
		v4, v6 *Rule
	}{
		{"everything", model.Rule{}, &Rule{}, &Rule{}},
		{"ipVersion 4", model.Rule{Families: v4only}, &Rule{}, vanishes},
		{"ipVersion 6", model.Rule{Families: v6only}, vanishes, &Rule{}},
		{"both versions", model.Rule{Families: family.Both}, &Rule{}, &Rule{}},

		{"ICMP is IPv4's", model.Rule{Protocol: model.ICMP}, &Rule{Protocol: model.ICMP}, vanishes},
		{"ICMPv6 is IPv6's", model.Rule{Protocol: model.ICMPv6}, vanishes, &Rule{Protocol: model.ICMPv6}},
		{
			"no ICMP: what the header says", model.Rule{NotProtocol: model.ICMP, Action: model.Allow},
			&Rule{NotProtocol: model.ICMP, Action: model.Allow}, &Rule{NotProtocol: model.ICMP, Action: model.Allow},
		},
		{"TCP and not TCP", model.Rule{Protocol: model.TCP, NotProtocol: model.TCP}, vanishes, vanishes},
		{
			"TCP and not UDP", model.Rule{Protocol: model.TCP, NotProtocol: model.UDP},
			&Rule{Protocol: model.TCP}, &Rule{Protocol: model.TCP},
		},
		{
			"ICMP type", model.Rule{Protocol: model.ICMP, ICMP: echo},
			&Rule{Protocol: model.ICMP, ICMP: echo}, vanishes,
		},
		{"type 8 of TCP", model.Rule{Protocol: model.TCP, ICMP: echo}, vanishes, vanishes},
		{
			"a type without a protocol is the family's own ICMP's", model.Rule{ICMP: echo},
			&Rule{Protocol: model.ICMP, ICMP: echo}, &Rule{Protocol: model.ICMPv6, ICMP: echo},
		},
		{"a type, but not the family's ICMP", model.Rule{ICMP: echo, NotProtocol: model.ICMP}, vanishes, &Rule{Protocol: model.ICMPv6, ICMP: echo}},
		{
			"not a type", model.Rule{Protocol: model.ICMPv6, NotICMP: echo},
			vanishes, &Rule{Protocol: model.ICMPv6, NotICMP: echo},
		},
		{"TCP is no ICMP type", model.Rule{Protocol: model.TCP, NotICMP: echo}, &Rule{Protocol: model.TCP}, &Rule{Protocol: model.TCP}},
		{"allow not a type of what", model.Rule{NotICMP: echo, Action: model.Allow}, vanishes, vanishes},
		{"deny not a type of what", model.Rule{NotICMP: echo}, &Rule{}, &Rule{}},

		{
			"nets of both", model.Rule{Source: model.Peer{Nets: nets("10.0.0.0/8", "fd00::/8")}},
			&Rule{Source: End{Nets: nets("10.0.0.0/8")}}, &Rule{Source: End{Nets: nets("fd00::/8")}},
		},
		{
			"nets of one", model.Rule{Destination: model.Peer{Nets: nets("fd00::/8")}},
			vanishes, &Rule{Destination: End{Nets: nets("fd00::/8")}},
		},
		{"the whole of one", model.Rule{Source: model.Peer{Nets: nets("10.0.0.0/8", "0.0.0.0/0")}}, &Rule{}, vanishes},
		{
			"nets in one another, with host bits, mapped",
			model.Rule{Source: model.Peer{Nets: nets("10.1.2.3/16", "10.0.0.0/8", "10.0.0.0/8", "::ffff:9.0.0.0/104", "10.255.0.0/32", "11.0.0.0/8")}},
			&Rule{Source: End{Nets: nets("9.0.0.0/8", "10.0.0.0/8", "11.0.0.0/8")}}, vanishes,
		},
		{
			"deny not nets of one", model.Rule{Source: model.Peer{NotNets: nets("10.0.0.0/8")}},
			&Rule{Source: End{NotNets: nets("10.0.0.0/8")}}, &Rule{},
		},
		{
			"allow not nets of one", model.Rule{Action: model.Allow, Source: model.Peer{NotNets: nets("10.0.0.0/8")}},
			&Rule{Action: model.Allow, Source: End{NotNets: nets("10.0.0.0/8")}}, vanishes,
		},
		{
			"pass not nets of one", model.Rule{Action: model.Pass, Destination: model.Peer{NotNets: nets("fd00::/8")}},
			vanishes, &Rule{Action: model.Pass, Destination: End{NotNets: nets("fd00::/8")}},
		},
		{
			"log not nets of one", model.Rule{Action: model.Log, Destination: model.Peer{NotNets: nets("fd00::/8")}},
			vanishes, &Rule{Action: model.Log, Destination: End{NotNets: nets("fd00::/8")}},
		},
		{"deny not everything", model.Rule{Source: model.Peer{NotNets: nets("::/0")}}, &Rule{}, vanishes},

		{"a selector without sets", model.Rule{Source: model.Peer{Selector: "a == 'b'"}}, vanishes, vanishes},
		{
			"a selector", model.Rule{Source: model.Peer{Selector: "a == 'b'", Sets: []model.SetID{"s"}}},
			&Rule{Source: End{Sets: []model.SetID{"s"}}}, &Rule{Source: End{Sets: []model.SetID{"s"}}},
		},
		{
			"a negative selector that selects nothing", model.Rule{Action: model.Allow, Source: model.Peer{NotSelector: "a == 'b'"}},
			&Rule{Action: model.Allow}, &Rule{Action: model.Allow},
		},

		{
			"ports, merged", model.Rule{Protocol: model.TCP, Destination: model.Peer{Ports: ports(90, 99, 80, 85, 86, 89, 5, 4, 443, 443)}},
			&Rule{Protocol: model.TCP, Destination: End{Ports: ports(80, 99, 443, 443)}},
			&Rule{Protocol: model.TCP, Destination: End{Ports: ports(80, 99, 443, 443)}},
		},
		{"ports without a protocol", model.Rule{Destination: model.Peer{Ports: ports(80, 80)}}, vanishes, vanishes},
		{"ports of ICMP", model.Rule{Protocol: model.ICMP, Destination: model.Peer{Ports: ports(80, 80)}}, vanishes, vanishes},
		{
			"all ports", model.Rule{Protocol: model.UDP, Source: model.Peer{Ports: ports(1, 65535, 0, 0)}},
			&Rule{Protocol: model.UDP}, &Rule{Protocol: model.UDP},
		},
		{"a range upside down", model.Rule{Protocol: model.UDP, Source: model.Peer{Ports: ports(9, 8)}}, vanishes, vanishes},
		{"a name that no pod has", model.Rule{Protocol: model.TCP, Source: model.Peer{NamedPorts: []string{"http"}}}, vanishes, vanishes},
		{
			"names and numbers", model.Rule{Protocol: model.TCP, Source: model.Peer{
				NamedPorts: []string{"http"}, PortSets: []model.SetID{"p"}, Ports: ports(80, 80),
			}},
			&Rule{Protocol: model.TCP, Source: End{PortSets: []model.SetID{"p"}, Ports: ports(80, 80)}},
			&Rule{Protocol: model.TCP, Source: End{PortSets: []model.SetID{"p"}, Ports: ports(80, 80)}},
		},
		{
			"not ports", model.Rule{Protocol: model.TCP, Action: model.Allow, Source: model.Peer{NotPorts: ports(80, 80), NotPortSets: []model.SetID{"p"}}},
			&Rule{Protocol: model.TCP, Action: model.Allow, Source: End{NotPorts: ports(80, 80), NotPortSets: []model.SetID{"p"}}},
			&Rule{Protocol: model.TCP, Action: model.Allow, Source: End{NotPorts: ports(80, 80), NotPortSets: []model.SetID{"p"}}},
		},
		{"allow not ports of what", model.Rule{Action: model.Allow, Source: model.Peer{NotPorts: ports(80, 80)}}, vanishes, vanishes},
		{"deny not ports of what", model.Rule{Source: model.Peer{NotNamedPorts: []string{"http"}}}, &Rule{}, &Rule{}},
		{"not any port", model.Rule{Protocol: model.TCP, Source: model.Peer{NotPorts: ports(0, 65535)}}, vanishes, vanishes},
	} {
		t.Run(c.name, func(t *testing.T) {
			for f, want := range map[family.Family]*Rule{family.V4: c.v4, family.V6: c.v6} {
				var got *Rule
				if r, ok := reduceRule(&c.in, f); ok {
					got = &r
				}
				if diff := cmp.Diff(want, got, prefixes, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%v: (-want +got)\n%s", f, diff)
				}
			}
		})
	}
}

var prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestReduceKeepsPlaces(t *testing.T) {
	p := &model.ActivePolicy{
		ID: model.Key{Kind: model.KindGlobalPolicy, Name: "p"}, Tier: "default",
		Types: model.Directions(0).With(model.Ingress).With(model.Egress),
		Ingress: []model.Rule{
			{Protocol: model.ICMP, Action: model.Allow},
			{Protocol: model.ICMPv6, Action: model.Allow},
			{Protocol: model.TCP, Action: model.Allow},
		},
		Egress: []model.Rule{{Action: model.Allow}},
	}
	want := &Policy{
		ID: p.ID, Family: family.V6, Tier: "default", Types: p.Types,
		Ingress: []Rule{
			{Index: 1, Protocol: model.ICMPv6, Action: model.Allow},
			{Index: 2, Protocol: model.TCP, Action: model.Allow},
		},
		Egress: []Rule{{Action: model.Allow}},
	}
	if diff := cmp.Diff(want, Reduce(p, family.V6), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
