package manifest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/margay-net/margay/api"
	"github.com/rogpeppe/go-internal/txtar"
)

// addCorpus seeds a fuzz test with every file of testdata.
func addCorpus(f *testing.F) {
	f.Helper()
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "want" {
				f.Add(string(file.Data))
			}
		}
	}
	seeds, _ := filepath.Glob("testdata/seeds/*.yaml")
	for _, path := range seeds {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	if len(archives) == 0 || len(seeds) == 0 {
		f.Fatal("no corpus")
	}
}

// FuzzRead feeds anything to the reader: it must come back, with lines that are lines, and objects that can
// be validated.
func FuzzRead(f *testing.F) {
	addCorpus(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"a.yaml", "a.json"} {
			file := New(Options{MaxDepth: 30, MaxAliased: 1000}).Read(name, text)
			if text == "" && file.Complete {
				t.Error("an empty file is complete")
			}
			for _, d := range file.Documents {
				if d.Object == nil && len(d.Problems) == 0 {
					t.Errorf("document %d is neither an object nor a problem", d.Index)
				}
				if d.Object != nil && d.Identified() && d.Object.GetName() != d.Key.Name {
					t.Errorf("key %v, but name %q", d.Key, d.Object.GetName())
				}
				if r, ok := d.Object.(api.Resource); ok {
					r.Default()
					for _, e := range r.Validate() {
						d.Problems = append(d.Problems, d.Report(e))
					}
				}
				for _, p := range d.Problems {
					checkLine(t, p, text)
				}
			}
		}
	})
}

// checkLine checks that a problem is one line of text that points into the file.
func checkLine(t *testing.T, p Problem, text string) {
	t.Helper()
	if strings.ContainsAny(p.Message, "\n\r") || p.Message == "" {
		t.Errorf("message %q", p.Message)
	}
	if lines := strings.Count(text, "\n") + 2; p.Line < 0 || p.Line > lines {
		t.Errorf("line %d of %d: %s", p.Line, lines, p)
	}
}

// FuzzBlock holds the fast parser against the YAML library: what it accepts, the library accepts too, with
// the same result.
func FuzzBlock(f *testing.F) {
	addCorpus(f)
	for _, s := range []string{
		"a: |\n  b\n   c\n\n  d\ne: |-\n  f\n", "- a\n- - b\n  - c\n-\n  d: e\n", "a: [b, {c: d}, 'e', \"f\\n\"]\n",
		"a:\n- b\n- c: d\n  e: f\ng: h # i\n", "'a b': \"c\" # d\n\"e\":\n  f: -1.5e3\n", "a: [fd00::1, fd00::/8, 1, ~]\n",
		"a: b: c\n", "a: b\n c\n", "a: 'b\n", "- a: b\n c: d\n", "a:\n  - b\n - c\n", "a: {b: c, }\n", "a: [b,, c]\n",
		"a: 0644\nb: 0x1F\nc: 1_000\nd: +1\ne: .5\nf: 1e400\n", "a: - b\n", "? a\n: b\n", "a: &b c\nd: *b\n", "<<: {a: b}\n",
		"a: | # c\n  d\n", "a: |\n\n  b\n", "a: |\n b", "- |\n a\n- b\n", "a:\n# c\n  b: c\n", "-a: b\n-1: c\n", "a : b\n", "a #b: c\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lim := limits{depth: 30, aliased: 1000}
		c, _, _ := nextChunk(text, 1)
		fast, ok := parseBlock(c, lim)
		if !ok {
			return
		}
		slow, err := parseYAML(c, lim)
		if err != nil {
			t.Fatalf("%q: accepted as %s, but: %v", c.text, fast.appendJSON(nil), err)
		}
		if diff := cmp.Diff(tree(slow), tree(fast)); diff != "" {
			t.Fatalf("%q: -library +fast:\n%s", c.text, diff)
		}
	})
}

// outline is a node in the form of the fuzz test: what follows from the text, and the line where it is
// clear which one that is.
type outline struct {
	Kind  string
	Text  string
	Plain bool
	Line  int32
	Kids  []outline
}

func tree(n *node) outline {
	c := outline{Kind: n.kind.String(), Text: n.text, Plain: n.plain && n.kind == isText, Line: n.line}
	if n.kind == isNull {
		c.Line = 0
	}
	for _, k := range n.kids {
		c.Kids = append(c.Kids, tree(k))
	}
	return c
}

// FuzzJSON holds the JSON parser against encoding/json: they accept the same, and read the same from it.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a": [1, -2.5e+3, true, false, null, "b\u00e9\ud83d\ude00\n\"\\\/"], "c": {}}`, `[]`, `{"a":1}{"b":2}`, ` 1 `, `"\ud800"`,
		`{"a" 1}`, `{"a":1,}`, `[1,]`, `01`, `1.`, `-`, `"\x"`, `"a`, "\"\n\"", `tru`, `[[[[[[`, `{"a":{"b":{"c":1}}}`, "\xff", "\"\xff\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "---") || !utf8.ValidString(text) {
			return // a marker; what is no UTF-8, encoding/json repairs
		}
		p := newJSONParser(chunk{text, 1}, limits{depth: 1000})
		n, err := p.next()
		if p.space(); err == nil && p.at < len(text) || errors.Is(err, io.EOF) {
			err = errors.New("not one value")
		}
		if valid := json.Valid([]byte(text)); valid != (err == nil) && !deep(text) {
			t.Fatalf("%q: valid: %v, but %v", text, valid, err)
		}
		if err != nil {
			return
		}
		var want, got any
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			return // a number beyond float64
		}
		if err := json.Unmarshal(n.appendJSON(nil), &got); err != nil {
			t.Fatalf("%q becomes %s: %v", text, n.appendJSON(nil), err)
		}
		if diff := cmp.Diff(want, got); diff != "" && !repeats(n) {
			t.Fatalf("%q: -encoding/json +ours:\n%s", text, diff)
		}
	})
}

// deep reports whether the text may be nested deeper than the test's limit.
func deep(text string) bool { return strings.Count(text, "[")+strings.Count(text, "{") > 900 }

// repeats reports whether there is a key twice, of which encoding/json merges the values.
func repeats(n *node) bool {
	d := decoder{}
	d.duplicates(n)
	return len(d.found) > 0
}
