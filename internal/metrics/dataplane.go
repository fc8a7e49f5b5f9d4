package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/margay-net/margay/internal/family"
)

// Dataplane are the metrics of the apply loop and of what it programs.
type Dataplane struct {
	applyTime     prometheus.Summary
	initialResync prometheus.Gauge
	failures      prometheus.Counter
	messages      *prometheus.CounterVec
	batch         prometheus.Summary
	linkBatch     prometheus.Summary
	addressBatch  prometheus.Summary

	eventToKernel  *prometheus.HistogramVec
	unapplied      family.Pair[*instant]
	repairs        *prometheus.CounterVec
	familyFailures *prometheus.CounterVec
	inError        *prometheus.GaugeVec
}

// NewDataplane makes and registers the metrics.
func NewDataplane(r prometheus.Registerer, now func() time.Time) *Dataplane {
	d := &Dataplane{
		applyTime:     summary(r, "felix_int_dataplane_apply_time_seconds", "Time of one pass over the drivers."),
		initialResync: gauge(r, "felix_int_dataplane_initial_resync_time_seconds", "Time from start until the kernel was first in line.").WithLabelValues(),
		failures:      counter(r, "felix_int_dataplane_failures", "Passes after which something was left to be tried again.").WithLabelValues(),
		messages:      counter(r, "felix_int_dataplane_messages", "Updates received from the calculation graph, by type.", "type"),
		batch:         summary(r, "felix_int_dataplane_msg_batch_size", "Updates from the calculation graph applied in one pass."),
		linkBatch:     summary(r, "felix_int_dataplane_iface_msg_batch_size", "Interface events applied in one pass."),
		addressBatch:  summary(r, "felix_int_dataplane_addr_msg_batch_size", "Address events applied in one pass."),

		eventToKernel: promauto.With(r).NewHistogramVec(prometheus.HistogramOpts{
			Name: "margay_event_to_kernel_seconds",
			Help: "Time from a change at the source until the kernel has it, by family.",
			// From what one netlink transaction costs to what somebody would call broken.
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"family"}),
		repairs:        counter(r, "margay_repairs_total", "Foreign changes to the kernel that were undone, by kind of object and family.", "kind", "family"),
		familyFailures: counter(r, "margay_apply_failures_total", "Attempts to program a kind of object that failed, by family.", "kind", "family"),
		inError:        gauge(r, "margay_objects_in_error", "Objects that are not in the kernel as they should be, by kind and family.", "kind", "family"),
	}
	for _, f := range family.All() {
		d.eventToKernel.WithLabelValues(f.String())
		*d.unapplied.At(f) = newInstant(r, now, "margay_oldest_unapplied_seconds",
			"Age of the oldest change that the kernel does not have yet; 0 if it has all.", prometheus.Labels{"family": f.String()})
	}
	return d
}

// Applied records one pass of the apply loop; again says that something is left to be tried.
func (d *Dataplane) Applied(took time.Duration, again bool) {
	d.applyTime.Observe(took.Seconds())
	if again {
		d.failures.Inc()
	}
}

// FirstApplied records how long after the start the kernel was first in line.
func (d *Dataplane) FirstApplied(took time.Duration) { d.initialResync.Set(took.Seconds()) }

// Received counts a batch of updates from the calculation graph by type.
func (d *Dataplane) Received(byType map[string]int) {
	total := 0
	for kind, n := range byType {
		d.messages.WithLabelValues(kind).Add(float64(n))
		total += n
	}
	d.batch.Observe(float64(total))
}

// KernelEvents records how many interface and address events one pass took in.
func (d *Dataplane) KernelEvents(links, addresses int) {
	d.linkBatch.Observe(float64(links))
	d.addressBatch.Observe(float64(addresses))
}

// EventToKernel records that the kernel has a change of the family, and how long that took.
func (d *Dataplane) EventToKernel(f family.Family, took time.Duration) {
	d.eventToKernel.WithLabelValues(f.String()).Observe(took.Seconds())
}

// OldestUnapplied says since when the family's kernel state lacks a change; the zero time
// says that it lacks none.
func (d *Dataplane) OldestUnapplied(f family.Family, since time.Time) { d.unapplied.Get(f).set(since) }

// Repaired counts n foreign changes to a kind of object ("route", "nftables") that were undone.
// What belongs to both families, as an nftables table does, is counted for family 0, as "both".
func (d *Dataplane) Repaired(kind string, f family.Family, n int) {
	d.repairs.WithLabelValues(kind, familyLabel(f)).Add(float64(n))
}

// Failed counts an attempt to program a kind of object that failed.
func (d *Dataplane) Failed(kind string, f family.Family) {
	d.familyFailures.WithLabelValues(kind, familyLabel(f)).Inc()
}

// InError sets how many objects of the kind are in error.
func (d *Dataplane) InError(kind string, f family.Family, n int) {
	d.inError.WithLabelValues(kind, familyLabel(f)).Set(float64(n))
}

// familyLabel writes family 0 as both.
func familyLabel(f family.Family) string {
	if f == 0 {
		return "both"
	}
	return f.String()
}
