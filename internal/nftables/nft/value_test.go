package nft

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"pgregory.net/rapid"
)

// contains says whether a value, taken as a range of ports, holds n.
func contains(v Value, n uint16) bool {
	return binary.BigEndian.Uint16(v.from[:2]) <= n && n <= binary.BigEndian.Uint16(v.to[:2])
}

// TestUnion: the union holds the same ports as the values, sorted, with a gap between any
// two.
func TestUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []Value
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			first := rapid.Uint32Range(0, 30).Draw(t, "first")
			last := first + rapid.Uint32Range(0, 5).Draw(t, "length")
			if rapid.IntRange(0, 9).Draw(t, "end") == 0 {
				first, last = 65530, 65535
			}
			v, err := Nums(first, last).as(TypeService)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		joined := union(values)
		ranges := slices.ContainsFunc(values, func(v Value) bool { return !v.single() })
		for n := range 1 << 16 {
			in := func(v Value) bool { return contains(v, uint16(n)) }
			if slices.ContainsFunc(values, in) != slices.ContainsFunc(joined, in) {
				t.Fatalf("%d: in %v or in %v", n, values, joined)
			}
		}
		for i := 1; i < len(joined); i++ {
			if bytes.Compare(joined[i-1].to[:], joined[i].from[:]) >= 0 || ranges && joined[i-1].reaches(joined[i]) {
				t.Fatalf("%v", joined)
			}
		}
	})
}

// TestPrefixOfRange: a range is a prefix if and only if netip says so.
func TestPrefixOfRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
		raw := rapid.SliceOfN(rapid.Byte(), f.Bits()/8, f.Bits()/8).Draw(t, "address")
		a, _ := netip.AddrFromSlice(raw)
		p, _ := a.Prefix(rapid.IntRange(0, f.Bits()).Draw(t, "length"))
		v := Net(p)
		if got, ok := v.prefix(f.Bits() / 8); !ok || got != p.Bits() {
			t.Fatalf("%s: %d, %v", p, got, ok)
		}
		if text := v.String(); !v.single() && text != p.String() || v.single() && text != p.Addr().String() {
			t.Fatalf("%s: %s", p, text)
		}
		// One address more is no prefix, unless it is twice as many.
		if next, ok := successor(v.to, f.Bits()/8); ok && !v.single() {
			v.to = next
			if _, ok := v.prefix(f.Bits() / 8); ok {
				t.Fatalf("%s is a prefix", v)
			}
		}
	})
}

func TestSuccessor(t *testing.T) {
	for _, c := range []struct {
		key, next []byte
		ok        bool
	}{
		{[]byte{1, 2, 3, 4}, []byte{1, 2, 3, 5}, true},
		{[]byte{1, 2, 255, 255}, []byte{1, 3, 0, 0}, true},
		{[]byte{255, 255, 255, 255}, []byte{0, 0, 0, 0}, false},
	} {
		var key [16]byte
		copy(key[:], c.key)
		next, ok := successor(key, 4)
		if !bytes.Equal(next[:4], c.next) || ok != c.ok {
			t.Errorf("after %v: %v, %v", c.key, next[:4], ok)
		}
		if ok && predecessor(Element(next[:4])) != Element(c.key) {
			t.Errorf("before %v: %x", next[:4], predecessor(Element(next[:4])))
		}
	}
}

// TestElementText: elements of every kind of set read as nft would have them written.
func TestElementText(t *testing.T) {
	ifname, v4 := KeyOf(TypeIfName), KeyOf(TypeIPv4Addr)
	own := KeyOf(TypeIfName, TypeIPv6Addr)
	ports := KeyOf(TypeIPv4Addr, TypeProto, TypeService)
	must := func(e Element, err error) Element {
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		set  Set
		e    Element
		want string
	}{
		{Set{Key: v4}, AddrElement(netip.MustParseAddr("10.0.0.1")), `10.0.0.1`},
		{Set{Key: v4}, AddrElement(netip.MustParseAddr("::ffff:10.0.0.1")), `10.0.0.1`},
		{Set{Key: v4, Interval: true}, PrefixElement(netip.MustParsePrefix("10.0.0.0/8")), `10.0.0.0/8`},
		{Set{Key: v4, Interval: true}, PrefixElement(netip.MustParsePrefix("0.0.0.0/0")), `0.0.0.0/0`},
		{Set{Key: KeyOf(TypeIPv6Addr), Interval: true}, PrefixElement(netip.MustParsePrefix("::/0")), `::/0`},
		{Set{Key: ports}, must(ports.Element(addr("10.0.0.1"), Num(6), Num(80))), `10.0.0.1 . tcp . 80`},
		{Set{Key: own}, must(own.Element(Iface("cali1"), addr("fd00::1"))), `"cali1" . fd00::1`},
		{Set{Key: KeyOf(TypeMark)}, must(KeyOf(TypeMark).Element(Num(0x10))), `0x00000010`},
		{Set{Key: ifname, VMap: true}, must(ifname.Element(Iface("cali1"))).To(Goto("x")), `"cali1" : goto x`},
		{Set{Key: ifname, VMap: true}, must(ifname.Element(Iface("cali1"))).To(Drop()), `"cali1" : drop`},
		{Set{Key: v4}, "x", `78`},
	} {
		if got := c.set.Text(c.e); got != c.want {
			t.Errorf("%s: %s, want %s", c.set, got, c.want)
		}
		if c.e != "x" && !c.set.Fits(c.e) {
			t.Errorf("%s does not fit %s", c.want, c.set)
		}
	}
	for _, bad := range [][]Value{{}, {net("10.0.0.0/8")}, {addr("fd00::1")}, {Num(1)}, {addr("10.0.0.1"), Num(1)}} {
		if e, err := v4.Element(bad...); err == nil {
			t.Errorf("%v gives the element %x", bad, string(e))
		}
	}
}

func TestSetErr(t *testing.T) {
	for _, s := range []Set{
		{Name: "no key"},
		{Name: "too long", Key: KeyOf(1, 1, 1, 1, 1, 1)},
		{Name: "no such type", Key: KeyOf(99)},
		{Name: "interval of names", Key: KeyOf(TypeIfName), Interval: true},
		{Name: "interval of several", Key: KeyOf(TypeIPv4Addr, TypeService), Interval: true},
		{Name: "interval map", Key: KeyOf(TypeIPv4Addr), Interval: true, VMap: true},
	} {
		if s.Err() == nil {
			t.Errorf("%s: no error", s.Name)
		}
	}
	if err := (Set{Name: "s", Key: Fields(IIfName, SAddr(family.V6)).Key()}).Err(); err != nil {
		t.Error(err)
	}
}

// TestKeyID: nft's number of a key type leads back to it.
func TestKeyID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := Key(rapid.SliceOfN(rapid.Map(rapid.Uint8Range(uint8(TypeIfName), uint8(TypeInteger)), func(n uint8) Type { return Type(n) }), 1, 5).Draw(t, "key"))
		if got, ok := keyFromID(key.id()); !ok || !got.Equal(key) {
			t.Fatalf("%s: %#x leads to %s", key, key.id(), got)
		}
	})
	if key, ok := keyFromID(63); ok {
		t.Errorf("63 is %s", key)
	}
}
