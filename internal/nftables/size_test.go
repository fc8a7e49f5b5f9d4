package nftables_test

import (
	"testing"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
)

func TestSizeOfEachFamily(t *testing.T) {
	table := nftables.New(nftables.Options{Name: tableName, Kernel: fake.New()})
	v4, v6 := table.View(family.V4), table.View(family.V6)
	both := nft.Chain{Name: "both", Rules: []nft.Rule{nft.NewRule("", nft.Accept())}}
	v4.SetChain(both)
	v6.SetChain(both)
	v6.SetChain(nft.Chain{Name: "six", Rules: []nft.Rule{nft.NewRule("", nft.Drop()), nft.NewRule("", nft.Return())}})
	v6.AddSet(nft.Set{Name: "hosts", Key: nft.KeyOf(nft.TypeIPv6Addr)})
	v6.AddMembers("hosts", nft.AddrElement(hostOf(family.V6)))
	want := family.PairOf(
		nftables.Size{Chains: 1, Rules: 1},
		nftables.Size{Chains: 2, Rules: 3, Sets: 1, Members: 1},
	)
	for _, f := range family.All() {
		if got := table.Size(f); got != want.Get(f) {
			t.Errorf("%v: %+v, want %+v", f, got, want.Get(f))
		}
	}
}
