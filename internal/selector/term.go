package selector

import (
	"cmp"
	"slices"
	"strings"
)

// kind is what a term asks of the labels.
type kind uint8

const (
	kindAll      kind = iota // nothing: always true
	kindHas                  // the label is there
	kindOneOf                // the label's value is one of values: ==, in
	kindContains             // the label's value contains values[0]
	kindStarts               // the label's value starts with values[0]
	kindEnds                 // the label's value ends with values[0]
	kindAnd                  // all of terms
	kindOr                   // any of terms
)

// term is a node of a selector in canonical form. Only tests carry a negation; terms of
// kindAnd hold no kindAnd and no kindAll, and at least two operands in order; likewise kindOr.
// The functions of this file are the only makers of terms and keep it so.
type term struct {
	kind    kind
	negated bool
	label   string
	values  []string // sorted, unique
	terms   []term
}

// always is the term that every label set satisfies.
func always() term { return term{kind: kindAll} }

func has(label string) term { return term{kind: kindHas, label: label} }

// oneOf takes ownership of values and sorts them.
func oneOf(label string, values ...string) term {
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) == 0 {
		return always().not()
	}
	return term{kind: kindOneOf, label: label, values: values}
}

// part makes a test on part of the value: kindContains, kindStarts or kindEnds.
func part(k kind, label, value string) term {
	if value == "" {
		return has(label)
	}
	return term{kind: k, label: label, values: []string{value}}
}

// junction joins operands by kindAnd or kindOr. It takes ownership of the slice.
func junction(k kind, operands []term) term {
	identity := term{kind: kindAll, negated: k == kindOr}
	flat := make([]term, 0, len(operands))
	for _, t := range operands {
		switch {
		case t.kind == k:
			flat = append(flat, t.terms...)
		case t.kind != kindAll:
			flat = append(flat, t)
		case t.negated != identity.negated:
			return t
		}
	}
	slices.SortFunc(flat, compareTerms)
	flat = slices.CompactFunc(flat, func(a, b term) bool { return compareTerms(a, b) == 0 })
	switch len(flat) {
	case 0:
		return identity
	case 1:
		return flat[0]
	}
	return term{kind: k, terms: flat}
}

// not is the opposite, by De Morgan's laws.
func (t term) not() term {
	dual := kindOr
	switch t.kind {
	case kindAnd:
	case kindOr:
		dual = kindAnd
	default:
		t.negated = !t.negated
		return t
	}
	opposite := make([]term, len(t.terms))
	for i := range t.terms {
		opposite[i] = t.terms[i].not()
	}
	return junction(dual, opposite)
}

// compareTerms orders tests by label and before junctions, so that the cheap is asked first.
func compareTerms(a, b term) int {
	if c := cmp.Or(
		cmp.Compare(len(a.terms), len(b.terms)),
		strings.Compare(a.label, b.label),
		cmp.Compare(a.kind, b.kind),
	); c != 0 {
		return c
	}
	if a.negated != b.negated {
		if b.negated {
			return -1
		}
		return 1
	}
	if c := slices.Compare(a.values, b.values); c != 0 {
		return c
	}
	return slices.CompareFunc(a.terms, b.terms, compareTerms)
}

// matches evaluates the term. An absent label fails the test, and so satisfies its negation.
func (t *term) matches(labels Labels) bool {
	switch t.kind {
	case kindAll:
		return !t.negated
	case kindAnd:
		for i := range t.terms {
			if !t.terms[i].matches(labels) {
				return false
			}
		}
		return true
	case kindOr:
		for i := range t.terms {
			if t.terms[i].matches(labels) {
				return true
			}
		}
		return false
	}
	value, present := labels.Get(t.label)
	return (present && t.holds(value)) != t.negated
}

// holds says whether the test, taken without its negation, is true of the label's value.
func (t *term) holds(value string) bool {
	switch t.kind {
	case kindOneOf:
		if len(t.values) == 1 {
			return value == t.values[0]
		}
		_, found := slices.BinarySearch(t.values, value)
		return found
	case kindContains:
		return strings.Contains(value, t.values[0])
	case kindStarts:
		return strings.HasPrefix(value, t.values[0])
	case kindEnds:
		return strings.HasSuffix(value, t.values[0])
	}
	return true
}
