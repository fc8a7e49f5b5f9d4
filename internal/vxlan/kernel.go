package vxlan

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// Link is an interface as the kernel has it.
type Link = rtnetlink.Link

// VXLAN is what a VXLAN device has beside what every link has.
type VXLAN = rtnetlink.VXLAN

// Address is an address of a link.
type Address = rtnetlink.Address

// Neighbour is an entry of a link's ARP or neighbour discovery table.
type Neighbour = rtnetlink.Neighbour

// Forwarding is an entry of the device's forwarding table.
type Forwarding = rtnetlink.Forwarding

// Event is the kernel's word of a change.
type Event = rtnetlink.Event

// Kernel is the way to the links of a network namespace: Linux, or a fake.
type Kernel interface {
	// Links lists the interfaces.
	Links() ([]Link, error)
	// Addresses lists the addresses of one family; a family that the kernel does not have
	// has none.
	Addresses(family.Family) ([]Address, error)
	// Neighbours lists the entries of one link, and from then on has the Subscription tell
	// of their changes, and of those of no other link.
	Neighbours(link int) ([]Neighbour, []Forwarding, error)
	// Write makes the changes in their order and returns what became of each. They are
	// independent: one that is refused stops no other. Errors unwrap to an errno.
	Write([]Write) []error
	// Offload says whether checksums are left to the network card on what the link sends.
	Offload(name string) (bool, error)
	// SetOffload changes that.
	SetOffload(name string, on bool) error
	// Subscribe starts to collect events of links, of addresses of both families, and of
	// neighbours, but for those that Write causes.
	Subscribe() (Subscription, error)
}

// Subscription is a stream of events.
type Subscription interface {
	// Next waits for events and returns those that are there, or os.ErrClosed.
	Next() ([]Event, error)
	Close() error
}

// Write is one change. Exactly one of the pointers is set.
type Write struct {
	// Delete removes; else what is named is made, or takes the place of what stands there.
	// Of links, and of addresses, there must be none of the name (EEXIST).
	Delete bool
	// Link with an index of zero is made, down; of one with an index, what differs from
	// Have is changed.
	Link       *Link
	Have       Link
	Address    *Address
	Neighbour  *Neighbour
	Forwarding *Forwarding
}

// Linux is the Kernel of the network namespace that OpenLinux was called in.
type Linux struct {
	socket *rtnetlink.Socket
	// control is a socket for requests that netlink does not know.
	control int

	mu       sync.Mutex
	listener *rtnetlink.Listener
}

// OpenLinux opens the kernel's links. Subscribe must be called in the same network namespace.
func OpenLinux() (*Linux, error) {
	s, err := rtnetlink.Open()
	if err != nil {
		return nil, err
	}
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control socket: %w", err), s.Close())
	}
	return &Linux{socket: s, control: control}, nil
}

// Close closes the sockets; a subscription lives on.
func (l *Linux) Close() error { return errors.Join(l.socket.Close(), unix.Close(l.control)) }

// Links implements Kernel.
func (l *Linux) Links() ([]Link, error) { return l.socket.Links() }

// Addresses implements Kernel.
func (l *Linux) Addresses(f family.Family) ([]Address, error) { return l.socket.Addresses(f) }

// Neighbours implements Kernel.
func (l *Linux) Neighbours(link int) ([]Neighbour, []Forwarding, error) {
	l.mu.Lock()
	listener := l.listener
	l.mu.Unlock()
	if listener != nil { // before the list: what changes meanwhile comes as an event
		if err := listener.Follow(link); err != nil {
			return nil, nil, err
		}
	}
	return l.socket.Neighbours(link)
}

// Write implements Kernel: all changes in one system call for each thousand.
func (l *Linux) Write(writes []Write) []error {
	var b rtnetlink.Batch
	for _, w := range writes {
		add(&b, w)
	}
	return l.socket.Execute(&b)
}

func add(b *rtnetlink.Batch, w Write) {
	switch {
	case w.Link != nil && w.Delete:
		b.DeleteLink(w.Link.Index)
	case w.Link != nil && w.Link.Index == 0:
		b.CreateLink(*w.Link)
	case w.Link != nil:
		b.ChangeLink(w.Have, *w.Link)
	case w.Address != nil && w.Delete:
		b.DeleteAddress(*w.Address)
	case w.Address != nil:
		b.CreateAddress(*w.Address)
	case w.Neighbour != nil && w.Delete:
		b.DeleteNeighbour(*w.Neighbour)
	case w.Neighbour != nil:
		b.ReplaceNeighbour(*w.Neighbour)
	case w.Forwarding != nil && w.Delete:
		b.DeleteForwarding(*w.Forwarding)
	case w.Forwarding != nil:
		b.ReplaceForwarding(*w.Forwarding)
	}
}

// Subscribe implements Kernel. There is one subscription at a time.
func (l *Linux) Subscribe() (Subscription, error) {
	listener, err := rtnetlink.Listen(rtnetlink.Topics{Addresses: family.Both, Neighbours: true}, l.socket.Port())
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listener = listener
	return listener, nil
}
