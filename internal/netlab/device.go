package netlab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// joinByVeth makes a veth pair, one end in each of two spaces. Neither end is ever seen
// anywhere else, so that labs that run side by side cannot collide.
func joinByVeth(a *Space, aName string, aMAC net.HardwareAddr, b *Space, bName string, mtu int) error {
	veth := netlink.NewVeth(netlink.NewLinkAttrs())
	veth.Name, veth.HardwareAddr, veth.MTU = aName, aMAC, mtu
	veth.PeerName, veth.PeerNamespace, veth.PeerMTU = bName, netlink.NsFd(b.NetFD()), uint32(mtu)
	if err := a.links.LinkAdd(veth); err != nil {
		return fmt.Errorf("veth %s of %s to %s of %s: %w", aName, a.name, bName, b.name, err)
	}
	return nil
}

// setUp brings a device up or down.
func (s *Space) setUp(device string, up bool) error {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	change := s.links.LinkSetUp
	if !up {
		change = s.links.LinkSetDown
	}
	if err := change(l); err != nil {
		return fmt.Errorf("%s in %s: set up=%t: %w", device, s.name, up, err)
	}
	return nil
}

// deleteDevice removes a device; for a veth, both its ends go.
func (s *Space) deleteDevice(device string) error {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	if err := s.links.LinkDel(l); err != nil {
		return fmt.Errorf("delete %s in %s: %w", device, s.name, err)
	}
	return nil
}

// AddAddress puts an address on a device, in IPv6 without duplicate address detection.
func (s *Space) AddAddress(device string, p netip.Prefix) error {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	addr := &netlink.Addr{IPNet: netipx.PrefixIPNet(p)}
	if family.OfPrefix(p) == family.V6 {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := s.links.AddrAdd(l, addr); err != nil {
		return fmt.Errorf("address %s dev %s in %s: %w", p, device, s.name, err)
	}
	return nil
}

// AddRoute adds a route to a prefix out of a device, through a gateway unless that is the zero
// address. The gateway counts as reachable on the device whatever else the table says (onlink).
func (s *Space) AddRoute(to netip.Prefix, gateway netip.Addr, device string) error {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	r := &netlink.Route{LinkIndex: l.Attrs().Index, Dst: netipx.PrefixIPNet(to)}
	switch {
	case gateway.IsValid():
		r.Gw, r.Flags = gateway.AsSlice(), int(netlink.FLAG_ONLINK)
	case family.OfPrefix(to) == family.V4:
		r.Scope = netlink.SCOPE_LINK
	}
	if err := s.links.RouteAdd(r); err != nil {
		return fmt.Errorf("route %s via %s dev %s in %s: %w", to, gateway, device, s.name, err)
	}
	return nil
}

// hardwareAddr is the MAC address of a device.
func (s *Space) hardwareAddr(device string) (net.HardwareAddr, error) {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	return l.Attrs().HardwareAddr, nil
}

// turnOff switches a family off for a space, its future devices included. Only IPv6 can be;
// a space without IPv4 is one that has no IPv4 address.
func (s *Space) turnOff(f family.Family) error {
	if f != family.V6 {
		return nil
	}
	for _, scope := range []string{"all", "default"} {
		if err := s.SetSysctl("net/ipv6/conf/"+scope+"/disable_ipv6", "1"); err != nil {
			return err
		}
	}
	return nil
}
