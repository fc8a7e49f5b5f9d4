package rtnetlink

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Decode reads a message about a link, an address, a route, a rule or a neighbour. It returns false for
// anything else: other kinds and families, cached routes, routes of one type of service only.
func Decode(m Message) (Event, bool) {
	e := Event{Replaced: m.Flags&unix.NLM_F_REPLACE != 0, Port: m.Port}
	ok := false
	switch m.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		e.Gone = m.Type == unix.RTM_DELLINK
		e.Link, ok = decodeLink(m.Body)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		e.Gone = m.Type == unix.RTM_DELADDR
		e.Address, ok = decodeAddress(m.Body)
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		e.Gone = m.Type == unix.RTM_DELROUTE
		e.Route, ok = decodeRoute(m.Body)
	case unix.RTM_NEWNETCONF:
		e.Setting, ok = decodeSetting(m.Body)
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		e.Gone = m.Type == unix.RTM_DELRULE
		e.Rule, ok = decodeRule(m.Body)
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		e.Gone = m.Type == unix.RTM_DELNEIGH
		ok = decodeNeighbour(m.Body, &e)
	}
	return e, ok
}

// decodeSetting reads struct netconfmsg (linux/netconf.h): a byte for the family, padded.
func decodeSetting(b []byte) (*Setting, bool) {
	const length, ifIndex = 4, 1 // of the structure; NETCONFA_IFINDEX
	if len(b) < length || !isInternet(b[0]) {
		return nil, false
	}
	var s *Setting
	attributes(b[length:], func(kind uint16, v []byte) {
		if kind == ifIndex && len(v) >= 4 {
			s = &Setting{Link: int(int32(u32(v)))}
		}
	})
	return s, s != nil
}

// decodeAddress reads struct ifaddrmsg. On a point-to-point link IFA_ADDRESS is the far
// end, and IFA_LOCAL ours; in IPv6 there is usually only the former.
func decodeAddress(b []byte) (*Address, bool) {
	if len(b) < unix.SizeofIfAddrmsg || !isInternet(b[0]) {
		return nil, false
	}
	flags := uint32(b[2])
	var local, far netip.Addr
	attributes(b[unix.SizeofIfAddrmsg:], func(kind uint16, v []byte) {
		switch kind {
		case unix.IFA_LOCAL:
			local = address(v)
		case unix.IFA_ADDRESS:
			far = address(v)
		case unix.IFA_FLAGS:
			flags = u32(v)
		}
	})
	if !local.IsValid() {
		local = far
	}
	a := &Address{
		Link:      int(u32(b[4:])),
		Prefix:    prefix(local, b[1]),
		Tentative: flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0,
		LinkScope: b[3] == unix.RT_SCOPE_LINK,
		NoDAD:     flags&unix.IFA_F_NODAD != 0,
	}
	return a, a.Prefix.IsValid()
}

// rtaNextHopID is RTA_NH_ID of linux/rtnetlink.h: the route names a next hop object.
const rtaNextHopID = 30

// decodeRoute reads struct rtmsg.
func decodeRoute(b []byte) (*Route, bool) {
	if len(b) < unix.SizeofRtMsg || !isInternet(b[0]) || b[3] != 0 {
		return nil, false
	}
	flags := u32(b[8:])
	r := &Route{
		Protocol: b[5], Scope: b[6], Type: RouteType(b[7]),
		OnLink: flags&unix.RTNH_F_ONLINK != 0,
		Odd:    b[2] != 0, // a source prefix, in IPv6
	}
	table := uint32(b[4])
	destination := unspecified(b[0])
	attributes(b[unix.SizeofRtMsg:], func(kind uint16, v []byte) {
		switch kind {
		case unix.RTA_TABLE:
			table = u32(v)
		case unix.RTA_DST:
			destination = address(v)
		case unix.RTA_PRIORITY:
			r.Metric = u32(v)
		case unix.RTA_OIF:
			r.Link = int(u32(v))
		case unix.RTA_GATEWAY:
			r.Gateway = address(v)
		case unix.RTA_PREFSRC:
			r.Source = address(v)
		case unix.RTA_MULTIPATH, unix.RTA_VIA, rtaNextHopID, unix.RTA_ENCAP:
			r.Odd = true
		}
	})
	r.Destination = prefix(destination, b[1])
	if r.Type != Unicast {
		r.Link = 0 // IPv6 shows a blackhole on lo
	}
	if table != unix.RT_TABLE_MAIN {
		r.Table = table
	}
	return r, flags&unix.RTM_F_CLONED == 0 && r.Destination.IsValid()
}

func isInternet(af uint8) bool { return af == unix.AF_INET || af == unix.AF_INET6 }

// unspecified is the destination of a route that names none: the default route.
func unspecified(af uint8) netip.Addr {
	if af == unix.AF_INET {
		return family.V4.Any().Addr()
	}
	return family.V6.Any().Addr()
}
