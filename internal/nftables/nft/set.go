package nft

import (
	"fmt"
	"net/netip"

	"go4.org/netipx"
)

// Set describes a named set or verdict map; what it holds is told apart from it.
type Set struct {
	Name string
	Key  Key
	// Interval sets hold prefixes and ranges of one address type, and never overlaps; the
	// others hold single values, at a third of the price per packet.
	Interval bool
	// VMap is true for a map from keys to verdicts.
	VMap bool
}

// Equal says whether two sets are the same to the kernel.
func (s Set) Equal(o Set) bool {
	return s.Name == o.Name && s.Key.Equal(o.Key) && s.Interval == o.Interval && s.VMap == o.VMap
}

// Size is the width of the set's key in bytes.
func (s Set) Size() int { return s.Key.size() }

// Err says what is wrong with a set, or nil.
func (s Set) Err() error {
	switch {
	case len(s.Key) == 0 || len(s.Key) > 5:
		return fmt.Errorf("set %s: a key of %d types", s.Name, len(s.Key))
	case s.Interval && (len(s.Key) != 1 || s.VMap || s.Key[0] != TypeIPv4Addr && s.Key[0] != TypeIPv6Addr):
		return fmt.Errorf("set %s: intervals of %s", s.Name, s.Key)
	}
	for _, t := range s.Key {
		if t.spec().size == 0 {
			return fmt.Errorf("set %s: %s", s.Name, s.Key)
		}
	}
	return nil
}

// keyword is what nft calls it.
func (s Set) keyword() string {
	if s.VMap {
		return "map"
	}
	return "set"
}

// String is the set's declaration, without elements: "type ipv4_addr; flags interval".
func (s Set) String() string {
	text := s.keyword() + " " + s.Name + " { type " + s.Key.String()
	if s.VMap {
		text += " : verdict"
	}
	if s.Interval {
		text += "; flags interval"
	}
	return text + "; }"
}

// Element is one element of a set, packed into a string so that sets of 100,000 of them
// stay small: the key as the kernel holds it; in an interval set the first and the last
// key; in a verdict map the key and the verdict.
type Element string

// AddrElement is an address in a hash set of addresses.
func AddrElement(a netip.Addr) Element {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return Element(b[:])
	}
	b := a.As16()
	return Element(b[:])
}

// PrefixElement is a prefix in an interval set.
func PrefixElement(p netip.Prefix) Element {
	r := netipx.RangeOfPrefix(p)
	return AddrElement(r.From()) + AddrElement(r.To())
}

// Element packs single values into an element of a hash set with this key, one value for
// each type of the key.
func (k Key) Element(values ...Value) (Element, error) {
	if len(values) != len(k) {
		return "", fmt.Errorf("%d values for %s", len(values), k)
	}
	b := make([]byte, 0, k.size())
	for i, t := range k {
		v, err := values[i].as(t)
		if err != nil {
			return "", err
		}
		if !v.single() {
			return "", fmt.Errorf("%s is no single %s", v, t)
		}
		key := wire(t, v.from)
		b = append(b, key[:t.spec().size]...)
		for len(k) > 1 && len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return Element(b), nil
}

// To makes an element of a verdict map from a key.
func (e Element) To(v Verdict) Element {
	return e + Element([]byte{byte(v.kind)}) + Element(v.chain)
}

// Split is the reverse of To: the key and the verdict of a verdict map's element.
func (s Set) Split(e Element) (Element, Verdict) {
	n := s.Key.size()
	if !s.VMap || len(e) <= n {
		return e, Verdict{}
	}
	return e[:n], Verdict{kind: verdictKind(e[n]), chain: string(e[n+1:])}
}

// Fits says whether an element can be one of the set's.
func (s Set) Fits(e Element) bool {
	n := s.Key.size()
	switch {
	case s.VMap:
		return len(e) > n
	case s.Interval:
		return len(e) == 2*n && e[:n] <= e[n:]
	}
	return len(e) == n
}

// Text is the element as nft writes it.
func (s Set) Text(e Element) string {
	switch {
	case !s.Fits(e):
		return fmt.Sprintf("%x", string(e))
	case s.Interval:
		n := s.Key.size()
		v := Value{typ: s.Key[0]}
		copy(v.from[:], e[:n])
		copy(v.to[:], e[n:])
		return v.String()
	case s.VMap:
		key, verdict := s.Split(e)
		return s.keyText(key) + " : " + verdict.String()
	}
	return s.keyText(e)
}

func (s Set) keyText(key Element) string {
	text := ""
	for i, t := range s.Key {
		if i > 0 {
			text += " . "
		}
		v := Value{typ: t}
		copy(v.from[:t.spec().size], key)
		v.from = wire(t, v.from)
		v.to = v.from
		text += v.String()
		if i < len(s.Key)-1 {
			key = key[t.padded():]
		}
	}
	return text
}
