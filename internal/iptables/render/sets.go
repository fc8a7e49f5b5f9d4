package render

import (
	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/model"
)

// Set is the family's half of a set.
func (r *Renderer) Set(s model.Set) Part {
	if !r.on() {
		return Part{}
	}
	types := map[model.SetKind]ipset.Type{model.AddressSet: ipset.Addresses, model.NetSet: ipset.Nets, model.PortSet: ipset.Ports}
	return Part{Sets: []ipset.Set{{Name: SetName(s.ID, r.family), Type: types[s.Kind]}}}
}

// Members are those of the members that are the family's, in the set's half. The unspecified
// address is nobody's, and hash:ip does not take it.
func (r *Renderer) Members(s model.Set, members []model.Member) Part {
	if !r.on() {
		return Part{}
	}
	var all []ipset.Member
	for _, m := range members {
		if m.Family() != r.family || s.Kind != model.NetSet && m.Prefix.Addr().IsUnspecified() {
			continue
		}
		switch s.Kind {
		case model.AddressSet:
			all = append(all, ipset.Address(m.Prefix.Addr()))
		case model.NetSet:
			all = append(all, ipset.Net(m.Prefix))
		case model.PortSet:
			if p, ok := ipset.Port(m.Prefix.Addr(), m.Protocol, m.Port); ok {
				all = append(all, p)
			}
		}
	}
	if len(all) == 0 {
		return Part{}
	}
	return Part{Members: []Members{{SetName(s.ID, r.family), all}}}
}
