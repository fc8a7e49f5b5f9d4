package netlab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Transmit puts packets on the wire towards the pod's node, past the pod's own routes.
func (p *Pod) Transmit(packets ...[]byte) error { return p.transmit(Uplink, HostMAC(), packets) }

// Transmit puts packets on the link towards another node, past this node's routes and policy.
func (n *Node) Transmit(to *Node, packets ...[]byte) error {
	mac, err := to.hardwareAddr(Uplink)
	if err != nil {
		return err
	}
	return n.transmit(Uplink, mac, packets)
}

// Deliver puts packets on the wire towards one of the node's pods, past the node's routes and
// policy.
func (n *Node) Deliver(p *Pod, packets ...[]byte) error {
	mac, err := p.hardwareAddr(Uplink)
	if err != nil {
		return err
	}
	return n.transmit(p.Interface(), mac, packets)
}

// transmit sends IP packets out of a device by a packet socket, to the given hardware address or
// to that which belongs to the packet's multicast destination.
func (s *Space) transmit(device string, to net.HardwareAddr, packets [][]byte) error {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", device, s.name, err)
	}
	return s.inside(func() error {
		fd, err := s.wire()
		if err != nil {
			return err
		}
		for _, b := range packets {
			destination, etherType := destinationOf(b)
			lladdr := &unix.SockaddrLinklayer{Protocol: bigEndian(etherType), Ifindex: l.Attrs().Index, Halen: 6}
			copy(lladdr.Addr[:], multicastMAC(destination, to))
			if err := unix.Sendto(fd, b, 0, lladdr); err != nil {
				return fmt.Errorf("%s: transmit to %s: %w", s.name, destination, err)
			}
		}
		return nil
	})
}

// wire is the space's packet socket for sending, on its own thread. It stays open: to close one
// takes the kernel tens of milliseconds.
func (s *Space) wire() (int, error) {
	if s.packets == 0 {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return 0, err
		}
		s.packets = fd
	}
	return s.packets, nil
}

// destinationOf reads the destination and the Ethernet type of an IP packet.
func destinationOf(b []byte) (netip.Addr, uint16) {
	if b[0]>>4 == 4 {
		a, _ := netip.AddrFromSlice(b[16:20])
		return a, unix.ETH_P_IP
	}
	a, _ := netip.AddrFromSlice(b[24:40])
	return a, unix.ETH_P_IPV6
}

// multicastMAC is where Ethernet carries a destination: unicast to the next hop's address,
// multicast to an address made from it (RFC 1112 section 6.4, RFC 2464 section 7).
func multicastMAC(to netip.Addr, nextHop net.HardwareAddr) net.HardwareAddr {
	if !to.IsMulticast() {
		return nextHop
	}
	b := to.AsSlice()
	if family.Of(to) == family.V4 {
		return net.HardwareAddr{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}
	}
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// bigEndian is a 16-bit number in the octet order of the network, as packet sockets take it.
func bigEndian(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}
