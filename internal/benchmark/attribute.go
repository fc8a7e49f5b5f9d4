package main

import (
	"encoding/binary"
	"iter"
	"strings"

	"golang.org/x/sys/unix"
)

// What follows reads and writes netlink messages without the agent's own codecs: what
// measures them must not depend on them.

// attributes goes through netlink attributes until one does not fit.
func attributes(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.SizeofNlAttr {
			n := int(binary.NativeEndian.Uint16(b))
			kind := binary.NativeEndian.Uint16(b[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
			if n < unix.SizeofNlAttr || n > len(b) || !yield(kind, b[unix.SizeofNlAttr:n]) {
				return
			}
			b = b[min(aligned(n), len(b)):]
		}
	}
}

// attribute is the value of the first attribute of a kind; nil if there is none.
func attribute(b []byte, kind uint16) []byte {
	for k, v := range attributes(b) {
		if k == kind {
			return v
		}
	}
	return nil
}

func appendAttribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, aligned(len(value))-len(value))...)
}

func aligned(n int) int { return (n + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }

func text(v []byte) string { return strings.TrimRight(string(v), "\x00") }

// message is one netlink message.
type message struct {
	kind    uint16
	flags   uint16
	seq     uint32
	payload []byte
}

// messages splits what one read has returned.
func messages(data []byte) iter.Seq[message] {
	return func(yield func(message) bool) {
		for len(data) >= unix.SizeofNlMsghdr {
			n := int(binary.NativeEndian.Uint32(data))
			if n < unix.SizeofNlMsghdr || n > len(data) {
				return
			}
			m := message{
				kind:    binary.NativeEndian.Uint16(data[4:]),
				flags:   binary.NativeEndian.Uint16(data[6:]),
				seq:     binary.NativeEndian.Uint32(data[8:]),
				payload: data[unix.SizeofNlMsghdr:n],
			}
			if !yield(m) {
				return
			}
			data = data[min(aligned(n), len(data)):]
		}
	}
}

// appendMessage writes a message; its payload is all that follows the header.
func appendMessage(b []byte, m message) []byte {
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(m.payload)))
	b = binary.NativeEndian.AppendUint16(b, m.kind)
	b = binary.NativeEndian.AppendUint16(b, m.flags|unix.NLM_F_REQUEST)
	b = binary.NativeEndian.AppendUint32(b, m.seq)
	b = append(b, 0, 0, 0, 0) // port: the kernel's to fill in
	b = append(b, m.payload...)
	return append(b, make([]byte, aligned(len(m.payload))-len(m.payload))...)
}
