package ipset

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// Type says what the members of a set are.
type Type string

// The types in use. All are those of ipset.
const (
	// Addresses holds single addresses.
	Addresses Type = "hash:ip"
	// Nets holds prefixes; they may overlap.
	Nets Type = "hash:net"
	// Ports holds addresses with a protocol and a port.
	Ports Type = "hash:ip,port"
	// Sources holds addresses with the interface that they come from.
	Sources Type = "hash:net,iface"
)

// Set describes a set without its members.
type Set struct {
	Name string
	Type Type
	// Size is how many members it can have; 0 for the driver's default.
	Size int
}

// Prefix begins the names of all sets of a family.
func Prefix(f family.Family) string { return "cali" + strconv.Itoa(f.Version()) + "0" }

// temporary begins the names of sets that are there for the time of a swap only.
func temporary(f family.Family) string { return "cali" + strconv.Itoa(f.Version()) + "t" }

// protocol names a family as ipset does.
func protocol(f family.Family) string {
	if f == family.V4 {
		return "inet"
	}
	return "inet6"
}

// Member is one member of a set as ipset prints it: "10.65.0.1", "10.65.0.0/24",
// "10.65.0.1,tcp:80" or "10.65.0.1,cali1".
type Member string

// Address is a member of a set of Addresses.
func Address(a netip.Addr) Member { return Member(a.String()) }

// Net is a member of a set of Nets. One of a single address is printed without its length.
func Net(p netip.Prefix) Member {
	if family.IsHost(p) {
		return Address(p.Addr())
	}
	return Member(p.Masked().String())
}

// Source is a member of a set of Sources.
func Source(a netip.Addr, iface string) Member { return Member(a.String() + "," + iface) }

// Port is a member of a set of Ports. Only protocols with ports have any; false for others.
func Port(a netip.Addr, p model.Protocol, port uint16) (Member, bool) {
	name, ok := portProtocols[p]
	return Member(a.String() + "," + name + ":" + strconv.Itoa(int(port))), ok
}

// portProtocols are the protocols whose ports a set can hold, as ipset prints them.
var portProtocols = map[model.Protocol]string{model.TCP: "tcp", model.UDP: "udp", model.SCTP: "sctp", model.UDPLite: "udplite"}

// halves are what a set of nets holds instead of a family's whole space.
func halves(f family.Family) [2]Member {
	low := netip.PrefixFrom(f.Any().Addr(), 1)
	bytes := low.Addr().AsSlice()
	bytes[0] = 0x80
	high, _ := netip.AddrFromSlice(bytes)
	return [2]Member{Net(low), Net(netip.PrefixFrom(high, 1))}
}

// isWhole says whether a member is a family's whole space, or nearly: what the halves stand
// for.
func isWhole(m Member) bool { return strings.HasSuffix(string(m), "/0") }
