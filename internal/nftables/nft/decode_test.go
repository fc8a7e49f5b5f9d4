package nft

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// messages splits a batch into its messages' types and payloads.
func messages(b []byte) (types []uint16, payloads [][]byte) {
	for len(b) > 0 {
		n := binary.NativeEndian.Uint32(b)
		types = append(types, binary.NativeEndian.Uint16(b[4:]))
		payloads = append(payloads, b[unix.SizeofNlMsghdr:n])
		b = b[(n+3)&^3:]
	}
	return types, payloads
}

func encode(ops ...Op) (types []uint16, payloads [][]byte) {
	b := NewBatch("calico", 1, nil)
	for _, op := range ops {
		b.Add(op)
	}
	return messages(b.Close())
}

// TestEncodeDecode: what is written can be read.
func TestEncodeDecode(t *testing.T) {
	base := &Base{Type: NAT, Hook: Postrouting, Priority: -7, Policy: Drop()}
	vmap := Set{Name: "m", Key: KeyOf(TypeIfName, TypeIPv6Addr), VMap: true}
	types, payloads := encode(AddChain{Name: "c", Base: base}, AddSet{Set: vmap})
	if types[0] != unix.NFNL_MSG_BATCH_BEGIN || types[3] != unix.NFNL_MSG_BATCH_END {
		t.Errorf("%v", types)
	}
	name, got, err := ParseChain(payloads[1])
	if err != nil || name != "c" || !got.Equal(base) {
		t.Errorf("%s %v %v", name, got, err)
	}
	if s, err := ParseSet(payloads[2]); err != nil || !s.Equal(vmap) {
		t.Errorf("%v %v", s, err)
	}
	h, err := ParseHeader(types[1], payloads[1])
	if err != nil || h != (Header{Type: unix.NFT_MSG_NEWCHAIN, Inet: true, Table: "calico"}) {
		t.Errorf("%+v %v", h, err)
	}
}

// TestUserdata: the hash and the comment go together, whatever the comment.
func TestUserdata(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRule(rapid.String().Draw(t, "comment"), Accept())
		var e encoder
		e.userdata(r, r.Hash())
		if len(e.b) > unix.SizeofNlAttr+256 {
			t.Fatal("longer than NFT_USERDATA_MAXLEN")
		}
		if got := hashIn(e.b[unix.SizeofNlAttr:]); got != r.Hash() {
			t.Fatalf("%v", got)
		}
	})
	if h := hashIn([]byte{noteComment, 4, 'a', 'b', 'c', 0}); h != (Hash{}) {
		t.Error("a comment alone has a hash")
	}
}

// TestElementsRoundTrip: elements of any set, in as many messages as it takes, are the same
// when read back; an interval set's may come in any order.
func TestElementsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
		s := Set{Name: "s", Key: KeyOf(protocolOf(f).addr), Interval: rapid.Bool().Draw(t, "interval")}
		var elements []Element
		if s.Interval && rapid.Bool().Draw(t, "all") {
			elements = append(elements, PrefixElement(f.Any()))
		} else {
			elements = someElements(t, f, s)
		}
		_, payloads := encode(AddElements{Set: s, Elements: elements})
		var got []Element
		for _, p := range payloads[1 : len(payloads)-1] {
			got = ParseElements(s, p, got)
			if len(p) > 1<<16 {
				t.Fatalf("a message of %d bytes", len(p))
			}
		}
		if s.Interval {
			slices.Reverse(got)
			got = Intervals(s, got)
		}
		slices.Sort(got)
		slices.Sort(elements)
		if !slices.Equal(got, elements) {
			t.Fatalf("%d elements, want %d", len(got), len(elements))
		}
	})
}

// someElements draws prefixes that touch but do not overlap, up to the last address.
func someElements(t *rapid.T, f family.Family, s Set) []Element {
	n := rapid.SampledFrom([]int{1, 2, 100, 5000}).Draw(t, "n")
	var out []Element
	last := Net(f.Any()).to
	key, _ := netip.AddrFromSlice(last[:f.Bits()/8])
	for range n {
		e := AddrElement(key)
		if s.Interval {
			e += e
		}
		out = append(out, e)
		key = key.Prev()
	}
	return out
}

func TestIntervals(t *testing.T) {
	s := Set{Name: "s", Key: KeyOf(TypeIPv4Addr), Interval: true}
	at := func(a string) Element { return AddrElement(netip.MustParseAddr(a)) }
	for _, c := range []struct {
		name  string
		parts []Element
		want  string
	}{
		{"nothing", nil, ""},
		{"one", []Element{at("10.0.0.0"), at("11.0.0.0") + endMark}, "10.0.0.0/8"},
		{"nft's leading end", []Element{at("0.0.0.0") + endMark, at("10.0.0.0"), at("11.0.0.0") + endMark}, "10.0.0.0/8"},
		{"two that touch", []Element{at("11.0.0.0"), at("11.0.0.0") + endMark, at("10.0.0.0"), at("12.0.0.0") + endMark}, "10.0.0.0/8 11.0.0.0/8"},
		{"no end", []Element{at("255.0.0.0")}, "255.0.0.0/8"},
		{"everything", []Element{at("0.0.0.0")}, "0.0.0.0/0"},
		{"no prefix", []Element{at("10.0.0.1"), at("10.0.0.9") + endMark}, "10.0.0.1-10.0.0.8"},
	} {
		var texts []string
		for _, e := range Intervals(s, c.parts) {
			texts = append(texts, s.Text(e))
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestPosition: every message of an operation leads back to it, also where a rule brings
// sets along, and where the numbers wrap.
func TestPosition(t *testing.T) {
	for _, first := range []uint32{1, 0xfffffffe} {
		b := NewBatch("calico", first, nil)
		plain := AddRule{Chain: "c", Rule: NewRule("", Drop())}
		sets := AddRule{Chain: "c", Rule: NewRule("", L4Proto.Is(Num(6), Num(17)), DPort.Is(Num(1), Nums(3, 5)), Drop())}
		for _, op := range []Op{plain, sets, plain} {
			b.Add(op)
		}
		b.Close()
		// begin, rule, (set, elements) twice and rule, rule, end
		for i, want := range []int{-1, 0, 1, 1, 1, 1, 1, 2, 2} {
			got, ok := b.Position(first + uint32(i))
			if ok != (want >= 0) || ok && got != want {
				t.Errorf("message %d of %d on: %d, %v", i, first, got, ok)
			}
		}
		if _, ok := b.Position(first - 1); ok {
			t.Error("a number before the batch is in it")
		}
		if _, ok := b.Position(b.Next()); ok {
			t.Error("a number after the batch is in it")
		}
	}
}

func TestForeignSets(t *testing.T) {
	_, payloads := encode(AddSet{Set: Set{Name: "theirs", Key: Key{99}}})
	if s, err := ParseSet(payloads[1]); !errors.Is(err, ErrForeign) || s.Name != "theirs" {
		t.Errorf("%v %v", s, err)
	}
	if _, err := ParseSet(nil); err == nil {
		t.Error("an empty message is a set")
	}
	if _, _, err := ParseChain([]byte{1, 2, 3}); err == nil {
		t.Error("a short message is a chain")
	}
	if _, _, _, err := ParseRule(make([]byte, 4)); err == nil {
		t.Error("an empty message is a rule")
	}
}

// FuzzDecode: no message makes the decoders panic.
func FuzzDecode(f *testing.F) {
	r := NewRule("comment", L4Proto.Is(Num(6), Num(17)), StateCases(StateCase{New, Jump("c")}))
	_, payloads := encode(AddTable{"calico"}, AddChain{Name: "c", Base: &Base{}}, AddRule{Chain: "c", Rule: r, Hash: r.Hash()},
		AddSet{Set: Set{Name: "s", Key: KeyOf(TypeIPv4Addr), Interval: true}},
		AddElements{Set: Set{Name: "s", Key: KeyOf(TypeIPv4Addr), Interval: true}, Elements: []Element{PrefixElement(netip.MustParsePrefix("10.0.0.0/8"))}})
	for _, p := range payloads {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ParseHeader(unix.NFNL_SUBSYS_NFTABLES<<8, b)
		_, _, _ = ParseChain(b)
		_, _, _, _ = ParseRule(b)
		_ = ParseHandle(b)
		_ = ParseGeneration(b)
		_ = ParseDormant(b)
		s, err := ParseSet(b)
		if err != nil {
			s = Set{Name: "s", Key: KeyOf(TypeIPv4Addr), Interval: true}
		}
		for _, e := range Intervals(s, ParseElements(Set{Key: s.Key, Interval: true}, b, nil)) {
			_ = Set{Key: KeyOf(TypeIPv4Addr), Interval: true}.Text(e)
		}
		hashIn(b)
	})
}
