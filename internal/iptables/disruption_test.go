package iptables_test

import (
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/ipset"
	"github.com/margay-net/margay/internal/iptables"
)

// damage is what an intruder does to our chains and sets, as lines for a table, or for ipset.
type damage struct {
	name, lines, sets string
}

func damages(w *world, saved string) []damage {
	hook := ruleOf(saved, "-A FORWARD ")
	leaf := ruleOf(saved, "-A cali-fw-cali9 ")
	set := ipset.Prefix(w.family)
	return []damage{
		{name: "a chain is flushed", lines: ":cali-fw-cali9 - [0:0]\n"},
		{name: "a chain is deleted, with the rules that lead to it", lines: ":cali-FORWARD - [0:0]\n-D FORWARD " + hook + "\n-X cali-FORWARD\n"},
		{name: "the jump is deleted", lines: "-D FORWARD " + hook + "\n"},
		{name: "the jump is there twice", lines: "-A FORWARD " + hook + "\n"},
		{name: "somebody is in front of the jump", lines: "-I FORWARD 1 -p 99 -j ACCEPT\n"},
		{name: "a rule is deleted", lines: "-D cali-fw-cali9 " + leaf + "\n"},
		{name: "a rule is put in front", lines: "-I cali-fw-cali9 1 -j ACCEPT\n"},
		{name: "a rule is put behind", lines: "-A cali-fw-cali9 -j ACCEPT\n"},
		{name: "a chain of our name is added", lines: ":cali-theirs - [0:0]\n-A cali-theirs -j ACCEPT\n-I FORWARD 1 -j cali-theirs\n"},
		{name: "a rule keeps its mark and does something else",
			lines: ":cali-FORWARD - [0:0]\n-A cali-FORWARD " + strings.Replace(ruleOf(saved, "-A cali-FORWARD "), "-i cali+", "-i none+", 1) + "\n"},
		{name: "a member is deleted", sets: "del " + set + "a " + w.address("10.65.0.1", "fd00:65::1") + "\n"},
		{name: "a member is added", sets: "add " + set + "a " + w.address("10.65.0.7", "fd00:65::7") + "\n"},
		{name: "a set is flushed", sets: "del " + set + "n " + w.address("10.65.0.1", "fd00:65::1") + "\ndel " + set + "s " + w.address("10.65.0.1", "fd00:65::1") + ",cali1\n"},
	}
}

// ruleOf is the first rule of a chain, as it was saved.
func ruleOf(saved, chain string) string {
	for _, line := range strings.Split(saved, "\n") {
		if rule, ok := strings.CutPrefix(line, chain); ok {
			return rule
		}
	}
	return ""
}

// Whatever an intruder does is undone with the next read, and only where that has something
// to undo is anything written. Rules that are not ours stay.
func TestWhatAnIntruderDoesIsUndone(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.t = t
		refresh := iptables.Refresh{Tables: 3 * time.Minute, Sets: 90 * time.Second, AfterWrite: 5 * time.Second}
		d := w.driver(iptables.Options{Refresh: refresh})
		w.restore(iptables.Filter, "-A FORWARD -p 42 -j ACCEPT\n")
		tell(w, d)
		d.InSync()
		w.apply(d)
		w.now = d.Next() // after the write
		w.apply(d)
		saved := w.save(iptables.Filter)
		want := rulesIn(saved) + w.listSets()
		for _, damage := range damages(w, saved) {
			if damage.lines != "" {
				w.restore(iptables.Filter, damage.lines)
			} else if err := w.sets.Restore([]byte(damage.sets)); err != nil {
				t.Fatal(err)
			}
			if damaged := rulesIn(w.save(iptables.Filter)) + w.listSets(); damaged == want {
				t.Fatalf("%s: nothing is damaged", damage.name)
			}
			w.wait(d, refresh.Tables)
			got := strings.Replace(rulesIn(w.save(iptables.Filter))+w.listSets(), "-A FORWARD -p 99 -j ACCEPT\n", "", 1)
			if got != want {
				t.Errorf("%s: there is\n%s\nwant\n%s", damage.name, got, want)
			}
		}
		before := d.Stats()
		w.wait(d, refresh.Tables)
		after := d.Stats()
		if after.Restores != before.Restores || after.Sets.Restores != before.Sets.Restores {
			t.Errorf("written where nothing was damaged: %+v, was %+v", after, before)
		}
		if before.Repairs < 9 {
			t.Errorf("%d repairs", before.Repairs)
		}
	})
}

// wait lets time go by, and the driver do what it wants to do in it.
func (w *world) wait(d *iptables.Driver, long time.Duration) {
	w.t.Helper()
	end := w.now.Add(long)
	for next := d.Next(); !next.IsZero() && !next.After(end); next = d.Next() {
		w.now = next
		w.apply(d)
	}
	w.now = end
}

// listSets prints the sets that are ours.
func (w *world) listSets() string {
	w.t.Helper()
	listed, err := w.sets.Save(w.family)
	if err != nil {
		w.t.Fatal(err)
	}
	var out strings.Builder
	for _, l := range listed {
		out.WriteString("\n" + l.Set.Name + " " + string(l.Set.Type))
		members := map[string]bool{}
		for _, m := range l.Members {
			members[string(m)] = true
		}
		for _, m := range sortedKeys(members) {
			out.WriteString(" " + m)
		}
	}
	return out.String()
}
