package iptables_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
)

// What a Kernel does with an input, in memory and in the kernel alike: all of it or nothing,
// and the line that is at fault.
func TestKernelTakesAllOrNothing(t *testing.T) {
	const good = ":cali-a - [0:0]\n:cali-b - [0:0]\n-A cali-a -i cali+ -j cali-b\n-A cali-b -j DROP\n"
	for _, c := range []struct {
		name, input string
		line        int // of the whole input, whose first is "*filter"; 0: taken
	}{
		{"chains that lead to each other", good, 0},
		{"a chain again is emptied", good + "-A FORWARD -j cali-a\n:cali-b - [0:0]\n", 0},
		{"no such set", good + "-A cali-b -m set --match-set cali40none src -j DROP\n", 6},
		{"a chain that is not there", good + "-A cali-b -j cali-none\n", 6},
		{"a rule in a chain that is not there", good + "-A cali-none -j DROP\n", 6},
		{"a chain that is in use goes", good + ":cali-b - [0:0]\n-X cali-b\n", 7},
		{"a chain that is not in use goes", good + ":cali-a - [0:0]\n-X cali-a\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w *world) {
				w.t = t
				before := w.save(iptables.Filter)
				err := w.tables.Restore(iptables.Filter, []byte("*filter\n"+c.input+"COMMIT\n"))
				var refused *iptables.Refused
				switch {
				case c.line == 0 && err != nil:
					t.Error(err)
				case c.line > 0 && !errors.As(err, &refused):
					t.Errorf("taken, or not refused: %v", err)
				case c.line > 0 && refused.Line != c.line && refused.Line != strings.Count(c.input, "\n")+2:
					// The legacy program may see a fault in the last line only, COMMIT.
					t.Errorf("line %d is blamed, want %d: %v", refused.Line, c.line, err)
				}
				if after := w.save(iptables.Filter); c.line > 0 && rulesIn(after) != rulesIn(before) {
					t.Errorf("refused, and yet there is\n%s", after)
				}
			})
		})
	}
}

// rulesIn are the lines of rules and chains of what a program has saved.
func rulesIn(saved string) string {
	var out []string
	for _, line := range strings.Split(saved, "\n") {
		if strings.HasPrefix(line, "-A") || strings.HasPrefix(line, ":cali") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// What a driver writes it finds again, word for word: nothing is written twice, by itself or
// by the next one.
func TestWhatIsWrittenIsFoundAgain(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		d := w.driver(iptables.Options{})
		tell(w, d)
		d.InSync()
		w.apply(d)
		first := rulesIn(w.save(iptables.Filter))
		if !strings.Contains(first, "-A FORWARD -m comment") || !strings.Contains(first, "cali-fw-cali9") {
			t.Fatalf("not written:\n%s", first)
		}
		writes := d.Stats().Restores
		d.Resync()
		w.apply(d)
		next := w.driver(iptables.Options{})
		tell(w, next)
		next.InSync()
		w.apply(next)
		if s := next.Stats(); s.Restores != 0 || s.Sets.Restores != 0 {
			t.Errorf("the next driver writes: %+v\n%s", s, first)
		}
		if s := d.Stats(); s.Restores != writes {
			t.Errorf("written again: %+v", s)
		}
		if s := d.Stats(); s.Reads != 8 {
			t.Errorf("%d tables read, want each of four twice", s.Reads)
		}
	})
}

// tell makes a driver want a little of everything: a hook, a tree that is cut up, sets of all
// types, chains that lead to each other.
func tell(w *world, d *iptables.Driver) {
	prefix := ipset.Prefix(w.family)
	one, net := w.address("10.65.0.1", "fd00:65::1"), w.address("10.65.0.0/24", "fd00:65::/64")
	d.SetTree(iptables.Tree{Table: iptables.Filter, Root: "cali-from-wl-dispatch", Side: "-i", End: iptables.NewRule("no known pod", iptables.Text("-j DROP"))})
	for _, s := range []ipset.Set{
		{Name: prefix + "a", Type: ipset.Addresses}, {Name: prefix + "n", Type: ipset.Nets},
		{Name: prefix + "p", Type: ipset.Ports}, {Name: prefix + "s", Type: ipset.Sources},
	} {
		d.AddSet(s)
	}
	d.AddMembers(prefix+"a", ipset.Member(one))
	d.AddMembers(prefix+"n", ipset.Member(net), ipset.Member(one), ipset.Member(w.family.Any().String()))
	for _, protocol := range []string{"tcp", "udp", "sctp", "udplite"} {
		d.AddMembers(prefix+"p", ipset.Member(one+","+protocol+":80"))
	}
	d.AddMembers(prefix+"s", ipset.Member(one+",cali1"))
	for _, name := range interfaces(40) {
		chain := "cali-fw-" + name
		d.SetChain(iptables.Chain{Table: iptables.Filter, Name: chain, Rules: []iptables.Rule{
			iptables.NewRule("one (and) 'all'", iptables.InSet(prefix+"a", "src"), iptables.Text("-j RETURN")),
			iptables.NewRule("", iptables.NotInSet(prefix+"n", "dst"), iptables.InSet(prefix+"p", "src,src"), iptables.Text("-j MARK --set-xmark 0x10000/0x10000")),
		}})
		d.SetLeaf(iptables.Filter, "cali-from-wl-dispatch", iptables.Leaf{Interface: name, To: iptables.Goto(chain)})
	}
	d.Grow()
	d.SetChain(iptables.Chain{Table: iptables.Filter, Name: "cali-FORWARD", Rules: []iptables.Rule{
		iptables.NewRule("", iptables.Text("-i cali+"), iptables.Goto("cali-from-wl-dispatch")),
	}})
	d.SetHooks(iptables.Filter, "FORWARD", iptables.Hook{Table: iptables.Filter, Chain: "FORWARD", Rule: iptables.NewRule("", iptables.Jump("cali-FORWARD"))})
}

func interfaces(n int) (out []string) {
	for i := range n {
		out = append(out, "cali"+strings.Repeat(string(rune('0'+i%10)), 1+i/10))
	}
	return out
}
