package netlab

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
)

// overUDP opens the receiver of a UDP stream and returns its sender.
func (s *Stream) overUDP() (sender, error) {
	in, err := s.traffic.Receiver.listenUDP(s.traffic.To.Port())
	if err != nil {
		return nil, err
	}
	closeWith(s.life, in)
	s.workers.Go(func() { s.receiveUDP(in) })
	if s.traffic.NewFlows {
		return s.sendFromNewPort, nil
	}
	out, err := s.traffic.From.listenUDP(0)
	if err != nil {
		return nil, err
	}
	closeWith(s.life, out)
	return func(n uint64) { s.sendUDP(out, n) }, nil
}

// sendFromNewPort sends one message from a socket of its own. Where that cannot even be opened,
// the message counts as lost, as it is.
func (s *Stream) sendFromNewPort(n uint64) {
	if out, err := s.traffic.From.listenUDP(0); err == nil {
		defer func() { _ = out.Close() }()
		s.sendUDP(out, n)
	}
}

// sendUDP sends a number. An error means that the message is lost, which the receiver shows.
func (s *Stream) sendUDP(out *net.UDPConn, n uint64) {
	_, _ = out.WriteToUDPAddrPort(encode(n), s.traffic.To)
}

func encode(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func (s *Stream) receiveUDP(in *net.UDPConn) {
	buf := make([]byte, 64)
	for {
		n, err := in.Read(buf)
		if err != nil {
			return // closed
		}
		if n == 8 {
			s.arrive(binary.BigEndian.Uint64(buf))
		}
	}
}

// overTCP opens the receiver of a TCP stream and returns its sender. Sending never waits: a
// connection that is not there yet, or is stalled, delays no later message's departure.
func (s *Stream) overTCP() (sender, error) {
	l, err := s.traffic.Receiver.listenTCP(s.traffic.To.Port())
	if err != nil {
		return nil, err
	}
	closeWith(s.life, l)
	s.workers.Go(func() { s.acceptTCP(l) })
	if s.traffic.NewFlows {
		return func(n uint64) { s.workers.Go(func() { s.sendAlone(n) }) }, nil
	}
	queue := make(chan uint64, 1<<16)
	s.workers.Go(func() { s.sendQueued(queue) })
	return func(n uint64) { queue <- n }, nil
}

// sendAlone sends one message over a connection of its own, if that comes about.
func (s *Stream) sendAlone(n uint64) {
	ctx, cancel := context.WithTimeout(s.life, Patience)
	defer cancel()
	if c, err := s.connect(ctx); err == nil {
		defer c.Close()
		_, _ = c.Write(encode(n))
	}
}

// sendQueued sends all messages over one connection.
func (s *Stream) sendQueued(queue <-chan uint64) {
	c, err := s.connect(s.life)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		select {
		case n := <-queue:
			if _, err := c.Write(encode(n)); err != nil {
				return
			}
		case <-s.life.Done():
			return
		}
	}
}

func (s *Stream) connect(ctx context.Context) (*os.File, error) {
	return s.traffic.From.dial(ctx, Probe{Protocol: TCP, To: s.traffic.To})
}

func (s *Stream) acceptTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed
		}
		s.workers.Go(func() { s.receiveTCP(c) })
	}
}

func (s *Stream) receiveTCP(c net.Conn) {
	defer c.Close()
	forget := closeWith(s.life, c)
	defer forget()
	b := make([]byte, 8)
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		s.arrive(binary.BigEndian.Uint64(b))
	}
}
