package selector

import (
	"maps"
	"slices"
	"strings"
)

// Restriction says that a label must be there for a selector to match, and perhaps with which
// values. It is necessary, not sufficient: an index uses restrictions to leave out what
// cannot match, and asks Matches about the rest.
type Restriction struct {
	Label string
	// AnyOf lists, sorted, the values of which the label must have one; nil means any value.
	// Not nil but empty means that the selector matches nothing: a == 'x' && a == 'y'.
	AnyOf []string
}

// Restrictions returns what every label set that matches satisfies, ordered by label and at
// most one per label. Negative tests restrict nothing, as they hold for absent labels. The
// slices of values are the selector's own and must not be changed.
func (s *Selector) Restrictions() []Restriction {
	byLabel := s.root.restrictions()
	out := make([]Restriction, 0, len(byLabel))
	for _, label := range slices.Sorted(maps.Keys(byLabel)) {
		out = append(out, Restriction{Label: label, AnyOf: byLabel[label]})
	}
	return out
}

// restrictions maps each label that must be there to its possible values, nil for any. The
// slices of values may be the selector's own.
func (t *term) restrictions() map[string][]string {
	switch {
	case t.kind == kindAnd:
		return t.restrictionsOfAll()
	case t.kind == kindOr:
		return t.restrictionsOfAny()
	case t.negated || t.kind == kindAll:
		return nil
	case t.kind == kindOneOf:
		return map[string][]string{t.label: t.values}
	}
	return map[string][]string{t.label: nil}
}

// restrictionsOfAll is of a conjunction: all restrictions hold together.
func (t *term) restrictionsOfAll() map[string][]string {
	out := map[string][]string{}
	for i := range t.terms {
		for label, values := range t.terms[i].restrictions() {
			if known, both := out[label]; both && known != nil && values != nil {
				values = intersection(known, values)
			} else if values == nil {
				values = known
			}
			out[label] = values
		}
	}
	return out
}

// restrictionsOfAny is of a disjunction: a label is restricted if it is in every operand.
// Values are gathered first and sorted once, so that thousands of operands stay cheap.
func (t *term) restrictionsOfAny() map[string][]string {
	out := maps.Clone(t.terms[0].restrictions())
	for label, values := range out {
		out[label] = slices.Clone(values)
	}
	for i := range t.terms[1:] {
		other := t.terms[1+i].restrictions()
		for label, values := range out {
			more, both := other[label]
			switch {
			case !both:
				delete(out, label)
			case values == nil || more == nil:
				out[label] = nil
			default:
				out[label] = append(values, more...)
			}
		}
	}
	for label, values := range out {
		slices.SortFunc(values, strings.Compare)
		out[label] = slices.Compact(values)
	}
	return out
}

// intersection of two sorted slices; never nil.
func intersection(a, b []string) []string {
	out := []string{}
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0], b[0]); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		default:
			out = append(out, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return out
}
