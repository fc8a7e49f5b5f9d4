package render

import (
	"net/netip"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/rules"
)

// What a rule's conditions are made of here; see rules.Combine.
type (
	conjunction = rules.Conjunction[nft.Statement]
	either      = rules.Either[nft.Statement]
	question    = rules.Question[nft.Statement]
)

// matches are the rule's conditions multiplied out, the cheap ones first.
func (r *Renderer) matches(rule *rules.Rule) []conjunction {
	alone := rule.Action == model.Log
	src := end{&rule.Source, nft.SAddr(r.family), nft.SPort, r}
	dst := end{&rule.Destination, nft.DAddr(r.family), nft.DPort, r}
	return rules.Combine(
		r.protocol(rule), r.icmp(rule.ICMP), r.notICMP(rule.NotICMP),
		rules.AnyOf(alone, dst.ports()), rules.AnyOf(alone, src.ports()),
		rules.AnyOf(alone, src.nets()), rules.AnyOf(alone, dst.nets()),
		rules.AnyOf(alone, src.sets()), rules.AnyOf(alone, dst.sets()),
		rules.NoneOf(dst.notPorts()), rules.NoneOf(src.notPorts()),
		rules.NoneOf(src.notNets()), rules.NoneOf(dst.notNets()),
		rules.NoneOf(src.notSets()), rules.NoneOf(dst.notSets()),
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
		out = append(out, question{Yes: fields.In(set), No: fields.NotIn(set)})
	}
	return out
}

// inNets is one question about all of the nets.
func inNets(f nft.Field, nets []netip.Prefix) []question {
	if len(nets) == 0 {
		return nil
	}
	values := netValues(nets)
	return []question{{Yes: f.Is(values...), No: f.Not(values...)}}
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
	return []question{{Yes: f.Is(values...), No: f.Not(values...)}}
}

func netValues(nets []netip.Prefix) []nft.Value {
	var out []nft.Value
	for _, n := range nets {
		out = append(out, nft.Net(n))
	}
	return out
}
