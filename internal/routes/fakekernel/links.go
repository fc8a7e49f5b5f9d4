package fakekernel

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
	"github.com/margay-net/margay/internal/routes"
)

// AddLink makes an interface, down as the kernel makes it, and returns its index. Indexes
// are not used twice.
func (k *Kernel) AddLink(name string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nextIndex = max(k.nextIndex, len(k.links)) + 1
	l := rtnetlink.Link{Index: k.nextIndex, Name: name}
	k.links = append(k.links, l)
	k.announce(rtnetlink.Event{Link: &l})
	return l.Index
}

// SetLink brings an interface up or down. Going down, it loses its routes, of which IPv4
// says nothing and IPv6 tells each, and its IPv6 addresses; its IPv4 ones stay, and their
// subnets' routes come back when it is up again.
func (k *Kernel) SetLink(name string, up bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.at(name)
	if at < 0 || k.links[at].Up == up {
		return
	}
	k.links[at].Up = up
	l := k.links[at]
	if up {
		k.announce(rtnetlink.Event{Link: &l})
		for _, a := range k.addresses {
			if a.Link == l.Index {
				k.connect(a)
			}
		}
		return
	}
	k.loseRoutes(l.Index)
	k.announce(rtnetlink.Event{Link: &l})
	k.loseAddresses(func(a rtnetlink.Address) bool {
		return a.Link == l.Index && family.OfPrefix(a.Prefix) == family.V6
	})
}

// DeleteLink removes an interface with all that depends on it.
func (k *Kernel) DeleteLink(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.at(name)
	if at < 0 {
		return
	}
	l := k.links[at]
	k.loseRoutes(l.Index)
	k.loseAddresses(func(a rtnetlink.Address) bool { return a.Link == l.Index })
	k.links = slices.Delete(k.links, at, at+1)
	l.Up = false
	k.announce(rtnetlink.Event{Gone: true, Link: &l})
}

func (k *Kernel) at(name string) int {
	return slices.IndexFunc(k.links, func(l rtnetlink.Link) bool { return l.Name == name })
}

func (k *Kernel) loseRoutes(link int) {
	k.routes = slices.DeleteFunc(k.routes, func(r routes.Route) bool {
		if r.Link != link {
			return false
		}
		if r.Family() == family.V6 {
			k.announce(rtnetlink.Event{Gone: true, Route: &r})
		}
		return true
	})
}

func (k *Kernel) loseAddresses(which func(rtnetlink.Address) bool) {
	k.addresses = slices.DeleteFunc(k.addresses, func(a rtnetlink.Address) bool {
		if which(a) {
			k.announce(rtnetlink.Event{Gone: true, Address: &a})
			return true
		}
		return false
	})
}

// AddAddress gives an interface an address, and the route to its subnet.
func (k *Kernel) AddAddress(name string, p netip.Prefix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.links[k.at(name)]
	a := rtnetlink.Address{Link: l.Index, Prefix: p, LinkScope: p.Addr().IsLinkLocalUnicast()}
	k.addresses = append(k.addresses, a)
	k.announce(rtnetlink.Event{Address: &a})
	if l.Up {
		k.connect(a)
	}
}

// connect makes the route to an address's subnet.
func (k *Kernel) connect(a rtnetlink.Address) {
	if a.Prefix.IsSingleIP() {
		return
	}
	r := routes.Route{
		Destination: a.Prefix.Masked(), Type: rtnetlink.Unicast, Protocol: protocolKernel, Link: a.Link,
	}
	if family.OfPrefix(a.Prefix) == family.V4 {
		r.Scope, r.Source = unix.RT_SCOPE_LINK, a.Prefix.Addr()
	} else {
		r.Metric = 256
	}
	if !slices.Contains(k.routes, r) {
		k.routes = append(k.routes, r)
		k.announce(rtnetlink.Event{Route: &r})
	}
}

// RemoveAddress takes an address away. IPv4 drops every route that has it as its source
// (and tells of it, but only in newer kernels), and silently all of the interface's if
// it was the last one; IPv6 silently takes the source out of routes.
func (k *Kernel) RemoveAddress(name string, p netip.Prefix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.links[k.at(name)]
	k.loseAddresses(func(a rtnetlink.Address) bool { return a.Link == l.Index && a.Prefix == p })
	f := family.OfPrefix(p)
	last := !slices.ContainsFunc(k.addresses, func(a rtnetlink.Address) bool {
		return a.Link == l.Index && family.OfPrefix(a.Prefix) == f
	})
	k.routes = slices.DeleteFunc(k.routes, func(r routes.Route) bool {
		switch {
		case r.Family() != f:
			return false
		case r.Protocol == protocolKernel && r.Link == l.Index && r.Destination == p.Masked():
			k.announce(rtnetlink.Event{Gone: true, Route: &r})
			return true
		case f == family.V4 && r.Source == p.Addr():
			k.announce(rtnetlink.Event{Gone: true, Route: &r})
			return true
		}
		return f == family.V4 && last && r.Link == l.Index
	})
	for i := range k.routes {
		if k.routes[i].Source == p.Addr() {
			k.routes[i].Source = netip.Addr{}
		}
	}
}
