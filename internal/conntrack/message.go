package conntrack

import (
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Numbers of linux/netfilter/nfnetlink_conntrack.h that x/sys/unix has not got. The bit
// of a filter says which part of its tuple counts (net/netfilter/nf_internals.h).
const (
	ctNew      = 0 // IPCTNL_MSG_CT_NEW
	ctGet      = 1
	ctDelete   = 2
	ctGetStats = 5

	ctaTupleOrig  = 1
	ctaTupleReply = 2
	ctaZone       = 18
	ctaFilter     = 25

	ctaTupleIP    = 1
	ctaTupleProto = 2
	ctaProtoNum   = 1 // of CTA_TUPLE_PROTO; the ports follow
	ctaProtoSrc   = 2
	ctaProtoDst   = 3
	ctaTimeout    = 7

	filterSource = 1 << 0 // CTA_FILTER_F_CTA_IP_SRC
)

// tuple is the number of one of an entry's two tuples. The source of the original one is
// who opened the connection; the source of the reply is who answers, after all NAT. These
// two are the connection's ends. An address that is only the destination of a tuple was
// translated to or from somebody else's.
type tuple uint16

func tuples() [2]tuple { return [...]tuple{ctaTupleOrig, ctaTupleReply} }

// sourceAttribute is CTA_IP_V4_SRC or CTA_IP_V6_SRC.
func sourceAttribute(f family.Family) uint16 {
	p := family.PairOf[uint16](1, 3)
	return p.Get(f)
}

// filter is the attributes of a request that concerns the connections with a at end t.
func (t tuple) filter(f family.Family, a netip.Addr) []byte {
	e := netlink.NewAttributeEncoder()
	e.Nested(uint16(t), func(e *netlink.AttributeEncoder) error {
		e.Nested(ctaTupleIP, func(e *netlink.AttributeEncoder) error {
			e.Bytes(sourceAttribute(f), a.AsSlice())
			return nil
		})
		return nil
	})
	// The flags of either tuple are CTA_FILTER_ORIG_FLAGS and _REPLY_FLAGS, which have
	// the numbers of the tuples; those of the tuple that does not count are zero.
	e.Nested(ctaFilter, func(e *netlink.AttributeEncoder) error {
		for _, of := range tuples() {
			bits := uint32(0)
			if of == t {
				bits = filterSource
			}
			e.Uint32(uint16(of), bits)
		}
		return nil
	})
	b, _ := e.Encode() // only a callback could fail
	return b
}

// request is a message of the conntrack subsystem; its body begins with struct nfgenmsg.
func request(kind int, flags netlink.HeaderFlags, f family.Family, attributes []byte) netlink.Message {
	af := family.PairOf[byte](unix.AF_INET, unix.AF_INET6)
	body := append([]byte{af.Get(f), unix.NFNETLINK_V0, 0, 0}, attributes...)
	return netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(unix.NFNL_SUBSYS_CTNETLINK<<8 | kind),
			Flags: netlink.Request | flags,
		},
		Data: body,
	}
}

// headerSize is that of struct nfgenmsg, which each message begins with.
const headerSize = 4

// entry is as much of a listed entry as it takes to choose and to delete it.
type entry struct {
	ends []netip.Addr
	// name is the attributes that tell it from all others: its original tuple and zone.
	name []byte
}

// decode reads a listed entry; false if it is not one.
func decode(body []byte) (entry, bool) {
	if len(body) < headerSize {
		return entry{}, false
	}
	d, err := netlink.NewAttributeDecoder(body[headerSize:])
	if err != nil {
		return entry{}, false
	}
	var out entry
	name := netlink.NewAttributeEncoder()
	named := false
	for d.Next() {
		switch d.Type() {
		case ctaTupleOrig:
			named = true
			name.Bytes(ctaTupleOrig|unix.NLA_F_NESTED, d.Bytes())
			d.Nested(out.end)
		case ctaTupleReply:
			d.Nested(out.end)
		case ctaZone:
			name.Bytes(ctaZone, d.Bytes())
		}
	}
	if d.Err() != nil || !named {
		return entry{}, false
	}
	out.name, err = name.Encode()
	return out, err == nil
}

// end collects the source of a tuple.
func (e *entry) end(d *netlink.AttributeDecoder) error {
	for d.Next() {
		if d.Type() != ctaTupleIP {
			continue
		}
		d.Nested(func(d *netlink.AttributeDecoder) error {
			for d.Next() {
				if t := d.Type(); t != sourceAttribute(family.V4) && t != sourceAttribute(family.V6) {
					continue
				}
				if a, ok := netip.AddrFromSlice(d.Bytes()); ok {
					e.ends = append(e.ends, a)
				}
			}
			return nil
		})
	}
	return nil
}
