package netlab

import (
	"encoding/binary"
	"hash/crc32"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Extension is one IPv6 extension header (RFC 8200 section 4).
type Extension struct {
	number uint8  // what the preceding header calls it
	rest   []byte // all octets but the first, which says what comes next
}

// HopByHop is a hop-by-hop options header that holds padding only.
func HopByHop() Extension { return options(unix.IPPROTO_HOPOPTS) }

// RouterAlert is the hop-by-hop options header that MLD messages carry (RFC 2711, value 0).
func RouterAlert() Extension { return options(unix.IPPROTO_HOPOPTS, 5, 2, 0, 0) }

// DestinationOptions is a destination options header that holds padding only.
func DestinationOptions() Extension { return options(unix.IPPROTO_DSTOPTS) }

// options is a header of options, padded to 8 octets with PadN.
func options(number uint8, list ...byte) Extension {
	rest := append([]byte{0}, list...)
	switch missing := 7 - len(rest); missing {
	case 0:
	case 1:
		rest = append(rest, 0) // Pad1
	default:
		rest = append(rest, 1, byte(missing-2))
		rest = append(rest, make([]byte, missing-2)...)
	}
	return Extension{number, rest}
}

// Routing is a routing header of the given type with no addresses.
func Routing(kind, segmentsLeft uint8) Extension {
	return Extension{unix.IPPROTO_ROUTING, []byte{0, kind, segmentsLeft, 0, 0, 0, 0}}
}

// AtomicFragment is a fragment header on a packet that is not fragmented (RFC 6946).
func AtomicFragment() Extension { return fragmentHeader(0, 0, false) }

// identification of a packet's fragments. It depends on what the packet holds: the kernel keeps
// the fragments of an incomplete packet for a minute and would put another's together with them.
func (p Packet) identification() uint32 { return crc32.ChecksumIEEE(p.Payload.octets) }

// fragmentHeader is a fragment header for an offset in octets.
func fragmentHeader(id uint32, offset int, more bool) Extension {
	rest := binary.BigEndian.AppendUint16([]byte{0}, fragmentField(offset, more, 1))
	return Extension{unix.IPPROTO_FRAGMENT, binary.BigEndian.AppendUint32(rest, id)}
}

// fragmentField is an offset, in the unit in which the field holds it, with its "more fragments" flag.
func fragmentField(offset int, more bool, flag uint16) uint16 {
	field := uint16(offset)
	if more {
		field |= flag
	}
	return field
}

// chainOf writes extension headers out, the last of which leads to the protocol, and returns
// the number of the first header as well.
func chainOf(extensions []Extension, protocol uint8) (first uint8, chain []byte) {
	first = protocol
	for i := len(extensions) - 1; i >= 0; i-- {
		header := append([]byte{first}, extensions[i].rest...)
		first, chain = extensions[i].number, append(header, chain...)
	}
	return first, chain
}

// Fragments cuts the packet after every size octets (a multiple of 8) of what can be cut. In
// IPv6 the first `whole` extension headers go into every fragment, and those after them are cut
// like the payload, so that the first fragment can be made too short to hold the ports. (The
// kernel that puts an IPv6 packet together drops it unless its first fragment holds the upper
// layer's whole fixed header: net/ipv6/reassembly.c, after RFC 8200 section 4.5.)
func (p Packet) Fragments(whole, size int) [][]byte {
	protocol, body := p.Payload.protocol, p.upper()
	if family.Of(p.To) == family.V6 {
		var chain []byte
		protocol, chain = chainOf(p.Extensions[whole:], protocol)
		body = append(chain, body...)
	}
	var fragments [][]byte
	for offset := 0; offset < len(body); offset += size {
		part, more := body[offset:min(offset+size, len(body))], offset+size < len(body)
		fragments = append(fragments, p.fragment(whole, protocol, offset, more, part))
	}
	return fragments
}

func (p Packet) fragment(whole int, protocol uint8, offset int, more bool, part []byte) []byte {
	if family.Of(p.To) == family.V4 {
		return append(p.header(protocol, fragmentField(offset/8, more, 0x2000), len(part)), part...)
	}
	extensions := append(append([]Extension(nil), p.Extensions[:whole]...), fragmentHeader(p.identification(), offset, more))
	first, chain := chainOf(extensions, protocol)
	return append(append(p.header(first, 0, len(chain)+len(part)), chain...), part...)
}
