package rtnetlink

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Listener receives events. One goroutine may call Next while another calls Close.
type Listener struct {
	file *os.File
	conn syscall.RawConn
	buf  []byte
	// except and followed are what the filter is made of.
	except   []uint32
	table    uint32
	followed int
}

// Topics says which events a Listener gets beside those of links.
type Topics struct {
	// Routes, Addresses, and Settings of interfaces and host, of these families.
	Routes, Addresses, Settings family.Set
	// Table is one more whose routes are told of, beside the main one; zero for none.
	Table uint32
	// Rules of these families.
	Rules family.Set
	// Neighbours and forwarding entries, of the one link that Follow names.
	Neighbours bool
}

// Listen subscribes to events. Those that requests from the ports in except have caused
// never reach the socket, nor do those of routes in other tables: they cost nothing, and
// cannot overrun it.
func Listen(t Topics, except ...uint32) (*Listener, error) {
	fd, err := open(unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, err
	}
	if err := subscribe(fd, t, except); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("netlink events: %w", err)
	}
	file := os.NewFile(uintptr(fd), "rtnetlink")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("netlink events: %w", err)
	}
	return &Listener{file: file, conn: conn, buf: make([]byte, readBytes), except: except, table: t.Table}, nil
}

// Follow says which link's neighbours and forwarding entries are to be told of from now on;
// zero for none. Those of all others change too often to be woken by. It may be called while
// another goroutine is in Next.
func (l *Listener) Follow(link int) error {
	if link == l.followed {
		return nil
	}
	var failed error
	err := l.conn.Control(func(fd uintptr) { failed = attach(int(fd), filter(l.except, l.table, link)) })
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("netlink events of interface %d: %w", link, err)
	}
	l.followed = link
	return nil
}

func subscribe(fd int, t Topics, except []uint32) error {
	if err := attach(fd, filter(except, t.Table, 0)); err != nil {
		return err
	}
	groups := []int{unix.RTNLGRP_LINK}
	for _, f := range t.Addresses.Families() {
		groups = append(groups, byFamily(f, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR))
	}
	for _, f := range t.Settings.Families() {
		groups = append(groups, byFamily(f, unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF))
	}
	for _, f := range t.Routes.Families() {
		groups = append(groups, byFamily(f, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE))
	}
	for _, f := range t.Rules.Families() {
		groups = append(groups, byFamily(f, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE))
	}
	if t.Neighbours {
		groups = append(groups, unix.RTNLGRP_NEIGH)
	}
	for _, g := range groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			return err
		}
	}
	return nil
}

// attach puts a filter in the place of the socket's own.
func attach(fd int, filter []bpf.Instruction) error {
	raw, err := bpf.Assemble(filter)
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func byFamily(f family.Family, v4, v6 int) int {
	p := family.PairOf(v4, v6)
	return p.Get(f)
}

// filter drops what other tables than the main one and ours have to say about routes, neighbours
// of other links than the followed one, and what carries a port in except. A filter loads
// big-endian numbers; netlink's are the machine's, so the constants are turned instead.
func filter(except []uint32, table uint32, followed int) []bpf.Instruction {
	const typeAt, portAt, tableAt, neighbourLinkAt = 4, 12, headerLen + 4, headerLen + 4
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: typeAt, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(htons(unix.RTM_NEWNEIGH)), SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(htons(unix.RTM_DELNEIGH)), SkipTrue: 4},
		bpf.LoadAbsolute{Off: neighbourLinkAt, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: htonl(uint32(followed)), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: typeAt, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(htons(unix.RTM_NEWROUTE)), SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(htons(unix.RTM_DELROUTE)), SkipTrue: 4},
		bpf.LoadAbsolute{Off: tableAt, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.RT_TABLE_MAIN, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(tableByte(table)), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.LoadAbsolute{Off: portAt, Size: 4},
	}
	for _, port := range except {
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: htonl(port), SkipTrue: 1},
			bpf.RetConstant{Val: 0})
	}
	return append(program, bpf.RetConstant{Val: 1<<31 - 1})
}

// Next waits for events and returns those that are there. An overrun is an event among
// the others. After Close it returns os.ErrClosed.
func (l *Listener) Next() ([]Event, error) {
	for {
		var out []Event
		var failed error
		err := l.conn.Read(func(fd uintptr) bool {
			out, failed = l.drain(int(fd))
			return len(out) > 0 || failed != nil
		})
		if err != nil {
			return nil, os.ErrClosed // nothing else makes RawConn.Read fail
		}
		if failed != nil || len(out) > 0 {
			return out, failed
		}
	}
}

// drain reads until there is nothing more, but not for ever.
func (l *Listener) drain(fd int) ([]Event, error) {
	const most = 1000
	var out []Event
	for len(out) < most {
		n, _, err := unix.Recvfrom(fd, l.buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return out, nil
		case errors.Is(err, syscall.ENOBUFS):
			out = append(out, Event{Overrun: true})
			continue
		case err != nil:
			return out, err
		}
		err = each(l.buf[:n], func(m Message) error {
			if e, ok := Decode(m); ok {
				out = append(out, e)
			}
			return nil
		})
		if err != nil {
			out = append(out, Event{Overrun: true})
		}
	}
	return out, nil
}

// Close ends Next.
func (l *Listener) Close() error { return l.file.Close() }
