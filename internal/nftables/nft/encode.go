package nft

import (
	"encoding/binary"
	"math/bits"

	"github.com/margay-net/margay/internal/family"
	"golang.org/x/sys/unix"
)

func (m Match) encode(e *encoder) {
	for _, f := range m.fields {
		e.need(f)
	}
	switch m.test {
	case testIs, testNot:
		e.compareField(m)
	case testIn, testNotIn, testVMap:
		reg := 0
		for _, f := range m.fields {
			e.load(f, reg)
			reg += f.Type().padded() / 4
		}
		e.lookup(0, m.set, 0, m.test == testNotIn, m.test == testVMap)
	case testCases:
		e.load(m.fields[0], 0)
		e.lookup(0, mapName, e.anonymous(anonymousSet{typ: m.fields[0].Type(), cases: m.cases}), false, true)
	case testAny, testNone, testMasked:
		e.compareBits(m)
	}
	e.learn(m)
}

// learn notes what is known about the packet after the match.
func (e *encoder) learn(m Match) {
	for _, f := range m.fields {
		switch one := m.test == testIs && len(m.values) == 1; {
		case f == L4Proto && one:
			e.l4proto = m.values[0].from[0]
		case f == NFProto && one:
			e.nfproto = m.values[0].from[0]
		}
	}
}

// compareField compares one field with one value, one range, or an anonymous set.
func (e *encoder) compareField(m Match) {
	f, negate := m.fields[0], m.test == testNot
	if m.anonymous() {
		e.load(f, 0)
		e.lookup(0, setName, e.anonymous(anonymousSet{typ: f.Type(), values: m.values}), negate, false)
		return
	}
	op := uint32(equal)
	if negate {
		op = notEqual
	}
	v, t := m.values[0], f.Type()
	first, last := wire(t, v.from), wire(t, v.to)
	size := t.spec().size
	length, isPrefix := v.prefix(size)
	switch {
	case v.wild:
		e.load(f, 0)
		e.compare(op, 0, first[:clen(first)])
	case v.single():
		e.load(f, 0)
		e.compare(op, 0, first[:size])
	case isPrefix && isText(t):
		e.comparePrefix(f, op, first[:size], length)
	case negate:
		e.load(f, 0)
		e.notInRange(0, first[:size], last[:size])
	default:
		e.load(f, 0)
		e.compare(unix.NFT_CMP_GTE, 0, first[:size])
		e.compare(unix.NFT_CMP_LTE, 0, last[:size])
	}
}

// comparePrefix loads only the bytes that count, where the prefix ends at a byte.
func (e *encoder) comparePrefix(f Field, op uint32, first []byte, length int) {
	if from := f.spec().from; from.kind == loadPayload && length > 0 && length%8 == 0 {
		e.loadPayload(from, 0, length/8)
		e.compare(op, 0, first[:length/8])
		return
	}
	e.load(f, 0)
	mask := make([]byte, len(first))
	for i := range length {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	e.bitwise(0, mask, make([]byte, len(mask)))
	e.compare(op, 0, first)
}

// prefix says whether a range is all of a prefix, and how long that is.
func (v Value) prefix(size int) (length int, ok bool) {
	for i := range size {
		differ := v.from[i] ^ v.to[i]
		if differ == 0 {
			length += 8
			continue
		}
		length += bits.LeadingZeros8(differ)
		// From here on the first must be all zeros and the last all ones.
		if tail := byte(0xff) >> bits.LeadingZeros8(differ); v.from[i]&tail != 0 || v.to[i]&tail != tail {
			return 0, false
		}
		for j := i + 1; j < size; j++ {
			if v.from[j] != 0 || v.to[j] != 0xff {
				return 0, false
			}
		}
		return length, true
	}
	return length, true
}

// compareBits looks at some bits of a field that the kernel keeps in its own byte order.
func (e *encoder) compareBits(m Match) {
	e.load(m.fields[0], 0)
	e.bitwise(0, native(m.mask), native(0))
	switch m.test {
	case testAny:
		e.compare(notEqual, 0, native(0))
	case testNone:
		e.compare(equal, 0, native(0))
	case testMasked:
		e.compare(equal, 0, native(m.bits))
	}
}

func native(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// clen is the length of a zero-padded string.
func clen(b [16]byte) int {
	for i, c := range b {
		if c == 0 {
			return i
		}
	}
	return len(b)
}

func (v Verdict) encode(e *encoder) {
	defer e.expression("immediate")()
	e.u32(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT)
	e.verdict(unix.NFTA_IMMEDIATE_DATA, v)
}

func (Counter) encode(e *encoder) {
	defer e.expression("counter")()
	e.u64(unix.NFTA_COUNTER_BYTES, 0)
	e.u64(unix.NFTA_COUNTER_PACKETS, 0)
}

func (l Log) encode(e *encoder) {
	defer e.expression("log")()
	if l.Prefix != "" {
		e.text(unix.NFTA_LOG_PREFIX, comment(l.Prefix))
	}
	if l.Group != 0 {
		e.u16(unix.NFTA_LOG_GROUP, l.Group)
	}
}

func (l Limit) encode(e *encoder) {
	defer e.expression("limit")()
	flags := uint32(0)
	if l.Over {
		flags = unix.NFT_LIMIT_F_INV
	}
	e.u64(unix.NFTA_LIMIT_RATE, l.Rate)
	e.u64(unix.NFTA_LIMIT_UNIT, uint64(max(l.Per, Second)))
	e.u32(unix.NFTA_LIMIT_BURST, l.Burst)
	e.u32(unix.NFTA_LIMIT_TYPE, unix.NFT_LIMIT_PKTS)
	e.u32(unix.NFTA_LIMIT_FLAGS, flags)
}

// ports loads a range of ports into two registers, and says what to tell the NAT
// expression about it.
func (e *encoder) ports(r PortRange, reg int) (flags uint32) {
	if r == (PortRange{}) {
		return 0
	}
	e.immediate(reg, binary.BigEndian.AppendUint16(nil, r.First))
	if r.Last != r.First {
		e.immediate(reg+1, binary.BigEndian.AppendUint16(nil, r.Last))
	}
	return unix.NF_NAT_RANGE_PROTO_SPECIFIED
}

// portRegisters says where ports has put the range: the attribute for the first, and the
// one numbered after it for the last.
func (e *encoder) portRegisters(r PortRange, first uint16, reg int) {
	if r == (PortRange{}) {
		return
	}
	e.u32(first, register(reg))
	if r.Last != r.First {
		e.u32(first+1, register(reg+1))
	}
}

func natFlags(random bool) uint32 {
	if random {
		return unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY
	}
	return 0
}

func (m Masquerade) encode(e *encoder) {
	flags := e.ports(m.Ports, 0) | natFlags(m.Random)
	defer e.expression("masq")()
	if flags != 0 {
		e.u32(unix.NFTA_MASQ_FLAGS, flags)
	}
	e.portRegisters(m.Ports, unix.NFTA_MASQ_REG_PROTO_MIN, 0)
}

func (n SNAT) encode(e *encoder) {
	const addrRegisters = 4
	e.immediate(0, n.To.Unmap().AsSlice())
	flags := e.ports(n.Ports, addrRegisters) | natFlags(n.Random)
	defer e.expression("nat")()
	e.u32(unix.NFTA_NAT_TYPE, unix.NFT_NAT_SNAT)
	e.u32(unix.NFTA_NAT_FAMILY, uint32(protocolOf(family.Of(n.To)).nfproto))
	e.u32(unix.NFTA_NAT_REG_ADDR_MIN, register(0))
	e.portRegisters(n.Ports, unix.NFTA_NAT_REG_PROTO_MIN, addrRegisters)
	if flags != 0 {
		e.u32(unix.NFTA_NAT_FLAGS, flags)
	}
}

func (m SetMark) encode(e *encoder) {
	if m.Mask == ^uint32(0) {
		e.immediate(0, native(m.Value))
	} else {
		e.load(Mark, 0)
		e.bitwise(0, native(^m.Mask), native(m.Value&m.Mask))
	}
	defer e.expression("meta")()
	e.u32(unix.NFTA_META_KEY, unix.NFT_META_MARK)
	e.u32(unix.NFTA_META_SREG, register(0))
}

func (r Reject) encode(e *encoder) {
	defer e.expression("reject")()
	// nf_tables.h, enum nft_reject_types and enum nft_reject_inet_code.
	typ, code := uint32(unix.NFT_REJECT_ICMPX_UNREACH), byte(unix.NFT_REJECT_ICMPX_PORT_UNREACH)
	switch {
	case r.TCPReset:
		typ, code = unix.NFT_REJECT_TCP_RST, 0
	case r.Admin:
		code = unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED
	}
	e.u32(unix.NFTA_REJECT_TYPE, typ)
	e.bytes(unix.NFTA_REJECT_ICMP_CODE, []byte{code})
}

func (Notrack) encode(e *encoder) { e.expression("notrack")() }
