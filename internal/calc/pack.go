package calc

import (
	"encoding/binary"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// packPolicy packs what of a policy does not matter before it applies to an endpoint of
// this node, which most policies never do: a model.Rule takes half a kilobyte, its text
// some tens of bytes. Equal policies have equal texts.
func packPolicy(v *model.Policy) string {
	var p packer
	p.text(v.Tier)
	p.number(uint64(v.Types))
	for _, rules := range [][]model.Rule{v.Ingress, v.Egress} {
		p.number(uint64(len(rules)))
		for i := range rules {
			p.rule(&rules[i])
		}
	}
	return string(p)
}

// unpackPolicy is the opposite. The policy has neither order nor selector; empty lists
// have become nil.
func unpackPolicy(packed string) *model.Policy {
	u := unpacker{rest: packed}
	v := &model.Policy{Tier: u.text(), Types: model.Directions(u.number())}
	for _, rules := range []*[]model.Rule{&v.Ingress, &v.Egress} {
		if n := int(u.number()); n > 0 {
			*rules = make([]model.Rule, n)
			for i := range *rules {
				u.rule(&(*rules)[i])
			}
		}
	}
	return v
}

// packer appends values of known types without names.
type packer []byte

func (p *packer) number(n uint64)  { *p = binary.AppendUvarint(*p, n) }
func (p *packer) text(text string) { *p = appendText(*p, text) }

func (p *packer) rule(r *model.Rule) {
	*p = append(*p, byte(r.Action), byte(r.Families), byte(r.Protocol), byte(r.NotProtocol))
	p.icmp(r.ICMP)
	p.icmp(r.NotICMP)
	p.peer(&r.Source)
	p.peer(&r.Destination)
}

// icmp writes 0 for no match, 1 and the type, or 2, the type and the code.
func (p *packer) icmp(m *model.ICMPMatch) {
	switch {
	case m == nil:
		*p = append(*p, 0)
	case m.Code == nil:
		*p = append(*p, 1, m.Type)
	default:
		*p = append(*p, 2, m.Type, *m.Code)
	}
}

// peer writes which of its eight parts there are, and those.
func (p *packer) peer(e *model.Peer) {
	start := len(*p)
	*p = append(*p, 0)
	part := func(bit int, n int, each func(i int)) {
		if n == 0 {
			return
		}
		(*p)[start] |= 1 << bit
		p.number(uint64(n))
		for i := range n {
			each(i)
		}
	}
	part(0, len(e.Nets), func(i int) { p.prefix(e.Nets[i]) })
	part(1, len(e.NotNets), func(i int) { p.prefix(e.NotNets[i]) })
	part(2, min(1, len(e.Selector)), func(int) { p.text(e.Selector) })
	part(3, min(1, len(e.NotSelector)), func(int) { p.text(e.NotSelector) })
	part(4, len(e.Ports), func(i int) { p.ports(e.Ports[i]) })
	part(5, len(e.NotPorts), func(i int) { p.ports(e.NotPorts[i]) })
	part(6, len(e.NamedPorts), func(i int) { p.text(e.NamedPorts[i]) })
	part(7, len(e.NotNamedPorts), func(i int) { p.text(e.NotNamedPorts[i]) })
}

func (p *packer) ports(r model.PortRange) {
	p.number(uint64(r.First))
	p.number(uint64(r.Last))
}

func (p *packer) prefix(n netip.Prefix) {
	b, _ := n.MarshalBinary() // never fails
	p.text(string(b))
}

type unpacker struct{ rest string }

func (u *unpacker) byte() byte {
	b := u.rest[0]
	u.rest = u.rest[1:]
	return b
}

func (u *unpacker) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		b := u.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

func (u *unpacker) text() (text string) {
	text, u.rest = cutText(u.rest)
	return text
}

func (u *unpacker) rule(r *model.Rule) {
	r.Action, r.Families = model.Action(u.byte()), family.Set(u.byte())
	r.Protocol, r.NotProtocol = model.Protocol(u.byte()), model.Protocol(u.byte())
	r.ICMP, r.NotICMP = u.icmp(), u.icmp()
	u.peer(&r.Source)
	u.peer(&r.Destination)
}

func (u *unpacker) icmp() *model.ICMPMatch {
	switch u.byte() {
	case 0:
		return nil
	case 1:
		return &model.ICMPMatch{Type: u.byte()}
	}
	m := &model.ICMPMatch{Type: u.byte()}
	code := u.byte()
	m.Code = &code
	return m
}

func (u *unpacker) peer(e *model.Peer) {
	parts := u.byte()
	has := func(bit int) bool { return parts&(1<<bit) != 0 }
	if has(0) {
		e.Nets = unpackList(u, u.prefix)
	}
	if has(1) {
		e.NotNets = unpackList(u, u.prefix)
	}
	if has(2) {
		e.Selector = unpackList(u, u.text)[0]
	}
	if has(3) {
		e.NotSelector = unpackList(u, u.text)[0]
	}
	if has(4) {
		e.Ports = unpackList(u, u.ports)
	}
	if has(5) {
		e.NotPorts = unpackList(u, u.ports)
	}
	if has(6) {
		e.NamedPorts = unpackList(u, u.text)
	}
	if has(7) {
		e.NotNamedPorts = unpackList(u, u.text)
	}
}

func unpackList[T any](u *unpacker, one func() T) []T {
	list := make([]T, u.number())
	for i := range list {
		list[i] = one()
	}
	return list
}

func (u *unpacker) ports() model.PortRange {
	first := uint16(u.number())
	return model.PortRange{First: first, Last: uint16(u.number())}
}

func (u *unpacker) prefix() (p netip.Prefix) {
	_ = p.UnmarshalBinary([]byte(u.text())) // what prefix has written
	return p
}
