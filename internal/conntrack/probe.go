package conntrack

import (
	"encoding/binary"
	"net/netip"
	"runtime"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// probe finds out for which families this kernel's filter deletes what it is asked to.
// Kernels before 6.8 have none. That of IPv6 compares the wrong way round
// (ctnetlink_filter_match_tuple, seen in 6.18): asked to delete the entries of an address,
// it deletes all the others. So it is tried, where there is nothing to lose: in a network
// namespace of its own, with two connections that never were. Where that cannot be made,
// no family's filter is trusted.
func probe() family.Set {
	found := make(chan family.Set)
	go func() {
		// The thread ends with the goroutine, and the namespace with it.
		runtime.LockOSThread()
		var ok family.Set
		if unix.Unshare(unix.CLONE_NEWNET) == nil {
			for _, f := range family.All() {
				if filterWorks(f) {
					ok = ok.With(f)
				}
			}
		}
		found <- ok
	}()
	return <-found
}

// filterWorks tries the filter of a family in the calling thread's namespace, which is to
// be an empty one: for each end of a connection, of two connections it must delete the one
// that is asked for and leave the other.
func filterWorks(f family.Family) bool {
	t, err := Open()
	if err != nil {
		return false
	}
	defer t.Close()
	all := family.PairOf(
		[]string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"},
		[]string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"},
	)
	var a [4]netip.Addr
	for i, text := range all.Get(f) {
		a[i] = netip.MustParseAddr(text)
	}
	for _, gone := range a[:2] { // one opens the first connection, the other answers
		for _, c := range [][]netip.Addr{a[:2], a[2:]} {
			if t.invented(ctNew, netlink.Create|netlink.Excl, f, c[0], c[1]) != nil {
				return false
			}
		}
		if t.flushFiltered(f, gone) != nil {
			return false
		}
		// One is left, and it is the other one. Looking for it in a list would cost more
		// than all the rest.
		if n, ok := t.counter.count(); !ok || n != 1 || t.invented(ctDelete, 0, f, a[2], a[3]) != nil {
			return false
		}
	}
	return true
}

// invented enters a connection that no packet has made, or deletes it.
func (t *Table) invented(kind int, flags netlink.HeaderFlags, f family.Family, from, to netip.Addr) error {
	e := netlink.NewAttributeEncoder()
	e.ByteOrder = binary.BigEndian
	ends := [...][2]netip.Addr{{from, to}, {to, from}}
	for i, of := range tuples() {
		e.Nested(uint16(of), func(e *netlink.AttributeEncoder) error {
			e.Nested(ctaTupleIP, func(e *netlink.AttributeEncoder) error {
				e.Bytes(sourceAttribute(f), ends[i][0].AsSlice())
				e.Bytes(sourceAttribute(f)+1, ends[i][1].AsSlice()) // the destination's
				return nil
			})
			e.Nested(ctaTupleProto, func(e *netlink.AttributeEncoder) error {
				e.Uint8(ctaProtoNum, unix.IPPROTO_UDP)
				e.Uint16(ctaProtoSrc, discard)
				e.Uint16(ctaProtoDst, discard)
				return nil
			})
			return nil
		})
	}
	e.Uint32(ctaTimeout, 600) // seconds
	attributes, err := e.Encode()
	if err != nil {
		return err
	}
	_, err = t.conn.Execute(request(kind, netlink.Acknowledge|flags, f, attributes))
	return err
}

// discard is a port.
const discard = 9
