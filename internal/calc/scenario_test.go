package calc_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/margay-net/margay/internal/calc/calctest"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scenarios")

// TestScenarios runs the files of testdata: states, each followed by the output that it
// must come to, whatever came before it.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { scenario(t, file) })
	}
}

func scenario(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var states []calctest.State
	r := newRun(t)
	for i, section := range archive.Files {
		if section.Name != "output" {
			s, err := calctest.ParseState(string(section.Data))
			if err != nil {
				t.Fatalf("%s: %s: %v", file, section.Name, err)
			}
			states = append(states, s)
			r.goTo(s, order{})
			r.flush()
			continue
		}
		got := r.sink.String()
		if *update {
			archive.Files[i].Data = []byte(got)
		} else if diff := cmp.Diff(string(section.Data), got); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", archive.Files[i-1].Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	permute(t, states)
}
