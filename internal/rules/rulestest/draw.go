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

// Rule draws a rule as the graph hands it over, of any family or of both: a few
// conditions, so that some packets match, with a protocol that mostly fits them.
func Rule(t *rapid.T) model.Rule {
	r := model.Rule{
		Action: rapid.SampledFrom([]model.Action{model.Deny, model.Allow, model.Pass, model.Log}).Draw(t, "action"),
	}
	fits := protocols
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		c := rapid.SampledFrom(conditions).Draw(t, "condition")
		c.add(t, &r, peerOf(t, &r))
		if c.fits != nil {
			fits = c.fits
		}
	}
	if rapid.IntRange(1, 10).Draw(t, "fitting") == 1 {
		fits = protocols
	}
	r.Protocol = rapid.SampledFrom(fits).Draw(t, "protocol")
	return r
}

func peerOf(t *rapid.T, r *model.Rule) *model.Peer {
	if rapid.Bool().Draw(t, "source") {
		return &r.Source
	}
	return &r.Destination
}

// condition is something that a rule can ask, and the protocols that make sense with it.
type condition struct {
	add  func(*rapid.T, *model.Rule, *model.Peer)
	fits []model.Protocol
}

var (
	withPorts = []model.Protocol{model.TCP, model.UDP}
	withTypes = []model.Protocol{model.ICMP, model.ICMPv6, model.AnyProtocol}
)

var conditions = []condition{
	{add: func(t *rapid.T, r *model.Rule, _ *model.Peer) {
		r.Families = family.Set(rapid.Uint8Range(1, 3).Draw(t, "ipVersion"))
	}},
	{add: func(t *rapid.T, r *model.Rule, _ *model.Peer) {
		r.NotProtocol = rapid.SampledFrom(protocols).Draw(t, "notProtocol")
	}, fits: []model.Protocol{model.AnyProtocol}},
	{add: func(t *rapid.T, r *model.Rule, _ *model.Peer) { r.ICMP = icmpMatch(t) }, fits: withTypes},
	{add: func(t *rapid.T, r *model.Rule, _ *model.Peer) { r.NotICMP = icmpMatch(t) }, fits: withTypes},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) { p.Nets = prefixes(t) }},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) { p.NotNets = prefixes(t) }},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) { p.Ports = someOf(t, "ports", portRanges) }, fits: withPorts},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) { p.NotPorts = someOf(t, "notPorts", portRanges) }, fits: withPorts},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) {
		p.Selector, p.Sets = "selected()", sets(t, AddressSets())
	}},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) {
		p.NotSelector, p.NotSets = "refused()", sets(t, AddressSets())
	}},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) {
		p.NamedPorts, p.PortSets = []string{"http"}, sets(t, PortSets())
	}, fits: withPorts},
	{add: func(t *rapid.T, _ *model.Rule, p *model.Peer) {
		p.NotNamedPorts, p.NotPortSets = []string{"dns"}, sets(t, PortSets())
	}, fits: withPorts},
}

// sets draws the sets of a selector or of a port's name, which now and then are none.
func sets(t *rapid.T, from []model.SetID) []model.SetID {
	if rapid.IntRange(1, 10).Draw(t, "no set") == 1 {
		return nil
	}
	return someOf(t, "sets", from)
}

func prefixes(t *rapid.T) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range someOf(t, "nets", nets) {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func icmpMatch(t *rapid.T) *model.ICMPMatch {
	m := &model.ICMPMatch{Type: rapid.SampledFrom(icmpTypes).Draw(t, "type")}
	if rapid.Bool().Draw(t, "hasCode") {
		code := rapid.Uint8Range(0, 1).Draw(t, "code")
		m.Code = &code
	}
	return m
}
