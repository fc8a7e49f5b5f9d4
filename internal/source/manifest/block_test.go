package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestBlockIsUsed: what manifests are written in is read without the YAML library, or its speed is lost.
func TestBlockIsUsed(t *testing.T) {
	for _, text := range []string{
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n",
		"--- # a comment\n# another\n\na: b # and one more\n",
		"labels: {}\nlist: []\nnets: [10.0.0.0/8, fd00::/8, \"::/0\"]\nnested: {a: [1, true], b: {c: 'd'}}\n",
		"rules:\n- action: Allow\n  source:\n    selector: a == 'b' && has(c)\n- action: Deny\n",
		"rules:\n  -\n    a: b\n  - - c\n    - d\n",
		"\"quoted\": \"a\\nb\\\"c\\\"\"\n'single': 'it''s'\n",
		"script: |\n  #!/bin/sh\n  if true; then\n    echo\n\n  fi\nafter: |-\n  x\n",
		"time: 2024-01-01T00:00:00Z\nimage: registry:5000/a@sha256:0\nurl: http://[::1]:80/\n",
	} {
		if _, ok := parseBlock(chunk{text, 1}, limits{depth: 100}); !ok {
			t.Errorf("not read:\n%s", text)
		}
	}
}

// TestBlockGivesUp: what the parser does not know in full, it must not touch.
func TestBlockGivesUp(t *testing.T) {
	for _, text := range []string{
		"", "# nothing\n", "text\n", "a: &x b\n", "a: *x\n", "a: !!str 1\n", "a: >\n  folded\n", "a: |2\n   b\n", "a: |+\n  b\n",
		"a: b\n  continued\n", "a:\n  text\n", "a: \"b\n  c\"\n", "a: [b,\n c]\n", "a:\tb\n", "a: b\r\n", "? a\n: b\n", "<<: {a: b}\n",
		"a: b\n c: d\n", "a: b: c\n", "a: 'b' c\n", "a: @b\n", "a: %b\n", "{a: b}\n", "--- {a: b}\n", "a: b\n...\n", "%YAML 1.2\n",
		"a: b\n- c\n", "a: \"\\x41\"\n", "a: \x00\n", "a: \xff\n", "a: b\u0085c: d\n", "a: b\u2028\n", "a: |\n  b", "a: |\n\n  b\n",
		strings.Repeat("k", 1100) + ": v\n",
	} {
		if n, ok := parseBlock(chunk{text, 1}, limits{depth: 100}); ok {
			t.Errorf("%q is read as %s", text, n.appendJSON(nil))
		}
	}
	if _, ok := parseBlock(chunk{"a: [[[[[]]]]]\n", 1}, limits{depth: 4}); ok {
		t.Error("the limit of depth is not kept")
	}
}

// TestBlockAgainstLibrary writes random documents in the many ways that people do, and wants the fast parser
// to read each as the YAML library does, lines included.
func TestBlockAgainstLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(drawMapping(t, 3), "\n") + "\n"
		c := chunk{text, 1}
		slow, err := parseYAML(c, limits{depth: 100, aliased: 0})
		if err != nil {
			t.Fatalf("the library does not read it: %v\n%s", err, text)
		}
		fast, ok := parseBlock(c, limits{depth: 100})
		if !ok {
			t.Fatalf("the parser gives up on\n%s", text)
		}
		if diff := cmp.Diff(tree(slow), tree(fast)); diff != "" {
			t.Fatalf("-library +fast:\n%s\n%s", diff, text)
		}
	})
}

var (
	someKeys    = []string{"a", "nodeName", "cni.projectcalico.org/podIPs", `"quoted key"`, "'single'", "a b", "x-y", "k8s:app", "1", "true", "-d"}
	someScalars = []string{
		"web", "10.0.0.0/8", "fd00:10:244::/48", "fd00::1", "0644", "0x1F", "007", "1.10", "-5", "+5", "1e3", ".5", "~", "null", "true", "False",
		"yes", "on", `"text"`, `"a \"b\" \\ \n c"`, "''", "'it''s'", `"#no comment"`, "a#b", "app == 'web' && x in {'a', 'b'}", "[]", "{}",
		"[a, 'b', \"c\", 1, [d], {e: f}]", "{a: 1, \"b\": [c], d: {}}", "2024-01-01", "http://a:80/", "-x", "a, b", "a [b]", "é ü 日本",
	}
	someComments = []string{"", "", "", " # a comment", "   # key: value"}
)

// drawScalar returns a scalar with or without a comment. None begins with a colon, which is left to the library.
func drawScalar(t *rapid.T) string {
	s := rapid.SampledFrom(someScalars).Draw(t, "scalar")
	return s + rapid.SampledFrom(someComments).Draw(t, "comment")
}

// drawMapping returns the lines of a mapping, at no indent.
func drawMapping(t *rapid.T, depth int) []string {
	var lines []string
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom(someKeys), 1, 4, rapid.ID).Draw(t, "keys")
	for _, k := range keys {
		lines = append(lines, drawValue(t, k+":", depth, true)...)
		if rapid.IntRange(0, 5).Draw(t, "gap") == 0 {
			lines = append(lines, rapid.SampledFrom([]string{"", "  ", "# comment", "      # comment"}).Draw(t, "blank"))
		}
	}
	return lines
}

// drawSequence returns the lines of a sequence, at no indent.
func drawSequence(t *rapid.T, depth int) []string {
	var lines []string
	for range rapid.IntRange(1, 3).Draw(t, "elements") {
		if depth > 0 && rapid.IntRange(0, 2).Draw(t, "compact") == 0 {
			inner := drawMapping(t, depth-1)
			if rapid.Bool().Draw(t, "in sequence") {
				inner = drawSequence(t, depth-1)
			}
			lines = append(lines, compact(inner)...)
			continue
		}
		lines = append(lines, drawValue(t, "-", depth, false)...)
	}
	return lines
}

// drawValue returns the lines of a key or dash and its value.
func drawValue(t *rapid.T, head string, depth int, ofKey bool) []string {
	kinds := 3
	if depth <= 0 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds+1).Draw(t, "kind") {
	case 0:
		return []string{head + rapid.SampledFrom(someComments).Draw(t, "comment")}
	case 1:
		header := rapid.SampledFrom([]string{" |", " |-"}).Draw(t, "literal")
		return append([]string{head + header}, indent(2, []string{"text: [", "  more", "", "# end"})...)
	case 2, 3:
		return []string{head + " " + drawScalar(t)}
	}
	width := rapid.IntRange(1, 4).Draw(t, "width")
	if rapid.Bool().Draw(t, "sequence") {
		if ofKey && rapid.Bool().Draw(t, "indentless") {
			width = 0
		}
		return append([]string{head}, indent(width, drawSequence(t, depth-1))...)
	}
	return append([]string{head}, indent(width, drawMapping(t, depth-1))...)
}

// compact puts a collection on the line of its dash.
func compact(lines []string) []string {
	out := indent(2, lines)
	out[0] = "- " + lines[0]
	return out
}

func indent(width int, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l
		if l != "" {
			out[i] = strings.Repeat(" ", width) + l
		}
	}
	return out
}
