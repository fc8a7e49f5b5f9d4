package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBillOfAProgram(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Path: "example.org/agent", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.org/a", Version: "v1.0.0+incompatible", Sum: "h1:x="},
			{Path: "example.org/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/c", Version: "v2.0.0", Sum: "h1:y="}},
		},
		Settings: []debug.BuildSetting{{Key: "CGO_ENABLED", Value: "0"}},
	}
	got := billOf(info)
	want := []string{
		"application pkg:golang/example.org/agent []",
		"library pkg:golang/std@1.26.8 []",
		"library pkg:golang/example.org/a@v1.0.0%2Bincompatible [{go:sum h1:x=}]",
		"library pkg:golang/example.org/c@v2.0.0 [{go:sum h1:y=}]",
	}
	var lines, refs []string
	for i, c := range append([]component{got.Metadata.Component}, got.Components...) {
		var properties []string
		for _, p := range c.Properties {
			properties = append(properties, "{"+p.Name+" "+p.Value+"}")
		}
		lines = append(lines, c.Type+" "+c.URL+" ["+strings.Join(properties, " ")+"]")
		if i > 0 {
			refs = append(refs, c.Ref)
		}
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]dependency{{Ref: got.Metadata.Component.Ref, DependsOn: refs}}, got.Dependencies); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]property{{"go:build:CGO_ENABLED", "0"}}, got.Metadata.Properties); diff != "" {
		t.Error(diff)
	}
}

// TestBillOfThisTest reads a real program: the one that runs.
func TestBillOfThisTest(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := write(&first, program); err != nil {
		t.Fatal(err)
	}
	if err := write(&second, program); err != nil || first.String() != second.String() {
		t.Errorf("the second bill differs, %v", err)
	}
	var b map[string]any
	if err := json.Unmarshal(first.Bytes(), &b); err != nil || b["bomFormat"] != "CycloneDX" {
		t.Errorf("%v: %s", err, first.String())
	}
	if !strings.Contains(first.String(), `"pkg:golang/std@1.`) {
		t.Errorf("the standard library is missing:\n%s", first.String())
	}
}

func TestWhatIsNoProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(&bytes.Buffer{}, file); err == nil {
		t.Error("a text file has a bill")
	}
}
