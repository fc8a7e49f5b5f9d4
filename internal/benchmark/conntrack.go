package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/netlab"
)

// conntrackWalk is how long the kernel takes to go through its connection tracking table
// once for each protocol family given, whatever is in it: it goes through all of its
// buckets, which all namespaces share. Whoever forgets a pod's connections has to do it.
func conntrackWalk(s *netlab.Space, families ...uint8) (time.Duration, error) {
	f, err := openSocket(s, unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	start := now()
	for _, family := range families {
		ask := appendMessage(nil, message{
			kind:    unix.NFNL_SUBSYS_CTNETLINK<<8 | ctnlMsgCtGet,
			flags:   unix.NLM_F_DUMP,
			payload: []byte{family, unix.NFNETLINK_V0, 0, 0},
		})
		if err := dump(f, ask); err != nil {
			return 0, fmt.Errorf("list connections: %w", err)
		}
	}
	return now().since(start), nil
}

// ctnlMsgCtGet is IPCTNL_MSG_CT_GET (nfnetlink_conntrack.h).
const ctnlMsgCtGet = 1

// dump asks, and reads until the end of the answer.
func dump(f *os.File, ask []byte) error {
	fd := int(f.Fd())
	if err := unix.Sendto(fd, ask, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buffer := make([]byte, 1<<17)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return err
		}
		for m := range messages(buffer[:n]) {
			switch m.kind {
			case unix.NLMSG_DONE:
				return nil
			case unix.NLMSG_ERROR:
				return errors.New("refused")
			}
		}
	}
}
