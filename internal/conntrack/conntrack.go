// Package conntrack removes the connection tracking entries of addresses that have gone
// or moved, so that the next pod with such an address does not inherit what was decided
// about the connections of the last one.
//
// It owns nothing in the kernel: entries are the kernel's, and only those that carry one
// of the given addresses are touched.
//
// What has gone wrong here, elsewhere: one process per address and direction, and a copy
// of the whole table for each of them. A kernel from 6.8 on can delete by a filter: it
// goes through its table without telling us about it, and passes over empty buckets
// without locking them. Others are asked for the table once for all addresses, and the
// entries that matched are deleted one by one. Which kernel it is, is tried out, in a
// network namespace that has nothing to lose: see probe. And a namespace without any
// connection, which the kernel can tell at once, is left alone.
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
	conn    *netlink.Conn
	counter *counter
	// filters says for which families the kernel deletes by a filter, once it is known.
	filters *family.Set
}

// Open opens the table of the calling thread's network namespace. A kernel without
// connection tracking is no error here nor in Flush: it has nothing to forget.
func Open() (*Table, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, fmt.Errorf("conntrack socket: %w", err)
	}
	counter, err := newCounter()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("conntrack socket: %w", err), conn.Close())
	}
	// The list of a large table comes faster than it is read; a refusal of the size
	// leaves a smaller buffer, with which the kernel waits for us.
	_ = conn.SetReadBuffer(1 << 20)
	return &Table{conn: conn, counter: counter}, nil
}

// Close closes the table's sockets.
func (t *Table) Close() error { return errors.Join(t.conn.Close(), t.counter.close()) }

// byFilterAtMost is for how many addresses of a family it is cheaper to let the kernel go
// through its table, four times for each, than to read the table once: see
// BenchmarkFlush.
const byFilterAtMost = 16

// Flush removes every entry of a connection that one of the addresses has opened or
// answers, whatever NAT has made of it. When it returns nil, none is left.
func (t *Table) Flush(addrs []netip.Addr) error {
	if len(addrs) == 0 || t.empty() {
		return nil
	}
	for _, f := range family.All() {
		var mine []netip.Addr
		for _, a := range addrs {
			if family.Of(a) == f {
				mine = append(mine, a.Unmap())
			}
		}
		if err := t.flush(f, mine); err != nil && !absent(err) {
			return fmt.Errorf("conntrack entries of %s: %w", someOf(mine), err)
		}
	}
	return nil
}

func (t *Table) flush(f family.Family, addrs []netip.Addr) error {
	switch {
	case len(addrs) == 0:
		return nil
	case len(addrs) > byFilterAtMost || !t.canFilter(f):
		return t.flushListed(f, addrs)
	}
	for _, a := range addrs {
		if err := t.flushFiltered(f, a); err != nil {
			return err
		}
	}
	return nil
}

// canFilter says whether the kernel's filter does what it says.
func (t *Table) canFilter(f family.Family) bool {
	if t.filters == nil {
		found := probe()
		t.filters = &found
	}
	return t.filters.Has(f)
}

// empty says that the namespace has no connection at all. What cannot be asked is not
// empty.
func (t *Table) empty() bool {
	n, ok := t.counter.count()
	return ok && n == 0
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
	found, err := t.list(f, addrs)
	if err != nil {
		return err
	}
	for _, e := range found {
		m := request(ctDelete, netlink.Acknowledge, f, e.name)
		// An entry may have timed out since it was listed.
		if _, err := t.conn.Execute(m); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	return nil
}

// list reads the family's table: the entries of the connections that one of the addresses
// has opened or answers.
func (t *Table) list(f family.Family, addrs []netip.Addr) ([]entry, error) {
	if _, err := t.conn.Send(request(ctGet, netlink.Dump, f, nil)); err != nil {
		return nil, err
	}
	wanted := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		wanted[a] = true
	}
	var found []entry
	for m, err := range t.conn.ReceiveIter() {
		if err != nil {
			return nil, err
		}
		if e, ok := decode(m.Data); ok && slices.ContainsFunc(e.ends, func(a netip.Addr) bool { return wanted[a] }) {
			found = append(found, e)
		}
	}
	return found, nil
}

// absent says whether the error means that the kernel has no connection tracking:
// nfnetlink knows no subsystem of the number.
func absent(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

// someOf is a few of the addresses, for an error.
func someOf(addrs []netip.Addr) string {
	const most = 3
	if len(addrs) <= most {
		return fmt.Sprint(addrs)
	}
	return fmt.Sprintf("%v and %d more", addrs[:most], len(addrs)-most)
}
