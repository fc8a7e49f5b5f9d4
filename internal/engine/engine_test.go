package engine

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an engine without its goroutine: a test makes it turn, so that nothing depends
// on time or on who is faster. Its clock goes on by a tick at each look.
type rig struct {
	*Engine
	t    testing.TB
	log  *strings.Builder
	seen []string // what the observer was told
	tick time.Duration
	time time.Time
	fed  int // events that the graph has been given
}

func newRig(t testing.TB, layers ...config.Layer) *rig {
	r := &rig{t: t, log: &strings.Builder{}, time: start()}
	log := logrus.New()
	log.SetOutput(r.log)
	log.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true})
	r.Engine = New(Options{
		Node:     "node-1",
		Graph:    &countingGraph{Graph: calc.New(calc.Options{Node: "node-1"}), rig: r},
		Table:    config.NewTable(),
		Layers:   layers,
		Log:      logrus.NewEntry(log),
		Observer: r,
	})
	r.now = func() time.Time { r.time = r.time.Add(r.tick); return r.time }
	return r
}

// start is when every test begins.
func start() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

// countingGraph counts what it is fed.
type countingGraph struct {
	*calc.Graph
	rig *rig
}

func (g *countingGraph) Update(e model.Event) { g.rig.fed++; g.Graph.Update(e) }

// The rig observes.

func (r *rig) saw(format string, args ...any)         { r.seen = append(r.seen, fmt.Sprintf(format, args...)) }
func (r *rig) Configured(c *config.Resolved)          { r.saw("configured %v", c.Settings.Families()) }
func (r *rig) Updated(model.Kind, int, time.Duration) {}
func (r *rig) Flushed(*calc.Batch)                    { r.saw("flushed") }
func (r *rig) Synced(inSync bool, reasons []string)   { r.saw("synced %v %v", inSync, reasons) }
func (r *rig) Alive()                                 {}
func (r *rig) Problems(n map[model.Severity]int) {
	r.saw("problems %d %d %d", n[model.Note], n[model.Warning], n[model.Failure])
}

// begun is a rig whose dataplane is there, and whose source has read nothing so far.
func begun(t testing.TB, layers ...config.Layer) *rig {
	r := newRig(t, layers...)
	r.Begin()
	r.Sync(source.Sync{})
	r.turn()
	r.take()
	return r
}

// settle turns until there is nothing left to do.
func (r *rig) settle() {
	for r.turn() {
	}
}

// take is the next piece of work, as the dataplane takes it.
func (r *rig) take() Work {
	r.t.Helper()
	select {
	case w := <-r.Work():
		r.Wake()
		return w
	default:
		r.t.Fatal("there is no work")
		return Work{}
	}
}

func (r *rig) wantIdle() {
	r.t.Helper()
	r.settle()
	if len(r.Work()) > 0 {
		r.t.Errorf("there is work: %s", text(r.take()))
	}
}

func (r *rig) wantWork(want string) {
	r.t.Helper()
	r.settle()
	if got := text(r.take()); got != want {
		r.t.Errorf("work\n is  %s\nwant %s", got, want)
	}
}

// text is a piece of work in one line: + and - for pools.
func text(w Work) string {
	var words []string
	if w.Settings != nil {
		words = append(words, "settings: "+w.Settings.Settings.Families().String())
	}
	batch := func(b *calc.Batch) {
		if b.InSync {
			words = append(words, "in-sync")
		}
		for _, p := range b.PoolsGone {
			words = append(words, "-"+p.String())
		}
		for _, p := range b.Pools {
			words = append(words, "+"+p.CIDR.String())
		}
	}
	batch(w.Batch)
	if w.Full != nil {
		words = append(words, "full:")
		batch(w.Full)
	}
	return strings.Join(words, " ")
}

// pool is an event about the pool 10.n.0.0/16, which makes a batch of its own.
func pool(n int) model.Event {
	cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n)}), 16)
	return model.Event{Key: poolKey(n), Value: &model.Pool{CIDR: cidr}}
}

func noPool(n int) model.Event { return model.Event{Key: poolKey(n)} }

func poolKey(n int) model.Key { return model.Key{Kind: model.KindPool, Name: fmt.Sprint("pool-", n)} }

// configuration is an event about a FelixConfiguration.
func configuration(name string, spec map[string]any) model.Event {
	return model.Event{Key: model.Key{Kind: model.KindConfiguration, Name: name}, Value: &model.Configuration{Spec: spec}}
}

func ownNode(labels map[string]string) model.Event {
	return model.Event{Key: model.Key{Kind: model.KindNode, Name: "node-1"}, Value: &model.Node{Labels: labels}}
}

// kernel is what work adds up to.
type kernel struct {
	pools   map[netip.Prefix]bool
	inSyncs int // times that it was told to be in sync, having been not
	inSync  bool
	works   int
}

// apply checks and takes in a piece of work.
func (k *kernel) apply(w Work) error {
	k.works++
	if w.Batch == nil {
		return fmt.Errorf("work without a batch")
	}
	if k.pools == nil {
		k.pools = map[netip.Prefix]bool{}
		if w.Settings == nil {
			return fmt.Errorf("the first work has no settings")
		}
	} else if w.Settings == nil && w.Full == nil && w.Batch.Empty() && w.Batch.InSync == k.inSync {
		return fmt.Errorf("work that says nothing")
	}
	for _, p := range w.Batch.PoolsGone {
		delete(k.pools, p)
	}
	for _, p := range w.Batch.Pools {
		k.pools[p.CIDR] = true
	}
	if k.inSync && !w.Batch.InSync {
		return fmt.Errorf("no longer in sync")
	}
	if w.Batch.InSync && !k.inSync {
		k.inSync = true
		k.inSyncs++
	}
	return nil
}

func (k *kernel) String() string {
	var words []string
	for p := range maps.Keys(k.pools) {
		words = append(words, p.String())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}
