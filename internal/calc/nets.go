package calc

import (
	"net/netip"
	"slices"
	"sort"

	"github.com/margay-net/margay/internal/family"
)

// nets is a sorted list of different prefixes, packed for each family: network sets can be
// large, and there can be many. A packed prefix is the address's bytes and the length.
type nets struct{ packed family.Pair[string] }

// packNets sorts and packs prefixes. Host bits are cut off.
func packNets(list []netip.Prefix) (n nets) {
	sorted := make([]netip.Prefix, 0, len(list))
	for _, p := range list {
		if p.IsValid() {
			sorted = append(sorted, plain(p))
		}
	}
	slices.SortFunc(sorted, comparePrefixes)
	sorted = slices.Compact(sorted)
	var buf family.Pair[[]byte]
	for _, p := range sorted {
		b := buf.At(family.OfPrefix(p))
		*b = appendNet(*b, p)
	}
	for _, f := range family.All() {
		*n.packed.At(f) = string(buf.Get(f))
	}
	return n
}

// plain is the prefix without host bits, an IPv4-mapped one as IPv4.
func plain(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// comparePrefixes orders by address, IPv4 first, and then by length.
func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

func appendNet(b []byte, p netip.Prefix) []byte {
	return append(append(b, p.Addr().AsSlice()...), byte(p.Bits()))
}

// packedWidth is the number of bytes of a packed prefix.
func packedWidth(f family.Family) int { return f.Bits()/8 + 1 }

// unpackNet is the prefix that the text holds.
func unpackNet(text string) netip.Prefix {
	var raw [16]byte
	n := copy(raw[:], text[:len(text)-1])
	a, _ := netip.AddrFromSlice(raw[:n])
	return netip.PrefixFrom(a, int(text[n]))
}

// each yields the prefixes in order.
func (n nets) each(yield func(netip.Prefix)) {
	for _, f := range family.All() {
		for rest, w := n.packed.Get(f), packedWidth(f); rest != ""; rest = rest[w:] {
			yield(unpackNet(rest[:w]))
		}
	}
}

// contains says whether the prefix itself is in the list.
func (n nets) contains(p netip.Prefix) bool {
	f := family.OfPrefix(p)
	packed, w := n.packed.Get(f), packedWidth(f)
	if packed == "" {
		return false
	}
	var buf [17]byte
	want := string(appendNet(buf[:0], p))
	i := sort.Search(len(packed)/w, func(i int) bool { return packed[i*w:(i+1)*w] >= want })
	return i*w < len(packed) && packed[i*w:(i+1)*w] == want
}

// subnets is the number of prefixes that hold more than one address.
func (n nets) subnets() (count int) {
	for _, f := range family.All() {
		packed, w := n.packed.Get(f), packedWidth(f)
		for i := w - 1; i < len(packed); i += w {
			if int(packed[i]) != f.Bits() {
				count++
			}
		}
	}
	return count
}

// without yields the prefixes of n that are not in m.
func (n nets) without(m nets, yield func(netip.Prefix)) {
	for _, f := range family.All() {
		w := packedWidth(f)
		rest, other := n.packed.Get(f), m.packed.Get(f)
		for ; rest != ""; rest = rest[w:] {
			for other != "" && other[:w] < rest[:w] {
				other = other[w:]
			}
			if other == "" || other[:w] != rest[:w] {
				yield(unpackNet(rest[:w]))
			}
		}
	}
}
