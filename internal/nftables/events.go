package nftables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/margay-net/margay/internal/nftables/nft"
	"golang.org/x/sys/unix"
)

// events listens for changes that others make to our table.
type events struct {
	table   string
	foreign chan struct{}
	file    *os.File
	conn    syscall.RawConn
	socket  *socket
	done    chan struct{}
}

// listen subscribes to nf_tables' events. Those that come from the port id own, which is
// the socket we write by, never reach the socket's buffer.
func listen(table string, own uint32) (*events, error) {
	s, err := openSocket(unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, err
	}
	fail := func(what string, err error) (*events, error) {
		return nil, errors.Join(fmt.Errorf("nftables events: %s: %w", what, err), s.close())
	}
	if err := dropOwn(s.fd, own); err != nil {
		return fail("filter", err)
	}
	if err := s.join(); err != nil {
		return fail("subscribe", err)
	}
	e := &events{
		table:   table,
		foreign: make(chan struct{}, 1),
		file:    os.NewFile(uintptr(s.fd), "nftables events"),
		socket:  s,
		done:    make(chan struct{}),
	}
	if e.conn, err = e.file.SyscallConn(); err != nil {
		return fail("poll", err)
	}
	go e.run()
	return e, nil
}

// dropOwn filters out messages whose nlmsg_pid, at offset 12 of the header, is the given
// one. A notification carries the port id of whoever caused it.
func dropOwn(fd int, port uint32) error {
	// BPF loads in network byte order what the header holds in the host's.
	value := binary.BigEndian.Uint32(binary.NativeEndian.AppendUint32(nil, port))
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 0, Jf: 1, K: value},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func (s *socket) join() error {
	return unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.NFNLGRP_NFTABLES)
}

func (s *socket) leave() error {
	return unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_DROP_MEMBERSHIP, unix.NFNLGRP_NFTABLES)
}

// run reads events until the file is closed.
func (e *events) run() {
	defer close(e.done)
	var pace pace
	var timer *time.Timer
	var due time.Time
	touched := false
	for {
		datagram, err := e.read()
		switch {
		case errors.Is(err, os.ErrClosed):
			if timer != nil {
				timer.Stop()
			}
			return
		case err != nil:
			// An overrun: what was lost may have been about us.
			touched = true
		}
		ended := err != nil
		for m, rest, ok := nextMessage(datagram); ok; m, rest, ok = nextMessage(rest) {
			ours, end := e.about(m)
			touched, ended = touched || ours, ended || end
		}
		if !touched || !ended {
			continue
		}
		touched = false
		// What comes while word of an earlier change is still held back goes with it.
		if now := time.Now(); now.After(due) {
			delay := pace.next(now)
			due = now.Add(delay)
			timer = e.signal(delay)
		}
	}
}

// about says whether an event is about our table, and whether it is the one that ends a
// transaction: the new generation's number comes last.
func (e *events) about(m message) (ours, end bool) {
	h, err := nft.ParseHeader(m.typ, m.payload)
	if err != nil {
		return false, false
	}
	return h.Inet && h.Table == e.table, h.Type == unix.NFT_MSG_NEWGEN
}

// signal tells of a foreign change after a delay, unless it has been told already.
func (e *events) signal(delay time.Duration) *time.Timer {
	if delay == 0 {
		e.tell()
		return nil
	}
	return time.AfterFunc(delay, e.tell)
}

func (e *events) tell() {
	select {
	case e.foreign <- struct{}{}:
	default:
	}
}

// read waits for a datagram, in the runtime's poller.
func (e *events) read() (datagram []byte, err error) {
	polled := e.conn.Read(func(uintptr) bool {
		datagram, err = e.socket.receive(unix.MSG_DONTWAIT)
		return !errors.Is(err, unix.EAGAIN)
	})
	if polled != nil {
		return nil, os.ErrClosed
	}
	return datagram, err
}

func (e *events) close() error {
	err := e.file.Close()
	<-e.done
	return err
}

// pace says how long to wait before telling of a foreign change: not at all at first, and
// longer and longer if they do not end. Two programs that undo each other's work must not
// take the whole machine for it.
type pace struct {
	last  time.Time
	delay time.Duration
}

const (
	firstDelay = 50 * time.Millisecond
	// mostDelay bounds for how long somebody who keeps at it can hold the table open. A
	// repair costs milliseconds, so that one a second is no burden.
	mostDelay = time.Second
	// quiet is how long nothing must happen for all to be forgotten.
	quiet = 5 * time.Second
)

func (p *pace) next(now time.Time) time.Duration {
	switch since := now.Sub(p.last); {
	case p.last.IsZero() || since >= quiet+p.delay:
		p.delay = 0
	case p.delay == 0:
		p.delay = firstDelay
	default:
		p.delay = min(2*p.delay, mostDelay)
	}
	p.last = now
	return p.delay
}
