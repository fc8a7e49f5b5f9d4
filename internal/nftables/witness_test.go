package nftables_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	google "github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// What we have written is read back by a library that shares no code with us: chains with
// their hooks, rules in their order with comments and verdicts, and what sets hold.
func TestAnotherLibraryReadsWhatWeWrite(t *testing.T) {
	kernel := openKernel(t)
	table := nftables.New(nftables.Options{Name: tableName, Kernel: kernel})
	for _, f := range family.All() {
		v := table.View(f)
		hosts := fmt.Sprintf("hosts%d", f.Version())
		v.AddSet(nft.Set{Name: hosts, Key: nft.KeyOf(nft.SAddr(f).Type())})
		v.AddMembers(hosts, nft.AddrElement(hostOf(f)))
		v.SetChain(nft.Chain{Name: "forward", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Priority: 1, Policy: nft.Accept()}, Rules: []nft.Rule{
			nft.NewRule("known hosts", nft.SAddr(f).In(hosts), nft.Goto("known")),
			nft.NewRule("all others", nft.Drop()),
		}})
		v.SetChain(nft.Chain{Name: "known", Rules: []nft.Rule{nft.NewRule("", nft.L4Proto.Is(nft.Num(6)), nft.DPort.Is(nft.Num(80)), nft.Accept())}})
	}
	table.InSync()
	if err := table.Apply(start()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"chain forward hook 2 priority 1",
		"  goto known # known hosts",
		"  goto known # known hosts",
		"  drop # all others",
		"chain known",
		"  accept",
		"set hosts4: 192.0.2.1",
		"set hosts6: 2001:db8::1",
	}
	if diff := cmp.Diff(want, witness(t)); diff != "" {
		t.Errorf("-want +read\n%s", diff)
	}
}

func hostOf(f family.Family) netip.Addr {
	pair := family.PairOf(netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"))
	return pair.Get(f)
}

// witness reads the table with github.com/google/nftables, a line for each thing in it.
func witness(t *testing.T) []string {
	t.Helper()
	conn, err := google.New()
	if err != nil {
		t.Fatal(err)
	}
	table := &google.Table{Name: tableName, Family: google.TableFamilyINet}
	chains, err := conn.ListChainsOfTableFamily(google.TableFamilyINet)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*google.Chain{}
	for _, c := range chains {
		byName[c.Name] = c
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		lines = append(lines, witnessChain(t, conn, table, byName[name])...)
	}
	sets, err := conn.GetSets(table)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(sets, func(a, b *google.Set) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range sets {
		elements, err := conn.GetSetElements(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range elements {
			a, _ := netip.AddrFromSlice(e.Key)
			lines = append(lines, fmt.Sprintf("set %s: %v", s.Name, a))
		}
	}
	return lines
}

func witnessChain(t *testing.T, conn *google.Conn, table *google.Table, c *google.Chain) []string {
	t.Helper()
	line := "chain " + c.Name
	if c.Hooknum != nil {
		line += fmt.Sprintf(" hook %d priority %d", *c.Hooknum, *c.Priority)
	}
	rules, err := conn.GetRules(table, c)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{line}
	for _, r := range rules {
		line := "  " + verdictOf(r)
		if comment, ok := userdata.GetString(r.UserData, userdata.TypeComment); ok && comment != "" {
			line += " # " + strings.TrimRight(comment, "\x00")
		}
		lines = append(lines, line)
	}
	return lines
}

func verdictOf(r *google.Rule) string {
	for _, e := range r.Exprs {
		if v, ok := e.(*expr.Verdict); ok {
			switch v.Kind {
			case expr.VerdictAccept:
				return "accept"
			case expr.VerdictDrop:
				return "drop"
			case expr.VerdictGoto:
				return "goto " + v.Chain
			}
		}
	}
	return "no verdict"
}
