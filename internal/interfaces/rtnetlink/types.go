package rtnetlink

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Address is an address of an interface.
type Address struct {
	Link   int
	Prefix netip.Prefix // the address itself, with the length of its subnet
	// Tentative: duplicate address detection is not through with it, or has refused
	// it. The kernel does not yet take it for anybody's own.
	Tentative bool
	// LinkScope marks an address that means something on its link only.
	LinkScope bool
	// NoDAD asks, when the address is added, that it be used at once (IPv6).
	NoDAD bool
}

// RouteType is the kernel's RTN_… number.
type RouteType uint8

// The types that we write.
const (
	Unicast   RouteType = unix.RTN_UNICAST
	Blackhole RouteType = unix.RTN_BLACKHOLE
	// Throw ends the search in this table; the next rule decides.
	Throw RouteType = unix.RTN_THROW
)

// Route is a route with at most one next hop. Two Routes are the same to the kernel if they are
// equal with ==.
type Route struct {
	Destination netip.Prefix
	// Table is zero for the main table.
	Table uint32
	// Metric is the kernel's: zero is a metric of its own in IPv4, and means 1024 when
	// an IPv6 route is added, but is never read back there.
	Metric   uint32
	Type     RouteType
	Protocol uint8
	// Scope is zero (universe) for all IPv6 routes.
	Scope  uint8
	OnLink bool
	// Odd: the route read has parts that this type does not hold, such as several next
	// hops or an encapsulation. Such a route is never one of ours.
	Odd     bool
	Link    int        // index; zero for a blackhole
	Gateway netip.Addr // invalid for none
	Source  netip.Addr // preferred source address; invalid for none
}

// Key is what the kernel tells the routes of one table apart by: IPv4 and IPv6 alike
// keep at most one (but for multipath) under each.
type Key struct {
	Destination netip.Prefix
	Metric      uint32
}

// Key of the route.
func (r Route) Key() Key { return Key{r.Destination, r.Metric} }

// Family of the route's destination.
func (r Route) Family() family.Family { return family.OfPrefix(r.Destination) }

// Text is the route as `ip route` prints it; name turns an interface's index into its
// name, and nil leaves the index.
func (r Route) Text(name func(index int) string) string {
	var b strings.Builder
	switch r.Type {
	case Unicast:
	case Blackhole:
		b.WriteString("blackhole ")
	case Throw:
		b.WriteString("throw ")
	default:
		fmt.Fprintf(&b, "type %d ", r.Type)
	}
	b.WriteString(r.Destination.String())
	if r.Gateway.IsValid() {
		fmt.Fprintf(&b, " via %s", r.Gateway)
	}
	if r.Link != 0 {
		device := fmt.Sprintf("if%d", r.Link)
		if name != nil {
			device = name(r.Link)
		}
		fmt.Fprintf(&b, " dev %s", device)
	}
	if r.Table != 0 {
		fmt.Fprintf(&b, " table %d", r.Table)
	}
	fmt.Fprintf(&b, " proto %d", r.Protocol)
	if r.Scope == unix.RT_SCOPE_LINK {
		b.WriteString(" scope link")
	}
	if r.Source.IsValid() {
		fmt.Fprintf(&b, " src %s", r.Source)
	}
	if r.Metric != 0 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	if r.OnLink {
		b.WriteString(" onlink")
	}
	if r.Odd {
		b.WriteString(" (more)")
	}
	return b.String()
}

// Event is news from the kernel. Exactly one of Overrun and the pointers is set.
type Event struct {
	// Overrun: events have been lost; only a full read tells what is.
	Overrun bool
	// Gone: what follows has been removed, else it is there now.
	Gone bool
	// Replaced: the route has taken the place of another one with the same Key.
	Replaced bool
	// Port is the netlink port of who asked for it; zero if the kernel did it of itself.
	Port    uint32
	Link    *Link
	Address *Address
	Route   *Route
	Setting *Setting
	Rule    *Rule
	// Neighbour and Forwarding come only to a Listener that follows a link.
	Neighbour  *Neighbour
	Forwarding *Forwarding
}

// Setting says that forwarding, proxy ARP or another sysctl that the kernel tells of has
// changed. Link is the interface, or AllLinks.
type Setting struct{ Link int }

// AllLinks stands for the settings of the host (NETCONFA_IFINDEX_ALL).
const AllLinks = -1

// String is the event as one line: + for there, = for replaced, - for gone.
func (e Event) String() string {
	sign := "+ "
	switch {
	case e.Overrun:
		return "overrun"
	case e.Gone:
		sign = "- "
	case e.Replaced:
		sign = "= "
	}
	switch {
	case e.Link != nil:
		return fmt.Sprintf("%slink %d %s up=%t", sign, e.Link.Index, e.Link.Name, e.Link.Up)
	case e.Address != nil:
		return fmt.Sprintf("%s%s dev if%d", sign, e.Address.Prefix, e.Address.Link)
	case e.Route != nil:
		return sign + e.Route.Text(nil)
	case e.Setting != nil:
		return fmt.Sprintf("%ssettings of if%d", sign, e.Setting.Link)
	case e.Rule != nil:
		return sign + e.Rule.String()
	case e.Neighbour != nil:
		return fmt.Sprintf("%sneighbour %s lladdr %s dev if%d", sign, e.Neighbour.Address, e.Neighbour.MAC, e.Neighbour.Link)
	case e.Forwarding != nil:
		return fmt.Sprintf("%sforward %s to %s dev if%d", sign, e.Forwarding.MAC, e.Forwarding.Remote, e.Forwarding.Link)
	}
	return "nothing"
}

// Error is the kernel's refusal of one message: an errno, and what the kernel says about
// it beyond that. It unwraps to the errno.
type Error struct {
	Errno syscall.Errno
	Text  string
}

// Error is the errno's text, followed by the kernel's own if there is one.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Errno.Error()
	}
	return e.Errno.Error() + ": " + e.Text
}

// Unwrap is the errno.
func (e *Error) Unwrap() error { return e.Errno }
