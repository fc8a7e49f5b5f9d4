package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/margay-net/margay/api"
)

func namespace(name string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + name + "\n"
}

// TestWholeFiles checks what concerns a file as a whole, with the one problem that it has.
func TestWholeFiles(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string
	}{
		{"empty", "", "f.yaml: empty: there is no document in the file"},
		{"blank", " \n\n", "f.yaml: empty: there is no document in the file"},
		{"too large", strings.Repeat("#", 1001), "f.yaml: larger than 1000 bytes"},
		{"UTF-16", "\xff\xfea\x00", "f.yaml: not UTF-8"},
		{"Latin-1", "a: \xe9\n", "f.yaml:1: document 1: incomplete UTF-8 octet sequence"},
		{"zero", "a: \x00\n", "f.yaml:1: document 1: control characters are not allowed"},
		{"binary", "\x7fELF\x02\x01\x01\x00", "f.yaml:1: document 1: control characters are not allowed"},
	} {
		f := New(Options{MaxSize: 1000}).Read("f.yaml", c.text)
		if f.Complete || len(f.Documents) != 1 || len(f.Documents[0].Problems) != 1 {
			t.Errorf("%s: %+v", c.name, f)
			continue
		}
		if got := f.Documents[0].Problems[0].String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestLineEnds: files of Windows, with a byte order mark or without.
func TestLineEnds(t *testing.T) {
	text := "\xef\xbb\xbf" + strings.ReplaceAll(namespace("a")+"---\n"+namespace("b"), "\n", "\r\n")
	f := New(Options{}).Read("f.yaml", text)
	if !f.Complete || len(f.Documents) != 2 || f.Documents[1].Key.Name != "b" || f.Documents[1].Line != 6 {
		t.Errorf("%+v", f)
	}
}

func TestLoad(t *testing.T) {
	r := New(Options{MaxSize: 10})
	for n, fits := range map[int]bool{0: false, 9: true, 10: true, 11: false, 1000: false} {
		text, err := r.Load(strings.NewReader(strings.Repeat("a", n)))
		if err != nil || len(text) > 11 {
			t.Errorf("%d bytes: %d read, %v", n, len(text), err)
		}
		f := r.Read("f", text)
		if refused := f.Documents[0].Index == 0; refused == fits {
			t.Errorf("%d bytes: %v", n, f.Documents[0].Problems)
		}
	}
}

// TestStop: who has seen enough can stop, in a stream of documents and in a list.
func TestStop(t *testing.T) {
	item := `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}`
	for _, text := range []string{
		strings.Repeat("---\n"+namespace("a"), 5),
		strings.Repeat(item, 5),
		`{"apiVersion": "v1", "kind": "List", "items": [` + strings.Repeat(item+",", 4) + item + `]}`,
	} {
		n := 0
		for range New(Options{}).Documents("f.yaml", text) {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%d documents", n)
		}
	}
}

// TestHostile reads files that were made to cost more than they weigh. That the test ends is what it tests.
func TestHostile(t *testing.T) {
	steps := make([]string, 2000)
	for i := range steps {
		steps[i] = strings.Repeat(" ", i) + "a:\n"
	}
	lists := namespace("a")
	for range 20 {
		lists = "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(lists), "\n", "\n  ") + "\n"
	}
	for name, text := range map[string]string{
		"brackets":      strings.Repeat("[", 1<<18),
		"braces":        strings.Repeat("{a: ", 1<<18),
		"json brackets": `{"a":` + strings.Repeat("[", 1<<18),
		"json objects":  strings.Repeat(`{"a":`, 1<<18),
		"dashes":        strings.Repeat("- ", 1<<18),
		"questions":     strings.Repeat("? ", 1<<18),
		"quotes":        strings.Repeat(`"`, 1<<18+1),
		"steps":         strings.Join(steps, ""),
		"lists":         lists,
		"anchors":       strings.Repeat("a: &a b\n", 1<<13),
		"comments":      "x: !!str y\n" + strings.Repeat("a: b\n# c\n\n# d\n", 1<<13),
	} {
		f := New(Options{}).Read(name, text)
		if f.Complete || len(f.Documents) != 1 {
			t.Errorf("%s: complete: %v, %d documents", name, f.Complete, len(f.Documents))
		}
	}
}

// TestMostProblems: an object of which nothing is right does not fill the log, and is not used.
func TestMostProblems(t *testing.T) {
	text := "apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: a}\nspec:\n  ingress:\n" +
		strings.Repeat("    - {actoin: Allow}\n", 5000)
	d := New(Options{}).Read("f.yaml", text).Documents[0]
	last := d.Problems[0] // by line
	if len(d.Problems) != mostProblems+1 || last.Message != "4800 more problems are not listed" || d.Usable() {
		t.Errorf("%d problems, of which %s", len(d.Problems), last)
	}
}

// TestReports: what could not be read is not reported again as missing.
func TestReports(t *testing.T) {
	d := New(Options{}).Read("f.yaml", `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: a
spec:
  ingress:
    - Allow
    - action: Deny
      source:
        nets: [17, 10.0.0.1/8]
    - action: Allow
      destination:
        ports: [80]
`).Documents[0]
	policy, ok := d.Object.(*api.NetworkPolicy)
	if !ok || !d.Usable() {
		t.Fatalf("%+v", d)
	}
	var got []string
	for _, p := range append(d.Problems, d.Reports(policy.Validate())...) {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Field))
	}
	want := []string{
		"7 spec.ingress[0]", "10 spec.ingress[1].source.nets[0]", "10 spec.ingress[1].source.nets[1]", "13 spec.ingress[2].destination.ports",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNamesInObjects: an object carries the identity of its key.
func TestNamesInObjects(t *testing.T) {
	for text, want := range map[string]Key{
		"apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: security.a}\nspec: {tier: security}\n": {
			"projectcalico.org/v3", "NetworkPolicy", "default", "a"},
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n":                      {"v1", "Pod", "default", "p"},
		"apiVersion: v1\nkind: Node\nmetadata: {name: n, namespace: nowhere}\n": {"v1", "Node", "", "n"},
	} {
		d := New(Options{}).Read("f.yaml", text).Documents[0]
		if d.Key != want || d.Object.GetName() != want.Name || d.Object.GetNamespace() != want.Namespace {
			t.Errorf("%v, and the object is %s/%s; want %v", d.Key, d.Object.GetNamespace(), d.Object.GetName(), want)
		}
		if p, ok := d.Object.(*api.NetworkPolicy); ok && p.Spec.Tier != "security" {
			t.Errorf("tier %q", p.Spec.Tier)
		}
	}
}

func TestLineOf(t *testing.T) {
	n, err := parseYAML(chunk{"metadata:\n  labels:\n    a.b/c: x\n    a: y\nspec:\n  l:\n  - k: 1\n    m: 2\n  - [3,\n     4]\n", 1}, limits{depth: 9})
	if err != nil {
		t.Fatal(err)
	}
	for field, line := range map[string]int{
		"metadata.labels.a.b/c": 3, "metadata.labels.a": 4, "spec": 5, "spec.l[0].m": 8, "spec.l[1][1]": 10, "spec.l[0].none": 7,
		"spec.l[7].k": 6, "spec.none": 5, "none": 99, "": 99, "spec.l[x]": 6, "metadata.labels[0]": 2,
	} {
		if got := n.lineOf(field, 99); got != line {
			t.Errorf("%q: line %d, want %d", field, got, line)
		}
	}
}

func TestResolve(t *testing.T) {
	for in, want := range map[string]struct {
		kind kind
		text string
	}{
		"": {isNull, ""}, "~": {isNull, ""}, "null": {isNull, ""}, "NULL": {isNull, ""}, "nil": {isText, "nil"},
		"true": {isBool, "true"}, "TRUE": {isBool, "true"}, "False": {isBool, "false"}, "tRue": {isText, "tRue"}, "yes": {isText, "yes"},
		"0": {isNumber, "0"}, "-17": {isNumber, "-17"}, "+17": {isNumber, "17"}, "0644": {isNumber, "420"}, "0o17": {isNumber, "15"},
		"0x1F": {isNumber, "31"}, "089": {isNumber, "89"}, "1.10": {isNumber, "1.10"}, "1e3": {isNumber, "1e3"}, ".5": {isNumber, "0.5"},
		"5.": {isNumber, "5"}, "18446744073709551615": {isNumber, "18446744073709551615"}, "1e": {isText, "1e"}, "1_000": {isText, "1_000"},
		".inf": {isText, ".inf"}, "-": {isText, "-"}, ".": {isText, "."}, "+": {isText, "+"}, "1.2.3.4": {isText, "1.2.3.4"},
		"10.0.0.0/8": {isText, "10.0.0.0/8"}, "2024-01-01": {isText, "2024-01-01"}, "1e400": {isNumber, "1e400"}, "0x": {isText, "0x"},
		"+1e400": {isText, "+1e400"}, "0x1p4": {isText, "0x1p4"}, "12e03": {isNumber, "12e03"}, "Infinity": {isText, "Infinity"},
	} {
		if k, text := resolve(in); k != want.kind || text != want.text {
			t.Errorf("%q: got %s %q, want %s %q", in, k, text, want.kind, want.text)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"source", "destination", "protocol", "notProtocol", "icmp"}
	for word, want := range map[string]string{
		"protocl": "protocol", "Source": "source", "dest": "", "sources": "source", "x": "", "ICMP": "icmp", strings.Repeat("p", 100): "",
	} {
		if want != "" {
			want = ", did you mean " + want
		}
		if got := didYouMean(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

// TestTexts: texts of objects are copies, and short ones are shared.
func TestTexts(t *testing.T) {
	var ts texts
	if a, b := ts.copy("app"), ts.copy("app"); a != b || len(ts.known) != 1 {
		t.Errorf("%q, %q, %d known", a, b, len(ts.known))
	}
	for i := range 3 * manyTexts {
		if s := fmt.Sprint(i); ts.copy(s) != s {
			t.Fatal(s)
		}
	}
	if len(ts.known) > manyTexts {
		t.Errorf("%d texts are known", len(ts.known))
	}
}
