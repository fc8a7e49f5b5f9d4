package netlab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// longestLine bounds what a server takes as one question over TCP, in octets.
const longestLine = 1 << 20

// Server answers on TCP and UDP ports of a space, over both families, with its own name and the
// address it saw the question come from.
type Server struct {
	name string
	life context.Context // of sockets
	end  context.CancelFunc
	work sync.WaitGroup
}

// Serve listens on the given ports of every address, in TCP and UDP, until the server is closed.
// An answer is one line: the space's name, the peer's address as seen here, and the question.
func (s *Space) Serve(ports ...uint16) (*Server, error) {
	srv := &Server{name: s.name}
	srv.life, srv.end = context.WithCancel(context.Background())
	for _, port := range ports {
		if err := errors.Join(srv.serveTCP(s, port), srv.serveUDP(s, port)); err != nil {
			srv.Close()
			return nil, fmt.Errorf("%s: serve port %d: %w", s.name, port, err)
		}
	}
	return srv, nil
}

// Close stops the server and waits until it has; connections that are open end.
func (s *Server) Close() {
	s.end()
	s.work.Wait()
}

// closeWith closes a socket when a context ends, which ends what waits on it. A second close, of
// a connection that was over before, is no matter.
func closeWith(ctx context.Context, c io.Closer) (forget func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.Close() })
}

func (s *Server) serveTCP(in *Space, port uint16) error {
	l, err := in.listenTCP(port)
	if err != nil {
		return err
	}
	closeWith(s.life, l)
	s.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			s.work.Go(func() { s.answerTCP(c) })
		}
	})
	return nil
}

func (s *Server) answerTCP(c net.Conn) {
	defer c.Close()
	forget := closeWith(s.life, c)
	defer forget()
	peer := c.RemoteAddr().(*net.TCPAddr).AddrPort()
	lines := bufio.NewScanner(c)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		if _, err := fmt.Fprintln(c, s.answer(peer, lines.Text())); err != nil {
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
	conn, err := in.listenUDP(port)
	if err != nil {
		return err
	}
	closeWith(s.life, conn)
	s.work.Go(func() {
		buf, oob := make([]byte, 65536), make([]byte, 256)
		for {
			n, oobn, _, peer, err := conn.ReadMsgUDPAddrPort(buf, oob)
			if err != nil {
				return // closed
			}
			reply := s.answer(peer, strings.TrimSpace(string(buf[:n])))
			// The asker may be gone or unreachable; it is the asker who reports that.
			_, _, _ = conn.WriteMsgUDPAddrPort([]byte(reply), oob[:oobn], peer)
		}
	})
	return nil
}
