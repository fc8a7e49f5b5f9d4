package render

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// A rule of a policy is a conjunction, and so is a rule of nftables; but some conditions
// are alternatives that no one match can say: an address in one of two sets, a port that
// is in a range or in a set of addresses with ports. Each combination of alternatives is a
// rule of its own.

// conjunction is a list of matches that must all hold.
type conjunction []nft.Statement

// either is a condition as its alternatives, of which at least one must hold.
type either []conjunction

// combine multiplies conditions out.
func combine(conditions ...either) []conjunction {
	out := []conjunction{nil}
	for _, condition := range conditions {
		if len(condition) == 0 {
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
type question struct{ yes, no nft.Match }

// anyOf is the condition that at least one of the questions is answered with yes. Where
// alone is true, no packet meets two of the alternatives: a Log must not log twice.
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
	var c conjunction
	for _, q := range questions {
		c = append(c, q.no)
	}
	if c == nil {
		return nil
	}
	return either{c}
}

// matches are the rule's conditions multiplied out, the cheap ones first.
func (r *Renderer) matches(rule *rules.Rule) []conjunction {
	alone := rule.Action == model.Log
	src := end{&rule.Source, nft.SAddr(r.family), nft.SPort, r}
	dst := end{&rule.Destination, nft.DAddr(r.family), nft.DPort, r}
	return combine(
		r.protocol(rule), r.icmp(rule.ICMP), r.notICMP(rule.NotICMP),
		anyOf(alone, dst.ports()), anyOf(alone, src.ports()),
		anyOf(alone, src.nets()), anyOf(alone, dst.nets()),
		anyOf(alone, src.sets()), anyOf(alone, dst.sets()),
		noneOf(dst.notPorts()), noneOf(src.notPorts()),
		noneOf(src.notNets()), noneOf(dst.notNets()),
		noneOf(src.notSets()), noneOf(dst.notSets()),
	)
}

// protocol is left to the match on the ICMP type where there is one.
func (r *Renderer) protocol(rule *rules.Rule) either {
	switch {
	case rule.ICMP != nil || rule.NotICMP != nil:
		return nil
	case rule.Protocol != model.AnyProtocol:
		return either{{protocolIs(rule.Protocol)}}
	case rule.NotProtocol != model.AnyProtocol:
		return either{{nft.L4Proto.Not(nft.Num(uint32(rule.NotProtocol)))}}
	}
	return nil
}

func protocolIs(p model.Protocol) nft.Match { return nft.L4Proto.Is(nft.Num(uint32(p))) }

func (r *Renderer) icmp(m *model.ICMPMatch) either {
	if m == nil {
		return nil
	}
	c := conjunction{nft.ICMPType(r.family).Is(nft.Num(uint32(m.Type)))}
	if m.Code != nil {
		c = append(c, nft.ICMPCode(r.family).Is(nft.Num(uint32(*m.Code))))
	}
	return either{c}
}

// notICMP: another type, or the same with another code. No packet meets both.
func (r *Renderer) notICMP(m *model.ICMPMatch) either {
	if m == nil {
		return nil
	}
	typ := nft.ICMPType(r.family)
	out := either{{typ.Not(nft.Num(uint32(m.Type)))}}
	if m.Code != nil {
		code := nft.ICMPCode(r.family).Not(nft.Num(uint32(*m.Code)))
		out = append(out, conjunction{typ.Is(nft.Num(uint32(m.Type))), code})
	}
	return out
}

// end is one end of a rule with the fields that it looks at.
type end struct {
	*rules.End
	addr, port nft.Field
	r          *Renderer
}

func (e end) nets() []question    { return inNets(e.addr, e.Nets) }
func (e end) notNets() []question { return inNets(e.addr, e.NotNets) }
func (e end) sets() []question    { return e.inSets(nft.Fields(e.addr), e.Sets) }
func (e end) notSets() []question { return e.inSets(nft.Fields(e.addr), e.NotSets) }

func (e end) ports() []question {
	return append(inRanges(e.port, e.Ports), e.inSets(e.withPort(), e.PortSets)...)
}

func (e end) notPorts() []question {
	return append(inRanges(e.port, e.NotPorts), e.inSets(e.withPort(), e.NotPortSets)...)
}

// withPort is the key of sets of ports.
func (e end) withPort() nft.Concat { return nft.Fields(e.addr, nft.L4Proto, e.port) }

func (e end) inSets(fields nft.Concat, sets []model.SetID) []question {
	var out []question
	for _, id := range sets {
		set := SetName(id, e.r.family)
		out = append(out, question{fields.In(set), fields.NotIn(set)})
	}
	return out
}

// inNets is one question about all of the nets.
func inNets(f nft.Field, nets []netip.Prefix) []question {
	if len(nets) == 0 {
		return nil
	}
	values := netValues(nets)
	return []question{{f.Is(values...), f.Not(values...)}}
}

// inRanges is one question about all of the ranges.
func inRanges(f nft.Field, ranges []model.PortRange) []question {
	if len(ranges) == 0 {
		return nil
	}
	var values []nft.Value
	for _, r := range ranges {
		values = append(values, nft.Nums(uint32(r.First), uint32(r.Last)))
	}
	return []question{{f.Is(values...), f.Not(values...)}}
}

func netValues(nets []netip.Prefix) []nft.Value {
	var out []nft.Value
	for _, n := range nets {
		out = append(out, nft.Net(n))
	}
	return out
}
