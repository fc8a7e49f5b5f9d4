package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// socket opens a non-blocking socket in the space. As an os.File it is served by the runtime's
// poller, with deadlines, outside the space.
func (s *Space) socket(domain, kind, protocol int, prepare func(fd int) error) (*os.File, error) {
	var f *os.File
	err := s.inside(func() error {
		fd, err := unix.Socket(domain, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			return err
		}
		if err := prepare(fd); err != nil {
			unix.Close(fd)
			return err
		}
		f = os.NewFile(uintptr(fd), s.name)
		return nil
	})
	return f, err
}

// dial opens a socket that is connected to p.To; a UDP socket is so that it hears of ICMP errors.
// The context's deadline is set on it.
func (s *Space) dial(ctx context.Context, p Probe) (*os.File, error) {
	kind := unix.SOCK_STREAM
	if p.Protocol == UDP {
		kind = unix.SOCK_DGRAM
	}
	f, err := s.socket(domainOf(p.To.Addr()), kind, 0, func(fd int) error {
		if p.From.Addr().IsValid() {
			if err := unix.Bind(fd, sockaddr(p.From)); err != nil {
				return err
			}
		}
		if err := unix.Connect(fd, sockaddr(p.To)); !errors.Is(err, unix.EINPROGRESS) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(followContext(ctx, f), awaitConnected(f)); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// followContext gives the socket the context's deadline; cancelling ends what waits on it.
func followContext(ctx context.Context, f *os.File) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := f.SetDeadline(deadline); err != nil {
			return err
		}
	}
	context.AfterFunc(ctx, func() { _ = f.SetDeadline(time.Unix(1, 0)) }) // closed by then is fine
	return nil
}

// awaitConnected waits for the end of a connect that is in progress.
func awaitConnected(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		var errno int
		errno, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if failed == nil && errno != 0 {
			failed = unix.Errno(errno)
		}
		if failed != nil {
			return true
		}
		_, err := unix.Getpeername(int(fd))
		return err == nil // ENOTCONN: still trying
	})
	return errors.Join(err, failed)
}

func domainOf(a netip.Addr) int {
	if family.Of(a) == family.V4 {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// sockaddr is an address as the kernel takes it, with the zone as the interface's index if it
// is a number.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if family.Of(a.Addr()) == family.V4 {
		return &unix.SockaddrInet4{Addr: a.Addr().Unmap().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// listenTCP listens on a port of every address, of both families. Port 0 is one of the kernel's
// choice.
func (s *Space) listenTCP(port uint16) (net.Listener, error) {
	var l net.Listener
	err := s.listen(func() (err error) {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false) // tests count and shape packets: plain TCP only
		l, err = lc.Listen(context.Background(), "tcp", fmt.Sprintf(":%d", port))
		return err
	})
	return l, err
}

// listenUDP is listenTCP for datagrams. The socket is not connected, so that an ICMP error about
// one datagram does not stop the next.
func (s *Space) listenUDP(port uint16) (*net.UDPConn, error) {
	var conn *net.UDPConn
	err := s.listen(func() error {
		lc := net.ListenConfig{Control: askForDestination}
		c, err := lc.ListenPacket(context.Background(), "udp", fmt.Sprintf(":%d", port))
		if err == nil {
			conn = c.(*net.UDPConn)
		}
		return err
	})
	return conn, err
}

// askForDestination makes the kernel tell the destination of each datagram. The socket is an
// IPv6 one that also takes IPv4, whose destinations come as IPv4-mapped addresses.
func askForDestination(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	})
	return errors.Join(err, set)
}

// listen opens a socket inside the space. The port of one that has just been closed may still
// seem taken: a process that this one was about to start has had the socket until it ran its own
// program.
func (s *Space) listen(open func() error) error {
	err := s.inside(open)
	for range 20 {
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = s.inside(open)
	}
	return err
}
