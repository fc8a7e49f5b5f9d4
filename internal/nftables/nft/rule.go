package nft

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/margay-net/margay/internal/family"
)

// Rule is a list of statements that a packet goes through until one ends it.
type Rule struct {
	Statements []Statement
	// Comment is for people; nft shows it. It is cut at 127 bytes, which is nft's own
	// limit, and cannot hold a double quote.
	Comment string
	// hash is the rule's own, if it has been worked out for good (see Final).
	hash *Hash
}

// NewRule is a rule with a comment, which may be empty.
func NewRule(comment string, statements ...Statement) Rule {
	return Rule{Statements: statements, Comment: comment}
}

// String is the rule as nft writes it.
func (r Rule) String() string { return string(r.appendText(nil)) }

func (r Rule) appendText(b []byte) []byte {
	for i, s := range r.Statements {
		if i > 0 {
			b = append(b, ' ')
		}
		b = s.appendText(b)
	}
	if c := comment(r.Comment); c != "" {
		if len(r.Statements) > 0 {
			b = append(b, ' ')
		}
		b = append(b, "comment "+quote(c)...)
	}
	return b
}

// Hash identifies a rule by its text. It goes with the rule into the kernel, so that after
// a restart equal rules are known to be equal without being read. 128 bits of SHA-256,
// because the text of a rule holds what users choose, and nobody must be able to choose a
// rule that is taken for another.
type Hash [16]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Final is the rule with its hash worked out once and for all. It is for rules that stand
// in many chains; its statements and comment must not be changed any more.
func (r Rule) Final() Rule {
	h := r.Hash()
	r.hash = &h
	return r
}

// Hash is the rule's identity.
func (r Rule) Hash() Hash {
	if r.hash != nil {
		return *r.hash
	}
	var room [512]byte
	sum := sha256.Sum256(r.appendText(room[:0]))
	return Hash(sum[:16])
}

// Err says what is wrong with a rule as far as can be known without the rest of the
// table, or nil.
func (r Rule) Err() error {
	var s seen
	for _, st := range r.Statements {
		if s.ended {
			return fmt.Errorf("%s: a statement after the end", r)
		}
		if err := st.check(&s); err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
	}
	if len(r.Statements) == 0 {
		return fmt.Errorf("a rule without statements")
	}
	return nil
}

// Family is the family that the rule's matches confine it to, or 0 if packets of both may
// match.
func (r Rule) Family() family.Family {
	for _, s := range r.Statements {
		if m, ok := s.(Match); ok && m.family() != 0 {
			return m.family()
		}
	}
	return 0
}

// Only is the rule, confined to one family: as it is where its matches do that already,
// else behind "meta nfproto".
func (r Rule) Only(f family.Family) Rule {
	if r.Family() != 0 {
		return r
	}
	r.Statements = append([]Statement{FamilyIs(f)}, r.Statements...)
	r.hash = nil
	return r
}

// Chains lists the chains that the rule leads to, by its own verdict or an anonymous map.
func (r Rule) Chains() []string {
	var names []string
	r.Refers(func(chain string) { names = addName(names, chain) }, func(string) {})
	return names
}

// Sets lists the named sets and maps that the rule looks up.
func (r Rule) Sets() []string {
	var names []string
	r.Refers(func(string) {}, func(set string) { names = addName(names, set) })
	return names
}

func addName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// Refers calls chain and set with the names that Chains and Sets list, and allocates
// nothing. A name may come more than once.
func (r Rule) Refers(chain, set func(name string)) {
	for _, s := range r.Statements {
		switch s := s.(type) {
		case Verdict:
			if s.chain != "" {
				chain(s.chain)
			}
		case Match:
			if s.set != "" {
				set(s.set)
			}
			for _, c := range s.cases {
				if c.Verdict.chain != "" {
					chain(c.Verdict.chain)
				}
			}
		}
	}
}

// maxText is the longest comment and log prefix that nft takes (NFTNL_UDATA_COMMENT_MAXLEN
// and NF_LOG_PREFIXLEN are 128 with the closing zero).
const maxText = 127

// comment makes a text fit to be a comment.
func comment(s string) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c < ' ' || c == utf8.RuneError:
			return '?'
		}
		return c
	}, s)
	if len(clean) <= maxText {
		return clean
	}
	end := maxText
	for !utf8.RuneStart(clean[end]) {
		end--
	}
	return clean[:end]
}

// quote writes a string as nft reads it: nft knows no escapes.
func quote(s string) string { return `"` + comment(s) + `"` }
