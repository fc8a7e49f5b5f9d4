package netlab_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// deliver sends packets from pod a to pod c on the other node, and says whether the kernel there
// delivered a packet of the protocol with the token.
func deliver(t *testing.T, lab *netlab.Lab, f family.Family, protocol int, token []byte, packets ...[]byte) bool {
	t.Helper()
	tap, err := lab.Pod("c").TapDelivered(f, protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	if err := lab.Pod("a").Transmit(packets...); err != nil {
		t.Fatal(err)
	}
	heard, err := tap.Hears(token, netlab.Patience)
	if err != nil {
		t.Fatal(err)
	}
	return heard
}

// The kernel checks lengths, checksums, header chains and fragments: what it delivers is well made.
func TestKernelDeliversEveryKindOfPacket(t *testing.T) {
	lab := twoNodes(t)
	echo := map[family.Family]uint8{family.V4: 8, family.V6: 128}
	for _, f := range family.All() {
		token := netlab.Token()
		for _, c := range []struct {
			name    string
			proto   int
			payload netlab.Payload
		}{
			{"udp", unix.IPPROTO_UDP, netlab.Datagram(1000, 2000, token)},
			{"tcp", unix.IPPROTO_TCP, netlab.Segment(1000, 2000, netlab.SYN, token)},
			{"sctp", unix.IPPROTO_SCTP, netlab.Init(1000, 2000, token)},
			{"icmp", map[family.Family]int{family.V4: unix.IPPROTO_ICMP, family.V6: unix.IPPROTO_ICMPV6}[f], netlab.Message(f, echo[f], 0, append([]byte{0, 1, 0, 2}, token...))},
			{"other", 253, netlab.Octets(253, token)},
		} {
			packet := netlab.Packet{From: lab.Pod("a").Address(f), To: lab.Pod("c").Address(f), Payload: c.payload}
			t.Run(fmt.Sprintf("%s %s", f, c.name), func(t *testing.T) {
				if !deliver(t, lab, f, c.proto, token, packet.Bytes()) {
					t.Errorf("%s is not delivered", packet)
				}
			})
			t.Run(fmt.Sprintf("%s %s in fragments", f, c.name), func(t *testing.T) {
				if !deliver(t, lab, f, c.proto, token, packet.Fragments(0, 24)...) {
					t.Errorf("fragments of %s are not delivered", packet)
				}
			})
		}
	}
}

func TestKernelDeliversExtensionHeaders(t *testing.T) {
	lab := twoNodes(t)
	for name, chain := range map[string][]netlab.Extension{
		"hop-by-hop":          {netlab.HopByHop()},
		"router alert":        {netlab.RouterAlert()},
		"destination options": {netlab.DestinationOptions()},
		"routing, used up":    {netlab.Routing(253, 0)}, // experimental (RFC 4727): no kernel treats it in a way of its own
		"atomic fragment":     {netlab.AtomicFragment()},
		"several":             {netlab.HopByHop(), netlab.DestinationOptions(), netlab.AtomicFragment(), netlab.DestinationOptions()},
	} {
		t.Run(name, func(t *testing.T) {
			token := netlab.Token()
			packet := netlab.Packet{
				From: lab.Pod("a").Address(family.V6), To: lab.Pod("c").Address(family.V6),
				Extensions: chain, Payload: netlab.Datagram(1000, 2000, token),
			}
			if !deliver(t, lab, family.V6, unix.IPPROTO_UDP, token, packet.Bytes()) {
				t.Errorf("%s is not delivered", packet)
			}
		})
	}
}

// The ports are in the second fragment only: the first one ends within an extension header.
func TestPortsInTheSecondFragment(t *testing.T) {
	lab := twoNodes(t)
	packet := netlab.Packet{
		From: lab.Pod("a").Address(family.V6), To: lab.Pod("c").Address(family.V6),
		Extensions: []netlab.Extension{netlab.HopByHop(), netlab.DestinationOptions()},
		Payload:    netlab.Datagram(0xabcd, 0xef01, bytes.Repeat([]byte{'.'}, 64)),
	}
	fragments := packet.Fragments(1, 8)
	if ports := []byte{0xab, 0xcd, 0xef, 0x01}; bytes.Contains(fragments[0], ports) || !bytes.Contains(fragments[1], ports) {
		t.Errorf("ports are not in the second fragment:\n% x\n% x", fragments[0], fragments[1])
	}
}

// An echo server takes the datagram for its asker's own, so its answer goes to the spoofed source.
func TestSourcesAreTakenAsGiven(t *testing.T) {
	lab := twoNodes(t)
	serve(t, lab.Pod("c").Space, 8080)
	for _, f := range family.All() {
		tap, err := lab.Pod("b").TapWire(netlab.Uplink)
		if err != nil {
			t.Fatal(err)
		}
		defer tap.Close()
		token := netlab.Token()
		packet := netlab.Packet{
			From: lab.Pod("b").Address(f), To: lab.Pod("c").Address(f),
			Payload: netlab.Datagram(1234, 8080, token),
		}
		if err := lab.Pod("a").Transmit(packet.Bytes()); err != nil {
			t.Fatal(err)
		}
		if heard, err := tap.Hears(token, netlab.Patience); err != nil || !heard {
			t.Errorf("%s: the answer does not go to the address that was claimed (%v)", f, err)
		}
		if got := tap.Heard(token); got != 1 {
			t.Errorf("%s: heard %d times, want once", f, got)
		}
	}
}

// The node hears what its pod sends to multicast groups, with the hop limit and source given.
func TestMulticastReachesTheNode(t *testing.T) {
	lab := twoNodes(t)
	tap, err := lab.Node("node1").TapWire("calia")
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	for _, c := range []struct {
		from, to string
		kind     uint8
	}{
		{"::", "ff02::16", 143},            // MLDv2 report before there is an address
		{"fe80::1", "ff02::1", 134},        // router advertisement
		{"fe80::2", "ff02::1:ff00:1", 135}, // neighbour solicitation
	} {
		token := netlab.Token()
		packet := netlab.Packet{
			From: netip.MustParseAddr(c.from), To: netip.MustParseAddr(c.to), HopLimit: 255,
			Payload: netlab.Message(family.V6, c.kind, 0, token),
		}
		if err := lab.Pod("a").Transmit(packet.Bytes()); err != nil {
			t.Fatal(err)
		}
		if heard, err := tap.Hears(token, netlab.Patience); err != nil || !heard {
			t.Errorf("%s is not heard (%v)", packet, err)
		}
	}
}

func TestNodesTransmitPastTheirRoutes(t *testing.T) {
	lab := twoNodes(t)
	for _, f := range family.All() {
		tap, err := lab.Node("node2").TapDelivered(f, unix.IPPROTO_UDP)
		if err != nil {
			t.Fatal(err)
		}
		defer tap.Close()
		token := netlab.Token()
		packet := netlab.Packet{From: lab.Node("node1").Address(f), To: lab.Node("node2").Address(f), Payload: netlab.Datagram(1, 4789, token)}
		if err := lab.Node("node1").Transmit(lab.Node("node2"), packet.Bytes()); err != nil {
			t.Fatal(err)
		}
		if heard, err := tap.Hears(token, netlab.Patience); err != nil || !heard {
			t.Errorf("%s is not delivered (%v)", packet, err)
		}
	}
}

// anyPacket draws a UDP packet of either family.
func anyPacket(t *rapid.T) netlab.Packet {
	f := rapid.SampledFrom([]family.Family{family.V4, family.V6}).Draw(t, "family")
	octets := rapid.SliceOfN(rapid.Byte(), f.Bits()/8, f.Bits()/8)
	from, _ := netip.AddrFromSlice(octets.Draw(t, "from"))
	to, _ := netip.AddrFromSlice(octets.Draw(t, "to"))
	if from.Is4In6() || to.Is4In6() {
		t.Skip("not an address on the wire")
	}
	return netlab.Packet{
		From: from, To: to, HopLimit: rapid.Uint8Min(1).Draw(t, "hop limit"),
		Payload: netlab.Datagram(rapid.Uint16().Draw(t, "from port"), rapid.Uint16().Draw(t, "to port"),
			rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data")),
	}
}

// Another parser reads back what was written, and the checksum adds up as RFC 768 wants it.
func TestHeadersReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPacket(t)
		b := p.Bytes()
		var upper []byte
		if family.Of(p.To) == family.V4 {
			h, err := ipv4.ParseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if h.TTL != int(p.HopLimit) || h.Src.String() != p.From.String() || h.Dst.String() != p.To.String() || h.TotalLen != len(b) {
				t.Fatalf("header reads back as %v of %s", h, p)
			}
			if complement(0, b[:20]) != 0xffff {
				t.Fatalf("header checksum of % x is wrong", b[:20])
			}
			upper = b[20:]
		} else {
			h, err := ipv6.ParseHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if h.HopLimit != int(p.HopLimit) || h.Src.String() != p.From.String() || h.Dst.String() != p.To.String() || h.PayloadLen != len(b)-40 {
				t.Fatalf("header reads back as %v of %s", h, p)
			}
			upper = b[40:]
		}
		sum := complement(uint64(len(upper))+unix.IPPROTO_UDP, p.From.AsSlice(), p.To.AsSlice(), upper)
		if sum != 0xffff {
			t.Fatalf("checksum of % x adds up to %#x", upper, sum)
		}
	})
}

// complement is the ones' complement sum, written the slow way: as remainder modulo 2^16-1.
func complement(start uint64, parts ...[]byte) uint64 {
	sum := start
	for _, b := range parts {
		b = append(append([]byte(nil), b...), make([]byte, len(b)%2)...)
		for ; len(b) > 0; b = b[2:] {
			sum = (sum + uint64(binary.BigEndian.Uint16(b))) % 0xffff
		}
	}
	if sum == 0 {
		return 0xffff
	}
	return sum
}

// Fragments, put together by their offsets, are the packet's body.
func TestFragmentsPutTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPacket(t)
		size := 8 * rapid.IntRange(1, 6).Draw(t, "size in units of 8")
		fragments := p.Fragments(0, size)
		header, whole := 20, p.Bytes()[20:]
		if family.Of(p.To) == family.V6 {
			header, whole = 48, p.Bytes()[40:]
		}
		body := make([]byte, len(whole))
		for i, b := range fragments {
			offset, more := int(binary.BigEndian.Uint16(b[6:])&0x1fff)*8, b[6]&0x20 != 0
			if header == 48 {
				field := binary.BigEndian.Uint16(b[42:])
				offset, more = int(field&^7), field&1 != 0
			}
			if more != (i < len(fragments)-1) {
				t.Fatalf("fragment %d of %d says more=%t", i, len(fragments), more)
			}
			copy(body[offset:], b[header:])
		}
		if !bytes.Equal(body, whole) {
			t.Fatalf("put together:\n% x\nwant:\n% x", body, whole)
		}
	})
}
