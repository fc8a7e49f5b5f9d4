package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel hears what the kernel announces of a space: changes of nf_tables, and of links,
// addresses, routes and rules. The kernel puts an announcement into its socket before the
// call that causes it returns. A Kernel is for one goroutine.
type Kernel struct {
	sockets []listener
	// read are the announcements read and not handed out by Heard yet.
	read []string
}

// listener is a netlink socket of one protocol.
type listener struct {
	fd    int
	names map[uint16]string
}

// announced are the groups to listen to, by protocol, and the names of what they announce.
var announced = map[int]struct {
	groups []int
	names  map[uint16]string
}{
	unix.NETLINK_NETFILTER: {[]int{unix.NFNLGRP_NFTABLES}, map[uint16]string{
		unix.NFT_MSG_NEWTABLE: "nft add table", unix.NFT_MSG_DELTABLE: "nft delete table",
		unix.NFT_MSG_NEWCHAIN: "nft add chain", unix.NFT_MSG_DELCHAIN: "nft delete chain",
		unix.NFT_MSG_NEWRULE: "nft add rule", unix.NFT_MSG_DELRULE: "nft delete rule",
		unix.NFT_MSG_NEWSET: "nft add set", unix.NFT_MSG_DELSET: "nft delete set",
		unix.NFT_MSG_NEWSETELEM: "nft add element", unix.NFT_MSG_DELSETELEM: "nft delete element",
		unix.NFT_MSG_NEWGEN: "nft new generation",
	}},
	unix.NETLINK_ROUTE: {[]int{
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE,
	}, map[uint16]string{
		unix.RTM_NEWLINK: "ip link add", unix.RTM_DELLINK: "ip link delete",
		unix.RTM_NEWADDR: "ip address add", unix.RTM_DELADDR: "ip address delete",
		unix.RTM_NEWROUTE: "ip route add", unix.RTM_DELROUTE: "ip route delete",
		unix.RTM_NEWRULE: "ip rule add", unix.RTM_DELRULE: "ip rule delete",
	}},
}

// Listen begins to listen: what happens in the space from now on is heard, until it is closed.
func (s *Space) Listen() (*Kernel, error) {
	k := &Kernel{}
	for protocol, what := range announced {
		err := s.inside(func() error {
			fd, err := subscribe(protocol, what.groups)
			if err == nil {
				k.sockets = append(k.sockets, listener{fd, what.names})
			}
			return err
		})
		if err != nil {
			k.Close()
			return nil, fmt.Errorf("listen to the kernel of %s: %w", s.name, err)
		}
	}
	return k, nil
}

func subscribe(protocol int, groups []int) (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return 0, err
	}
	err = errors.Join(unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<22))
	for _, g := range groups {
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g))
	}
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// Close ends the listening.
func (k *Kernel) Close() {
	for _, s := range k.sockets {
		_ = unix.Close(s.fd)
	}
	k.sockets = nil
}

// drain reads what there is.
func (k *Kernel) drain() {
	buf := make([]byte, 1<<20)
	for _, s := range k.sockets {
		for {
			size, _, err := unix.Recvfrom(s.fd, buf, unix.MSG_DONTWAIT)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil {
				k.read = append(k.read, err.Error()) // an overrun is something heard, too
				continue
			}
			k.read = append(k.read, s.namesIn(buf[:size])...)
		}
	}
}

// namesIn names the messages of a datagram.
func (s listener) namesIn(b []byte) (names []string) {
	for len(b) >= unix.NLMSG_HDRLEN {
		length := int(binary.NativeEndian.Uint32(b)+3) &^ 3
		kind := binary.NativeEndian.Uint16(b[4:])
		name, known := s.names[kind&0xff]
		if !known {
			name = fmt.Sprintf("message of type %#x", kind)
		}
		names = append(names, name)
		b = b[min(max(length, unix.NLMSG_HDRLEN), len(b)):]
	}
	return names
}

// Heard is what has been announced since the last call, one line each: "ip route add".
func (k *Kernel) Heard() []string {
	k.drain()
	heard := k.read
	k.read = nil
	return heard
}

// Await waits until nothing is missing: it asks now, and again whenever the kernel has announced
// something, for no longer than patience. The error is what was missing in the end.
func (k *Kernel) Await(patience time.Duration, missing func() string) error {
	for end := time.Now().Add(patience); ; {
		k.drain()
		what := missing()
		if what == "" {
			return nil
		}
		polled := make([]unix.PollFd, len(k.sockets))
		for i, s := range k.sockets {
			polled[i] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
		}
		ready, err := unix.Poll(polled, int(max(0, time.Until(end).Milliseconds()))) // less than 0 is for ever
		if ready == 0 {
			return fmt.Errorf("still missing: %s", what)
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
