package rulestest

import (
	"net/netip"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// addresses that packets have and nets and sets hold. Those from the fifth on are the
// awkward ones: outside, unspecified, link-local, multicast.
var addresses = family.PairOf(
	parse("10.65.0.1", "10.65.0.2", "10.65.0.3", "10.66.0.1", "192.0.2.1", "0.0.0.0", "169.254.1.1", "224.0.0.1"),
	parse("fd00:65::1", "fd00:65::2", "fd00:65::3", "fd00:66::1", "2001:db8::1", "::", "fe80::1", "ff02::1"),
)

var nets = []string{
	"10.65.0.0/24", "10.65.0.1/32", "10.65.0.2/31", "10.0.0.0/8", "0.0.0.0/0", "192.0.2.0/24",
	"fd00:65::/64", "fd00:65::1/128", "fd00:65::2/127", "fd00::/8", "::/0", "2001:db8::/32",
}

func parse(ss ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range ss {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// Addresses are the family's addresses of the small world.
func Addresses(f family.Family) []netip.Addr { return addresses.Get(f) }

// Address draws one of them.
func Address(t *rapid.T, f family.Family) netip.Addr {
	return rapid.SampledFrom(Addresses(f)).Draw(t, "address")
}

// maybe draws from gen one time in n, and otherwise returns nothing.
func maybe[T any](t *rapid.T, n int, label string, gen func() T) T {
	var zero T
	if rapid.IntRange(1, n).Draw(t, label) > 1 {
		return zero
	}
	return gen()
}

// someOf draws up to three of a list.
func someOf[T any](t *rapid.T, label string, from []T) []T {
	return rapid.SliceOfN(rapid.SampledFrom(from), 1, 3).Draw(t, label)
}

var protocols = []model.Protocol{
	model.AnyProtocol, model.TCP, model.TCP, model.UDP, model.ICMP, model.ICMPv6, model.SCTP, rules.IPProtocolIPIP,
}

// Rule draws a rule as the graph hands it over, of any family or of both.
func Rule(t *rapid.T) model.Rule {
	return model.Rule{
		Action:      rapid.SampledFrom([]model.Action{model.Deny, model.Allow, model.Pass, model.Log}).Draw(t, "action"),
		Families:    family.Set(maybe(t, 5, "ipVersion", func() uint8 { return rapid.Uint8Range(1, 3).Draw(t, "families") })),
		Protocol:    rapid.SampledFrom(protocols).Draw(t, "protocol"),
		NotProtocol: maybe(t, 6, "notProtocol", func() model.Protocol { return rapid.SampledFrom(protocols).Draw(t, "no") }),
		ICMP:        maybe(t, 6, "icmp", func() *model.ICMPMatch { return icmpMatch(t) }),
		NotICMP:     maybe(t, 6, "notICMP", func() *model.ICMPMatch { return icmpMatch(t) }),
		Source:      peer(t),
		Destination: peer(t),
	}
}

func icmpMatch(t *rapid.T) *model.ICMPMatch {
	m := &model.ICMPMatch{Type: rapid.SampledFrom(icmpTypes).Draw(t, "type")}
	if rapid.Bool().Draw(t, "hasCode") {
		code := rapid.Uint8Range(0, 1).Draw(t, "code")
		m.Code = &code
	}
	return m
}

func peer(t *rapid.T) model.Peer {
	prefixes := func() []netip.Prefix {
		var out []netip.Prefix
		for _, s := range someOf(t, "nets", nets) {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	ranges := func() []model.PortRange { return someOf(t, "ports", portRanges) }
	p := model.Peer{
		Nets:     maybe(t, 4, "hasNets", prefixes),
		NotNets:  maybe(t, 6, "hasNotNets", prefixes),
		Ports:    maybe(t, 5, "hasPorts", ranges),
		NotPorts: maybe(t, 8, "hasNotPorts", ranges),
	}
	addSets(t, &p)
	return p
}

// addSets sometimes gives a selector or a port's name no set at all.
func addSets(t *rapid.T, p *model.Peer) {
	addressSets := func() []model.SetID { return someOf(t, "sets", AddressSets()) }
	portSets := func() []model.SetID { return someOf(t, "portSets", PortSets()) }
	if p.Sets = maybe(t, 4, "hasSets", addressSets); p.Sets != nil {
		p.Selector = "all()"
	}
	if p.NotSets = maybe(t, 8, "hasNotSets", addressSets); p.NotSets != nil {
		p.NotSelector = "all()"
	}
	if p.PortSets = maybe(t, 6, "hasPortSets", portSets); p.PortSets != nil {
		p.NamedPorts = []string{"http"}
	}
	if p.NotPortSets = maybe(t, 10, "hasNotPortSets", portSets); p.NotPortSets != nil {
		p.NotNamedPorts = []string{"http"}
	}
	switch rapid.IntRange(1, 30).Draw(t, "empty") {
	case 1:
		p.Selector, p.Sets = "nobody()", nil
	case 2:
		p.NamedPorts, p.PortSets = []string{"nobody"}, nil
	case 3:
		p.NotNamedPorts, p.NotPortSets = []string{"nobody"}, nil
	}
}
