package interfaces

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Settings are what may change while a Driver runs. The zero value is the default.
type Settings struct {
	// Off: the family is switched off; nothing is set any more.
	Off bool
	// InterfacePrefixes are how the names of pod interfaces begin (InterfacePrefix);
	// none means "cali".
	InterfacePrefixes []string
	// NoForwarding leaves the node's forwarding as it is (IPForwarding: Disabled).
	NoForwarding bool
	// Audit is how often everything is read again, for the sake of what the kernel does not
	// tell of; zero for never.
	Audit time.Duration
}

func (s Settings) isPod(name string) bool {
	if len(s.InterfacePrefixes) == 0 {
		return strings.HasPrefix(name, "cali")
	}
	for _, p := range s.InterfacePrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// Gateways are the addresses that pods of the family have as their gateway and that their
// interface's host end must have: the link-local that the kernel would make of the MAC
// ee:ee:ee:ee:ee:ee, which is what the CNI plugin counts on, and fe80::1, which is easier
// to write. IPv4 has none: its 169.254.1.1 is answered for by proxy ARP, since an IPv4
// address that comes and goes takes routes along.
func Gateways(f family.Family) []netip.Prefix {
	p := family.PairOf(nil, []netip.Prefix{
		netip.MustParsePrefix("fe80::ecee:eeff:feee:eeee/64"),
		netip.MustParsePrefix("fe80::1/64"),
	})
	return p.Get(f)
}

// value is one sysctl of an interface: the path has a %s for its name.
type value struct{ path, value string }

// podValues are the sysctls of a pod interface, in the order in which they are set.
// Families differ in what they have, so each has its list.
func podValues(f family.Family) []value {
	p := family.PairOf(
		[]value{
			// The node answers for the pods' gateway, and at once: a proxied answer is
			// otherwise put off by a random part of 0.8 s.
			{"net/ipv4/conf/%s/proxy_arp", "1"},
			{"net/ipv4/neigh/%s/proxy_delay", "0"},
			{"net/ipv4/conf/%s/forwarding", "1"},
			// A pod may reach what NAT sends to the node's 127.0.0.1 (node-local DNS).
			{"net/ipv4/conf/%s/route_localnet", "1"},
		},
		[]value{
			{"net/ipv6/conf/%s/disable_ipv6", "0"},
			// A pod is not a router to the node, and nobody else is on the link.
			{"net/ipv6/conf/%s/accept_ra", "0"},
			{"net/ipv6/conf/%s/accept_dad", "0"},
			// Not forwarding: in IPv6 it does not decide what is forwarded (see
			// forwarding.go), and setting it on any one interface makes the kernel drop
			// the advertised default routes of all (addrconf_fixup_forwarding).
		},
	)
	return p.Get(f)
}

// reversePath is the check of a packet's source against the routes, by family: strict,
// or none where the pod may send from other addresses. IPv6 has no such sysctl; in both,
// the exact check is the packet filter's.
func reversePath(f family.Family, strict bool) []value {
	setting := "0"
	if strict {
		setting = "1"
	}
	p := family.PairOf([]value{{"net/ipv4/conf/%s/rp_filter", setting}}, nil)
	return p.Get(f)
}

func (v value) of(link string) value {
	if !strings.Contains(v.path, "%s") {
		return v
	}
	return value{fmt.Sprintf(v.path, link), v.value}
}
