package kubernetes

import (
	"cmp"
	"context"
	"io"
	"net/http"
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
	link     Link
	deleted  []string // every key that was ever reported gone
	updates  int      // events so far
}

func newSink() *sink {
	return &sink{
		news: make(chan struct{}, 1), objects: map[model.Key]model.Value{}, problems: map[string][]model.Problem{}, link: Link{Up: true},
	}
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
			s.updates++
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
	s.told(func() { s.problems[place] = problems })
}

func (s *sink) Sync(now source.Sync) { s.told(func() { s.sync = &now }) }

func (s *sink) linked(l Link) { s.told(func() { s.link = l }) }

// state is what the sink knows, as text.
func (s *sink) state() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for k, v := range s.objects {
		lines = append(lines, model.Event{Key: k, Value: v}.String())
	}
	for place, problems := range s.problems {
		for _, p := range problems {
			lines = append(lines, p.Severity.String()+" at "+place+": "+p.String())
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
	if !s.link.Up {
		lines = append(lines, "server lost: "+s.link.Reason)
	}
	return strings.Join(lines, "\n")
}

// await waits until something is so. The mutex is held while it is asked for.
func (s *sink) await(t *testing.T, so func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		s.mu.Lock()
		done := so()
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.news:
		case <-limit:
			t.Fatal("it does not come to that")
		}
	}
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates
}

func (s *sink) gone() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deleted)
}

// lab is a server, a source that follows it, and what that source tells.
type lab struct {
	*server
	sink *sink
	// patience is how long want waits; 20 seconds if zero.
	patience time.Duration
}

// follow starts a source on a server. The test's end stops it.
func follow(t *testing.T, s *server) *lab {
	t.Helper()
	l := &lab{server: s, sink: newSink()}
	log := logrus.New()
	log.SetOutput(io.Discard)
	if testing.Verbose() {
		log.SetOutput(t.Output())
		log.SetLevel(logrus.DebugLevel)
	}
	source := New(Options{Client: s.client(), Node: "n1", LostShare: 30, Sink: l.sink, Link: l.sink.linked, Log: logrus.NewEntry(log)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
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
	l.t.Helper()
	limit := time.After(cmp.Or(l.patience, 20*time.Second))
	for {
		missing := l.missing(lines)
		if missing == "" {
			return
		}
		select {
		case <-l.sink.news:
		case <-limit:
			l.t.Fatalf("still missing: %s\nin:\n%s\nafter %d requests", missing, l.sink.state(), len(l.seen()))
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

func TestAllIsReadAndFollowed(t *testing.T) {
	for _, old := range []bool{false, true} {
		s := newServer(t)
		s.old = old
		s.serveCalico()
		s.put("/api/v1/pods", pod("p1", 1))
		s.put("/api/v1/namespaces", `{"metadata": {"name": "default", "labels": {"team": "blue"}}}`)
		s.put(calico("ippools"), `{"metadata": {"name": "v6"}, "spec": {"cidr": "fd00::/64"}}`)
		l := follow(t, s)
		l.want("in sync", "Pod/default/p1 node=n1", "status=10.0.0.1,fd00::1", "Namespace/default labels={team=blue}", "IPPool/v6")
		s.put("/api/v1/pods", pod("p2", 2))
		s.put("/api/v1/namespaces", `{"metadata": {"name": "default", "labels": {"team": "red"}}}`)
		s.remove(calico("ippools"), "v6")
		l.want("Pod/default/p2", "Namespace/default labels={team=red}", "!IPPool/v6", "Pod/default/p1")
	}
}

func TestAStreamIsTakenUpWhereItBroke(t *testing.T) {
	for _, how := range []func(*server){(*server).breakStreams, (*server).endStreams} {
		s := newServer(t)
		s.put("/api/v1/pods", pod("p1", 1))
		l := follow(t, s)
		l.want("in sync", "Pod/default/p1")
		l.awaitStreams(8)
		lists := countOf(l.seen(), "sendInitialEvents")
		how(s)
		s.put("/api/v1/pods", pod("p2", 2))
		s.remove("/api/v1/pods", "default/p1")
		l.want("in sync", "Pod/default/p2", "!Pod/default/p1")
		if now := countOf(l.seen(), "sendInitialEvents"); now != lists {
			t.Errorf("%d lists, and after a break %d", lists, now)
		}
	}
}

func countOf(texts []string, part string) (n int) {
	for _, text := range texts {
		if strings.Contains(text, part) {
			n++
		}
	}
	return n
}

func TestWhatTheServerHasForgottenIsReadAnew(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	s.put("/api/v1/pods", pod("p2", 2))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1", "Pod/default/p2")
	s.fail(func(*http.Request) *fault { return &fault{cut: true} })
	s.breakStreams()
	l.want("server lost")
	s.remove("/api/v1/pods", "default/p1")
	s.put("/api/v1/pods", pod("p3", 3))
	s.forget()
	s.fail(nil)
	l.want("!server lost", "in sync", "!Pod/default/p1", "Pod/default/p2", "Pod/default/p3")
	if got := strings.Join(l.sink.gone(), " "); got != "Pod/default/p1" {
		t.Errorf("gone: %s", got)
	}
}

func TestLosingTheServerChangesNothing(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	s.fail(func(*http.Request) *fault { return &fault{cut: true} })
	s.breakStreams()
	l.want("server lost", "in sync", "Pod/default/p1")
	s.fail(nil)
	l.want("!server lost", "in sync")
	if gone := l.sink.gone(); len(gone) > 0 {
		t.Errorf("gone: %v", gone)
	}
}

func TestAKindThatMayNotBeReadIsNamed(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	s.fail(func(r *http.Request) *fault {
		if r.URL.Path == "/api/v1/services" {
			return &fault{code: 403, reason: metaForbidden}
		}
		return nil
	})
	l := follow(t, s)
	l.want("not in sync: services: Forbidden", "Pod/default/p1")
	s.fail(nil)
	l.want("!not in sync", "in sync")
}

const metaForbidden = "Forbidden"

// A stream that stands is proof enough that the server is back, whether it says something or not.
func TestASilentStreamStands(t *testing.T) {
	s := newServer(t)
	s.put("/api/v1/pods", pod("p1", 1))
	l := follow(t, s)
	l.want("in sync", "Pod/default/p1")
	s.fail(func(*http.Request) *fault { return &fault{cut: true} })
	s.breakStreams()
	l.want("server lost")
	s.mute()
	s.fail(nil)
	l.want("!server lost", "in sync")
}
