package ipip_test

import (
	"net/netip"
	"slices"
	"syscall"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipip"
)

// kernel is links and addresses in memory. Events are handed over by the tests.
type kernel struct {
	links     []ipip.Link
	addresses []ipip.Address
	lacks     bool // IPIP
	fail      error
	writes    int
}

// newKernel is a node with an uplink.
func newKernel() *kernel {
	return &kernel{
		links: []ipip.Link{
			{Index: 1, Name: "lo", Up: true, Loopback: true, MTU: 65536},
			{Index: 2, Name: "eth0", Up: true, MTU: 1500},
		},
		addresses: []ipip.Address{{Link: 2, Prefix: netip.MustParsePrefix("172.16.0.1/24")}},
	}
}

func (k *kernel) Links() ([]ipip.Link, error) { return slices.Clone(k.links), k.fail }

func (k *kernel) Addresses(f family.Family) ([]ipip.Address, error) {
	var out []ipip.Address
	for _, a := range k.addresses {
		if family.OfPrefix(a.Prefix) == f {
			out = append(out, a)
		}
	}
	return out, k.fail
}

// CreateLink loads the module as the kernel does: its own tunl0 is then in the way.
func (k *kernel) CreateLink(l ipip.Link) error {
	k.writes++
	if k.lacks {
		return syscall.EOPNOTSUPP
	}
	if !slices.ContainsFunc(k.links, func(o ipip.Link) bool { return o.Name == l.Name }) {
		k.links = append(k.links, ipip.Link{Index: 9, Name: l.Name, Kind: l.Kind, MTU: 1480})
	}
	return syscall.EEXIST
}

func (k *kernel) ChangeLink(have, want ipip.Link) error {
	k.writes++
	i := slices.IndexFunc(k.links, func(l ipip.Link) bool { return l.Index == have.Index })
	if i < 0 {
		return syscall.ENODEV
	}
	k.links[i].Up, k.links[i].MTU = want.Up, want.MTU
	return nil
}

func (k *kernel) AddAddresses(addrs []ipip.Address) []error {
	k.writes++
	out := make([]error, len(addrs))
	for i, a := range addrs {
		if k.find(a) >= 0 {
			out[i] = syscall.EEXIST
			continue
		}
		k.addresses = append(k.addresses, a)
	}
	return out
}

func (k *kernel) RemoveAddresses(addrs []ipip.Address) []error {
	k.writes++
	out := make([]error, len(addrs))
	for i, a := range addrs {
		at := k.find(a)
		if at < 0 {
			out[i] = syscall.EADDRNOTAVAIL
			continue
		}
		k.addresses = slices.Delete(k.addresses, at, at+1)
	}
	return out
}

func (k *kernel) find(a ipip.Address) int {
	return slices.IndexFunc(k.addresses, func(o ipip.Address) bool { return o.Link == a.Link && o.Prefix == a.Prefix })
}
