package files

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPlacesAreOrderedByNumber(t *testing.T) {
	ordered := []string{
		"a.yaml", "a.yaml:2: document 1", "a.yaml:2: document 1 item 2", "a.yaml:2: document 1 item 10", "a.yaml:10: document 1",
		"a.yaml:10: document 2", "a.yaml:10: document 10", "a2.yaml:1: document 1", "a10.yaml:1: document 1", "b.yaml",
	}
	mixed := slices.Clone(ordered)
	slices.Reverse(mixed)
	slices.SortFunc(mixed, byPlace)
	if !slices.Equal(mixed, ordered) {
		t.Errorf("sorted:\n%s\nwant:\n%s", strings.Join(mixed, "\n"), strings.Join(ordered, "\n"))
	}
}

func TestPlacesAreInATotalOrder(t *testing.T) {
	text := rapid.StringMatching(`[0-9a:]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := text.Draw(t, "a"), text.Draw(t, "b"), text.Draw(t, "c")
		if byPlace(a, b) != -byPlace(b, a) || (byPlace(a, b) == 0) != (a == b) {
			t.Fatalf("%q to %q: %d, back %d", a, b, byPlace(a, b), byPlace(b, a))
		}
		if byPlace(a, b) <= 0 && byPlace(b, c) <= 0 && byPlace(a, c) > 0 {
			t.Fatalf("%q, %q, %q", a, b, c)
		}
		m, n := rapid.IntRange(0, 300).Draw(t, "m"), rapid.IntRange(0, 300).Draw(t, "n")
		if got := byPlace(fmt.Sprint("x", m, "y"), fmt.Sprint("x", n, "y")); got != cmp.Compare(m, n) {
			t.Fatalf("%d to %d: %d", m, n, got)
		}
	})
}

// Who reads that an object stands twice has to find both places.
func TestAnObjectThatStandsTwiceNamesBothPlaces(t *testing.T) {
	l := follow(t, t.TempDir())
	l.write("a.yaml", space("zero", "x")+"---\n"+space("one", "a"))
	l.write("b.yaml", space("two", "x")+"---\n"+space("three", "x")+"---\n"+space("one", "b"))
	l.write("l.json", `{"apiVersion": "v1", "kind": "List", "items": [`+
		`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "four"}},`+
		`{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "three"}}]}`)
	l.want(
		"error b.yaml:9: document 3: Namespace one: stands in a.yaml:5: document 2 too, which comes first and counts",
		"error l.json:1: document 1 item 2: Namespace three: stands in b.yaml:5: document 2 too, which comes first and counts",
	)
	// What comes before it in the other file moves it.
	l.write("a.yaml", space("one", "a"))
	l.want("error b.yaml:9: document 3: Namespace one: stands in a.yaml:1: document 1 too")
}

func TestProblemsAreInTheOrderOfTheFile(t *testing.T) {
	l := follow(t, t.TempDir())
	document := "apiVersion: v1\nkind: Namespace\nmetadata: {name: n%d, labels: {\"-\": x}}\nunknown: 1\n"
	var text []string
	for i := range 12 {
		text = append(text, fmt.Sprintf(document, i))
	}
	l.write("a.yaml", strings.Join(text, "---\n"))
	l.want("a.yaml:59: document 12")
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	for _, problems := range l.sink.problems {
		for i, p := range problems {
			if !strings.Contains(p.Where, fmt.Sprintf(": document %d", i+1)) {
				t.Errorf("problem %d is at %s", i, p.Where)
			}
		}
	}
}
