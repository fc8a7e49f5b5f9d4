package calc

import "github.com/margay-net/margay/internal/selector"

// Stats are figures of how selectors and labels find each other. They say nothing of what
// is handed over.
type Stats struct {
	// Matched and Unmatched count the evaluations of selectors up to now, by what came
	// out. A selector of one label is most often not evaluated at all: what it selects is
	// looked up.
	Matched, Unmatched uint64
	// Indexed are the selectors in use that are found by a label, Scanned those that have
	// to be tried on everything.
	Indexed, Scanned int
}

// Stats are the figures at present.
func (g *Graph) Stats() Stats {
	x := g.classes.index
	s := x.evaluated
	s.Scanned = int(x.places.at(x.anywhere).queries.count)
	s.Indexed = x.queries.size() - s.Scanned
	return s
}

// evaluate asks a selector about a class, and counts that.
func (x *labelIndex) evaluate(s *selector.Selector, c *class) bool {
	if s.Matches(x.classes.of(c)) {
		x.evaluated.Matched++
		return true
	}
	x.evaluated.Unmatched++
	return false
}
