package netlab

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// awaitReady waits until a device that has been brought up can be used: until the kernel counts
// it as running, and unless IPv6 is off there until its link-local address has passed duplicate
// address detection. (Without detection that is still a step of the kernel's own, later.) Before
// that the node could not ask for a neighbour's address, and the first packet would be late by
// the second after which it asks again.
func (s *Space) awaitReady(device string) error {
	events, err := s.linkEvents()
	if err != nil {
		return err
	}
	defer events.Close()
	if err := events.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	buf := make([]byte, 65536)
	for {
		ready, err := s.isReady(device)
		if err != nil {
			return fmt.Errorf("%s in %s: %w", device, s.name, err)
		}
		if ready {
			return nil
		}
		// What has happened is of no interest, only that something has: look again.
		if _, err := events.Read(buf); err != nil {
			return fmt.Errorf("%s in %s does not become ready: %w", device, s.name, err)
		}
	}
}

// linkEvents is a socket on which the kernel tells of changes to links and addresses.
func (s *Space) linkEvents() (*os.File, error) {
	return s.socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrNetlink{
			Family: unix.AF_NETLINK,
			Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV6_IFADDR,
		})
	})
}

func (s *Space) isReady(device string) (bool, error) {
	l, err := s.links.LinkByName(device)
	if err != nil {
		return false, err
	}
	if l.Attrs().OperState != netlink.OperUp {
		return false, nil
	}
	off, err := s.Sysctl("net/ipv6/conf/" + device + "/disable_ipv6")
	if err != nil || off == "1" {
		return err == nil, err
	}
	if l.Attrs().MasterIndex != 0 {
		return true, nil // a bridge's port: whatever addresses it has, it does not speak with them
	}
	addrs, err := s.links.AddrList(l, netlink.FAMILY_V6)
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		return s.isReady(device) // addresses changed under way, which is what is awaited
	}
	if err != nil {
		return false, err
	}
	for _, a := range addrs {
		if a.IP.IsLinkLocalUnicast() {
			return a.Flags&unix.IFA_F_TENTATIVE == 0, nil
		}
	}
	return false, nil
}
