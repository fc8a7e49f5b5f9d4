package files

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// sink keeps what it is told, and wakes whoever waits for it.
type sink struct {
	mu       sync.Mutex
	news     chan struct{}
	objects  map[model.Key]model.Value
	problems map[string][]model.Problem
	sync     *source.Sync
	deleted  []string // every key that was ever reported gone
	doubles  int      // how often an object was reported to stand in two files
}

func newSink() *sink {
	return &sink{news: make(chan struct{}, 1), objects: map[model.Key]model.Value{}, problems: map[string][]model.Problem{}}
}

func (s *sink) told(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *sink) Update(events []model.Event) {
	s.told(func() {
		for _, e := range events {
			if e.Value == nil {
				delete(s.objects, e.Key)
				s.deleted = append(s.deleted, e.Key.String())
				continue
			}
			s.objects[e.Key] = e.Value
		}
	})
}

func (s *sink) Report(place string, problems []model.Problem) {
	s.told(func() {
		s.problems[place] = problems
		for _, p := range problems {
			if strings.Contains(p.Message, "stands in") {
				s.doubles++
			}
		}
	})
}

func (s *sink) Sync(now source.Sync) { s.told(func() { s.sync = &now }) }

// gone are the keys of all that was ever reported gone.
func (s *sink) gone() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deleted)
}

// twice is how often an object was reported to stand in two files.
func (s *sink) twice() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.doubles
}

// state is what the sink knows, as text: a line per object, per problem, and for sync.
func (s *sink) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for k, v := range s.objects {
		lines = append(lines, model.Event{Key: k, Value: v}.String())
	}
	for _, problems := range s.problems {
		for _, p := range problems {
			lines = append(lines, p.Severity.String()+" "+p.String())
		}
	}
	slices.Sort(lines)
	if s.sync != nil {
		line := "in sync"
		if !s.sync.InSync {
			line = "not in sync: " + strings.Join(s.sync.Reasons, "; ")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// lab is a directory, a source that follows it, and what that source tells.
type lab struct {
	*testing.T
	dir  string
	sink *sink
}

// testLimit is the size in bytes that a file in a lab may have.
const testLimit = 1 << 20

// follow starts a source on a directory. The test's end stops it.
func follow(t *testing.T, dir string) *lab {
	t.Helper()
	return followWith(t, Options{Directory: dir})
}

// followWith starts a source with some options of its own.
func followWith(t *testing.T, o Options) *lab {
	t.Helper()
	l := &lab{T: t, dir: o.Directory, sink: newSink()}
	log := logrus.New()
	log.SetOutput(io.Discard)
	o.MaxFileSize, o.Sink, o.Log = testLimit, l.sink, logrus.NewEntry(log)
	s := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l
}

// want waits until every line is in the sink's state, and no line that begins with "!".
func (l *lab) want(lines ...string) {
	l.Helper()
	limit := time.After(5 * time.Second)
	for {
		missing := l.missing(lines)
		if missing == "" {
			return
		}
		select {
		case <-l.sink.news:
		case <-limit:
			l.Fatalf("still missing: %s\nin:\n%s", missing, l.sink.state())
		}
	}
}

// until waits until something holds that the sink's news bring about.
func (l *lab) until(holds func() bool) {
	l.Helper()
	limit := time.After(5 * time.Second)
	for !holds() {
		select {
		case <-l.sink.news:
		case <-limit:
			l.Fatalf("it does not come about; the sink has:\n%s", l.sink.state())
		}
	}
}

func (l *lab) missing(lines []string) string {
	state := l.sink.state()
	for _, line := range lines {
		text, unwanted := strings.CutPrefix(line, "!")
		if strings.Contains(state, text) == unwanted {
			return line
		}
	}
	return ""
}

// write puts a file into the directory in one piece.
func (l *lab) write(name, content string) {
	l.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := replaceFile(path, []byte(content)); err != nil {
		l.Fatal(err)
	}
}

func (l *lab) remove(name string) {
	l.Helper()
	if err := os.RemoveAll(filepath.Join(l.dir, name)); err != nil {
		l.Fatal(err)
	}
}

// space is the manifest of a namespace.
func space(name, label string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {l: " + label + "}}\n"
}
