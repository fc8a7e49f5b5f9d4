package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// load makes a resource of a spec in YAML, and fills in the defaults.
func load(t *testing.T, kind, name, spec string) Resource {
	t.Helper()
	r := New(kind)
	if r == nil {
		t.Fatalf("no kind %s", kind)
	}
	text := "spec:\n  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ")
	if err := yaml.UnmarshalStrict([]byte(text), r); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	r.SetName(name)
	r.Default()
	return r
}

// lines returns the problems of a resource as text, warnings marked.
func lines(r Resource) []string {
	var got []string
	for _, e := range r.Validate() {
		line := e.Error()
		if e.Warning {
			line = "warning: " + line
		}
		got = append(got, line)
	}
	return got
}

func TestKinds(t *testing.T) {
	for _, kind := range Kinds() {
		r := New(kind)
		if r == nil {
			t.Fatalf("no kind %s", kind)
		}
		r.SetName("x")
		r.Default()
		before, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Default()
		after, _ := json.Marshal(r)
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("%s: defaults of defaults differ: %s", kind, diff)
		}
		again := New(kind)
		if err := json.Unmarshal(after, again); err != nil {
			t.Errorf("%s: does not read what it writes: %v", kind, err)
		}
	}
	if New("NetworkPolcy") != nil {
		t.Error("a misspelt kind exists")
	}
	if !Namespaced("NetworkPolicy") || Namespaced("GlobalNetworkPolicy") {
		t.Error("Namespaced is wrong about policies")
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		kind, name string
		want       []string
	}{
		{"NetworkSet", "", []string{"metadata.name: required"}},
		{"NetworkSet", "a.b-c", nil},
		{"NetworkSet", "A", []string{`metadata.name="A": must be at most 253 lower case letters, digits, - and .`}},
		{"Tier", "a.b", []string{`metadata.name="a.b": a tier's name is at most 63 lower case letters, digits and -, without dots`}},
	} {
		if diff := cmp.Diff(c.want, lines(load(t, c.kind, c.name, "{}"))); diff != "" {
			t.Errorf("%s %q: -want +got:\n%s", c.kind, c.name, diff)
		}
	}
}

func TestLabels(t *testing.T) {
	s := &NetworkSet{}
	s.Name = "s"
	s.Labels = map[string]string{"a b": "c", "d": "e f", "good": "value", namespaceLabel: "x"}
	want := []string{
		`metadata.labels="a b": not a label's name`,
		`metadata.labels.d="e f": not a label's value: at most 63 letters, digits, - _ and .`,
		`metadata.labels.projectcalico.org/namespace="x": the label is given by the object's namespace, it cannot be set`,
	}
	if diff := cmp.Diff(want, lines(s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFieldError(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct {
		err  FieldError
		want string
	}{
		{FieldError{Field: "spec.cidr", Message: "required"}, "spec.cidr: required"},
		{FieldError{Field: "spec.cidr", Value: "a\nb", Message: "bad"}, `spec.cidr="a\nb": bad`},
		{FieldError{Field: "f", Value: long, Message: "bad"}, `f="` + long[:80] + `"…: bad`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestRuleOf(t *testing.T) {
	for field, want := range map[string]RuleRef{
		"spec.ingress[2].source.nets[0]":     {PolicyTypeIngress, 2},
		"spec.egress[0]":                     {PolicyTypeEgress, 0},
		"spec.ingress[1].from[0].ipBlock":    {PolicyTypeIngress, 1},
		"spec.egress[12].destination.ports":  {PolicyTypeEgress, 12},
		"spec.ingress[3].metadata.something": {PolicyTypeIngress, 3},
	} {
		if got, ok := RuleOf(field); !ok || got != want {
			t.Errorf("%s: got %v, %v", field, got, ok)
		}
	}
	for _, field := range []string{"", "spec.ingress", "spec.selector", "spec.ingress[", "spec.ingress[x].a", "spec.ingress[-1]", "a.spec.ingress[0]"} {
		if got, ok := RuleOf(field); ok {
			t.Errorf("%q leads to %v", field, got)
		}
	}
}

func TestSplitTierName(t *testing.T) {
	for _, c := range []struct {
		tier, name          string
		wantTier, wantShort string
		ok                  bool
	}{
		{"", "default.foo", "default", "foo", true},
		{"", "security.bar", "security", "bar", true},
		{"security", "security.bar", "security", "bar", true},
		{"security", "security.a.b", "security", "a.b", true},
		{"security", "default.bar", "security", "default.bar", false},
		{"security", "bar", "security", "bar", false},
		{"", "bar", "default", "bar", false},
		{"", "default.", "default", "default.", false},
	} {
		tier, short, ok := SplitTierName(c.tier, c.name)
		if tier != c.wantTier || short != c.wantShort || ok != c.ok {
			t.Errorf("%q %q: got %q, %q, %v", c.tier, c.name, tier, short, ok)
		}
	}
}

func TestPolicyTypes(t *testing.T) {
	for spec, want := range map[string][]PolicyType{
		"{}":                         {PolicyTypeIngress},
		"ingress: [{action: Allow}]": {PolicyTypeIngress},
		"egress: [{action: Allow}]":  {PolicyTypeEgress},
		"{ingress: [{action: Deny}], egress: [{action: Deny}]}": {PolicyTypeIngress, PolicyTypeEgress},
		"{types: [Egress], ingress: [{action: Allow}]}":         {PolicyTypeEgress},
	} {
		p, _ := load(t, "NetworkPolicy", "p", spec).(*NetworkPolicy)
		if !slices.Equal(p.Spec.Types, want) || p.Spec.Tier != DefaultTier {
			t.Errorf("%s: types %v, tier %s", spec, p.Spec.Types, p.Spec.Tier)
		}
	}
}
