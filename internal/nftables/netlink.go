package nftables

import (
	"errors"
	"fmt"
	"slices"

	"github.com/margay-net/margay/internal/nftables/nft"
	"golang.org/x/sys/unix"
)

// Netlink is the kernel's table by netlink. It is not safe for concurrent use, except
// Foreign.
//
// The kernel works a transaction off inside sendmsg: when that returns, every error and
// every echo is already in the receive buffer. So nothing is ever waited for, no
// acknowledgement is asked for, and it does not matter whether the calling goroutine is
// bound to a thread.
type Netlink struct {
	table  string
	socket *socket
	events *events
	seq    uint32
	// spare is the last batch's memory.
	spare []byte
}

// maxSpare is how much of a batch's memory is kept for the next.
const maxSpare = 1 << 20

// OpenNetlink opens the table's sockets in the network namespace of the calling thread.
// The table need not be there.
func OpenNetlink(table string) (*Netlink, error) {
	s, err := openSocket(0)
	if err != nil {
		return nil, err
	}
	e, err := listen(table, s.port)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return &Netlink{table: table, socket: s, events: e, seq: 1}, nil
}

// Foreign tells of changes that others make to the table.
func (n *Netlink) Foreign() <-chan struct{} { return n.events.foreign }

// Close closes both sockets.
func (n *Netlink) Close() error { return errors.Join(n.events.close(), n.socket.close()) }

// Commit sends the steps as one batch.
func (n *Netlink) Commit(ops []nft.Op) ([]uint64, error) {
	batch := nft.NewBatch(n.table, n.seq, n.spare)
	for _, op := range ops {
		batch.Add(op)
	}
	bytes := batch.Close()
	n.seq = batch.Next()
	if n.spare = bytes; cap(bytes) > maxSpare {
		n.spare = nil
	}
	finish, err := n.unheard(len(bytes))
	if err != nil {
		return nil, err
	}
	if err := n.socket.send(bytes); err != nil {
		return nil, errors.Join(fmt.Errorf("send an nftables transaction of %d bytes: %w", len(bytes), err), finish(0))
	}
	handles, err := n.outcome(batch, len(ops))
	if err != nil {
		return nil, errors.Join(err, finish(0))
	}
	return handles, finish(1)
}

// loudSize is from which length on, in bytes, a transaction is worth not listening to.
const loudSize = 16 << 10

// unheard leaves the event group for the time of a large transaction: an event for each of
// its elements costs the kernel more than the element, even if a filter drops it. What
// others do meanwhile goes unheard, too. So the ruleset's generation is looked at before
// and after: finish, which takes by how much our own transaction has raised it, tells of a
// foreign change if there is any difference.
func (n *Netlink) unheard(size int) (finish func(own uint32) error, err error) {
	if size < loudSize {
		return func(uint32) error { return nil }, nil
	}
	before, err := n.generation()
	if err != nil {
		return nil, err
	}
	if err := n.events.socket.leave(); err != nil {
		return nil, fmt.Errorf("leave the nftables event group: %w", err)
	}
	return func(own uint32) error {
		if err := n.events.socket.join(); err != nil {
			return fmt.Errorf("join the nftables event group: %w", err)
		}
		after, err := n.generation()
		if err == nil && after != before+own {
			n.events.tell()
		}
		return err
	}, nil
}

// generation is the number of the namespace's present ruleset. Each transaction of anybody
// raises it by one.
func (n *Netlink) generation() (uint32, error) {
	var id uint32
	seq := n.seq
	n.seq++
	if err := n.socket.send(nft.GetGeneration(seq)); err != nil {
		return 0, fmt.Errorf("nftables generation: %w", err)
	}
	datagram, err := n.socket.receive(unix.MSG_DONTWAIT)
	if err != nil {
		return 0, fmt.Errorf("nftables generation: %w", err)
	}
	for m, rest, ok := nextMessage(datagram); ok; m, rest, ok = nextMessage(rest) {
		if m.seq != seq {
			continue
		}
		if errno, _ := m.errorIn(); m.typ == unix.NLMSG_ERROR && errno != 0 {
			return 0, fmt.Errorf("nftables generation: %w", errno)
		}
		id = nft.ParseGeneration(m.payload)
	}
	return id, nil
}

// outcome reads what the kernel had to say about a batch.
func (n *Netlink) outcome(batch *nft.Batch, steps int) ([]uint64, error) {
	handles := make([]uint64, steps)
	var refused Refused
	for {
		datagram, err := n.socket.receive(unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		if err != nil {
			n.drain()
			return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		for m, rest, ok := nextMessage(datagram); ok; m, rest, ok = nextMessage(rest) {
			index, ours := batch.Position(m.seq)
			switch {
			case m.typ == unix.NLMSG_ERROR:
				refused.note(m, index, ours)
			case ours && m.typ == unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWRULE:
				handles[index] = nft.ParseHandle(m.payload)
			}
		}
	}
	if len(refused.Steps) > 0 {
		return nil, &refused
	}
	return handles, nil
}

// note adds an error message to the complaints.
func (r *Refused) note(m message, index int, ours bool) {
	errno, text := m.errorIn()
	if errno == 0 {
		return
	}
	if !ours {
		index = -1
	}
	r.Steps = append(r.Steps, RefusedStep{Index: index, Err: errno, Text: text})
}

// drain empties the receive buffer.
func (n *Netlink) drain() {
	for {
		if _, err := n.socket.receive(unix.MSG_DONTWAIT); errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EBADF) {
			return
		}
	}
}

// dumpAttempts is how often a dump is begun anew that somebody's change has disturbed.
const dumpAttempts = 10

// errDisturbed is a dump that is inconsistent.
var errDisturbed = errors.New("the table changed during the dump")

// Dump reads the table: one dump each of chains, rules and sets, and one per set.
func (n *Netlink) Dump() (Listing, error) {
	var err error
	for range dumpAttempts {
		var l Listing
		l, err = n.dumpOnce()
		if err == nil || !errors.Is(err, errDisturbed) {
			return l, err
		}
	}
	return Listing{}, err
}

func (n *Netlink) dumpOnce() (Listing, error) {
	var l Listing
	at := map[string]int{}
	err := n.list(unix.NFT_MSG_GETTABLE, "", func(payload []byte) error {
		l.Present, l.Dormant = true, nft.ParseDormant(payload)
		return nil
	})
	if err != nil || !l.Present {
		return l, err
	}
	err = n.list(unix.NFT_MSG_GETCHAIN, "", func(payload []byte) error {
		name, base, err := nft.ParseChain(payload)
		at[name] = len(l.Chains)
		l.Chains = append(l.Chains, ListedChain{Name: name, Base: base})
		return err
	})
	if err != nil {
		return l, err
	}
	err = n.list(unix.NFT_MSG_GETRULE, "", func(payload []byte) error {
		chain, handle, hash, err := nft.ParseRule(payload)
		if i, ok := at[chain]; ok {
			l.Chains[i].Rules = append(l.Chains[i].Rules, ListedRule{handle, hash})
		}
		return err
	})
	if err != nil {
		return l, err
	}
	l.Sets, err = n.dumpSets()
	return l, err
}

func (n *Netlink) dumpSets() ([]ListedSet, error) {
	var sets []ListedSet
	err := n.list(unix.NFT_MSG_GETSET, "", func(payload []byte) error {
		s, err := nft.ParseSet(payload)
		foreign := errors.Is(err, nft.ErrForeign)
		if s.Name != "" {
			sets = append(sets, ListedSet{Set: s, Foreign: foreign})
		}
		if foreign {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range sets {
		if s := &sets[i]; !s.Foreign {
			err := n.list(unix.NFT_MSG_GETSETELEM, s.Set.Name, func(payload []byte) error {
				s.Elements = nft.ParseElements(s.Set, payload, s.Elements)
				return nil
			})
			if err != nil {
				return nil, err
			}
			if s.Set.Interval {
				s.Elements = nft.Intervals(s.Set, s.Elements)
			}
		}
		slices.Sort(sets[i].Elements)
	}
	return sets, nil
}

// list asks for a dump, and hands on each message that is about our table. A table or set
// that is not there gives an empty one.
func (n *Netlink) list(typ uint16, set string, each func(payload []byte) error) error {
	seq := n.seq
	n.seq++
	if err := n.socket.send(nft.Get(typ, n.table, set, seq)); err != nil {
		return fmt.Errorf("list nftables: %w", err)
	}
	var failed error
	for done := false; !done; {
		datagram, err := n.socket.receive(0)
		if err != nil {
			n.drain()
			return fmt.Errorf("list nftables: %w", err)
		}
		for m, rest, ok := nextMessage(datagram); ok; m, rest, ok = nextMessage(rest) {
			if m.seq != seq {
				continue
			}
			end, err := n.listed(m, each)
			failed = errors.Join(failed, err)
			done = done || end
		}
	}
	return failed
}

// listed handles one message of a dump; end is true for the last.
func (n *Netlink) listed(m message, each func([]byte) error) (end bool, err error) {
	if m.flags&unix.NLM_F_DUMP_INTR != 0 {
		err = errDisturbed
	}
	if m.typ == unix.NLMSG_DONE || m.typ == unix.NLMSG_ERROR {
		if errno, _ := m.errorIn(); errno != 0 && errno != unix.ENOENT {
			err = errors.Join(err, fmt.Errorf("list nftables: %w", errno))
		}
		return true, err
	}
	if h, bad := nft.ParseHeader(m.typ, m.payload); bad != nil || !h.Inet || h.Table != n.table {
		return false, err
	}
	return false, errors.Join(err, each(m.payload))
}
