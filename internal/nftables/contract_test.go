package nftables_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// onBoth runs a test on the fake and on a real kernel.
func onBoth(t *testing.T, f func(t *testing.T, k nftables.Kernel)) {
	t.Run("fake", func(t *testing.T) { f(t, fake.New()) })
	t.Run("kernel", func(t *testing.T) { f(t, openKernel(t)) })
}

func hashed(chain string, r nft.Rule) nft.AddRule {
	return nft.AddRule{Chain: chain, Rule: r, Hash: r.Hash()}
}

// base is a table with a base chain "top" that leads to "a", "b", a set, and a verdict map
// that leads to "b".
func base() []nft.Op {
	s, m := hosts(), dispatchMap()
	return []nft.Op{
		nft.AddTable{Table: tableName},
		nft.AddSet{Set: s}, nft.AddSet{Set: nets()}, nft.AddSet{Set: m},
		nft.AddChain{Name: "top", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Policy: nft.Accept()}},
		nft.AddChain{Name: "a"}, nft.AddChain{Name: "b"},
		hashed("top", rule(nft.Jump("a"))),
		hashed("a", rule(nft.SAddr(4).In(s.Name), nft.Drop())),
		nft.AddElements{Set: m, Elements: []nft.Element{cali(1).To(nft.Goto("b"))}},
		nft.AddElements{Set: s, Elements: []nft.Element{host(1)}},
		nft.AddElements{Set: nets(), Elements: []nft.Element{net("10.0.0.0/8")}},
	}
}

func hosts() nft.Set           { return nft.Set{Name: "hosts", Key: nft.KeyOf(nft.TypeIPv4Addr)} }
func nets() nft.Set            { return nft.Set{Name: "nets", Key: nft.KeyOf(nft.TypeIPv4Addr), Interval: true} }
func net(p string) nft.Element { return nft.PrefixElement(netip.MustParsePrefix(p)) }
func host(n int) nft.Element {
	return nft.AddrElement(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}))
}
func cali(n int) nft.Element {
	return element(dispatchMap().Key, nft.Iface(fmt.Sprintf("cali%d", n)))
}

// TestContract: single transactions on the base table, and what the kernel says to them.
func TestContract(t *testing.T) {
	elements := func(s nft.Set, e ...nft.Element) nft.Op { return nft.AddElements{Set: s, Elements: e} }
	without := func(s nft.Set, e ...nft.Element) nft.Op { return nft.DeleteElements{Set: s, Elements: e} }
	for _, c := range []struct {
		name string
		ops  []nft.Op
		want syscall.Errno
	}{
		{"nothing at all", nil, 0},
		{"the table again", []nft.Op{nft.AddTable{Table: tableName}}, 0},
		{"a chain again", []nft.Op{nft.AddChain{Name: "a"}}, syscall.EEXIST},
		{"a nat chain on forward", []nft.Op{nft.AddChain{Name: "n", Base: &nft.Base{Type: nft.NAT, Hook: nft.Forward}}}, syscall.EOPNOTSUPP},
		{"delete a chain that is not there", []nft.Op{nft.DeleteChain{Name: "x"}}, syscall.ENOENT},
		{"flush a chain that is not there", []nft.Op{nft.FlushChain{Name: "x"}}, syscall.ENOENT},
		{"delete a chain that a rule leads to", []nft.Op{nft.DeleteChain{Name: "a"}}, syscall.EBUSY},
		{"delete a chain that a map leads to", []nft.Op{nft.DeleteChain{Name: "b"}}, syscall.EBUSY},
		{"empty the map, then delete that chain", []nft.Op{nft.FlushSet{Set: dispatchMap()}, nft.DeleteChain{Name: "b"}}, 0},
		{"flush the chain above, then delete", []nft.Op{nft.FlushChain{Name: "top"}, nft.DeleteChain{Name: "a"}}, 0},
		{"delete a chain and add it again", []nft.Op{nft.FlushChain{Name: "top"}, nft.DeleteChain{Name: "a"}, nft.AddChain{Name: "a"}, hashed("top", rule(nft.Jump("a")))}, 0},
		{"a rule in no chain", []nft.Op{hashed("x", rule(nft.Accept()))}, syscall.ENOENT},
		{"a rule that leads nowhere", []nft.Op{hashed("a", rule(nft.Jump("x")))}, syscall.ENOENT},
		{"a rule that leads to a base chain", []nft.Op{hashed("a", rule(nft.Jump("top")))}, syscall.EOPNOTSUPP},
		{"a rule that uses no set", []nft.Op{hashed("a", rule(nft.SAddr(4).In("x"), nft.Accept()))}, syscall.ENOENT},
		{"a rule before one that is not there", []nft.Op{nft.AddRule{Chain: "a", Rule: rule(nft.Accept()), Before: 999}}, syscall.ENOENT},
		{"delete a rule that is not there", []nft.Op{nft.DeleteRule{Chain: "a", Handle: 999}}, syscall.ENOENT},
		// Kernels before 6.10 say ELOOP, later ones EMLINK: they only count.
		{"a circle", []nft.Op{hashed("a", rule(nft.Jump("b"))), hashed("b", rule(nft.Jump("a")))}, syscall.ELOOP},
		{"fifteen jumps", ladder(14), 0},
		{"sixteen jumps", ladder(15), syscall.EMLINK},
		{"a set again", []nft.Op{nft.AddSet{Set: hosts()}}, syscall.EEXIST},
		{"delete a set in use", []nft.Op{nft.DeleteSet{Set: hosts()}}, syscall.EBUSY},
		{"delete a set not in use", []nft.Op{nft.DeleteSet{Set: nets()}}, 0},
		{"replace a set by one of another kind", []nft.Op{nft.FlushChain{Name: "a"}, nft.DeleteSet{Set: hosts()},
			nft.AddSet{Set: nft.Set{Name: "hosts", Key: nft.KeyOf(nft.TypeIPv6Addr), Interval: true}},
			hashed("a", rule(nft.SAddr(6).In("hosts"), nft.Drop()))}, 0},
		{"an element again", []nft.Op{elements(hosts(), host(1))}, syscall.EEXIST},
		{"an element of no set", []nft.Op{elements(nft.Set{Name: "x", Key: hosts().Key}, host(1))}, syscall.ENOENT},
		{"delete an element that is not there", []nft.Op{without(hosts(), host(2))}, syscall.ENOENT},
		{"delete an element and add it again", []nft.Op{without(hosts(), host(1)), elements(hosts(), host(1))}, 0},
		{"a key leads elsewhere", []nft.Op{without(dispatchMap(), cali(1).To(nft.Goto("b"))), elements(dispatchMap(), cali(1).To(nft.Goto("a")))}, 0},
		{"a key twice", []nft.Op{elements(dispatchMap(), cali(1).To(nft.Drop()))}, syscall.EEXIST},
		{"a key that leads nowhere", []nft.Op{elements(dispatchMap(), cali(2).To(nft.Goto("x")))}, syscall.ENOENT},
		{"intervals that overlap", []nft.Op{elements(nets(), net("10.1.0.0/16"))}, syscall.EEXIST},
		{"intervals that touch", []nft.Op{elements(nets(), net("11.0.0.0/8"), net("9.0.0.0/8"))}, 0},
		{"a wider interval instead", []nft.Op{without(nets(), net("10.0.0.0/8")), elements(nets(), net("0.0.0.0/0"))}, 0},
		{"a narrower interval instead", []nft.Op{without(nets(), net("10.0.0.0/8")), elements(nets(), net("10.0.0.0/9"), net("10.255.0.0/16"))}, 0},
		{"the last of all intervals", []nft.Op{elements(nets(), net("255.0.0.0/8"))}, 0},
		{"flush a set", []nft.Op{nft.FlushSet{Set: hosts()}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var after []nftables.Listing
			onBoth(t, func(t *testing.T, k nftables.Kernel) {
				if _, err := k.Commit(base()); err != nil {
					t.Fatal(err)
				}
				before := listingOf(t, k)
				_, err := k.Commit(c.ops)
				if got := errnoOf(err); got != c.want && !(c.want == syscall.ELOOP && got == syscall.EMLINK) {
					t.Fatalf("%v: got %v, want %v", c.ops, err, c.want)
				}
				l := listingOf(t, k)
				if c.want != 0 && !cmp.Equal(before, l) {
					t.Errorf("a refused transaction has changed something:\n%s", cmp.Diff(before, l))
				}
				after = append(after, l)
			})
			if len(after) == 2 {
				if diff := cmp.Diff(after[0], after[1]); diff != "" {
					t.Errorf("fake (-) and kernel (+) differ:\n%s", diff)
				}
			}
		})
	}
}

// errnoOf is the first complaint of a refusal, 0 for none.
func errnoOf(err error) syscall.Errno {
	var r *nftables.Refused
	if errors.As(err, &r) {
		return r.Steps[0].Err
	}
	if err != nil {
		return syscall.Errno(0xffff)
	}
	return 0
}

// ladder makes chains below "a" that lead to one another, so that "top" is n+1 jumps from
// the last.
func ladder(n int) []nft.Op {
	var ops []nft.Op
	for i := range n {
		ops = append(ops, nft.AddChain{Name: fmt.Sprintf("l%d", i)})
	}
	above := "a"
	for i := range n {
		name := fmt.Sprintf("l%d", i)
		ops = append(ops, hashed(above, rule(nft.Jump(name))))
		above = name
	}
	return ops
}

// TestContractDump: an absent table is empty; handles lead to their rules; a failed step
// is told by its index, and so are all that fail.
func TestContractDump(t *testing.T) {
	onBoth(t, func(t *testing.T, k nftables.Kernel) {
		if l := listingOf(t, k); l.Present || len(l.Chains)+len(l.Sets) != 0 {
			t.Fatalf("an absent table lists as %+v", l)
		}
		if _, err := k.Commit(base()); err != nil {
			t.Fatal(err)
		}
		one, two, three := rule(nft.Count(), nft.Drop()), nft.NewRule("two", nft.Accept()), rule(nft.Return())
		handles, err := k.Commit([]nft.Op{hashed("b", one), nft.AddChain{Name: "c"}, hashed("b", three)})
		if err != nil || handles[0] == 0 || handles[1] != 0 || handles[2] == 0 {
			t.Fatal(handles, err)
		}
		insert := hashed("b", two)
		insert.Before = handles[2]
		middle, err := k.Commit([]nft.Op{insert})
		if err != nil {
			t.Fatal(err)
		}
		l, err := k.Dump()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range l.Chains {
			if c.Name != "b" {
				continue
			}
			want := []nftables.ListedRule{{handles[0], one.Hash()}, {middle[0], two.Hash()}, {handles[2], three.Hash()}}
			if diff := cmp.Diff(want, c.Rules); diff != "" {
				t.Error(diff)
			}
		}
		_, err = k.Commit([]nft.Op{
			nft.DeleteRule{Chain: "b", Handle: middle[0]},
			hashed("x", one),
			hashed("b", one),
			nft.DeleteChain{Name: "y"},
		})
		var refused *nftables.Refused
		if !errors.As(err, &refused) || len(refused.Steps) != 2 || refused.Steps[0].Index != 1 || refused.Steps[1].Index != 3 {
			t.Fatalf("%v", err)
		}
		if text := err.Error(); !strings.Contains(text, "step 1: no such file") {
			t.Error(text)
		}
	})
}
