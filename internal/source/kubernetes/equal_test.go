package kubernetes

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"sigs.k8s.io/yaml"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source/files"
)

// What a directory of manifests means, the same objects mean that a server has.
func TestBothSourcesMakeTheSameOfTheSame(t *testing.T) {
	for _, directory := range []string{"../../../examples/dual-stack", "../files/testdata/seeds"} {
		t.Run(filepath.Base(directory), func(t *testing.T) {
			s := newServer(t)
			s.serveCalico()
			for _, o := range objectsIn(t, directory) {
				s.put(o.path, o.text)
			}
			l := follow(t, s)
			l.want("in sync")
			want := readFiles(t, directory)
			for place, problems := range l.sink.problems {
				for _, p := range problems {
					if p.Severity != model.Note && !slices.ContainsFunc(want.all(), func(o model.Problem) bool { return same(o, p) }) {
						t.Errorf("only the server's object has, at %s: %v", place, p)
					}
				}
			}
			for _, o := range want.all() {
				if strings.HasPrefix(o.Object, "BGP") {
					continue // which have no effect here, and are not read from a server
				}
				if o.Severity != model.Note && !slices.ContainsFunc(l.sink.all(), func(p model.Problem) bool { return same(o, p) }) {
					t.Errorf("only the manifest has: %v", o)
				}
			}
			if got, want := l.sink.model(), want.model(); got != want {
				t.Errorf("server:\n%s\nmanifests:\n%s", got, want)
			}
		})
	}
}

// same says whether two problems say the same of the same field.
func same(a, b model.Problem) bool {
	return a.Severity == b.Severity && a.Field == b.Field && a.Value == b.Value && a.Message == b.Message
}

func (s *sink) all() (all []model.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.problems {
		all = append(all, p...)
	}
	return all
}

// model is the objects as text.
func (s *sink) model() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for k, v := range s.objects {
		lines = append(lines, model.Event{Key: k, Value: v}.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// readFiles reads a directory by the other source.
func readFiles(t *testing.T, directory string) *sink {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	l := &lab{server: &server{t: t}, sink: newSink()}
	source := files.New(files.Options{Directory: directory, Sink: l.sink, Log: logrus.NewEntry(log)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	l.want("sync")
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return l.sink
}

// stored is an object as it is put on the server.
type stored struct{ path, text string }

// objectsIn are the objects of a directory that the source reads.
func objectsIn(t *testing.T, directory string) (all []stored) {
	t.Helper()
	err := filepath.WalkDir(directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		for document := range strings.SplitSeq(string(text), "\n---") {
			if o, ok := storedObject(t, document); ok {
				all = append(all, o)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("nothing in %s", directory)
	}
	return all
}

func storedObject(t *testing.T, document string) (stored, bool) {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		APIVersion, Kind string
		Metadata         map[string]any
	}
	if json.Unmarshal(data, &o) != nil {
		return stored{}, false
	}
	for _, k := range kinds() {
		calicos := strings.HasPrefix(o.APIVersion, "projectcalico.org/")
		if k.name != o.Kind || k.calico() != calicos {
			continue
		}
		path := k.path
		if calicos {
			path = calico(k.resource)
		}
		return stored{path, inDefault(t, data, o.Kind, o.Metadata)}, true
	}
	return stored{}, false
}

// inDefault is an object as kubectl sends it: one of a namespace is in one.
func inDefault(t *testing.T, data []byte, kind string, metadata map[string]any) string {
	t.Helper()
	namespaced := slices.Contains([]string{"Pod", "Service", "ServiceAccount", "NetworkPolicy", "NetworkSet"}, kind)
	if !namespaced || metadata["namespace"] != nil {
		return string(data)
	}
	var whole map[string]any
	if err := json.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	metadata["namespace"] = "default"
	whole["metadata"] = metadata
	out, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
