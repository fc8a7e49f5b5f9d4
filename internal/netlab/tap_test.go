package netlab_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
)

// A datagram to another node's pod passes that node's wire, and is delivered in the pod only.
func TestTapsHearWhereAPacketPasses(t *testing.T) {
	lab := twoNodes(t)
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			token := netlab.Token()
			open := func(tap *netlab.Tap, err error) *netlab.Tap {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(tap.Close)
				return tap
			}
			wire := open(lab.Node("node2").TapWire(netlab.Uplink))
			host := open(lab.Node("node2").TapDelivered(f, unix.IPPROTO_UDP))
			pod := open(lab.Pod("c").TapDelivered(f, unix.IPPROTO_UDP))
			neighbour := open(lab.Pod("d").TapWire(netlab.Uplink))
			packet := netlab.Packet{From: lab.Pod("a").Address(f), To: lab.Pod("c").Address(f), Payload: netlab.Datagram(1, 2, token)}
			if err := lab.Pod("a").Transmit(packet.Bytes()); err != nil {
				t.Fatal(err)
			}
			for name, c := range map[string]struct {
				tap  *netlab.Tap
				want bool
			}{
				"the pod": {pod, true}, "the node's wire": {wire, true},
				"the node itself": {host, false}, "the pod next to it": {neighbour, false},
			} {
				wait := netlab.Patience
				if !c.want {
					wait = 20 * time.Millisecond
				}
				if heard, err := c.tap.Hears(token, wait); err != nil || heard != c.want {
					t.Errorf("%s hears it: %t (%v), want %t", name, heard, err, c.want)
				}
			}
		})
	}
}

func TestATapKeepsWhatItHasHeard(t *testing.T) {
	lab := twoNodes(t)
	tap, err := lab.Pod("b").TapDelivered(family.V6, unix.IPPROTO_UDP)
	if err != nil {
		t.Fatal(err)
	}
	defer tap.Close()
	first, second := netlab.Token(), netlab.Token()
	for _, token := range [][]byte{first, first, second} {
		packet := netlab.Packet{From: lab.Pod("a").Address(family.V6), To: lab.Pod("b").Address(family.V6), Payload: netlab.Datagram(1, 2, token)}
		if err := lab.Pod("a").Transmit(packet.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range [][]byte{second, first} { // the later one first
		if heard, err := tap.Hears(token, netlab.Patience); err != nil || !heard {
			t.Errorf("a packet is not heard (%v)", err)
		}
	}
	if got := tap.Heard(first); got != 2 {
		t.Errorf("the first is heard %d times, want 2", got)
	}
	if got := tap.Heard(netlab.Token()); got != 0 {
		t.Errorf("a packet that was never sent is heard %d times", got)
	}
}
