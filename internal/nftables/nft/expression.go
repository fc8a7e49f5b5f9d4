package nft

import (
	"github.com/margay-net/margay/internal/family"
	"golang.org/x/sys/unix"
)

// encoder writes the expressions of one rule. What it writes is what nft writes for the
// rule's text, down to the dependencies that nft adds before a field: the packet's family
// before a header of that family, the protocol before an ICMP header.
type encoder struct {
	attributes
	// anonymous announces a set that only this rule uses; it returns the set's number in
	// the batch.
	anonymous func(set anonymousSet) uint32
	nfproto   byte
	l4proto   byte
}

// anonymousSet is a set, or verdict map, without a name.
type anonymousSet struct {
	typ    Type
	values []Value
	cases  []Case
}

// register is the n-th 32-bit register; a value takes as many of them as it needs.
func register(n int) uint32 { return uint32(unix.NFT_REG32_00 + n) }

// Masks and comparisons (nf_tables.h, enum nft_cmp_ops).
const (
	equal    = unix.NFT_CMP_EQ
	notEqual = unix.NFT_CMP_NEQ
)

// expression opens an expression; the function that it returns closes it.
func (e *encoder) expression(name string) func() {
	element := e.nest(unix.NFTA_LIST_ELEM)
	e.text(unix.NFTA_EXPR_NAME, name)
	data := e.nest(unix.NFTA_EXPR_DATA)
	return func() {
		e.end(data)
		e.end(element)
	}
}

// need establishes what a field takes for granted: nfproto before a header of a family,
// and the protocol before the header of one.
func (e *encoder) need(f Field) {
	s := f.spec()
	// An explicit look at the protocol before an ICMP field is enough for nft.
	ofProtocol := s.from.l4 != 0 && e.l4proto == s.from.l4
	if s.from.kind == loadPayload && f.Family() != 0 && !ofProtocol {
		e.needFamily(f.Family())
	}
	if s.from.l4 != 0 && !ofProtocol {
		e.load(L4Proto, 0)
		e.compare(equal, 0, []byte{s.from.l4})
		e.l4proto = s.from.l4
	}
}

func (e *encoder) needFamily(f family.Family) {
	want := protocolOf(f).nfproto
	if e.nfproto == want {
		return
	}
	e.load(NFProto, 0)
	e.compare(equal, 0, []byte{want})
	e.nfproto = want
}

// load brings a field into a register.
func (e *encoder) load(f Field, reg int) {
	s := f.spec()
	if s.from.kind == loadPayload {
		e.loadPayload(s.from, reg, s.typ.spec().size)
		return
	}
	if s.from.kind == loadMeta {
		defer e.expression("meta")()
		e.u32(unix.NFTA_META_DREG, register(reg))
		e.u32(unix.NFTA_META_KEY, s.from.key)
		return
	}
	defer e.expression("ct")()
	e.u32(unix.NFTA_CT_DREG, register(reg))
	e.u32(unix.NFTA_CT_KEY, s.from.key)
	if s.from.kind == loadCTOriginal {
		e.bytes(unix.NFTA_CT_DIRECTION, []byte{0}) // IP_CT_DIR_ORIGINAL
	}
}

func (e *encoder) loadPayload(from source, reg, size int) {
	defer e.expression("payload")()
	e.u32(unix.NFTA_PAYLOAD_DREG, register(reg))
	e.u32(unix.NFTA_PAYLOAD_BASE, from.key)
	e.u32(unix.NFTA_PAYLOAD_OFFSET, from.offset)
	e.u32(unix.NFTA_PAYLOAD_LEN, uint32(size))
}

func (e *encoder) compare(op uint32, reg int, value []byte) {
	defer e.expression("cmp")()
	e.u32(unix.NFTA_CMP_SREG, register(reg))
	e.u32(unix.NFTA_CMP_OP, op)
	e.data(unix.NFTA_CMP_DATA, value)
}

func (e *encoder) notInRange(reg int, first, last []byte) {
	defer e.expression("range")()
	e.u32(unix.NFTA_RANGE_SREG, register(reg))
	e.u32(unix.NFTA_RANGE_OP, unix.NFT_RANGE_NEQ)
	e.data(unix.NFTA_RANGE_FROM_DATA, first)
	e.data(unix.NFTA_RANGE_TO_DATA, last)
}

// bitwise computes register = register & mask ^ xor.
func (e *encoder) bitwise(reg int, mask, xor []byte) {
	defer e.expression("bitwise")()
	e.u32(unix.NFTA_BITWISE_SREG, register(reg))
	e.u32(unix.NFTA_BITWISE_DREG, register(reg))
	e.u32(unix.NFTA_BITWISE_LEN, uint32(len(mask)))
	e.data(unix.NFTA_BITWISE_MASK, mask)
	e.data(unix.NFTA_BITWISE_XOR, xor)
}

// lookup looks a register up in a set. A verdict map's result goes to the verdict register.
func (e *encoder) lookup(reg int, set string, id uint32, negate, verdict bool) {
	defer e.expression("lookup")()
	e.text(unix.NFTA_LOOKUP_SET, set)
	e.u32(unix.NFTA_LOOKUP_SREG, register(reg))
	if verdict {
		e.u32(unix.NFTA_LOOKUP_DREG, unix.NFT_REG_VERDICT)
	}
	if id != 0 {
		e.u32(unix.NFTA_LOOKUP_SET_ID, id)
	}
	if negate {
		e.u32(unix.NFTA_LOOKUP_FLAGS, unix.NFT_LOOKUP_F_INV)
	}
}

func (e *encoder) immediate(reg int, value []byte) {
	defer e.expression("immediate")()
	e.u32(unix.NFTA_IMMEDIATE_DREG, register(reg))
	e.data(unix.NFTA_IMMEDIATE_DATA, value)
}
