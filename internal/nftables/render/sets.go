package render

import (
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// Set is the family's half of a set. Addresses lie in hash sets, and nets in interval sets
// of their own: a change in one of those costs the kernel as much as the set is long.
func (r *Renderer) Set(s model.Set) Part {
	if !r.on() {
		return Part{}
	}
	set := nft.Set{Name: SetName(s.ID, r.family), Key: r.addressKey()}
	switch s.Kind {
	case model.NetSet:
		set.Interval = true
	case model.PortSet:
		set.Key = r.portKey()
	}
	return Part{Sets: []nft.Set{set}}
}

func (r *Renderer) portKey() nft.Key {
	return nft.Fields(nft.DAddr(r.family), nft.L4Proto, nft.DPort).Key()
}

// Members are those of the members that are the family's, in the set's half.
func (r *Renderer) Members(s model.Set, members []model.Member) Part {
	if !r.on() {
		return Part{}
	}
	nets := Nets{Set: SetName(s.ID, r.family)}
	all := Members{Set: nets.Set}
	for _, m := range members {
		switch {
		case m.Family() != r.family:
		case s.Kind == model.NetSet:
			nets.Prefixes = append(nets.Prefixes, m.Prefix)
		case s.Kind == model.AddressSet:
			all.Elements = append(all.Elements, nft.AddrElement(m.Prefix.Addr()))
		default:
			all.Elements = append(all.Elements, r.portElement(m)...)
		}
	}
	var p Part
	if len(all.Elements) > 0 {
		p.Members = []Members{all}
	}
	if len(nets.Prefixes) > 0 {
		p.Nets = []Nets{nets}
	}
	return p
}

// portElement is one element, or none for what no packet can have.
func (r *Renderer) portElement(m model.Member) []nft.Element {
	e, err := r.portKey().Element(nft.Addr(m.Prefix.Addr()), nft.Num(uint32(m.Protocol)), nft.Num(uint32(m.Port)))
	if err != nil {
		return nil
	}
	return []nft.Element{e}
}
