package rtnetlink

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Message is one netlink message as received.
type Message struct {
	Type  uint16
	Flags uint16
	Seq   uint32
	Port  uint32 // of the socket that caused it; zero for the kernel itself
	Body  []byte // valid until the next message is read
}

const (
	headerLen = unix.SizeofNlMsghdr
	attrLen   = unix.SizeofRtAttr
)

// each splits what one read returned into messages.
func each(data []byte, fn func(Message) error) error {
	for len(data) >= headerLen {
		length := int(binary.NativeEndian.Uint32(data))
		if length < headerLen || length > len(data) {
			return errTruncated
		}
		m := Message{
			Type:  binary.NativeEndian.Uint16(data[4:]),
			Flags: binary.NativeEndian.Uint16(data[6:]),
			Seq:   binary.NativeEndian.Uint32(data[8:]),
			Port:  binary.NativeEndian.Uint32(data[12:]),
			Body:  data[headerLen:length],
		}
		if err := fn(m); err != nil {
			return err
		}
		data = data[min(align(length), len(data)):]
	}
	return nil
}

// attributes goes through the attributes of a message; malformed ones end it.
func attributes(data []byte, fn func(kind uint16, value []byte)) {
	for len(data) >= attrLen {
		length := int(binary.NativeEndian.Uint16(data))
		if length < attrLen || length > len(data) {
			return
		}
		fn(binary.NativeEndian.Uint16(data[2:])&^unix.NLA_F_NESTED, data[attrLen:length])
		data = data[min(align(length), len(data)):]
	}
}

func align(n int) int { return (n + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1) }

func u32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// text is a C string.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func address(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Batch is a row of requests to be sent together.
type Batch struct {
	buf   []byte
	start []int // of each message in buf
}

// Len is the number of requests.
func (b *Batch) Len() int { return len(b.start) }

// begin starts a request; its body and attributes follow, then end.
func (b *Batch) begin(kind uint16, flags uint16) {
	b.start = append(b.start, len(b.buf))
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0) // length, by end
	b.buf = binary.NativeEndian.AppendUint16(b.buf, kind)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, flags|unix.NLM_F_REQUEST)
	b.buf = append(b.buf, make([]byte, 8)...) // sequence number, by Execute; port, by the kernel
}

func (b *Batch) end() {
	at := b.start[len(b.start)-1]
	binary.NativeEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at))
}

func (b *Batch) body(bytes ...byte) { b.buf = append(b.buf, bytes...) }

func (b *Batch) u32(v uint32) { b.buf = binary.NativeEndian.AppendUint32(b.buf, v) }

func (b *Batch) attr(kind uint16, value []byte) {
	b.buf = binary.NativeEndian.AppendUint16(b.buf, uint16(attrLen+len(value)))
	b.buf = binary.NativeEndian.AppendUint16(b.buf, kind)
	b.buf = append(b.buf, value...)
	b.buf = append(b.buf, make([]byte, align(len(value))-len(value))...)
}

func (b *Batch) attrU32(kind uint16, v uint32) {
	b.attr(kind, binary.NativeEndian.AppendUint32(nil, v))
}

// nest starts an attribute that holds others, which follow; unnest, given what nest has
// returned, ends it.
func (b *Batch) nest(kind uint16) (at int) {
	at = len(b.buf)
	b.attr(kind|unix.NLA_F_NESTED, nil)
	return at
}

func (b *Batch) unnest(at int) {
	binary.NativeEndian.PutUint16(b.buf[at:], uint16(len(b.buf)-at))
}

func (b *Batch) attrAddr(kind uint16, a netip.Addr) { b.attr(kind, a.Unmap().AsSlice()) }

// htons and htonl turn numbers of this machine into network order.
func htons(v uint16) uint16 {
	return binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, v))
}

func htonl(v uint32) uint32 {
	return binary.BigEndian.Uint32(binary.NativeEndian.AppendUint32(nil, v))
}
