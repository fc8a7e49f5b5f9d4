package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// What follows reads the kernel's messages: struct nfgenmsg and attributes, as
// NFT_MSG_GET* answers, echoes and events carry them. Input that is cut short or nonsense
// gives an error or what could be read, never a panic.

// Header is the part that all of nf_tables' messages share.
type Header struct {
	// Type is one of NFT_MSG_NEWTABLE, …, without the subsystem's number.
	Type uint16
	// Inet is true for objects of family inet.
	Inet bool
	// Table names the table. It is the first attribute of every object (NFTA_TABLE_NAME,
	// NFTA_CHAIN_TABLE, … are all 1); messages about no table have none.
	Table string
}

// ParseHeader reads a message's type, from its nlmsghdr, and its payload.
func ParseHeader(typ uint16, payload []byte) (Header, error) {
	if typ>>8 != unix.NFNL_SUBSYS_NFTABLES || len(payload) < nfgenmsgSize {
		return Header{}, errors.New("no nf_tables message")
	}
	h := Header{Type: typ & 0xff, Inet: payload[0] == unix.NFPROTO_INET}
	if h.Type == unix.NFT_MSG_NEWGEN {
		return h, nil
	}
	for typ, v := range attributesOf(payload[nfgenmsgSize:]) {
		if typ == unix.NFTA_TABLE_NAME {
			h.Table = str(v)
			break
		}
	}
	return h, nil
}

// attributesOf goes through attributes until one does not fit.
func attributesOf(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofNlAttr {
			n := int(binary.NativeEndian.Uint16(b))
			typ := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if n < unix.SizeofNlAttr || n > len(b) || !yield(typ, b[unix.SizeofNlAttr:n]) {
				return
			}
			b = b[min((n+3)&^3, len(b)):]
		}
	}
}

func body(payload []byte) iter.Seq2[uint16, []byte] {
	if len(payload) < nfgenmsgSize {
		payload = make([]byte, nfgenmsgSize)
	}
	return attributesOf(payload[nfgenmsgSize:])
}

func str(v []byte) string { return strings.TrimRight(string(v), "\x00") }

func u32(v []byte) uint32 {
	if len(v) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

func u64(v []byte) uint64 {
	if len(v) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

// ParseDormant says whether a table is switched off.
func ParseDormant(payload []byte) bool {
	for typ, v := range body(payload) {
		if typ == unix.NFTA_TABLE_FLAGS {
			return u32(v)&tableDormant != 0
		}
	}
	return false
}

// tableDormant is NFT_TABLE_F_DORMANT.
const tableDormant = 1

// ParseChain reads a chain's name and base.
func ParseChain(payload []byte) (name string, base *Base, err error) {
	var b Base
	hooked := false
	for typ, v := range body(payload) {
		switch typ {
		case unix.NFTA_CHAIN_NAME:
			name = str(v)
		case unix.NFTA_CHAIN_TYPE:
			b.Type = ChainType(str(v))
		case unix.NFTA_CHAIN_POLICY:
			b.Policy = Verdict{kind: verdictKind(u32(v))}
		case unix.NFTA_CHAIN_HOOK:
			hooked = true
			for typ, v := range attributesOf(v) {
				switch typ {
				case unix.NFTA_HOOK_HOOKNUM:
					b.Hook = Hook(u32(v))
				case unix.NFTA_HOOK_PRIORITY:
					b.Priority = int(int32(u32(v)))
				}
			}
		}
	}
	if name == "" {
		return "", nil, errors.New("a chain without name")
	}
	if hooked {
		base = &b
	}
	return name, base, nil
}

// ParseRule reads a rule's place and, from its userdata, its hash; a rule that this
// package has not written has none, and a zero Hash.
func ParseRule(payload []byte) (chain string, handle uint64, hash Hash, err error) {
	for typ, v := range body(payload) {
		switch typ {
		case unix.NFTA_RULE_CHAIN:
			chain = str(v)
		case unix.NFTA_RULE_HANDLE:
			handle = u64(v)
		case unix.NFTA_RULE_USERDATA:
			hash = hashIn(v)
		}
	}
	if chain == "" || handle == 0 {
		return "", 0, Hash{}, errors.New("a rule without chain or handle")
	}
	return chain, handle, hash, nil
}

// ParseHandle reads only the handle of a rule, as its echo tells it.
func ParseHandle(payload []byte) uint64 {
	for typ, v := range body(payload) {
		if typ == unix.NFTA_RULE_HANDLE {
			return u64(v)
		}
	}
	return 0
}

func hashIn(notes []byte) (h Hash) {
	for len(notes) >= 2 && len(notes) >= 2+int(notes[1]) {
		if n := int(notes[1]); notes[0] == noteHash && n == len(h) {
			copy(h[:], notes[2:2+n])
		}
		notes = notes[2+int(notes[1]):]
	}
	return h
}

// ErrForeign is returned for a set of a kind that this package does not write.
var ErrForeign = errors.New("a set that is not of our making")

// ParseSet reads a set's description. Anonymous sets belong to their rules, and give an
// empty name; of one that is ErrForeign the name is told all the same.
func ParseSet(payload []byte) (Set, error) {
	var s Set
	var flags, keyType, keyLen, dataType uint32
	for typ, v := range body(payload) {
		switch typ {
		case unix.NFTA_SET_NAME:
			s.Name = str(v)
		case unix.NFTA_SET_FLAGS:
			flags = u32(v)
		case unix.NFTA_SET_KEY_TYPE:
			keyType = u32(v)
		case unix.NFTA_SET_KEY_LEN:
			keyLen = u32(v)
		case unix.NFTA_SET_DATA_TYPE:
			dataType = u32(v)
		}
	}
	if flags&unix.NFT_SET_ANONYMOUS != 0 {
		return Set{}, nil
	}
	if s.Name == "" {
		return s, errors.New("a set without name")
	}
	var ok bool
	s.Key, ok = keyFromID(keyType)
	s.Interval = flags&unix.NFT_SET_INTERVAL != 0
	s.VMap = flags&unix.NFT_SET_MAP != 0
	foreign := flags&^(unix.NFT_SET_INTERVAL|unix.NFT_SET_MAP) != 0 ||
		s.VMap && dataType != unix.NFT_DATA_VERDICT
	if !ok || foreign || s.Err() != nil || int(keyLen) != s.Key.size() {
		return s, fmt.Errorf("set %s: %w", s.Name, ErrForeign)
	}
	return s, nil
}

// end marks, in what ParseElements collects for an interval set, the end of an interval.
const endMark = "\xff"

// ParseElements adds the elements of one message to those of a set. An interval set's
// become whole only by Intervals, at the end of the dump.
func ParseElements(s Set, payload []byte, into []Element) []Element {
	for typ, v := range body(payload) {
		if typ != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			continue
		}
		for _, v := range attributesOf(v) {
			if e, ok := parseElement(s, v); ok {
				into = append(into, e)
			}
		}
	}
	return into
}

func parseElement(s Set, b []byte) (Element, bool) {
	var key Element
	var verdict Verdict
	end := false
	for typ, v := range attributesOf(b) {
		switch typ {
		case unix.NFTA_SET_ELEM_KEY:
			for typ, v := range attributesOf(v) {
				if typ == unix.NFTA_DATA_VALUE {
					key = Element(v)
				}
			}
		case unix.NFTA_SET_ELEM_FLAGS:
			end = u32(v)&unix.NFT_SET_ELEM_INTERVAL_END != 0
		case unix.NFTA_SET_ELEM_DATA:
			verdict = parseVerdict(v)
		}
	}
	switch {
	case len(key) != s.Key.size():
		return "", false
	case s.VMap:
		return key.To(verdict), true
	case end:
		return key + endMark, true
	}
	return key, true
}

func parseVerdict(b []byte) (verdict Verdict) {
	for typ, v := range attributesOf(b) {
		if typ != unix.NFTA_DATA_VERDICT {
			continue
		}
		for typ, v := range attributesOf(v) {
			switch typ {
			case unix.NFTA_VERDICT_CODE:
				verdict.kind = verdictKind(int32(u32(v)))
			case unix.NFTA_VERDICT_CHAIN:
				verdict.chain = str(v)
			}
		}
	}
	return verdict
}

// Intervals pairs the beginnings and ends of an interval set's elements.
func Intervals(s Set, parts []Element) []Element {
	n := s.Key.size()
	slices.SortFunc(parts, func(a, b Element) int {
		if c := strings.Compare(string(a[:n]), string(b[:n])); c != 0 {
			return c
		}
		return len(b) - len(a) // an end before the beginning of the next
	})
	highest := Element(strings.Repeat("\xff", n))
	var out []Element
	open := Element("")
	for _, p := range parts {
		if open != "" {
			out = append(out, open+predecessor(p[:n]))
			open = ""
		}
		if len(p) == n {
			open = p
		}
	}
	if open != "" {
		out = append(out, open+highest)
	}
	return out
}

func predecessor(key Element) Element {
	b := []byte(key)
	for i := len(b) - 1; i >= 0; i-- {
		b[i]--
		if b[i] != 0xff {
			break
		}
	}
	return Element(b)
}

// Get is a request for objects of a table: chains, rules or sets, by the message type
// NFT_MSG_GETCHAIN, … or, with the set's name, its elements. The kernel answers with a
// dump. It knows no request for the chains of one table only: others' come along.
func Get(typ uint16, table, set string, seq uint32) []byte {
	b := &Batch{table: table, next: seq}
	b.open(typ, unix.NLM_F_DUMP)
	if typ != unix.NFT_MSG_GETCHAIN {
		b.text(unix.NFTA_TABLE_NAME, table)
	}
	if set != "" {
		b.text(unix.NFTA_SET_ELEM_LIST_SET, set)
	}
	b.close()
	return b.b
}

// GetGeneration is a request for the number of the namespace's present ruleset.
func GetGeneration(seq uint32) []byte {
	b := &Batch{next: seq}
	b.open(unix.NFT_MSG_GETGEN, 0)
	b.close()
	return b.b
}

// ParseGeneration reads the answer to GetGeneration.
func ParseGeneration(payload []byte) uint32 {
	for typ, v := range body(payload) {
		if typ == unix.NFTA_GEN_ID {
			return u32(v)
		}
	}
	return 0
}
