package netlab

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Packet is one IP packet, written out octet by octet rather than by the kernel, so that it can
// say what the kernel would not let a process say: any source, any header chain.
type Packet struct {
	From, To netip.Addr
	// HopLimit is the TTL in IPv4; 0 is 64.
	HopLimit uint8
	// Extensions are IPv6 extension headers, outermost first; IPv4 has none.
	Extensions []Extension
	// Payload is the upper layer.
	Payload Payload
}

// Payload is the upper layer of a Packet.
type Payload struct {
	protocol uint8
	octets   []byte
	// checksumAt is the offset of the Internet checksum in octets, 0 for none to be filled in:
	// no protocol has it in front. It covers the pseudo header unless the protocol is ICMP.
	checksumAt int
}

// Datagram is a UDP datagram.
func Datagram(fromPort, toPort uint16, data []byte) Payload {
	b := binary.BigEndian.AppendUint16(nil, fromPort)
	b = binary.BigEndian.AppendUint16(b, toPort)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = binary.BigEndian.AppendUint16(b, 0)
	return Payload{unix.IPPROTO_UDP, append(b, data...), 6}
}

// Flags of a Segment (RFC 9293).
const (
	FIN uint8 = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Segment is a TCP segment with no options and sequence number 1. Data rides along also on a
// SYN, which the protocol allows and receivers ignore until the handshake is complete.
func Segment(fromPort, toPort uint16, flags uint8, data []byte) Payload {
	b := make([]byte, 20, 20+len(data))
	binary.BigEndian.PutUint16(b[0:], fromPort)
	binary.BigEndian.PutUint16(b[2:], toPort)
	binary.BigEndian.PutUint32(b[4:], 1)
	b[12], b[13] = 5<<4, flags
	binary.BigEndian.PutUint16(b[14:], 65535)
	return Payload{unix.IPPROTO_TCP, append(b, data...), 16}
}

// Message is an ICMP message, or for IPv6 an ICMPv6 one: type, code, and what follows the checksum.
func Message(f family.Family, kind, code uint8, body []byte) Payload {
	protocol := uint8(unix.IPPROTO_ICMPV6)
	if f == family.V4 {
		protocol = unix.IPPROTO_ICMP
	}
	return Payload{protocol, append([]byte{kind, code, 0, 0}, body...), 2}
}

// Init is an SCTP packet with an INIT chunk (RFC 9260 section 3.3.2), and data in an optional
// parameter that receivers are told to skip.
func Init(fromPort, toPort uint16, data []byte) Payload {
	b := make([]byte, 12+20, 12+20+4+len(data)+3)
	binary.BigEndian.PutUint16(b[0:], fromPort)
	binary.BigEndian.PutUint16(b[2:], toPort)
	chunk := b[12:]
	chunk[0] = 1                                 // INIT
	binary.BigEndian.PutUint32(chunk[4:], 1)     // initiate tag
	binary.BigEndian.PutUint32(chunk[8:], 65536) // receiver window
	binary.BigEndian.PutUint16(chunk[12:], 1)    // outbound streams
	binary.BigEndian.PutUint16(chunk[14:], 1)    // inbound streams
	b = append(b, 0xbf, 0xff)                    // unknown, to be skipped
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(data)))
	b = append(b, data...)
	binary.BigEndian.PutUint16(b[14:], uint16(len(b)-12))
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return Payload{unix.IPPROTO_SCTP, b, 0}
}

// Octets is any other protocol: its number and what follows the IP header, taken as it is.
func Octets(protocol uint8, octets []byte) Payload { return Payload{protocol, octets, 0} }

// Bytes is the packet from its IP header on.
func (p Packet) Bytes() []byte {
	upper := p.upper()
	if family.Of(p.To) == family.V4 {
		return append(p.header(p.Payload.protocol, 0, len(upper)), upper...)
	}
	first, chain := chainOf(p.Extensions, p.Payload.protocol)
	return append(append(p.header(first, 0, len(chain)+len(upper)), chain...), upper...)
}

// upper is the payload with its checksum.
func (p Packet) upper() []byte {
	b := append([]byte(nil), p.Payload.octets...)
	if p.Payload.checksumAt == 0 {
		return b
	}
	sum := sumOf(b, 0)
	if p.Payload.protocol != unix.IPPROTO_ICMP {
		sum = sumOf(p.From.Unmap().AsSlice(), sum)
		sum = sumOf(p.To.Unmap().AsSlice(), sum)
		sum += uint32(len(b)) + uint32(p.Payload.protocol)
	}
	binary.BigEndian.PutUint16(b[p.Payload.checksumAt:], fold(sum))
	return b
}

// header is the fixed IP header before size octets. In IPv4, fragment is the field of flags and
// offset; IPv6 has a header of its own for these.
func (p Packet) header(next uint8, fragment uint16, size int) []byte {
	hops := p.HopLimit
	if hops == 0 {
		hops = 64
	}
	if family.Of(p.To) == family.V6 {
		b := make([]byte, 40)
		b[0] = 6 << 4
		binary.BigEndian.PutUint16(b[4:], uint16(size))
		b[6], b[7] = next, hops
		copy(b[8:], p.From.AsSlice())
		copy(b[24:], p.To.AsSlice())
		return b
	}
	b := make([]byte, 20)
	b[0] = 4<<4 | 5
	binary.BigEndian.PutUint16(b[2:], uint16(20+size))
	binary.BigEndian.PutUint16(b[4:], uint16(p.identification()))
	binary.BigEndian.PutUint16(b[6:], fragment)
	b[8], b[9] = hops, next
	copy(b[12:], p.From.Unmap().AsSlice())
	copy(b[16:], p.To.Unmap().AsSlice())
	binary.BigEndian.PutUint16(b[10:], fold(sumOf(b, 0)))
	return b
}

// sumOf adds the 16-bit words of b to a running Internet checksum (RFC 1071).
func sumOf(b []byte, sum uint32) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// fold ends an Internet checksum. The all-zero result is sent as all ones, which means the same
// everywhere except in UDP, where zero would mean that there is no checksum.
func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if c := ^uint16(sum); c != 0 {
		return c
	}
	return 0xffff
}

// String shows a packet as `from > to: protocol`, for the messages of tests.
func (p Packet) String() string {
	return fmt.Sprintf("%s > %s: protocol %d, %d octets, %d extension headers",
		p.From, p.To, p.Payload.protocol, len(p.Payload.octets), len(p.Extensions))
}
