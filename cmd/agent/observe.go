package main

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/margay-net/margay/internal/calc"
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/health"
	"github.com/margay-net/margay/internal/metrics"
	"github.com/margay-net/margay/internal/model"
)

// The components that the agent itself reports for; the dataplane reports for itself.
func sourceComponent() health.Component { return health.Component{Name: "source"} }
func engineComponent() health.Component { return health.Component{Name: "calculation"} }

// silence is how long the engine may be silent and count as alive.
const silence = 90 * time.Second

// observer shows metrics and health what goes on in the engine.
type observer struct {
	board     *health.Board
	metrics   *metrics.Metrics
	configure func(*config.Resolved)
	announcer *announcer
	inSync    atomic.Bool
}

func newObserver(d *daemon) *observer {
	now := time.Now()
	d.board.Add(now, sourceComponent(), health.Promise{Readiness: true})
	d.board.NotReady(now, sourceComponent(), "has not been read yet")
	d.board.Add(now, engineComponent(), health.Promise{Every: silence})
	d.metrics.Source.SetState(metrics.Resyncing)
	return &observer{board: d.board, metrics: d.metrics, configure: d.configure, announcer: d.announcer}
}

// Configured implements engine.Observer.
func (o *observer) Configured(r *config.Resolved) { o.configure(r) }

// Updated implements engine.Observer.
func (o *observer) Updated(kind model.Kind, n int, took time.Duration) {
	o.metrics.Calculation.Updated(map[string]int{kind.String(): n}, took)
}

// Flushed implements engine.Observer.
func (o *observer) Flushed(b *calc.Batch) {
	o.metrics.Calculation.HandedOver(updatesIn(b))
	o.announcer.wake()
}

// updatesIn is how many things a batch says.
func updatesIn(b *calc.Batch) int {
	return len(b.Sets) + len(b.Policies) + len(b.Endpoints) +
		len(b.EndpointsGone) + len(b.PoliciesGone) + len(b.SetsGone) +
		len(b.RoutesGone) + len(b.Routes) + len(b.PoolsGone) + len(b.Pools) +
		len(b.HostsGone) + len(b.Hosts)
}

// Synced implements engine.Observer.
func (o *observer) Synced(inSync bool, reasons []string) {
	now := time.Now()
	o.inSync.Store(inSync)
	if inSync {
		o.metrics.Source.SetState(metrics.InSync)
		o.metrics.Source.Contact(now)
		o.board.Ready(now, sourceComponent())
		o.announcer.seenAll()
	} else {
		o.metrics.Source.SetState(metrics.Resyncing)
		o.board.NotReady(now, sourceComponent(), strings.Join(reasons, "; "))
	}
	o.announcer.wake()
}

// Problems implements engine.Observer.
func (o *observer) Problems(count map[model.Severity]int) {
	byKind := map[string]int{}
	for severity, n := range count {
		byKind[severity.String()] = n
	}
	o.metrics.Source.Problems(byKind)
}

// Alive implements engine.Observer.
func (o *observer) Alive() {
	now := time.Now()
	o.board.Beat(now, engineComponent())
	if o.inSync.Load() {
		o.metrics.Source.Contact(now)
	}
}
