package routes

import (
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// Route is a route as the kernel has it.
type Route = rtnetlink.Route

// Key is what tells one route of a table from another.
type Key = rtnetlink.Key

// Link is an interface as the kernel has it.
type Link = rtnetlink.Link

// Event is the kernel's word of a change.
type Event = rtnetlink.Event

// Protocol marks the routes that are ours wherever they lead (Felix has the same number).
const Protocol = 80

// Kernel is the way to the routes of a network namespace: Linux, or a fake.
type Kernel interface {
	// Links lists the interfaces.
	Links() ([]Link, error)
	// Addresses lists the addresses of one family.
	Addresses(family.Family) ([]rtnetlink.Address, error)
	// Routes lists the main table of one family; a family that the kernel does not have
	// is empty.
	Routes(family.Family) ([]Route, error)
	// Write makes the changes in their order and returns what became of each. They are
	// independent: one that is refused stops no other. Errors unwrap to an errno.
	Write([]Write) []error
	// Subscribe starts to collect events of links, and of the addresses, routes and
	// settings of one family, but for those that Write causes.
	Subscribe(family.Family) (Subscription, error)
}

// Subscription is a stream of events.
type Subscription interface {
	// Next waits for events and returns those that are there, or os.ErrClosed.
	Next() ([]Event, error)
	Close() error
}

// Flusher forgets the connections of addresses: conntrack.Table.
type Flusher interface {
	Flush([]netip.Addr) error
}

// Verb says what a Write does.
type Verb uint8

// Create fails with EEXIST if any route has the Key. Replace takes the place of whatever
// has it. Delete fails with ESRCH unless a route agrees in key, type, protocol,
// interface and gateway.
const (
	Create Verb = iota
	Replace
	Delete
)

// String is the verb as ip(8) has it.
func (v Verb) String() string { return [...]string{"add", "replace", "del"}[v] }

// Write is one change of a route.
type Write struct {
	Verb  Verb
	Route Route
}

// Linux is the Kernel of the network namespace that OpenLinux was called in.
type Linux struct{ socket *rtnetlink.Socket }

// OpenLinux opens the kernel's routes for reading and writing. Subscribe must be called
// in the same network namespace.
func OpenLinux() (*Linux, error) {
	s, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	return &Linux{socket: s}, nil
}

// Close closes the socket; subscriptions live on.
func (l *Linux) Close() error { return l.socket.Close() }

// Links implements Kernel.
func (l *Linux) Links() ([]Link, error) { return l.socket.Links() }

// Addresses implements Kernel.
func (l *Linux) Addresses(f family.Family) ([]rtnetlink.Address, error) {
	return l.socket.Addresses(f)
}

// Routes implements Kernel.
func (l *Linux) Routes(f family.Family) ([]Route, error) { return l.socket.Routes(f) }

// Write implements Kernel: all changes in one system call for each thousand.
func (l *Linux) Write(writes []Write) []error {
	var b rtnetlink.Batch
	for _, w := range writes {
		switch w.Verb {
		case Create:
			b.CreateRoute(w.Route)
		case Replace:
			b.ReplaceRoute(w.Route)
		case Delete:
			b.DeleteRoute(w.Route)
		}
	}
	return l.socket.Execute(&b)
}

// Subscribe implements Kernel.
func (l *Linux) Subscribe(f family.Family) (Subscription, error) {
	only := family.NewSet(f)
	return rtnetlink.Listen(rtnetlink.Topics{Routes: only, Addresses: only, Settings: only}, l.socket.Port())
}
