package selector

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// expr is the slow, obvious model of the language: a tree as it was written, with no
// canonical form, evaluated as the documentation reads.
type expr struct {
	op     string // "==", "!=", "in", "not in", "contains", "starts with", "ends with", "has", "all", "global", "!", "&&", "||"
	label  string
	values []string
	args   []*expr
}

// eval evaluates the expression as if it were written in the given scope.
func (e *expr) eval(scope Scope, labels map[string]string) bool {
	prefix := map[Scope]string{Namespaces: "pcns.", ServiceAccounts: "pcsa."}[scope]
	value, present := labels[prefix+e.label]
	among := false
	for _, v := range e.values {
		among = among || v == value
	}
	switch e.op {
	case "==", "in":
		return present && among
	case "!=", "not in":
		return !(present && among)
	case "contains":
		return present && strings.Contains(value, e.values[0])
	case "starts with":
		return present && strings.HasPrefix(value, e.values[0])
	case "ends with":
		return present && strings.HasSuffix(value, e.values[0])
	case "has":
		return present
	case "all":
		member := map[Scope]string{Namespaces: NamespaceLabel, ServiceAccounts: ServiceAccountLabel}[scope]
		_, in := labels[member]
		return in || scope == Endpoints
	case "global":
		_, in := labels[NamespaceLabel]
		return !in
	case "!":
		return !e.args[0].eval(scope, labels)
	case "&&":
		for _, a := range e.args {
			if !a.eval(scope, labels) {
				return false
			}
		}
		return true
	case "||":
		for _, a := range e.args {
			if a.eval(scope, labels) {
				return true
			}
		}
		return false
	}
	panic("operator " + e.op)
}

// print writes the expression as somebody might have: any quotes, any spaces, and
// parentheses wherever they may stand.
func (e *expr) print(t *rapid.T) string {
	space := func() string { return rapid.SampledFrom([]string{"", " ", " \t", "\n  "}).Draw(t, "space") }
	some := func() string { return rapid.SampledFrom([]string{" ", "\t", "  "}).Draw(t, "some space") }
	quoted := func(v string) string {
		if strings.Contains(v, `"`) || !strings.Contains(v, `'`) && rapid.Bool().Draw(t, "single") {
			return `'` + v + `'`
		}
		return `"` + v + `"`
	}
	switch e.op {
	case "==", "!=":
		return e.label + space() + e.op + space() + quoted(e.values[0])
	case "contains", "starts with", "ends with":
		return e.label + some() + strings.ReplaceAll(e.op, " ", space()) + space() + quoted(e.values[0])
	case "in", "not in":
		var values []string
		for _, v := range e.values {
			values = append(values, space()+quoted(v)+space())
		}
		return e.label + some() + strings.ReplaceAll(e.op, " ", space()) + space() + "{" + strings.Join(values, ",") + "}"
	case "has":
		return "has(" + space() + e.label + space() + ")"
	case "all", "global":
		return e.op + "(" + space() + ")"
	case "!":
		return "!" + space() + e.args[0].printOperand(t)
	}
	var args []string
	for _, a := range e.args {
		args = append(args, a.printOperand(t))
	}
	return strings.Join(args, space()+e.op+space())
}

func (e *expr) printOperand(t *rapid.T) string {
	if e.op == "&&" || e.op == "||" || rapid.IntRange(0, 4).Draw(t, "superfluous") == 0 {
		return "(" + e.print(t) + ")"
	}
	return e.print(t)
}

// Few labels and values, so that tests hit often; among them awkward ones.
func someLabel() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"a", "b", "in", "all", "x.org/n-1", NamespaceLabel})
}

func someValue() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "x", "y", "xy", "yx", `"`, `it's`, "&& ("})
}

func someExpr(depth int) *rapid.Generator[*expr] {
	return rapid.Custom(func(t *rapid.T) *expr {
		ops := []string{"==", "!=", "in", "not in", "contains", "starts with", "ends with", "has", "all", "global"}
		if depth > 0 {
			ops = append(ops, "!", "&&", "||", "!", "&&", "||", "&&", "||")
		}
		e := &expr{op: rapid.SampledFrom(ops).Draw(t, "op")}
		switch e.op {
		case "!":
			e.args = []*expr{someExpr(depth-1).Draw(t, "arg")}
		case "&&", "||":
			e.args = rapid.SliceOfN(someExpr(depth-1), 2, 4).Draw(t, "args")
		case "all", "global":
		default:
			e.label = someLabel().Draw(t, "label")
			e.values = []string{someValue().Draw(t, "value")}
			if e.op == "in" || e.op == "not in" {
				e.values = rapid.SliceOfN(someValue(), 0, 4).Draw(t, "values")
			}
		}
		return e
	})
}

// someLabels carry labels of the endpoint itself and inherited ones.
func someLabels() *rapid.Generator[map[string]string] {
	name := rapid.Custom(func(t *rapid.T) string {
		prefix := rapid.SampledFrom([]string{"", "", NamespacePrefix, ServiceAccountPrefix}).Draw(t, "prefix")
		return prefix + someLabel().Draw(t, "name")
	})
	member := rapid.SampledFrom([]string{NamespaceLabel, ServiceAccountLabel})
	return rapid.MapOfN(rapid.OneOf(name, member), someValue(), 0, 8)
}

func someScope() *rapid.Generator[Scope] {
	return rapid.SampledFrom([]Scope{Endpoints, Namespaces, ServiceAccounts})
}

func TestAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := someExpr(4).Draw(t, "expression")
		scope := someScope().Draw(t, "scope")
		text := e.print(t)
		s, err := ParseIn(scope, text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := Parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%s\n is read as   %s\n and again as %v, %v", text, s, again, err)
		}
		not := Not(s)
		if Not(not).String() != s.String() {
			t.Fatalf("twice the opposite of %s is %s", s, Not(not))
		}
		for i := range 8 {
			labels := someLabels().Draw(t, fmt.Sprintf("labels %d", i))
			want := e.eval(scope, labels)
			for _, s := range []*Selector{s, again} {
				if s.Matches(Map(labels)) != want {
					t.Fatalf("%v: %s\n read as %s\n on %v, want %v", scope, text, s, labels, want)
				}
			}
			if not.Matches(Map(labels)) == want {
				t.Fatalf("%s, the opposite of %s, on %v", not, s, labels)
			}
			checkRestrictions(t, s, labels)
		}
	})
}

// TestOrderDoesNotMatter shuffles operands at every level: the canonical form is the same.
func TestOrderDoesNotMatter(t *testing.T) {
	var shuffled func(t *rapid.T, e *expr) *expr
	shuffled = func(t *rapid.T, e *expr) *expr {
		out := *e
		out.args = nil
		for _, a := range e.args {
			out.args = append(out.args, shuffled(t, a))
		}
		if len(e.args) > 1 {
			out.args = rapid.Permutation(out.args).Draw(t, "order")
		}
		if len(e.values) > 1 {
			out.values = rapid.Permutation(e.values).Draw(t, "values")
		}
		return &out
	}
	rapid.Check(t, func(t *rapid.T) {
		e := someExpr(3).Draw(t, "expression")
		a, b := MustParse(e.print(t)), MustParse(shuffled(t, e).print(t))
		if a.String() != b.String() || a.ID() != b.ID() {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}

// TestAndAgreesWithBoth compares And with its operands.
func TestAndAgreesWithBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := MustParse(someExpr(2).Draw(t, "a").print(t))
		b := MustParse(someExpr(2).Draw(t, "b").print(t))
		both := And(a, b)
		labels := Map(someLabels().Draw(t, "labels"))
		if want := a.Matches(labels) && b.Matches(labels); both.Matches(labels) != want {
			t.Fatalf("%s and %s: %s on %v, want %v", a, b, both, labels, want)
		}
		if text := And(b, a, b).String(); text != both.String() {
			t.Fatalf("%s, the other way round %s", both, text)
		}
	})
}
