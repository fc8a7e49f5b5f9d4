package rtnetlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

var errTruncated = errors.New("netlink: truncated message")

// Socket writes and dumps. It is not safe for concurrent use.
type Socket struct {
	fd   int
	port uint32
	seq  uint32
	buf  []byte
}

// The kernel answers a batch while it is being sent, so that all answers must fit into
// the receive buffer: a refusal takes about 1 KiB of it. Nothing else is ever queued there.
const (
	batchMessages = 1000
	bufferBytes   = 8 << 20
	readBytes     = 128 << 10
)

// Open opens a socket in the network namespace of the calling thread.
func Open() (*Socket, error) {
	fd, err := open(0)
	if err != nil {
		return nil, err
	}
	port, err := portOf(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &Socket{fd: fd, port: port, buf: make([]byte, readBytes)}, nil
}

func open(flags int) (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, fmt.Errorf("netlink socket: %w", err)
	}
	if err := prepare(fd); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("netlink socket: %w", err)
	}
	return fd, nil
}

func prepare(fd int) error {
	for _, o := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK, unix.NETLINK_GET_STRICT_CHK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, o, 1); err != nil {
			return err
		}
	}
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], bufferBytes) == nil {
			continue
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], bufferBytes); err != nil {
			return err
		}
	}
	return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func portOf(fd int) (uint32, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return 0, fmt.Errorf("netlink socket name: %w", err)
	}
	nl, ok := sa.(*unix.SockaddrNetlink)
	if !ok {
		return 0, errors.New("netlink socket has another kind of name")
	}
	return nl.Pid, nil
}

// Port is the socket's port number: events that its requests cause carry it.
func (s *Socket) Port() uint32 { return s.port }

// Close closes the socket.
func (s *Socket) Close() error { return unix.Close(s.fd) }

// Execute sends the requests and returns what became of each, in their order: nil, or an
// error that unwraps to an errno. The requests are independent: a refused one does not
// stop those after it. If the answers themselves get lost, every request of which
// nothing is known has that error.
func (s *Socket) Execute(b *Batch) []error {
	out := make([]error, b.Len())
	for first := 0; first < b.Len(); first += batchMessages {
		last := min(first+batchMessages, b.Len())
		if err := s.chunk(b, first, last, out[first:last]); err != nil {
			for i := first; i < last; i++ {
				if out[i] == nil {
					out[i] = err
				}
			}
		}
	}
	return out
}

// chunk sends the requests [first, last). Only the last one is to be confirmed: refusals
// come without asking, and when the last answer is there all others are.
func (s *Socket) chunk(b *Batch, first, last int, out []error) error {
	from, to := b.start[first], len(b.buf)
	if last < b.Len() {
		to = b.start[last]
	}
	base := s.seq + 1
	for i := first; i < last; i++ {
		s.seq++
		binary.NativeEndian.PutUint32(b.buf[b.start[i]+8:], s.seq)
	}
	flags := b.buf[b.start[last-1]+6:]
	binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_ACK)
	if err := s.send(b.buf[from:to]); err != nil {
		return err
	}
	for done := false; !done; {
		err := s.receive(func(m Message) error {
			if i := m.Seq - base; m.Type == unix.NLMSG_ERROR && i < uint32(len(out)) {
				out[i] = refusal(m)
				done = done || m.Seq == s.seq
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Links lists the links.
func (s *Socket) Links() ([]Link, error) {
	var b Batch
	b.dumpLinks()
	var out []Link
	err := s.dump(&b, func() { out = nil }, func(e Event) { out = append(out, *e.Link) })
	return out, wrap("list links", err)
}

// Addresses lists the addresses of one family.
func (s *Socket) Addresses(f family.Family) ([]Address, error) {
	var b Batch
	b.dumpAddresses(f)
	var out []Address
	err := s.dump(&b, func() { out = nil }, func(e Event) { out = append(out, *e.Address) })
	return out, wrap("list "+f.String()+" addresses", err)
}

// Routes lists the routes of one family's main table. A family that the kernel does not
// have, or has no table for yet, has none.
func (s *Socket) Routes(f family.Family) ([]Route, error) { return s.TableRoutes(f, 0) }

// TableRoutes lists the routes of one family in a table; zero is the main one. There are none in
// a table that nobody has put one into.
func (s *Socket) TableRoutes(f family.Family, table uint32) ([]Route, error) {
	var b Batch
	b.dumpRoutes(f, table)
	var out []Route
	err := s.dump(&b, func() { out = nil }, func(e Event) { out = append(out, *e.Route) })
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil, nil
	}
	return out, wrap("list "+f.String()+" routes", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
