package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// bufferSize is what the netlink sockets ask for: a transaction must fit into the send
// buffer whole, and all answers to it into the receive buffer, since they are read only
// when it is over.
const bufferSize = 8 << 20

// socket is a netlink socket of the netfilter family.
type socket struct {
	fd   int
	port uint32
	// sendLimit is the largest message that the send buffer takes now.
	sendLimit int
	buffer    []byte
}

// openSocket opens a socket in the network namespace of the calling thread.
func openSocket(flags int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	s := &socket{fd: fd, buffer: make([]byte, 1<<16)}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return s, nil
}

func (s *socket) prepare() error {
	if err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("bind netlink socket: %w", err)
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return fmt.Errorf("netlink port: %w", err)
	}
	s.port = name.(*unix.SockaddrNetlink).Pid
	// Errors without a copy of the message that they are about, but with words where the
	// kernel has some. Old kernels may know neither; errors are only poorer then.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	_ = unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	s.grow(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, bufferSize)
	s.growSend(bufferSize)
	return nil
}

// grow sets a buffer's size, beyond what net.core.*mem_max allows where we may. Without
// the capability the kernel gives what it allows.
func (s *socket) grow(force, plain, size int) {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, plain, size)
	}
}

// growSend makes room for messages of a size, as far as that is allowed.
func (s *socket) growSend(size int) {
	s.grow(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, size)
	room, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		room = 1 << 16
	}
	s.sendLimit = room - 32 // af_netlink.c, netlink_sendmsg
}

func (s *socket) send(message []byte) error {
	if len(message) > s.sendLimit {
		s.growSend(len(message))
	}
	return retry(func() error {
		return unix.Sendto(s.fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	})
}

// receive reads one datagram of messages; what it returns is valid until the next one.
func (s *socket) receive(flags int) ([]byte, error) {
	var n int
	err := retry(func() (err error) {
		n, _, err = unix.Recvfrom(s.fd, s.buffer, flags|unix.MSG_TRUNC)
		return err
	})
	if err != nil {
		return nil, err
	}
	if n > len(s.buffer) {
		return nil, fmt.Errorf("netlink datagram of %d bytes: %w", n, unix.EMSGSIZE)
	}
	return s.buffer[:n], nil
}

func (s *socket) close() error { return unix.Close(s.fd) }

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// message is one netlink message.
type message struct {
	typ, flags uint16
	seq        uint32
	payload    []byte
}

// nextMessage splits the first message off a datagram; ok is false when none is left.
func nextMessage(b []byte) (m message, rest []byte, ok bool) {
	if len(b) < unix.SizeofNlMsghdr {
		return message{}, nil, false
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < unix.SizeofNlMsghdr || n > len(b) {
		return message{}, nil, false
	}
	m = message{
		typ:     binary.NativeEndian.Uint16(b[4:]),
		flags:   binary.NativeEndian.Uint16(b[6:]),
		seq:     binary.NativeEndian.Uint32(b[8:]),
		payload: b[unix.SizeofNlMsghdr:n],
	}
	return m, b[min((n+3)&^3, len(b)):], true
}

// errorIn reads an NLMSG_ERROR or NLMSG_DONE: the error number, 0 for none, and the
// kernel's words (NLMSGERR_ATTR_MSG), which follow the header of the message that failed.
func (m message) errorIn() (errno unix.Errno, text string) {
	if len(m.payload) < 4 {
		return 0, ""
	}
	errno = unix.Errno(-int32(binary.NativeEndian.Uint32(m.payload)))
	const ackTLVs = 0x200 // NLM_F_ACK_TLVS
	if m.typ != unix.NLMSG_ERROR || m.flags&ackTLVs == 0 || len(m.payload) < 4+unix.SizeofNlMsghdr {
		return errno, ""
	}
	attrs := m.payload[4+unix.SizeofNlMsghdr:]
	for len(attrs) >= unix.SizeofNlAttr {
		n := int(binary.NativeEndian.Uint16(attrs))
		if n < unix.SizeofNlAttr || n > len(attrs) {
			break
		}
		if binary.NativeEndian.Uint16(attrs[2:]) == 1 { // NLMSGERR_ATTR_MSG
			return errno, unix.ByteSliceToString(attrs[unix.SizeofNlAttr:n])
		}
		attrs = attrs[min((n+3)&^3, len(attrs)):]
	}
	return errno, ""
}
