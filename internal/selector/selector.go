package selector

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// Labels is what a selector looks at. Get must return the same for the same name as long
// as one Matches runs.
type Labels interface {
	// Get returns the label's value, and whether there is such a label.
	Get(name string) (value string, present bool)
}

// Map is Labels in a map. It is passed as Labels without allocation.
type Map map[string]string

// Get looks the label up; a nil Map has none.
func (m Map) Get(name string) (string, bool) {
	value, present := m[name]
	return value, present
}

// Selector is a predicate on labels, in canonical form. It is immutable and safe for
// concurrent use. There is no useful zero value; All is the selector that asks for nothing.
type Selector struct {
	root term
	text string
}

// All selects everything.
func All() *Selector { return made(always()) }

// HasLabel selects what has the label, whatever its value. The error says that the name
// cannot be a label's.
func HasLabel(name string) (*Selector, error) {
	if err := checkLabel(name); err != nil {
		return nil, err
	}
	return made(has(name)), nil
}

// Equals selects what has the label with this value. The error says that name or value
// cannot be written in the language.
func Equals(name, value string) (*Selector, error) { return OneOf(name, value) }

// OneOf selects what has the label with one of the values; with no values it selects
// nothing. Errors are as for Equals.
func OneOf(name string, values ...string) (*Selector, error) {
	t, err := checkedOneOf(name, values)
	if err != nil {
		return nil, err
	}
	return made(t), nil
}

// And selects what all of the selectors select; And of none is All.
func And(selectors ...*Selector) *Selector {
	operands := make([]term, len(selectors))
	for i, s := range selectors {
		operands[i] = s.root
	}
	return made(junction(kindAnd, operands))
}

// Not selects exactly what s does not.
func Not(s *Selector) *Selector { return made(s.root.not()) }

// Matches says whether the labels satisfy the selector. It does not allocate.
func (s *Selector) Matches(labels Labels) bool { return s.root.matches(labels) }

// String is the canonical text. Parse of it is the same selector again, for every selector
// that Parse returned (combinations of such that come near MaxDepth or MaxLength excepted).
func (s *Selector) String() string { return s.text }

// ID is a name for sets: the first 20 characters, 100 bits, of the SHA-256 of String in
// lower-case base32. Short, so that it fits into the 31 characters of an ipset's name with
// a prefix. It is computed on each call.
func (s *Selector) ID() string {
	sum := sha256.Sum256([]byte(s.text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:20])
}

func made(root term) *Selector {
	return &Selector{root: root, text: string(root.append(nil, kindAll))}
}

// checkedOneOf refuses what could not be printed and read back: printing it all the same
// could make two different selectors look alike, and share a set.
func checkedOneOf(label string, values []string) (term, error) {
	if err := checkLabel(label); err != nil {
		return term{}, err
	}
	for _, value := range values {
		if strings.Contains(value, `"`) && strings.Contains(value, `'`) {
			return term{}, fmt.Errorf("label %s: value %q has both kinds of quotes, no selector can say that", label, value)
		}
	}
	return oneOf(label, append([]string(nil), values...)...), nil
}

func checkLabel(name string) error {
	if name == "" {
		return fmt.Errorf("an empty label name")
	}
	for i := range len(name) {
		if !isLabelByte(name[i]) {
			return fmt.Errorf("label name %q: character %q, expected letters, digits, and _ . / -", name, name[i])
		}
	}
	return nil
}
