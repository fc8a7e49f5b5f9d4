// Package fake holds a kernel with tables that is one in memory: it takes all lines of an
// input or none, as iptables-restore does, and refuses what that refuses of what we write.
// The contract suite of package iptables holds it to the real ones.
package fake

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/iptables"
)

// Kernel implements iptables.Kernel.
type Kernel struct {
	tables map[string]map[string][]string
	// HasSet says whether a set is there; nil for any.
	HasSet func(string) bool
	// Refuse, if it is not nil, is asked about every line; a text that is not empty is why
	// the input is not taken.
	Refuse func(line string) string
	// Err, if it is not nil, is what every call returns.
	Err error
	// Inputs are what Restore was told, by anybody.
	Inputs []string
	// Saves counts.
	Saves int
}

var builtin = map[string][]string{
	iptables.Raw:    {"PREROUTING", "OUTPUT"},
	iptables.Mangle: {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"},
	iptables.NAT:    {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"},
	iptables.Filter: {"INPUT", "FORWARD", "OUTPUT"},
}

// New makes a kernel whose tables are empty.
func New() *Kernel {
	k := &Kernel{tables: map[string]map[string][]string{}}
	for table, chains := range builtin {
		k.tables[table] = map[string][]string{}
		for _, c := range chains {
			k.tables[table][c] = nil
		}
	}
	return k
}

// Rules are those of a chain, or false if there is no such chain.
func (k *Kernel) Rules(table, chain string) ([]string, bool) {
	rules, ok := k.tables[table][chain]
	return rules, ok
}

// UsesSet says whether any rule looks into a set.
func (k *Kernel) UsesSet(set string) bool {
	for _, chains := range k.tables {
		for _, rules := range chains {
			for _, r := range rules {
				if slices.Contains(setsOf(r), set) {
					return true
				}
			}
		}
	}
	return false
}

// Save implements iptables.Kernel.
func (k *Kernel) Save(table string) ([]byte, error) {
	if k.Err != nil {
		return nil, k.Err
	}
	k.Saves++
	var out strings.Builder
	fmt.Fprintf(&out, "*%s\n", table)
	chains := k.tables[table]
	names := slices.Sorted(maps.Keys(chains))
	for _, name := range names {
		policy := "-"
		if slices.Contains(builtin[table], name) {
			policy = "ACCEPT"
		}
		fmt.Fprintf(&out, ":%s %s [0:0]\n", name, policy)
	}
	for _, name := range names {
		for _, r := range chains[name] {
			fmt.Fprintf(&out, "-A %s %s\n", name, r)
		}
	}
	out.WriteString("COMMIT\n")
	return []byte(out.String()), nil
}

// Restore implements iptables.Kernel.
func (k *Kernel) Restore(table string, input []byte) error {
	if k.Err != nil {
		return k.Err
	}
	k.Inputs = append(k.Inputs, string(input))
	chains := map[string][]string{}
	for name, rules := range k.tables[table] {
		chains[name] = slices.Clone(rules)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(input), "\n"), "\n") {
		text := ""
		if k.Refuse != nil {
			text = k.Refuse(line)
		}
		if text == "" {
			text = k.do(chains, line)
		}
		if text != "" {
			return &iptables.Refused{Line: i + 1, Text: text}
		}
	}
	k.tables[table] = chains
	return nil
}

func (k *Kernel) do(chains map[string][]string, line string) string {
	verb, rest, _ := strings.Cut(line, " ")
	name, rule, _ := strings.Cut(rest, " ")
	switch {
	case strings.HasPrefix(verb, ":"):
		chains[verb[1:]] = nil
		return ""
	case !strings.HasPrefix(verb, "-"):
		return ""
	}
	rules, ok := chains[name]
	if !ok {
		return "no chain " + name
	}
	switch verb {
	case "-A":
		chains[name] = append(rules, rule)
		return k.check(chains, rule)
	case "-I":
		place, rule, _ := strings.Cut(rule, " ")
		n, _ := strconv.Atoi(place)
		chains[name] = slices.Insert(rules, n-1, rule)
		return k.check(chains, rule)
	case "-D":
		i := slices.Index(rules, rule)
		if i < 0 {
			return "no such rule"
		}
		chains[name] = slices.Delete(rules, i, i+1)
	case "-X":
		return remove(chains, name)
	}
	return ""
}

func remove(chains map[string][]string, name string) string {
	if len(chains[name]) > 0 {
		return "chain is not empty"
	}
	for _, rules := range chains {
		for _, r := range rules {
			if targetOf(r) == name {
				return "chain is in use"
			}
		}
	}
	delete(chains, name)
	return ""
}

func (k *Kernel) check(chains map[string][]string, rule string) string {
	if target := targetOf(rule); strings.HasPrefix(target, "cali-") {
		if _, ok := chains[target]; !ok {
			return "no chain " + target
		}
	}
	for _, s := range setsOf(rule) {
		if k.HasSet != nil && !k.HasSet(s) {
			return "Set " + s + " doesn't exist"
		}
	}
	return ""
}

var (
	target = regexp.MustCompile(` -[jg] (\S+)`)
	inSet  = regexp.MustCompile(`--match-set (\S+)`)
)

func targetOf(rule string) string {
	if m := target.FindStringSubmatch(" " + rule); m != nil {
		return m[1]
	}
	return ""
}

func setsOf(rule string) (out []string) {
	for _, m := range inSet.FindAllStringSubmatch(rule, -1) {
		out = append(out, m[1])
	}
	return out
}
