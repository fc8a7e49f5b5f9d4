package nftables

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/nftables/nft"
	"golang.org/x/sys/unix"
)

// openTest opens the table in the test's namespace, empty.
func openTest(t *testing.T) *Netlink {
	t.Helper()
	netlab.Require(t)
	run(t, "flush", "ruleset")
	k, err := OpenNetlink("calico")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		run(t, "flush", "ruleset")
	})
	return k
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("nft", args...).CombinedOutput(); err != nil {
		t.Fatalf("nft %v: %v\n%s", args, err, out)
	}
}

func someChains(n int) []nft.Op {
	ops := []nft.Op{nft.AddTable{Table: "calico"}}
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		ops = append(ops, nft.AddChain{Name: name})
		for j := range 5 {
			r := nft.NewRule(fmt.Sprint(j), nft.SAddr(family.V4).Is(nft.Addr(netip.MustParseAddr("10.0.0.1"))), nft.Drop())
			ops = append(ops, nft.AddRule{Chain: name, Rule: r, Hash: r.Hash()})
		}
	}
	return ops
}

// TestSmallReceiveBuffer: where the receive buffer cannot be made large, the echoes of a
// large transaction do not fit. The outcome is then unknown, and the driver finds out by
// one dump.
func TestSmallReceiveBuffer(t *testing.T) {
	k := openTest(t)
	if err := unix.SetsockoptInt(k.socket.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Commit(someChains(300)); !errors.Is(err, ErrUnknown) {
		t.Fatalf("%v", err)
	}
	table := New(Options{Kernel: k})
	table.InSync()
	v := table.View(family.V4)
	for i := range 300 {
		v.SetChain(nft.Chain{Name: fmt.Sprintf("c%d", i), Rules: []nft.Rule{
			nft.NewRule("", nft.FamilyIs(family.V4), nft.Count(), nft.Drop()),
			nft.NewRule("", nft.FamilyIs(family.V4), nft.Accept()),
			nft.NewRule("", nft.FamilyIs(family.V4), nft.Drop()),
		}})
	}
	if err := table.Apply(someTime()); err != nil {
		t.Fatal(err)
	}
	if s := table.Stats(); s.Dumps != 2 || len(table.Problems()) != 0 {
		t.Errorf("%+v %v", s, table.Problems())
	}
	v.SetChain(nft.Chain{Name: "c7"})
	if err := table.Apply(someTime()); err != nil {
		t.Fatal(err)
	}
}

// TestSendBufferGrows: a transaction that is longer than the send buffer makes it grow,
// rather than being cut.
func TestSendBufferGrows(t *testing.T) {
	k := openTest(t)
	k.socket.grow(unix.SO_SNDBUF, unix.SO_SNDBUF, 4096)
	k.socket.sendLimit = 4096
	if _, err := k.Commit(someChains(300)); err != nil {
		t.Fatal(err)
	}
	if l, err := k.Dump(); err != nil || len(l.Chains) != 300 {
		t.Fatal(len(l.Chains), err)
	}
}

// TestUnheard: while a large transaction is written, events are not listened to; what others
// do meanwhile is noticed by the generation.
func TestUnheard(t *testing.T) {
	told := func(k *Netlink) bool {
		select {
		case <-k.Foreign():
			return true
		default:
			return false
		}
	}
	for _, c := range []struct {
		name string
		own  uint32
		what func(t *testing.T)
		want bool
	}{
		{"nothing happens", 0, func(*testing.T) {}, false},
		{"our own transaction", 1, func(t *testing.T) { run(t, "add", "table", "inet", "x") }, false},
		{"ours fails, and another's does not", 0, func(t *testing.T) { run(t, "add", "table", "inet", "x") }, true},
		{"ours and another's", 1, func(t *testing.T) {
			run(t, "add", "table", "inet", "x")
			run(t, "add", "table", "inet", "y")
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := openTest(t)
			finish, err := k.unheard(loudSize)
			if err != nil {
				t.Fatal(err)
			}
			c.what(t)
			if err := finish(c.own); err != nil {
				t.Fatal(err)
			}
			if got := told(k); got != c.want {
				t.Errorf("told: %v, want %v", got, c.want)
			}
		})
	}
}

// TestLargeOwnTransaction: a large transaction of our own is not taken for another's, and
// events are listened to again after it.
func TestLargeOwnTransaction(t *testing.T) {
	k := openTest(t)
	if _, err := k.Commit(someChains(300)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-k.Foreign():
		t.Error("told of our own change")
	default:
	}
	run(t, "flush", "chain", "inet", "calico", "c7")
	<-k.Foreign()
}

// TestMessages: datagrams that are cut short give the messages that are whole.
func TestMessages(t *testing.T) {
	batch := nft.NewBatch("calico", 7, nil)
	batch.Add(nft.AddChain{Name: "c"})
	whole := batch.Close()
	for cut := range len(whole) + 1 {
		n := 0
		for m, rest, ok := nextMessage(whole[:cut]); ok; m, rest, ok = nextMessage(rest) {
			if m.seq != 7+uint32(n) {
				t.Fatalf("message %d has number %d", n, m.seq)
			}
			n++
		}
		if want := map[bool]int{true: 3}[cut == len(whole)]; cut == len(whole) && n != want {
			t.Errorf("%d messages, want %d", n, want)
		}
	}
}
