// Package conntrack removes the connection tracking entries of addresses that have gone
// or moved, so that the next pod with such an address does not inherit what was decided
// about the connections of the last one.
//
// It owns nothing in the kernel: entries are the kernel's, and only those that carry one
// of the given addresses are touched.
//
// What has gone wrong here, elsewhere: one process per address and direction, and a copy
// of the whole table for each of them. A kernel from 6.8 on can delete by a filter: it
// goes through its table without telling us about it. Older ones are asked for the table
// once for all addresses, and the entries that matched are deleted one by one.
package conntrack

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Table is the connection tracking table of a network namespace. It is not safe for
// concurrent use.
type Table struct {
	conn *netlink.Conn
	// listOnly: the kernel has refused to delete by a filter.
	listOnly bool
}

// Open opens the table of the calling thread's network namespace. A kernel without
// connection tracking is no error here nor in Flush: it has nothing to forget.
func Open() (*Table, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("conntrack socket: %w", err)
	}
	// The list of a large table comes faster than it is read; a refusal of the size
	// leaves a smaller buffer, with which the kernel waits for us.
	_ = conn.SetReadBuffer(1 << 20)
	return &Table{conn: conn}, nil
}

// Close closes the table's socket.
func (t *Table) Close() error { return t.conn.Close() }

// canFilter says for which families the kernel's filter does what it says. That of IPv6
// compares the wrong way round (ctnetlink_filter_match_tuple, seen in 6.18): asked to
// delete the entries of an address, it deletes all the others.
func canFilter() family.Pair[bool] { return family.PairOf(true, false) }

// byFilterAtMost is for how many addresses of a family it is cheaper to let the kernel go
// through its table, four times for each, than to read the table once: see
// BenchmarkFlush.
const byFilterAtMost = 16

// Flush removes every entry of a connection that one of the addresses has opened or
// answers, whatever NAT has made of it. When it returns nil, none is left.
func (t *Table) Flush(addrs []netip.Addr) error {
	for _, f := range family.All() {
		var mine []netip.Addr
		for _, a := range addrs {
			if family.Of(a) == f {
				mine = append(mine, a.Unmap())
			}
		}
		if err := t.flush(f, mine); err != nil && !absent(err) {
			return fmt.Errorf("conntrack entries of %s: %w", list(mine), err)
		}
	}
	return nil
}

func (t *Table) flush(f family.Family, addrs []netip.Addr) error {
	switch {
	case len(addrs) == 0:
		return nil
	case t.listOnly || !canFilter().Get(f) || len(addrs) > byFilterAtMost:
		return t.flushListed(f, addrs)
	}
	for _, a := range addrs {
		err := t.flushFiltered(f, a)
		// A kernel that takes a tuple for the whole name of one entry finds ours to
		// be incomplete.
		if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) {
			t.listOnly = true
			return t.flushListed(f, addrs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flushFiltered lets the kernel delete the entries of one address: one pass for each
// end of a connection.
func (t *Table) flushFiltered(f family.Family, a netip.Addr) error {
	for _, end := range tuples() {
		m := request(ctDelete, netlink.Acknowledge, f, end.filter(f, a))
		if _, err := t.conn.Execute(m); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	return nil
}

// flushListed reads the family's table and deletes what matches.
func (t *Table) flushListed(f family.Family, addrs []netip.Addr) error {
	m := request(ctGet, netlink.Dump, f, nil)
	if _, err := t.conn.Send(m); err != nil {
		return err
	}
	wanted := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		wanted[a] = true
	}
	var found [][]byte
	for m, err := range t.conn.ReceiveIter() {
		if err != nil {
			return err
		}
		if e, ok := decode(m.Data); ok && slices.ContainsFunc(e.ends, func(a netip.Addr) bool { return wanted[a] }) {
			found = append(found, e.name)
		}
	}
	for _, name := range found {
		m := request(ctDelete, netlink.Acknowledge, f, name)
		// An entry may have timed out since it was listed.
		if _, err := t.conn.Execute(m); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	return nil
}

// absent says whether the error means that the kernel has no connection tracking:
// nfnetlink knows no subsystem of the number.
func absent(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

// list is a few of the addresses, for an error.
func list(addrs []netip.Addr) string {
	const most = 3
	if len(addrs) <= most {
		return fmt.Sprint(addrs)
	}
	return fmt.Sprintf("%v and %d more", addrs[:most], len(addrs)-most)
}
