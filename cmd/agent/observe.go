package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

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

// observer shows metrics and health what goes on in the engine. It implements
// engine.Observer.
type observer struct {
	board     *health.Board
	metrics   *metrics.Metrics
	configure func(*config.Resolved)
	announcer *announcer
	sizes     *sizes
	record    *record
	// stats are the graph's; evaluated is how many evaluations metrics have been told of.
	stats     func() calc.Stats
	evaluated calc.Stats
	inSync    bool
	link      link
	log       *logrus.Entry
}

// start announces what will be reported.
func (o *observer) start(r *record, stats func() calc.Stats) {
	o.record, o.stats = r, stats
	now := time.Now()
	o.board.Add(now, sourceComponent(), health.Promise{Readiness: true})
	o.board.NotReady(now, sourceComponent(), "has not been read yet")
	o.board.Add(now, engineComponent(), health.Promise{Every: silence})
	o.metrics.Source.SetState(metrics.Resyncing)
}

// Configured hands new settings to those who put them into force.
func (o *observer) Configured(r *config.Resolved) { o.configure(r) }

// Updated counts events.
func (o *observer) Updated(kind model.Kind, n int, took time.Duration) {
	o.metrics.Calculation.Updated(map[string]int{kind.String(): n}, took)
}

// Flushed counts what is handed over, and what there is then.
func (o *observer) Flushed(b *calc.Batch) {
	o.sizes.apply(b)
	stats := o.stats()
	o.metrics.Calculation.SetSizes(o.sizes.with(o.record.count(), stats))
	o.metrics.Calculation.Evaluated(int(stats.Matched-o.evaluated.Matched), int(stats.Unmatched-o.evaluated.Unmatched))
	o.evaluated = stats
	o.metrics.Calculation.HandedOver(updatesIn(b))
	o.announcer.follow(b)
}

// updatesIn is how many things a batch says.
func updatesIn(b *calc.Batch) int {
	return len(b.Sets) + len(b.Policies) + len(b.Endpoints) +
		len(b.EndpointsGone) + len(b.PoliciesGone) + len(b.SetsGone) +
		len(b.VTEPs) + len(b.VTEPsGone) + len(b.Own) + len(b.Peers) + len(b.PeersGone) +
		len(b.RoutesGone) + len(b.Routes) + len(b.PoolsGone) + len(b.Pools) +
		len(b.HostsGone) + len(b.Hosts)
}

// Synced says how complete the source is.
func (o *observer) Synced(inSync bool, reasons []string) {
	now := time.Now()
	o.inSync = inSync
	if inSync {
		o.metrics.Source.SetState(metrics.InSync)
		if o.link.up() {
			o.metrics.Source.Contact(now)
		}
		o.board.Ready(now, sourceComponent())
		o.announcer.seenAll()
		return
	}
	o.metrics.Source.SetState(metrics.Resyncing)
	o.board.NotReady(now, sourceComponent(), shortened(reasons))
	o.announcer.wake()
}

// shortened are the first reasons, and how many more there are.
func shortened(reasons []string) string {
	const most = 5
	if more := len(reasons) - most; more > 0 {
		reasons = append(reasons[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(reasons, "; ")
}

// Problems counts what is wrong with the input, by severity.
func (o *observer) Problems(count map[model.Severity]int) {
	byKind := map[string]int{}
	for severity, n := range count {
		byKind[severity.String()] = n
	}
	o.metrics.Source.Problems(byKind)
}

// Alive says so. While the source is in sync, what it has told is as of now: it would
// have said otherwise.
func (o *observer) Alive() {
	now := time.Now()
	o.board.Beat(now, engineComponent())
	if o.inSync && o.link.up() {
		o.metrics.Source.Contact(now)
	}
}
