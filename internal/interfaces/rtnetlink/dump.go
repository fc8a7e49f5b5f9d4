package rtnetlink

import (
	"encoding/binary"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

var errInterrupted = errors.New("netlink: the table changed during every attempt to read it")

// dump sends one dump request and decodes the answers. A dump in which a change fell is
// not to be relied on (NLM_F_DUMP_INTR): reset is called, and it starts again.
func (s *Socket) dump(b *Batch, reset func(), fn func(Event)) error {
	const attempts = 10
	for range attempts {
		reset()
		interrupted, err := s.dumpOnce(b, fn)
		if err != nil || !interrupted {
			return err
		}
	}
	return errInterrupted
}

func (s *Socket) dumpOnce(b *Batch, fn func(Event)) (interrupted bool, err error) {
	s.seq++
	binary.NativeEndian.PutUint32(b.buf[8:], s.seq)
	if err := s.send(b.buf); err != nil {
		return false, err
	}
	var refused error
	for done := false; !done; {
		err := s.receive(func(m Message) error {
			if m.Seq != s.seq {
				return nil
			}
			interrupted = interrupted || m.Flags&unix.NLM_F_DUMP_INTR != 0
			switch m.Type {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				done, refused = true, refusal(m)
			default:
				if e, ok := Decode(m); ok {
					fn(e)
				}
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return interrupted, refused
}

func (s *Socket) send(data []byte) error {
	for {
		err := unix.Sendto(s.fd, data, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (s *Socket) receive(fn func(Message) error) error {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf, 0)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		return each(s.buf[:n], fn)
	}
}

// refusal reads struct nlmsgerr, or the number at the end of a dump: nil for success.
// The socket options in prepare leave the refused request's header only in it, and put
// the kernel's explanation behind.
func refusal(m Message) error {
	if len(m.Body) < 4 {
		return nil
	}
	code := int32(u32(m.Body))
	if code == 0 {
		return nil
	}
	e := &Error{Errno: syscall.Errno(-code)}
	rest := m.Body[4:]
	if m.Type == unix.NLMSG_ERROR {
		rest = rest[min(headerLen, len(rest)):]
	}
	if m.Flags&unix.NLM_F_ACK_TLVS != 0 {
		attributes(rest, func(kind uint16, v []byte) {
			if kind == unix.NLMSGERR_ATTR_MSG {
				e.Text = text(v)
			}
		})
	}
	return e
}
