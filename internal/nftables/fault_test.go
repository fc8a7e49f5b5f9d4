package nftables_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/nftables"
	"github.com/margay-net/margay/internal/nftables/nft"
	"github.com/margay-net/margay/internal/reconcile"
)

// refuseRules makes the kernel refuse rules whose text holds a word.
func refuseRules(word string) func(nft.Op) syscall.Errno {
	return func(op nft.Op) syscall.Errno {
		if r, ok := op.(nft.AddRule); ok && strings.Contains(r.Rule.String(), word) {
			return syscall.EINVAL
		}
		return 0
	}
}

const closedRule = `drop comment "closed: the chain's own rules could not be written"`

// problem wants exactly one problem, with an object and words in its text.
func (r *rig) problem(object string, words ...string) {
	r.Helper()
	p := r.table.Problems()
	if len(p) != 1 || p[0].Object != object {
		r.Fatalf("problems: %v", p)
	}
	for _, w := range words {
		if !strings.Contains(p[0].Err.Error(), w) {
			r.Errorf("%q not in: %v", w, p[0].Err)
		}
	}
	if p[0].Since.IsZero() || p[0].At.IsZero() {
		r.Errorf("a problem without time: %+v", p[0])
	}
}

// TestRefusedChain: a chain that the kernel refuses drops; the others are written; it is
// tried again when it is due, or when it changes.
func TestRefusedChain(t *testing.T) {
	for name, fs := range families() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.kernel.Refuse(refuseRules("dport 2"))
			only := map[string]string{"v4": "meta nfproto ipv4 ", "v6": "meta nfproto ipv6 "}[name]
			for _, v := range r.views(fs) {
				v.SetChain(chainOf("good", port(1)))
				v.SetChain(chainOf("bad", port(1), port(2)))
			}
			r.wrote(`
				add table calico
				add chain bad
				add chain good
				add rule bad ` + closedRule + `
				add rule good ` + only + `meta l4proto tcp th dport 1 accept`)
			r.problem("chain bad", "dport 2", "invalid argument")
			if s := r.table.ChainStatus("bad"); s.State != reconcile.Failed {
				t.Error(s)
			}
			if s := r.table.ChainStatus("good"); s.State != reconcile.Done {
				t.Error(s)
			}
			r.wrote("")
			due, ok := r.table.NextRetry()
			if !ok || !due.Equal(r.now.Add(time.Second)) {
				t.Error(due, ok)
			}
			r.now = due
			r.wrote("")
			r.problem("chain bad")
			if due, _ := r.table.NextRetry(); !due.Equal(r.now.Add(2 * time.Second)) {
				t.Error(due)
			}
			r.kernel.Refuse(nil)
			r.now = r.now.Add(time.Minute)
			r.wrote(`
				delete rule bad handle 1
				add rule bad ` + only + `meta l4proto tcp th dport 1 accept
				add rule bad ` + only + `meta l4proto tcp th dport 2 accept`)
			if p := r.table.Problems(); len(p) != 0 {
				t.Error(p)
			}
		})
	}
}

// TestMissingTarget: a chain that leads to one that is not there drops, and comes to life
// when it comes.
func TestMissingTarget(t *testing.T) {
	r := newRig(t)
	v := r.table.View(family.V4)
	v.SetChain(chainOf("c", rule(nft.FamilyIs(4), nft.Jump("later")), rule(nft.SAddr(4).In("hosts"), nft.Accept())))
	r.wrote(`
		add table calico
		add chain c
		add rule c ` + closedRule)
	r.problem("chain c", "chain later", "set hosts", "not there")
	v.AddSet(hosts())
	v.SetChain(chainOf("later"))
	r.wrote(`
		delete rule c handle 1
		add set hosts { type ipv4_addr; }
		add chain later
		add rule c meta nfproto ipv4 jump later
		add rule c ip saddr @hosts accept`)
	if p := r.table.Problems(); len(p) != 0 {
		t.Error(p)
	}
	v.RemoveSet("hosts")
	r.wrote(`
		delete rule c handle 2
		delete rule c handle 3
		delete set hosts
		add rule c ` + closedRule)
	r.problem("chain c", "set hosts")
}

// TestBaseChainThatFails: a base chain is not closed for the whole host, only for what the
// agent answers for.
func TestBaseChainThatFails(t *testing.T) {
	r := newRig(t)
	r.table.View(family.V4).SetChain(nft.Chain{
		Name: "top", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Policy: nft.Accept()},
		Rules: []nft.Rule{rule(nft.DPort.Is(nft.Num(1)), nft.Accept())},
	})
	r.wrote(`
		add table calico
		add chain top { type filter hook forward priority 0; policy accept; }
		add rule top iifname "cali*" drop`)
	r.problem("chain top", "before meta l4proto")
}

// TestEntryConflict: where the families disagree about a key, nobody gets through.
func TestEntryConflict(t *testing.T) {
	r := newRig(t)
	v4, v6 := r.table.View(family.V4), r.table.View(family.V6)
	for _, v := range []*nftables.View{v4, v6} {
		v.AddSet(dispatchMap())
		v.SetChain(chainOf("a"))
		v.SetChain(chainOf("b"))
	}
	v4.SetEntry(dispatch, cali(1), nft.Goto("a"))
	v6.SetEntry(dispatch, cali(1), nft.Goto("b"))
	v4.SetEntry(dispatch, cali(2), nft.Goto("nowhere"))
	r.wrote(`
		add table calico
		add map dispatch { type ifname : verdict; }
		add chain a
		add chain b
		add element dispatch { "cali1" : drop, "cali2" : drop }`)
	if p := r.table.Problems(); len(p) != 2 {
		t.Error(p)
	}
	v4.RemoveEntry(dispatch, cali(1))
	v4.RemoveEntry(dispatch, cali(2))
	r.wrote(`
		delete element dispatch { "cali1" : drop, "cali2" : drop }
		add element dispatch { "cali1" : goto b }`)
	if p := r.table.Problems(); len(p) != 0 {
		t.Error(p)
	}
}

// TestRefusedElement: one bad element of many is found, and does not keep the others out.
func TestRefusedElement(t *testing.T) {
	r := newRig(t)
	bad := host(2)
	r.kernel.Refuse(func(op nft.Op) syscall.Errno {
		if add, ok := op.(nft.AddElements); ok {
			for _, e := range add.Elements {
				if e == bad {
					return syscall.ENOSPC
				}
			}
		}
		return 0
	})
	v := r.table.View(family.V4)
	v.AddSet(hosts())
	v.AddMembers("hosts", host(1), host(2), host(3))
	r.wrote(`
		add table calico
		add set hosts { type ipv4_addr; }
		add element hosts { 10.0.0.1 }
		add element hosts { 10.0.0.3 }`)
	r.problem("set hosts element 10.0.0.2", "no space")
	if s := r.table.SetStatus("hosts"); s.State != reconcile.Failed {
		t.Error(s)
	}
	r.kernel.Refuse(nil)
	r.now = r.now.Add(time.Hour)
	r.wrote(`add element hosts { 10.0.0.2 }`)
	if p := r.table.Problems(); len(p) != 0 {
		t.Error(p)
	}
}

// TestFaultsGoWithTheirObjects: what is not wanted any more has no problem.
func TestFaultsGoWithTheirObjects(t *testing.T) {
	for name, away := range map[string]func(v *nftables.View){
		"its member": func(v *nftables.View) {
			v.RemoveMembers("hosts", host(2))
			v.RemoveEntry(dispatch, cali(1))
			v.RemoveChain("c")
		},
		"its set":     func(v *nftables.View) { v.RemoveSet("hosts"); v.RemoveSet(dispatch); v.RemoveChain("c") },
		"what it was": func(v *nftables.View) { v.RemoveSet("hosts"); v.RemoveSet(dispatch); v.SetChain(chainOf("c", port(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.kernel.Refuse(func(op nft.Op) syscall.Errno {
				add, ok := op.(nft.AddElements)
				if ok && add.Set.Name == "hosts" {
					return syscall.ENOSPC
				}
				return refuseRules("jump")(op)
			})
			v := r.table.View(family.V4)
			v.AddSet(hosts())
			v.AddMembers("hosts", host(2))
			v.AddSet(dispatchMap())
			v.SetEntry(dispatch, cali(1), nft.Goto("nowhere"))
			v.SetChain(chainOf("c", rule(nft.FamilyIs(4), nft.Jump("d"))))
			v.SetChain(chainOf("d"))
			if err := r.table.Apply(r.now); err != nil {
				t.Fatal(err)
			}
			if p := r.table.Problems(); len(p) != 3 {
				t.Fatal(p)
			}
			away(v)
			if err := r.table.Apply(r.now); err != nil {
				t.Fatal(err)
			}
			if p := r.table.Problems(); len(p) != 0 {
				t.Error(p)
			}
			if _, waiting := r.table.NextRetry(); waiting {
				t.Error("waiting for what is not wanted")
			}
		})
	}
}

// TestRefusedSet: a set that the kernel refuses is as if it were not there.
func TestRefusedSet(t *testing.T) {
	r := newRig(t)
	r.kernel.Refuse(func(op nft.Op) syscall.Errno {
		if _, ok := op.(nft.AddSet); ok {
			return syscall.EOPNOTSUPP
		}
		return 0
	})
	v := r.table.View(family.V4)
	v.AddSet(hosts())
	v.AddMembers("hosts", host(1))
	v.SetChain(chainOf("c", rule(nft.SAddr(4).In("hosts"), nft.Accept())))
	v.SetChain(chainOf("good", port(1)))
	r.wrote(`
		add table calico
		add chain c
		add chain good
		add rule c ` + closedRule + `
		add rule good meta nfproto ipv4 meta l4proto tcp th dport 1 accept`)
	if p := r.table.Problems(); len(p) != 2 || p[1].Object != "set hosts" {
		t.Error(p)
	}
	r.kernel.Refuse(nil)
	r.now = r.now.Add(time.Hour)
	r.wrote(`
		delete rule c handle 1
		add set hosts { type ipv4_addr; }
		add element hosts { 10.0.0.1 }
		add rule c ip saddr @hosts accept`)
}

// TestUnknownOutcome: a lost answer costs one dump.
func TestUnknownOutcome(t *testing.T) {
	r := newRig(t)
	v := r.table.View(family.V4)
	v.SetChain(chainOf("a", port(1)))
	r.kernel.Fail(nftables.ErrUnknown)
	if err := r.table.Apply(r.now); err != nil {
		t.Fatal(err)
	}
	if s := r.table.Stats(); s.Dumps != 2 || s.Transactions != 1 {
		t.Errorf("%+v", s)
	}
	v.SetChain(chainOf("a", port(2)))
	r.kernel.Fail(nftables.ErrUnknown, nftables.ErrUnknown)
	if err := r.table.Apply(r.now); !errors.Is(err, nftables.ErrUnknown) {
		t.Errorf("two in a row: %v", err)
	}
	if err := r.table.Apply(r.now); err != nil || len(r.table.Problems()) != 0 {
		t.Error(err, r.table.Problems())
	}
}

// TestOutOfStep: a refusal that means the table is not what we believe costs one dump, and
// is nobody's fault.
func TestOutOfStep(t *testing.T) {
	r := newRig(t)
	v := r.table.View(family.V4)
	v.SetChain(chainOf("a", port(1), port(2)))
	r.wrote(`
		add table calico
		add chain a
		add rule a meta nfproto ipv4 meta l4proto tcp th dport 1 accept
		add rule a meta nfproto ipv4 meta l4proto tcp th dport 2 accept`)
	if err := r.kernel.Interfere(nft.FlushChain{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	v.SetChain(chainOf("a", port(2)))
	r.wrote(`add rule a meta nfproto ipv4 meta l4proto tcp th dport 2 accept`)
	if p := r.table.Problems(); len(p) != 0 {
		t.Error(p)
	}
}

// TestTotalFailure: an error that is nobody's fault is returned, soon, and changes nothing.
func TestTotalFailure(t *testing.T) {
	r := newRig(t)
	r.table.View(family.V4).SetChain(chainOf("a", port(1)))
	whole := &nftables.Refused{Steps: []nftables.RefusedStep{{Index: -1, Err: syscall.EPERM}}}
	r.kernel.Fail(whole, whole, whole)
	if err := r.table.Apply(r.now); !errors.Is(err, whole) {
		t.Fatal(err)
	}
	if s := r.table.Stats(); s.Refusals != 2 || len(r.table.Problems()) != 0 {
		t.Errorf("%+v %v", s, r.table.Problems())
	}
}

// TestCircle: chains that lead in a circle are closed, on any kernel, and only they.
func TestCircle(t *testing.T) {
	onBoth(t, func(t *testing.T, k nftables.Kernel) {
		table := newTable(k)
		v := table.View(family.V4)
		v.SetChain(nft.Chain{Name: "top", Base: &nft.Base{Type: nft.Filter, Hook: nft.Forward, Policy: nft.Accept()},
			Rules: []nft.Rule{rule(nft.FamilyIs(4), nft.Jump("a")), rule(nft.FamilyIs(4), nft.Jump("good"))}})
		v.SetChain(chainOf("a", rule(nft.FamilyIs(4), nft.Jump("b"))))
		v.SetChain(chainOf("b", rule(nft.FamilyIs(4), nft.Jump("a"))))
		v.SetChain(chainOf("good", port(1)))
		if err := table.Apply(start()); err != nil {
			t.Fatal(err)
		}
		if p := table.Problems(); len(p) == 0 {
			t.Error("no problem")
		}
		if s := table.ChainStatus("good"); s.State != reconcile.Done {
			t.Error(s)
		}
	})
}
