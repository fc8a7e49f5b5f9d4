package rtnetlink

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// AddressFamily is the kernel's number for a family.
func AddressFamily(f family.Family) uint8 {
	if f == family.V4 {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// CreateRoute adds a request for a new route. It fails with EEXIST if any route has its Key.
func (b *Batch) CreateRoute(r Route) {
	b.route(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, r)
}

// ReplaceRoute adds a request for a route in the place of the one that has its Key, or a
// new one if there is none; no packet falls between the two.
func (b *Batch) ReplaceRoute(r Route) {
	b.route(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, r)
}

// DeleteRoute adds a request to remove a route that agrees with r in key, type, protocol,
// interface and gateway. It fails with ESRCH if there is none: a stranger's that has
// come to stand under the same key is left alone.
func (b *Batch) DeleteRoute(r Route) {
	if r.Family() == family.V4 {
		r.Scope = unix.RT_SCOPE_NOWHERE // any
	}
	b.route(unix.RTM_DELROUTE, 0, r)
}

// route writes struct rtmsg and its attributes.
func (b *Batch) route(kind, flags uint16, r Route) {
	b.begin(kind, flags)
	b.body(AddressFamily(r.Family()), uint8(r.Destination.Bits()), 0, 0,
		tableByte(r.Table), r.Protocol, r.Scope, uint8(r.Type))
	var routeFlags uint32
	if r.OnLink {
		routeFlags = unix.RTNH_F_ONLINK
	}
	b.u32(routeFlags)
	if r.Table > 0xff {
		b.attrU32(unix.RTA_TABLE, r.Table)
	}
	b.attrAddr(unix.RTA_DST, r.Destination.Addr())
	if r.Metric != 0 {
		b.attrU32(unix.RTA_PRIORITY, r.Metric)
	}
	if r.Link != 0 {
		b.attrU32(unix.RTA_OIF, uint32(r.Link))
	}
	if r.Gateway.IsValid() {
		b.attrAddr(unix.RTA_GATEWAY, r.Gateway)
	}
	if r.Source.IsValid() {
		b.attrAddr(unix.RTA_PREFSRC, r.Source)
	}
	b.end()
}

// CreateAddress adds a request to give an interface an address; EEXIST if it has it.
func (b *Batch) CreateAddress(a Address) {
	b.address(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, a)
}

// DeleteAddress adds a request to take an address away; EADDRNOTAVAIL if it is not there.
func (b *Batch) DeleteAddress(a Address) { b.address(unix.RTM_DELADDR, 0, a) }

// address writes struct ifaddrmsg and its attributes.
func (b *Batch) address(kind, flags uint16, a Address) {
	var addrFlags, scope uint8
	if a.NoDAD {
		addrFlags = unix.IFA_F_NODAD
	}
	if a.LinkScope {
		scope = unix.RT_SCOPE_LINK
	}
	b.begin(kind, flags)
	b.body(AddressFamily(family.OfPrefix(a.Prefix)), uint8(a.Prefix.Bits()), addrFlags, scope)
	b.u32(uint32(a.Link))
	b.attrAddr(unix.IFA_LOCAL, a.Prefix.Addr())
	b.attrAddr(unix.IFA_ADDRESS, a.Prefix.Addr())
	b.end()
}

// skipStatistics is RTEXT_FILTER_SKIP_STATS of linux/rtnetlink.h.
const skipStatistics = 1 << 3

// dumpLinks asks for every link, without its counters.
func (b *Batch) dumpLinks() {
	b.begin(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	b.body(make([]byte, unix.SizeofIfInfomsg)...)
	b.attrU32(unix.IFLA_EXT_MASK, skipStatistics)
	b.end()
}

func (b *Batch) dumpAddresses(f family.Family) {
	b.begin(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	b.body(AddressFamily(f), 0, 0, 0)
	b.u32(0)
	b.end()
}

// dumpRoutes asks for one table only: the kernel sorts out the rest.
func (b *Batch) dumpRoutes(f family.Family, table uint32) {
	b.begin(unix.RTM_GETROUTE, unix.NLM_F_DUMP)
	b.body(AddressFamily(f), 0, 0, 0, tableByte(table), 0, 0, 0)
	b.u32(0)
	b.attrU32(unix.RTA_TABLE, tableNumber(table))
	b.end()
}

// tableNumber is the kernel's number for a table: ours is zero for the main one.
func tableNumber(table uint32) uint32 {
	if table == 0 {
		return unix.RT_TABLE_MAIN
	}
	return table
}

// tableByte is what a header has of a table's number: a large one is in an attribute.
func tableByte(table uint32) uint8 {
	if table > 0xff {
		return unix.RT_TABLE_COMPAT
	}
	return uint8(tableNumber(table))
}

// prefix puts an address of a message and its length together; the host bits of a
// route's destination are zero already.
func prefix(a netip.Addr, bits uint8) netip.Prefix {
	return netip.PrefixFrom(a, int(bits))
}
