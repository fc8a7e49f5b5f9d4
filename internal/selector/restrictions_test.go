package selector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRestrictions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`all()`, ``},
		{`!all()`, ``},
		{`has(a)`, `a`},
		{`!has(a)`, ``},
		{`a == 'x'`, `a [x]`},
		{`a != 'x'`, ``},
		{`a not in {'x', 'y'}`, ``},
		{`a contains 'x'`, `a`},
		{`!a contains 'x'`, ``},
		{`a starts with 'x'`, `a`},
		{`a ends with 'x'`, `a`},
		{`a == 'x' && b in {'2', '1'}`, `a [x]; b [1 2]`},
		{`a == 'x' && c != 'y'`, `a [x]`},
		{`has(a) && a == 'x'`, `a [x]`},
		{`a starts with 'x' && a ends with 'y'`, `a`},
		{`a in {'x', 'y', 'z'} && a in {'w', 'y', 'z'}`, `a [y z]`},
		{`a == 'x' && a == 'y'`, `a []`},
		{`a == 'x' || a in {'z', 'y'} || a == 'y'`, `a [x y z]`},
		{`a == 'x' || has(a)`, `a`},
		{`a == 'x' || b == 'y'`, ``},
		{`a == 'x' && b == '1' || a == 'y' && has(c)`, `a [x y]`},
		{`a == 'x' || !has(a)`, ``},
		{`(a == 'x' && a == 'y') || a == 'z'`, `a [z]`},
		{`has(n) && (a == 'x' || a == 'y')`, `a [x y]; n`},
		{`!(a != 'x' || b != 'y')`, `a [x]; b [y]`},
		{`!(a not in {'x', 'y'})`, `a [x y]`},
		{`global() && a == 'x'`, `a [x]`},
	} {
		if got := printRestrictions(MustParse(c.text)); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func printRestrictions(s *Selector) string {
	var out []string
	for _, r := range s.Restrictions() {
		if r.AnyOf == nil {
			out = append(out, r.Label)
		} else {
			out = append(out, fmt.Sprint(r.Label, " ", r.AnyOf))
		}
	}
	return strings.Join(out, "; ")
}

// checkRestrictions wants that labels which match satisfy every restriction, and that a
// restriction's values are sorted and unique.
func checkRestrictions(t *rapid.T, s *Selector, labels map[string]string) {
	for _, r := range s.Restrictions() {
		if !slices.IsSorted(r.AnyOf) || len(slices.Compact(slices.Clone(r.AnyOf))) != len(r.AnyOf) {
			t.Fatalf("%s: values of %s: %q", s, r.Label, r.AnyOf)
		}
		value, present := labels[r.Label]
		if !s.Matches(Map(labels)) || present && (r.AnyOf == nil || slices.Contains(r.AnyOf, value)) {
			continue
		}
		t.Fatalf("%s matches %v, though restricted to %s %q", s, labels, r.Label, r.AnyOf)
	}
}

// TestLargestStayCheap gives the largest selectors of each shape, against quadratic work.
func TestLargestStayCheap(t *testing.T) {
	values := func(format, separator string) string {
		var out []string
		for i := range MaxLength / (len(format) + len(separator) + 5) {
			out = append(out, fmt.Sprintf(format, i))
		}
		return strings.Join(out, separator)
	}
	for _, c := range []struct{ name, text string }{
		{"in", `a in {` + values(`"%d"`, `, `) + `}`},
		{"or of one label", values(`a == "%d"`, ` || `)},
		{"and of one label", values(`a != "%d"`, ` && `)},
		{"and of contradictions", values(`a == "%d"`, ` && `)},
		{"or of many labels", values(`l%d == "x"`, ` || `)},
		{"or of ands", values(`a == "%[1]d" && has(b)`, ` || `)},
		{"opposite of or of ands", `!(` + values(`a == "%[1]d" && has(b)`, ` || `) + `)`},
	} {
		start := time.Now()
		s, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		s.Restrictions()
		s.Matches(Map{"a": "0"})
		t.Logf("%s: %v", c.name, time.Since(start)) // seen, not asserted: no timed tests
	}
}
