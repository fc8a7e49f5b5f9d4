package netlab

import (
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Space is a network namespace and a mount namespace: what Node, Pod and Link have in common.
type Space struct {
	name   string
	net    *os.File
	mnt    *os.File
	links  *netlink.Handle
	dir    string // working directory, valid inside and outside
	keep   bool   // processes outlive the space
	calls  chan call
	closed chan struct{}
	once   sync.Once
	// packets is the socket for sending packets, 0 while there is none; on the thread of serve.
	packets int
}

// call is a short function that the space's own thread is asked to run.
type call struct {
	f    func() error
	done chan error
}

// newSpace makes the namespaces. Directories in shared stay visible inside although they lie
// under a directory that each space has for itself.
func newSpace(name string, shared []string, keep bool) (*Space, error) {
	s := &Space{name: name, keep: keep, calls: make(chan call), closed: make(chan struct{})}
	ready := make(chan error, 1)
	ownThread(func() { s.serve(shared, ready) })
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("namespaces of %s: %w", name, err)
	}
	return s, nil
}

// serve makes the namespaces and then runs, inside them, what call sends: opening sockets and
// starting processes need a thread in the namespaces only for a moment. The thread is also the
// parent that such processes die with.
func (s *Space) serve(shared []string, ready chan<- error) {
	err := s.unshare(shared)
	ready <- err
	if err != nil {
		return
	}
	for {
		select {
		case c := <-s.calls:
			outcomeOf(c.f, c.done)
		case <-s.closed:
			if s.packets != 0 {
				unix.Close(s.packets)
			}
			return
		}
	}
}

// unshare moves the calling thread into new namespaces and opens handles on them.
func (s *Space) unshare(shared []string) (err error) {
	if s.dir, err = os.Getwd(); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := privateMounts(shared); err != nil {
		return err
	}
	self := fmt.Sprintf("/proc/%d/task/%d/ns/", unix.Getpid(), unix.Gettid())
	if s.net, err = os.Open(self + "net"); err != nil {
		return err
	}
	if s.mnt, err = os.Open(self + "mnt"); err != nil {
		return err
	}
	if s.links, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return fmt.Errorf("netlink socket: %w", err)
	}
	return s.firstSettings()
}

// firstSettings brings the loopback up and turns duplicate address detection off for every
// device to come, so that an address can be used as soon as it is there.
func (s *Space) firstSettings() error {
	for _, scope := range []string{"all", "default"} {
		if err := writeSysctl("net/ipv6/conf/"+scope+"/accept_dad", "0"); err != nil {
			return err
		}
	}
	lo, err := s.links.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	return s.links.LinkSetUp(lo)
}

// Name is the name of the node, pod or link within its lab.
func (s *Space) Name() string { return s.name }

// NetFD is a file descriptor of the network namespace, for libraries that enter it themselves
// (google/nftables' WithNetNSFd, netlink.NsFd). It stays open until the space is closed.
func (s *Space) NetFD() int { return int(s.net.Fd()) }

// Do runs f inside the space on a thread of its own and returns its error. What f opens there
// (netlink handles, sockets) belongs to the space and can be used from anywhere afterwards;
// goroutines that f starts run outside. The working directory is the process's.
func (s *Space) Do(f func() error) error {
	done := make(chan error, 1)
	ownThread(func() {
		outcomeOf(func() error {
			if err := s.join(); err != nil {
				return fmt.Errorf("enter %s: %w", s.name, err)
			}
			return f()
		}, done)
	})
	return <-done
}

// join moves the calling thread into the space, for good.
func (s *Space) join() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := unix.Setns(int(s.mnt.Fd()), unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Setns(int(s.net.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	return unix.Chdir(s.dir) // joining a mount namespace leaves the thread at its root
}

// inside runs a short function on the space's own thread. f must not block, nor call inside.
func (s *Space) inside(f func() error) error {
	c := call{f: f, done: make(chan error, 1)}
	select {
	case s.calls <- c:
		return <-c.done
	case <-s.closed:
		return fmt.Errorf("%s: %w", s.name, net.ErrClosed)
	}
}

// Netlink opens a handle on the space for the given netlink protocols, NETLINK_ROUTE if none
// is named. The caller closes it.
func (s *Space) Netlink(protocols ...int) (*netlink.Handle, error) {
	if len(protocols) == 0 {
		protocols = []int{unix.NETLINK_ROUTE}
	}
	var h *netlink.Handle
	err := s.inside(func() (err error) {
		h, err = netlink.NewHandle(protocols...)
		return err
	})
	return h, err
}

// SetSysctl writes a setting below /proc/sys as the space sees it; the path has slashes,
// because interface names may hold dots.
func (s *Space) SetSysctl(path, value string) error {
	return s.inside(func() error { return writeSysctl(path, value) })
}

// Sysctl reads a setting below /proc/sys as the space sees it, without the line end.
func (s *Space) Sysctl(path string) (string, error) {
	var value string
	err := s.inside(func() (err error) {
		value, err = readSysctl(path)
		return err
	})
	return value, err
}

// close gives the namespaces up; the kernel removes what is in them once the last process and
// the last socket are gone. Processes started by Command are killed, unless they were to be kept.
func (s *Space) close() {
	s.once.Do(func() {
		close(s.closed)
		s.links.Close()
		s.net.Close()
		s.mnt.Close()
	})
}
