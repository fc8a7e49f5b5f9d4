package netlab

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
)

func TestParseCapture(t *testing.T) {
	token := Token()
	at := netip.MustParseAddr
	inside := func(from, to string) []byte {
		return Packet{From: at(from), To: at(to), HopLimit: 63, Payload: Datagram(1, 2, token)}.Bytes()
	}
	vxlan := func(inner []byte) []byte {
		return append([]byte{8, 0, 0, 0, 0, 0x10, 0, 0, 13: 0, 21: 0}, inner...)
	}
	for _, c := range []struct {
		packet Packet
		want   string
	}{
		{Packet{From: at("10.0.0.1"), To: at("10.0.0.2"), Payload: Datagram(1, 2, token)}, "10.0.0.1 > 10.0.0.2 ttl 64"},
		{Packet{From: at("172.16.0.1"), To: at("172.16.0.2"), Payload: Octets(4, inside("10.0.0.1", "10.0.0.2"))},
			"172.16.0.1 > 172.16.0.2 ttl 64, IPIP: 10.0.0.1 > 10.0.0.2 ttl 63"},
		{Packet{From: at("172.16.0.1"), To: at("172.16.0.2"), Payload: Datagram(55, 4789, vxlan(inside("fd01::1", "fd01::2")))},
			"172.16.0.1 > 172.16.0.2 ttl 64, VXLAN network 4096 to port 4789: fd01::1 > fd01::2 ttl 63"},
		{Packet{From: at("fd16::1"), To: at("fd16::2"), HopLimit: 9, Payload: Datagram(55, 8472, vxlan(inside("10.0.0.1", "10.0.0.2")))},
			"fd16::1 > fd16::2 ttl 9, VXLAN network 4096 to port 8472: 10.0.0.1 > 10.0.0.2 ttl 63"},
		{Packet{From: at("fd16::1"), To: at("fd16::2"), Payload: Datagram(55, 4789, append([]byte{8}, token...))}, "fd16::1 > fd16::2 ttl 64"},
	} {
		got, err := ParseCapture(c.packet.Bytes())
		if err != nil || got.String() != c.want {
			t.Errorf("%v, %v, want %s", got, err, c.want)
		}
	}
	for _, b := range [][]byte{nil, {0x45}, {0x4f, 19: 0}, {0x60, 30: 0}} {
		if c, err := ParseCapture(b); err == nil {
			t.Errorf("%v is %v", b, c)
		}
	}
}

// What was on the wire can be looked at as a whole.
func TestSeen(t *testing.T) {
	lab := Test(t, Options{Nodes: []NodeSpec{
		{Name: "a", Addresses: Prefixes("172.16.0.1/24", "fd00:16::1/64")}, {Name: "b", Addresses: Prefixes("172.16.0.2/24", "fd00:16::2/64")},
	}})
	a, b := lab.Node("a"), lab.Node("b")
	tap, err := b.TapWire(Uplink)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	for _, f := range family.All() {
		token := Token()
		p := Packet{From: a.Address(f), To: b.Address(f), Payload: Datagram(1, 51820, token)}
		if err := a.Transmit(b, p.Bytes()); err != nil {
			t.Fatal(err)
		}
		if heard, err := tap.Hears(token, Patience); !heard || err != nil {
			t.Fatal(heard, err)
		}
		if !slices.ContainsFunc(tap.Seen(), func(c Capture) bool { return c.From == a.Address(f) && c.Port == 51820 }) {
			t.Errorf("%v: not among %v", f, tap.Seen())
		}
	}
}

// A router between two links takes one from the hop limit.
func TestRouter(t *testing.T) {
	lab := Test(t, Options{Nodes: []NodeSpec{
		{Name: "near", Addresses: Prefixes("172.16.0.1/24", "fd00:16::1/64"), Gateways: Addrs("172.16.0.254", "fd00:16::fe")},
		{Name: "far", Link: "far", Addresses: Prefixes("172.17.0.1/24", "fd00:17::1/64"), Gateways: Addrs("172.17.0.254", "fd00:17::fe")},
		{Name: "router", Addresses: Prefixes("172.16.0.254/24", "fd00:16::fe/64"), Ports: []Port{{Link: "far", Addresses: Prefixes("172.17.0.254/24", "fd00:17::fe/64")}}},
	}})
	tap, err := lab.Node("far").TapWire(Uplink)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	for _, c := range [][2]string{{"172.16.0.1", "172.17.0.1"}, {"fd00:16::1", "fd00:17::1"}} {
		token := Token()
		p := Packet{From: netip.MustParseAddr(c[0]), To: netip.MustParseAddr(c[1]), Payload: Datagram(1, 2, token)}
		if err := lab.Node("near").Transmit(lab.Node("router"), p.Bytes()); err != nil {
			t.Fatal(err)
		}
		got, heard, err := tap.Captures(token, Patience)
		if err != nil || !heard || got.String() != c[0]+" > "+c[1]+" ttl 63" {
			t.Errorf("%v, heard %v, %v", got, heard, err)
		}
	}
}

func TestCapturesNothing(t *testing.T) {
	lab := Test(t, Options{Nodes: []NodeSpec{{Name: "one", Addresses: Prefixes("172.16.0.1/24")}}})
	tap, err := lab.Node("one").TapWire(Uplink)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	if c, heard, err := tap.Captures(Token(), time.Millisecond); heard || err != nil {
		t.Errorf("%v, %v, %v", c, heard, err)
	}
}
