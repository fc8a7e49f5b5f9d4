package conntrack

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	mdlayher "github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// A pod's connections are its own whatever the protocol, and the zone that another program has put
// them into: what comes after the pod must find none of them. An established TCP connection would
// stand for five days.
func TestFlushTakesEveryProtocolAndZone(t *testing.T) {
	ends := family.PairOf([3]string{"10.244.1.5", "10.244.1.50", "10.244.2.7"}, [3]string{"fd00:244:1::5", "fd00:244:1::50", "fd00:244:2::7"})
	for _, f := range family.All() {
		for _, listOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v listOnly=%t", f, listOnly), func(t *testing.T) {
				l := newLab(t)
				if listOnly {
					l.table.filters = new(family.Set)
				}
				pod, other, peer := ends.Get(f)[0], ends.Get(f)[1], ends.Get(f)[2]
				for _, from := range []string{pod, other} {
					for _, zone := range []uint16{0, 7, 65535} {
						l.addKind(t, f, from, peer, unix.IPPROTO_UDP, zone)
						l.addKind(t, f, from, peer, unix.IPPROTO_TCP, zone)
					}
				}
				if n := len(l.flows(t)); n != 12 {
					t.Fatalf("%d entries to begin with, want 12", n)
				}
				if err := l.table.Flush([]netip.Addr{netip.MustParseAddr(pod)}); err != nil {
					t.Fatal(err)
				}
				want := slices.Repeat([]string{flow{other, peer, peer, other}.String()}, 6)
				if got := l.flows(t); !slices.Equal(got, want) {
					t.Errorf("left:\n%q\nwant:\n%q", got, want)
				}
			})
		}
	}
}

// addKind has the kernel track a connection between ports 4000 and 80; the other library cannot say
// in which zone. The numbers are those of linux/netfilter/nfnetlink_conntrack.h.
func (l *lab) addKind(t *testing.T, f family.Family, from, to string, protocol uint8, zone uint16) {
	t.Helper()
	ip := func(e *mdlayher.AttributeEncoder, source, destination string) error {
		e.Bytes(sourceAttribute(f), netip.MustParseAddr(source).AsSlice())
		e.Bytes(sourceAttribute(f)+1, netip.MustParseAddr(destination).AsSlice())
		return nil
	}
	tuple := func(source, destination string, sourcePort, destinationPort uint16) func(*mdlayher.AttributeEncoder) error {
		return func(e *mdlayher.AttributeEncoder) error {
			e.Nested(ctaTupleIP, func(e *mdlayher.AttributeEncoder) error { return ip(e, source, destination) })
			e.Nested(ctaTupleProto, func(e *mdlayher.AttributeEncoder) error {
				e.Uint8(1, protocol)
				e.ByteOrder = binary.BigEndian
				e.Uint16(2, sourcePort)
				e.Uint16(3, destinationPort)
				return nil
			})
			return nil
		}
	}
	e := mdlayher.NewAttributeEncoder()
	e.ByteOrder = binary.BigEndian
	e.Nested(uint16(ctaTupleOrig), tuple(from, to, 4000, 80))
	e.Nested(uint16(ctaTupleReply), tuple(to, from, 80, 4000))
	e.Uint32(7, 432000) // CTA_TIMEOUT, of seconds
	e.Uint16(ctaZone, zone)
	if protocol == unix.IPPROTO_TCP {
		e.Nested(4, func(e *mdlayher.AttributeEncoder) error { // CTA_PROTOINFO, _TCP, _TCP_STATE: established
			e.Nested(1, func(e *mdlayher.AttributeEncoder) error { e.Uint8(1, 3); return nil })
			return nil
		})
	}
	attributes, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m := request(ctNew, mdlayher.Acknowledge|mdlayher.Create|mdlayher.Excl, f, attributes)
	if _, err := l.table.conn.Execute(m); err != nil {
		t.Fatalf("%s > %s, protocol %d, zone %d: %v", from, to, protocol, zone, err)
	}
}
