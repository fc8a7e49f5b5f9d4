package nft

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// attributes writes netlink attributes one after the other into a buffer that is reused:
// two bytes of length, two of type, the value, and zeros up to a multiple of four.
// Integers are in network byte order, as all of nf_tables' are.
type attributes struct{ b []byte }

func (a *attributes) attribute(typ uint16, size int) {
	a.b = binary.NativeEndian.AppendUint16(a.b, uint16(unix.SizeofNlAttr+size))
	a.b = binary.NativeEndian.AppendUint16(a.b, typ)
}

func (a *attributes) pad() {
	for len(a.b)%4 != 0 {
		a.b = append(a.b, 0)
	}
}

func (a *attributes) u32(typ uint16, v uint32) {
	a.attribute(typ, 4)
	a.b = binary.BigEndian.AppendUint32(a.b, v)
}

func (a *attributes) u64(typ uint16, v uint64) {
	a.attribute(typ, 8)
	a.b = binary.BigEndian.AppendUint64(a.b, v)
}

func (a *attributes) u16(typ uint16, v uint16) {
	a.attribute(typ, 2)
	a.b = binary.BigEndian.AppendUint16(a.b, v)
	a.pad()
}

func (a *attributes) bytes(typ uint16, v []byte) {
	a.attribute(typ, len(v))
	a.b = append(a.b, v...)
	a.pad()
}

// text writes a string with its closing zero.
func (a *attributes) text(typ uint16, s string) {
	a.attribute(typ, len(s)+1)
	a.b = append(append(a.b, s...), 0)
	a.pad()
}

// raw writes a string of bytes without closing zero.
func (a *attributes) raw(typ uint16, s string) {
	a.attribute(typ, len(s))
	a.b = append(a.b, s...)
	a.pad()
}

// nest opens an attribute that holds attributes; end closes it.
func (a *attributes) nest(typ uint16) int {
	start := len(a.b)
	a.attribute(typ|unix.NLA_F_NESTED, 0)
	return start
}

// end closes a nest. Its length has 16 bits: whoever fills one keeps it below 64 kB.
func (a *attributes) end(start int) {
	binary.NativeEndian.PutUint16(a.b[start:], uint16(len(a.b)-start))
}

// data writes a value as the kernel's data attribute: NFTA_DATA_VALUE inside a nest.
func (a *attributes) data(typ uint16, v []byte) {
	nest := a.nest(typ)
	a.bytes(unix.NFTA_DATA_VALUE, v)
	a.end(nest)
}

// dataRaw is data for a value that is a string.
func (a *attributes) dataRaw(typ uint16, v string) {
	nest := a.nest(typ)
	a.raw(unix.NFTA_DATA_VALUE, v)
	a.end(nest)
}

// verdict writes a verdict as data.
func (a *attributes) verdict(typ uint16, v Verdict) {
	nest := a.nest(typ)
	inner := a.nest(unix.NFTA_DATA_VERDICT)
	a.u32(unix.NFTA_VERDICT_CODE, uint32(int32(v.kind)))
	if v.chain != "" {
		a.text(unix.NFTA_VERDICT_CHAIN, v.chain)
	}
	a.end(inner)
	a.end(nest)
}
