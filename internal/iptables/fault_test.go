package iptables_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
	ipsetfake "github.com/margay-net/margay/internal/ipset/fake"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/fake"
)

func chainOf(name string, rules ...iptables.Rule) iptables.Chain {
	return iptables.Chain{Table: iptables.Filter, Name: name, Rules: rules}
}

func rule(text string) iptables.Rule { return iptables.NewRule("", iptables.Text(text)) }

func inMemory(f family.Family) (*world, *fake.Kernel, *ipsetfake.Kernel) {
	tables, sets := fake.New(), ipsetfake.New()
	tables.HasSet, sets.Used = sets.Has, tables.UsesSet
	return &world{family: f, tables: tables, sets: sets, now: time.Unix(1000, 0)}, tables, sets
}

// A chain that is refused is closed, and nothing else; it is tried again, and open when it is
// taken.
func TestRefusedChainIsClosedAlone(t *testing.T) {
	w, tables, _ := inMemory(family.V6)
	w.t = t
	d := w.driver(iptables.Options{})
	d.SetChain(chainOf("cali-a", rule("-j RETURN")))
	d.SetChain(chainOf("cali-b", rule("-p bad -j RETURN")))
	d.SetChain(iptables.Chain{Table: iptables.NAT, Name: "cali-b", Rules: []iptables.Rule{rule("-p bad -j RETURN")}})
	tables.Refuse = func(line string) string {
		if strings.Contains(line, "-p bad") {
			return "unknown protocol"
		}
		return ""
	}
	if err := d.Apply(w.now); err != nil {
		t.Fatal(err)
	}
	expect := func(table, chain, want string) {
		t.Helper()
		rules, _ := tables.Rules(table, chain)
		if got := strings.Join(rules, "\n"); !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("%s %s is %q, want %q", table, chain, got, want)
		}
	}
	expect(iptables.Filter, "cali-a", "-j RETURN")
	expect(iptables.Filter, "cali-b", "-j DROP")
	expect(iptables.NAT, "cali-b", "") // a nat table cannot drop
	problems := d.Problems()
	if len(problems) != 2 || problems[0].Object != "filter chain cali-b" || !strings.Contains(problems[0].Err.Error(), "unknown protocol") {
		t.Errorf("problems: %+v", problems)
	}
	n := len(tables.Inputs)
	if err := d.Apply(w.now); err != nil || len(tables.Inputs) != n {
		t.Errorf("tried again at once: %v", err)
	}
	tables.Refuse = nil
	w.now = d.Next()
	w.apply(d)
	expect(iptables.Filter, "cali-b", "-p bad -j RETURN")
}

// A chain that refers to what is not there is closed until it is.
func TestChainWaitsForWhatItRefersTo(t *testing.T) {
	w, tables, sets := inMemory(family.V4)
	w.t = t
	d := w.driver(iptables.Options{})
	d.SetChain(chainOf("cali-a", iptables.NewRule("", iptables.Jump("cali-b"))))
	d.SetChain(chainOf("cali-s", iptables.NewRule("", iptables.InSet("cali40s", "src"), iptables.Text("-j RETURN"))))
	closed := func(chain string) bool {
		rules, _ := tables.Rules(iptables.Filter, chain)
		return len(rules) == 1 && strings.HasSuffix(rules[0], "-j DROP")
	}
	if err := d.Apply(w.now); err != nil || !closed("cali-a") || !closed("cali-s") {
		t.Errorf("not closed: %v, %v", err, tables.Inputs)
	}
	sets.Refuse = func(line string) string {
		if strings.Contains(line, "create cali40s ") {
			return "no memory"
		}
		return ""
	}
	d.AddSet(ipset.Set{Name: "cali40s", Type: ipset.Addresses})
	d.AddSet(ipset.Set{Name: "cali40t2", Type: ipset.Addresses})
	d.SetChain(chainOf("cali-b", rule("-j RETURN")))
	if err := d.Apply(w.now); err != nil || closed("cali-a") || !closed("cali-s") || !sets.Has("cali40t2") {
		t.Errorf("set refused: %v, %v", err, tables.Inputs)
	}
	sets.Refuse = nil
	w.now = d.Next()
	w.apply(d)
	if closed("cali-s") {
		t.Error("still closed")
	}
	d.RemoveSet("cali40s")
	d.RemoveChain(iptables.Filter, "cali-b")
	if err := d.Apply(w.now); err != nil || !closed("cali-a") || !closed("cali-s") || sets.Has("cali40s") {
		t.Errorf("not closed again: %v", err)
	}
}

// What stands at the start stays until the sources have been read; where nothing does, what
// is wanted so far is written at once.
func TestNothingIsWrittenBeforeInSyncWhereSomethingStands(t *testing.T) {
	for _, stands := range []bool{false, true} {
		w, tables, _ := inMemory(family.V4)
		w.t = t
		if stands {
			w.restore(iptables.Filter, ":cali-FORWARD - [0:0]\n:cali-felix - [0:0]\n-A FORWARD -j cali-FORWARD\n-A cali-FORWARD -j cali-felix\n")
		}
		d := w.driver(iptables.Options{})
		d.SetChain(chainOf("cali-FORWARD", rule("-i cali+ -j DROP")))
		w.apply(d)
		rules, _ := tables.Rules(iptables.Filter, "cali-FORWARD")
		if written := len(rules) == 1 && strings.Contains(rules[0], "DROP"); written == stands {
			t.Errorf("something stands: %v; written: %v", stands, written)
		}
		d.InSync()
		w.apply(d)
		if rules, _ := tables.Rules(iptables.Filter, "cali-FORWARD"); len(rules) != 1 {
			t.Errorf("something stands: %v; not written after all: %v", stands, rules)
		}
		if _, there := tables.Rules(iptables.Filter, "cali-felix"); there {
			t.Error("what Felix has left is still there")
		}
	}
}

// Programs that fail do not change what stands, and once they work all is as it should be.
func TestNothingChangesWhileProgramsFail(t *testing.T) {
	w, tables, sets := inMemory(family.V4)
	w.t = t
	d := w.driver(iptables.Options{})
	tell(w, d)
	d.InSync()
	w.apply(d)
	want := rulesIn(w.save(iptables.Filter)) + w.listSets()
	broken := errors.New("broken")
	d.SetChain(chainOf("cali-FORWARD", iptables.NewRule("", iptables.InSet("cali40new", "src"), iptables.Text("-j DROP"))))
	d.AddSet(ipset.Set{Name: "cali40new", Type: ipset.Addresses})
	for _, fail := range []func(error){func(e error) { sets.Err = e }, func(e error) { tables.Err = e }} {
		fail(broken)
		if err := d.Apply(w.now); !errors.Is(err, broken) {
			t.Errorf("no error: %v", err)
		}
		fail(nil)
		if got := rulesIn(w.save(iptables.Filter)); !strings.HasPrefix(want, got) {
			t.Errorf("changed:\n%s", got)
		}
		sets.Err, tables.Err = nil, nil
	}
	w.apply(d)
	if got := rulesIn(w.save(iptables.Filter)); strings.HasPrefix(want, got) {
		t.Error("not written after all")
	}
}

// A fresh node is closed even where there is no ipset.
func TestFreshNodeIsClosedWithoutSets(t *testing.T) {
	w, tables, sets := inMemory(family.V6)
	w.t = t
	sets.Err = ipset.ErrMissing
	d := w.driver(iptables.Options{})
	c := chainOf("cali-FORWARD", iptables.NewRule("", iptables.InSet("cali60s", "src"), iptables.Text("-j ACCEPT")))
	c.Closed = []iptables.Rule{rule("-i cali+ -j DROP")}
	d.AddSet(ipset.Set{Name: "cali60s", Type: ipset.Addresses})
	d.SetChain(c)
	if err := d.Apply(w.now); !errors.Is(err, ipset.ErrMissing) {
		t.Errorf("no error: %v", err)
	}
	rules, _ := tables.Rules(iptables.Filter, "cali-FORWARD")
	if len(rules) != 1 || !strings.HasSuffix(rules[0], "-i cali+ -j DROP") {
		t.Errorf("not closed: %v", rules)
	}
	sets.Err = nil
	w.apply(d)
	if rules, _ = tables.Rules(iptables.Filter, "cali-FORWARD"); len(rules) != 1 || !strings.HasSuffix(rules[0], "-j ACCEPT") {
		t.Errorf("still closed: %v", rules)
	}
}

// A program that hangs is killed after a while, with what it has started; one that somebody
// keeps from the lock says so.
func TestProgramsThatDoNotEnd(t *testing.T) {
	w := newWorld(t, family.V4, iptables.Legacy)
	programs := w.tables.(*iptables.Programs)
	dir := t.TempDir()
	script := filepath.Join(dir, "iptables-legacy-restore")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 1000 & wait\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("hangs", func(t *testing.T) {
		slow := *programs
		slow.Patience, slow.Lock = 100*time.Millisecond, time.Nanosecond
		slow.Start = func(c *exec.Cmd) error { c.Path = script; return programs.Start(c) }
		if err := slow.Restore(iptables.Filter, []byte("*filter\nCOMMIT\n")); err == nil || !strings.Contains(err.Error(), "no end after") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("locked", func(t *testing.T) {
		held := hold(t, w)
		impatient := *programs
		impatient.Lock = time.Second
		err := impatient.Restore(iptables.Filter, []byte("*filter\nCOMMIT\n"))
		if !errors.Is(err, iptables.ErrLocked) {
			t.Errorf("got %v", err)
		}
		held()
		if err := impatient.Restore(iptables.Filter, []byte("*filter\nCOMMIT\n")); err != nil {
			t.Error(err)
		}
	})
}

// hold holds the node's xtables lock.
func hold(t *testing.T, w *world) (release func()) {
	t.Helper()
	var f *os.File
	err := w.node.Do(func() (err error) {
		if f, err = os.OpenFile("/run/xtables.lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return err
		}
		return flock(f)
	})
	if err != nil {
		t.Fatal(fmt.Errorf("hold the lock: %w", err))
	}
	return func() { f.Close() }
}
