package iptables

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// Tree leads from the name of an interface to what stands for it. iptables has no maps; in
// a tree a packet meets some twenty rules among a thousand interfaces, instead of a thousand.
//
//	cali-from-wl-dispatch      -i cali1+ -g cali-from-wl-dispatch-1
//	                           -i cali2a -g cali-fw-cali2a
//	                           End
//	cali-from-wl-dispatch-1    -i cali10 -g cali-fw-cali10
//	                           …
//	                           End
type Tree struct {
	Table string
	// Root is the name of the first chain, and how those of all others begin.
	Root string
	// Side is "-i" or "-o".
	Side string
	// End is what becomes of a packet of an interface that is not in the tree.
	End Rule
}

// Leaf is one interface's place in a tree.
type Leaf struct {
	Interface string
	// To is where its packets go.
	To Words
}

// widest is how many interfaces a chain of a tree has before it is cut up by their next
// character.
const widest = 16

// longestName is how long the name of a chain may be: XT_EXTENSION_MAXNAMELEN less the
// closing zero.
const longestName = 28

// build makes the tree's chains. The root is always there.
func (t *Tree) build(leaves []Leaf) []Chain {
	slices.SortFunc(leaves, func(a, b Leaf) int { return cmp.Compare(a.Interface, b.Interface) })
	return t.branch(nil, t.Root, commonPrefix(leaves), leaves)
}

// branch adds the chain for the leaves, whose names all begin with prefix.
func (t *Tree) branch(out []Chain, name, prefix string, leaves []Leaf) []Chain {
	at := len(out)
	out = append(out, Chain{Table: t.Table, Name: name})
	var rules []Rule
	for flat := len(leaves) <= widest; len(leaves) > 0; {
		group := leaves[:1]
		if !flat && len(leaves[0].Interface) > len(prefix) {
			group = startingWith(leaves, leaves[0].Interface[:len(prefix)+1])
		}
		if len(group) == 1 {
			rules = append(rules, NewRule("", Text(t.Side+" "+leaves[0].Interface), leaves[0].To))
			leaves = leaves[1:]
			continue
		}
		start := commonPrefix(group)
		next := t.chainName(start)
		rules = append(rules, NewRule("", Text(t.Side+" "+start+"+"), Goto(next)))
		out = t.branch(out, next, start, group)
		leaves = leaves[len(group):]
	}
	out[at].Rules = append(rules, t.End)
	return out
}

// chainName is that of the chain for the interfaces that begin so.
func (t *Tree) chainName(start string) string {
	name := t.Root + "-" + start
	if len(name) <= longestName {
		return name
	}
	sum := sha256.Sum256([]byte(start))
	name = t.Root + "-_" + base64.RawURLEncoding.EncodeToString(sum[:])
	return name[:longestName]
}

func startingWith(sorted []Leaf, start string) []Leaf {
	n := 0
	for n < len(sorted) && strings.HasPrefix(sorted[n].Interface, start) {
		n++
	}
	return sorted[:n]
}

func commonPrefix(sorted []Leaf) string {
	if len(sorted) == 0 {
		return ""
	}
	first, last := sorted[0].Interface, sorted[len(sorted)-1].Interface
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	return first[:n]
}
