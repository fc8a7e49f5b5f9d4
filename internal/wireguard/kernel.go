package wireguard

import (
	"net/netip"
	"time"

	"github.com/margay-net/margay/internal/family"
)

// Peer is another node's end of the tunnel, as the device has it.
type Peer struct {
	Endpoint  netip.AddrPort // invalid for none
	KeepAlive time.Duration
	// Allowed are the destinations behind the peer, sorted: packets to them go to it, and only
	// packets from them are taken from it.
	Allowed []netip.Prefix
	// Handshake is when the present session began; zero for none. It is read, never written.
	Handshake time.Time
	// Received and Sent count bytes of the peer. They are read, never written.
	Received, Sent int64
}

// Device is a WireGuard device.
type Device struct {
	Key   PrivateKey
	Port  uint16
	Mark  uint32
	Peers map[Key]Peer
}

// Change is what to change of a device, in one request. A nil pointer leaves a field alone.
type Change struct {
	Key  *PrivateKey
	Port *uint16
	Mark *uint32
	// Peers are put in the place of those of the same key, or added; a peer's session survives.
	Peers map[Key]Peer
	// Greet are those of the peers to begin a session with at once, rather than with the first packet:
	// they are sent a keep-alive. Only peers that are sent none regularly need it.
	Greet []Key
	// Gone are the peers to remove.
	Gone []Key
}

// Empty says whether there is nothing to change.
func (c Change) Empty() bool {
	return c.Key == nil && c.Port == nil && c.Mark == nil && len(c.Peers)+len(c.Gone) == 0
}

// Tunnel is the way to the WireGuard half of a device, in the kernel or in user space, or to a
// fake: key, port, mark and peers. What it is as an interface is Links'.
type Tunnel interface {
	// Read returns the device; an error that is fs.ErrNotExist if there is none of the name.
	Read(name string) (Device, error)
	// Change changes the device as a whole: an error leaves it unknown.
	Change(name string, c Change) error
}

// Link is the device as an interface.
type Link struct {
	Index int
	Name  string
	// Kind is the kernel's name for what sort of interface it is: "wireguard", or "tun" for a
	// device in user space.
	Kind string
	MTU  int
	Up   bool
}

// Rule sends every packet of a family that does not carry the mark to the table.
type Rule struct {
	Family                family.Family
	Priority, Mark, Table uint32
}

// RouteKind says what becomes of a packet to a destination.
type RouteKind uint8

const (
	// IntoDevice sends it to the other node, encrypted.
	IntoDevice RouteKind = iota
	// Throw leaves it to the next table, and it goes in the clear.
	Throw
	// Drop drops it.
	Drop
)

// RouteKey is what the kernel tells the routes of a table apart by.
type RouteKey struct {
	To     netip.Prefix
	Metric uint32
}

// Route is a route of our table.
type Route struct {
	Kind RouteKind
	Link int // IntoDevice: the index of the device
}

// Kernel is the way to the interfaces, addresses, routes and rules of a network namespace: Linux,
// or a fake.
type Kernel interface {
	// Link finds an interface by its name; false if there is none.
	Link(name string) (Link, bool, error)
	// SetLink sets an interface's MTU, and sets it up.
	SetLink(name string, mtu int) error
	// Addresses lists the addresses of an interface, of both families, link-local ones excepted.
	Addresses(link int) ([]netip.Addr, error)
	// ChangeAddresses gives and takes host addresses. It returns what became of those to give,
	// then of those to take.
	ChangeAddresses(link int, give, take []netip.Addr) []error
	// Routes lists a table, both families.
	Routes(table uint32) (map[RouteKey]Route, error)
	// ChangeRoutes puts routes in the place of those of their keys, then removes those of other
	// keys. It returns what became of each, those to put first.
	ChangeRoutes(table uint32, put []KeyedRoute, remove []KeyedRoute) []error
	// Rules lists the rules of a priority, both families, that lead to a table by the absence of
	// a mark and by nothing else.
	Rules(priority uint32) ([]Rule, error)
	// ChangeRules adds and removes rules. It returns what became of each, those to add first.
	ChangeRules(add, remove []Rule) []error
}

// KeyedRoute is a route with its key.
type KeyedRoute struct {
	Key   RouteKey
	Route Route
}

// Maker makes and removes the device: the kernel's own, or one in user space.
type Maker interface {
	// Takes says whether a device of a kind is one of the maker's.
	Takes(kind string) bool
	// Make makes the device, without an address and down. ErrUnsupported says that there is no
	// way to have one here.
	Make(name string, mtu int) error
	// Attach takes up again what an earlier process has left of a device; nothing is to be done
	// for one that lives on by itself, as the kernel's own does.
	Attach(l Link) error
	// Remove takes the device away, whoever made it. It is no error if there is none.
	Remove(name string) error
}

// ErrUnsupported says that the kernel has no WireGuard (CONFIG_WIREGUARD, module wireguard).
const ErrUnsupported = unsupported("the kernel has no WireGuard: module wireguard is missing")

type unsupported string

// Error implements error.
func (u unsupported) Error() string { return string(u) }
