package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"

	"github.com/margay-net/margay/internal/family"
)

// bridge is the name of the bridge device in a link's own namespace.
const bridge = "bridge"

// Link is an Ethernet that nodes stand on: a bridge in a namespace of its own. With addresses
// it is also a host there, one that is no node.
type Link struct {
	*Space
	addresses []netip.Prefix

	mu    sync.Mutex
	ports int
}

// Address is the link's own address of one family, invalid if it has none.
func (l *Link) Address(f family.Family) netip.Addr { return firstOf(f, l.addresses) }

func (l *Lab) newLink(name string, addrs []netip.Prefix) (*Link, error) {
	s, err := l.newSpace(name)
	if err != nil {
		return nil, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridge
	off := false // or the bridge would hold multicast (neighbour discovery) back until it has learnt
	if err := s.links.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &off}); err != nil {
		s.close()
		return nil, fmt.Errorf("bridge of %s: %w", name, err)
	}
	link := &Link{Space: s, addresses: addrs}
	if err := link.addressAndRaise(bridge, addrs); err != nil {
		s.close()
		return nil, err
	}
	return link, nil
}

// attach joins a node's device, with its addresses, to the link, and returns when packets pass.
func (l *Link) attach(n *Node, device string, mtu int, addrs []netip.Prefix) error {
	port := l.nextPort()
	if err := joinByVeth(l.Space, port, nil, n.Space, device, mtu); err != nil {
		return err
	}
	if err := l.enslave(port); err != nil {
		return err
	}
	if err := n.addressAndRaise(device, addrs); err != nil {
		return err
	}
	return errors.Join(l.awaitReady(port), l.awaitReady(bridge), n.awaitReady(device))
}

func (l *Link) nextPort() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ports++
	return fmt.Sprintf("port%d", l.ports)
}

// enslave makes a device a port of the bridge and brings it up.
func (l *Link) enslave(port string) error {
	br, err := l.links.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("%s: %w", bridge, err)
	}
	p, err := l.links.LinkByName(port)
	if err != nil {
		return fmt.Errorf("%s: %w", port, err)
	}
	if err := l.links.LinkSetMaster(p, br); err != nil {
		return fmt.Errorf("%s into %s: %w", port, bridge, err)
	}
	return l.setUp(port, true)
}

// addressAndRaise gives a device its addresses and brings it up.
func (s *Space) addressAndRaise(device string, addrs []netip.Prefix) error {
	for _, a := range addrs {
		if err := s.AddAddress(device, a); err != nil {
			return err
		}
	}
	return s.setUp(device, true)
}
