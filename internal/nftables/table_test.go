package nftables_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/fake"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/reconcile"
)

// rig is a driver on a fake kernel.
type rig struct {
	*testing.T
	kernel *fake.Kernel
	table  *nftables.Table
	now    time.Time
}

func newRig(t *testing.T) *rig {
	k := fake.New()
	return &rig{T: t, kernel: k, table: newTable(k), now: start()}
}

// both are the families that a test runs for.
func families() map[string][]family.Family {
	return map[string][]family.Family{"v4": {family.V4}, "v6": {family.V6}, "both": {family.V4, family.V6}}
}

func (r *rig) views(fs []family.Family) []*nftables.View {
	var out []*nftables.View
	for _, f := range fs {
		out = append(out, r.table.View(f))
	}
	return out
}

// wrote applies, and wants the transactions that result, one step a line and a line of
// dashes between two transactions.
func (r *rig) wrote(want string) {
	r.Helper()
	if err := r.table.Apply(r.now); err != nil {
		r.Fatal(err)
	}
	var got []string
	for i, ops := range r.kernel.Commits() {
		if i > 0 {
			got = append(got, "---")
		}
		for _, op := range ops {
			got = append(got, op.String())
		}
	}
	if diff := cmp.Diff(lines(want), got); diff != "" {
		r.Errorf("wanted (-) and written (+) differ:\n%s", diff)
	}
}

func lines(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func chainOf(name string, rules ...nft.Rule) nft.Chain { return nft.Chain{Name: name, Rules: rules} }

func drop() nft.Rule   { return rule(nft.Drop()) }
func accept() nft.Rule { return rule(nft.Accept()) }
func port(n uint32) nft.Rule {
	return rule(nft.L4Proto.Is(nft.Num(6)), nft.DPort.Is(nft.Num(n)), nft.Accept())
}

// TestMinimalChange: a chain whose rules change keeps those that stay.
func TestMinimalChange(t *testing.T) {
	for name, fs := range families() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			only := map[string]string{"v4": "meta nfproto ipv4 ", "v6": "meta nfproto ipv6 "}[name]
			all := strings.NewReplacer("~", only)
			set := func(rules ...nft.Rule) {
				for _, v := range r.views(fs) {
					v.SetChain(chainOf("c", rules...))
				}
			}
			set(port(1), port(2), port(3))
			r.wrote(all.Replace(`
				add table calico
				add chain c
				add rule c ~meta l4proto tcp th dport 1 accept
				add rule c ~meta l4proto tcp th dport 2 accept
				add rule c ~meta l4proto tcp th dport 3 accept`))
			set(port(1), port(2), port(3))
			r.wrote("")
			set(port(1), port(4), port(3), port(5))
			r.wrote(all.Replace(`
				delete rule c handle 2
				insert rule c handle 3 ~meta l4proto tcp th dport 4 accept
				add rule c ~meta l4proto tcp th dport 5 accept`))
			set(port(5), port(1))
			r.wrote(all.Replace(`
				delete rule c handle 1
				delete rule c handle 4
				delete rule c handle 3
				add rule c ~meta l4proto tcp th dport 1 accept`))
			for _, v := range r.views(fs) {
				v.RemoveChain("c")
			}
			r.wrote(`
				flush chain c
				delete chain c`)
		})
	}
}

// TestOneFamilyGoes: when a family leaves a chain, what is left is confined to the other.
func TestOneFamilyGoes(t *testing.T) {
	r := newRig(t)
	v4, v6 := r.table.View(family.V4), r.table.View(family.V6)
	v4.SetChain(chainOf("c", port(1), rule(nft.SAddr(4).Is(addr("10.0.0.1")), nft.Accept()), port(2)))
	v6.SetChain(chainOf("c", port(1), rule(nft.SAddr(6).Is(addr("fd00::1")), nft.Accept()), port(3)))
	r.wrote(`
		add table calico
		add chain c
		add rule c meta l4proto tcp th dport 1 accept
		add rule c ip saddr 10.0.0.1 accept
		add rule c meta nfproto ipv4 meta l4proto tcp th dport 2 accept
		add rule c ip6 saddr fd00::1 accept
		add rule c meta nfproto ipv6 meta l4proto tcp th dport 3 accept`)
	v4.RemoveChain("c")
	r.wrote(`
		delete rule c handle 1
		delete rule c handle 2
		delete rule c handle 3
		insert rule c handle 4 meta nfproto ipv6 meta l4proto tcp th dport 1 accept`)
	v6.RemoveChain("c")
	r.wrote(`
		flush chain c
		delete chain c`)
}

// TestNewWorkload: a chain and its entry in the dispatch map come in one transaction, in an
// order that the kernel takes; and go so.
func TestNewWorkload(t *testing.T) {
	for name, fs := range families() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for _, v := range r.views(fs) {
				v.AddSet(dispatchMap())
				v.SetEntry(dispatch, cali(1), nft.Goto("wl-1"))
				v.SetChain(chainOf("wl-1", rule(nft.FamilyIs(fs[0]), nft.Accept())))
			}
			fam := strings.ToLower(fs[0].String())
			r.wrote(`
				add table calico
				add map dispatch { type ifname : verdict; }
				add chain wl-1
				add rule wl-1 meta nfproto ` + fam + ` accept
				add element dispatch { "cali1" : goto wl-1 }`)
			for _, v := range r.views(fs) {
				v.SetChain(chainOf("wl-2", rule(nft.FamilyIs(fs[0]), nft.Drop())))
				v.SetEntry(dispatch, cali(1), nft.Goto("wl-2"))
				v.RemoveChain("wl-1")
			}
			r.wrote(`
				flush chain wl-1
				delete element dispatch { "cali1" : goto wl-1 }
				delete chain wl-1
				add chain wl-2
				add rule wl-2 meta nfproto ` + fam + ` drop
				add element dispatch { "cali1" : goto wl-2 }`)
			for _, v := range r.views(fs) {
				v.RemoveSet(dispatch)
				v.RemoveChain("wl-2")
			}
			r.wrote(`
				flush chain wl-2
				flush map dispatch
				delete chain wl-2
				delete map dispatch`)
		})
	}
}

// TestSetMembers: only what changes is written.
func TestSetMembers(t *testing.T) {
	r := newRig(t)
	v := r.table.View(family.V4)
	v.AddSet(hosts())
	v.AddMembers("hosts", host(1), host(2))
	r.wrote(`
		add table calico
		add set hosts { type ipv4_addr; }
		add element hosts { 10.0.0.1, 10.0.0.2 }`)
	v.AddMembers("hosts", host(2), host(3))
	v.RemoveMembers("hosts", host(1), host(9))
	r.wrote(`
		delete element hosts { 10.0.0.1 }
		add element hosts { 10.0.0.3 }`)
	v.AddMembers("hosts", host(4))
	v.RemoveMembers("hosts", host(4))
	r.wrote("")
	if s := r.table.SetStatus("hosts"); s.State != reconcile.Done {
		t.Errorf("%v", s)
	}
}

// TestNets: an interval set holds the prefixes that no other covers.
func TestNets(t *testing.T) {
	for _, f := range family.All() {
		t.Run(f.String(), func(t *testing.T) {
			r := newRig(t)
			v := r.table.View(f)
			p := func(text string) netip.Prefix {
				in6 := strings.NewReplacer("10.0.0.0/8", "fd00::/8", "10.1.0.0/16", "fd01::/16", "10.1.2.0/24", "fd01:2::/32", "10.2.0.0/16", "fd02::/16", "0.0.0.0/0", "::/0")
				if f == family.V6 {
					text = in6.Replace(text)
				}
				return netip.MustParsePrefix(text)
			}
			v.AddSet(netSet(f, "nets"))
			v.AddNets("nets", p("10.1.0.0/16"), p("10.1.2.0/24"), p("10.2.0.0/16"))
			wide, one, two, three, all := p("10.0.0.0/8").String(), p("10.1.0.0/16").String(), p("10.2.0.0/16").String(), p("10.1.2.0/24").String(), p("0.0.0.0/0").String()
			r.wrote(`
				add table calico
				add set nets { type ` + nft.SAddr(f).Type().String() + `; flags interval; }
				add element nets { ` + one + `, ` + two + ` }`)
			v.AddNets("nets", p("10.0.0.0/8"))
			r.wrote(`
				delete element nets { ` + one + `, ` + two + ` }
				add element nets { ` + wide + ` }`)
			v.RemoveNets("nets", p("10.1.0.0/16"))
			r.wrote("")
			v.RemoveNets("nets", p("10.0.0.0/8"))
			r.wrote(`
				delete element nets { ` + wide + ` }
				add element nets { ` + three + `, ` + two + ` }`)
			v.AddNets("nets", f.Any())
			r.wrote(`
				delete element nets { ` + three + `, ` + two + ` }
				add element nets { ` + all + ` }`)
		})
	}
}

// TestReplacedSet: a set that changes its kind is replaced in one transaction, with the
// rules that use it and no others.
func TestReplacedSet(t *testing.T) {
	r := newRig(t)
	v := r.table.View(family.V4)
	v.AddSet(hosts())
	v.AddMembers("hosts", host(1))
	v.SetChain(chainOf("c", rule(nft.FamilyIs(4), nft.Count()), rule(nft.SAddr(4).In("hosts"), nft.Drop())))
	r.wrote(`
		add table calico
		add set hosts { type ipv4_addr; }
		add chain c
		add element hosts { 10.0.0.1 }
		add rule c meta nfproto ipv4 counter
		add rule c ip saddr @hosts drop`)
	v.AddSet(netSet(4, "hosts"))
	v.AddNets("hosts", netip.MustParsePrefix("10.0.0.0/8"))
	r.wrote(`
		delete rule c handle 2
		delete set hosts
		add set hosts { type ipv4_addr; flags interval; }
		add element hosts { 10.0.0.0/8 }
		add rule c ip saddr @hosts drop`)
}

// TestRestart: a driver that finds what it wants writes nothing, and takes away what
// nobody wants only when the sources have been read.
func TestRestart(t *testing.T) {
	r := newRig(t)
	fill := func() {
		v := r.table.View(family.V4)
		v.AddSet(hosts())
		v.AddMembers("hosts", host(1))
		v.AddSet(netSet(4, "nets"))
		v.AddNets("nets", netip.MustParsePrefix("10.0.0.0/8"))
		v.AddSet(dispatchMap())
		v.SetEntry(dispatch, cali(1), nft.Goto("c"))
		v.SetChain(chainOf("c", port(1)))
		v.SetChain(nft.Chain{Name: "top", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward}})
	}
	fill()
	if err := r.table.Apply(r.now); err != nil {
		t.Fatal(err)
	}
	r.kernel.Commits()
	r.table = newTable(r.kernel)
	fill()
	r.table.InSync()
	r.wrote("")

	r.table = newTable(r.kernel)
	r.table.View(family.V4).SetChain(chainOf("new", accept()))
	r.wrote("")
	fill()
	r.table.View(family.V4).RemoveMembers("hosts", host(1))
	r.table.View(family.V4).RemoveChain("top")
	r.table.InSync()
	r.wrote(`
		delete element hosts { 10.0.0.1 }
		delete chain top
		add chain new
		add rule new meta nfproto ipv4 accept`)
}

// TestForeignChange: what others add to our table goes, and what they take comes back, in
// one transaction.
func TestForeignChange(t *testing.T) {
	r := newRig(t)
	v := r.table.View(family.V4)
	v.SetChain(chainOf("c", port(1), port(2)))
	v.AddSet(hosts())
	v.AddMembers("hosts", host(1))
	if err := r.table.Apply(r.now); err != nil {
		t.Fatal(err)
	}
	r.kernel.Commits()
	if err := r.kernel.Interfere(
		nft.DeleteRule{Chain: "c", Handle: 1},
		nft.AddRule{Chain: "c", Rule: accept(), Before: 2},
		nft.AddChain{Name: "theirs"},
		hashed("theirs", rule(nft.Jump("c"))),
		nft.AddSet{Set: nft.Set{Name: "theirs", Key: hosts().Key}},
		nft.FlushSet{Set: hosts()},
	); err != nil {
		t.Fatal(err)
	}
	<-r.table.Foreign()
	r.table.Resync()
	r.wrote(`
		delete rule c handle 3
		flush chain theirs
		delete chain theirs
		delete set theirs
		add element hosts { 10.0.0.1 }
		insert rule c handle 2 meta nfproto ipv4 meta l4proto tcp th dport 1 accept`)
	if s := r.table.Stats(); s.Repairs != 1 {
		t.Errorf("%+v", s)
	}
	r.kernel.DeleteTable()
	<-r.table.Foreign()
	r.table.Resync()
	r.wrote(`
		add table calico
		add set hosts { type ipv4_addr; }
		add chain c
		add element hosts { 10.0.0.1 }
		add rule c meta nfproto ipv4 meta l4proto tcp th dport 1 accept
		add rule c meta nfproto ipv4 meta l4proto tcp th dport 2 accept`)
	r.kernel.Switch()
	<-r.table.Foreign()
	r.table.Resync()
	r.wrote(`add table calico`)
	r.table.Resync()
	r.wrote("")
	if s := r.table.Stats(); s.Repairs != 3 {
		t.Errorf("%+v", s)
	}
}

// TestDumps: what is wanted and what stands print alike once it is written, and a rule that
// nobody wants is shown for what it is.
func TestDumps(t *testing.T) {
	r := newRig(t)
	for _, f := range family.All() {
		v := r.table.View(f)
		v.AddSet(hostSet(f, hostName(f, "h")))
		v.AddSet(dispatchMap())
		v.SetEntry(dispatch, cali(1), nft.Goto("c"))
		v.SetChain(chainOf("c", rule(nft.SAddr(f).In(hostName(f, "h")), nft.Accept()), drop()))
	}
	want := r.table.Desired().String()
	if empty := r.table.Actual().String(); empty != "table inet calico {\n}\n" {
		t.Error(empty)
	}
	if err := r.table.Apply(r.now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.table.Actual().String()); diff != "" {
		t.Error(diff)
	}
	if err := r.kernel.Interfere(nft.AddRule{Chain: "c", Rule: accept()}); err != nil {
		t.Fatal(err)
	}
	if err := r.table.Observe(); err != nil {
		t.Fatal(err)
	}
	if text := r.table.Actual().String(); !strings.Contains(text, `comment "unknown rule 000`) {
		t.Error(text)
	}
}
