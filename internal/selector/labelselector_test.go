package selector

import "testing"

func TestFromLabelSelector(t *testing.T) {
	for _, c := range []struct {
		scope       Scope
		labels      string
		expressions []Requirement
		want        string
	}{
		{Endpoints, ``, nil, `all()`},
		{Endpoints, `b=2,a=1`, nil, `a == "1" && b == "2"`},
		{Endpoints, `a=`, nil, `a == ""`},
		{Endpoints, ``, []Requirement{{"a", In, []string{"y", "x", "y"}}}, `a in {"x", "y"}`},
		{Endpoints, ``, []Requirement{{"a", NotIn, []string{"x"}}}, `a != "x"`},
		{Endpoints, ``, []Requirement{{"app.kubernetes.io/name", Exists, nil}}, `has(app.kubernetes.io/name)`},
		{Endpoints, ``, []Requirement{{"a", DoesNotExist, nil}}, `!has(a)`},
		{Endpoints, `a=1`, []Requirement{{"a", In, []string{"1"}}, {"b", NotIn, []string{"2", "3"}}}, `a == "1" && b not in {"2", "3"}`},
		{Namespaces, ``, nil, `has(projectcalico.org/namespace)`},
		{Namespaces, `kubernetes.io/metadata.name=x`, nil, `pcns.kubernetes.io/metadata.name == "x"`},
		{Namespaces, `a=1`, []Requirement{{"b", DoesNotExist, nil}}, `pcns.a == "1" && !has(pcns.b)`},
		// What is in no namespace lacks every pcns. label; Kubernetes means namespaces only.
		{Namespaces, ``, []Requirement{{"b", DoesNotExist, nil}}, `!has(pcns.b) && has(projectcalico.org/namespace)`},
		{Namespaces, ``, []Requirement{{"b", NotIn, []string{"x", "y"}}}, `pcns.b not in {"x", "y"} && has(projectcalico.org/namespace)`},
		{ServiceAccounts, `a=1`, nil, `pcsa.a == "1"`},
	} {
		s, err := FromLabelSelector(c.scope, parseMap(c.labels), c.expressions)
		if err != nil {
			t.Errorf("%v {%s} %v: %v", c.scope, c.labels, c.expressions, err)
		} else if s.String() != c.want {
			t.Errorf("%v {%s} %v\n is  %s\nwant %s", c.scope, c.labels, c.expressions, s, c.want)
		}
	}
}

func TestFromLabelSelectorErrors(t *testing.T) {
	for _, c := range []struct {
		labels      Map
		expressions []Requirement
		want        string
	}{
		{Map{"a b": "x"}, nil, `matchLabels: label name "a b": character ' ', expected letters, digits, and _ . / -`},
		{Map{"a": `'"`}, nil, `matchLabels: label a: value "'\"" has both kinds of quotes, no selector can say that`},
		{nil, []Requirement{{"a", In, nil}}, `matchExpressions[0]: label a: In without values`},
		{nil, []Requirement{{"a", Exists, nil}, {"a", NotIn, nil}}, `matchExpressions[1]: label a: NotIn without values`},
		{nil, []Requirement{{"a", Exists, []string{"x"}}}, `matchExpressions[0]: label a: Exists with values ["x"]`},
		{nil, []Requirement{{"a", DoesNotExist, []string{"x"}}}, `matchExpressions[0]: label a: DoesNotExist with values ["x"]`},
		{nil, []Requirement{{"a", "Gt", []string{"1"}}}, `matchExpressions[0]: label a: operator "Gt", expected In, NotIn, Exists or DoesNotExist`},
		{nil, []Requirement{{"", Exists, nil}}, `matchExpressions[0]: an empty label name`},
	} {
		_, err := FromLabelSelector(Endpoints, c.labels, c.expressions)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v %v\n is  %v\nwant %s", c.labels, c.expressions, err, c.want)
		}
	}
}
