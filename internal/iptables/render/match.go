package render

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// Nets are no condition of alternatives: two or more are a set.

// What a rule's conditions are made of here; see rules.Combine.
type (
	conjunction = rules.Conjunction[iptables.Words]
	either      = rules.Either[iptables.Words]
	question    = rules.Question[iptables.Words]
)

// matches are the rule's conditions multiplied out, the cheap ones first. Sets of nets that
// they need are put into the part.
func (r *Renderer) matches(p *Part, rule *rules.Rule) []conjunction {
	alone := rule.Action == model.Log
	src := end{&rule.Source, "src", "-s", "--sports", r, p}
	dst := end{&rule.Destination, "dst", "-d", "--dports", r, p}
	return rules.Combine(
		r.protocol(rule), r.icmp(rule),
		rules.AnyOf(alone, src.nets(src.Nets, false)), rules.AnyOf(alone, dst.nets(dst.Nets, false)),
		rules.NoneOf(src.nets(src.NotNets, len(src.Nets) > 0)), rules.NoneOf(dst.nets(dst.NotNets, len(dst.Nets) > 0)),
		rules.AnyOf(alone, dst.ports(dst.Ports, dst.PortSets)), rules.AnyOf(alone, src.ports(src.Ports, src.PortSets)),
		rules.AnyOf(alone, src.sets(src.Sets)), rules.AnyOf(alone, dst.sets(dst.Sets)),
		rules.NoneOf(dst.ports(dst.NotPorts, dst.NotPortSets)), rules.NoneOf(src.ports(src.NotPorts, src.NotPortSets)),
		rules.NoneOf(src.sets(src.NotSets)), rules.NoneOf(dst.sets(dst.NotSets)),
	)
}

// protocol comes first of all matches: those on ports and types need it.
func (r *Renderer) protocol(rule *rules.Rule) either {
	switch {
	case rule.Protocol != model.AnyProtocol:
		return either{{protocolIs(rule.Protocol)}}
	case rule.NotProtocol != model.AnyProtocol:
		return either{{matching("! -p %s", protocolName(rule.NotProtocol))}}
	}
	return nil
}

func protocolIs(p model.Protocol) iptables.Words { return matching("-p %s", protocolName(p)) }

// protocolName is a protocol as iptables prints it; the number where it might not have a name.
func protocolName(p model.Protocol) string {
	if name, ok := protocolNames[p]; ok {
		return name
	}
	return fmt.Sprint(uint8(p))
}

var (
	protocolNames = map[model.Protocol]string{
		model.ICMP: "icmp", model.TCP: "tcp", model.UDP: "udp", model.ICMPv6: "ipv6-icmp", model.SCTP: "sctp", model.UDPLite: "udplite",
	}
	icmpName      = family.PairOf("icmp", "ipv6-icmp")
	icmpTypeMatch = family.PairOf("-m icmp --icmp-type", "-m icmp6 --icmpv6-type")
)

// anyICMPType is the number that the match of IPv4 takes to mean any type. No packet has it
// that is worth the name: it is reserved.
const anyICMPType = 255

// icmp is the condition on a type, and the one on what it must not be. Where iptables cannot
// say it, nothing is matched, but for a Deny, which goes without it.
func (r *Renderer) icmp(rule *rules.Rule) either {
	var c conjunction
	for _, m := range []struct {
		*model.ICMPMatch
		not string
	}{{rule.ICMP, ""}, {rule.NotICMP, "! "}} {
		switch {
		case m.ICMPMatch == nil:
			continue
		case r.family == family.V4 && m.Type == anyICMPType && rule.Action == model.Deny:
			continue
		case r.family == family.V4 && m.Type == anyICMPType:
			return either{} // never
		}
		match, option, _ := strings.Cut(icmpTypeMatch.Get(r.family), " --")
		text := fmt.Sprintf("%s %s--%s %d", match, m.not, option, m.Type)
		if m.Code != nil {
			text += fmt.Sprintf("/%d", *m.Code)
		}
		c = append(c, iptables.Text(text))
	}
	if c == nil {
		return nil
	}
	return either{c}
}

// end is one end of a rule, with the words for it.
type end struct {
	*rules.End
	side, address, port string
	r                   *Renderer
	part                *Part
}

// nets is one question about all of the nets. A rule has room for one net at each end: more
// than one, or another beside it, are in a set.
func (e end) nets(nets []netip.Prefix, another bool) []question {
	switch {
	case len(nets) == 0:
		return nil
	case len(nets) == 1 && !another:
		return []question{{Yes: matching("%s %v", e.address, nets[0]), No: matching("! %s %v", e.address, nets[0])}}
	}
	set := e.r.netSet(e.part, nets)
	return []question{{Yes: iptables.InSet(set, e.side), No: iptables.NotInSet(set, e.side)}}
}

// netSet is the set of some nets. It is named for them, so that rules share it.
func (r *Renderer) netSet(p *Part, nets []netip.Prefix) string {
	var members []ipset.Member
	var all []string
	for _, n := range nets {
		members = append(members, ipset.Net(n))
		all = append(all, n.String())
	}
	set := r.named(netsName) + name(maxSet, "", "", strings.Join(all, " "))[1:]
	p.Sets = append(p.Sets, ipset.Set{Name: set, Type: ipset.Nets})
	p.member(set, members...)
	return set
}

// sets are questions about sets of addresses and of nets.
func (e end) sets(sets []model.SetID) []question { return e.inSets(sets, e.side) }

func (e end) inSets(sets []model.SetID, which string) []question {
	var out []question
	for _, id := range sets {
		set := SetName(id, e.r.family)
		out = append(out, question{Yes: iptables.InSet(set, which), No: iptables.NotInSet(set, which)})
	}
	return out
}

// ports are questions about ranges of ports, and about sets of addresses with ports.
func (e end) ports(ranges []model.PortRange, sets []model.SetID) []question {
	var out []question
	for _, text := range multiports(ranges) {
		out = append(out, question{
			Yes: matching("-m multiport %s %s", e.port, text), No: matching("-m multiport ! %s %s", e.port, text),
		})
	}
	return append(out, e.inSets(sets, e.side+","+e.side)...)
}

// multiports cuts ranges into pieces that one match has room for: XT_MULTI_PORTS ports, of
// which a range takes two.
func multiports(ranges []model.PortRange) []string {
	const room = 15
	var out []string
	var words []string
	used := 0
	for _, p := range ranges {
		text, size := fmt.Sprint(p.First), 1
		if p.Last != p.First {
			text, size = fmt.Sprintf("%d:%d", p.First, p.Last), 2
		}
		if used+size > room {
			out, words, used = append(out, strings.Join(words, ",")), nil, 0
		}
		words, used = append(words, text), used+size
	}
	if len(words) > 0 {
		out = append(out, strings.Join(words, ","))
	}
	return out
}
