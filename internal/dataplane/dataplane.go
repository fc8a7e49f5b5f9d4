package dataplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/conntrack"
	"github.com/margay-net/margay/internal/engine"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/interfaces"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/routes"
)

// Options say what a Dataplane is made of.
type Options struct {
	// Node is the name of the node.
	Node string
	// Work is where work comes from; Taken is called after each piece is taken.
	Work  <-chan engine.Work
	Taken func()
	// Settings are those to start with; work brings new ones.
	Settings *config.Resolved
	// Facts takes what the kernel shows and the graph has to know. It returns when the
	// graph has it, and what follows from it is in Work, unless there was no room; nil
	// for no graph.
	Facts func([]model.Event)
	// Begin is called once the first facts have been told, before any work is taken; may
	// be nil.
	Begin func()
	// Keys is told of this node's public keys, zero for a family without a tunnel, to be
	// published; may be nil.
	Keys    func(family.Pair[model.WireguardKey])
	Metrics *metrics.Metrics
	Health  *health.Board
	Log     *logrus.Entry
}

// Dataplane keeps one network namespace's kernel in step. All of it happens in the
// goroutine that calls Run, but for the waiting for kernel events.
type Dataplane struct {
	node     string
	work     <-chan engine.Work
	taken    func()
	metrics  *metrics.Metrics
	health   *health.Board
	log      *logrus.Entry
	settings *config.Settings

	claim net.Listener // held for as long as the kernel is
	// backends are those that policy goes to: the one in charge, and one that is to take over
	// from it, if the settings have asked for that.
	backends []backend
	asked    asked
	probe    *iptables.Probe
	// complete says that the one that is to take over has been told everything; swept, that
	// what others have left has been looked for and removed.
	complete, swept bool
	conntrack       *conntrack.Table
	linux           family.Pair[*routes.Linux]
	routes          family.Pair[*routes.Driver]
	ports           family.Pair[*interfaces.Linux]
	devices         family.Pair[*interfaces.Driver]
	tunnels         *tunnels
	// encryption is beside them: what it takes never gets to a route through them.
	encryption *encryption
	feed       *routes.Feed
	facts      func([]model.Event)
	begin      func()
	managers   family.Pair[*manager]
	watcher    *watcher

	asks   chan func()
	done   chan struct{}
	inSync bool
	// started is when the dataplane was; settled says that the kernel has been in line
	// with all input since.
	started time.Time
	settled bool
	// due is when to try again what has failed; zero if nothing has.
	due time.Time
	// since is when the oldest event arrived that is not in the kernel yet.
	since time.Time
	// repairs is how many changes of others to routes have been undone so far.
	repairs family.Pair[uint64]
	// troubles are what did not work in the last pass.
	troubles *troubles
}

// New opens the kernel of the calling thread's network namespace, subscribes to its
// events, and, if our table is not there, writes the closed one.
func New(o Options) (*Dataplane, error) {
	if o.Taken == nil {
		o.Taken = func() {}
	}
	if o.Begin == nil {
		o.Begin = func() {}
	}
	d := &Dataplane{
		node:     o.Node,
		work:     o.Work,
		taken:    o.Taken,
		metrics:  o.Metrics,
		health:   o.Health,
		log:      o.Log,
		settings: &o.Settings.Settings,
		feed:     routes.NewFeed(),
		facts:    o.Facts,
		begin:    o.Begin,
		started:  time.Now(),
		asks:     make(chan func()),
		done:     make(chan struct{}),
		troubles: newTroubles(o.Log, o.Metrics),
		probe:    &iptables.Probe{},
	}
	if err := d.open(o.Keys); err != nil {
		return nil, errors.Join(err, d.close())
	}
	for _, f := range family.All() {
		*d.managers.At(f) = newManager(f, o.Node, d.settings, d.backends[0].view(f), d.routes.Get(f), d.devices.Get(f))
		d.health.Add(time.Now(), component(f), health.Promise{Readiness: true, Every: silence})
	}
	// One family's failure is that family's; the loop goes on trying.
	if errs, _ := d.backends[0].apply(time.Now()); errs.Get(family.V4) != nil && errs.Get(family.V6) != nil {
		return nil, errors.Join(fmt.Errorf("closed base: %w", errs.Get(family.V4)), d.close())
	}
	for _, f := range family.All() {
		d.routes.Get(f).Remember(d.backends[0].owners(f))
	}
	return d, nil
}

// Run keeps the kernel in step until the context ends, and leaves it as it is then.
func (d *Dataplane) Run(ctx context.Context) error {
	defer close(d.done)
	d.apply()
	d.begin()
	for {
		due, stop := d.timer()
		select {
		case <-ctx.Done():
			stop()
			return d.close()
		case w := <-d.work:
			d.take(w)
		case <-foreign(d.backends):
			resync(d.backends)
		case e := <-d.watcher.events:
			d.handle(e)
		case e := <-d.tunnels.watcher.events:
			d.tunnels.handle(e)
		case e := <-d.encryption.watcher.events:
			d.encryption.handle(e)
		case ask := <-d.asks:
			ask()
		case <-due:
		}
		stop()
		d.gather()
		d.apply()
	}
}

// silence is how long the loop may be silent and count as alive, as in Felix
// (DataplaneWatchdogTimeout).
const silence = 90 * time.Second

// timer fires when something that has failed is to be tried again; never, if nothing has.
func (d *Dataplane) timer() (<-chan time.Time, func()) {
	if d.due.IsZero() {
		return nil, func() {}
	}
	t := time.NewTimer(time.Until(d.due))
	return t.C, func() { t.Stop() }
}

func (d *Dataplane) handle(e familyEvents) {
	d.routes.Get(e.family).Handle(e.events, time.Now())
	d.devices.Get(e.family).Handle(e.events)
	d.metrics.Dataplane.KernelEvents(len(e.events), 0)
}

// gather takes in what else is there already, so that one pass serves it all. It is
// bounded, for a storm of events must not keep the pass from coming.
func (d *Dataplane) gather() {
	for range 100 {
		select {
		case w := <-d.work:
			d.take(w)
		case <-foreign(d.backends):
			resync(d.backends)
		case e := <-d.watcher.events:
			d.handle(e)
		case e := <-d.tunnels.watcher.events:
			d.tunnels.handle(e)
		case e := <-d.encryption.watcher.events:
			d.encryption.handle(e)
		default:
			return
		}
	}
}

// Ask runs f in the loop's goroutine and waits for it; false if the loop has ended.
func (d *Dataplane) Ask(f func()) bool {
	ready := make(chan struct{})
	select {
	case d.asks <- func() { f(); close(ready) }:
		<-ready
		return true
	case <-d.done:
		return false
	}
}
