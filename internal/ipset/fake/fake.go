// Package fake holds a kernel with IP sets that is one in memory: what ipset says of lines
// that the kernel does not take, it says too. The contract suite of package ipset holds it
// to the real one.
package fake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/ipset"
)

// Kernel implements ipset.Kernel.
type Kernel struct {
	sets map[string]*set
	// Used says whether a rule refers to a set, which then cannot be destroyed; nil for no
	// rules.
	Used func(set string) bool
	// Refuse, if it is not nil, is asked about every line; a text that is not empty is why
	// the line is not taken.
	Refuse func(line string) string
	// Err, if it is not nil, is what every call returns.
	Err error
	// Scripts are what Restore was told.
	Scripts []string
	// Saves counts.
	Saves int
}

type set struct {
	ipset.Set
	members map[ipset.Member]bool
	of      family.Family
}

// New makes a kernel without sets.
func New() *Kernel { return &Kernel{sets: map[string]*set{}} }

// Has says whether a set is there.
func (k *Kernel) Has(name string) bool { return k.sets[name] != nil }

// Save implements ipset.Kernel.
func (k *Kernel) Save(f family.Family) ([]ipset.Listed, error) {
	if k.Err != nil {
		return nil, k.Err
	}
	k.Saves++
	var out []ipset.Listed
	for name, s := range k.sets {
		if s.of != f || !strings.HasPrefix(name, ipset.Prefix(f)[:len("cali4")]) {
			continue
		}
		out = append(out, ipset.Listed{Set: s.Set, Members: k.Members(name)})
	}
	slices.SortFunc(out, func(a, b ipset.Listed) int { return strings.Compare(a.Set.Name, b.Set.Name) })
	return out, nil
}

// Members are those of a set, sorted.
func (k *Kernel) Members(name string) []ipset.Member {
	var out []ipset.Member
	if s := k.sets[name]; s != nil {
		for m := range s.members {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

// Restore implements ipset.Kernel. Lines before one that is refused have been carried out.
func (k *Kernel) Restore(lines []byte) error {
	if k.Err != nil {
		return k.Err
	}
	k.Scripts = append(k.Scripts, string(lines))
	for i, line := range strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n") {
		text := ""
		if k.Refuse != nil {
			text = k.Refuse(line)
		}
		if text == "" {
			text = k.do(strings.Fields(line))
		}
		if text != "" {
			return &ipset.Refused{Line: i + 1, Text: fmt.Sprintf("Error in line %d: %s", i+1, text)}
		}
	}
	return nil
}

func (k *Kernel) do(words []string) string {
	s := k.sets[words[1]]
	if s == nil && words[0] != "create" {
		return "The set with the given name does not exist"
	}
	switch words[0] {
	case "create":
		return k.create(words)
	case "add":
		if m := ipset.Member(words[2]); len(s.members) < s.Size || s.members[m] {
			s.members[m] = true
			return ""
		}
		return "Hash is full, cannot add more elements"
	case "del":
		delete(s.members, ipset.Member(words[2]))
	case "destroy":
		if k.Used != nil && k.Used(words[1]) {
			return "Set cannot be destroyed: it is in use by a kernel component"
		}
		delete(k.sets, words[1])
	case "swap":
		return k.swap(words[1], words[2])
	}
	return ""
}

func (k *Kernel) create(words []string) string {
	fresh := &set{Set: ipset.Set{Name: words[1], Type: ipset.Type(words[2])}, members: map[ipset.Member]bool{}, of: family.V4}
	if words[4] == "inet6" {
		fresh.of = family.V6
	}
	fresh.Size, _ = strconv.Atoi(words[6])
	if s := k.sets[fresh.Name]; s != nil {
		if s.Set != fresh.Set {
			return "Set cannot be created: set with the same name already exists"
		}
		return ""
	}
	k.sets[fresh.Name] = fresh
	return ""
}

func (k *Kernel) swap(a, b string) string {
	one, other := k.sets[a], k.sets[b]
	if other == nil {
		return "Sets cannot be swapped: the second set does not exist"
	}
	if one.Type != other.Type || one.of != other.of {
		return "The sets cannot be swapped: their type does not match"
	}
	k.sets[a], k.sets[b] = other, one
	other.Name, one.Name = a, b
	return ""
}
