package iptables

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Text is what ought to stand, as iptables-restore reads it, or what does, as far as the
// driver knows: of a rule that stands only the hash is known, and its text is that of the
// rule with this hash that ought to stand somewhere.
func (d *Driver) Text(desired bool) string {
	var out strings.Builder
	for _, t := range d.tables {
		t.resolve(time.Time{}, d.sets.Ready)
		t.print(&out, desired)
	}
	return out.String()
}

func (t *table) print(out *strings.Builder, desired bool) {
	all := t.chains.AllActual()
	if desired {
		all = t.chains.AllDesired()
	}
	bodies := maps.Collect(all)
	if len(bodies)+len(t.hooks) == 0 {
		return
	}
	texts := rulesByHash(t.chains.AllDesired())
	fmt.Fprintf(out, "*%s\n", t.name)
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		fmt.Fprintf(out, ":%s - [0:0]\n", name)
	}
	t.printHooks(out, desired)
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		for _, h := range bodies[name].hashes {
			if text, known := texts[h]; known {
				fmt.Fprintf(out, "-A %s %s\n", name, text)
			} else {
				fmt.Fprintf(out, "# %s has an unknown rule %s\n", name, h)
			}
		}
	}
	out.WriteString("COMMIT\n")
}

func rulesByHash(bodies iter.Seq2[string, body]) map[Hash]string {
	out := map[Hash]string{}
	for _, b := range bodies {
		for _, r := range b.rules {
			out[r.hash] = r.String()
		}
	}
	return out
}

func (t *table) printHooks(out *strings.Builder, desired bool) {
	if !desired {
		for _, chain := range slices.Sorted(maps.Keys(t.standing)) {
			for _, r := range t.standing[chain] {
				if r.ours {
					fmt.Fprintf(out, "-A %s %s\n", chain, r.text)
				}
			}
		}
		return
	}
	for _, chain := range slices.Sorted(maps.Keys(t.hooks)) {
		for _, h := range t.hooks[chain] {
			fmt.Fprintf(out, "-A %s %s\n", chain, h.Rule)
		}
	}
}

// Size is how much there is of each.
type Size struct{ Chains, Rules, Sets, Members int }

// Size counts what stands, as far as the driver knows.
func (d *Driver) Size() Size {
	var s Size
	for _, t := range d.tables {
		for _, b := range t.chains.AllActual() {
			s.Chains++
			s.Rules += len(b.hashes)
		}
	}
	s.Sets, s.Members = d.sets.Size()
	return s
}
