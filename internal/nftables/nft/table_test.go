package nft

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/internal/family"
)

// TestTableText: a table prints as `nft -f` takes it, sorted.
func TestTableText(t *testing.T) {
	key := Fields(IIfName).Key()
	cali, err := key.Element(Iface("cali1"))
	if err != nil {
		t.Fatal(err)
	}
	table := Table{
		Name: "calico",
		Sets: []Set{
			{Name: "nets", Key: KeyOf(TypeIPv4Addr), Interval: true},
			{Name: "dispatch", Key: key, VMap: true},
		},
		Elements: map[string][]Element{"dispatch": {cali.To(Goto("wl"))}},
		Chains: []Chain{
			{Name: "wl", Rules: []Rule{NewRule("", SAddr(family.V4).In("nets"), Accept()), NewRule("the end", Drop())}},
			{Name: "forward", Base: &Base{Type: Filter, Hook: Forward, Priority: -5, Policy: Accept()}, Rules: []Rule{NewRule("", IIfName.VMap("dispatch"))}},
		},
	}
	want := `table inet calico {
	map dispatch {
		type ifname : verdict
		elements = { "cali1" : goto wl }
	}

	set nets {
		type ipv4_addr
		flags interval
	}

	chain forward {
		type filter hook forward priority -5; policy accept;
		iifname vmap @dispatch
	}

	chain wl {
		ip saddr @nets accept
		drop comment "the end"
	}

}
`
	if diff := cmp.Diff(want, table.String()); diff != "" {
		t.Error(diff)
	}
}

// TestOpText: a transaction reads as commands for nft.
func TestOpText(t *testing.T) {
	hosts := Set{Name: "s", Key: KeyOf(TypeIPv4Addr)}
	r := NewRule("", Drop())
	for want, op := range map[string]Op{
		"add table calico": AddTable{Table: "calico"},
		"add chain c":      AddChain{Name: "c"},
		"add chain c { type nat hook postrouting priority 100; policy accept; }": AddChain{Name: "c", Base: &Base{NAT, Postrouting, PrioritySrcNAT, Accept()}},
		"delete chain c":                DeleteChain{Name: "c"},
		"flush chain c":                 FlushChain{Name: "c"},
		"add rule c drop":               AddRule{Chain: "c", Rule: r},
		"insert rule c handle 7 drop":   AddRule{Chain: "c", Rule: r, Before: 7},
		"delete rule c handle 7":        DeleteRule{Chain: "c", Handle: 7},
		"add set s { type ipv4_addr; }": AddSet{Set: hosts},
		"delete set s":                  DeleteSet{Set: hosts},
		"flush set s":                   FlushSet{Set: hosts},
		"add element s { 10.0.0.1 }":    AddElements{Set: hosts, Elements: []Element{"\x0a\x00\x00\x01"}},
		"delete element s { 10.0.0.1 }": DeleteElements{Set: hosts, Elements: []Element{"\x0a\x00\x00\x01"}},
		"delete map m":                  DeleteSet{Set: Set{Name: "m", VMap: true}},
		"add chain c { type filter hook hook9 priority 0; policy drop; }": AddChain{Name: "c", Base: &Base{Type: Filter, Hook: 9}},
	} {
		if got := op.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
