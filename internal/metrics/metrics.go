package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/margay-net/margay/internal/family"
)

// Options are what the metrics of an agent need to know of it.
type Options struct {
	Host    string // the node's name, for felix_host
	Version string // of the agent
	// Now is the clock against which ages are computed when Prometheus asks; nil is time.Now.
	Now func() time.Time
}

// Metrics are the metrics of one agent, all registered. They are safe for concurrent use.
type Metrics struct {
	Source      *Source
	Calculation *Calculation
	Dataplane   *Dataplane
	NFTables    *NFTables
	Routes      *Routes
	Wireguard   *Wireguard
	Log         *Log

	registry *prometheus.Registry

	mu      sync.Mutex
	golang  switched
	process switched
}

// switched is a collector that can be off.
type switched struct {
	prometheus.Collector
	on bool
}

// New makes the metrics of one agent, those of the Go runtime and the process off.
func New(o Options) *Metrics {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := prometheus.NewRegistry()
	build(r, o)
	return &Metrics{
		Source:      NewSource(r, o.Now),
		Calculation: NewCalculation(r),
		Dataplane:   NewDataplane(r, o.Now),
		NFTables:    NewNFTables(r),
		Routes:      NewRoutes(r),
		Wireguard:   NewWireguard(r),
		Log:         NewLog(r),
		registry:    r,
		golang:      switched{Collector: collectors.NewGoCollector()},
		process:     switched{Collector: collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})},
	}
}

// build registers what never changes about the agent.
func build(r prometheus.Registerer, o Options) {
	gauge(r, "felix_host", "The node's name; the value is 1.", "host").WithLabelValues(o.Host).Set(1)
	gauge(r, "margay_build_info", "The agent's version; the value is 1.", "version", "goversion").
		WithLabelValues(o.Version, runtime.Version()).Set(1)
}

// SetRuntime turns the metrics of the Go runtime (go_*) and of the process (process_*) on or
// off, as PrometheusGoMetricsEnabled and PrometheusProcessMetricsEnabled say.
func (m *Metrics) SetRuntime(golang, process bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.golang.set(m.registry, golang)
	m.process.set(m.registry, process)
}

func (s *switched) set(r prometheus.Registerer, on bool) {
	switch {
	case on && !s.on:
		r.MustRegister(s.Collector)
	case !on && s.on:
		r.Unregister(s.Collector)
	}
	s.on = on
}

// Registerer is for metrics that come and go with a part of the agent.
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// Handler serves /metrics.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		// One collector in trouble must not hide the others.
		ErrorHandling: promhttp.ContinueOnError,
	}))
	return mux
}

// Constructors in short form; all register with r.

func gauge(r prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	return promauto.With(r).NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func counter(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	return promauto.With(r).NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func summary(r prometheus.Registerer, name, help string) prometheus.Summary {
	return promauto.With(r).NewSummary(prometheus.SummaryOpts{
		Name: name, Help: help, Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.99: 0.001},
	})
}

// ipVersion is the family as Felix's labels write it.
func ipVersion(f family.Family) string { return strconv.Itoa(f.Version()) }
