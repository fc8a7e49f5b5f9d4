package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/dataplane"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// loop is a dataplane without a kernel: it keeps what it is told.
type loop struct {
	o     dataplane.Options
	facts []model.Event
	fail  chan error // what is sent here ends Run

	mu    sync.Mutex
	pools map[string]bool
	more  *sync.Cond
}

func newLoop(o dataplane.Options, facts ...model.Event) *loop {
	l := &loop{o: o, facts: facts, fail: make(chan error), pools: map[string]bool{}}
	l.more = sync.NewCond(&l.mu)
	return l
}

func (l *loop) Run(ctx context.Context) error {
	if len(l.facts) > 0 {
		l.o.Facts(l.facts)
	}
	l.o.Begin()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-l.fail:
			if err == nil {
				panic("the loop is broken")
			}
			return err
		case w := <-l.o.Work:
			l.o.Taken()
			l.take(w)
		}
	}
}

func (l *loop) take(w engine.Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range w.Batch.PoolsGone {
		delete(l.pools, p.String())
	}
	for _, p := range w.Batch.Pools {
		l.pools[p.CIDR.String()] = true
	}
	if w.Batch.InSync {
		for _, f := range family.All() {
			l.o.Health.Ready(time.Now(), dataplaneComponent(f))
		}
	}
	l.more.Broadcast()
}

// await waits until the loop has just these pools; what never comes is the test's time.
func (l *loop) await(want ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		var have []string
		for p := range l.pools {
			have = append(have, p)
		}
		slices.Sort(have)
		if slices.Equal(have, want) {
			return
		}
		l.more.Wait()
	}
}

func (l *loop) Dump(stage string, w io.Writer) error {
	_, err := fmt.Fprintf(w, "the loop's %s\n", stage)
	return err
}

func (l *loop) Beat(context.Context) {}

func (l *loop) Measure(context.Context) {}

// service is a daemon in this process, with such a loop.
type service struct {
	*daemon
	t     *testing.T
	dir   string
	log   *strings.Builder // to be read after stop
	loops chan *loop
	stop  func()
}

// newService makes a daemon that is not started. Its servers take any port.
func newService(t *testing.T) *service {
	s := &service{t: t, dir: t.TempDir(), log: &strings.Builder{}, loops: make(chan *loop, 10)}
	f := flags{manifests: s.dir, node: "node-1", file: os.DevNull, set: []string{"HealthPort=0", "PrometheusMetricsPort=0"}}
	l, err := f.local(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.daemon, err = newDaemon(l, daemonOptions{socket: filepath.Join(t.TempDir(), "sock"), out: s.log, lookupEnv: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	s.dataplane.make = func(o dataplane.Options) (kernelLoop, error) {
		l := newLoop(o)
		s.loops <- l
		return l, nil
	}
	return s
}

func (s *service) start() {
	ignored := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		goleak.VerifyNone(s.t, ignored)
	})
	s.t.Cleanup(s.stop)
}

func (s *service) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.t.Fatal(err)
	}
}

func poolManifest(name, cidr string) string {
	return fmt.Sprintf("apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: %s}\nspec: {cidr: %q}\n", name, cidr)
}

// text is a stage as `agent dump` prints it.
func (s *service) text(stage string) string {
	s.t.Helper()
	var out strings.Builder
	if err := askAgent(s.t.Context(), s.socket, stage, &out); err != nil {
		return err.Error()
	}
	return out.String()
}

// await asks for a stage until it has the words.
func (s *service) await(stage, words string) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.text(stage), words); {
		if time.Now().After(deadline) {
			s.t.Fatalf("dump %s lacks %q:\n%s", stage, words, s.text(stage))
		}
	}
}

func TestFromAFileToTheDataplane(t *testing.T) {
	s := newService(t)
	s.write("a.yaml", poolManifest("v4", "10.0.0.0/16"))
	s.start()
	l := <-s.loops
	l.await("10.0.0.0/16")
	s.write("b.yaml", poolManifest("v6", "fd00::/48"))
	l.await("10.0.0.0/16", "fd00::/48")
	if err := os.Remove(filepath.Join(s.dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	l.await("fd00::/48")
	s.await("health", "ready, alive\n")
	s.await("model", "IPPool/v6 cidr=fd00::/48\n")
	s.await("policy", "pool fd00::/48\n")
	s.await("kernel", "the loop's kernel\n")
	s.await("nonsense", "dump nonsense: there is no such stage")
	for _, endpoint := range []string{"/liveness", "/readiness"} {
		answer := httptest.NewRecorder()
		s.healthHandler().ServeHTTP(answer, httptest.NewRequest("GET", endpoint, nil))
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d", endpoint, answer.Code)
		}
	}
	scrape := httptest.NewRecorder()
	s.metricsHandler().ServeHTTP(scrape, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`felix_host{host="node-1"} 1`,
		`margay_component_ready{component="dataplane",family="IPv6"} 1`,
		`margay_component_ready{component="source",family="both"} 1`,
		"felix_resync_state 3",
	} {
		if !strings.Contains(scrape.Body.String(), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if n := len(s.servers.health.Addresses()); n == 0 {
		t.Error("health is not served")
	}
}

func TestADataplaneThatCannotStartIsTriedAgain(t *testing.T) {
	s := newService(t)
	tries := make(chan int, 10)
	another := s.dataplane.make
	s.dataplane.make = func(o dataplane.Options) (kernelLoop, error) {
		tries <- 0
		if len(tries) == 1 {
			return nil, errors.New("open nftables: operation not permitted")
		}
		return another(o)
	}
	s.write("a.yaml", poolManifest("v4", "10.0.0.0/16"))
	s.start()
	s.await("health", "dataplane IPv6: open nftables: operation not permitted")
	s.await("kernel", "dump kernel: the dataplane could not be started so far; agent dump health says why")
	(<-s.loops).await("10.0.0.0/16")
	s.await("health", "ready, alive\n")
}

func TestADataplaneThatFailsIsReplacedByOneThatGetsEverything(t *testing.T) {
	for name, failure := range map[string]error{"error": errors.New("socket closed"), "panic": nil} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			fact := model.Event{Key: model.Key{Kind: model.KindStandingRoute, Name: "cali1"}, Value: &model.StandingRoutes{}}
			first := true
			s.dataplane.make = func(o dataplane.Options) (kernelLoop, error) {
				l := newLoop(o)
				if first {
					l.facts, first = []model.Event{fact}, false
				}
				s.loops <- l
				return l, nil
			}
			s.write("a.yaml", poolManifest("v4", "10.0.0.0/16"))
			s.start()
			l := <-s.loops
			l.await("10.0.0.0/16")
			s.await("model", "StandingRoute/cali1")
			l.fail <- failure
			s.write("b.yaml", poolManifest("v6", "fd00::/48"))
			(<-s.loops).await("10.0.0.0/16", "fd00::/48")
			if strings.Contains(s.text("model"), "StandingRoute") {
				t.Error("a fact of the dataplane before is left")
			}
			s.stop()
			if got := strings.Count(s.log.String(), "level=error"); got != 1 {
				t.Errorf("%d errors in the log:\n%s", got, s.log)
			}
		})
	}
}

// faultyGraph fails at the pool named "bad".
type faultyGraph struct{ *calc.Graph }

func (g faultyGraph) Update(e model.Event) {
	if e.Key.Name == "bad" {
		panic("no such state")
	}
	g.Graph.Update(e)
}

func TestAFaultOfTheGraphEndsNothing(t *testing.T) {
	s := newService(t)
	s.engine = engine.New(engine.Options{
		Node: s.node(), Graph: faultyGraph{s.graph}, Table: s.table, Layers: s.layers, Log: s.core.log,
		Observer: &observer{
			board: s.board, metrics: s.metrics, configure: s.configure,
			announcer: s.announcer, sizes: newSizes(), record: s.record, stats: s.graph.Stats,
		},
	})
	s.record.next = s.engine
	s.write("a.yaml", poolManifest("v4", "10.0.0.0/16"))
	s.start()
	l := <-s.loops
	l.await("10.0.0.0/16")
	s.write("b.yaml", poolManifest("bad", "10.1.0.0/16"))
	s.await("health", "calculation: fault in the program: no such state")
	s.await("model", "IPPool/bad")
	s.await("policy", "dump policy: the engine does not answer")
	l.await("10.0.0.0/16") // what was there stays
}

// TestTheLimitOfFilesReloads: by another source, in whose place the first one's objects
// stay.
func TestTheLimitOfFilesReloads(t *testing.T) {
	s := newService(t)
	s.write("a.yaml", poolManifest("v4", "10.0.0.0/16"))
	s.start()
	l := <-s.loops
	l.await("10.0.0.0/16")
	s.configure(resolvedWith(t, s.local, "FilesMaxSizeMB=1"))
	s.write("b.yaml", poolManifest("v6", "fd00::/48")+"# "+strings.Repeat("x", 1<<20)+"\n")
	s.await("health", "b.yaml: ")
	s.write("c.yaml", poolManifest("other", "10.9.0.0/16"))
	s.await("model", "IPPool/other")
	s.configure(resolvedWith(t, s.local, "FilesMaxSizeMB=2"))
	l.await("10.0.0.0/16", "10.9.0.0/16", "fd00::/48")
	s.await("health", "ready, alive\n")
}

// resolvedWith are the local settings with one of them made differently.
func resolvedWith(t *testing.T, l *local, setting string) *config.Resolved {
	t.Helper()
	name, value, _ := strings.Cut(setting, "=")
	layers := append(slices.Clone(l.layers), config.Layer{Source: config.Node, Values: map[string]any{}})
	layers[0] = config.Layer{Source: config.Flag, Values: map[string]any{}}
	for key, old := range l.layers[0].Values {
		layers[0].Values[key] = old
	}
	layers[0].Values[name] = value
	r := l.table.Resolve(layers, nil)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	return r
}
