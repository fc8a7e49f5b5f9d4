package selector

import (
	"strings"
	"testing"
)

func TestCanonicalSpelling(t *testing.T) {
	checkCanonical(t, []canonical{
		{``, `all()`},
		{" \t\r\n", `all()`},
		{`all()`, `all()`},
		{` ( all( ) ) `, `all()`},
		{`global()`, `!has(projectcalico.org/namespace)`},
		{`!all()`, `!all()`},

		// Spelling.
		{`a=='x'`, `a == "x"`},
		{`a == '"'`, `a == '"'`},
		{`a != "it's"`, `a != "it's"`},
		{`a == ''`, `a == ""`},
		{`a startswith 'x'`, `a starts with "x"`},
		{"a starts\n\twith 'x'", `a starts with "x"`},
		{`a endswith"x"`, `a ends with "x"`},
		{`a ends with 'x'`, `a ends with "x"`},
		{`a contains'x'`, `a contains "x"`},
		{`a notin{'x','y'}`, `a not in {"x", "y"}`},
		{`a  not  in  {'y', 'x', 'y',}`, `a not in {"x", "y"}`},
		{`has( a )`, `has(a)`},
		{`!!!has(a)`, `!has(a)`},
		{`! ! has(a)`, `has(a)`},
		{`a == "&& || ! ( ) { } has(b)"`, `a == "&& || ! ( ) { } has(b)"`},

		// Label names, and labels that are named like words of the language.
		{`projectcalico.org/name == 'x'`, `projectcalico.org/name == "x"`},
		{`pcns.kubernetes.io/metadata.name in {'x'}`, `pcns.kubernetes.io/metadata.name == "x"`},
		{`has(-a_/B.9)`, `has(-a_/B.9)`},
		{`has == 'x' && all == 'y' && global == 'z'`, `all == "y" && global == "z" && has == "x"`},
		{`in in {'in'} || not not in {'a','b'}`, `in == "in" || not not in {"a", "b"}`},
		{`contains contains 'contains'`, `contains contains "contains"`},
		{`has(has)`, `has(has)`},
	})
}

func TestCanonicalMeaning(t *testing.T) {
	checkCanonical(t, []canonical{
		// Tests that mean the same.
		{`a in {'x'}`, `a == "x"`},
		{`a not in {'x'}`, `a != "x"`},
		{`!(a == 'x')`, `a != "x"`},
		{`!a == 'x'`, `a != "x"`},
		{`!a != 'x'`, `a == "x"`},
		{`!(a in {'x', 'y'})`, `a not in {"x", "y"}`},
		{`!(a contains 'x')`, `!a contains "x"`},
		{`a in {}`, `!all()`},
		{`a not in {}`, `all()`},
		{`a contains ''`, `has(a)`},
		{`!a starts with ''`, `!has(a)`},

		// Junctions: && binds tighter.
		{`has(c) || has(a) && has(b)`, `has(c) || has(a) && has(b)`},
		{`(has(c) || has(a)) && has(b)`, `has(b) && (has(a) || has(c))`},
		{`has(c) && (has(b) && (has(a)))`, `has(a) && has(b) && has(c)`},
		{`has(a) || (has(a) || has(b))`, `has(a) || has(b)`},
		{`!(has(a) && has(b) || c == 'x')`, `c != "x" && (!has(a) || !has(b))`},
		{`!(!has(a) || has(b))`, `has(a) && !has(b)`},
		{`has(a) && all()`, `has(a)`},
		{`has(a) || all()`, `all()`},
		{`has(a) && !all()`, `!all()`},
		{`has(a) || !all()`, `has(a)`},
		{`(has(a) || has(b)) && (has(b) || has(a))`, `has(a) || has(b)`},
	})
}

// canonical is a text and its canonical form.
type canonical struct{ text, want string }

func checkCanonical(t *testing.T, cases []canonical) {
	t.Helper()
	for _, c := range cases {
		s, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if s.String() != c.want {
			t.Errorf("%s\n is  %s\nwant %s", c.text, s, c.want)
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%s is read back as %v, %v", s, again, err)
		}
	}
}

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		scope      Scope
		text, want string
	}{
		{Endpoints, `all()`, `all()`},
		{Endpoints, `team == 'red'`, `team == "red"`},
		{Namespaces, ``, `has(projectcalico.org/namespace)`},
		{Namespaces, `all()`, `has(projectcalico.org/namespace)`},
		{Namespaces, `!all()`, `!has(projectcalico.org/namespace)`},
		{Namespaces, `global()`, `!has(projectcalico.org/namespace)`},
		{Namespaces, `team == 'red' || has(x)`, `pcns.team == "red" || has(pcns.x)`},
		{Namespaces, `projectcalico.org/name in {'a', 'b'}`, `pcns.projectcalico.org/name in {"a", "b"}`},
		// An empty set is not all() and must not become "no namespace".
		{Namespaces, `a in {}`, `!all()`},
		// all() must survive beside a negative test, which global things pass.
		{Namespaces, `all() && env != 'prod'`, `pcns.env != "prod" && has(projectcalico.org/namespace)`},
		{Namespaces, `global() || env == 'dev'`, `pcns.env == "dev" || !has(projectcalico.org/namespace)`},
		{ServiceAccounts, `all()`, `has(projectcalico.org/serviceaccount)`},
		{ServiceAccounts, `role starts with 'x'`, `pcsa.role starts with "x"`},
		{ServiceAccounts, `global()`, `!has(projectcalico.org/namespace)`},
	} {
		s, err := ParseIn(c.scope, c.text)
		if err != nil {
			t.Errorf("%v: %s: %v", c.scope, c.text, err)
		} else if s.String() != c.want {
			t.Errorf("%v: %s\n is  %s\nwant %s", c.scope, c.text, s, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	const yes, no = true, false
	for _, c := range []struct {
		text   string
		labels string // k=v, ...
		want   bool
	}{
		{``, ``, yes},
		{`all()`, `a=x`, yes},
		{`!all()`, `a=x`, no},
		{`a == 'x'`, `a=x`, yes},
		{`a == 'x'`, `a=xx`, no},
		{`a == 'x'`, ``, no},
		{`a == ''`, `a=`, yes},
		{`a == ''`, ``, no},
		{`a != 'x'`, `a=x`, no},
		{`a != 'x'`, `a=y`, yes},
		{`a != 'x'`, ``, yes},
		{`a in {'x','y','z'}`, `a=y`, yes},
		{`a in {'x','y','z'}`, `a=w`, no},
		{`a in {'x','y','z'}`, ``, no},
		{`a in {}`, `a=x`, no},
		{`a not in {'x','y'}`, `a=y`, no},
		{`a not in {'x','y'}`, `a=z`, yes},
		{`a not in {'x','y'}`, ``, yes},
		{`a not in {}`, ``, yes},
		{`a contains 'bc'`, `a=abcd`, yes},
		{`a contains 'cb'`, `a=abcd`, no},
		{`a contains ''`, `a=abcd`, yes},
		{`a contains ''`, ``, no},
		{`!a contains 'bc'`, ``, yes},
		{`a starts with 'ab'`, `a=abcd`, yes},
		{`a starts with 'bc'`, `a=abcd`, no},
		{`a ends with 'cd'`, `a=abcd`, yes},
		{`a ends with 'bc'`, `a=abcd`, no},
		{`a ends with 'cd'`, ``, no},
		{`has(a)`, `a=`, yes},
		{`has(a)`, `b=`, no},
		{`!has(a)`, `b=`, yes},
		{`global()`, `a=x`, yes},
		{`global()`, `projectcalico.org/namespace=default`, no},
		{`a == 'x' && b == 'y'`, `a=x,b=y`, yes},
		{`a == 'x' && b == 'y'`, `a=x`, no},
		{`a == 'x' || b == 'y'`, `b=y`, yes},
		{`a == 'x' || b == 'y'`, `b=x`, no},
		{`a == 'x' || b == 'y' && c == 'z'`, `a=x`, yes},
		{`(a == 'x' || b == 'y') && c == 'z'`, `a=x`, no},
		{`!(a == 'x' && b == 'y')`, `a=x`, yes},
		{`!(a == 'x' && b == 'y')`, `a=x,b=y`, no},
		{`A == 'x'`, `a=x`, no},
		{`pcns.team == 'red'`, `pcns.team=red`, yes},
	} {
		if got := MustParse(c.text).Matches(parseMap(c.labels)); got != c.want {
			t.Errorf("%s on {%s}: %v, want %v", c.text, c.labels, got, c.want)
		}
	}
}

func TestMatchesDoesNotAllocate(t *testing.T) {
	s := MustParse(`(a in {'1','2','3'} || !has(b)) && c starts with 'x' && d != 'y' && !(e contains 'z')`)
	labels := Map{"a": "2", "c": "xx", "e": "e"}
	if n := testing.AllocsPerRun(100, func() { s.Matches(labels) }); n != 0 {
		t.Errorf("%v allocations for each Matches", n)
	}
}

func TestCombinations(t *testing.T) {
	ns, err := Equals(NamespaceLabel, "default")
	if err != nil {
		t.Fatal(err)
	}
	names, err := OneOf(ServiceAccountLabel, "b", "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	a, err := HasLabel("a")
	if err != nil {
		t.Fatal(err)
	}
	none, err := OneOf("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		selector *Selector
		want     string
	}{
		{All(), `all()`},
		{And(), `all()`},
		{Not(All()), `!all()`},
		{none, `!all()`},
		{And(ns), `projectcalico.org/namespace == "default"`},
		{And(ns, All(), MustParse(`b == 'x' && a == 'y'`)), `a == "y" && b == "x" && projectcalico.org/namespace == "default"`},
		{And(names, Not(a)), `!has(a) && projectcalico.org/serviceaccount in {"a", "b"}`},
		{And(a, MustParse(`has(a) || has(b)`)), `has(a) && (has(a) || has(b))`},
		{Not(And(a, ns)), `!has(a) || projectcalico.org/namespace != "default"`},
		{Not(Not(a)), `has(a)`},
	} {
		if c.selector.String() != c.want {
			t.Errorf("is %s, want %s", c.selector, c.want)
		}
	}
}

// TestOperandsStayAsTheyAre guards immutability: terms share slices between selectors.
func TestOperandsStayAsTheyAre(t *testing.T) {
	a, b := MustParse(`has(d) && has(b)`), MustParse(`has(c) && has(a)`)
	values := []string{"y", "x"}
	if _, err := OneOf("a", values...); err != nil {
		t.Fatal(err)
	}
	And(a, b)
	And(b, a)
	Not(And(a, b))
	a.Restrictions()
	for _, s := range []*Selector{a, b} {
		if got := made(s.root).String(); got != s.String() {
			t.Errorf("%s turned into %s", s, got)
		}
	}
	if values[0] != "y" {
		t.Error("OneOf sorted its caller's values")
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		name, value, want string
	}{
		{"", "x", `an empty label name`},
		{"a b", "x", `label name "a b": character ' ', expected letters, digits, and _ . / -`},
		{"a", `'"`, `label a: value "'\"" has both kinds of quotes, no selector can say that`},
	} {
		_, err := Equals(c.name, c.value)
		if err == nil || err.Error() != c.want {
			t.Errorf("Equals(%q, %q): %v, want %s", c.name, c.value, err, c.want)
		}
	}
	if _, err := HasLabel("a("); err == nil {
		t.Error("HasLabel takes a label name that no label has")
	}
}

func TestID(t *testing.T) {
	a, b := MustParse(`a == 'x' && has(b)`), MustParse(`(has(b)) && a in {"x"}`)
	if a.ID() != b.ID() {
		t.Errorf("%s and %s for one meaning", a.ID(), b.ID())
	}
	// printf 'all()' | openssl sha256 -binary | base32 | tr A-Z a-z | cut -c1-20
	if got, want := All().ID(), "ewudctcv7zrelfokqc6b"; got != want {
		t.Errorf("ID of all() is %s, want %s: identities must not change between versions", got, want)
	}
	if MustParse(`a == "x"`).ID() == MustParse(`a != "x"`).ID() {
		t.Error("one ID for opposites")
	}
	if id := a.ID(); len(id) != 20 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("ID %q", id)
	}
}

// parseMap reads "k=v,k=v".
func parseMap(text string) Map {
	m := Map{}
	for pair := range strings.SplitSeq(text, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			m[name] = value
		}
	}
	return m
}
