package rules

import (
	"slices"
	"strings"
	"testing"
)

// lines are rules as a backend would write them.
func lines(conditions ...Either[string]) (out []string) {
	for _, c := range Combine(conditions...) {
		out = append(out, strings.Join(c, " and "))
	}
	return out
}

func TestConditionsAreMultipliedOut(t *testing.T) {
	sets := []Question[string]{{"in a", "not in a"}, {"in b", "not in b"}}
	tcp := Either[string]{{"tcp"}}
	for name, c := range map[string]struct {
		have []string
		want []string
	}{
		"no condition is one rule for every packet": {lines(nil, nil), []string{""}},
		"one that never holds leaves no rule":       {lines(tcp, Either[string]{}, AnyOf(false, sets)), nil},
		"any of two":                                {lines(tcp, AnyOf(false, sets)), []string{"tcp and in a", "tcp and in b"}},
		"any of two, but only one of them":          {lines(AnyOf(true, sets)), []string{"in a", "not in a and in b"}},
		"none of two":                               {lines(NoneOf(sets), tcp), []string{"not in a and not in b and tcp"}},
		"nothing asked is no condition":             {lines(AnyOf[string](true, nil), NoneOf[string](nil), tcp), []string{"tcp"}},
		"two times two": {
			lines(AnyOf(false, sets), AnyOf(false, sets)),
			[]string{"in a and in a", "in a and in b", "in b and in a", "in b and in b"},
		},
	} {
		if !slices.Equal(c.have, c.want) {
			t.Errorf("%s: %q, want %q", name, c.have, c.want)
		}
	}
}
