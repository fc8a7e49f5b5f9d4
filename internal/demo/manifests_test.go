package demo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a directory of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	directory := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// names are those of a directory's files.
func names(t *testing.T, directory string) []string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestOnlyManifestsAreCopied(t *testing.T) {
	from := write(t, map[string]string{"a.yaml": "a", "b.yaml": "b", "b.yaml.changed": "c", "expected.txt": "d"})
	to := filepath.Join(t.TempDir(), "deep", "manifests")
	if err := copyManifests(from, to); err != nil {
		t.Fatal(err)
	}
	if got := names(t, to); !slices.Equal(got, []string{"a.yaml", "b.yaml"}) {
		t.Errorf("copied %v", got)
	}
}

func TestAFileIsReplacedAtOnce(t *testing.T) {
	directory := write(t, map[string]string{"a.yaml": "old"})
	file := filepath.Join(directory, "a.yaml")
	replace, err := prepareReplacement(file, "new")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, directory) {
		if name != "a.yaml" && !strings.HasPrefix(name, ".") {
			t.Errorf("an agent would read %s", name)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "old" {
		t.Errorf("replaced too early: %q", text)
	}
	if err := replace(); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); string(text) != "new" || os.SameFile(before, after) {
		t.Errorf("holds %q; written over: %t", text, os.SameFile(before, after))
	}
	if got := names(t, directory); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestThereIsOneChange(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"there are 0": {"a.yaml": ""},
		"there are 2": {"a.yaml.changed": "", "b.yaml.changed": ""},
	} {
		if _, err := findChange(write(t, files)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", files, err, want)
		}
	}
}

const nodeA = "kind: Node\nmetadata:\n  name: a\n  annotations:\n    projectcalico.org/IPv6Address: fd30::1/64\n"

func TestReadClusterThatIsWrong(t *testing.T) {
	for want, text := range map[string]string{
		"no Node in the manifests":               "kind: Pod\n",
		`x/z: no node is named "b"`:              nodeA + "---\nkind: Pod\nmetadata: {namespace: x, name: z}\nspec: {nodeName: b}\n",
		`pod x/z: ParseAddr("10.0.0.300")`:       nodeA + "---\nkind: Pod\nmetadata: {namespace: x, name: z}\nspec: {nodeName: a}\nstatus: {podIPs: [{ip: 10.0.0.300}]}\n",
		`node a: netip.ParsePrefix("fd30::/x")`:  strings.Replace(nodeA, "fd30::1/64", "fd30::/x", 1),
		"a.yaml: ":                               "kind: [\n",
		"cannot unmarshal string into Go struct": "kind: Node\nspec: text\n",
	} {
		_, err := ReadCluster(write(t, map[string]string{"a.yaml": text}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestReadClusterOfOneFamily(t *testing.T) {
	cluster, err := ReadCluster(write(t, map[string]string{"a.yaml": "# nothing yet\n---\n" + nodeA, "b.txt": "kind: ["}))
	if err != nil || len(cluster) != 1 || len(cluster[0].Addresses) != 1 || cluster.size() != 0 {
		t.Errorf("%+v, %v", cluster, err)
	}
}

func TestLastLines(t *testing.T) {
	file := filepath.Join(write(t, map[string]string{"log": "a\nb\nc\n"}), "log")
	for n, want := range map[int]string{1: "c", 2: "b\nc", 9: "a\nb\nc"} {
		if got := lastLines(file, n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := lastLines(file+".none", 3); !strings.Contains(got, "no such file") {
		t.Errorf("of no file: %q", got)
	}
}

func TestTheAgentsGetNoSettingsFromOutside(t *testing.T) {
	got := withoutSettings([]string{"PATH=/bin", "FELIX_IPV6SUPPORT=false", "felix_logseverityscreen=debug", "HOME=/"})
	if !slices.Equal(got, []string{"PATH=/bin", "HOME=/"}) {
		t.Errorf("left: %v", got)
	}
}

func TestTheDemoNeedsItsAgent(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("without root it comes to nothing earlier")
	}
	o := Options{Agent: "/nowhere/agent", Manifests: example, Directory: filepath.Join(t.TempDir(), "demo")}
	if err := Run(t.Context(), o); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "the agent's program") {
		t.Errorf("without an agent: %v", err)
	}
}
