package manifest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// TestFiles reads the files of each archive in testdata and compares what the reader says of them with the
// archive's file "want".
func TestFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			var want *txtar.File
			for i, f := range archive.Files {
				if f.Name == "want" {
					want = &archive.Files[i]
					continue
				}
				got.WriteString(transcript(New(Options{}), f.Name, string(f.Data)))
			}
			if *update {
				want.Data = []byte(got.String())
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want.Data), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// transcript tells in text what the reader makes of a file: a line for every object, and below it its
// problems.
func transcript(r *Reader, file, text string) string {
	var b strings.Builder
	f := r.Read(file, text)
	for _, d := range f.Documents {
		state := "read"
		switch {
		case !d.Identified():
			state = "unidentified"
		case d.Object == nil:
			state = "skipped"
		case !d.Usable():
			state = "in error"
		}
		fmt.Fprintf(&b, "%s:%d %s: %s\n", file, d.Line, d.Key, state)
		for _, p := range d.Problems {
			fmt.Fprintf(&b, "  %s: %s", p.Severity, p)
			if rule, ok := p.Rule(); ok {
				fmt.Fprintf(&b, " (%s rule %d)", rule.Direction, rule.Index)
			}
			b.WriteString("\n")
		}
	}
	if !f.Complete {
		fmt.Fprintf(&b, "%s is not complete\n", file)
	}
	return b.String()
}
