package vxlan_test

import (
	"cmp"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"syscall"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/vxlan"
)

// kernel is the links of a network namespace in memory, with what the kernel does of itself:
// what goes with a link, and with its being up. Events of what somebody else does are handed
// over by the tests.
type kernel struct {
	links      []vxlan.Link
	addresses  []vxlan.Address
	neighbours []vxlan.Neighbour
	forwarding []vxlan.Forwarding
	software   map[string]bool // links whose checksums are made in software
	last       int             // index

	lacks  bool // VXLAN
	fail   error
	refuse func(vxlan.Write) error
	writes []vxlan.Write
}

// newKernel is a node with an uplink that has an address of each family.
func newKernel() *kernel {
	return &kernel{
		links: []vxlan.Link{
			{Index: 1, Name: "lo", Up: true, Loopback: true, MTU: 65536},
			{Index: 2, Name: "eth0", Up: true, MTU: 1500},
		},
		addresses: []vxlan.Address{
			{Link: 2, Prefix: netip.MustParsePrefix("172.16.0.1/24")},
			{Link: 2, Prefix: netip.MustParsePrefix("fd00:16::1/64")},
		},
		software: map[string]bool{}, last: 2,
	}
}

func (k *kernel) Links() ([]vxlan.Link, error) { return slices.Clone(k.links), k.fail }

func (k *kernel) Addresses(f family.Family) ([]vxlan.Address, error) {
	var out []vxlan.Address
	for _, a := range k.addresses {
		if family.OfPrefix(a.Prefix) == f {
			out = append(out, a)
		}
	}
	return out, k.fail
}

func (k *kernel) Neighbours(link int) (n []vxlan.Neighbour, e []vxlan.Forwarding, err error) {
	for _, x := range k.neighbours {
		if x.Link == link {
			n = append(n, x)
		}
	}
	for _, x := range k.forwarding {
		if x.Link == link {
			e = append(e, x)
		}
	}
	return n, e, k.fail
}

func (k *kernel) Offload(name string) (bool, error) {
	if k.named(name) < 0 {
		return false, syscall.ENODEV
	}
	return !k.software[name], nil
}

func (k *kernel) SetOffload(name string, on bool) error {
	if k.named(name) < 0 {
		return syscall.ENODEV
	}
	k.software[name] = !on
	return nil
}

func (k *kernel) Subscribe() (vxlan.Subscription, error) { return nil, k.fail }

func (k *kernel) Write(writes []vxlan.Write) []error {
	out := make([]error, len(writes))
	for i, w := range writes {
		k.writes = append(k.writes, w)
		if k.refuse != nil {
			out[i] = k.refuse(w)
		}
		if out[i] == nil {
			out[i] = k.write(w)
		}
	}
	return out
}

func (k *kernel) write(w vxlan.Write) error {
	switch {
	case w.Link != nil && w.Delete:
		return k.deleteLink(w.Link.Index)
	case w.Link != nil && w.Link.Index == 0:
		return k.createLink(*w.Link)
	case w.Link != nil:
		return k.changeLink(w.Have, *w.Link)
	case w.Address != nil:
		return k.address(*w.Address, w.Delete)
	case w.Neighbour != nil:
		return k.neighbour(*w.Neighbour, w.Delete)
	}
	return k.forward(*w.Forwarding, w.Delete)
}

func (k *kernel) named(name string) int {
	return slices.IndexFunc(k.links, func(l vxlan.Link) bool { return l.Name == name })
}

func (k *kernel) at(index int) int {
	return slices.IndexFunc(k.links, func(l vxlan.Link) bool { return l.Index == index })
}

func (k *kernel) createLink(l vxlan.Link) error {
	switch {
	case k.lacks:
		return syscall.EOPNOTSUPP
	case k.named(l.Name) >= 0:
		return syscall.EEXIST
	case slices.ContainsFunc(k.links, func(o vxlan.Link) bool {
		return o.Kind == "vxlan" && o.VXLAN.VNI == l.VXLAN.VNI && o.VXLAN.Port == l.VXLAN.Port && family.Of(o.VXLAN.Local) == family.Of(l.VXLAN.Local)
	}):
		return syscall.EEXIST
	}
	if l.VXLAN.Parent != 0 {
		p := k.at(l.VXLAN.Parent)
		if p < 0 {
			return syscall.ENODEV
		}
		l.MTU = min(l.MTU, k.links[p].MTU-vxlan.Overhead(family.Of(l.VXLAN.Local)))
	}
	k.last++
	l.Index, l.Up, l.NoLinkLocal = k.last, false, false
	k.links = append(k.links, l)
	return nil
}

func (k *kernel) changeLink(have, want vxlan.Link) error {
	i := k.at(have.Index)
	if i < 0 {
		return syscall.ENODEV
	}
	l := &k.links[i]
	if want.MTU != have.MTU {
		if p := k.at(l.VXLAN.Parent); p >= 0 && want.MTU > k.links[p].MTU-vxlan.Overhead(family.Of(l.VXLAN.Local)) {
			return syscall.EINVAL
		}
		l.MTU = want.MTU
	}
	if want.MAC != have.MAC {
		l.MAC = want.MAC
		k.dropNeighbours(l.Index)
	}
	if want.NoLinkLocal != have.NoLinkLocal {
		l.NoLinkLocal = want.NoLinkLocal
	}
	if have.Up && !want.Up {
		k.dropNeighbours(l.Index)
		k.addresses = slices.DeleteFunc(k.addresses, func(a vxlan.Address) bool {
			return a.Link == l.Index && family.OfPrefix(a.Prefix) == family.V6
		})
	}
	l.Up = want.Up
	return nil
}

func (k *kernel) deleteLink(index int) error {
	i := k.at(index)
	if i < 0 {
		return syscall.ENODEV
	}
	k.links = slices.Delete(k.links, i, i+1)
	k.dropNeighbours(index)
	k.addresses = slices.DeleteFunc(k.addresses, func(a vxlan.Address) bool { return a.Link == index })
	k.forwarding = slices.DeleteFunc(k.forwarding, func(e vxlan.Forwarding) bool { return e.Link == index })
	for _, l := range slices.Clone(k.links) { // what is on top of it goes along
		if l.Kind == "vxlan" && l.VXLAN.Parent == index {
			_ = k.deleteLink(l.Index)
		}
	}
	return nil
}

func (k *kernel) dropNeighbours(index int) {
	k.neighbours = slices.DeleteFunc(k.neighbours, func(n vxlan.Neighbour) bool { return n.Link == index })
}

func (k *kernel) address(a vxlan.Address, gone bool) error {
	i := slices.IndexFunc(k.addresses, func(o vxlan.Address) bool { return o.Link == a.Link && o.Prefix == a.Prefix })
	switch {
	case k.at(a.Link) < 0:
		return syscall.ENODEV
	case gone && i < 0:
		return syscall.EADDRNOTAVAIL
	case gone:
		k.addresses = slices.Delete(k.addresses, i, i+1)
	case i >= 0:
		return syscall.EEXIST
	default:
		k.addresses = append(k.addresses, a)
	}
	return nil
}

func (k *kernel) neighbour(n vxlan.Neighbour, gone bool) error {
	i := slices.IndexFunc(k.neighbours, func(o vxlan.Neighbour) bool { return o.Link == n.Link && o.Address == n.Address })
	switch {
	case k.at(n.Link) < 0:
		return syscall.ENODEV
	case gone && i < 0:
		return syscall.ENOENT
	case gone:
		k.neighbours = slices.Delete(k.neighbours, i, i+1)
	case i >= 0:
		k.neighbours[i] = n
	default:
		k.neighbours = append(k.neighbours, n)
	}
	return nil
}

func (k *kernel) forward(e vxlan.Forwarding, gone bool) error {
	i := slices.IndexFunc(k.forwarding, func(o vxlan.Forwarding) bool { return o.Link == e.Link && o.MAC == e.MAC })
	switch l := k.at(e.Link); {
	case l < 0:
		return syscall.ENODEV
	case k.links[l].Kind != "vxlan":
		return syscall.EOPNOTSUPP
	case gone && i < 0:
		return syscall.ENOENT
	case gone:
		k.forwarding = slices.Delete(k.forwarding, i, i+1)
	case i >= 0:
		k.forwarding[i] = e
	default:
		k.forwarding = append(k.forwarding, e)
	}
	return nil
}

// sorted are the entries of a link in one order.
func sorted(n []vxlan.Neighbour, e []vxlan.Forwarding) ([]vxlan.Neighbour, []vxlan.Forwarding) {
	slices.SortFunc(n, func(a, b vxlan.Neighbour) int { return a.Address.Compare(b.Address) })
	slices.SortFunc(e, func(a, b vxlan.Forwarding) int { return cmp.Compare(a.MAC.String(), b.MAC.String()) })
	return n, e
}

// sysctls is a kernel's settings in memory.
type sysctls map[string]string

func (s sysctls) Read(path string) (string, error) {
	v, ok := s[path]
	if !ok {
		return "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return v, nil
}

func (s sysctls) Write(path, value string) error {
	if _, ok := s[path]; !ok {
		return &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	s[path] = value
	return nil
}

// newSysctls has what a kernel has for our devices, with its defaults.
func newSysctls() sysctls {
	out := sysctls{}
	for _, f := range family.All() {
		path := "net/ipv6/conf/" + vxlan.DeviceName(f) + "/"
		maps.Copy(out, sysctls{path + "accept_ra": "1", path + "accept_dad": "1", path + "disable_ipv6": "0"})
	}
	return out
}

func mac(n byte) model.MAC { return model.MAC{0x66, 0, 0, 0, 0, n} }
