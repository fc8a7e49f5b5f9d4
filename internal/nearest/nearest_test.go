package nearest

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOf(t *testing.T) {
	names := []string{"source", "destination", "protocol", "notProtocol", "icmp", "spec", "nets", "notNets", "net"}
	for word, want := range map[string]string{
		"protocl":                "protocol",
		"Source":                 "source",
		"sources":                "source",
		"ICMP":                   "icmp",
		"sepc":                   "spec", // two letters have changed places
		"nettss":                 "nets", // a letter fewer than from net
		"dest":                   "",     // neither nets nor destination
		"x":                      "",
		"":                       "",
		"ports":                  "",
		strings.Repeat("p", 100): "",
	} {
		if got := Of(word, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

func TestTheOrderOfCandidatesDoesNotCount(t *testing.T) {
	names := []string{"vxlanPort", "vxlanMTU", "vxlanVNI", "ipv4Support", "ipv6Support"}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOf(rapid.RuneFrom([]rune("ipv46SuportxlanM"))).Draw(t, "word")
		mixed := rapid.Permutation(names).Draw(t, "candidates")
		if a, b := Of(word, names), Of(word, mixed); a != b {
			t.Fatalf("nearest to %q is %q or %q", word, a, b)
		}
	})
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1},
		{"abc", "bc", 1}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2},
		{"sepc", "spec", 1}, {"ab", "ba", 1}, {"ca", "abc", 3},
	} {
		if got := distance(c.a, c.b, 10); got != c.want || distance(c.b, c.a, 10) != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// slowDistance is the definition of the distance.
func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	change := slowDistance(a[1:], b[1:])
	if a[0] != b[0] {
		change++
	}
	best := min(change, 1+slowDistance(a[1:], b), 1+slowDistance(a, b[1:]))
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		best = min(best, 1+slowDistance(a[2:], b[2:]))
	}
	return best
}

func TestDistanceIsTheDefinition(t *testing.T) {
	word := rapid.StringMatching(`[abc]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, limit := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(0, 4).Draw(t, "limit")
		got, want := distance(a, b, limit), slowDistance(a, b)
		if got != want && (want <= limit || got <= limit) {
			t.Fatalf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}
