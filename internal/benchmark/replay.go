package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/netlab"
)

// replayer sends what notifications have told of as raw batches: the cheapest way to the
// same state, and so the floor. All of nftables is one batch in one system call, without
// acknowledgements; routes follow, a thousand in each call.
type replayer struct {
	table, routes *os.File
	run           int
	// keepChains empties chains that go instead of deleting them.
	keepChains bool
}

func newReplayer(s *netlab.Space) (*replayer, error) {
	table, err := openSocket(s, unix.NETLINK_NETFILTER, unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, err
	}
	routes, err := openSocket(s, unix.NETLINK_ROUTE, unix.SOCK_NONBLOCK)
	if err != nil {
		return nil, errors.Join(err, table.Close())
	}
	return &replayer{table: table, routes: routes}, nil
}

func (r *replayer) close() { r.table.Close(); r.routes.Close() }

// send replays an observation and returns when it began.
func (r *replayer) send(o *observation) (instant, error) {
	r.run++
	batch := r.batch(o)
	routes := routesOf(o)
	start := now()
	if len(batch) > 0 {
		if err := deliver(r.table, batch); err != nil {
			return 0, fmt.Errorf("replay nftables: %w", err)
		}
	}
	for chunk := range slices.Chunk(routes, 1000) {
		var b []byte
		for _, m := range chunk {
			b = appendMessage(b, m)
		}
		if err := deliver(r.routes, b); err != nil {
			return 0, fmt.Errorf("replay routes: %w", err)
		}
	}
	return start, nil
}

// deliver sends messages and looks for refusals, which are there when send returns.
func deliver(f *os.File, b []byte) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		if failed = unix.Sendto(int(fd), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); failed != nil {
			return
		}
		answer := make([]byte, 1<<16)
		for {
			n, _, err := unix.Recvfrom(int(fd), answer, unix.MSG_DONTWAIT)
			if err != nil {
				return // nothing more to read
			}
			for m := range messages(answer[:n]) {
				if m.kind == unix.NLMSG_ERROR && len(m.payload) >= 4 {
					errno := unix.Errno(-int32(binary.NativeEndian.Uint32(m.payload)))
					failed = errors.Join(failed, fmt.Errorf("%s: %w", described(b, m.seq), errno))
				}
			}
		}
	})
	return errors.Join(err, failed)
}

// described names a message of a batch: its kind, and the names in it.
func described(b []byte, seq uint32) string {
	for m := range messages(b) {
		if m.seq != seq || len(m.payload) < sizeofNfgenmsg {
			continue
		}
		first, second := attribute(m.payload[sizeofNfgenmsg:], 1), attribute(m.payload[sizeofNfgenmsg:], 2)
		return fmt.Sprintf("message %d of kind %#x, %q %q", seq, m.kind, text(first), text(second))
	}
	return fmt.Sprintf("message %d", seq)
}

// replay sends an observation and waits until it has all been seen again.
func replay(r *replayer, l *listener, o *observation, quiet time.Duration) (time.Duration, error) {
	l.reset()
	start, err := r.send(o)
	if err != nil {
		return 0, err
	}
	again, err := l.await(quiet, func(o *observation) bool { return o.last > start })
	if err != nil {
		return 0, err
	}
	return again.last.since(start), nil
}
