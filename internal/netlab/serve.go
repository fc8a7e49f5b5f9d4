package netlab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Server answers on TCP and UDP ports of a space, over both families, with its own name and the
// address it saw the question come from.
type Server struct {
	name    string
	closers []func() error
	done    sync.WaitGroup
}

// Serve listens on the given ports of every address, in TCP and UDP, until the server is closed.
// An answer is one line: the space's name, the peer's address as seen here, and the question.
func (s *Space) Serve(ports ...uint16) (*Server, error) {
	srv := &Server{name: s.name}
	for _, port := range ports {
		if err := errors.Join(srv.serveTCP(s, port), srv.serveUDP(s, port)); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: serve port %d: %w", s.name, port, err), srv.Close())
		}
	}
	return srv, nil
}

// Close stops the server and waits until it has.
func (s *Server) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	s.closers = nil
	s.done.Wait()
	return errors.Join(errs...)
}

func (s *Server) serveTCP(in *Space, port uint16) error {
	var l net.Listener
	err := in.inside(func() (err error) {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false) // tests count and shape packets: plain TCP only
		l, err = lc.Listen(context.Background(), "tcp", fmt.Sprintf(":%d", port))
		return err
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, l.Close)
	s.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go s.answerTCP(c)
		}
	})
	return nil
}

func (s *Server) answerTCP(c net.Conn) {
	defer c.Close()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if _, err := fmt.Fprintln(c, s.answer(c.RemoteAddr().(*net.TCPAddr).AddrPort(), lines.Text())); err != nil {
			return
		}
	}
}

func (s *Server) answer(peer netip.AddrPort, question string) string {
	peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	return fmt.Sprintf("%s %s %s", s.name, peer, question)
}

// serveUDP answers from the address that was asked: a node has several, and the kernel's own
// choice of source would be another flow. The control message received says which it was, in
// the form in which the kernel takes it for sending.
func (s *Server) serveUDP(in *Space, port uint16) error {
	var conn *net.UDPConn
	err := in.inside(func() error {
		lc := net.ListenConfig{Control: askForDestination}
		c, err := lc.ListenPacket(context.Background(), "udp", fmt.Sprintf(":%d", port))
		if err == nil {
			conn = c.(*net.UDPConn)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, conn.Close)
	s.done.Go(func() {
		buf, oob := make([]byte, 65536), make([]byte, 256)
		for {
			n, oobn, _, peer, err := conn.ReadMsgUDPAddrPort(buf, oob)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // an ICMP error about an earlier answer
			}
			reply := s.answer(peer, strings.TrimSpace(string(buf[:n])))
			// The asker may be gone or unreachable; it is the asker who reports that.
			_, _, _ = conn.WriteMsgUDPAddrPort([]byte(reply), oob[:oobn], peer)
		}
	})
	return nil
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
