package calc

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/selector"
)

var indexSelectors = []string{
	`all()`, `!all()`, `a == "1"`, `a != "1"`, `a in {"1", "2"}`, `a not in {"1", "2"}`, `has(a)`, `!has(a)`, `has(a) && has(b)`,
	`a == "1" && b == "2"`, `a == "1" || b == "2"`, `a == "1" || a == "2" && has(b)`, `a == "1" && a == "2"`, `a contains "1"`,
	`pcns.n == "1"`, `pcns.n == "1" && a == "2"`, `has(pcsa.projectcalico.org/name)`, `pcns.projectcalico.org/name in {"x", "y"}`,
	`b starts with "1" && pcns.n == "2"`, `!(a == "1" && pcns.n == "1")`,
}

// TestIndexAgreesWithAskingEveryone adds and removes classes, queries and namespaces, and
// holds what the index finds, in both directions, against every selector asked about
// every class.
func TestIndexAgreesWithAskingEveryone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := New(Options{Node: "node-1"})
		classes := map[uint32]int{} // how often joined
		queries := map[uint32]int{}
		for range rapid.SampledFrom([]int{5, 20, 60}).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				space := g.classes.holdSpace(rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "space"))
				labels := map[string]string{}
				for _, name := range []string{"a", "b", "pcns.n"} {
					if v := rapid.SampledFrom([]string{"", "1", "2", "12"}).Draw(t, name); v != "" {
						labels[name] = v
					}
				}
				classes[g.classes.join(labels, space, rapid.SampledFrom([]string{"", "s"}).Draw(t, "account"), nil)]++
				g.classes.releaseSpace(space)
			case 2:
				if id, any := pick(t, classes); any {
					g.classes.leave(id)
				}
			case 3:
				id, err := g.classes.index.holdQuery(rapid.SampledFrom(indexSelectors).Draw(t, "selector"))
				if err != nil {
					t.Fatal(err)
				}
				queries[id]++
			case 4:
				if id, any := pick(t, queries); any {
					g.classes.index.releaseQuery(id)
				}
			case 5:
				var ns *model.Namespace
				if n := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "n"); n != "" {
					ns = &model.Namespace{Labels: map[string]string{"n": n}}
				}
				g.updateNamespace(model.Key{Kind: model.KindNamespace, Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "namespace")}, ns)
				g.updateServiceAccount(model.Key{Kind: model.KindServiceAccount, Namespace: "x", Name: "s"}, nil)
			}
			checkIndex(t, g.classes.index, classes, queries)
		}
	})
}

// pick takes one use of one of the counted ids.
func pick(t *rapid.T, counted map[uint32]int) (id uint32, any bool) {
	ids := slices.Sorted(maps.Keys(counted))
	if len(ids) == 0 {
		return 0, false
	}
	id = rapid.SampledFrom(ids).Draw(t, "id")
	if counted[id]--; counted[id] == 0 {
		delete(counted, id)
	}
	return id, true
}

func checkIndex(t *rapid.T, x *labelIndex, classes, queries map[uint32]int) {
	want := map[string]bool{}
	for q := range queries {
		sel, _ := selector.Parse(x.queries.at(q).text)
		for c := range classes {
			match := sel.Matches(x.classes.of(x.classes.classes.at(c)))
			if x.matches(x.queries.at(q), x.classes.classes.at(c)) != match {
				t.Fatalf("%s matches class %d: want %v", sel, c, match)
			}
			if match {
				want[fmt.Sprint(q, " ", c)] = true
			}
		}
	}
	found := func(direction string, run func(yield func(q, c uint32))) {
		got := map[string]bool{}
		run(func(q, c uint32) {
			pair := fmt.Sprint(q, " ", c)
			if got[pair] {
				t.Fatalf("%s: %s is found twice", direction, pair)
			}
			got[pair] = true
		})
		if !maps.Equal(got, want) {
			t.Fatalf("%s: %v, want %v", direction, got, want)
		}
	}
	found("queries of classes", func(yield func(q, c uint32)) {
		for c := range classes {
			x.queriesOf(c, func(*query) bool { return true }, func(q uint32) { yield(q, c) })
		}
	})
	found("classes of queries", func(yield func(q, c uint32)) {
		for q := range queries {
			x.classesOf(q, func(c uint32) { yield(q, c) })
		}
	})
}

// TestPlacesComeAndGoWithWhatIsThere: a label that is asked for has had many values.
func TestPlacesComeAndGoWithWhatIsThere(t *testing.T) {
	s := newClassStore()
	q, err := s.index.holdQuery(`has(version)`)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		s.leave(s.join(map[string]string{"version": fmt.Sprint(i)}, 0, "", nil))
	}
	if n := s.index.places.size(); n > 2 {
		t.Errorf("%d places, want those of has(version) and of what matches anywhere", n)
	}
	s.index.releaseQuery(q)
	if n := s.index.places.size(); n > 1 {
		t.Errorf("%d places, want that of what matches anywhere", n)
	}
}

func TestOnlyLabelsThatAreAskedForHavePlaces(t *testing.T) {
	s := newClassStore()
	for i := range 100 {
		s.join(map[string]string{"app": "web", "id": fmt.Sprint(i)}, 0, "", nil)
	}
	if n := s.index.links.size(); n != 0 {
		t.Errorf("%d links though nothing is asked for", n)
	}
	q, _ := s.index.holdQuery(`app == "web"`)
	if n := s.index.links.size(); n != 101 {
		t.Errorf("%d links, want one of each class and one of the query", n)
	}
	s.index.releaseQuery(q)
	if n := s.index.links.size(); n != 0 {
		t.Errorf("%d links are left", n)
	}
}

func TestLabelsOfAClass(t *testing.T) {
	g := New(Options{})
	g.updateNamespace(model.Key{Name: "shop"}, &model.Namespace{Labels: map[string]string{"team": "a", "own": "namespace"}})
	g.updateServiceAccount(model.Key{Namespace: "shop", Name: "db"}, &model.ServiceAccount{Labels: map[string]string{"grade": "high"}})
	space := g.classes.holdSpace("shop")
	long := strings.Repeat("x", 300)
	c := g.classes.classes.at(g.classes.join(map[string]string{"app": "web", "empty": "", "pcns.own": "pod", "long": long}, space, "db", nil))
	want := map[string]string{
		"app": "web", "empty": "", "long": long, "pcns.own": "namespace", "pcns.team": "a", "pcns.projectcalico.org/name": "shop",
		"pcsa.grade": "high", "pcsa.projectcalico.org/name": "db",
	}
	got := map[string]string{}
	g.classes.of(c).each(func(name, value string) { got[name] = value })
	if !maps.Equal(got, want) {
		t.Errorf("labels are %v, want %v", got, want)
	}
	for name, value := range want {
		if v, ok := g.classes.of(c).Get(name); v != value || !ok {
			t.Errorf("%s is %q, %v, want %q", name, v, ok, value)
		}
	}
	if v, ok := g.classes.of(c).Get("absent"); ok {
		t.Errorf("absent is %q", v)
	}
}
