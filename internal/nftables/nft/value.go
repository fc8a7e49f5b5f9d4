package nft

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"go4.org/netipx"
)

// Value is what a field is compared with: one value, or a range of them. Make one with
// Addr, Net, AddrRange, Iface, Num or Nums.
type Value struct {
	// typ is 0 for a number until a field says what it counts.
	typ Type
	// from and to are the first and the last value, left-aligned, in network byte order;
	// numbers that nothing has claimed yet take four bytes.
	from, to [16]byte
	// wild is true for an interface name that is only a prefix.
	wild bool
}

// Addr is one address.
func Addr(a netip.Addr) Value {
	a = a.Unmap().WithZone("")
	v := Value{typ: addrType(family.Of(a))}
	copy(v.from[:], a.AsSlice())
	v.to = v.from
	return v
}

// Net is all addresses of a prefix.
func Net(p netip.Prefix) Value {
	r := netipx.RangeOfPrefix(p)
	return AddrRange(r.From(), r.To())
}

// AddrRange is all addresses between two of one family, both included.
func AddrRange(first, last netip.Addr) Value {
	v := Addr(first)
	v.to = Addr(last).from
	return v
}

// Iface is an interface name, or with a trailing '*' all names that begin so. A name of
// more than 15 bytes is nobody's name: the rule that holds it is refused (Rule.Err).
func Iface(name string) Value {
	v := Value{typ: TypeIfName}
	name, v.wild = strings.CutSuffix(name, "*")
	if len(name) > 15 || name == "" {
		return Value{}
	}
	copy(v.from[:], name)
	v.to = v.from
	return v
}

// Num is a number: a port, a protocol, an ICMP type, a mark. The field it is compared
// with decides its width.
func Num(n uint32) Value { return Nums(n, n) }

// Nums is a range of numbers, both ends included.
func Nums(first, last uint32) Value {
	var v Value
	binary.BigEndian.PutUint32(v.from[:], first)
	binary.BigEndian.PutUint32(v.to[:], last)
	return v
}

func addrType(f family.Family) Type {
	switch f {
	case family.V4:
		return TypeIPv4Addr
	case family.V6:
		return TypeIPv6Addr
	}
	return 0
}

// as fits a value to a field's type.
func (v Value) as(t Type) (Value, error) {
	if v.typ == t {
		if bytes.Compare(v.from[:], v.to[:]) > 0 {
			return v, fmt.Errorf("%s: the range is empty", v)
		}
		return v, nil
	}
	if v.typ != 0 || isText(t) {
		return v, fmt.Errorf("%s is no %s", v, t)
	}
	size := t.spec().size
	first, last := binary.BigEndian.Uint32(v.from[:]), binary.BigEndian.Uint32(v.to[:])
	if uint64(last)>>(8*size) != 0 || first > last {
		return v, fmt.Errorf("%s is no %s", v, t)
	}
	fitted := Value{typ: t}
	putNum(fitted.from[:], size, first)
	putNum(fitted.to[:], size, last)
	return fitted, nil
}

// isText says whether a type has values that are no plain numbers.
func isText(t Type) bool { return t == TypeIfName || t == TypeIPv4Addr || t == TypeIPv6Addr }

// putNum writes the low size bytes of n, most significant first.
func putNum(b []byte, size int, n uint32) {
	for i := size - 1; i >= 0; i-- {
		b[i] = byte(n)
		n >>= 8
	}
}

func num(b []byte) uint32 {
	var n uint32
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}

// single says whether the value is one value and not a range.
func (v Value) single() bool { return v.from == v.to && !v.wild }

// wire is the value's first or last key as the kernel holds it: numbers that the kernel
// loads in its own byte order are turned.
func wire(t Type, key [16]byte) [16]byte {
	s := t.spec()
	if s.host && t != TypeIfName && s.size > 1 {
		slices.Reverse(key[:s.size])
		if hostIsBig() {
			slices.Reverse(key[:s.size])
		}
	}
	return key
}

func hostIsBig() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

// String prints a value as nft writes it.
func (v Value) String() string {
	switch v.typ {
	case 0:
		return numText(binary.BigEndian.Uint32(v.from[:]), binary.BigEndian.Uint32(v.to[:]))
	case TypeIfName:
		return v.ifaceText()
	case TypeIPv4Addr, TypeIPv6Addr:
		return v.addrText()
	case TypeProto:
		if v.single() {
			return protoText(uint32(v.from[0]))
		}
	case TypeNFProto:
		return nfprotoText(v.from[0])
	case TypeMark:
		return fmt.Sprintf("0x%08x", num(v.from[:4]))
	case TypeCTState:
		return State(num(v.from[:4])).String()
	case TypeCTStatus:
		return Status(num(v.from[:4])).String()
	}
	size := v.typ.spec().size
	return numText(num(v.from[:size]), num(v.to[:size]))
}

func numText(first, last uint32) string {
	text := strconv.FormatUint(uint64(first), 10)
	if first != last {
		text += "-" + strconv.FormatUint(uint64(last), 10)
	}
	return text
}

func (v Value) ifaceText() string {
	name := string(bytes.TrimRight(v.from[:], "\x00"))
	if v.wild {
		name += "*"
	}
	return strconv.Quote(name)
}

// addrText prints a range as a prefix where it is one.
func (v Value) addrText() string {
	size := v.typ.spec().size
	from, _ := netip.AddrFromSlice(v.from[:size])
	to, _ := netip.AddrFromSlice(v.to[:size])
	if from == to {
		return from.String()
	}
	if p, ok := netipx.IPRangeFrom(from, to).Prefix(); ok {
		return p.String()
	}
	return from.String() + "-" + to.String()
}

// protoText uses the names that every nft knows, so that a reader sees "tcp" and not 6.
func protoText(n uint32) string {
	switch n {
	case 1:
		return "icmp"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 58:
		return "ipv6-icmp"
	case 132:
		return "sctp"
	case 136:
		return "udplite"
	}
	return strconv.FormatUint(uint64(n), 10)
}

func nfprotoText(n byte) string {
	for _, f := range family.All() {
		if protocolOf(f).nfproto == n {
			return strings.ToLower(f.String())
		}
	}
	return strconv.Itoa(int(n))
}

// union sorts values, and joins those that overlap or touch, so that one set of values
// has one form. An interval set in the kernel must not hold overlaps, and nft joins the
// ranges of an anonymous set in the same way.
func union(values []Value) []Value {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b Value) int {
		if c := bytes.Compare(a.from[:], b.from[:]); c != 0 {
			return c
		}
		return bytes.Compare(b.to[:], a.to[:])
	})
	ranges := slices.ContainsFunc(sorted, func(v Value) bool { return !v.single() })
	out := sorted[:0]
	for _, v := range sorted {
		if n := len(out); n > 0 && (out[n-1] == v || ranges && out[n-1].reaches(v)) {
			if bytes.Compare(out[n-1].to[:], v.to[:]) < 0 {
				out[n-1].to = v.to
			}
			continue
		}
		out = append(out, v)
	}
	return out
}

// reaches says whether w, which does not begin before v, overlaps or directly follows it.
func (v Value) reaches(w Value) bool {
	if bytes.Compare(w.from[:], v.to[:]) <= 0 {
		return true
	}
	next, ok := successor(v.to, v.typ.spec().size)
	return ok && next == w.from
}

// successor is the key after this one; ok is false after the last.
func successor(key [16]byte, size int) (next [16]byte, ok bool) {
	for i := size - 1; i >= 0; i-- {
		key[i]++
		if key[i] != 0 {
			return key, true
		}
	}
	return key, false
}
