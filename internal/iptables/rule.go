package iptables

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// Hash names the text of a rule.
type Hash string

// hashLength is how many characters of base64 a Hash has: 96 bits.
const hashLength = 16

// mark starts the comment of every rule of ours, and of Felix's.
const mark = "cali:"

// Rule is one rule, in the words of iptables-restore. It is made by NewRule and not changed.
type Rule struct {
	text    string
	comment string
	hash    Hash
	chain   string
	sets    []string
}

// Words are parts of a rule, as iptables takes them on a line.
type Words struct {
	Text string
	// Sets are the IP sets that the words name.
	Sets []string
	// Chain is the chain of ours that they lead to.
	Chain string
}

// Text are words that name no set and no chain.
func Text(text string) Words { return Words{Text: text} }

// InSet matches packets by an IP set. which are the parts of the packet, for each dimension
// of the set: "src", "dst,dst".
func InSet(set, which string) Words {
	return Words{Text: "-m set --match-set " + set + " " + which, Sets: []string{set}}
}

// NotInSet matches the packets that InSet does not.
func NotInSet(set, which string) Words {
	return Words{Text: "-m set ! --match-set " + set + " " + which, Sets: []string{set}}
}

// Jump goes through a chain of ours, and on with the next rule.
func Jump(chain string) Words { return Words{Text: "-j " + chain, Chain: chain} }

// Goto goes to a chain of ours; its end, or a RETURN there, leads to where the present
// chain would have.
func Goto(chain string) Words { return Words{Text: "-g " + chain, Chain: chain} }

// NewRule joins words to a rule. The comment is for people, and part of the rule.
func NewRule(comment string, words ...Words) Rule {
	r := Rule{comment: readable(comment)}
	texts := make([]string, 0, len(words))
	for _, w := range words {
		if w.Text != "" {
			texts = append(texts, w.Text)
		}
		r.sets = append(r.sets, w.Sets...)
		if w.Chain != "" {
			r.chain = w.Chain
		}
	}
	r.text = strings.Join(texts, " ")
	sum := sha256.Sum256([]byte(r.comment + "\x00" + r.text))
	r.hash = Hash(base64.RawURLEncoding.EncodeToString(sum[:])[:hashLength])
	return r
}

// Hash is the hash of the rule's text and comment.
func (r Rule) Hash() Hash { return r.hash }

// Comment is what the rule says of itself to people.
func (r Rule) Comment() string { return r.comment }

// Text is the rule without its comment.
func (r Rule) Text() string { return r.text }

// String is the rule as iptables-restore takes it, after the name of a chain.
func (r Rule) String() string {
	comment := mark + string(r.hash)
	if r.comment != "" {
		comment += " " + r.comment
	}
	return `-m comment --comment "` + comment + `" ` + r.text
}

// readable is a comment that iptables takes in double quotes and prints as it is. The
// kernel has room for 255 characters.
func readable(comment string) string {
	comment = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune(" -_./:()=,'", c):
			return c
		}
		return '?'
	}, comment)
	const longest = 255 - len(mark) - hashLength - 1
	return comment[:min(len(comment), longest)]
}

// Chain is a chain of ours, with all that is in it.
type Chain struct {
	// Table is one of Tables.
	Table string
	// Name is at most 28 characters long.
	Name  string
	Rules []Rule
	// Closed are the rules that it gets when its own cannot be written; if nil, it drops
	// whatever comes to it.
	Closed []Rule
}

func hashesOf(rules []Rule) []Hash {
	out := make([]Hash, len(rules))
	for i, r := range rules {
		out[i] = r.hash
	}
	return out
}

func sameRules(a, b []Rule) bool {
	return slices.EqualFunc(a, b, func(x, y Rule) bool { return x.hash == y.hash })
}

// Hook is a rule of ours in one of the kernel's own chains, from where packets come to ours.
type Hook struct {
	Table string
	// Chain is the kernel's: "FORWARD".
	Chain string
	Rule  Rule
	// Last puts it behind all other rules that are there when it is written. Otherwise it
	// goes, and stays, in front of all.
	Last bool
}

// The tables that we write to.
const (
	Raw    = "raw"
	Mangle = "mangle"
	NAT    = "nat"
	Filter = "filter"
)

// Tables lists them, in the order in which they are written: what drops comes before what
// leads packets elsewhere.
func Tables() []string { return []string{Filter, Raw, NAT, Mangle} }
