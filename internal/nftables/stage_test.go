package nftables_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
)

// TestLargeTransactions: what nothing refers to yet goes ahead in pieces; what makes it live
// comes last, and whole.
func TestLargeTransactions(t *testing.T) {
	k := fake.New()
	table := nftables.New(nftables.Options{Kernel: k, Name: tableName, Limit: 5000})
	v := table.View(family.V4)
	v.AddSet(hosts())
	v.AddSet(dispatchMap())
	for i := range 3000 {
		v.AddMembers("hosts", host(i))
	}
	for i := range 20 {
		name := fmt.Sprintf("wl-%02d", i)
		v.SetChain(chainOf(name, rule(nft.SAddr(4).In("hosts"), nft.Accept())))
		v.SetEntry(dispatch, cali(i), nft.Goto(name))
	}
	v.SetChain(nft.Chain{Name: "top", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward},
		Rules: []nft.Rule{rule(nft.FamilyIs(4), nft.IIfName.VMap(dispatch))}})
	if err := table.Apply(start()); err != nil {
		t.Fatal(err)
	}
	commits := k.Commits()
	if len(commits) < 5 {
		t.Fatalf("%d transactions", len(commits))
	}
	for i, ops := range commits {
		for _, op := range ops {
			text := op.String()
			live := strings.HasPrefix(text, "add chain top") || strings.HasPrefix(text, "add rule top") || strings.HasPrefix(text, "add element dispatch")
			if last := i == len(commits)-1; live != last {
				t.Errorf("transaction %d of %d: %.80s", i+1, len(commits), text)
			}
		}
	}
}
