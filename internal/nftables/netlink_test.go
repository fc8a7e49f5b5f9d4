package nftables_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// told waits for word of a foreign change.
func told(t *testing.T, k nftables.Kernel) {
	t.Helper()
	select {
	case <-k.Foreign():
	case <-time.After(5 * time.Second):
		t.Fatal("nobody has told of the foreign change")
	}
}

// silent wants no word of a foreign change to have come. The caller has just done something
// that the kernel has told all listeners of before it returned.
func silent(t *testing.T, k nftables.Kernel) {
	t.Helper()
	select {
	case <-k.Foreign():
		t.Fatal("told of a foreign change that was none")
	default:
	}
}

// TestForeignChangesInTheKernel: what others do to our table is told, once for each of their
// transactions; what they do elsewhere, and what we do, is not.
func TestForeignChangesInTheKernel(t *testing.T) {
	k := openKernel(t)
	table := newTable(k)
	v := table.View(family.V4)
	v.SetChain(chainOf("c", port(1), port(2)))
	v.AddSet(hosts())
	for i := range 5000 {
		v.AddMembers("hosts", host(i))
	}
	apply := func() {
		t.Helper()
		if err := table.Apply(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	apply()
	want := nftTool(t, "", "-s", "list", "ruleset")
	nftTool(t, "", "add", "table", "inet", "other")
	nftTool(t, "", "add", "table", "ip", tableName)
	nftTool(t, "", "add", "chain", "ip", tableName, "c")
	nftTool(t, "", "delete", "table", "inet", "other")
	nftTool(t, "", "delete", "table", "ip", tableName)
	silent(t, k)

	for _, change := range [][]string{
		{"flush", "ruleset"},
		{"flush", "chain", "inet", tableName, "c"},
		{"add", "rule", "inet", tableName, "c", "counter"},
		{"delete", "element", "inet", tableName, "hosts", "{ 10.0.0.1, 10.0.0.2 }"},
		{"add", "table", "inet", tableName, "{ flags dormant; }"},
	} {
		nftTool(t, "", change...)
		told(t, k)
		table.Resync()
		apply()
		if diff := cmp.Diff(want, nftTool(t, "", "-s", "list", "ruleset")); diff != "" {
			t.Errorf("after %v:\n%s", change, diff)
		}
		silent(t, k)
	}
	if s := table.Stats(); s.Repairs != 5 {
		t.Errorf("%+v", s)
	}
}

// TestManyElements: no attribute overflows, whatever the number of elements.
func TestManyElements(t *testing.T) {
	const n = 20000
	k := openKernel(t)
	for _, f := range family.All() {
		for _, s := range []nft.Set{hostSet(f, hostName(f, "h")), netSet(f, hostName(f, "n"))} {
			var elements []nft.Element
			for i := range n {
				e := family.PairOf(host(2*i), nft.AddrElement(addr16(2*i))).Get(f)
				if s.Interval {
					e += e
				}
				elements = append(elements, e)
			}
			ops := []nft.Op{nft.AddTable{Table: tableName}, nft.AddSet{Set: s}, nft.AddElements{Set: s, Elements: elements}}
			if _, err := k.Commit(ops); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range listingOf(t, k).Sets {
		if len(s.Elements) != n {
			t.Errorf("%s: %d elements, want %d", s.Set.Name, len(s.Elements), n)
		}
	}
}

// TestManyChains: chains whose echoes together are longer than one datagram keep their
// handles straight.
func TestManyChains(t *testing.T) {
	k := openKernel(t)
	table := newTable(k)
	for _, f := range family.All() {
		v := table.View(f)
		for i := range 1500 {
			v.SetChain(chainOf(fmt.Sprintf("c%d", i), port(1), port(2), port(3), rule(nft.SAddr(f).Is(nft.Net(f.Any())), nft.Drop())))
		}
	}
	if err := table.Apply(start()); err != nil {
		t.Fatal(err)
	}
	for _, f := range family.All() {
		for i := range 1500 {
			table.View(f).SetChain(chainOf(fmt.Sprintf("c%d", i), port(1), port(3), port(4)))
		}
	}
	if err := table.Apply(start()); err != nil {
		t.Fatal(err)
	}
	if s := table.Stats(); s.Refusals != 0 || s.Dumps != 1 {
		t.Errorf("%+v", s)
	}
	want := []nft.Hash{port(1).Hash(), port(3).Hash(), port(4).Hash()}
	for _, c := range listingOf(t, k).Chains {
		var got []nft.Hash
		for _, r := range c.Rules {
			got = append(got, r.Hash)
		}
		if !cmp.Equal(got, want) {
			t.Fatalf("chain %s: %v", c.Name, got)
		}
	}
}

// TestForeignSetsAndRules: a set of a kind that we do not write, and rules that we cannot
// read, are in our table and so go.
func TestForeignSetsAndRules(t *testing.T) {
	k := openKernel(t)
	nftTool(t, `table inet calico {
		set theirs { type ether_addr; timeout 1h; flags timeout; }
		map marks { type ipv4_addr : mark; elements = { 1.2.3.4 : 5 } }
		map vm { type ipv4_addr . inet_service : verdict; flags interval; elements = { 1.2.3.0/24 . 80-90 : drop } }
		chain theirs { type filter hook forward priority 5; ether saddr @theirs drop; fib saddr oif 0 meta mark set ip saddr map @marks; jump sub; }
		chain sub { ip saddr . tcp dport vmap @vm; }
	}`, "-f", "-")
	table := newTable(k)
	table.View(family.V4).SetChain(chainOf("ours", port(1)))
	table.InSync()
	if err := table.Apply(start()); err != nil {
		t.Fatal(err)
	}
	want := lines(`table inet calico {
		chain ours {
			meta nfproto ipv4 tcp dport 1 accept
		}
	}`)
	if diff := cmp.Diff(want, lines(nftTool(t, "", "list", "ruleset"))); diff != "" {
		t.Error(diff)
	}
}
