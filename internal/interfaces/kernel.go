package interfaces

import (
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// Link is an interface as the kernel has it.
type Link = rtnetlink.Link

// Address is an address of a link.
type Address = rtnetlink.Address

// Event is the kernel's word of a change.
type Event = rtnetlink.Event

// Kernel is the way to the interfaces of a network namespace: Linux, or a fake.
type Kernel interface {
	// Links lists the interfaces.
	Links() ([]Link, error)
	// Addresses lists the addresses of one family.
	Addresses(family.Family) ([]Address, error)
	// AddAddresses returns what became of each: EEXIST if it was there.
	AddAddresses([]Address) []error
	// RemoveAddresses returns what became of each: EADDRNOTAVAIL if it was not there.
	RemoveAddresses([]Address) []error
	// Subscribe starts to collect events of links, and of the addresses of one family
	// that others have changed.
	Subscribe(family.Family) (Subscription, error)
}

// Subscription is a stream of events.
type Subscription interface {
	// Next waits for events and returns those that are there, or os.ErrClosed.
	Next() ([]Event, error)
	Close() error
}

// Linux is the Kernel of the network namespace that OpenLinux was called in.
type Linux struct{ socket *rtnetlink.Socket }

// OpenLinux opens the kernel's interfaces. Subscribe must be called in the same network
// namespace.
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
func (l *Linux) Addresses(f family.Family) ([]Address, error) { return l.socket.Addresses(f) }

// AddAddresses implements Kernel.
func (l *Linux) AddAddresses(addrs []Address) []error {
	var b rtnetlink.Batch
	for _, a := range addrs {
		b.CreateAddress(a)
	}
	return l.socket.Execute(&b)
}

// RemoveAddresses implements Kernel.
func (l *Linux) RemoveAddresses(addrs []Address) []error {
	var b rtnetlink.Batch
	for _, a := range addrs {
		b.DeleteAddress(a)
	}
	return l.socket.Execute(&b)
}

// Subscribe implements Kernel.
func (l *Linux) Subscribe(f family.Family) (Subscription, error) {
	return rtnetlink.Listen(rtnetlink.Topics{Addresses: family.NewSet(f), Settings: family.NewSet(f)}, l.socket.Port())
}

// CreateLink makes a virtual link of its Kind, down.
func (l *Linux) CreateLink(link Link) error {
	var b rtnetlink.Batch
	b.CreateLink(link)
	return l.socket.Execute(&b)[0]
}

// ChangeLink changes of a link what differs between have and want.
func (l *Linux) ChangeLink(have, want Link) error {
	var b rtnetlink.Batch
	b.ChangeLink(have, want)
	return l.socket.Execute(&b)[0]
}
