package iptables

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// script is what one iptables-restore is to do.
type script struct {
	lines []string
	// owners are, for each line, the chain whose fault it is if the line is refused, and
	// whether that would be its deletion.
	owners []owner

	written, deleted []string
	// hooked are the kernel's own chains whose hooks are put right.
	hooked []string
}

type owner struct {
	chain    string
	deletion bool
}

func (s *script) do(o owner, line string) {
	s.lines = append(s.lines, line)
	s.owners = append(s.owners, o)
}

// input is the script as iptables-restore reads it.
func (s *script) input() []byte { return []byte(strings.Join(s.lines, "\n") + "\n") }

// plan compares what ought to be with what stands, and changes neither; nil if there is
// nothing to do. Since iptables-restore takes all lines or none, no packet sees what is in
// between: chains that change are emptied first, and filled again. --noflush leaves all
// others alone.
func (t *table) plan(now time.Time) *script {
	s := &script{}
	want := map[string]body{}
	for name, c := range t.chains.Updates(now) {
		want[name] = c.Want
		s.written = append(s.written, name)
	}
	for name := range t.chains.Deletions(now) {
		s.deleted = append(s.deleted, name)
	}
	slices.Sort(s.written)
	slices.Sort(s.deleted)
	s.hooked = t.unhooked()
	if len(s.written)+len(s.deleted)+len(s.hooked) == 0 {
		return nil
	}
	s.do(owner{}, "*"+t.name)
	for _, name := range s.written {
		s.do(owner{chain: name}, ":"+name+" - [0:0]")
	}
	for _, name := range s.deleted {
		s.do(owner{name, true}, ":"+name+" - [0:0]")
	}
	t.planUnhook(s)
	for _, name := range s.written {
		for _, r := range want[name].rules {
			s.do(owner{chain: name}, "-A "+name+" "+r.String())
		}
	}
	t.planHook(s)
	for _, name := range s.deleted {
		s.do(owner{name, true}, "-X "+name)
	}
	s.do(owner{}, "COMMIT")
	return s
}

// unhooked lists the kernel's own chains in which our rules are not as they ought to be.
// Without InSync, rules that are not wanted stay.
func (t *table) unhooked() []string {
	var out []string
	for chain := range t.hooks {
		if !t.isHooked(chain) {
			out = append(out, chain)
		}
	}
	for chain, rules := range t.standing {
		if len(t.hooks[chain]) == 0 && slices.ContainsFunc(rules, func(r listedRule) bool { return r.ours }) {
			out = append(out, chain)
		}
	}
	slices.Sort(out)
	return out
}

// isHooked says whether a chain has our rules, once and in order, and in front of all
// others where they are to be there. One that is to be last may have others behind it that
// came later: to fight over the last place would be endless.
func (t *table) isHooked(chain string) bool {
	var ours []Hash
	ahead := 0
	for i, r := range t.standing[chain] {
		if !r.ours {
			continue
		}
		ours = append(ours, r.hash)
		if i == ahead {
			ahead++
		}
	}
	front := 0
	var want []Hash
	for _, h := range t.hooks[chain] {
		want = append(want, h.Rule.Hash())
		if !h.Last {
			front++
		}
	}
	return slices.Equal(ours, want) && ahead >= front
}

func (t *table) planUnhook(s *script) {
	for _, chain := range s.hooked {
		for _, r := range t.standing[chain] {
			if r.ours {
				s.do(owner{}, "-D "+chain+" "+r.text)
			}
		}
	}
}

func (t *table) planHook(s *script) {
	for _, chain := range s.hooked {
		front := 0
		for _, h := range t.hooks[chain] {
			line := "-A " + chain + " " + h.Rule.String()
			if !h.Last {
				front++
				line = fmt.Sprintf("-I %s %d %s", chain, front, h.Rule)
			}
			s.do(owner{}, line)
		}
	}
}

// learn takes note of what has been written.
func (t *table) learn(s *script) {
	t.writes++
	for _, name := range s.written {
		want, _ := t.chains.Desired(name)
		t.chains.Observe(name, want)
		delete(t.sums, name)
	}
	for _, name := range s.deleted {
		t.chains.ObserveGone(name)
		delete(t.sums, name)
	}
	for _, chain := range s.hooked {
		t.learnHooks(chain)
	}
}

// learnHooks is what stands in a kernel's chain now: the next read will tell in what words.
func (t *table) learnHooks(chain string) {
	var front, last []listedRule
	for _, h := range t.hooks[chain] {
		r := listedRule{text: h.Rule.String(), hash: h.Rule.Hash(), ours: true}
		if h.Last {
			last = append(last, r)
		} else {
			front = append(front, r)
		}
	}
	others := slices.DeleteFunc(slices.Clone(t.standing[chain]), func(r listedRule) bool { return r.ours })
	t.standing[chain] = slices.Concat(front, others, last)
}
