package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/margay-net/margay/internal/family"
)

// Statement is something that holds or does not, for a family or (family 0) in general.
type Statement struct {
	Name   string
	Family family.Family
	Holds  bool
}

// health is a collector that looks at the health board when Prometheus asks.
type health struct {
	ready, condition *prometheus.Desc
	read             func() (ready, conditions []Statement)
}

// NewHealth registers margay_component_ready and margay_condition, read anew on each scrape.
// No two statements of a kind may have the same name and family.
func NewHealth(r prometheus.Registerer, read func() (ready, conditions []Statement)) {
	r.MustRegister(&health{
		ready: prometheus.NewDesc("margay_component_ready",
			"Whether a component of the agent is ready (1) or not (0), by family.", []string{"component", "family"}, nil),
		condition: prometheus.NewDesc("margay_condition",
			"Whether a condition of the node holds (1) or not (0), by family.", []string{"condition", "family"}, nil),
		read: read,
	})
}

// Describe is for the registry.
func (h *health) Describe(out chan<- *prometheus.Desc) {
	out <- h.ready
	out <- h.condition
}

// Collect is for the registry.
func (h *health) Collect(out chan<- prometheus.Metric) {
	ready, conditions := h.read()
	send := func(desc *prometheus.Desc, statements []Statement) {
		for _, s := range statements {
			value := 0.0
			if s.Holds {
				value = 1
			}
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, s.Name, familyLabel(s.Family))
		}
	}
	send(h.ready, ready)
	send(h.condition, conditions)
}
