package rules

import "slices"

// A rule of a policy is a conjunction, and so is a rule of any backend; but some conditions are
// alternatives that no one match of the backend can say: an address in one of two sets, a port
// that is in a range or in a set of addresses with ports. Each combination of alternatives is a
// rule of its own. M is the backend's match.

// Conjunction is a list of matches that must all hold.
type Conjunction[M any] []M

// Either is a condition as its alternatives, of which at least one must hold. Nil is no
// condition; without an alternative, and not nil, it never holds.
type Either[M any] []Conjunction[M]

// Combine multiplies conditions out.
func Combine[M any](conditions ...Either[M]) []Conjunction[M] {
	out := []Conjunction[M]{nil}
	for _, condition := range conditions {
		if condition == nil {
			continue
		}
		var longer []Conjunction[M]
		for _, c := range out {
			for _, alternative := range condition {
				longer = append(longer, slices.Concat(c, alternative))
			}
		}
		out = longer
	}
	return out
}

// Question is a match that can also be asked the other way round.
type Question[M any] struct{ Yes, No M }

// AnyOf is the condition that at least one of the questions is answered with yes; none is no
// condition. Where alone is true, no packet meets two of the alternatives: a Log must not log
// twice.
func AnyOf[M any](alone bool, questions []Question[M]) Either[M] {
	var out Either[M]
	for i, q := range questions {
		var c Conjunction[M]
		for _, before := range questions[:i] {
			if alone {
				c = append(c, before.No)
			}
		}
		out = append(out, append(c, q.Yes))
	}
	return out
}

// NoneOf is the condition that no question is answered with yes; none is no condition.
func NoneOf[M any](questions []Question[M]) Either[M] {
	if len(questions) == 0 {
		return nil
	}
	var c Conjunction[M]
	for _, q := range questions {
		c = append(c, q.No)
	}
	return Either[M]{c}
}
