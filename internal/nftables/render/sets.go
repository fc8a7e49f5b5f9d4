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

// Members are those of the members that are the family's, as elements of the set's half.
// Nets may overlap: it is for who writes the set to join them.
func (r *Renderer) Members(s model.Set, members []model.Member) []nft.Element {
	if !r.on() {
		return nil
	}
	var out []nft.Element
	for _, m := range members {
		if m.Family() == r.family {
			out = append(out, r.member(s.Kind, m)...)
		}
	}
	return out
}

// member is one element, or none for what no packet can have.
func (r *Renderer) member(k model.SetKind, m model.Member) []nft.Element {
	switch k {
	case model.NetSet:
		return []nft.Element{nft.PrefixElement(m.Prefix.Masked())}
	case model.AddressSet:
		return []nft.Element{nft.AddrElement(m.Prefix.Addr())}
	}
	e, err := r.portKey().Element(nft.Addr(m.Prefix.Addr()), nft.Num(uint32(m.Protocol)), nft.Num(uint32(m.Port)))
	if err != nil {
		return nil
	}
	return []nft.Element{e}
}
