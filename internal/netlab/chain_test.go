package netlab_test

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/netlab"
)

// headerKinds are the extension headers by their numbers (RFC 8200 section 4.1).
var headerKinds = []struct {
	number uint8
	header func() netlab.Extension
}{
	{unix.IPPROTO_HOPOPTS, netlab.HopByHop},
	{unix.IPPROTO_HOPOPTS, netlab.RouterAlert},
	{unix.IPPROTO_DSTOPTS, netlab.DestinationOptions},
	{unix.IPPROTO_ROUTING, func() netlab.Extension { return netlab.Routing(4, 0) }},
	{unix.IPPROTO_FRAGMENT, netlab.AtomicFragment},
}

// walk follows a header chain to its end: the numbers met, the last of which is the upper
// layer's, and the upper layer itself.
func walk(next uint8, rest []byte) (numbers []uint8, upper []byte) {
	for {
		numbers = append(numbers, next)
		length := 8
		switch next {
		case unix.IPPROTO_HOPOPTS, unix.IPPROTO_DSTOPTS, unix.IPPROTO_ROUTING:
			length = 8 + 8*int(rest[1])
		case unix.IPPROTO_FRAGMENT:
		default:
			return numbers, rest
		}
		next, rest = rest[0], rest[length:]
	}
}

// A receiver that knows only the headers' own rules finds the headers in the order given, and
// the same upper layer behind any chain.
func TestHeaderChainsLeadToTheUpperLayer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")
		packet := netlab.Packet{
			From: netlab.Addrs("fd00::1")[0], To: netlab.Addrs("fd00::2")[0],
			Payload: netlab.Datagram(1, 2, data),
		}
		bare := packet.Bytes()[40:]
		var want []uint8
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(headerKinds)-1), 0, 5).Draw(t, "chain") {
			packet.Extensions = append(packet.Extensions, headerKinds[i].header())
			want = append(want, headerKinds[i].number)
		}
		want = append(want, unix.IPPROTO_UDP)
		b := packet.Bytes()
		got, upper := walk(b[6], b[40:])
		if !slices.Equal(got, want) {
			t.Fatalf("headers %d, want %d", got, want)
		}
		if !bytes.Equal(upper, bare) {
			t.Fatalf("upper layer behind the chain is\n% x\nwithout it\n% x", upper, bare)
		}
	})
}

// Headers meant for every fragment are in every fragment, and the first of the others is named
// by each fragment header.
func TestFragmentsCarryTheirHeaders(t *testing.T) {
	packet := netlab.Packet{
		From: netlab.Addrs("fd00::1")[0], To: netlab.Addrs("fd00::2")[0],
		Extensions: []netlab.Extension{netlab.HopByHop(), netlab.DestinationOptions()},
		Payload:    netlab.Datagram(1, 2, make([]byte, 32)),
	}
	for whole, next := range []uint8{unix.IPPROTO_HOPOPTS, unix.IPPROTO_DSTOPTS, unix.IPPROTO_UDP} {
		fragments := packet.Fragments(whole, 24)
		// 40 octets of UDP, and 8 for each header that is cut with it.
		if want := (40 + 8*(2-whole) + 23) / 24; len(fragments) != want {
			t.Errorf("%d headers in each: %d fragments, want %d", whole, len(fragments), want)
		}
		for i, b := range fragments {
			at := 40 + 8*whole // where the fragment header is
			if b[at] != next {
				t.Errorf("%d headers in each, fragment %d: next is %d, want %d", whole, i, b[at], next)
			}
		}
	}
}
