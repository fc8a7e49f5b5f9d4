package dataplane_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gnft "github.com/google/nftables"

	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/nodetest"
)

// intruder is another program in the node that writes to nf_tables.
type intruder struct {
	t *testing.T
	// table is our table, by sockets that are not the agent's.
	table *nftables.Netlink
	// tables is for whole tables, ours and others.
	tables *gnft.Conn
}

func newIntruder(t *testing.T, n *nodetest.Node) *intruder {
	t.Helper()
	nodetest.OnlyNFTables(t)
	s := &intruder{t: t}
	err := n.Do(func() (err error) {
		s.table, err = nftables.OpenNetlink("calico")
		return err
	})
	if err == nil {
		s.tables, err = gnft.New(gnft.WithNetNSFd(n.NetFD()))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.table.Close() })
	return s
}

// commit makes changes to our table.
func (s *intruder) commit(ops ...nft.Op) {
	s.t.Helper()
	if _, err := s.table.Commit(ops); err != nil {
		s.t.Fatal(err)
	}
}

// flush makes changes to whole tables.
func (s *intruder) flush() {
	s.t.Helper()
	if err := s.tables.Flush(); err != nil {
		s.t.Fatal(err)
	}
}

// listing is our table as it stands.
func (s *intruder) listing() nftables.Listing {
	s.t.Helper()
	l, err := s.table.Dump()
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// chain is a chain of our table as it stands.
func (s *intruder) chain(name string) nftables.ListedChain {
	s.t.Helper()
	l := s.listing()
	i := slices.IndexFunc(l.Chains, func(c nftables.ListedChain) bool { return c.Name == name })
	if i < 0 {
		s.t.Fatalf("there is no chain %s", name)
	}
	return l.Chains[i]
}

// set is a set or map of our table as it stands.
func (s *intruder) set(name string) nftables.ListedSet {
	s.t.Helper()
	l := s.listing()
	i := slices.IndexFunc(l.Sets, func(s nftables.ListedSet) bool { return s.Set.Name == name })
	if i < 0 {
		s.t.Fatalf("there is no set %s", name)
	}
	return l.Sets[i]
}

// tableText is our table without the handles, in an order that depends on nothing else.
func tableText(l nftables.Listing) string {
	var lines []string
	for _, c := range l.Chains {
		line := "chain " + c.Name
		if c.Base != nil {
			line += " " + c.Base.String()
		}
		for _, r := range c.Rules {
			line += fmt.Sprintf(" %v", r.Hash)
		}
		lines = append(lines, line)
	}
	for _, s := range l.Sets {
		var elements []string
		for _, e := range s.Elements {
			elements = append(elements, s.Set.Text(e))
		}
		slices.Sort(elements)
		lines = append(lines, fmt.Sprintf("%v { %s }", s.Set, strings.Join(elements, ", ")))
	}
	slices.Sort(lines)
	return fmt.Sprintf("present %v, dormant %v\n%s", l.Present, l.Dormant, strings.Join(lines, "\n"))
}

// difference is the first lines that one text has and the other has not.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range w {
		if !slices.Contains(g, line) {
			return "missing: " + line
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			return "unwanted: " + line
		}
	}
	return ""
}

// handles are those of all rules, but for those in one chain.
func handles(l nftables.Listing, but string) (out []uint64) {
	for _, c := range l.Chains {
		for _, r := range c.Rules {
			if c.Name != but {
				out = append(out, r.Handle)
			}
		}
	}
	return out
}
