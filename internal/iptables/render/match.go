package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/rules"
)

// A rule of a policy is a conjunction, and so is a rule of iptables; but some conditions are
// alternatives that no one match can say: an address in one of two sets, more ports than a
// match has room for. Each combination of alternatives is a rule of its own. Nets are no such
// condition: two or more are a set.

// conjunction is a list of matches that must all hold.
type conjunction []iptables.Words

// either is a condition as its alternatives, of which at least one must hold; nil is no
// condition.
type either []conjunction

// never is a condition that does not hold.
func never() either { return either{} }

// combine multiplies conditions out.
func combine(conditions ...either) []conjunction {
	out := []conjunction{nil}
	for _, condition := range conditions {
		if condition == nil {
			continue
		}
		var longer []conjunction
		for _, c := range out {
			for _, alternative := range condition {
				longer = append(longer, slices.Concat(c, alternative))
			}
		}
		out = longer
	}
	return out
}

// question is a match that can also be asked the other way round.
type question struct{ yes, no iptables.Words }

// anyOf is the condition that at least one of the questions is answered with yes. Where alone
// is true, no packet meets two of the alternatives: a Log must not log twice.
func anyOf(alone bool, questions []question) either {
	var out either
	for i, q := range questions {
		var c conjunction
		for _, before := range questions[:i] {
			if alone {
				c = append(c, before.no)
			}
		}
		out = append(out, append(c, q.yes))
	}
	return out
}

// noneOf is the condition that no question is answered with yes.
func noneOf(questions []question) either {
	if len(questions) == 0 {
		return nil
	}
	var c conjunction
	for _, q := range questions {
		c = append(c, q.no)
	}
	return either{c}
}

// matches are the rule's conditions multiplied out, the cheap ones first. Sets of nets that
// they need are put into the part.
func (r *Renderer) matches(p *Part, rule *rules.Rule) []conjunction {
	alone := rule.Action == model.Log
	src := end{&rule.Source, "src", "-s", "--sports", r, p}
	dst := end{&rule.Destination, "dst", "-d", "--dports", r, p}
	return combine(
		r.protocol(rule), r.icmp(rule),
		anyOf(alone, src.nets(src.Nets, false)), anyOf(alone, dst.nets(dst.Nets, false)),
		noneOf(src.nets(src.NotNets, len(src.Nets) > 0)), noneOf(dst.nets(dst.NotNets, len(dst.Nets) > 0)),
		anyOf(alone, dst.ports(dst.Ports, dst.PortSets)), anyOf(alone, src.ports(src.Ports, src.PortSets)),
		anyOf(alone, src.sets(src.Sets)), anyOf(alone, dst.sets(dst.Sets)),
		noneOf(dst.ports(dst.NotPorts, dst.NotPortSets)), noneOf(src.ports(src.NotPorts, src.NotPortSets)),
		noneOf(src.sets(src.NotSets)), noneOf(dst.sets(dst.NotSets)),
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
			return never()
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
		return []question{{matching("%s %v", e.address, nets[0]), matching("! %s %v", e.address, nets[0])}}
	}
	set := e.r.netSet(e.part, nets)
	return []question{{iptables.InSet(set, e.side), iptables.NotInSet(set, e.side)}}
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
		out = append(out, question{iptables.InSet(set, which), iptables.NotInSet(set, which)})
	}
	return out
}

// ports are questions about ranges of ports, and about sets of addresses with ports.
func (e end) ports(ranges []model.PortRange, sets []model.SetID) []question {
	var out []question
	for _, text := range multiports(ranges) {
		out = append(out, question{
			matching("-m multiport %s %s", e.port, text), matching("-m multiport ! %s %s", e.port, text),
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
