package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/netlab"
)

// notification is one datagram of netlink notifications and when it was read.
type notification struct {
	at       instant
	protocol int // NETLINK_NETFILTER or NETLINK_ROUTE
	data     []byte
}

// listener collects what the kernel tells of a node's nftables and routes.
type listener struct {
	files []*os.File
	ended sync.WaitGroup

	mu     sync.Mutex
	seen   []notification
	latest instant
	failed error
}

// listenerBuffer holds the notifications of a large cluster's table, should the reader not
// be let run.
const listenerBuffer = 512 << 20

// listen listens inside a node. Without elements, it does not ask for nftables
// notifications, whose making costs the writer time: routes only.
func listen(s *netlab.Space, withTable bool) (*listener, error) {
	l := &listener{latest: now()}
	groups := map[int][]int{unix.NETLINK_ROUTE: {unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE}}
	if withTable {
		groups[unix.NETLINK_NETFILTER] = []int{unix.NFNLGRP_NFTABLES}
	}
	for protocol, of := range groups {
		f, err := openSocket(s, protocol, unix.SOCK_NONBLOCK, of...)
		if err != nil {
			l.close()
			return nil, err
		}
		l.files = append(l.files, f)
		conn, err := f.SyscallConn()
		if err != nil {
			l.close()
			return nil, err
		}
		l.ended.Go(func() { l.read(protocol, conn) })
	}
	return l, nil
}

// openSocket opens a netlink socket with large buffers inside a node.
func openSocket(s *netlab.Space, protocol, flags int, groups ...int) (f *os.File, err error) {
	err = s.Do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, protocol)
		if err != nil {
			return err
		}
		f = os.NewFile(uintptr(fd), "netlink")
		errs := []error{
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, listenerBuffer),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, listenerBuffer),
			unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1),
			unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		}
		for _, g := range groups {
			errs = append(errs, unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return nil, fmt.Errorf("netlink socket in %s: %w", s.Name(), err)
	}
	return f, nil
}

func (l *listener) read(protocol int, conn syscall.RawConn) {
	buffer := make([]byte, 1<<18)
	for {
		var n int
		var err error
		closed := conn.Read(func(fd uintptr) bool {
			n, _, err = unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
			return !errors.Is(err, unix.EAGAIN)
		})
		if closed != nil {
			return
		}
		l.note(notification{at: now(), protocol: protocol, data: slices.Clone(buffer[:max(n, 0)])}, err)
	}
}

func (l *listener) note(n notification, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = errors.Join(l.failed, fmt.Errorf("notifications lost: %w", err))
		return
	}
	if n.relevant() {
		l.seen, l.latest = append(l.seen, n), n.at
	}
}

// relevant says whether a datagram is about our table or about routes that are not the
// kernel's own doing, such as those of an interface's link-local address.
func (n notification) relevant() bool {
	if n.protocol == unix.NETLINK_NETFILTER {
		return true
	}
	for m := range messages(n.data) {
		if len(m.payload) < unix.SizeofRtMsg {
			continue
		}
		table, protocol := m.payload[4], m.payload[5]
		if table == unix.RT_TABLE_MAIN && protocol != unix.RTPROT_KERNEL && protocol != unix.RTPROT_RA {
			return true
		}
	}
	return false
}

// reset forgets what was seen.
func (l *listener) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = nil
}

// soFar is what was seen since the last reset.
func (l *listener) soFar() []notification {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
}

// most is how long anything may take.
const most = 3 * time.Minute

// await waits until all that done asks for was seen and nothing has come for the time
// quiet. It returns what was seen.
func (l *listener) await(quiet time.Duration, done func(*observation) bool) (*observation, error) {
	looked := -1
	for start := now(); ; time.Sleep(quiet / 20) {
		l.mu.Lock()
		seen, latest, err := l.seen, l.latest, l.failed
		l.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case now().since(start) > most:
			return nil, fmt.Errorf("not done after %v: %v", most, observe(seen))
		case now().since(latest) < quiet || now().since(start) < quiet/2 || len(seen) == looked:
			continue
		}
		if o := observe(seen); done(o) {
			return o, nil
		}
		looked = len(seen)
	}
}

func (l *listener) close() {
	for _, f := range l.files {
		f.Close()
	}
	l.ended.Wait()
}
