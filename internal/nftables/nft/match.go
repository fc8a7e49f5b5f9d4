package nft

import (
	"errors"
	"fmt"
	"strings"

	"github.com/margay-net/margay/internal/family"
)

// Match is a statement that lets a packet on to the next one, or ends the rule for it.
// A verdict map is a Match too: where the key is in the map, its verdict is the packet's.
type Match struct {
	fields []Field
	test   test
	// values are what one field is compared with; more than one is an anonymous set.
	values []Value
	// bits are looked for in a bit field: all values of mask, compared with bits.
	mask, bits uint32
	// set names the set or map that is looked up.
	set string
	// cases is an anonymous verdict map.
	cases []Case
	err   error
}

type test uint8

const (
	testIs test = iota + 1
	testNot
	testIn
	testNotIn
	testAny
	testNone
	testMasked
	testVMap
	testCases
)

// Case is one entry of an anonymous verdict map.
type Case struct {
	Value   Value
	Verdict Verdict
}

// Concat is a concatenation of fields, to be looked up in one set.
type Concat []Field

// Fields concatenates fields in the order of the set's key.
func Fields(fields ...Field) Concat { return fields }

// Is matches where the field has one of the values. Several values become an anonymous
// set; values that overlap or touch are joined. No value at all is an error of the rule,
// since nft has no empty anonymous set: a rule that matches nothing is one to leave out.
func (f Field) Is(values ...Value) Match { return f.compare(testIs, values) }

// Not matches where the field has none of the values.
func (f Field) Not(values ...Value) Match { return f.compare(testNot, values) }

// In matches where the field's value is in the named set.
func (f Field) In(set string) Match { return Concat{f}.In(set) }

// NotIn matches where the field's value is not in the named set.
func (f Field) NotIn(set string) Match { return Concat{f}.NotIn(set) }

// VMap looks the field up in the named verdict map. Where the key is missing the rule
// goes on.
func (f Field) VMap(name string) Match { return Concat{f}.VMap(name) }

// In matches where the fields' values together are in the named set.
func (c Concat) In(set string) Match { return Match{fields: c, test: testIn, set: set} }

// NotIn matches where the fields' values together are not in the named set.
func (c Concat) NotIn(set string) Match { return Match{fields: c, test: testNotIn, set: set} }

// VMap looks the fields up together in the named verdict map.
func (c Concat) VMap(name string) Match { return Match{fields: c, test: testVMap, set: name} }

// States matches connections in any of the states: ct state established,related.
func States(s State) Match {
	return Match{fields: []Field{CTState}, test: testAny, mask: uint32(s)}
}

// StateCases decides by the state of the connection: ct state vmap { … }. Each case holds
// one state; a state without a case goes on with the rule.
func StateCases(cases ...StateCase) Match {
	m := Match{fields: []Field{CTState}, test: testCases}
	for _, c := range cases {
		v, err := Num(uint32(c.State)).as(TypeCTState)
		m.err = errors.Join(m.err, err)
		m.cases = append(m.cases, Case{v, c.Verdict})
	}
	return m
}

// StateCase says what to do with connections of one state.
type StateCase struct {
	State   State
	Verdict Verdict
}

// HasStatus matches connections that have any of the status bits: ct status snat,dnat.
func HasStatus(s Status) Match {
	return Match{fields: []Field{CTStatus}, test: testAny, mask: uint32(s)}
}

// NoStatus matches connections that have none of the status bits.
func NoStatus(s Status) Match {
	return Match{fields: []Field{CTStatus}, test: testNone, mask: uint32(s)}
}

// MarkIs matches packets whose mark, under the mask, is the value.
func MarkIs(value, mask uint32) Match {
	return Match{fields: []Field{Mark}, test: testMasked, mask: mask, bits: value}
}

// FamilyIs matches packets of one family: meta nfproto ipv4.
func FamilyIs(f family.Family) Match { return NFProto.Is(Num(uint32(protocolOf(f).nfproto))) }

func (f Field) compare(t test, values []Value) Match {
	m := Match{fields: []Field{f}, test: t}
	fitted := make([]Value, 0, len(values))
	for _, v := range values {
		w, err := v.as(f.Type())
		if err != nil {
			m.err = fmt.Errorf("%s: %w", f, err)
			return m
		}
		fitted = append(fitted, w)
	}
	m.values = union(fitted)
	m.err = f.checkValues(m.values)
	return m
}

// checkValues refuses what the kernel could only compare wrongly.
func (f Field) checkValues(values []Value) error {
	if len(values) == 0 {
		return fmt.Errorf("%s: nothing to compare with", f)
	}
	for _, v := range values {
		switch host := f.Type().spec().host; {
		case v.wild && len(values) > 1:
			return fmt.Errorf("%s: %s in a set", f, v)
		case host && v.from != v.to:
			return fmt.Errorf("%s: a range of a number that the kernel keeps in its own byte order", f)
		}
	}
	return nil
}

// anonymous says whether the match holds an anonymous set of values.
func (m Match) anonymous() bool {
	return len(m.values) > 1 && (m.test == testIs || m.test == testNot)
}

// family is the family that a packet must have to pass the match, or 0. A negated match
// implies it as well: nft loads the packet's family first.
func (m Match) family() family.Family {
	for _, f := range m.fields {
		if f.Family() != 0 {
			return f.Family()
		}
		if f == NFProto && m.test == testIs && len(m.values) == 1 {
			return familyOf(m.values[0].from[0])
		}
	}
	return 0
}

func familyOf(nfproto byte) family.Family {
	for _, f := range family.All() {
		if protocolOf(f).nfproto == nfproto {
			return f
		}
	}
	return 0
}

func (m Match) appendText(b []byte) []byte {
	fields := Concat(m.fields).String()
	b = append(b, fields...)
	switch m.test {
	case testIs, testNot:
		if m.test == testNot {
			b = append(b, " !="...)
		}
		return appendValues(append(b, ' '), m.values)
	case testIn:
		return append(b, " @"+m.set...)
	case testNotIn:
		return append(b, " != @"+m.set...)
	case testAny:
		return append(b, " "+m.bitsText(m.mask, ",")...)
	case testNone:
		return append(b, " & ("+m.bitsText(m.mask, "|")+") == 0"...)
	case testMasked:
		return fmt.Appendf(b, " & 0x%08x == 0x%08x", m.mask, m.bits)
	case testVMap:
		return append(b, " vmap @"+m.set...)
	case testCases:
		return appendCases(append(b, " vmap { "...), m.cases)
	}
	return b
}

func (m Match) bitsText(bits uint32, separator string) string {
	text := Status(bits).String()
	if m.fields[0] == CTState {
		text = State(bits).String()
	}
	return strings.ReplaceAll(text, ",", separator)
}

func appendValues(b []byte, values []Value) []byte {
	if len(values) == 1 {
		return append(b, values[0].String()...)
	}
	b = append(b, "{ "...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, v.String()...)
	}
	return append(b, " }"...)
}

func appendCases(b []byte, cases []Case) []byte {
	for i, c := range cases {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, c.Value.String()+" : "+c.Verdict.String()...)
	}
	return append(b, " }"...)
}

// String joins the fields as nft does: "iifname . ip saddr".
func (c Concat) String() string {
	names := make([]string, len(c))
	for i, f := range c {
		names[i] = f.String()
	}
	return strings.Join(names, " . ")
}

// Key is the key type of a set that holds the fields' values.
func (c Concat) Key() Key {
	key := make(Key, len(c))
	for i, f := range c {
		key[i] = f.Type()
	}
	return key
}

// check holds the match against what the rule has looked at before.
func (m Match) check(seen *seen) error {
	if m.err != nil {
		return m.err
	}
	for _, f := range m.fields {
		switch {
		case f == SPort || f == DPort:
			if !seen.l4proto {
				return fmt.Errorf("%s before meta l4proto", f)
			}
		case f == L4Proto:
			seen.l4proto = true
		case f.spec().from.l4 != 0 && seen.l4proto && seen.family == 0:
			// After an explicit protocol nft leaves the family out, and the rule would
			// also match the other family's packets of that number.
			return fmt.Errorf("%s after meta l4proto: match the family first, or leave meta l4proto out", f)
		}
	}
	if own := m.family(); own != 0 {
		if seen.family != 0 && seen.family != own {
			return fmt.Errorf("%s after a match of %s: the rule matches nothing", Concat(m.fields), seen.family)
		}
		seen.family = own
	}
	return nil
}
