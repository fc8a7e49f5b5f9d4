package dataplane_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nodetest"
)

// frame is a packet in a frame in VXLAN, as another node would send it.
func frame(from, to netip.Addr, vni uint32, mac [6]byte, inner []byte) []byte {
	b := make([]byte, 8, 8+14+len(inner))
	b[0] = 8 // the network is valid
	binary.BigEndian.PutUint32(b[4:], vni<<8)
	b = append(b, mac[:]...)
	b = append(b, 0x66, 0, 0, 0, 0, 1)
	kind := family.PairOf[uint16](0x0800, 0x86dd)
	b = binary.BigEndian.AppendUint16(b, kind.Get(familyOf(inner)))
	return netlab.Packet{From: from, To: to, Payload: netlab.Datagram(5000, 4789, append(b, inner...))}.Bytes()
}

func familyOf(packet []byte) family.Family { return family.Family(packet[0] >> 4) }

// Tunnelled packets are taken from other nodes, and from nobody else.
func TestTunnelledPacketsFromWhom(t *testing.T) {
	t.Parallel()
	c := startOverlay(t, nodetest.ClusterOptions{Manifests: map[string]string{"pools.yaml": nodetest.Pools(family.Both, "vxlanMode: Always")}})
	a := c.Nodes["a"]
	tap, err := c.Pod("a").TapWire(netlab.Uplink)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	var mac family.Pair[[6]byte]
	for _, f := range family.All() {
		*mac.At(f) = deviceMAC(t, a, f)
	}
	for _, f := range family.All() {
		stranger, _ := netip.AddrFromSlice(a.Address(f).AsSlice())
		for range 40 { // an address that nobody has
			stranger = stranger.Next()
		}
		for _, s := range []struct {
			name string
			from netip.Addr
			vni  uint32
			want bool
		}{
			{"from another node", c.Nodes["b"].Address(f), 4096, true},
			{"from a stranger", stranger, 4096, false},
			{"of another network", c.Nodes["b"].Address(f), 77, false},
		} {
			token := netlab.Token()
			inner := netlab.Packet{From: c.Address("b", f), To: c.Address("a", f), Payload: netlab.Datagram(7, 9, token)}
			if err := c.Nodes["b"].Transmit(a.Node, frame(s.from, a.Address(f), s.vni, mac.Get(f), inner.Bytes())); err != nil {
				t.Fatal(err)
			}
			wait := 200 * time.Millisecond
			if s.want {
				wait = netlab.Patience
			}
			if got, err := tap.Hears(token, wait); err != nil || got != s.want {
				t.Errorf("%v, %s: arrives %v, %v", f, s.name, got, err)
			}
		}
	}
}

// deviceMAC is that of a node's VXLAN device.
func deviceMAC(t *testing.T, n *nodetest.Node, f family.Family) (mac [6]byte) {
	t.Helper()
	name := family.PairOf("vxlan.calico", "vxlan-v6.calico")
	h, err := n.Netlink()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	l, err := h.LinkByName(name.Get(f))
	if err != nil {
		t.Fatal(err)
	}
	copy(mac[:], l.Attrs().HardwareAddr)
	return mac
}
