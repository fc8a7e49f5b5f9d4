// Package family holds the IP address family as a value, and all that differs by it.
//
// Code that works for both families takes a Family (or keeps a Pair) and asks it for
// what differs: widths, names, header fields. There is no other place in the tree that
// says what distinguishes IPv4 from IPv6 as such.
package family

import (
	"fmt"
	"net/netip"
)

// Family is IPv4 or IPv6. The zero value is neither, so that a forgotten family shows.
type Family uint8

// The two families, by their IP version numbers.
const (
	V4 Family = 4
	V6 Family = 6
)

// All returns both families, in the order in which they are shown to people.
func All() [2]Family { return [2]Family{V4, V6} }

// Of returns the family of an address. An IPv4-mapped IPv6 address counts as IPv4,
// as it does for every socket and every route; the zero Addr has no family.
func Of(a netip.Addr) Family {
	switch {
	case a.Is4() || a.Is4In6():
		return V4
	case a.Is6():
		return V6
	}
	return 0
}

// OfPrefix returns the family of a prefix's address.
func OfPrefix(p netip.Prefix) Family { return Of(p.Addr()) }

// String is the name that logs, metrics and status use: "IPv4" or "IPv6".
func (f Family) String() string {
	switch f {
	case V4:
		return "IPv4"
	case V6:
		return "IPv6"
	}
	return fmt.Sprintf("family(%d)", uint8(f))
}

// Version is the IP version number, 4 or 6, as Prometheus labels and Calico's API write it.
func (f Family) Version() int { return int(f) }

// Bits is the width of an address in bits.
func (f Family) Bits() int {
	if f == V4 {
		return 32
	}
	return 128
}

// Other is the family that this one is not.
func (f Family) Other() Family {
	if f == V4 {
		return V6
	}
	return V4
}

// HostPrefix is the prefix that holds the one address a: a /32 or a /128.
func HostPrefix(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen())
}

// IsHost says whether a prefix holds exactly one address.
func IsHost(p netip.Prefix) bool { return p.IsValid() && p.Bits() == p.Addr().BitLen() }

// Any is the prefix that holds every address of the family.
func (f Family) Any() netip.Prefix {
	if f == V4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// LinkLocal is the range of addresses that mean something on one link only (RFC 3927, RFC 4291).
func (f Family) LinkLocal() netip.Prefix {
	if f == V4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254}), 16)
	}
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfe, 0x80}), 10)
}

// index is the family's place in a Pair and its bit in a Set.
func (f Family) index() int {
	switch f {
	case V4:
		return 0
	case V6:
		return 1
	}
	panic("family: neither IPv4 nor IPv6")
}
