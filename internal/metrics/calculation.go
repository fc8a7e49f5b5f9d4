package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Calculation are the metrics of the calculation graph.
type Calculation struct {
	sizes       []sizeGauge
	updates     *prometheus.CounterVec
	updateTime  prometheus.Summary
	outputs     prometheus.Counter
	evaluations *prometheus.CounterVec
}

// Sizes are how much the calculation graph holds.
type Sizes struct {
	LocalEndpoints, LocalPolicies, LocalSelectors int // active on this node

	Hosts, HostEndpoints, WorkloadEndpoints int // in the cluster
	Policies, Profiles, Tiers               int // profiles: Felix's word for namespaces and service accounts

	IndexedEndpoints int // endpoints and network sets in the label index
	// IndexedSelectors are found by a label's value; ScannedSelectors have to be tried on all.
	IndexedSelectors, ScannedSelectors int
}

// sizeGauge is a gauge and the size that it shows.
type sizeGauge struct {
	gauge prometheus.Gauge
	of    func(Sizes) int
}

// NewCalculation makes and registers the metrics.
func NewCalculation(r prometheus.Registerer) *Calculation {
	one := func(name, help string, of func(Sizes) int) sizeGauge {
		return sizeGauge{gauge(r, name, help).WithLabelValues(), of}
	}
	selectors := gauge(r, "felix_label_index_num_active_selectors",
		"Selectors in the label index, by whether they are found by a label's value.", "optimized")
	evaluations := counter(r, "felix_label_index_selector_evals", "Evaluations of selectors, by result.", "result")
	evaluations.WithLabelValues("true")
	evaluations.WithLabelValues("false")
	return &Calculation{
		sizes: []sizeGauge{
			one("felix_active_local_endpoints", "Endpoints on this node.", func(s Sizes) int { return s.LocalEndpoints }),
			one("felix_active_local_policies", "Policies that apply to endpoints on this node.", func(s Sizes) int { return s.LocalPolicies }),
			one("felix_active_local_selectors", "Selectors in rules that apply on this node.", func(s Sizes) int { return s.LocalSelectors }),
			one("felix_cluster_num_hosts", "Nodes in the cluster.", func(s Sizes) int { return s.Hosts }),
			one("felix_cluster_num_host_endpoints", "Host endpoints in the cluster.", func(s Sizes) int { return s.HostEndpoints }),
			one("felix_cluster_num_workload_endpoints", "Workload endpoints in the cluster.", func(s Sizes) int { return s.WorkloadEndpoints }),
			one("felix_cluster_num_policies", "Policies in the cluster.", func(s Sizes) int { return s.Policies }),
			one("felix_cluster_num_profiles", "Namespaces and service accounts in the cluster.", func(s Sizes) int { return s.Profiles }),
			one("felix_cluster_num_tiers", "Tiers in the cluster.", func(s Sizes) int { return s.Tiers }),
			one("felix_label_index_num_endpoints", "Endpoints and network sets in the label index.", func(s Sizes) int { return s.IndexedEndpoints }),
			{selectors.WithLabelValues("true"), func(s Sizes) int { return s.IndexedSelectors }},
			{selectors.WithLabelValues("false"), func(s Sizes) int { return s.ScannedSelectors }},
		},
		updates:     counter(r, "felix_calc_graph_updates_processed", "Input updates processed, by type.", "type"),
		updateTime:  summary(r, "felix_calc_graph_update_time_seconds", "Time to process an update, batches shared out evenly."),
		outputs:     counter(r, "felix_calc_graph_output_events", "Updates handed to the dataplane.").WithLabelValues(),
		evaluations: evaluations,
	}
}

// SetSizes replaces all sizes.
func (c *Calculation) SetSizes(s Sizes) {
	for _, g := range c.sizes {
		g.gauge.Set(float64(g.of(s)))
	}
}

// Updated counts a batch of input updates by type, and the time it took.
func (c *Calculation) Updated(byType map[string]int, took time.Duration) {
	total := 0
	for kind, n := range byType {
		c.updates.WithLabelValues(kind).Add(float64(n))
		total += n
	}
	if total > 0 {
		c.updateTime.Observe(took.Seconds() / float64(total))
	}
}

// HandedOver counts updates given to the dataplane.
func (c *Calculation) HandedOver(n int) { c.outputs.Add(float64(n)) }

// Evaluated counts evaluations of selectors that matched and that did not.
func (c *Calculation) Evaluated(matched, unmatched int) {
	c.evaluations.WithLabelValues("true").Add(float64(matched))
	c.evaluations.WithLabelValues("false").Add(float64(unmatched))
}
