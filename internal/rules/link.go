package rules

import (
	"net/netip"
	"slices"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// LinkMessages are ICMP messages that only make sense between neighbours on a link.
// Receivers take them with one hop limit only, which no router leaves as it is.
type LinkMessages struct {
	Types    []uint8
	HopLimit uint8
}

// IPProtocolIPIP is the protocol number of IPv4 in IP (RFC 2003).
const IPProtocolIPIP model.Protocol = 4

// Exchanged are the messages that a pod and its node need from each other: neighbour
// discovery (RFC 4861: router solicitation, neighbour solicitation and advertisement)
// and multicast listener discovery (RFC 2710, RFC 3810). IPv4 has none of the kind.
func Exchanged(f family.Family) []LinkMessages {
	if f == family.V4 {
		return nil
	}
	return []LinkMessages{
		{Types: []uint8{133, 135, 136}, HopLimit: 255},
		{Types: []uint8{130, 131, 132, 143}, HopLimit: 1},
	}
}

// Unsolicited are the messages by which a pod would pose as a router: router
// advertisement and redirect.
func Unsolicited(f family.Family) []uint8 {
	if f == family.V4 {
		return nil
	}
	return []uint8{134, 137}
}

// NeverForwarded are the types of all messages that stay on their link, sorted.
func NeverForwarded(f family.Family) []uint8 {
	types := Unsolicited(f)
	for _, m := range Exchanged(f) {
		types = append(types, m.Types...)
	}
	slices.Sort(types)
	return types
}

// LinkSources are the sources beside its own addresses from which a pod may send the
// messages that are exchanged with its node: unspecified and link-local.
func LinkSources(f family.Family) []netip.Prefix {
	if f == family.V4 {
		return nil
	}
	return []netip.Prefix{
		family.HostPrefix(netip.IPv6Unspecified()),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80}), 10),
	}
}

func (p *Packet) isExchanged() bool {
	return p.isICMP() && slices.ContainsFunc(Exchanged(p.Family()), func(m LinkMessages) bool {
		return p.HopLimit == m.HopLimit && slices.Contains(m.Types, p.ICMPType)
	})
}

func (p *Packet) isICMP() bool { return p.Protocol == ICMPOf(p.Family()) }

func (p *Packet) hasType(types []uint8) bool { return p.isICMP() && slices.Contains(types, p.ICMPType) }

func (p *Packet) comesFrom(nets []netip.Prefix) bool {
	return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(p.Source) })
}
