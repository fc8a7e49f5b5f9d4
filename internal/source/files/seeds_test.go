package files

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

// sink keeps what it is told, and wakes whoever waits for it.
type sink struct {
	objects  map[model.Key]model.Value
	problems map[string][]model.Problem
	synced   chan source.Sync
}

func newSink() *sink {
	return &sink{objects: map[model.Key]model.Value{}, problems: map[string][]model.Problem{}, synced: make(chan source.Sync, 100)}
}

func (s *sink) Update(events []model.Event) {
	for _, e := range events {
		if e.Value == nil {
			delete(s.objects, e.Key)
		} else {
			s.objects[e.Key] = e.Value
		}
	}
}

func (s *sink) Report(place string, problems []model.Problem) { s.problems[place] = problems }
func (s *sink) Sync(sync source.Sync)                         { s.synced <- sync }

func quiet() *logrus.Entry {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return logrus.NewEntry(l)
}

func TestSeedsLoadAsTheyAre(t *testing.T) {
	out := newSink()
	s := New(Options{Directory: "testdata/seeds", Sink: out, Log: quiet()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	sync := <-out.synced
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	fmt.Println(sync)
	for k, v := range out.objects {
		fmt.Println(model.Event{Key: k, Value: v})
	}
	for _, ps := range out.problems {
		for _, p := range ps {
			fmt.Println(p.Severity, p)
		}
	}
}
