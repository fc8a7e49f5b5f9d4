package iptables

import (
	"bytes"
	"hash/fnv"
	"regexp"
	"strings"
)

// listing is what stands in one table.
type listing struct {
	// chains are ours: those of our name.
	chains map[string]*listedChain
	// kernel are the rules of the kernel's own chains and of other people's, in order.
	kernel map[string][]listedRule
}

type listedChain struct {
	hashes []Hash
	// sum is a checksum of the text of all rules.
	sum uint64
}

// listedRule is a rule as it stands.
type listedRule struct {
	// text is what follows "-A CHAIN ".
	text string
	// hash is empty in a rule that has none of ours.
	hash Hash
	ours bool
}

// ownPrefix begins the names of all chains of ours.
const ownPrefix = "cali-"

var (
	hashInComment = regexp.MustCompile(`--comment "?` + mark + `([A-Za-z0-9_-]{16})`)
	ownRule       = regexp.MustCompile(`--comment "?` + mark + `| -[jg] ` + ownPrefix + `|^-[jg] ` + ownPrefix)
)

// parse reads what iptables-save prints for one table.
func parse(text []byte) *listing {
	l := &listing{chains: map[string]*listedChain{}, kernel: map[string][]listedRule{}}
	for line := range bytes.Lines(text) {
		s := strings.TrimRight(string(line), "\n")
		switch {
		case strings.HasPrefix(s, ":"):
			name, _, _ := strings.Cut(s[1:], " ")
			l.chain(name)
		case strings.HasPrefix(s, "-A "):
			name, rule, _ := strings.Cut(s[len("-A "):], " ")
			l.rule(name, rule)
		}
	}
	return l
}

func (l *listing) chain(name string) *listedChain {
	if !strings.HasPrefix(name, ownPrefix) {
		return nil
	}
	c := l.chains[name]
	if c == nil {
		c = &listedChain{}
		l.chains[name] = c
	}
	return c
}

func (l *listing) rule(chain, text string) {
	var hash Hash
	if m := hashInComment.FindStringSubmatch(text); m != nil {
		hash = Hash(m[1])
	}
	if c := l.chain(chain); c != nil {
		c.hashes = append(c.hashes, hash)
		c.sum = sumOf(c.sum, text)
		return
	}
	l.kernel[chain] = append(l.kernel[chain], listedRule{text: text, hash: hash, ours: ownRule.MatchString(text)})
}

func sumOf(before uint64, text string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for i := range b {
		b[i] = byte(before >> (8 * i))
	}
	h.Write(b[:])
	h.Write([]byte(text))
	return h.Sum64()
}
