package ipip

import (
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces"
)

// Link is an interface as the kernel has it.
type Link = interfaces.Link

// Address is an address of a link.
type Address = interfaces.Address

// Event is the kernel's word of a change.
type Event = interfaces.Event

// Kernel is the way to the links of a network namespace: *interfaces.Linux, or a fake.
type Kernel interface {
	// Links lists the interfaces.
	Links() ([]Link, error)
	// Addresses lists the addresses of one family.
	Addresses(family.Family) ([]Address, error)
	// CreateLink makes a link, which is down: EEXIST if there is one of its name, EOPNOTSUPP
	// if the kernel lacks its kind.
	CreateLink(Link) error
	// ChangeLink changes of a link what differs between have and want; ENODEV if there is
	// none of have's index.
	ChangeLink(have, want Link) error
	// AddAddresses returns what became of each: EEXIST if it was there.
	AddAddresses([]Address) []error
	// RemoveAddresses returns what became of each: EADDRNOTAVAIL if it was not there.
	RemoveAddresses([]Address) []error
}
