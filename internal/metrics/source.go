package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// SyncState is how far the source is; its values are those of felix_resync_state.
type SyncState int

// The states of a source.
const (
	Waiting   SyncState = 1 // for the datastore
	Resyncing SyncState = 2 // reading what exists
	InSync    SyncState = 3
)

// Source are the metrics of where the agent's input comes from.
type Source struct {
	last     atomic.Int64 // the SyncState
	state    prometheus.Gauge
	resyncs  prometheus.Counter
	problems *prometheus.GaugeVec
	contact  *instant
}

// NewSource makes and registers the metrics of a source that is waiting.
func NewSource(r prometheus.Registerer, now func() time.Time) *Source {
	s := &Source{
		state:    gauge(r, "felix_resync_state", "State of the source: 1 waiting, 2 resync, 3 in sync.").WithLabelValues(),
		resyncs:  counter(r, "felix_resyncs_started", "Full reads of the source that were begun.").WithLabelValues(),
		problems: gauge(r, "margay_input_problems", "Problems in the input as it stands, by what is wrong.", "kind"),
		contact: newInstant(r, now, "margay_source_age_seconds",
			"Time since the source was last known to be current; 0 until it was for the first time.", nil),
	}
	s.SetState(Waiting)
	return s
}

// SetState tells how far the source is. Each change to Resyncing counts as a resync started.
func (s *Source) SetState(state SyncState) {
	if last := s.last.Swap(int64(state)); state == Resyncing && last != int64(Resyncing) {
		s.resyncs.Inc()
	}
	s.state.Set(float64(state))
}

// Contact notes that at this time the source was current: something was heard from the API
// server, or the directory was read.
func (s *Source) Contact(at time.Time) { s.contact.set(at) }

// Problems sets how many problems of each kind the input has; kinds not named have none.
func (s *Source) Problems(byKind map[string]int) {
	s.problems.Reset()
	for kind, n := range byKind {
		s.problems.WithLabelValues(kind).Set(float64(n))
	}
}
